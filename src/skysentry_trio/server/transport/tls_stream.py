"""TLS on the connection of a peer, encrypted at the moment of writing, so that a picture is as new as without TLS.

`trio.SSLStream` does not say how much it could not send, and it encrypts everything that it is given. Then frames would
wait as ciphertext, where no newer frame can replace them. Here OpenSSL works on bytes in memory. A frame is encrypted
in pieces, a piece when the kernel has taken the piece before it. So at most the ciphertext of one piece waits, and
nothing waits behind it.
"""

from __future__ import annotations

import os
import ssl
from contextlib import suppress
from typing import ClassVar, Final

import trio
from attrs import define, field

from skysentry_trio.server.transport.peer_stream import CHUNK, PeerStream

_READ_SIZE = 64 * 1024
_HANDSHAKE = 22
"""The first byte of a connection with TLS: the content type of a handshake (RFC 8446 section 5.1)."""
_MAX_HANDSHAKE = 64 * 1024
"""Bytes of a peer before the end of the handshake; a ClientHello with everything in it has less than 4 KiB."""
_MAX_UNSENT = CHUNK + 32 * 1024
"""Ciphertext of one piece, and what OpenSSL may write on its own, such as alerts, while the peer reads nothing."""


_shared_outgoing: Final = trio.lowlevel.RunVar[ssl.MemoryBIO]("outgoing")
"""What OpenSSL has just written, for any connection of this event loop.

Each connection takes its ciphertext out before anything else happens. So the memory stays in the cache of the
processor, which saves a seventh of the cost of a frame, and connections that do nothing have no memory for ciphertext.
"""


class NotTls(Exception):
    """The peer does not begin with TLS.

    Args:
        data: what the peer sent.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__("the peer does not speak TLS")
        self.data = data


class HandshakeFailed(Exception):
    """The handshake failed: the peer speaks no TLS of today, refuses the certificate, or sends invalid data."""


@define(eq=False)
class TlsStream(PeerStream):
    """A connection to a peer with TLS; before `shake_hands`, it is one without TLS.

    A write that is not complete has encrypted the first byte of what it left over. So callers must continue with
    exactly the bytes that a write left over, and write nothing else before. All callers of `PeerStream.write_now` and
    `PeerStream.write_soon` do so anyway, because what follows would be a part of the same message.
    """

    is_tls: ClassVar[bool] = True
    _context: ssl.SSLContext = field(kw_only=True, repr=False)
    _incoming: ssl.MemoryBIO = field(factory=ssl.MemoryBIO, init=False, repr=False)
    _outgoing: ssl.MemoryBIO = field(init=False, repr=False)
    """Shared by all connections; empty between two calls of OpenSSL."""
    _tls: ssl.SSLObject = field(init=False, repr=False)
    _unsent: bytes | memoryview = field(default=b"", init=False, repr=False)
    """Ciphertext that the kernel has not taken."""
    _owed: int = field(default=0, init=False)
    """1 if the first byte of the next write is encrypted already, else 0.

    A write counts its last byte only when the kernel has taken all ciphertext. So the caller comes back, and then the
    rest of the ciphertext is sent too.
    """
    _secured: bool = field(default=False, init=False)
    """Whether the handshake has succeeded; until then, bytes are sent and received without TLS."""
    began: bool = field(default=False, init=False)
    """Whether the peer has sent a byte of its handshake."""
    _ended: bool = field(default=False, init=False)
    """Whether the peer has said that nothing follows."""

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        try:
            self._outgoing = _shared_outgoing.get()
        except LookupError:
            self._outgoing = ssl.MemoryBIO()
            _shared_outgoing.set(self._outgoing)
        self._tls = self._context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    @property
    def version(self) -> str | None:
        """The version of TLS, such as ``TLSv1.3``; None before the handshake."""
        return self._tls.version()

    async def shake_hands(self) -> None:
        """Do the handshake; the caller bounds the time. Bytes that were put back are its beginning.

        Raises:
            NotTls: the first byte is not one of TLS.
            HandshakeFailed: the handshake failed; the message is the reason of OpenSSL.
            trio.BrokenResourceError: the peer left.
        """
        received, data = 0, self.take_back()
        while True:
            data = data or await self._read_ciphertext()
            if not data:
                raise trio.BrokenResourceError("the peer left during the handshake")
            if not self.began and data[0] != _HANDSHAKE:
                raise NotTls(data)
            self.began = True
            received += len(data)
            self._incoming.write(data)
            data = b""
            try:
                try:
                    self._tls.do_handshake()
                finally:
                    self._collect()
            except ssl.SSLWantReadError:
                if received > _MAX_HANDSHAKE:
                    raise HandshakeFailed(f"more than {_MAX_HANDSHAKE} bytes") from None
                await self._flush()
            except ssl.SSLError as error:
                # An alert tells the peer the reason, if there is room for the alert.
                with suppress(OSError):
                    self._write_ciphertext()
                raise HandshakeFailed(error.reason or str(error)) from None
            else:
                await self._flush()
                self._secured = True
                return

    # Receiving

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Receive some bytes, b"" at the end of the stream."""
        await trio.lowlevel.checkpoint()
        if self._pushed_back or not self._secured:
            return await super().receive_some(max_bytes)
        return await self.read_soon(max_bytes or _READ_SIZE)

    async def read_soon(self, max_bytes: int) -> bytes:
        """Wait for bytes and return them as `PeerStream.read_soon` does."""
        while True:
            if (data := self._decrypt(max_bytes)) or self._ended:
                return data
            await self._fill()

    async def read_soon_into(self, buffer: memoryview) -> int:
        """Wait for bytes and read them into a buffer as `PeerStream.read_soon_into` does."""
        while True:
            if (count := self._decrypt_into(buffer)) or self._ended:
                return count
            await self._fill()

    def _decrypt(self, max_bytes: int) -> bytes:
        """Return what can be decrypted now, b"" if there is nothing."""
        if not self._has_more():
            return b""
        buffer = bytearray(min(max_bytes, self._incoming.pending + self._tls.pending()))
        with memoryview(buffer) as view:
            count = self._decrypt_into(view)
        return bytes(memoryview(buffer)[:count])

    def _decrypt_into(self, buffer: memoryview) -> int:
        """Decrypt as much as there is and as fits into a buffer.

        OpenSSL decrypts one record at a time. A peer may send tiny records, so this takes all of them at once.
        """
        count = 0
        try:
            while self._has_more() and count < len(buffer):
                # `SSLObject.read` returns the number of bytes if it gets a buffer.
                with buffer[count:] as room:
                    read = int(self._tls.read(len(room), room))
                if not read:
                    self._ended = True
                    break
                count += read
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._ended = True
        except ssl.SSLError as error:
            self._collect()
            with suppress(OSError):
                self._write_ciphertext()
            raise trio.BrokenResourceError(f"TLS failed: {error.reason or error}") from error
        if self._outgoing.pending:
            self._send_replies()
        return count

    def _has_more(self) -> bool:
        return not self._ended and bool(self._incoming.pending or self._tls.pending())

    def _send_replies(self) -> None:
        """Send what OpenSSL has written while it read, for example the refusal to negotiate again.

        Raises:
            trio.BrokenResourceError: the peer asks for replies and does not read them.
        """
        self._collect()
        with suppress(OSError):
            self._write_ciphertext()
        if len(self._unsent) > _MAX_UNSENT:
            self.abort()
            raise trio.BrokenResourceError("the peer asks for replies of TLS and does not read them")

    async def _fill(self) -> None:
        data = await self._read_ciphertext()
        # Many peers close without the alert that TLS has for this. HTTP and WebSockets notice a message that was cut.
        self._ended = not data
        self._incoming.write(data)

    async def _read_ciphertext(self) -> bytes:
        return await super().read_soon(_READ_SIZE)

    # Sending

    def write_now(self, data: bytes | memoryview) -> int:
        """Encrypt and write the bytes that the kernel takes now, as `PeerStream.write_now` does."""
        if self._unfinished:
            return 0
        try:
            if self._unsent or self._owed or len(data) > CHUNK:
                return self._encrypt(data) if self._write_ciphertext() else 0
            # This does the same as `_encrypt`, but saves function calls for each viewer and frame.
            self._tls.write(data)
            ciphertext = self._outgoing.read()
            try:
                count = os.write(self.descriptor, ciphertext)
            except BlockingIOError:
                count = 0
            if count == len(ciphertext):
                return len(data)
            self._unsent, self._owed = memoryview(ciphertext)[count:], 1
            return len(data) - 1
        except OSError:
            # The next write that waits finds out what is wrong. An ssl.SSLError is an OSError too, and may leave
            # ciphertext behind, which must not get to another connection.
            self._outgoing.read()
            return 0

    async def write_soon(self, data: memoryview) -> int:
        """Encrypt and write some bytes as soon as there is room, as `PeerStream.write_soon` does."""
        while True:
            self._open_descriptor()
            await self._flush()
            try:
                count = self._encrypt(data)
            except OSError as error:
                raise trio.BrokenResourceError(str(error)) from error
            if count:
                return count

    async def _send_chunk(self, data: memoryview) -> None:
        if not self._secured:
            await super()._send_chunk(data)
            return
        await trio.lowlevel.checkpoint()
        while data:
            data = data[await self.write_soon(data) :]

    def _encrypt(self, data: bytes | memoryview) -> int:
        """Encrypt and write piece by piece, until the kernel takes no more; nothing may be unsent.

        Returns:
            The number of bytes of which the kernel has taken the ciphertext, without the byte that is `_owed`.
        """
        done, total = self._owed, len(data)
        self._owed = 0
        while done < total:
            piece = data if total <= CHUNK and not done else memoryview(data)[done : done + CHUNK]
            try:
                done += self._tls.write(piece)
            finally:
                self._collect()
            if not self._write_ciphertext():
                self._owed = 1
                return done - 1
        return done

    def _collect(self) -> None:
        """Take out of `_outgoing` what OpenSSL has written for this connection."""
        written = self._outgoing.read()
        self._unsent = bytes(self._unsent) + written if self._unsent else written

    def _write_ciphertext(self) -> bool:
        """Write ciphertext as far as the kernel takes it; return whether none is left.

        Raises:
            OSError: the connection is lost or closed.
        """
        if unsent := self._unsent:
            try:
                count = os.write(self.descriptor, unsent)
            except BlockingIOError:
                count = 0
            if count < len(unsent):
                self._unsent = memoryview(unsent)[count:]
                return False
            self._unsent = b""
        return True

    async def _flush(self) -> None:
        """Wait until the kernel has taken all ciphertext.

        Raises:
            trio.BrokenResourceError: the connection is lost.
            trio.ClosedResourceError: this side closed, or `wake_reader` was called.
        """
        try:
            while not self._write_ciphertext():
                with self.sending(self._unsent):
                    await trio.lowlevel.wait_writable(self._open_descriptor())
        except OSError as error:
            self._open_descriptor()
            raise trio.BrokenResourceError(str(error)) from error

    async def send_eof(self) -> None:
        """Tell the peer that nothing follows, with the alert of TLS and of TCP."""
        if not self._secured:
            await super().send_eof()
            return
        # OpenSSL writes the alert first, then fails because the alert of the peer is missing.
        with suppress(ssl.SSLError):
            self._tls.unwrap()
        self._collect()
        await self._flush()
        await super().send_eof()
