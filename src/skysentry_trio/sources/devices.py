"""Find the cameras at this machine: the devices of Video4Linux that give pictures."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import struct
from pathlib import Path
from typing import Final

from attrs import frozen

_CLASS: Final = Path("/sys/class/video4linux")
_NUMBER: Final = re.compile(r"video(\d+)")
_QUERYCAP: Final = 0x80685600
"""VIDIOC_QUERYCAP of linux/videodev2.h: reads a ``struct v4l2_capability``."""
_CAPABILITY_SIZE: Final = 104
_CAPABILITIES_AT: Final = 84
"""Where ``capabilities`` and ``device_caps`` are in the structure."""
_HAS_DEVICE_CAPS: Final = 0x80000000
_CAPTURE: Final = 0x1 | 0x1000
"""V4L2_CAP_VIDEO_CAPTURE and V4L2_CAP_VIDEO_CAPTURE_MPLANE."""


@frozen
class Device:
    """A camera at this machine."""

    path: str
    """Such as ``/dev/video0``."""
    name: str
    """What the driver calls it."""
    trouble: str | None = None
    """Why it cannot be opened, for people."""


def list_devices(system: Path = _CLASS, devices: Path = Path("/dev")) -> list[Device]:
    """Return the cameras at this machine; devices that give no pictures, such as those for metadata, are left out.

    Args:
        system: the folder in which the kernel lists the devices.
        devices: the folder of the devices.
    """
    try:
        names = [entry.name for entry in system.iterdir() if _NUMBER.fullmatch(entry.name)]
    except OSError:
        return []
    found = []
    for name in sorted(names, key=lambda name: int(name.removeprefix("video"))):
        trouble = None
        try:
            if not _gives_pictures(devices / name):
                continue
        except OSError as error:
            trouble = _explain(error)
        found.append(Device(str(devices / name), _read_name(system / name / "name"), trouble))
    return found


def can_capture(capability: bytes) -> bool:
    """Return whether a ``struct v4l2_capability`` is that of a device that gives pictures."""
    capabilities, of_device = struct.unpack_from("=II", capability, _CAPABILITIES_AT)
    # One driver may have several devices; then `capabilities` is what all of them can do together.
    return bool((of_device if capabilities & _HAS_DEVICE_CAPS else capabilities) & _CAPTURE)


def _gives_pictures(device: Path) -> bool:
    capability = bytearray(_CAPABILITY_SIZE)
    descriptor = os.open(device, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.ioctl(descriptor, _QUERYCAP, capability)
    finally:
        os.close(descriptor)
    return can_capture(bytes(capability))


def _explain(error: OSError) -> str:
    reason = error.strerror or str(error)
    return f"{reason}: is this user in the group video?" if error.errno == errno.EACCES else reason


def _read_name(path: Path) -> str:
    try:
        name = path.read_text(errors="replace").strip()
    except OSError:
        name = ""
    return "".join(character if character.isprintable() else "?" for character in name) or "camera"
