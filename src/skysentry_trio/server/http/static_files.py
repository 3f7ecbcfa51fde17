"""Send a built file as it was compressed by the build: nothing is compressed while the server runs."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Final, NamedTuple

import trio
from quart import Response, request
from werkzeug.datastructures import ContentRange
from werkzeug.exceptions import NotAcceptable, NotFound, RequestedRangeNotSatisfiable
from werkzeug.http import parse_accept_header, quote_etag
from werkzeug.security import safe_join

SUFFIXES: Final = {"br": ".br", "gzip": ".gz", "identity": ""}
"""Suffix of the file for each content coding, the smallest file first."""
_ALIASES: Final = {"x-gzip": "gzip"}
"""Names that RFC 9110 section 8.4.1 requires to be accepted."""
_BARELY: Final = 0.0001
"""Quality of ``identity`` if the client does not name it: acceptable, but anything that the client names is better."""


class _Version(NamedTuple):
    """What tells two contents of one file apart.

    Packages set one modification time for all files, and an upgrade often changes only a name of fixed length in a
    page. So time and size identify a content only as long as the server runs.
    """

    modified_at: int
    size: int


class _Content(NamedTuple):
    """The content of a file."""

    version: _Version
    data: bytes
    tag: str
    """Identifies the content, also after an upgrade."""


_MAX_CONTENTS: Final = 64
_contents: Final[dict[Path, _Content]] = {}
"""The files that have been sent; all files of the pages together have less than 2 MiB."""


def choose_coding(accepted: Iterable[tuple[str, float]] | None, available: Iterable[str]) -> str | None:
    """Return the content coding that suits the client best (RFC 9110 section 12.5.3); None if none is acceptable.

    Args:
        accepted: names and qualities from ``Accept-Encoding``; None if the request has no such header.
        available: names of content codings, the preferred one first.
    """
    if accepted is None:
        accepted = [("identity", 1.0)]
    qualities = {_ALIASES.get(name.lower(), name.lower()): quality for name, quality in accepted}
    others = qualities.get("*", 0.0)
    implied = {"identity": qualities.get("*", _BARELY)}
    # Of equal ones, max returns the first.
    best = max(available, key=lambda name: qualities.get(name, implied.get(name, others)), default=None)
    if best is None or qualities.get(best, implied.get(best, others)) <= 0:
        return None
    return best


async def send_static_file(folder: Path, name: str) -> Response:
    """Return the response with a file: the compressed one beside the file if there is one and the client accepts it.

    Raises:
        NotFound: there is no such file in the folder.
        NotAcceptable: the client excludes every form that the file has.
    """
    # Looked up again for each request: a build replaces the files while the server runs. This takes some microseconds.
    # In a thread it would take milliseconds, because the thread waits for the interpreter lock after each call.
    coding, path, version = _find(folder, name, request.headers.get("Accept-Encoding"))
    content = _contents.get(path)
    if content is None or content.version != version:
        if len(_contents) >= _MAX_CONTENTS:
            # More than a build has: the file system ignores case, and somebody asks for all ways to write a name.
            _contents.clear()
        content = _contents[path] = await trio.to_thread.run_sync(_read, path, version)
    response = Response(content.data, mimetype=mimetypes.guess_type(name)[0] or "application/octet-stream")
    response.set_etag(content.tag)
    response.accept_ranges = "bytes"
    response.vary.add("Accept-Encoding")
    if coding != "identity":
        response.headers["Content-Encoding"] = coding
    await response.make_conditional(request)
    if response.status_code == HTTPStatus.OK and _asks_for_a_range(content.tag):
        _select_range(response, content.data)
    return response


def _find(folder: Path, name: str, header: str | None) -> tuple[str, Path, _Version]:
    """Return the coding, the path and the version of the form that suits ``Accept-Encoding``."""
    # A compressed file is a form of another file, not a file that can be asked for by its own name.
    path = None if name.endswith((".br", ".gz")) else safe_join(str(folder), name)
    if path is None or not Path(path).is_file():
        raise NotFound
    available = [coding for coding, suffix in SUFFIXES.items() if Path(path + suffix).is_file()]
    coding = choose_coding(None if header is None else parse_accept_header(header), available)
    if coding is None:
        raise NotAcceptable(f'expected an Accept-Encoding that allows {" or ".join(available)}, got "{header}"')
    form = Path(path + SUFFIXES[coding])
    status = form.stat()
    return coding, form, _Version(status.st_mtime_ns, status.st_size)


def _asks_for_a_range(tag: str) -> bool:
    # RFC 9110 section 14.2: other methods, other units and what cannot be read are ignored; several ranges may be.
    asked = request.range
    if request.method != "GET" or asked is None or asked.units != "bytes" or len(asked.ranges) != 1:
        return False
    return "If-Range" not in request.headers or request.headers["If-Range"] == quote_etag(tag)


def _select_range(response: Response, content: bytes) -> None:
    """Leave the requested range in the response; Quart's own code fails for the last N bytes.

    Raises:
        RequestedRangeNotSatisfiable: the range starts after the end.
    """
    asked = request.range
    span = None if asked is None else asked.range_for_length(len(content))
    if span is None:
        raise RequestedRangeNotSatisfiable(len(content))
    response.set_data(content[slice(*span)])
    response.status_code = HTTPStatus.PARTIAL_CONTENT
    response.content_range = ContentRange("bytes", *span, len(content))


def _read(path: Path, version: _Version) -> _Content:
    data = path.read_bytes()
    return _Content(version, data, hashlib.sha256(data).hexdigest()[:32])
