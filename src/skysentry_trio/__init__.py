"""skysentry-trio: live JPEG relay, cameras in over one WebSocket and viewers out over another."""

# General layout
#
# What we know; no await, no Trio:
#   settings, units     every knob with its unit, default and limits
#   exceptions          what can go wrong, by whose fault it is
#   logs                one line for each event
#   frames              a frame, the ring of the newest, their rate
#   budget              the bytes that all rings may have together
#   playback            where in a ring a viewer looks that looks back
#   clip_files          parts of rings as files
#   flow, turns         how fast is allowed; whose turn is next
#   ledbat, acks        how many frames may be under way, by how late they get: in general, and to one viewer
#   demand              the most that viewers have use for
#   hops                how long a frame took to a screen, part by part
#   histogram, latency  how often what lay between which bounds; how old frames get, by hop
#   placeholder         the picture that stands for a camera that shows none
#   wire/               bytes and text to values and back: messages, JPEG check, frame and request heads, REST replies
# Who is here:
#   outbox              what waits for one viewer: the newest frame of each camera
#   cameras, viewers    what is known of one of either
#   camera_registry     all cameras, within their number and memory
#   audience, fan_out   which viewers watch a camera; how a frame reaches all of them
#   statistics          what all of them have counted
#   hub                 where they meet
#   rewind              the playbacks of one viewer
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
# transport.lane -> endpoints.capture -> hub -> outbox -> endpoints.viewer -> transport.lane.

from skysentry_trio._version import __version__

__all__ = ["__version__"]
