from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skysentry_trio.base.addresses import AddressParts, mask_address, mask_addresses, mask_arguments, split_address


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("rtsp://cam:554/live", "rtsp://cam:554/live"),
        ("rtsp://user:secret@cam:554/live?x=1#y", "rtsp://cam:554/live"),
        ("rtsp://user:s#cret@cam/live", "rtsp://cam/live"),
        ("rtsp://user:s/cret@cam/live", "rtsp://cam/live"),
        ("rtsp://user:s?cret@cam/live", "rtsp://cam/live"),
        ("rtsp://user:12?cret@cam/live", "rtsp://cam/live"),
        ("rtsp://user:s[cret@cam/live", "rtsp://cam/live"),
        ("rtsp://user:s]cret@[fe80::1%eth0]:554/live", "rtsp://[fe80::1%eth0]:554/live"),
        ("rtsp://user:s@cret@cam/live", "rtsp://cam/live"),
        (r"rtsp://user:s\cret@cam/live", "rtsp://cam/live"),
        ("rtsp://user:a://b@cam/live", "rtsp://cam/live"),
        ("http://cam/snap.cgi?usr=admin&pwd=secret", "http://cam/snap.cgi"),
        ("http://cam?pwd=secret", "http://cam"),
        ("http://10.0.0.5:81/snap.cgi?usr=a&pwd=s@cret", "http://10.0.0.5:81/snap.cgi"),
        ("http://cam/snap.cgi?usr=a&pwd=s@cret", "http://…"),
        ("http://u:p@cam/snap.cgi?pwd=s@cret", "http://…"),
        ("rtsp://10.0.0.5:554/user=admin&password=secret&channel=1.sdp", "rtsp://10.0.0.5:554/…"),
        ("rtsp://cam/live;pwd=secret/1", "rtsp://cam/…/1"),
        ("rstp://u:secret@cam/live", "rstp://cam/live"),
        ("u:secret@cam/live", "cam/live"),
        ("rtsp:/u:secret@cam/live", "cam/live"),
        ("u:secret@cam://live", "cam://live"),
        ("rtsp://admin:secret/live", "rtsp://admin/live"),
        ("rtsp://u:secret@", "rtsp://"),
        ("rtsp://u:secret@cam/\x1b[2J", "rtsp://cam/_[2J"),
        ("rtsp://[::1", "rtsp://"),
        ("/dev/video0", "/dev/video0"),
        ("", ""),
    ],
)
def test_secrets_are_not_shown(address: str, shown: str) -> None:
    """Scheme, host, port and path are shown, also of an address that is mistyped."""
    assert mask_address(address) == shown


SPECIAL = st.text("#/?[]:@&=;%\\ ab", max_size=6)


@given(SPECIAL, SPECIAL, st.sampled_from(["rtsp", "http", "rstp"]), st.sampled_from(["cam", "10.0.0.5", "[::1]:80"]))
def test_no_character_in_a_password_shows_the_password(before: str, after: str, scheme: str, host: str) -> None:
    """Whatever is around it; and an address that is accepted has exactly this host."""
    address = f"{scheme}://user:{before}secret{after}@{host}/live"
    assert "secret" not in mask_address(address)
    assert "user" not in mask_address(address)
    assert "secret" not in mask_addresses(f"cannot open '{address}': no") or " " in before + after
    try:
        parts = split_address(address)
    except ValueError:
        pass
    else:
        assert parts.host == host.partition("]")[0].strip("[")
        assert "secret" not in repr(parts)


@given(st.text(max_size=40))
def test_what_is_shown_is_shown_again_in_the_same_way(text: str) -> None:
    """Masking twice, as the log and the stream do, changes nothing; any text can be masked."""
    once = mask_address(text)
    assert once.isprintable()
    assert mask_address(once) == once
    assert mask_addresses(mask_addresses(text)) == mask_addresses(text)


def test_addresses_inside_a_text_are_masked() -> None:
    """Quotes and punctuation around them stay."""
    text = "cannot open 'rtsp://u:p@cam/live': no; see (http://h/x?token=1), and mail@example.org"
    assert mask_addresses(text) == "cannot open 'rtsp://cam/live': no; see (http://h/x), and mail@example.org"


def test_arguments_that_a_message_repeats_are_masked() -> None:
    """As they were written, or quoted as Python does it; spaces in them included."""
    arguments = ["capture", r"rtsp://u:a b\c'@cam/x", "--server=http://u:p@h", "u:p@h"]
    text = rf"no such option {arguments[1]!r} {arguments[1]} http://u:p@h and u:p@h"
    assert mask_arguments(text, arguments) == 'no such option "rtsp://cam/x" rtsp://cam/x http://h and h'


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("RTSP://u:p@cam:554/live?x=1", AddressParts("rtsp", "u:p", "cam", 554, "/live?x=1")),
        ("http://cam", AddressParts("http", None, "cam", None, "")),
        ("http://u:s[cret@[::1]:80?x", AddressParts("http", "u:s[cret", "::1", 80, "?x")),
        ("rtsp://u:s@cret@cam/", AddressParts("rtsp", "u:s@cret", "cam", None, "/")),
        ("http://cam/a@b.jpg", AddressParts("http", None, "cam", None, "/a@b.jpg")),
        ("http://cam/x?mail=a@b", AddressParts("http", None, "cam", None, "/x?mail=a@b")),
        ("rtsp://u:p@10.0.0.5:554/live@main", AddressParts("rtsp", "u:p", "10.0.0.5", 554, "/live@main")),
    ],
)
def test_an_address_has_parts(address: str, parts: AddressParts) -> None:
    """The last @ before the path ends the password."""
    assert split_address(address) == parts


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("cam/live", "scheme"),
        ("u:p@h://cam", "scheme"),
        ("rtsp://", "host"),
        ("rtsp:///live", "host"),
        ("rtsp://cam:port/", "host and port"),
        ("rtsp://cam:99999/", "host and port"),
        ("rtsp://[::1/", "host"),
        ("rtsp://u:s#cret@cam/live", "host and port"),
        ("rtsp://u:12#cret@cam/live", "which @"),
        ("rtsp://u:12/cret@cam/live", "which @"),
        ("rtsp://u#1:cret@cam/live", "which @"),
        ("rtsp://u?1:cret@cam/live", "which @"),
        ("rtsp://u:p@cam/li ve", "space"),
        ("rtsp://cam/\0", "control"),
    ],
)
def test_an_address_that_cannot_be_taken_apart(address: str, reason: str) -> None:
    """The reason repeats nothing of the address."""
    with pytest.raises(ValueError, match=reason) as caught:
        split_address(address)
    assert "cret" not in str(caught.value)
