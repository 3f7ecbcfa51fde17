"""Small videos, made by PyAV."""

from __future__ import annotations

from pathlib import Path

import av
from PIL import Image


def write_video(
    path: Path, count: int = 10, *, codec: str = "mjpeg", rate: int = 30, size: tuple[int, int] = (64, 48)
) -> list[bytes]:
    """Write a video, each frame of another shade, and return its packets: for mjpeg, the JPEGs in it."""
    packets: list[bytes] = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = {"mjpeg": "yuvj420p", "png": "rgb24"}.get(codec, "yuv420p")
        for number in range(count):
            image = Image.new("RGB", size, (number * 7 % 256, 255 - number * 3 % 256, number * 31 % 256))
            drawn: av.VideoFrame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
            frame = drawn.reformat(format=stream.pix_fmt)
            frame.pts = number
            for packet in stream.encode(frame):
                packets.append(bytes(packet))
                container.mux(packet)
        for packet in stream.encode():
            packets.append(bytes(packet))
            container.mux(packet)
    return packets
