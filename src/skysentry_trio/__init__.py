"""skysentry-trio: live JPEG relay, cameras in over one WebSocket and viewers out over another."""

# General layout
#
# What we know; no await, no Trio:
#   settings, units     every knob with its unit, default and limits
#   exceptions          what can go wrong, by whose fault it is
#   logs                one line for each event
#   frames              a frame, the ring of the newest, their rate
#   clip_files          parts of rings as files
#   flow                how fast is allowed
#   ledbat, acks        how many frames may be under way, by how late they get: in general, and to one viewer
#   demand              the most that viewers have use for
#   hops                how long a frame took to a screen, part by part
#   histogram           how often what lay between which bounds
#   placeholder         the picture that stands for a camera that shows none
#   wire/               bytes and text to values and back: messages, JPEG check, frame and request heads, REST replies
# Who is here:
#   relay/              hub, where all meet; cameras and viewers, what is known of one of either;
#                       camera_registry (all cameras, within their number and the budget of their rings);
#                       outbox (what waits for one viewer: the newest frame of each camera, by turns);
#                       audience and fan_out (which viewers watch a camera; how a frame reaches all of them);
#                       rewind (the playbacks of one viewer, each a playback in a ring);
#                       statistics and latency (what all have counted)
# How the process is:
#   health              whether it serves, stops, or keeps failing
#   loop_monitor        how late its event loop is
#   exporter            all that is counted, as Prometheus has it
# One module for each kind of remote party; none knows another:
#   endpoints/          capture, viewer; mjpeg and push, which endless tells from all that is answered once;
#                       rest, snapshots, clips, results, metrics, pages, which app puts together
# Sockets and deadlines; knows no cameras:
#   transport/          listener (one port), lane (frames past the WebSocket library, by frame_reader and
#                       frame_writer), websocket, http, systemd
# The other side of the protocol:
#   clients/            a camera and a viewer without a browser, and where a camera's pictures come from
#   client/             the same for Python programs, in a thread
# Supervision:
#   daemon              the nursery tree, on one page
#   cli/                arguments, environment and files to values; `logs` is set up here
#
# Imports point from the bottom of this list to its top; import-linter holds them to it. One JPEG's way is
# transport.lane -> endpoints.capture -> relay.hub -> relay.outbox -> endpoints.viewer -> transport.lane.

from skysentry_trio._version import __version__

__all__ = ["__version__"]
