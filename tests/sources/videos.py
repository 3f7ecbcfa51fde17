"""Small videos, made by PyAV."""

from __future__ import annotations

import struct
from fractions import Fraction
from io import BytesIO
from pathlib import Path

import av
from PIL import Image, ImageOps


def half_red(size: tuple[int, int] = (64, 32)) -> Image.Image:
    """Return a picture whose upper left quarter is red, to see how it was turned."""
    image = Image.new("RGB", size, "blue")
    image.paste((255, 0, 0), (0, 0, size[0] // 2, size[1] // 2))
    return image


def red_corner(jpeg: bytes) -> tuple[str, str]:
    """Return where the red quarter of a picture is, such as ("upper", "left")."""
    with Image.open(BytesIO(jpeg)) as opened:
        image = ImageOps.exif_transpose(opened).convert("RGB")
    found = []
    for row, y in (("upper", 0.25), ("lower", 0.75)):
        for column, x in (("left", 0.25), ("right", 0.75)):
            red, _, blue = image.getpixel((round(x * image.width), round(y * image.height)))  # type: ignore[misc]
            if red > blue:
                found.append((row, column))
    (corner,) = found
    return corner


def write_timed_video(path: Path, stamps: list[float], codec: str = "libvpx") -> None:
    """Write a video whose pictures have these time stamps in seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = 64, 48
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for number, stamp in enumerate(stamps):
            drawn: av.VideoFrame = av.VideoFrame.from_image(Image.new("RGB", (64, 48), (number * 40, 90, 90)))  # type: ignore[no-untyped-call]
            frame = drawn.reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = round(stamp * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def turn_video(path: Path, matrix: tuple[int, int, int, int]) -> None:
    """Write a display matrix of 1, 0 and -1 into the first track of an MP4 or MOV file, as phones do."""
    content = bytearray(path.read_bytes())
    a, b, c, d = (value << 16 for value in matrix)
    # ISO/IEC 14496-12 section 8.3.2: the matrix comes 44 bytes behind the name of the box, in 16.16 and 2.30 bits.
    start = content.index(b"tkhd") + 44
    content[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(content)


def write_video(
    path: Path,
    count: int = 10,
    *,
    codec: str = "mjpeg",
    rate: int = 30,
    size: tuple[int, int] = (64, 48),
    picture: Image.Image | None = None,
    ratio: Fraction | None = None,
) -> list[bytes]:
    """Write a video, each frame of another shade, and return its packets: for mjpeg, the JPEGs in it."""
    packets: list[bytes] = []
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = {"mjpeg": "yuvj420p", "png": "rgb24"}.get(codec, "yuv420p")
        if ratio is not None:
            stream.codec_context.sample_aspect_ratio = ratio
        for number in range(count):
            image = picture or Image.new("RGB", size, (number * 7 % 256, 255 - number * 3 % 256, number * 31 % 256))
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
