"""Read videos, devices and addresses as JPEGs, with PyAV. All functions here block: call them in a thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from attrs import define, field, frozen
from PIL.Image import Image

from skysentry_trio.base.addresses import mask_address, mask_addresses
from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation, SkySentryError
from skysentry_trio.sources.encoder_target import UNLIMITED, EncoderTarget
from skysentry_trio.sources.encoding import UNCHANGED, ResizeSpec, encode_jpeg, reshape_jpeg
from skysentry_trio.sources.whole_jpeg import whole_jpeg

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.stream import VideoStream as AvStream

PEER_TIMEOUT = 10.0
"""Seconds that an address may take to answer or to send data."""


class VideoUnavailable(SkySentryError):
    """A video cannot be opened, or has ended with an error."""


@frozen
class VideoAddress:
    """The arguments with which FFmpeg opens a video."""

    url: str = field(repr=False)
    """A path, a device or an address."""
    format: str | None = None
    """FFmpeg's name of the format, if it cannot be detected."""
    options: tuple[dict[str, str], ...] = ({},)
    """Sets of FFmpeg options; the next set is tried if a device does not support the first."""

    def __str__(self) -> str:
        """Return the path, or the address without what may be secret."""
        return mask_address(self.url) if "://" in self.url else self.url


@frozen
class FrameFilter:
    """How to treat the pictures of a video; the target and the rate may change while the video plays."""

    shape: ResizeSpec = UNCHANGED
    """The user's options."""
    target: Callable[[], EncoderTarget] = lambda: UNLIMITED
    """Returns the current encoder target, for pictures that are encoded here."""
    leaves_out: Callable[[], str | None] = lambda: None
    """Called before each picture is encoded; returns the cause for leaving it out, or None."""


AS_IT_COMES = FrameFilter()


@define(eq=False)
class VideoStream:
    """An open video."""

    container: InputContainer
    stream: AvStream

    @property
    def fps(self) -> float | None:
        """Return the rate that the video declares, in frames a second; None if it declares no rate."""
        rate = self.stream.average_rate or self.stream.guessed_rate
        return float(rate) if rate else None

    @property
    def is_motion_jpeg(self) -> bool:
        """Whether the pictures are JPEGs already."""
        return self.stream.codec_context.name == "mjpeg"

    def jpegs(self, orders: FrameFilter) -> Iterator[bytes | str]:
        """Yield each picture as a JPEG, or the cause why the picture is left out: ``bad``, or a cause of the filter.

        JPEGs in the video are passed on unchanged if the resize spec allows it.

        Raises:
            VideoUnavailable: reading failed.
        """
        import av  # noqa: PLC0415 - an optional extra, and 100 MB to load

        convert = self._take_over if self.is_motion_jpeg else self._decode
        with self.container:
            try:
                for packet in self.container.demux(self.stream):
                    yield from convert(packet, orders)
            except (av.error.FFmpegError, OSError) as error:
                raise VideoUnavailable(_reason(error)) from None

    def _take_over(self, packet: Packet[AvStream], orders: FrameFilter) -> Iterator[bytes | str]:
        if not packet.size:  # the last packet, which makes a decoder return what it holds
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
        VideoUnavailable: there is no such video, or it is not a video.
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
    raise VideoUnavailable(f"cannot open {address}: {_reason(failure)}") from None


def _reason(error: Exception | None) -> str:
    # FFmpeg's full text repeats the address, which may have a password in it.
    return getattr(error, "strerror", None) or mask_addresses(str(error))
