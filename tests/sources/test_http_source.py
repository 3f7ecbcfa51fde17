from __future__ import annotations

import gzip
import threading
from collections.abc import Callable
from io import BytesIO
from itertools import count

import pytest
import trio
from PIL import Image

from skysentry_trio.sources import http_source
from skysentry_trio.sources.encoder_target import EncoderTarget
from skysentry_trio.sources.frames import FrameSlot, SourceFrame
from skysentry_trio.sources.opening import SourceOptions, open_source
from tests.jpegs import draw_jpeg, size_of
from tests.sources.http_cameras import JPEGS, MULTIPART, FakeHttpCamera, listening, picture, text
from tests.sources.videos import half_red, red_corner, write_video


def parts(
    *, before: bytes = b"\r\n--b\r\n", head: bytes = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n", off: int = 0
) -> bytes:
    """Return the body of a stream of three JPEGs; ``off`` is added to each announced length."""
    heads = [head % (len(jpeg) + off) if b"%d" in head else head for jpeg in JPEGS]
    return b"".join(before + head + b"\r\n" + jpeg for head, jpeg in zip(heads, JPEGS, strict=True)) + before


def chunked(body: bytes) -> bytes:
    pieces = [body[start : start + 100] for start in range(0, len(body), 100)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)


def kind(name: str, *, version: str = "HTTP/1.1 200 OK", more: str = "") -> bytes:
    return f"{version}\r\nContent-Type: {name}\r\n{more}\r\n".encode()


STREAMS: dict[str, bytes] = {
    "as the standard says": MULTIPART + parts(),
    "Tasmota, esp32cam: no boundary first": MULTIPART + parts().removeprefix(b"\r\n--b\r\n"),
    "image/jpg": MULTIPART + parts(head=b"Content-Type: image/jpg\r\nContent-Length: %d\r\n"),
    "no type": MULTIPART + parts(head=b"Content-Length: %d\r\n"),
    "a type with a parameter": MULTIPART
    + parts(head=b"Content-Type: image/jpeg; charset=binary\r\nContent-Length: %d\r\n"),
    "octets": MULTIPART + parts(head=b"Content-Type: application/octet-stream\r\nContent-Length: %d\r\n"),
    "two bytes too few": MULTIPART + parts(off=-2),
    "two bytes too many": MULTIPART + parts(off=2),
    "no lengths": MULTIPART + parts(head=b"Content-Type: image/jpeg\r\n"),
    "line feeds": MULTIPART.replace(b"\r\n", b"\n") + parts(before=b"\n--b\n").replace(b"\r\n", b"\n"),
    "a quoted boundary": kind('multipart/x-mixed-replace;boundary="b"') + parts(),
    "a boundary with dashes": kind("multipart/x-mixed-replace; boundary=--b") + parts(),
    "a boundary without dashes": kind("multipart/x-mixed-replace; boundary=bbb") + parts(before=b"\r\nbbb\r\n"),
    "another boundary": kind("multipart/x-mixed-replace; boundary=other") + parts(),
    "no boundary announced": kind("multipart/x-mixed-replace") + parts(),
    "multipart/mixed": kind("multipart/mixed; boundary=b") + parts(),
    "HTTP/1.0": kind("multipart/x-mixed-replace; boundary=b", version="HTTP/1.0 200 OK") + parts(),
    "ICY": kind("multipart/x-mixed-replace; boundary=b", version="ICY 200 OK") + parts(),
    "a status line without a reason": kind("multipart/x-mixed-replace", version="HTTP/1.1 200") + parts(),
    "no version": kind("multipart/x-mixed-replace", version="HTTP 200 OK") + parts(),
    "no head at all": parts(),
    "a length of the whole body, which is wrong": kind("multipart/x-mixed-replace", more="Content-Length: 10\r\n")
    + parts(),
    "a header without a colon": kind("multipart/x-mixed-replace", more="nonsense\r\nname with spaces : x\r\n")
    + parts(),
    "chunked": kind("multipart/x-mixed-replace", more="Transfer-Encoding: chunked\r\n") + chunked(parts()),
    "gzip": kind("multipart/x-mixed-replace", more="Content-Encoding: gzip\r\n") + gzip.compress(parts()),
    "no content type": b"HTTP/1.1 200 OK\r\n\r\n" + parts(),
    "a wrong content type": kind("text/html") + parts(),
    "nothing between the pictures": kind("video/x-motion-jpeg") + b"".join(JPEGS),
    "the same as a picture": kind("image/jpeg", version="HTTP/1.0 200 OK") + b"".join(JPEGS),
    "an answer that announces another one": b"HTTP/1.1 100 Continue\r\n\r\n" + MULTIPART + parts(),
}


async def collect(url: str, count: int, options: SourceOptions | None = None) -> list[bytes]:
    """Return at most a number of different pictures that an address gives."""
    received: list[bytes] = []
    with trio.fail_after(15):
        async with open_source(url, options or SourceOptions(once=True)) as slot:
            try:
                while len(received) < count:
                    received.append((await slot.receive()).jpeg)
            except trio.EndOfChannel:
                pass
    return received


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Return all the pictures that sources offer, also those that newer ones replace."""
    jpegs: list[bytes] = []
    offer = FrameSlot.offer

    def note(slot: FrameSlot, frame: SourceFrame) -> None:
        jpegs.append(frame.jpeg)
        offer(slot, frame)

    monkeypatch.setattr(FrameSlot, "offer", note)
    return jpegs


@pytest.mark.parametrize("answer", STREAMS.values(), ids=STREAMS.keys())
async def test_motion_jpeg_is_taken_as_browsers_take_it(answer: bytes, offered: list[bytes]) -> None:
    """Every picture of each of these cameras, byte for byte."""
    camera = FakeHttpCamera(lambda request: answer)
    async with listening(camera.serve) as address:
        received = await collect(f"http://{address}/stream", 10)
    assert offered == JPEGS
    assert received[-1] == JPEGS[-1]


async def test_a_stream_that_ends_is_asked_for_again() -> None:
    """A camera that starts again is followed again; each stream that brings a picture makes the next wait short."""
    camera = FakeHttpCamera(lambda request: MULTIPART + parts())
    async with listening(camera.serve) as address, open_source(f"http://{address}/", SourceOptions()) as slot:
        with trio.fail_after(20):
            while camera.connections < 4:
                await slot.receive()
        assert slot.trouble is None or "has ended; trying again in 0." in slot.trouble


async def test_a_picture_is_handed_on_before_the_next_one_comes(offered: list[bytes]) -> None:
    """With a right length, no viewer sees a picture one picture later."""
    body = parts().removesuffix(b"\r\n--b\r\n")
    camera = FakeHttpCamera(lambda request: MULTIPART + body, holds=True)
    async with listening(camera.serve) as address, open_source(f"http://{address}/", SourceOptions()) as slot:
        with trio.fail_after(5):
            while (await slot.receive()).jpeg != JPEGS[-1]:
                pass


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (text("200 OK", "<html>log in</html>"), "answers with text/html, expected image/jpeg or multipart/x-mixed-r"),
        (picture(b"{}", "application/json"), "answers with application/json, expected image/jpeg"),
        (picture(b"<svg/>", "image/svg+xml"), "answers with image/svg+xml that begins with 3C 73 76 67, expected"),
        (picture(b""), "answers with no data, expected image/jpeg"),
        (text("404 Not Found"), "answers with status 404 Not Found"),
        (text("503 Busy"), "answers with status 503 Busy"),
        (text("401 Unauthorized"), "401 Unauthorized: it wants a user and a password, as in http://user:password@"),
        (b"SSH-2.0-dropbear\r\n\r\n", "does not speak HTTP: expected a status line of HTTP, got 'SSH-2.0-dropbear'"),
        (MULTIPART + b"GIF89a\r\n", "sends no valid Motion JPEG: expected a boundary first"),
        (MULTIPART + b"--b\r\n\r\nno picture\r\n" * 61, "expected a JPEG, which begins with FF D8"),
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n", "redirects too often"),
        (b"HTTP/1.1 302 Found\r\nLocation: gopher://x/\r\n\r\n", "redirects to gopher://x/, which cannot be followed"),
        (b"", "closed the connection instead of answering"),
        (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20000, "answers with a head of more than 32768 bytes"),
        (kind("image/png", more="Content-Length: 9\r\n") + b"\x89PNG12345", "the picture cannot be decoded"),
        (kind("image/jpeg", more="Content-Encoding: gzip\r\n") + JPEGS[0], "cannot be decompressed"),
    ],
)
async def test_what_gives_no_picture_is_named_and_tried_again(
    monkeypatch: pytest.MonkeyPatch, answer: bytes, words: str
) -> None:
    """The status says which address, what it answers and what was expected; the camera may come back."""
    # A random wait may be so short that nobody sees the trouble.
    monkeypatch.setattr("random.random", lambda: 0.5)
    answers = iter([answer])
    recovered = MULTIPART + parts()
    camera = FakeHttpCamera(lambda request: recovered if b"/?secret" not in request else next(answers, recovered))
    if b"Location: /x" in answer:
        camera.answer = lambda request: answer if camera.connections < 9 else recovered
    troubles: list[str] = []
    async with listening(camera.serve) as address, open_source(f"http://{address}/?secret", SourceOptions()) as slot:
        with trio.fail_after(15):
            while not slot.offered:
                with trio.move_on_after(0.01):
                    await slot.receive()
                if slot.trouble:
                    troubles.append(slot.trouble)
    assert any(words in trouble for trouble in troubles), troubles
    assert not any("secret" in trouble for trouble in troubles)


async def test_an_address_that_nobody_serves_is_tried_again() -> None:
    """The reason is that of the system."""
    with trio.socket.socket() as unused:
        await unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with open_source(f"http://127.0.0.1:{port}/", SourceOptions()) as slot:
            with trio.fail_after(5):
                while slot.trouble is None:
                    with trio.move_on_after(0.01):
                        await slot.receive()
    assert slot.trouble.startswith(f"cannot reach http://127.0.0.1:{port}/: Connection refused; trying again in")


# A picture that is asked for


async def test_a_snapshot_address_is_asked_again_and_again() -> None:
    """At --fps, on one connection as long as the camera keeps it."""
    shades = count()
    camera = FakeHttpCamera(lambda request: picture(draw_jpeg(next(shades))), keeps=True)
    async with listening(camera.serve) as address:
        start = trio.current_time()
        assert await collect(f"http://{address}/snap", 4, SourceOptions(fps=10)) == [draw_jpeg(n) for n in range(4)]
        assert trio.current_time() - start > 0.2
    assert camera.connections == 1
    assert camera.requests[0].startswith(b"GET /snap HTTP/1.1\r\nHost: 127.0.0.1:")


async def test_a_camera_that_closes_after_each_picture_is_connected_to_again() -> None:
    """Whether it says so or not; this is no trouble."""
    for more in ("Connection: close\r\n", ""):
        shades = count()
        answer: Callable[[bytes], bytes] = lambda request: picture(draw_jpeg(next(shades)), more=more)  # noqa: B023, E731
        camera = FakeHttpCamera(answer)
        async with listening(camera.serve) as address, open_source(f"http://{address}/", SourceOptions(fps=50)) as slot:
            with trio.fail_after(5):
                assert [(await slot.receive()).jpeg for _ in range(4)] == [draw_jpeg(n) for n in range(4)]
            assert slot.trouble is None


async def test_a_snapshot_that_has_not_changed_is_no_new_frame(offered: list[bytes]) -> None:
    """The camera is told which picture is known, and need not send it again."""
    tags = iter([b'"1"', b'"1"', b'"1"', b'"2"'])

    def answer(request: bytes) -> bytes:
        tag = next(tags, b'"2"')
        if b"If-None-Match: " + tag in request and b"If-Modified-Since: Sun, 06 Nov 1994" in request:
            return b"HTTP/1.1 304 Not Modified\r\n\r\n"
        more = f"ETag: {tag.decode()}\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        return picture(JPEGS[int(tag[1:2])], more=more)

    camera = FakeHttpCamera(answer, keeps=True)
    async with listening(camera.serve) as address, open_source(f"http://{address}/", SourceOptions(fps=50)) as slot:
        with trio.fail_after(5):
            assert [(await slot.receive()).jpeg for _ in range(2)] == JPEGS[1:]
            while len(camera.requests) < 8:
                with trio.move_on_after(0.01):
                    await slot.receive()
    assert offered == JPEGS[1:]
    assert camera.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        picture(JPEGS[0], "image/jpg"),
        picture(JPEGS[0], "application/octet-stream"),
        b"HTTP/1.0 200 OK\r\n\r\n" + JPEGS[0],
        JPEGS[0],
        picture(JPEGS[0] + bytes(100)),
        kind("image/jpeg", more=f"Content-Length: {len(JPEGS[0]) - 2}\r\n") + JPEGS[0],
        kind("image/jpeg", more=f"Content-Length: {len(JPEGS[0]) + 2}\r\n") + JPEGS[0],
        kind("image/jpeg", more="Transfer-Encoding: chunked\r\n") + chunked(JPEGS[0]) + b"0\r\n\r\n",
        kind("image/jpeg", more="Transfer-Encoding: chunked\r\n") + chunked(JPEGS[0]),
        kind("image/jpeg", more="Content-Encoding: gzip\r\n") + gzip.compress(JPEGS[0]),
    ],
)
async def test_odd_snapshots_are_taken(answer: bytes) -> None:
    """With --once, one picture is all."""
    camera = FakeHttpCamera(lambda request: answer)
    async with listening(camera.serve) as address:
        assert await collect(f"http://{address}/", 5) == [JPEGS[0]]


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "I;16", "P", "CMYK"])
async def test_pictures_of_other_formats_become_jpegs(mode: str) -> None:
    """White stays white in any depth of colour, and what is transparent becomes black."""
    image = Image.new("RGB", (32, 24), "white").convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.new("I;16", (32, 24), 65535)
    if mode == "RGBA":
        image.putalpha(0)
    encoded = BytesIO()
    image.save(encoded, "TIFF" if mode == "CMYK" else "PNG")
    if mode == "CMYK":
        encoded = BytesIO()
        image.save(encoded, "JPEG")
    camera = FakeHttpCamera(lambda request: picture(encoded.getvalue(), "image/png"))
    async with listening(camera.serve) as address:
        (jpeg,) = await collect(f"http://{address}/", 5, SourceOptions(once=True, quality=90))
    with Image.open(BytesIO(jpeg)) as shown:
        assert shown.mode == "RGB"
        assert shown.getpixel((16, 12)) == pytest.approx((0, 0, 0) if mode == "RGBA" else (255, 255, 255), abs=4)


async def test_a_snapshot_is_made_smaller_and_upright() -> None:
    """With --width, the orientation in EXIF is obeyed."""
    encoded, exif = BytesIO(), Image.Exif()
    exif[0x0112] = 6
    half_red().save(encoded, "JPEG", exif=exif)
    camera = FakeHttpCamera(lambda request: picture(encoded.getvalue()))
    async with listening(camera.serve) as address:
        (jpeg,) = await collect(f"http://{address}/", 1, SourceOptions(width=16))
    assert (size_of(jpeg), red_corner(jpeg)) == ((16, 32), ("upper", "right"))


async def test_a_snapshot_is_asked_for_only_as_often_as_viewers_need_it() -> None:
    """Nobody pays for pictures that nobody watches."""
    camera = FakeHttpCamera(lambda request: picture(JPEGS[0]), keeps=True)
    async with listening(camera.serve) as address, open_source(f"http://{address}/", SourceOptions(fps=100)) as slot:
        slot.set_target(EncoderTarget(max_fps=0.1))
        with trio.fail_after(5):
            await slot.receive()
            while slot.dropped["demand"] < 5:
                with trio.move_on_after(0.01):
                    await slot.receive()
    assert len(camera.requests) <= 2


async def test_a_stream_is_thinned_by_the_user_and_by_demand() -> None:
    """As a device is."""
    camera = FakeHttpCamera(lambda request: MULTIPART + parts(), holds=True)
    async with listening(camera.serve) as address:
        for options, target, cause in (
            (SourceOptions(fps=0.1), EncoderTarget(), "rate"),
            (SourceOptions(), EncoderTarget(max_fps=0.1), "demand"),
        ):
            async with open_source(f"http://{address}/", options) as slot:
                slot.set_target(target)
                with trio.fail_after(5):
                    assert (await slot.receive()).jpeg == JPEGS[0]
                    while slot.dropped[cause] < 2:  # noqa: ASYNC110 - nobody announces it
                        await trio.sleep(0.01)
                assert not slot.encodes


async def test_slow_encoding_makes_no_picture_old(monkeypatch: pytest.MonkeyPatch) -> None:
    """While one picture is encoded, only the newest one waits."""
    release = threading.Event()

    def encode(jpeg: bytes, shape: object) -> bytes:
        assert release.wait(10)
        return jpeg

    monkeypatch.setattr(http_source, "reshape_jpeg", encode)
    jpegs = [draw_jpeg(shade) for shade in range(20)]
    body = b"".join(b"--b\r\nContent-Length: %d\r\n\r\n%b\r\n" % (len(jpeg), jpeg) for jpeg in jpegs)
    camera = FakeHttpCamera(lambda request: MULTIPART + body, holds=True)
    async with (
        listening(camera.serve) as address,
        open_source(f"http://{address}/", SourceOptions(quality=50)) as slot,
    ):
        with trio.fail_after(5):
            with trio.move_on_after(0):
                await slot.receive()
            while slot.dropped["behind"] < 18:  # noqa: ASYNC110 - nobody announces it
                await trio.sleep(0.01)
            release.set()
            assert (await slot.receive()).jpeg == jpegs[0]
            assert (await slot.receive()).jpeg == jpegs[-1]
        assert slot.encodes


async def test_a_refused_password_is_not_tried_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera that locks users out is left alone, and tried again later."""
    monkeypatch.setattr(http_source, "LOCK_OUT_PAUSE", 0.2)
    camera = FakeHttpCamera(lambda request: text("401 No") if len(camera.requests) < 5 else picture(JPEGS[0]))
    async with (
        listening(camera.serve) as address,
        open_source(f"http://user:wrong@{address}/", SourceOptions()) as slot,
    ):
        start = trio.current_time()
        with trio.fail_after(10):
            assert (await slot.receive()).jpeg == JPEGS[0]
        assert trio.current_time() - start >= 0.4


async def test_a_stream_that_falls_silent_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A camera that keeps the connection and sends nothing is given up."""
    monkeypatch.setattr(http_source, "STALL", 0.1)
    camera = FakeHttpCamera(lambda request: MULTIPART + parts(), holds=True)
    async with listening(camera.serve) as address, open_source(f"http://{address}/", SourceOptions()) as slot:
        with trio.fail_after(10):
            while camera.connections < 2:
                with trio.move_on_after(0.05):
                    await slot.receive()
                assert slot.trouble is None or f"no picture from http://{address}/ for 0.1 s" in slot.trouble


# Passwords and detours


async def test_a_redirect_is_followed() -> None:
    """To another path, and to another camera, which does not learn the password."""
    other = FakeHttpCamera(lambda request: picture(JPEGS[1]))
    async with listening(other.serve) as elsewhere:

        def answer(request: bytes) -> bytes:
            if request.startswith(b"GET /a "):
                return text("301 Moved Permanently", "moved", "Location: b?x=1\r\n")
            return text("307 Temporary Redirect", "", f"Location: http://localhost:{elsewhere.partition(':')[2]}/c\r\n")

        camera = FakeHttpCamera(answer, keeps=True)
        async with listening(camera.serve) as address:
            assert await collect(f"http://user:secret@{address}/a", 1) == [JPEGS[1]]
    assert [request.split(b"\r\n")[0] for request in camera.requests] == [b"GET /a HTTP/1.1", b"GET /b?x=1 HTTP/1.1"]
    assert b"uthorization" not in other.requests[0]


async def test_a_video_is_left_to_ffmpeg(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is neither Motion JPEG nor a picture; a recording is played at its rate, not as fast as it arrives."""
    path = tmp_path_factory.mktemp("videos") / "v.mkv"
    write_video(path, 20, rate=40, codec="libx264")
    content = path.read_bytes()
    camera = FakeHttpCamera(lambda request: picture(content, "video/x-matroska"))
    async with listening(camera.serve) as address:
        start = trio.current_time()
        received = await collect(f"http://{address}/v.mkv", 30)
        assert trio.current_time() - start > 0.25
    assert len(received) > 10
    assert {size_of(jpeg) for jpeg in received} == {(64, 48)}
