"""What is held for peers, and who gives way when it is too much, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.held_memory import HeldMemory, Receiving, Sending

MIB = 1024 * 1024


@define
class FakeRings:
    """Rings whose newest frames have 10 bytes."""

    nbytes: int = 0

    def shrink_to(self, nbytes: float) -> None:
        self.nbytes = max(10, min(self.nbytes, int(nbytes)))


@define
class Crowd:
    """Peers of one memory, and which of them were cut."""

    memory: HeldMemory
    cut: list[str] = field(factory=list)

    def _cutter(self, name: str) -> Callable[[], None]:
        return lambda: self.cut.append(name)

    def receiving(self, name: str) -> Receiving:
        return Receiving(self.memory, self._cutter(name))

    def sending(self, name: str, data: bytes | memoryview) -> Sending:
        return Sending(self.memory, data, self._cutter(name))


async def test_an_unfinished_message_counts_until_it_is_complete(autojump_clock: MockClock) -> None:
    """It counts with what has come so far, however often it grows."""
    memory = HeldMemory(1000)
    message = Crowd(memory).receiving("a")
    message.grow_to(10)
    message.grow_to(300)
    assert memory.nbytes == memory.receiving == 300
    message.release()
    message.release()
    assert memory.nbytes == 0


async def test_old_frames_give_way_first(autojump_clock: MockClock) -> None:
    """A message that is being received is worth more than the oldest picture of a ring."""
    memory = HeldMemory(1000)
    memory.rings = rings = FakeRings(950)
    Crowd(memory).receiving("a").grow_to(300)
    assert rings.nbytes <= 700
    assert memory.refused == 0


async def test_without_old_frames_a_new_message_is_refused(autojump_clock: MockClock) -> None:
    """The peer is told to try again later, it holds nothing any more, and the others go on."""
    memory = HeldMemory(1000)
    memory.rings = FakeRings(10)
    crowd = Crowd(memory)
    crowd.receiving("old").grow_to(900)
    new = crowd.receiving("new")
    new.grow_to(50)
    with pytest.raises(ProtocolViolation) as refusal:
        new.grow_to(200)
    assert (refusal.value.code, refusal.value.close_code, refusal.value.http_status) == ("server-full", 1013, 503)
    assert (memory.receiving, memory.refused, crowd.cut) == (900, 1, [])


async def test_a_message_that_stays_unfinished_makes_room_for_others(autojump_clock: MockClock) -> None:
    """A peer that fills the memory and then sends nothing keeps no camera out for long."""
    memory = HeldMemory(1000)
    crowd = Crowd(memory)
    for name in ("first", "second", "third"):
        crowd.receiving(name).grow_to(300)
    await trio.sleep(11)
    crowd.receiving("new").grow_to(200)
    assert (crowd.cut, dict(memory.cut), memory.receiving) == (["first"], {"receiving": 1}, 800)


async def test_bytes_that_several_peers_are_sent_count_once(autojump_clock: MockClock) -> None:
    """Fifty viewers that are stuck in one frame cost one frame, whatever part of it each has got."""
    memory = HeldMemory()
    crowd, frame = Crowd(memory), bytes(1000)
    with crowd.sending("a", frame):
        with crowd.sending("b", memoryview(frame)[900:]):
            assert memory.sending == 1000
        assert memory.sending == 1000
        with crowd.sending("c", bytes(10)):
            assert memory.nbytes == 1010
    assert memory.nbytes == 0


async def test_who_is_stuck_longest_is_cut_when_too_much_is_unsent(autojump_clock: MockClock) -> None:
    """Each stuck viewer holds a frame that no other viewer needs, so their number is limited."""
    memory = HeldMemory(128 * MIB)
    crowd = Crowd(memory)
    assert memory.sending_limit == 32 * MIB
    for number in range(10):
        crowd.sending(str(number), bytes(5 * MIB)).__enter__()
        await trio.sleep(1.5)
    assert crowd.cut == ["0", "1", "2", "3"]
    assert memory.cut == {"sending": 4}
    assert memory.sending == 30 * MIB


async def test_who_has_just_begun_is_not_cut(autojump_clock: MockClock) -> None:
    """Many viewers on good links may be in the middle of large frames at the same moment."""
    memory = HeldMemory(128 * MIB)
    crowd = Crowd(memory)
    for number in range(10):
        crowd.sending(str(number), bytes(5 * MIB)).__enter__()
    assert crowd.cut == []


async def test_who_was_cut_ends_only_once(autojump_clock: MockClock) -> None:
    """The context of a write that was cut ends later, and takes nothing away a second time."""
    memory = HeldMemory(64 * MIB)
    crowd = Crowd(memory)
    with crowd.sending("slow", bytes(30 * MIB)):
        await trio.sleep(2)
        with crowd.sending("new", bytes(10 * MIB)):
            assert crowd.cut == ["slow"]
    assert memory.sending == 0


async def test_the_unsent_bytes_take_room_from_rings(autojump_clock: MockClock) -> None:
    """All that is held for peers is in one budget."""
    memory = HeldMemory(1000)
    memory.rings = rings = FakeRings(990)
    with Crowd(memory).sending("a", bytes(100)):
        assert rings.nbytes <= 900
