"""A camera over HTTP, in virtual time: what is taken, and what is refused."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from tests.hubs import nothing
from tests.jpegs import draw_jpeg
from tests.server.http.push_harness import chunk, door
from tests.server.websocket.fakes import JPEG, NO_JPEG

PATIENCE = 40.0
"""The ping interval and the ping timeout."""


def part(data: bytes, *headers: str) -> bytes:
    """Write a part and the boundary of the next."""
    lines = "".join(f"{header}\r\n" for header in (f"Content-Length: {len(data)}", *headers))
    return lines.encode() + b"\r\n" + data + b"\r\n--b\r\n"


# Single pictures


async def test_a_jpeg_is_taken(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is the camera's newest frame, and the answer says which number it has."""
    monkeypatch.setattr("time.time", lambda: 1600000001.0)
    async with door() as here:
        first = await here.post(JPEG, query="?name=Front%20door")
        second = await here.post(draw_jpeg(1), "image/jpg", "X-Timestamp: 1600000000.5")

    assert (first.head[0], second.head[0]) == (201, 201)
    assert first.json == {"clientId": "door", "frames": 1, "sequence": 1, "refused": {}, "success": True}
    assert second.json["sequence"] == 2
    assert first.lingered
    assert here.frames == [JPEG, draw_jpeg(1)]
    assert [frame.captured_at for frame in here.camera.ring] == [None, 1600000000.5]
    assert here.camera.name == "Front door"
    assert (here.camera.ring.newest and here.camera.ring.newest.width) == 32


@pytest.mark.parametrize("kind", ["image/jpeg", "IMAGE/JPG; charset=binary", None, "multipart/form-data; boundary=b"])
@pytest.mark.parametrize("before", [b"", b"\r\n", b"\0", b"junk junk"], ids=repr)
@pytest.mark.parametrize("behind", [b"", b"\0", 512 * b"\0", b"\r\n", 96 * b"x"], ids=len)
async def test_bytes_around_a_jpeg_are_cut_off(
    autojump_clock: MockClock, kind: str | None, before: bytes, behind: bytes
) -> None:
    """In a body and in a form, whatever it is called."""
    body = before + JPEG + behind
    if kind is not None and kind.startswith("multipart"):
        body = b"--b\r\nContent-Type: image/jpeg\r\n\r\n" + body + b"\r\n--b--\r\n"
    async with door() as here:
        answer = await here.post(body, kind)

    assert answer.head[0] == 201
    assert here.frames == [JPEG]


@pytest.mark.parametrize(
    "stamp", ["12.3", "-1", "1e300", "nan", "inf", "now", "1700000000250", "1700007200", "1699992800"]
)
async def test_a_wrong_time_does_not_cost_the_picture(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, stamp: str
) -> None:
    """In the head of a request or of a part: the time is unknown, and counted."""
    monkeypatch.setattr("time.time", lambda: 1700000000.0)
    async with door() as here:
        await here.post(JPEG, "image/jpeg", f"X-Timestamp: {stamp}")
        await here.post(b"--b\r\n" + part(JPEG, f"X-Timestamp: {stamp}"), "multipart/form-data; boundary=b")

    assert [frame.captured_at for frame in here.camera.ring] == [None, None]
    assert here.camera.times_ignored == 2


@pytest.mark.parametrize("kind", [None, "application/octet-stream", "application/x-www-form-urlencoded", "text/plain"])
async def test_a_jpeg_is_known_by_its_first_bytes(autojump_clock: MockClock, kind: str | None) -> None:
    """Programs say what they like of what they send, or nothing."""
    async with door() as here:
        answer = await here.post(JPEG, kind)

    assert answer.head[0] == 201
    assert here.frames == [JPEG]


async def test_a_jpeg_may_come_in_chunks_of_any_size(autojump_clock: MockClock) -> None:
    """With the length not known before."""
    async with door() as here:
        stream = await here.begin("Content-Type: image/jpeg", "Transfer-Encoding: chunked")
        for index in range(0, len(JPEG), 100):
            stream.say(chunk(JPEG[index : index + 100]))
            await trio.sleep(1)
        stream.say(b"0\r\n\r\n")
        await trio.sleep(1)

    assert stream.head[0] == 201
    assert here.frames == [JPEG]


async def test_who_asks_first_is_told_to_go_on(autojump_clock: MockClock) -> None:
    """As curl does, for larger bodies (RFC 9110 section 10.1.1)."""
    async with door() as here:
        asking = "Expect: 100-continue"
        stream = await here.begin("Content-Type: image/jpeg", f"Content-Length: {len(JPEG)}", asking)
        told = bytes(stream.written)
        stream.written.clear()
        stream.say(JPEG)
        await trio.sleep(1)

    assert told.startswith(b"HTTP/1.1 100 ")
    assert stream.head[0] == 201


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (NO_JPEG, "image/jpeg", "expected a JPEG, which begins with FF D8"),
        (b"", "image/jpeg", "an empty message"),
        (JPEG[:-1], "image/jpeg", "end with FF D9"),
        (NO_JPEG, None, "expected a JPEG or multipart"),
        (b"", None, "expected a JPEG or multipart"),
        (b"{}", "application/json", "expected a JPEG or multipart, got 'application/json' that begins with 7B 7D"),
    ],
)
async def test_what_is_no_jpeg_is_refused(autojump_clock: MockClock, body: bytes, kind: str | None, words: str) -> None:
    """With 415 and what came instead; whoever sends it is no camera."""
    async with door() as here:
        answer = await here.post(body, kind)

    assert answer.head[0] == 415
    assert words in answer.json["error"]
    assert here.hub.camera("door") is None
    assert here.hub.statistics().peers_refused == {("camera", "not-a-jpeg"): 1}


async def test_a_picture_that_is_announced_too_large_is_not_waited_for(autojump_clock: MockClock) -> None:
    """Its sender is not even told to go on."""
    async with door(max_frame_size=1024) as here:
        asking = "Expect: 100-continue"
        announced = await here.begin("Content-Type: image/jpeg", "Content-Length: 1025", asking)

    assert announced.head[0] == 413
    assert announced.json["error"] == "a frame may have 1024 bytes, got 1025"


async def test_a_picture_that_turns_out_too_large_is_not_read_on(autojump_clock: MockClock) -> None:
    """However it comes."""
    async with door(max_frame_size=1024) as here:
        stream = await here.begin("Content-Type: image/jpeg", "Transfer-Encoding: chunked")
        stream.say(chunk(bytes(1000)))
        await trio.sleep(1)
        before = bytes(stream.written)
        stream.say(chunk(bytes(25)))
        await trio.sleep(1)

    assert before == b""
    assert stream.head[0] == 413


async def test_a_form_is_taken(autojump_clock: MockClock) -> None:
    """As an ESP32-CAM posts it; its text fields are no frames, a file that is no JPEG is a refused one."""
    body = (
        b'--x\r\nContent-Disposition: form-data; name="camera"\r\n\r\nesp32\r\n'
        b'--x\r\nContent-Disposition: form-data; name="log"; filename="a.txt"\r\n\r\nready\r\n'
        b'--x\r\nContent-Disposition: form-data; name="imageFile"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        + JPEG
        + b"\r\n--x--\r\n"
    )
    async with door() as here:
        answer = await here.post(body, "multipart/form-data; boundary=x")
        online = here.camera.online

    assert answer.head[0] == 201
    assert answer.json == {
        "clientId": "door",
        "frames": 1,
        "sequence": 1,
        "refused": {"not-a-jpeg": 1},
        "success": True,
    }
    assert here.frames == [JPEG]
    assert online


@pytest.mark.parametrize("body", [b"--x--\r\n", b"--x\r\n\r\nno picture\r\n--x--\r\n"])
async def test_a_form_without_a_picture_is_refused(autojump_clock: MockClock, body: bytes) -> None:
    """It would look as if all were well."""
    async with door() as here:
        answer = await here.post(body, "multipart/form-data; boundary=x")

    assert answer.head[0] == 415
    assert here.hub.camera("door") is None


async def test_pictures_that_come_too_fast_are_refused(autojump_clock: MockClock) -> None:
    """429 says when to try again."""
    async with door(max_fps=1) as here:
        answers = [await here.post(JPEG) for _ in range(3)]

    assert [answer.head[0] for answer in answers] == [201, 429, 429]
    assert answers[-1].head[1]["retry-after"] == "1"
    assert here.camera.refused == {"too-fast": 2}


async def test_a_full_server_says_so(autojump_clock: MockClock) -> None:
    """503, and nobody who was there is sent away."""
    async with door(max_cameras=1) as here:
        with here.hub.register("gate", on_end=nothing):
            answer = await here.post(JPEG)
            online = [camera.id for camera in here.hub.cameras if camera.online]

    assert answer.head[0] == 503
    assert online == ["gate"]


# Streams


async def test_a_stream_is_taken_picture_by_picture(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each in the moment in which it is whole, online as long as it lasts, and answered in the end."""
    # Without this, the virtual time that passes would look like a wall clock that was set back.
    monkeypatch.setattr("time.time", autojump_clock.current_time)
    async with door() as here:
        stream = await here.stream()
        counts = []
        for shade in range(3):
            stream.say(chunk(part(draw_jpeg(shade), f"X-Timestamp: {shade}.5")))
            await trio.sleep(20)
            counts.append((len(here.frames), here.camera.online))
        stream.say(b"0\r\n\r\n")
        await trio.sleep(1)

    assert counts == [(1, True), (2, True), (3, True)]
    assert stream.head[0] == 200
    assert stream.json == {"clientId": "door", "frames": 3, "sequence": 3, "refused": {}, "success": True}
    assert not here.camera.online
    assert [frame.captured_at for frame in here.camera.ring] == [0.5, 1.5, 2.5]


async def test_a_stream_is_known_by_its_first_bytes(autojump_clock: MockClock) -> None:
    """FFmpeg says nothing of what it sends."""
    async with door() as here:
        stream = await here.stream(kind=None)
        stream.say(chunk(part(JPEG)))
        await trio.sleep(1)
        online = here.camera.online
        stream.say(b"0\r\n\r\n")
        await trio.sleep(1)

    assert online
    assert stream.json["frames"] == 1


async def test_bad_pictures_are_counted_and_the_others_taken(autojump_clock: MockClock) -> None:
    """They show that the camera is there."""
    async with door() as here:
        stream = await here.stream()
        for data in (NO_JPEG, JPEG, b"", draw_jpeg(2)):
            stream.say(chunk(part(data)))
        stream.say(b"0\r\n\r\n")
        await trio.sleep(1)

    assert stream.json["refused"] == {"not-a-jpeg": 2}
    assert stream.json["frames"] == 2
    assert here.camera.refused == {"not-a-jpeg": 2}
    assert here.frames == [JPEG, draw_jpeg(2)]


async def test_nothing_but_bad_pictures_is_no_camera(autojump_clock: MockClock) -> None:
    """After sixty in a row it is told so."""
    async with door() as here:
        stream = await here.stream()
        stream.say(chunk(part(JPEG)))
        for _ in range(60):
            stream.say(chunk(part(NO_JPEG)))
        await trio.sleep(1)

    assert stream.head[0] == 415
    assert not here.camera.online


async def test_a_flood_of_parts_is_ended(autojump_clock: MockClock) -> None:
    """Dropping frames above the limit costs something, too."""
    async with door(max_fps=1) as here:
        stream = await here.stream()
        stream.say(chunk(part(JPEG) * 200))
        await trio.sleep(1)

    assert stream.head[0] == 429
    assert stream.json["error"] == "too many parts"


async def test_what_is_no_multipart_is_refused(autojump_clock: MockClock) -> None:
    """With what was expected."""
    async with door() as here:
        stream = await here.stream()
        stream.say(chunk(b"a: b\r\n" * 2000))
        await trio.sleep(1)

    assert stream.head[0] == 400
    assert stream.json["error"] == "the head of a part may have 8192 bytes"


@pytest.mark.parametrize("off", [-2, 2, 40])
async def test_a_wrong_length_does_not_end_a_stream(autojump_clock: MockClock, off: int) -> None:
    """Each picture is taken, although its length is announced wrongly."""
    jpegs = [draw_jpeg(shade) for shade in range(3)]
    async with door() as here:
        stream = await here.stream()
        for jpeg in jpegs:
            stream.say(chunk(b"Content-Length: %d\r\n\r\n%b\r\n--b\r\n" % (len(jpeg) + off, jpeg)))
        stream.say(b"0\r\n\r\n")
        await trio.sleep(1)

    assert (stream.head[0], stream.json["frames"]) == (200, 3)
    assert here.frames == jpegs


async def test_the_first_part_may_lack_its_boundary(autojump_clock: MockClock) -> None:
    """As Tasmota sends it, announced or not."""
    for kind in ("multipart/x-mixed-replace; boundary=b", None):
        async with door() as here:
            stream = await here.begin(*([f"Content-Type: {kind}"] if kind else []), "Transfer-Encoding: chunked")
            body = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%b\r\n--b\r\n" % (len(JPEG), JPEG)
            stream.say(chunk(body * 2) + b"0\r\n\r\n")
            await trio.sleep(1)

        assert (stream.head[0], stream.json["frames"]) == (200, 2)
        assert here.frames == [JPEG, JPEG]


async def test_a_picture_that_is_too_large_does_not_end_a_stream(autojump_clock: MockClock) -> None:
    """It is refused and counted, and the next one is taken."""
    large = JPEG[:-2] + bytes(3000) + JPEG[-2:]
    async with door(max_frame_size=2000) as here:
        stream = await here.stream()
        for jpeg in (JPEG, large, large, JPEG):
            stream.say(chunk(b"Content-Length: %d\r\n\r\n%b\r\n--b\r\n" % (len(jpeg), jpeg)))
        stream.say(b"0\r\n\r\n")
        await trio.sleep(1)

    assert (stream.head[0], stream.json["frames"]) == (200, 2)
    assert stream.json["refused"] == {"frame-too-large": 2}
    assert here.camera.refused == {"frame-too-large": 2}


async def test_a_body_that_is_no_http_is_refused(autojump_clock: MockClock) -> None:
    """Here a chunk whose size is none."""
    async with door() as here:
        stream = await here.begin("Content-Type: image/jpeg", "Transfer-Encoding: chunked")
        stream.say(b"many\r\n")
        await trio.sleep(1)

    assert stream.head[0] == 400


@pytest.mark.parametrize("said", [b"", b"Content-Length: 100\r\n\r\nabc"])
async def test_a_stream_that_falls_silent_is_ended(autojump_clock: MockClock, said: bytes) -> None:
    """Between pictures and in the middle of one: a camera that was cut off does not say so."""
    async with door() as here:
        stream = await here.stream()
        stream.say(chunk(part(JPEG)))
        if said:
            stream.say(chunk(said))
        await trio.sleep(PATIENCE - 1)
        before = here.camera.online
        await trio.sleep(2)

    assert before
    assert stream.head[0] == 408
    assert not here.camera.online


@pytest.mark.parametrize("kind", ["image/jpeg", "text/plain"])
async def test_an_upload_that_falls_silent_is_ended(autojump_clock: MockClock, kind: str) -> None:
    """However slowly it comes, it has to come in time."""
    async with door() as here:
        stream = await here.begin(f"Content-Type: {kind}", "Content-Length: 1000")
        for byte in (b"\xff", b"\xd8", b"\xff"):
            stream.say(byte)
            await trio.sleep(15)

    assert stream.head[0] == 408


async def test_a_stream_that_is_replaced_is_told_so(autojump_clock: MockClock) -> None:
    """The successor keeps the camera, its ring and its count."""
    async with door() as here:
        first = await here.stream()
        first.say(chunk(part(JPEG)))
        await trio.sleep(1)
        second = await here.stream()
        await trio.sleep(1)
        second.say(chunk(part(JPEG)))
        await trio.sleep(1)

    assert first.head[0] == 409
    assert first.lingered
    assert not second.written
    assert here.camera.frame_count == 2


async def test_a_stream_that_is_cut_off_is_noticed(autojump_clock: MockClock) -> None:
    """Whether it ends too early or is lost, the camera is offline at once."""
    async with door() as here:
        ended = await here.stream()
        ended.say(chunk(part(JPEG)))
        await trio.sleep(1)
        before = here.camera.online
        ended.leave()
        await trio.sleep(1)
        after = here.camera.online
        lost = await here.stream()
        lost.say(chunk(part(JPEG)))
        await trio.sleep(1)
        lost.lose()
        await trio.sleep(1)

    assert (before, after, here.camera.online) == (True, False, False)
    assert ended.written == lost.written == b""


async def test_a_server_that_stops_tells_its_cameras(autojump_clock: MockClock) -> None:
    """Those that stream, and those that come now."""
    async with door() as here:
        stream = await here.stream()
        stream.say(chunk(part(JPEG)))
        await trio.sleep(1)
        here.shutdown.request()
        await trio.sleep(1)
        late = await here.stream()
        await trio.sleep(1)

    assert (stream.head[0], late.head[0]) == (503, 503)
    assert stream.json["error"] == "the server is stopping"


# Who may


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://sky.localhost.evil.example"])
@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
async def test_pages_of_others_may_not_send(autojump_clock: MockClock, origin: str, method: str) -> None:
    """A form on any page could post here; browsers say whose page it was."""
    async with door() as here:
        answer = await here.post(JPEG, "image/jpeg", f"Origin: {origin}", method=method)

    status, headers = answer.head
    assert status == 403
    assert "access-control-allow-origin" not in headers
    assert here.hub.camera("door") is None


@pytest.mark.parametrize("origin", ["http://sky.localhost", "https://friend.example"])
async def test_our_pages_and_those_that_are_allowed_may(autojump_clock: MockClock, origin: str) -> None:
    """They can read the answer, and may ask before."""
    friends = frozenset({"https://friend.example"})
    async with door() as here:
        preflight = await here.begin(f"Origin: {origin}", method="OPTIONS", origins=friends)
        answer = await here.post(JPEG, "image/jpeg", f"Origin: {origin}", origins=friends)

    status, headers = preflight.head
    assert (status, headers["access-control-allow-methods"]) == (204, "POST, OPTIONS")
    assert "Authorization, Cache-Control, Content-Type" in headers["access-control-allow-headers"]
    assert headers["vary"] == "Origin"
    assert answer.head[0] == 201
    assert answer.head[1]["access-control-allow-origin"] == origin


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
async def test_only_post_sends(autojump_clock: MockClock, method: str) -> None:
    """405 says so."""
    async with door() as here:
        answer = await here.begin(method=method)

    status, headers = answer.head
    assert (status, headers["allow"]) == (405, "POST, OPTIONS")


@pytest.mark.parametrize("camera", [None, "", "..", "a b", "x" * 65])
async def test_a_camera_needs_an_id(autojump_clock: MockClock, camera: str | None) -> None:
    """One that can stand in addresses and file names."""
    async with door() as here:
        answer = await here.post(JPEG, camera=camera)

    assert answer.head[0] == 400
    assert "a camera id is" in answer.json["error"]


# Memory


async def test_unfinished_uploads_count_in_the_memory_and_leave_nothing(autojump_clock: MockClock) -> None:
    """What has come of a picture counts; beyond ``max_memory`` an upload is answered with 503 and a reason."""
    async with door(max_frame_size=1_000_000, max_memory=1_000_000) as site:
        first = await site.begin("Content-Type: image/jpeg", "Content-Length: 900000", body=bytes(600_000))
        # What Python allocates in advance counts too.
        assert 650_000 <= site.hub.memory.receiving <= 700_000
        second = await site.stream()
        second.say(chunk(b"Content-Type: image/jpeg\r\n\r\n" + bytes(600_000)))
        await trio.sleep(1)
        assert second.head[0] == 503
        assert site.hub.memory.refused == 1
        first.leave()
        await trio.sleep(1)
        assert site.hub.memory.receiving == 0
        assert (await site.post(JPEG)).head[0] == 201
        assert site.hub.memory.receiving == 0
