"""The page /trust and its files."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path

import pytest

from skysentry_trio.base.authority_folder import AuthorityFolder
from skysentry_trio.base.local_authority import Names
from skysentry_trio.base.trust_page import CONTENT_TYPES, PAGE, trust_files
from tests.server.http.rest_harness import Site


@pytest.fixture
def folder(tmp_path: Path) -> AuthorityFolder:
    folder = AuthorityFolder.inside(tmp_path)
    folder.prepare(Names(("localhost",), (ip_address("127.0.0.1"),)))
    return folder


async def test_the_page_and_its_files_are_served(folder: AuthorityFolder) -> None:
    """Each with the content type by which a device knows what to do with it."""
    site = Site(authority=folder.authority_file)
    page = await site.ask("/trust")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    files = trust_files(folder.authority_file.read_bytes(), base="trust/")
    assert page.body == files[PAGE]
    for name in CONTENT_TYPES.keys() - {PAGE}:
        answer = await site.ask(f"/trust/{name}")
        assert (answer.status, answer.headers["content-type"]) == (200, CONTENT_TYPES[name])
        assert answer.body == files[name]


async def test_the_page_has_the_language_of_the_browser(folder: AuthorityFolder) -> None:
    """A German browser gets it in German, and caches are told."""
    answer = await Site(authority=folder.authority_file).ask("/trust", Accept_Language="de-AT,de;q=0.9,en;q=0.8")
    assert '<html lang="de">' in answer.body.decode()
    assert "Accept-Language" in answer.headers["vary"]


async def test_nothing_else_of_the_folder_is_served(folder: AuthorityFolder) -> None:
    """Least of all a key."""
    site = Site(authority=folder.authority_file)
    for name in ("authority-key.pem", "server-key.pem", "nothing"):
        assert (await site.ask(f"/trust/{name}")).status == 404


async def test_a_server_without_an_authority_says_so() -> None:
    """There is nothing to trust."""
    answer = await Site().ask("/trust")
    assert answer.status == 404
    assert "no certificate authority of its own" in answer.json()["error"]
