"""Read videos, devices and addresses as JPEGs, with PyAV. All functions here block: call them in a thread."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, field, frozen
from PIL.Image import Image

from skysentry_trio.base.addresses import mask_address, mask_addresses
from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation, SkySentryError
from skysentry_trio.base.upright import turn_upright
from skysentry_trio.sources.encoder_target import UNLIMITED, EncoderTarget
from skysentry_trio.sources.encoding import UNCHANGED, ResizeSpec, encode_jpeg, reshape_jpeg, stored_size
from skysentry_trio.sources.whole_jpeg import whole_jpeg
from skysentry_trio.wire.orientation import UPRIGHT, orient, read_orientations

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream as AvStream

PEER_TIMEOUT = 10.0
"""Seconds that an address may take to answer or to send data."""


_HAS_DISCONTINUITIES = 0x0200
"""FFmpeg's AVFMT_TS_DISCONT: in such a format, time stamps may jump."""


class VideoUnavailable(SkySentryError):
    """A video cannot be opened, or has ended with an error.

    Args:
        message: what happened, for people.
        errno: the number of the system's error; None if there is none.
    """

    def __init__(self, message: str, errno: int | None = None) -> None:
        super().__init__(message)
        self.errno = errno


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


@frozen
class Picture:
    """One picture of a video, or its place if the picture is left out."""

    jpeg: bytes | str = field(repr=False)
    """The JPEG; or the cause why the picture is left out: ``bad``, or a cause of the filter."""
    moment: float | None = None
    """The time stamp of the picture in seconds; None if it has none."""
    duration: float | None = None
    """How long to show the picture, in seconds; None if unknown."""


@define(eq=False)
class VideoStream:
    """An open video."""

    container: InputContainer
    stream: AvStream
    _orientation: int | None = field(default=None, init=False)
    """How the container wants Motion JPEG to be turned; None until the first picture was decoded."""

    @property
    def is_motion_jpeg(self) -> bool:
        """Whether the pictures are JPEGs already."""
        return self.stream.codec_context.name == "mjpeg"

    @property
    def has_end(self) -> bool:
        """Whether the video is a recording, whose duration is known."""
        return bool(self.container.duration)

    @property
    def longest_pause(self) -> float:
        """The longest plausible time between two pictures in seconds, as FFmpeg's player assumes it."""
        return 10.0 if self.container.format.flags & _HAS_DISCONTINUITIES else 3600.0

    def pictures(self, orders: FrameFilter) -> Iterator[Picture]:
        """Yield the pictures in the order in which they are shown, upright and with square pixels, as JPEGs.

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

    def _take_over(self, packet: Packet[AvStream], orders: FrameFilter) -> Iterator[Picture]:
        # The last packet is empty and makes a decoder return what it holds. An edit list may leave out other packets.
        if not packet.size or packet.is_discard:
            return
        place = _place_of(packet)
        if cause := orders.leaves_out():
            yield evolve(place, jpeg=cause)
            return
        shape = orders.shape if orders.shape == UNCHANGED else orders.shape.within(orders.target())
        try:
            jpeg = whole_jpeg(bytes(packet))
            orientation = self._orientation_of_container(packet)
            if orientation != UPRIGHT and read_orientations(jpeg)[0] is None:
                jpeg = orient(jpeg, orientation)
            yield evolve(place, jpeg=reshape_jpeg(jpeg, shape))
        except ProtocolViolation:
            yield evolve(place, jpeg="bad")

    def _orientation_of_container(self, packet: Packet[AvStream]) -> int:
        if self._orientation is None:
            import av  # noqa: PLC0415 - an optional extra, and 100 MB to load

            try:
                for picture in packet.decode():
                    self._orientation = _orientation_of(picture)
            except av.error.FFmpegError:
                pass
        return self._orientation or UPRIGHT

    def _decode(self, packet: Packet[AvStream], orders: FrameFilter) -> Iterator[Picture]:
        import av  # noqa: PLC0415 - an optional extra, and 100 MB to load

        try:
            pictures = packet.decode()
        except av.error.InvalidDataError:
            yield evolve(_place_of(packet), jpeg="bad")
            return
        for picture in pictures:
            place = _place_of(picture)
            if cause := orders.leaves_out():
                yield evolve(place, jpeg=cause)
                continue
            shape = orders.shape.within(orders.target())
            orientation = _orientation_of(picture)
            # Pixels need not be square (anamorphic video).
            ratio = self.stream.sample_aspect_ratio or 1
            full = (max(1, round(picture.width * ratio)), picture.height)
            width, height = stored_size(shape.size_for(*stored_size(full, orientation)), orientation)
            image: Image = picture.to_image(width=width, height=height)  # type: ignore[no-untyped-call]
            yield evolve(place, jpeg=encode_jpeg(turn_upright(image, orientation), shape.quality))


def _place_of(item: Packet[AvStream] | VideoFrame) -> Picture:
    """Return the time of a packet or a picture."""
    base = item.time_base
    if base is None:
        return Picture("")
    stamp = item.pts if item.pts is not None else item.dts
    return Picture("", None if stamp is None else float(stamp * base), float((item.duration or 0) * base) or None)


def _orientation_of(picture: VideoFrame) -> int:
    """Return how to turn a picture, as a number of EXIF, from its display matrix."""
    try:
        side_data: Iterable[Any] = list(picture.side_data)  # its type stub describes something else
    except ValueError:
        # PyAV does not know all kinds of data of FFmpeg, such as EXIF. Then it still knows the angle.
        quarters = round(picture.rotation / 90) % 4
        return (UPRIGHT, 8, 3, 6)[quarters]
    for data in side_data:
        if data.type.name == "DISPLAYMATRIX":
            across_x, across_y, _, down_x, down_y = struct.unpack("=5i", bytes(data)[:20])
            # Phones turn by right angles. A video that is turned by another angle is turned by the nearest right one.
            if abs(across_x) + abs(down_y) >= abs(across_y) + abs(down_x):
                return _STRAIGHT[across_x < 0, down_y < 0]
            return _TURNED[across_y < 0, down_x < 0]
    return UPRIGHT


_STRAIGHT = {(False, False): UPRIGHT, (True, False): 2, (True, True): 3, (False, True): 4}
"""Orientations by whether the picture is mirrored across, and upside down."""
_TURNED = {(False, False): 5, (False, True): 6, (True, True): 7, (True, False): 8}
"""Orientations by whether the way to the right leads up, and the way down leads to the left."""


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
        streams = container.streams.video
        # The cover of a film is a stream too.
        films = [stream for stream in streams if not stream.disposition & av.stream.Disposition.attached_pic]
        if not streams:
            container.close()
            raise VideoUnavailable(f"{address} has no pictures in it")
        best = container.streams.best("video")
        stream = next((film for film in films if film is best), (films or streams)[0])
        return VideoStream(container, stream)
    raise VideoUnavailable(f"cannot open {address}: {_reason(failure)}", getattr(failure, "errno", None)) from None


def _reason(error: Exception | None) -> str:
    # FFmpeg's full text repeats the address, which may have a password in it.
    return getattr(error, "strerror", None) or mask_addresses(str(error))
