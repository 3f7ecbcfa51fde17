"""Cameras and viewers for Python programs, on Trio, on asyncio, or in plain blocking code.

::

    from skysentry_trio.client import Viewer

    for frame in Viewer("http://localhost:8080", "door"):
        print(frame.sequence, len(frame.jpeg), frame.age)
"""

# General layout
#
#   viewer, camera      what programs use; `clients` does the work
#   frame               what they give and take
#   handle              closing, by hand or by `with`
#   handover            the newest frame from one thread to another, or to a loop
#   background          a Trio loop in a thread
#   loops               what Trio and asyncio do each in its own way
#
# There is one implementation and not one for each kind of caller, as it has to be in a thread anyway: a program that
# computes for 200 ms between two `await` keeps its own loop from receiving, and would find frames of then, not of now.

from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation, SkySentryError
from skysentry_trio.client.camera import Camera
from skysentry_trio.client.engine.connection import Refused
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
    "Frame",
    "ProtocolViolation",
    "Refused",
    "SkySentryError",
    "Viewer",
]
