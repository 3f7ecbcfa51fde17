"""The parsers of all data from outside: what each takes, which errors it declares, and words of its language."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

from attrs import frozen

from skysentry_trio.base.addresses import mask_address, mask_addresses, split_address
from skysentry_trio.base.ageing_rule import parse_rules
from skysentry_trio.base.exceptions import ConfigurationError, ProtocolViolation
from skysentry_trio.base.group_grants import GroupGrants
from skysentry_trio.base.networks import Networks
from skysentry_trio.base.principal import Action, Rights
from skysentry_trio.base.units import parse_duration, parse_size
from skysentry_trio.cli.settings_sources import read_settings_file, settle
from skysentry_trio.client.engine.addresses import parse_server_address
from skysentry_trio.server.access.header_sign_on import HeaderSignOn
from skysentry_trio.server.access.jwt import read_header
from skysentry_trio.server.access.jwt_keys import CannotFetch, parse_keys
from skysentry_trio.server.access.records import decode_records
from skysentry_trio.server.access.tickets import TicketKind, read_ticket
from skysentry_trio.server.history.coverage import find_zone
from skysentry_trio.server.history.events import decode_events
from skysentry_trio.sources.whole_jpeg import whole_jpeg
from skysentry_trio.wire import capture, viewer
from skysentry_trio.wire.administration import KeyRequest, decode_body
from skysentry_trio.wire.authentication import Authenticator, Credentials
from skysentry_trio.wire.events import decode_event_end, decode_event_request, read_moment
from skysentry_trio.wire.forwarding import resolve_forwarding
from skysentry_trio.wire.framing import decode_head
from skysentry_trio.wire.history import ExportRequest
from skysentry_trio.wire.hosts import HostRule
from skysentry_trio.wire.identity import check_camera_id, clean_label
from skysentry_trio.wire.jpeg import trim_jpeg
from skysentry_trio.wire.multipart_reader import MultipartReader, read_timestamp
from skysentry_trio.wire.orientation import exchanges_sides, orient, read_orientations
from skysentry_trio.wire.origins import explain_refusal, is_entry, is_origin_allowed
from skysentry_trio.wire.presented import read_credentials
from skysentry_trio.wire.proxy_header import decode_proxy_header, measure_proxy_header, refuse_proxy_header
from skysentry_trio.wire.query import decode_query
from skysentry_trio.wire.request_head import MAX_HEAD_SIZE, RequestHeadReader, encode_handshake
from skysentry_trio.wire.response_head import MAX_HEAD_SIZE as MAX_RESPONSE_HEAD
from skysentry_trio.wire.response_head import looks_like_body, parse_response_head
from skysentry_trio.wire.results import decode_posted_result
from skysentry_trio.wire.viewer_frames import decode_envelope
from skysentry_trio.wire.viewer_query import ViewerFormat, decode_viewer_query
from tests.jpegs import draw_jpeg

MAX_SIZE: Final = 64 * 1024
"""Maximum size of an input in bytes."""
_MOST_PIECES: Final = 64
_JPEG: Final = draw_jpeg()


@frozen
class Parser:
    """A parser, and what the fuzzer needs to know of it."""

    name: str
    parse: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    """Errors that the parser declares."""
    words: tuple[bytes, ...]
    """Words of its language: the dictionary."""
    seeds: tuple[bytes, ...]
    """Valid inputs."""
    max_size: int = MAX_SIZE
    """Maximum size of an input in bytes, where less than `MAX_SIZE` reaches the parser."""
    time_limit: float = 0.010
    """Seconds of CPU for one input."""


def pieces_of(data: bytes) -> list[bytes]:
    """Divide the input as a network may; its first byte decides the size of the pieces."""
    size = max(data[0] % 32 + 1, len(data) // _MOST_PIECES) if data else 1
    return [data[start : start + size] for start in range(1, len(data), size)]


def _read_request_head(data: bytes) -> None:
    reader, head = RequestHeadReader(), None
    for piece in pieces_of(data):
        if (head := reader.feed(piece)) is not None:
            break
    if head is None:
        return
    _ = head.has_body
    origin, host = head.headers.get("origin"), head.headers.get("host", "")
    if not is_origin_allowed(origin, host, frozenset({"https://a.example"})):
        explain_refusal(head.headers, "try")
    is_entry(host)
    rule = HostRule.of("127.0.0.1", ["127.0.0.1"], [])
    assert rule is not None
    with suppress(ProtocolViolation):
        rule.check(host, "127.0.0.1")
    decode_query(head.query)
    if head.upgrade:
        encode_handshake(head)


def _read_proxy_header(data: bytes) -> None:
    if size := measure_proxy_header(data):
        decode_proxy_header(data[:size])
    with suppress(ProtocolViolation):
        refuse_proxy_header(data)


def _read_forwarding(data: bytes) -> None:
    proxies = Networks.parse(("127.0.0.0/8",))
    names = ("forwarded", "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")
    lines = data.decode("latin-1").split("\n")
    resolve_forwarding(dict(zip(names, lines, strict=False)), proxies.__contains__)


def _read_sign_on(data: bytes) -> None:
    user, _, groups = data.decode("latin-1").partition("\n")
    sign_on = HeaderSignOn(GroupGrants.parse(("family=view:yard-*",), {}))
    sign_on.identify({"remote-user": user, "remote-groups": groups})


def _read_keys(data: bytes) -> None:
    parse_keys(data)


def _read_query(data: bytes) -> None:
    query = decode_query(_text(data))
    for name in tuple(query.fields)[:5]:
        for read in (query.text, query.texts, query.flag, query.number, query.whole, query.moment):
            with suppress(ProtocolViolation):
                read(name)


def _read_frame_heads(data: bytes) -> None:
    for start in range(min(len(data), 1000)):
        head = decode_head(data[start : start + 14])
        if head is not None:
            _ = head.is_lawful


def _read_multipart(data: bytes) -> None:
    reader = MultipartReader(4096)
    for piece in pieces_of(data):
        reader.feed(piece)
        while (part := reader.next_part()) is not None:
            _ = part.captured_at
    reader.finish()


def _read_camera_frame(data: bytes) -> None:
    capture.decode_jpeg(data, max_size=MAX_SIZE // 2, envelope=True)


def _read_event(data: bytes) -> None:
    with suppress(ProtocolViolation):
        posted = decode_event_request(data)
        read_moment("begin", posted.begin)
        read_moment("end", posted.end)
    decode_event_end(data)


def _read_settings(data: bytes) -> None:
    settle(read_settings_file("settings.toml", data))


def _read_flags(data: bytes) -> None:
    text = _text(data)
    for parse in (parse_duration, parse_size, read_timestamp):
        with suppress(ValueError):
            parse(text)


def _read_export_request(data: bytes) -> None:
    asked = decode_body(data, ExportRequest)
    asked.moment("from")
    asked.moment("to")


def _read_camera_address(data: bytes) -> None:
    text = _text(data)
    shown = mask_address(text)
    parts = split_address(text)
    assert parts.host in shown or "@" in parts.target, "the host is not shown"


def _envelope(header: bytes) -> bytes:
    return len(header).to_bytes(2, "big") + header + _JPEG


def _read_answer(data: bytes) -> None:
    """Read the head that a camera sends, and answer its challenges."""
    if looks_like_body(data):
        return
    head = parse_response_head(data)
    head.framing()
    authenticator = Authenticator(Credentials("user", "password"), lambda: "nonce")
    if authenticator.take_challenges(head.challenges):
        authenticator.header("GET", "/")


def _read_orientation(data: bytes) -> None:
    for orientation in read_orientations(data):
        if orientation is not None:
            exchanges_sides(orientation)
            assert read_orientations(orient(data, orientation))[0] == orientation, "the orientation is not found"


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _for_text(parse: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: parse(_text(data))


_VIOLATION: Final = (ProtocolViolation,)
_JSON_WORDS: Final = (
    b'{"type":',
    b'"',
    b"[",
    b"]",
    b"{",
    b"}",
    b"\\u0000",
    b"\\ud800",
    b"1e309",
    b"-1",
    b"null",
    b'"*"',
)
_HTTP_WORDS: Final = (
    b"GET ", b" HTTP/1.1\r\n", b"Host: ", b"\r\n", b"\r\n\r\n", b"Connection: Upgrade\r\n", b"Upgrade: websocket\r\n",
    b"Sec-WebSocket-Key: ", b"Sec-WebSocket-Version: 13\r\n", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n",
    b"Origin: http://", b"Expect: 100-continue\r\n", b"[::1]", b"\0", b"\xff", b" ", b"\t", b",", b"\n",
)  # fmt: skip
_QUERY_WORDS: Final = (
    b"client=", b"&", b"=", b"%", b"%00", b"%ff", b"+", b"format=jpeg", b"maxFps=", b"maxWidth=", b"quality=", b"at=",
    b"back=", b"wait=", b"nan", b"inf", b"1e400", b"-1", b"2023-11-14T22:13:20.25Z", b"0001-01-01T00:00:00+23:59", b";",
)  # fmt: skip
_JPEG_WORDS: Final = (
    b"\xff\xd8", b"\xff\xd9", b"\xff\xda", b"\xff\xc0", b"\xff\xc2", b"\xff\xe1", b"\xff\xfe", b"\xff\xff", b"\xff\xd0",
    b"\xff\x01", b"\x00\x02", b"\x00\x00", b"Exif\x00\x00", b"II*\x00", b"MM\x00*", b"\xff",
)  # fmt: skip
_ADDRESS_WORDS: Final = (
    b"rtsp://", b"http://", b"wss://", b"://", b"@", b":", b"/", b"?", b"#", b"[", b"]", b"[::1]", b"=", b"&", b"%",
    b"\\", b"10.0.0.5", b"xn--", b"\xc3\xbc", b" ", b"\n", b"...",
)  # fmt: skip
_HEAD: Final = (
    b"\x07GET /ws?client=a HTTP/1.1\r\nHost: h:8080\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Origin: http://h:8080\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
_PARTS: Final = (
    b"\x05--frame\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\nX-Timestamp: 1.5\r\n\r\n\xff\xd8\xff\xd9\r\n"
    b"--frame\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xd9\r\n--frame--\r\n"
)

PARSERS: Final = (
    Parser(
        "request head", _read_request_head, _VIOLATION, _HTTP_WORDS, (_HEAD, b"\x20GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    ),
    Parser(
        "proxy header",
        _read_proxy_header,
        _VIOLATION,
        (b"PROXY ", b"TCP4", b"TCP6", b"UNKNOWN", b"\r\n", b"\r\n\r\n\0\r\nQUIT\n", b"\x21", b"\x11", b"\x20\x00\x05"),
        (
            b"PROXY TCP4 192.0.2.7 192.0.2.1 50000 80\r\n",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x14\xc0\0\2\7\xc0\0\2\1\xc3\x50\0\x50\x20\0\5\1\0\0\0\0",
        ),
    ),
    Parser(
        "forwarding",
        _read_forwarding,
        _VIOLATION,
        (b"for=", b"proto=https", b"host=", b";", b",", b'"', b"\\", b"127.0.0.1", b"[::1]", b":80", b"unknown", b"\n"),
        (b'for="[2001:db8::1]:80";proto=https;host=a\n2001:db8::1\nhttps\na', b"\n1.2.3.4, 127.0.0.1\nhttp\na:80"),
        MAX_HEAD_SIZE,
    ),
    Parser(
        "person of a proxy",
        _read_sign_on,
        _VIOLATION,
        (b",", b"|", b"\n", b"family", b"\xc3\xbc", b"\x85", b"\xa0"),
        (b"ann\nfamily,staff", b"J\xc3\xbcrgen\nfamily|staff"),
        MAX_HEAD_SIZE,
    ),
    Parser(
        "head of a JWT",
        _for_text(read_header),
        _VIOLATION,
        (b"eyJ", b".", b"hbGciOiJFUzI1NiJ9", b"=", b"-", b"_", b"e30", b"W1tb"),
        (b"eyJhbGciOiJFUzI1NiIsImtpZCI6ImVjIn0.e30.AA",),
    ),
    # Only the identity provider writes it, and the server reads it rarely; a key takes up to a millisecond.
    Parser(
        "keys of an identity provider",
        _read_keys,
        (CannotFetch,),
        (
            *_JSON_WORDS,
            b'"keys":',
            b'"kty":"EC"',
            b'"kty":"RSA"',
            b'"crv":"P-256"',
            b'"x":"',
            b'"use":"sig"',
            b'"kid":',
        ),
        (b'{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}',),
        time_limit=1.0,
    ),
    Parser("query", _read_query, _VIOLATION, _QUERY_WORDS, (b"a=1&at=2023-11-14T22:13:20.25Z&b=&c",), MAX_HEAD_SIZE),
    Parser(
        "viewer query",
        _for_text(lambda text: decode_viewer_query(text, ViewerFormat.JSON)),
        _VIOLATION,
        _QUERY_WORDS,
        (b"format=envelope&client=a&client=b&maxFps=5&maxWidth=640&quality=0.5",),
        MAX_HEAD_SIZE,
    ),
    Parser(
        "WebSocket frame heads", _read_frame_heads, (), (b"\x82\xfe", b"\x81\xff", b"\x88", b"\x89"), (b"\x82\x85abcd",)
    ),
    Parser(
        "messages of cameras",
        _for_text(capture.decode_camera_message),
        _VIOLATION,
        (*_JSON_WORDS, b'"client-registration"', b'"clientId":', b'"capabilities":', b'"clock"', b'"sentAt":'),
        (
            b'{"type":"client-registration","clientId":"a","name":"b","capabilities":["demand"]}',
            b'{"type":"clock","sentAt":1}',
        ),
    ),
    Parser(
        "messages of viewers",
        _for_text(viewer.decode_viewer_message),
        _VIOLATION,
        (
            *_JSON_WORDS,
            b'"subscribe"',
            b'"clients":',
            b'"seek"',
            b'"back":',
            b'"at":',
            b'"speed":',
            b'"ack"',
            b'"result"',
        ),
        (
            b'{"type":"subscribe","clients":["a"],"maxFps":5}',
            b'{"type":"seek","clientId":"a","back":5,"speed":-1}',
            b'{"type":"result","clientId":"a","sequence":1,"boxes":[{"x":1,"y":1,"width":1,"height":1,"color":"#ffffff"}]}',
        ),
    ),
    Parser(
        "messages to cameras",
        _for_text(capture.decode_server_message),
        _VIOLATION,
        (*_JSON_WORDS, b'"demand"', b'"viewers":', b'"maxFps":', b'"registration-error"'),
        (b'{"type":"demand","viewers":1,"maxFps":5.5}',),
    ),
    Parser(
        "messages to viewers",
        _for_text(viewer.decode_notice),
        _VIOLATION,
        (*_JSON_WORDS, b'"clients"', b'"latency"', b'"cameras":', b'"playback"'),
        (b'{"type":"clients","clients":[{"clientId":"a","name":null,"online":true,"fps":1}]}',),
    ),
    Parser(
        "frames to viewers",
        decode_envelope,
        _VIOLATION,
        (*_JSON_WORDS, *_JPEG_WORDS, b'"capturedAt":'),
        (_envelope(b'{"type":"frame","clientId":"a","sequence":1,"timestamp":"","capturedAt":1,"size":4,"fps":1}'),),
    ),
    Parser(
        "frames of cameras",
        _read_camera_frame,
        _VIOLATION,
        (*_JPEG_WORDS, b'{"capturedAt":', b"1e400", b"}"),
        (_JPEG, _envelope(b'{"capturedAt":1}')),
    ),
    Parser("JPEG", trim_jpeg, _VIOLATION, _JPEG_WORDS, (_JPEG,)),
    Parser("JPEG of a source", whole_jpeg, _VIOLATION, _JPEG_WORDS, (_JPEG,)),
    Parser(
        "orientation",
        _read_orientation,
        (),
        (
            *_JPEG_WORDS,
            b"Exif\0\0",
            b"II*\0",
            b"MM\0*",
            b"\x01\x12",
            b"http://ns.adobe.com/xap/1.0/\0",
            b"tiff:Orientation",
        ),
        (orient(_JPEG, 6),),
    ),
    Parser(
        "answer of a camera",
        _read_answer,
        _VIOLATION,
        (
            b"HTTP/1.1 200 OK\r\n",
            b"WWW-Authenticate: Digest ",
            b'realm="a"',
            b'nonce="b"',
            b'qop="auth,auth-int"',
            b"algorithm=SHA-512-256-sess",
            b"Basic",
            b"Content-Length: ",
            b"ICY 200 OK",
            b",",
            b"\r\n",
            b"\\",
            b'"',
        ),
        (b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="a", nonce="b", qop="auth"\r\n',),
        MAX_RESPONSE_HEAD,
    ),
    Parser(
        "multipart",
        _read_multipart,
        _VIOLATION,
        (
            b"--frame\r\n",
            b"--frame--",
            b"\r\n",
            b"\n",
            b"\r\n\r\n",
            b"Content-Length: ",
            b"Content-Type: image/jpeg\r\n",
            b":",
            b"--",
        ),
        (_PARTS,),
    ),
    Parser(
        "camera id",
        _for_text(lambda text: (clean_label(text), check_camera_id(text))),
        _VIOLATION,
        (b"..", b"\xe2\x80\xae"),
        (b"a",),
    ),
    Parser(
        "result",
        lambda data: decode_posted_result("a", data),
        _VIOLATION,
        (*_JSON_WORDS, b'"boxes":', b'"data":', b'"sequence":', b'"color":"#'),
        (b'{"sequence":1,"boxes":[{"x":1,"y":1,"width":1,"height":1,"label":"a"}],"data":{}}',),
    ),
    Parser(
        "event",
        _read_event,
        _VIOLATION,
        (*_JSON_WORDS, b'"label":', b'"begin":', b'"end":', b'"data":', b"2026-11-29T12:00:00Z"),
        (b'{"label":"a","begin":"2026-11-29T12:00:00Z","end":1795953605.5,"data":{}}', b'{"end":1}'),
    ),
    Parser(
        "file of events",
        lambda data: decode_events("a", data.splitlines()),
        (),
        (*_JSON_WORDS, b'"id":"', b'"label":', b'"begin":"', b'"end":"', b'"source":"motion"', b"2026-11-29T12:00:00Z"),
        (
            b'{"id":"0123456789abcdef","label":"a","source":"api","begin":"2026-11-29T12:00:00.000+00:00"}\n{"id":"f"}\n',
            b'{"id":"0123456789abcdef","end":"2026-11-29T12:00:00.000+00:00","data":1}\n',
        ),
        # Files of events are ours, and are read when the server starts.
        time_limit=0.1,
    ),
    # The standard library reads TOML, and only the operator writes it.
    Parser(
        "settings file",
        _read_settings,
        (ConfigurationError,),
        (
            b"port",
            b" = ",
            b"[",
            b"]",
            b"{",
            b"}",
            b'"',
            b"'''",
            b"\n",
            b"max_fps",
            b"cors_origins",
            b"1_0",
            b"0x",
            b"1979-05-27",
            b".",
        ),
        (b'port = 8080\nmax_fps = 30\ncors_origins = ["*"]\nlog_level = "info"\n',),
        time_limit=5.0,
    ),
    Parser(
        "numbers and times",
        _read_flags,
        (),
        (b"h", b"m", b"s", b"ms", b".", b"MiB", b"1e999", b"_", b"\xd9\xa1"),
        (b"1h30m", b"5MiB"),
    ),
    Parser(
        "credentials in a head",
        lambda data: read_credentials({"authorization": _text(data), "cookie": _text(data)}, _text(data)),
        (ProtocolViolation,),
        (b"Bearer ", b"Basic ", b"skysentry_session=", b"link=", b";", b"&", b"%", b"Og=="),
        (b"Bearer sky_x", b"Basic YTpi"),
    ),
    Parser(
        "signed ticket",
        lambda data: [read_ticket(_text(data), kind, ["secret"]) for kind in TicketKind],
        (),
        (b"lnk_", b".", b"eyJ", b"."),
        (b"lnk_eyJpIjoiYSJ9.c2ln",),
    ),
    Parser(
        "file of rules",
        lambda data: decode_records(data, "file"),
        (ConfigurationError,),
        (b'"keys"', b'"users"', b'"secrets"', b"{", b"[", b"1e999"),
        (b'{"version":1,"keys":[{"id":"a","name":"b","hash":"c","allow":{"view":["*"]},"created":0}]}',),
    ),
    Parser(
        "body of an administrator",
        lambda data: decode_body(data, KeyRequest),
        (ProtocolViolation,),
        (b'"allow"', b'"name"', b'"action"', b"{", b"["),
        (b'{"name":"a","allow":{"view":["*"]},"expiresAt":null}',),
    ),
    Parser(
        "rule",
        lambda data: Rights.of({"view": _text(data).split(",")}).allow(Action.VIEW, "a" * 64),
        (ValueError,),
        (b"*", b"?", b"@", b",", b"*a*a*a*a*a*a*a*a"),
        (b"yard-*,door",),
    ),
    Parser(
        "rule for old frames",
        lambda data: Rights.of({"history": _text(data).split(",")}).history_begin("a" * 64),
        (ValueError,),
        (b"*", b"@", b",", b"2026-11-29T08:00Z", b"+14:00", b"0001-01-01", b"9999-12-31"),
        (b"yard-*@2026-11-29T08:00Z,door",),
    ),
    Parser(
        "rule for old recordings",
        _for_text(lambda text: parse_rules(text.split(","))),
        (ValueError,),
        (b":", b"/", b",", b"1d", b"10s", b"0", b"999999"),
        (b"1d: 1/s,7d: 1/10s",),
    ),
    Parser(
        "time zone",
        _for_text(find_zone),
        (ProtocolViolation,),
        (b"/", b"..", b"\0", b"Europe", b"Etc/GMT+5", b"posix/"),
        (b"Europe/Berlin",),
    ),
    Parser(
        "request of an export",
        _read_export_request,
        (ProtocolViolation,),
        (b'"clients"', b'"from"', b'"to"', b"1e999", b"-1", b'"2026-11-29T12:00:00Z"', b"{", b"["),
        (b'{"clients":["a"],"from":"2026-11-29T12:00:00Z","to":1795953600.5,"format":"mkv"}',),
    ),
    Parser(
        "server address", _for_text(parse_server_address), (ConfigurationError,), _ADDRESS_WORDS, (b"https://h:80/a",)
    ),
    Parser("camera address", _read_camera_address, (ValueError,), _ADDRESS_WORDS, (b"rtsp://u:p@cam:554/live?x=1#y",)),
    Parser(
        "addresses in a text",
        _for_text(mask_addresses),
        (),
        _ADDRESS_WORDS,
        (b"cannot open 'rtsp://u:p@cam/live': no",),
    ),
)
