"""Take addresses apart, and show them without what may be secret: only the scheme, host, port and path."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from attrs import field, frozen

ADVICE: Final = (
    "In a user name, a password or a path, write # as %23, / as %2F, ? as %3F, @ as %40, : as %3A and a space as %20"
)
_MAX_LENGTH: Final = 4095
"""Maximum number of characters in an address; FFmpeg would cut off a longer one."""
_HIDDEN: Final = "…"
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_END_OF_AUTHORITY: Final = re.compile(r"[/?#\\]")
_HOST_AND_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+(?:%[\w.~-]+)?\]|[^\s\[\]:/?#@\\]+)(?::([0-9]{0,5}))?", re.ASCII)
# It begins only where a word begins, and never goes back, so that a long text takes no quadratic time.
_ADDRESS_IN_TEXT: Final = re.compile(r"(?<![A-Za-z0-9+.-])[A-Za-z0-9+.-]++://\S+")
_PUNCTUATION: Final = """"'`)]}>,.:;"""


@frozen
class AddressParts:
    """The parts of an address ``scheme://user:password@host:port/path?query``."""

    scheme: str
    """In lower case."""
    user_info: str | None = field(repr=False)
    """What is before the ``@``, as written; None without it."""
    host: str
    """A name or an IP address, IPv6 without brackets."""
    port: int | None
    target: str = field(repr=False)
    """Path, query and fragment, as written."""


def split_address(text: str) -> AddressParts:
    """Take an address apart.

    Raises:
        ValueError: the parts cannot be told apart; the message gives the reason, and repeats nothing of the address.
    """
    if len(text) > _MAX_LENGTH:
        raise ValueError(f"it has {len(text)} characters, more than {_MAX_LENGTH}")
    scheme, mark, rest = text.partition("://")
    if not mark or not _SCHEME.fullmatch(scheme):
        raise ValueError("it does not begin with a scheme such as rtsp://")
    if not rest.isprintable() or " " in rest:
        raise ValueError("it contains a space or a control character")
    authority, target = _split_authority(rest)
    user_info, at, host_and_port = authority.rpartition("@")
    matched = _HOST_AND_PORT.fullmatch(host_and_port)
    if matched is None or int(matched[2] or 0) > 65535:
        raise ValueError("no valid host and port can be found in it")
    if "@" in target and _may_be_inside_password(authority, target, matched[1]):
        raise ValueError("it is not clear which @ ends the password")
    port = int(matched[2]) if matched[2] else None
    return AddressParts(scheme.lower(), user_info if at else None, matched[1].strip("[]"), port, target)


def mask_address(text: str) -> str:
    """Return the scheme, host, port and path of an address, and nothing that is before its last ``@``.

    The text may be any text, because people mistype addresses. Parts of the path that contain ``=`` are hidden too:
    some cameras expect the password there.
    """
    scheme, mark, rest = text.partition("://")
    if not mark or not _SCHEME.fullmatch(scheme):
        scheme, mark, rest = "", "", text
    shown = f"{scheme}{mark}{_visible(rest)}"
    if shown.isprintable():
        return shown
    return "".join(character if character.isprintable() else "_" for character in shown)


def mask_addresses(text: str) -> str:
    """Return the text with each address in it as `mask_address` shows it."""
    return _ADDRESS_IN_TEXT.sub(_mask_match, text) if "://" in text else text


def mask_arguments(text: str, arguments: list[str]) -> str:
    """Return a message without the secrets of the command-line arguments that the message repeats."""
    for argument in arguments:
        for part in (argument, argument.partition("=")[2]):
            if "@" in part or "://" in part:
                masked = mask_address(part)
                text = text.replace(part, masked).replace(repr(part)[1:-1], masked)
    return mask_addresses(text)


def _mask_match(match: re.Match[str]) -> str:
    address = match[0].rstrip(_PUNCTUATION)
    return mask_address(address) + match[0][len(address) :]


def _visible(rest: str) -> str:
    authority, target = _split_authority(rest)
    if "@" in target and not _is_ip_address(authority):
        if _has_query_before_at(rest):
            # Either the query or the password contains the @: everything could be a part of the password.
            return _HIDDEN
        rest = rest.rpartition("@")[2]
    elif "@" not in target:
        rest = rest[authority.rfind("@") + 1 :]
    authority, target = _split_authority(rest)
    matched = _HOST_AND_PORT.match(authority)
    # What follows the colon is a password if it is not a number: the host is missing then.
    shown = "" if matched is None else matched[0] if matched.end() == len(authority) else matched[1]
    path = re.split(r"[?#]", target, maxsplit=1)[0]
    return shown + "/".join(_HIDDEN if "=" in part else part for part in path.split("/"))


def _has_query_before_at(rest: str) -> bool:
    """Return whether a value with a name follows a ``?``, ``&``, ``#`` or ``;`` before the last ``@``."""
    before = rest.rpartition("@")[0]
    return "=" in before[len(re.split(r"[?&#;]", before, maxsplit=1)[0]) :]


def _split_authority(rest: str) -> tuple[str, str]:
    found = _END_OF_AUTHORITY.search(rest)
    end = found.start() if found else len(rest)
    return rest[:end], rest[end:]


def _may_be_inside_password(authority: str, target: str, host: str) -> bool:
    """Return whether an ``@`` in the target may end a password that contains ``/``, ``?`` or ``#``."""
    if _is_ip_address(host):
        return False
    before = target.rpartition("@")[0]
    return ":" in authority or "@" in authority or "#" in before or ("?" in before and "=" not in before)


def _is_ip_address(host_and_port: str) -> bool:
    """Return whether this is an IP address with or without a port, which no user name is."""
    matched = _HOST_AND_PORT.fullmatch(host_and_port)
    if matched is None:
        return False
    try:
        ipaddress.ip_address(matched[1].strip("[]"))
    except ValueError:
        return False
    return True
