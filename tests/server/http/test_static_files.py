"""Built files are served as the build compressed them, to those who accept it."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from skysentry_trio.server.http import static_files
from skysentry_trio.server.http.static_files import choose_coding
from tests.server.http.rest_harness import Answer, Site

SCRIPT = b"export const answer = 42; " * 100
BR = b"as brotli would write it"
GZIP = gzip.compress(SCRIPT)
PATH = "/assets/app-1a2b.js"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """Return a folder with a script in three forms, and a picture in one."""
    assets = tmp_path / "web" / "assets"
    assets.mkdir(parents=True)
    for name, content in {
        "app-1a2b.js": SCRIPT,
        "app-1a2b.js.br": BR,
        "app-1a2b.js.gz": GZIP,
        "mark.svg": b"<svg/>",
        "orphan.js.gz": GZIP,
        "archive.tar.gz": GZIP,
    }.items():
        (assets / name).write_bytes(content)
    for name in ("index.html", "index.html.br"):
        (assets.parent / name).write_bytes(b"<!doctype html>" if name.endswith("html") else BR)
    return assets.parent


def listed(answer: Answer, name: str) -> set[str]:
    return {part.strip().lower() for part in answer.headers.get(name, "").split(",")}


@pytest.mark.parametrize(
    ("accepted", "available", "coding"),
    [
        (None, ["br", "gzip", "identity"], "identity"),
        ([], ["br", "gzip", "identity"], "identity"),
        ([("gzip", 1), ("deflate", 1), ("br", 1), ("zstd", 1)], ["br", "gzip", "identity"], "br"),
        ([("gzip", 1), ("br", 0)], ["br", "gzip", "identity"], "gzip"),
        ([("gzip", 1), ("br", 0.5)], ["br", "gzip", "identity"], "gzip"),
        ([("GZIP", 1)], ["br", "gzip", "identity"], "gzip"),
        ([("x-gzip", 1)], ["br", "gzip", "identity"], "gzip"),
        ([("gzip", 0.001)], ["br", "gzip", "identity"], "gzip"),
        ([("*", 1)], ["br", "gzip", "identity"], "br"),
        ([("br", 0), ("*", 1)], ["br", "gzip", "identity"], "gzip"),
        ([("identity", 1), ("br", 0.5)], ["br", "gzip", "identity"], "identity"),
        ([("identity", 0.5), ("*", 0.1)], ["br", "gzip", "identity"], "identity"),
        ([("deflate", 1)], ["br", "gzip", "identity"], "identity"),
        ([("br", 1)], ["identity"], "identity"),
        ([("br", 1), ("identity", 0)], ["identity"], None),
        ([("br", 1), ("*", 0)], ["identity"], None),
        ([("br", 1), ("*", 0)], ["br", "identity"], "br"),
        ([("*", 0)], ["br", "gzip", "identity"], None),
    ],
)
def test_the_best_coding_is_chosen(
    accepted: list[tuple[str, float]] | None, available: list[str], coding: str | None
) -> None:
    """By quality, then by size; what is not named is not sent, except the file itself."""
    assert choose_coding(accepted, available) == coding


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, deflate", "gzip"),
        ("br;q=0, gzip;q=0.1", "gzip"),
        ("identity", None),
        ("br;q=nonsense", None),
        ("", None),
        (None, None),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_file_comes_in_the_form_that_the_client_accepts(
    built: Path, method: str, accepted: str | None, coding: str | None
) -> None:
    """HEAD has the same headers; caches are told what the answer depends on."""
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    answer = await Site(pages=built).ask(PATH, method, **headers)
    body = {"br": BR, "gzip": GZIP, None: SCRIPT}[coding]

    assert (answer.status, answer.headers.get("content-encoding")) == (200, coding)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["content-length"] == str(len(body))
    assert "accept-encoding" in listed(answer, "vary")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    # For HEAD, the server leaves out the body.
    assert answer.body == body


async def test_a_page_is_compressed_too(built: Path) -> None:
    """Its address has two forms besides, so the answer depends on two headers."""
    answer = await Site(pages=built).ask("/", Accept="text/html", Accept_Encoding="br")

    assert (answer.headers["content-encoding"], answer.body) == ("br", BR)
    assert {"accept", "accept-encoding"} <= listed(answer, "vary")
    assert answer.headers["cache-control"] == "no-cache"


async def test_each_form_has_a_tag_of_its_own(built: Path) -> None:
    """A cache must not take one form for the other."""
    site = Site(pages=built)
    tags = {(await site.ask(PATH, Accept_Encoding=coding)).headers["etag"] for coding in ("br", "gzip", "identity")}

    assert len(tags) == 3
    for coding in ("br", "gzip"):
        tag = (await site.ask(PATH, Accept_Encoding=coding)).headers["etag"]
        same = await site.ask(PATH, Accept_Encoding=coding, If_None_Match=tag)
        other = await site.ask(PATH, Accept_Encoding="identity", If_None_Match=tag)
        assert (same.status, same.body, same.headers["etag"]) == (304, b"", tag)
        assert "accept-encoding" in listed(same, "vary")
        assert other.status == 200


async def test_a_tag_follows_the_content(built: Path) -> None:
    """Packages give all files one time, and a new page may be as long as the old one."""
    page = built / "index.html"
    os.utime(page, (1, 1))
    old = (await Site(pages=built).ask("/")).headers["etag"]
    page.write_bytes(b"<!doctype HTML>")
    os.utime(page, (1, 1))
    # After an upgrade the server starts again.
    static_files._contents.clear()
    answer = await Site(pages=built).ask("/", If_None_Match=old)

    assert (answer.status, answer.body) == (200, b"<!doctype HTML>")


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-4", 206, slice(0, 5)),
        ("bytes=5-", 206, slice(5, None)),
        ("bytes=-5", 206, slice(-5, None)),
        ("bytes=10-99999", 206, slice(10, None)),
        ("bytes=99999-", 416, None),
        ("bytes=0-1,3-4", 200, slice(None)),
        ("lines=0-1", 200, slice(None)),
        ("nonsense", 200, slice(None)),
    ],
)
@pytest.mark.parametrize(
    ("coding", "whole"), [("br", BR), ("gzip", GZIP), ("identity", SCRIPT)], ids=["br", "gzip", "identity"]
)
async def test_a_range_is_a_part_of_the_form_that_is_sent(  # noqa: PLR0917 # two tables of parameters
    built: Path, coding: str, whole: bytes, asked: str, status: int, part: slice | None
) -> None:
    """Counted in compressed bytes (RFC 9110 section 14.1.1); what cannot be read is ignored."""
    answer = await Site(pages=built).ask(PATH, Accept_Encoding=coding, Range=asked)

    assert answer.status == status
    if part is not None:
        assert answer.body == whole[part]
        assert answer.headers["content-length"] == str(len(whole[part]))
        assert answer.headers["accept-ranges"] == "bytes"
        assert answer.headers.get("content-encoding", "identity") == coding
    if status == 206:
        start, stop, _ = part.indices(len(whole))  # type: ignore[union-attr]
        assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(whole)}"
    if status == 416:
        assert answer.headers["content-range"] == f"bytes */{len(whole)}"


async def test_the_rest_of_another_form_is_never_sent(built: Path) -> None:
    """A download that is continued names the form it began with, and gets all of the new one if that differs."""
    site = Site(pages=built)
    tag = (await site.ask(PATH, Accept_Encoding="br")).headers["etag"]
    continued = await site.ask(PATH, Accept_Encoding="br", Range="bytes=5-", If_Range=tag)
    changed = await site.ask(PATH, Accept_Encoding="gzip", Range="bytes=5-", If_Range=tag)

    assert (continued.status, continued.body) == (206, BR[5:])
    assert (changed.status, changed.body) == (200, GZIP)


async def test_head_ignores_a_range(built: Path) -> None:
    """Only GET has ranges (RFC 9110 section 14.2)."""
    answer = await Site(pages=built).ask(PATH, "HEAD", Range="bytes=0-4")

    assert (answer.status, answer.headers["content-length"]) == (200, str(len(SCRIPT)))


@pytest.mark.parametrize(("path", "accepted"), [("/assets/mark.svg", "br, identity;q=0"), (PATH, "*;q=0")])
async def test_a_client_that_excludes_every_form_is_told_which_there_are(built: Path, path: str, accepted: str) -> None:
    """406, and no file that the client cannot read."""
    answer = await Site(pages=built).ask(path, Accept_Encoding=accepted)

    assert answer.status == 406
    assert answer.json()["error"].startswith("expected an Accept-Encoding that allows ")
    assert answer.json()["error"].endswith(f'identity, got "{accepted}"')


@pytest.mark.parametrize("name", ["app-1a2b.js.br", "app-1a2b.js.gz", "orphan.js", "orphan.js.gz", "archive.tar.gz"])
async def test_a_compressed_file_has_no_address_of_its_own(built: Path, name: str) -> None:
    """It is a form of another file."""
    assert (await Site(pages=built).ask(f"/assets/{name}", Accept_Encoding="br, gzip")).status == 404
