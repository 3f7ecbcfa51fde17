"""Encode frames as H.264 in a fragmented MP4, which browsers, phones and messengers play."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, Final

from PIL import Image

from skysentry_trio.base.frames import JpegFrame
from skysentry_trio.base.logs import get_logger
from skysentry_trio.base.upright import turn_upright
from skysentry_trio.server.http.clip_files import NoEncoder, Pipe
from skysentry_trio.wire.jpeg import PictureSize
from skysentry_trio.wire.orientation import UPRIGHT, exchanges_sides, read_orientations

LONGEST_SIDE: Final = 3840
"""Pixels; larger pictures are scaled down, because many players decode no larger ones."""
_SHORTEST_SIDE: Final = 16
_MOST_PIXELS: Final = 100_000_000
"""A frame with more pixels is left out: a small JPEG may stand for a picture that fills the memory."""
_MILLISECONDS: Final = Fraction(1, 1000)
_KEY_FRAME_EVERY: Final = 2000
"""Milliseconds from one key frame to the next, so that players can jump."""
_ENCODERS: Final[tuple[tuple[str, dict[str, str]], ...]] = (
    # Without look-ahead, the encoder holds no frames back, and its memory is bounded.
    ("libx264", {"preset": "veryfast", "tune": "zerolatency", "crf": "23"}),
    ("libopenh264", {"b": "4000000"}),
)
_TV_RANGE: Final = 1
_BT_709: Final = 1

log = get_logger(__name__)


class Mp4Clip:
    """A video that is encoded frame by frame, with upright pictures, at the times at which the frames arrived.

    The size of the video is that of its largest picture. A picture of another shape is scaled, and has black bars.
    """

    def __init__(self, title: str, first: JpegFrame, size: PictureSize) -> None:
        """Start a file.

        Args:
            title: of the video, for people.
            first: the first frame; times count from its arrival.
            size: of the upright pictures, in pixels.

        Raises:
            ImportError: PyAV is not installed.
            NoEncoder: H.264 cannot be encoded.
        """
        # The import is slow, and most servers never need it.
        import av  # noqa: PLC0415

        self._av, self._start, self._time, self._key_due = av, first.arrived, -1, 0
        self._make_frame: Callable[[Image.Image], Any] = av.VideoFrame.from_image
        self._size, self._skipped = video_size(size), 0
        self._pipe = Pipe()
        self._container: Any = av.open(
            self._pipe, "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}
        )
        self._container.metadata["title"] = title
        self._container.metadata["creation_time"] = datetime.fromtimestamp(first.received_at, UTC).isoformat()
        self._stream = self._add_stream()

    def add(self, frames: Iterable[JpegFrame]) -> bytes:
        """Encode frames; those that cannot be decoded are left out and counted."""
        for frame in frames:
            picture = decode_upright(frame, self._size)
            if picture is None:
                self._skipped += 1
                continue
            # No two frames get the same time, because players would show only one of the two.
            self._time = max(self._time + 1, round((frame.arrived - self._start) * 1000))
            encoded = self._make_frame(picture).reformat(
                format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            encoded.pts, encoded.time_base = self._time, _MILLISECONDS
            if self._time >= self._key_due:
                encoded.pict_type = self._av.video.frame.PictureType.I
                self._key_due = self._time + _KEY_FRAME_EVERY
            self._container.mux(self._stream.encode(encoded))
        return self._pipe.take()

    def finish(self) -> bytes:
        """Return the bytes after the last frame."""
        if self._time >= 0:
            self._container.mux(self._stream.encode(None))
        self._container.close()
        if self._skipped:
            log.warning("frames of a clip could not be decoded", frames=self._skipped)
        return self._pipe.take()

    def _add_stream(self) -> Any:
        failure = "PyAV has none of " + ", ".join(name for name, _ in _ENCODERS)
        for name, options in _ENCODERS:
            try:
                self._av.codec.Codec(name, "w")
            except self._av.codec.codec.UnknownCodecError:
                continue
            stream = self._container.add_stream(name, rate=30, options=options)
            stream.time_base = _MILLISECONDS
            context = stream.codec_context
            context.width, context.height = self._size
            context.pix_fmt, context.time_base = "yuv420p", _MILLISECONDS
            # One thread: the other cores are for live frames.
            context.thread_count = 1
            context.color_range = _TV_RANGE
            context.colorspace = context.color_primaries = context.color_trc = _BT_709
            try:
                context.open()
            except (self._av.error.FFmpegError, OSError) as error:
                # A container cannot lose a stream again, so no other encoder is tried.
                raise NoEncoder(f"{name} does not work: {error.strerror or error}") from error
            return stream
        raise NoEncoder(failure)


def video_size(size: PictureSize) -> PictureSize:
    """Return the size of a video for pictures of this size: even, and at most `LONGEST_SIDE`."""
    scale = min(1.0, LONGEST_SIDE / max(size))
    return PictureSize(_even(size.width * scale), _even(size.height * scale))


def decode_upright(frame: JpegFrame, size: PictureSize) -> Image.Image | None:
    """Return a frame as an upright picture of exactly this size; None if it cannot be decoded."""
    if frame.width * frame.height > _MOST_PIXELS:
        return None
    orientation = read_orientations(frame.jpeg)[0] or UPRIGHT
    try:
        with Image.open(io.BytesIO(frame.jpeg)) as image:
            target = (size.height, size.width) if exchanges_sides(orientation) else (size.width, size.height)
            # Decoding a picture at half its size, or less, costs the decoder less than decoding the full picture.
            image.draft("RGB", target)
            upright = turn_upright(image.convert("RGB"), orientation)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return _fit(upright, size)


def _fit(picture: Image.Image, size: PictureSize) -> Image.Image:
    if picture.size == size:
        return picture
    scale = min(size.width / picture.width, size.height / picture.height)
    inner = (min(size.width, round(picture.width * scale) or 1), min(size.height, round(picture.height * scale) or 1))
    # An odd row or column is left out by scaling, not by a bar of one pixel.
    inner = tuple(whole if whole - part <= 1 else part for part, whole in zip(inner, size, strict=True))  # type: ignore[assignment]
    scaled = picture if picture.size == inner else picture.resize(inner)
    if inner == size:
        return scaled
    canvas = Image.new("RGB", size)
    canvas.paste(scaled, ((size.width - inner[0]) // 2, (size.height - inner[1]) // 2))
    return canvas


def _even(length: float) -> int:
    return max(_SHORTEST_SIDE, int(length) // 2 * 2)
