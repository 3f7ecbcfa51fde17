"""Videos, devices and addresses as JPEGs, by PyAV. Everything in here blocks: it belongs into a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from attrs import define, field, frozen
from PIL.Image import Image

from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation, SkySentryError
from skysentry_trio.sources.encoder_target import UNLIMITED, EncoderTarget
from skysentry_trio.sources.encoding import UNCHANGED, ResizeSpec, encode_jpeg, reshape_jpeg
from skysentry_trio.sources.whole_jpeg import whole_jpeg

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream as AvStream

PEER_TIMEOUT = 10.0
"""Seconds an address may take to answer, or to send something."""


class VideoUnavailable(SkySentryError):
    """A video cannot be opened, or broke off."""


@frozen
class VideoAddress:
    """What FFmpeg needs to know to open a video."""

    url: str = field(repr=False)
    """A path, a device, or an address."""
    format: str | None = None
    """FFmpeg's name of it, where it cannot be found out by looking."""
    options: tuple[dict[str, str], ...] = ({},)
    """FFmpeg's options; the next ones are tried where a device does not know the first."""

    def __str__(self) -> str:
        """Return the address without the password in it."""
        parts = urlsplit(self.url)
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


@frozen
class FrameFilter:
    """What is to become of a video's pictures; all of it may change while it plays."""

    shape: ResizeSpec = UNCHANGED
    """The user's own wish."""
    target: Callable[[], EncoderTarget] = lambda: UNLIMITED
    """What others want now, where pictures are encoded anyway."""
    leaves_out: Callable[[], str | None] = lambda: None
    """Is asked before the work for each picture: the cause why it is left out, None if it is not."""


AS_IT_COMES = FrameFilter()


@define(eq=False)
class VideoStream:
    """An open video."""

    container: InputContainer
    stream: AvStream

    @property
    def fps(self) -> float | None:
        """Return the rate the video says it has, in frames a second; None if it does not say."""
        rate = self.stream.average_rate or self.stream.guessed_rate
        return float(rate) if rate else None

    @property
    def is_motion_jpeg(self) -> bool:
        """Whether its pictures are JPEGs already."""
        return self.stream.codec_context.name == "mjpeg"

    def jpegs(self, orders: FrameFilter) -> Iterator[bytes | str]:
        """Yield each picture as a JPEG, or as the cause why it was left out: ``bad``, or what the orders say.

        JPEGs in the video are handed on as they are, if the shape asks for nothing else.

        Raises:
            VideoUnavailable: the video broke off.
        """
        import av  # noqa: PLC0415 - an optional extra, and 100 MB to load

        convert = self._take_over if self.is_motion_jpeg else self._decode
        with self.container:
            try:
                for packet in self.container.demux(self.stream):
                    yield from convert(packet, orders)
            except (av.error.FFmpegError, OSError) as error:
                raise VideoUnavailable(_reason(error)) from error

    def _take_over(self, packet: Packet[AvStream], orders: FrameFilter) -> Iterator[bytes | str]:
        if not packet.size:  # the last one, which tells a decoder to give back what it holds
            return
        if cause := orders.leaves_out():
            yield cause
            return
        shape = orders.shape if orders.shape == UNCHANGED else orders.shape.within(orders.target())
        try:
            yield reshape_jpeg(whole_jpeg(bytes(packet)), shape)
        except ProtocolViolation:
            yield "bad"

    def _decode(self, packet: Packet[AvStream], orders: FrameFilter) -> Iterator[bytes | str]:
        import av  # noqa: PLC0415 - an optional extra, and 100 MB to load

        try:
            pictures = packet.decode()
        except av.error.InvalidDataError:
            yield "bad"
            return
        for picture in pictures:
            if cause := orders.leaves_out():
                yield cause
                continue
            shape = orders.shape.within(orders.target())
            width, height = shape.size_for(picture.width, picture.height)
            image: Image = picture.to_image(width=width, height=height)  # type: ignore[no-untyped-call]
            yield encode_jpeg(image, shape.quality)


def open_video(address: VideoAddress) -> VideoStream:
    """Open a video.

    Raises:
        ConfigurationError: PyAV is not installed.
        VideoUnavailable: it is not there, or no video.
    """
    try:
        import av  # noqa: PLC0415 - an optional extra, and 100 MB to load
    except ImportError as error:
        raise ConfigurationError(
            "videos, devices and addresses are read by PyAV, which is not installed: "
            "pip install 'skysentry-trio[capture]'"
        ) from error
    failure: Exception | None = None
    for options in address.options:
        try:
            container = av.open(
                address.url, format=address.format, options=options, timeout=(PEER_TIMEOUT, PEER_TIMEOUT)
            )
        except (av.error.FFmpegError, OSError, ValueError) as error:
            failure = error
            continue
        if not container.streams.video:
            container.close()
            raise VideoUnavailable(f"{address} has no pictures in it")
        return VideoStream(container, container.streams.video[0])
    raise VideoUnavailable(f"cannot open {address}: {_reason(failure)}") from failure


def _reason(error: Exception | None) -> str:
    # FFmpeg's full text repeats the address, which may have a password in it.
    return getattr(error, "strerror", None) or str(error)
