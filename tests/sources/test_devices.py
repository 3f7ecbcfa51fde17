from __future__ import annotations

import errno
import struct
from pathlib import Path

import pytest

from skysentry_trio.sources import devices as devices_module
from skysentry_trio.sources.devices import Device, can_capture, list_devices


def capability(of_driver: int, of_device: int) -> bytes:
    """Return a ``struct v4l2_capability``."""
    return struct.pack("=16s32s32sIII3I", b"uvcvideo", b"Webcam", b"usb", 0x60000, of_driver, of_device, 0, 0, 0)


@pytest.mark.parametrize(
    ("of_driver", "of_device", "can"),
    [
        (0x84A00001, 0x04200001, True),  # the camera of a webcam
        (0x84A00001, 0x04A00000, False),  # its metadata
        (0x84201000, 0x04201000, True),  # several planes
        (0x04000001, 0, True),  # an old driver
        (0x84200002, 0x04200002, False),  # an output
    ],
)
def test_what_gives_pictures_is_a_camera(of_driver: int, of_device: int, can: bool) -> None:
    """A webcam has a second device for metadata, which is no camera."""
    assert can_capture(capability(of_driver, of_device)) == can


def test_cameras_are_listed_in_the_order_of_their_numbers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the names of their drivers, and with the reason if one cannot be opened."""
    for name, title in {"video10": "Capture card\n", "video2": "", "video0": "Web\x1bcam\n", "video1": "meta"}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "name").write_text(title)
    (tmp_path / "v4l-subdev0").mkdir()

    def gives_pictures(device: Path) -> bool:
        if device.name == "video10":
            raise PermissionError(errno.EACCES, "Permission denied")
        return device.name != "video1"

    monkeypatch.setattr(devices_module, "_gives_pictures", gives_pictures)
    assert list_devices(tmp_path) == [
        Device("/dev/video0", "Web?cam"),
        Device("/dev/video2", "camera"),
        Device("/dev/video10", "Capture card", "Permission denied: is this user in the group video?"),
    ]


def test_a_file_that_is_no_device_is_listed_with_its_reason(tmp_path: Path) -> None:
    """The kernel refuses the question; nothing is raised."""
    (tmp_path / "video0").mkdir()
    devices = tmp_path / "dev"
    devices.mkdir()
    (devices / "video0").write_bytes(b"")
    (device,) = list_devices(tmp_path, devices)
    assert device.trouble is not None


def test_a_machine_without_video4linux_has_no_cameras(tmp_path: Path) -> None:
    """Not an error."""
    assert list_devices(tmp_path / "missing") == []
