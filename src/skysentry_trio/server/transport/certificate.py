"""The certificate of the server: loaded from files, and loaded again when these change."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Final

import trio
from attrs import define, field

from skysentry_trio.base.exceptions import ConfigurationError
from skysentry_trio.base.logs import get_logger

log = get_logger(__name__)

CHECK_INTERVAL: Final = 2.0
"""Seconds between two looks at the files."""
_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Ciphers of TLS 1.2: only those with forward secrecy and authenticated encryption. TLS 1.3 has no others."""
_REASONS: Final = {
    "KEY_VALUES_MISMATCH": "the key does not belong to the certificate",
    "NO_START_LINE": "there is no PEM block of the right kind in it",
    "EE_KEY_TOO_SMALL": "the key is too small",
    "CA_MD_TOO_WEAK": "the signature is too weak",
    "BAD_DECRYPT": "the key is encrypted with a passphrase",
}
"""Reasons of OpenSSL in words."""


@define(eq=False)
class Certificate:
    """The context for new connections; open connections keep theirs.

    Args:
        certificate_file: PEM file with the certificate, followed by the certificates of the issuers.
        key_file: PEM file with the private key, without a passphrase; may be the same file.

    Raises:
        ConfigurationError: the pair cannot be used; the message gives the reason.
    """

    _certificate_file: Path
    _key_file: Path
    context: ssl.SSLContext = field(init=False, repr=False)
    """For the next connection."""
    loaded: int = field(default=0, init=False)
    """How often a pair was loaded."""
    refused: int = field(default=0, init=False)
    """How often a changed pair was refused."""
    _seen: tuple[object, ...] = field(init=False, repr=False)
    """State of the files at the last attempt to load them."""
    _asked: trio.Event = field(factory=trio.Event, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._seen = self._look()
        self.context = load_context(self._certificate_file, self._key_file)
        self.loaded = 1

    def reload_soon(self) -> None:
        """Load the files again now, even if they look unchanged."""
        self._asked.set()

    async def run(self) -> None:
        """Load the files again when they have changed; a pair that cannot be used is refused, and the old one stays."""
        now = self._seen
        while True:
            with trio.move_on_after(CHECK_INTERVAL):
                await self._asked.wait()
            # In a thread, because a file system on a network may not answer.
            before, now = now, await trio.to_thread.run_sync(self._look, abandon_on_cancel=True)
            # Programs that renew certificates write one file after the other, so wait until both have come to rest.
            if self._asked.is_set() or (now == before and now != self._seen):
                self._asked = trio.Event()
                self._seen = now
                await self._reload()

    async def _reload(self) -> None:
        try:
            context = await trio.to_thread.run_sync(load_context, self._certificate_file, self._key_file)
        except ConfigurationError as error:
            self.refused += 1
            log.warning("certificate refused, the old one stays", reason=str(error))
            return
        self.context = context
        self.loaded += 1
        log.info("certificate loaded", file=str(self._certificate_file))

    def _look(self) -> tuple[object, ...]:
        return tuple(map(_state, (self._certificate_file, self._key_file)))


def load_context(certificate_file: Path, key_file: Path) -> ssl.SSLContext:
    """Return a context with a certificate and its key.

    Raises:
        ConfigurationError: the pair cannot be used; the message gives the reason.
    """
    for path, what in ((certificate_file, "certificate"), (key_file, "private key")):
        try:
            content = path.read_bytes()
        except OSError as error:
            raise ConfigurationError(
                f"file {path}: expected a readable {what}, got an error: {error.strerror or error}"
            ) from None
        if what.rsplit(maxsplit=1)[-1].upper().encode() not in content:
            raise ConfigurationError(f"file {path}: expected a {what} in PEM form, got a file without one")
    context = create_context()
    try:
        # A passphrase would be asked for at the terminal.
        context.load_cert_chain(certificate_file, key_file, password=_refuse_passphrase)
    except ssl.SSLError as error:
        reason = _REASONS.get(error.reason or "", error.reason or str(error))
        raise ConfigurationError(
            f"files {certificate_file} and {key_file}: expected a certificate and its private key, "
            f"got an error: {reason}"
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"file {key_file}: expected a private key without a passphrase, got {error}") from None
    return context


def create_context() -> ssl.SSLContext:
    """Return a context for TLS 1.2 and 1.3, without a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    # The router knows HTTP/1.1 only, and WebSockets inside HTTP/2 would not pass it.
    context.set_alpn_protocols(["http/1.1"])
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    # All ciphers are strong, so the peer chooses, as Mozilla recommends: a browser asks for AES-128 where the processor
    # has instructions for AES, which makes a frame some 5 % cheaper here than AES-256, and for ChaCha20 elsewhere.
    context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    return context


def _refuse_passphrase() -> bytes:
    raise ValueError("one with a passphrase")


def _state(path: Path) -> object:
    try:
        status = path.stat()
    except OSError as error:
        return error.errno
    return status.st_ino, status.st_dev, status.st_size, status.st_mtime_ns
