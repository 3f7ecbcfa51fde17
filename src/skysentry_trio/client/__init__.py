"""Cameras, viewers and events for Python programs, on Trio, on asyncio, or in plain blocking code.

::

    from skysentry_trio.client import Viewer

    for frame in Viewer("http://localhost:8080", "door"):
        print(frame.sequence, len(frame.jpeg), frame.age)
"""

# General layout
#
#   viewer, camera      what programs use; `engine` does the work
#   frame               a frame as a program gets it from a viewer
#   events              what happened at a camera: one request to the server for each call
#   thread/             a Trio loop in a background thread, and the handover of the newest frames to the program
#   engine/             the camera's and the viewer's side of the protocol
#
# The engine always runs in a thread, also if the program has a Trio or asyncio loop. A program that computes for 200 ms
# between two `await` blocks its own loop for that time. Without the thread, such a program would get old frames.

from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation, SkySentryError
from skysentry_trio.client.camera import Camera
from skysentry_trio.client.engine.connection import Refused
from skysentry_trio.client.events import Event, Events
from skysentry_trio.client.frame import Frame
from skysentry_trio.client.thread.handover import Closed
from skysentry_trio.client.viewer import Viewer
from skysentry_trio.wire.capture import Demand
from skysentry_trio.wire.results import Box

__all__ = [
    "Box",
    "Camera",
    "Closed",
    "ConfigurationError",
    "Demand",
    "Event",
    "Events",
    "Frame",
    "ProtocolViolation",
    "Refused",
    "SkySentryError",
    "Viewer",
]
