from __future__ import annotations

import re

import pytest
from attrs import define

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import ANYONE, EVERYTHING, Action, Decision, Principal, Rights, decide
from skysentry_trio.server.cluster.node_proof import NodeProof, narrow

TARGET = "/api/clients/door/latest.jpg?back=5"


@define
class Time:
    now: float = 1_700_000_000.0

    def read(self) -> float:
        return self.now


def refusal(proof: NodeProof, header: str, method: str = "GET", target: str = TARGET) -> str:
    with pytest.raises(ProtocolViolation) as refused:
        proof.verify(header, method, target)
    assert refused.value.code == "unauthenticated"
    return str(refused.value)


def test_a_node_that_asks_for_itself_may_do_everything() -> None:
    """It asks for all of its viewers, whose rights it has checked."""
    visitor = NodeProof("b", b"secret").verify(NodeProof("a", b"secret").header_for("b", "GET", TARGET), "GET", TARGET)
    assert visitor.principal.is_node
    assert visitor.principal.rights == EVERYTHING
    assert visitor.via == ("a",)


def test_a_node_that_asks_for_a_client_has_the_rights_of_the_client() -> None:
    """Name, identity and end of the access arrive too, for the log and for taking a camera over."""
    client = Principal("porch", Rights.of({"view": ["door"]}), "key", "key:7", expires_at=5.0)
    header = NodeProof("a", b"secret").header_for("b", "GET", TARGET, principal=client, via=("z",))
    visitor = NodeProof("b", b"secret").verify(header, "GET", TARGET)
    assert visitor.principal == client
    assert visitor.via == ("z", "a")


def test_rights_over_a_thousand_cameras_fit_into_a_header() -> None:
    """The head of a request may have 16 KiB."""
    names = [f"building-{number % 7}-floor-{number}" for number in range(1000)]
    client = Principal("porch", Rights.of({"history": names}), "key", "key:7")
    header = NodeProof("a", b"secret").header_for("b", "GET", TARGET, principal=client)
    assert len(header) < 12_000
    assert NodeProof("b", b"secret").verify(header, "GET", TARGET).principal == client


def test_a_header_counts_at_the_node_that_is_asked_only() -> None:
    """A header that was read on its way is refused at another node; a node that was started again is another node."""
    header = NodeProof("a", b"secret").header_for("b", "GET", TARGET)
    with pytest.raises(ProtocolViolation, match="this is node c, and not node b; try again") as refused:
        NodeProof("c", b"secret").verify(header, "GET", TARGET)
    assert refused.value.code == "busy"


@pytest.mark.parametrize(("method", "target"), [("POST", TARGET), ("GET", "/api/clients/yard/latest.jpg")])
def test_a_header_counts_for_one_request_only(method: str, target: str) -> None:
    """Nobody can use it for another request, or for the same one again."""
    header = NodeProof("a", b"secret").header_for("b", "GET", TARGET)
    proof = NodeProof("b", b"secret")
    assert "signature" in refusal(proof, header, method, target)
    proof.verify(header, "GET", TARGET)
    assert "used before" in refusal(proof, header)


def test_no_number_of_later_headers_makes_an_earlier_one_count_again() -> None:
    """What is forgotten is refused: no request is under way for as long as a node needs for 65,536 headers."""
    asking, proof = NodeProof("a", b"secret"), NodeProof("b", b"secret")
    used, late = (asking.header_for("b", "GET", TARGET) for _ in range(2))
    proof.verify(used, "GET", TARGET)
    for _ in range(66_000):
        header = asking.header_for("b", "GET", TARGET)
    proof.verify(header, "GET", TARGET)
    for old in (used, late):
        assert "used before" in refusal(proof, old)


def test_headers_may_arrive_in_another_order() -> None:
    """Each request has a connection, and one may overtake another."""
    asking, proof = NodeProof("a", b"secret"), NodeProof("b", b"secret")
    headers = [asking.header_for("b", "GET", TARGET) for _ in range(50)]
    for header in (*headers[25:], *reversed(headers[:25])):
        proof.verify(header, "GET", TARGET)
    for header in headers:
        assert "used before" in refusal(proof, header)


def test_a_node_that_is_gone_is_forgotten_when_none_of_its_headers_can_count() -> None:
    """Nodes that are started again and again take no more memory."""
    time = Time()
    proof = NodeProof("b", b"secret", time.read)
    for number in range(100):
        header = NodeProof(f"a{number}", b"secret", time.read).header_for("b", "GET", TARGET)
        proof.verify(header, "GET", TARGET)
        time.now += 60
    assert len(proof._windows) <= 5


def test_another_secret_is_refused() -> None:
    """The reason says what the operator has to compare."""
    header = NodeProof("a", b"other").header_for("b", "GET", TARGET)
    assert "the same secret" in refusal(NodeProof("b", b"secret"), header)


@pytest.mark.parametrize("seconds", [-121.0, 121.0])
def test_an_old_header_is_refused(seconds: float) -> None:
    """Nodes whose clocks differ by more than two minutes cannot work together."""
    time = Time()
    header = NodeProof("a", b"secret", time.read).header_for("b", "GET", TARGET)
    time.now += seconds
    assert re.search("clocks .* 121 s", refusal(NodeProof("b", b"secret", time.read), header))


@pytest.mark.parametrize("header", ["", ".", "a.b", "💥", "x" * 10_000])
def test_nonsense_is_refused(header: str) -> None:
    """Anyone may send such a header."""
    assert "signature" in refusal(NodeProof("b", b"secret"), header)


def test_a_secret_does_not_appear_in_the_representation() -> None:
    """So no log can contain it."""
    assert "hush" not in repr(NodeProof("b", b"hush"))


def test_rights_are_narrowed_to_the_camera_that_is_asked_for() -> None:
    """A principal may have a thousand rules, which no header can hold; the decision is the same."""
    rights = Rights.of({"view": [f"camera-{number}" for number in range(900)] + ["do*"], "publish": ["yard"]})
    whole = Principal("porch", rights, "key", "key:7")
    for camera_id in ("door", "yard", "attic"):
        narrowed = narrow(whole, camera_id)
        assert len(narrowed.rights.describe().get("view", ())) <= 1
        for action in Action:
            assert decide(narrowed, action, camera_id, 0) == decide(whole, action, camera_id, 0)
    assert narrow(ANYONE, "door") == ANYONE
    later = Principal("porch", Rights.of({"history": ["*@2026-11-29T08:00:00.5Z"]}), "key", "key:7")
    assert narrow(later, "door").rights.history_begin("door") == later.rights.history_begin("door") > 0
    assert decide(narrow(whole, "attic"), Action.VIEW, "attic", 0) is Decision.HIDDEN
