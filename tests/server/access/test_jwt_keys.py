"""The public keys of an identity provider: when they are fetched, and for how long they count."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing
from attrs import define, field
from joserfc.jwk import ECKey, KeySet

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.access import jwt_keys
from skysentry_trio.server.access.jwt_keys import FRESH, RETRY, STALE, CannotFetch, KeyCache, KeySource, parse_keys

FIRST, SECOND = (ECKey.generate_key("P-256", {"kid": name}) for name in ("first", "second"))


def publish(*keys: Any) -> bytes:
    return json.dumps(KeySet(list(keys)).as_dict(private=False)).encode()


@define(eq=False)
class Provider:
    """An identity provider in memory."""

    keys: bytes | None = field(factory=lambda: publish(FIRST))
    """None while it cannot be reached."""
    seconds: float = 0.0
    """Time that an answer takes."""
    asked: int = 0

    async def fetch(self) -> bytes:
        self.asked += 1
        await trio.sleep(self.seconds)
        if self.keys is None:
            raise CannotFetch("connection refused")
        return self.keys


async def ids_of(cache: KeyCache, key_id: str | None = "first") -> list[str | None]:
    return [key.kid for key in await cache.find(key_id)]


async def test_keys_are_fetched_when_needed_and_kept(autojump_clock: trio.testing.MockClock) -> None:
    """Once in ten minutes, not for each token."""
    provider = Provider()
    cache = KeyCache(provider.fetch)
    for _ in range(100):
        assert await ids_of(cache) == ["first"]
    assert provider.asked == 1

    await trio.sleep(FRESH)
    await ids_of(cache)
    assert provider.asked == 2


async def test_a_new_key_is_fetched_at_once(autojump_clock: trio.testing.MockClock) -> None:
    """A provider that rotates its keys signs with the new one immediately."""
    provider = Provider()
    cache = KeyCache(provider.fetch)
    await ids_of(cache)
    provider.keys = publish(FIRST, SECOND)
    await trio.sleep(RETRY)

    assert await ids_of(cache, "second") == ["first", "second"]


async def test_invented_keys_do_not_make_us_ask_all_the_time(autojump_clock: trio.testing.MockClock) -> None:
    """At most once in half a minute, whatever strangers send."""
    provider = Provider()
    cache = KeyCache(provider.fetch)
    for number in range(600):
        await ids_of(cache, f"invented-{number}")
        await trio.sleep(1)

    assert provider.asked <= 600 / RETRY + 1


async def test_many_requests_ask_once(autojump_clock: trio.testing.MockClock) -> None:
    """Those that come while the keys are being fetched wait for the same answer."""
    provider = Provider(seconds=2)
    cache = KeyCache(provider.fetch)
    async with trio.open_nursery() as nursery:
        for _ in range(50):
            nursery.start_soon(ids_of, cache)

    assert provider.asked == 1


async def test_old_keys_count_while_the_provider_cannot_be_reached(autojump_clock: trio.testing.MockClock) -> None:
    """For a day; then nobody is let in, and the server asks again and again."""
    provider = Provider()
    cache = KeyCache(provider.fetch)
    await ids_of(cache)
    provider.keys = None
    await trio.sleep(STALE - 1)
    assert await ids_of(cache) == ["first"]

    await trio.sleep(RETRY)
    with pytest.raises(ProtocolViolation) as caught:
        await ids_of(cache)
    assert caught.value.code == "busy"

    provider.keys = publish(SECOND)
    await trio.sleep(RETRY)
    assert await ids_of(cache, "second") == ["second"]


async def test_others_do_not_wait_for_keys_that_are_there(autojump_clock: trio.testing.MockClock) -> None:
    """A provider that answers slowly delays the request that asks, not those whose key is known."""
    provider = Provider()
    cache = KeyCache(provider.fetch)
    await ids_of(cache)
    provider.seconds = 8
    await trio.sleep(FRESH)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(ids_of, cache)
        await trio.sleep(1)
        started = trio.current_time()
        await ids_of(cache)
        assert trio.current_time() == started


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"keys":{}}',
        b'{"keys":[]}',
        b'{"keys":[1,{"kty":"EC"},{"kty":"oct","k":"c2VjcmV0"}]}',
        b'{"keys":' + b"[" * 10_000,
        json.dumps({"keys": [{"kty": "EC"}] * 101}).encode(),
        b" " * 300_000,
    ],
)
def test_what_is_not_a_set_of_keys_is_refused(data: bytes) -> None:
    """With a reason for the log."""
    with pytest.raises(CannotFetch):
        parse_keys(data)


def test_only_public_keys_for_signatures_count() -> None:
    """A shared secret or a key for encryption in the set could be misused."""
    secret = {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "secret"}
    encryption = {**SECOND.as_dict(private=False), "use": "enc"}
    unknown = {"kty": "AKP", "kid": "new"}
    data = json.dumps({"keys": [secret, encryption, unknown, FIRST.as_dict(private=False)]}).encode()

    assert [key.kid for key in parse_keys(data)] == ["first"]


class _Site(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = publish(FIRST)
        self.send_response({"/keys": 200, "/moved": 302}.get(self.path, 404))
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "/keys")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def site() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


async def test_keys_are_read_from_an_address_or_a_file(tmp_path: Path) -> None:
    """Both as the provider publishes them."""
    (tmp_path / "keys.json").write_bytes(publish(FIRST))
    with site() as address:
        for location in (f"{address}/keys", str(tmp_path / "keys.json")):
            assert [key.kid for key in parse_keys(await KeySource(location).fetch())] == ["first"]


async def test_what_cannot_be_read_has_a_reason(tmp_path: Path) -> None:
    """A wrong status, a redirect, a server that is gone, a file that is missing."""
    with site() as address:
        locations = [f"{address}/missing", f"{address}/moved", str(tmp_path / "missing")]
        for location in locations:
            with pytest.raises(CannotFetch):
                await KeySource(location).fetch()
    with pytest.raises(CannotFetch):
        await KeySource(f"{address}/keys").fetch()


async def test_a_source_that_hangs_keeps_few_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk in a network, or a provider that sends a byte now and then, would take all threads of the server."""
    source, go_on = KeySource(str(tmp_path / "keys")), threading.Event()
    monkeypatch.setattr(jwt_keys, "_TIMEOUT", 0.01)
    monkeypatch.setattr(KeySource, "_read_file", lambda _source: go_on.wait(20) and publish(FIRST))
    everything = trio.to_thread.current_default_thread_limiter()
    try:
        for _ in range(10):
            with pytest.raises(CannotFetch, match="no answer"):
                await source.fetch()
        assert (everything.borrowed_tokens, source._threads.borrowed_tokens) == (0, 2)
    finally:
        go_on.set()
