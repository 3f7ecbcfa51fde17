"""Guessing gets slower and slower, and nobody else does."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
import trio
import trio.testing

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.networks import Networks
from skysentry_trio.server.access import guessing
from skysentry_trio.server.access.guessing import (
    FORGIVEN_AFTER,
    FREE_FAILURES,
    LONGEST_DELAY,
    MOST_AT_ONCE,
    MOST_AT_ONCE_EACH,
    MOST_ENTRIES,
    GuessLimiter,
)

GUESSER, NEIGHBOUR = "203.0.113.9", "203.0.113.10"


def fail(limiter: GuessLimiter, address: str, guessed: str = "", *, times: int = 1, now: float = 0.0) -> None:
    for number in range(times):
        limiter.note_failure(address, guessed or f"sky_{number:020}", now)


def test_a_few_mistakes_cost_nothing() -> None:
    """People mistype, and programs have old keys."""
    limiter = GuessLimiter()
    fail(limiter, GUESSER, times=FREE_FAILURES)

    assert limiter.delay(GUESSER, "any", 0.0) == 0


def test_each_further_mistake_doubles_the_delay_up_to_a_limit() -> None:
    """A quarter of a second, a half, one, and at most eight."""
    limiter, delays = GuessLimiter(), []
    fail(limiter, GUESSER, times=FREE_FAILURES)
    for number in range(10):
        fail(limiter, GUESSER)
        delays.append(limiter.delay(GUESSER, f"{number}", 0.0))

    assert delays == [0.25, 0.5, 1, 2, 4, 8, LONGEST_DELAY, LONGEST_DELAY, LONGEST_DELAY, LONGEST_DELAY]


def test_mistakes_are_forgotten() -> None:
    """One after another, and all of them after some minutes, however many there were."""
    limiter = GuessLimiter()
    fail(limiter, GUESSER, times=FREE_FAILURES + 2)
    assert limiter.delay(GUESSER, "", 0.0) == 0.5
    assert limiter.delay(GUESSER, "", FORGIVEN_AFTER) == 0.25
    assert limiter.delay(GUESSER, "", 2 * FORGIVEN_AFTER) == 0

    fail(limiter, GUESSER, times=10_000)
    assert limiter.delay(GUESSER, "", 600.0) == 0


def test_other_addresses_are_not_slowed_down() -> None:
    """Someone who guesses does not delay the neighbour."""
    limiter = GuessLimiter()
    fail(limiter, GUESSER, times=50)

    assert limiter.delay(NEIGHBOUR, "sky_other", 0.0) == 0


def test_one_subscriber_has_many_addresses() -> None:
    """Another address of the same /64 does not help; an address of another /64 belongs to someone else."""
    limiter = GuessLimiter()
    for number in range(50):
        limiter.note_failure(f"2001:db8::{number:x}", f"guess{number}", 0.0)

    assert limiter.delay("2001:db8::ffff", "", 0.0) == LONGEST_DELAY
    assert limiter.delay("2001:db8:0:1::1", "", 0.0) == 0


def test_many_addresses_that_guess_one_key_are_slowed_down() -> None:
    """What is guessed counts too, by its start."""
    limiter = GuessLimiter()
    for number in range(50):
        limiter.note_failure(f"198.51.100.{number}", f"sky_abcdefgh{number}", 0.0)

    assert limiter.delay(NEIGHBOUR, "sky_abcdefgh-another", 0.0) == LONGEST_DELAY
    assert limiter.delay(NEIGHBOUR, "sky_zzzzzzzz", 0.0) == 0


async def test_a_trusted_proxy_is_never_slowed_down() -> None:
    """If it does not say where its clients are, only what is guessed counts."""
    limiter = GuessLimiter(Networks.parse(("10.0.0.0/8",)))
    fail(limiter, "10.0.0.1", times=100)
    assert limiter.delay("10.0.0.1", "admin", 0.0) == 0

    fail(limiter, "10.0.0.1", "admin", times=100)
    assert limiter.delay("10.0.0.1", "admin", 0.0) == LONGEST_DELAY
    assert limiter.delay("10.0.0.1", "guard", 0.0) == 0
    with ExitStack() as attempts:
        for _ in range(5 * MOST_AT_ONCE_EACH):
            attempts.enter_context(limiter.attempt("10.0.0.1", "admin"))


def test_the_table_is_bounded() -> None:
    """Those who failed longest ago make room, not those who fail all the time."""
    limiter = GuessLimiter()
    for number in range(3 * MOST_ENTRIES):
        limiter.note_failure(f"198.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}", "", 0.0)
        if number % 100 == 0:
            limiter.note_failure(GUESSER, "", 0.0)

    assert len(limiter._failures) == MOST_ENTRIES
    assert limiter.delay(GUESSER, "", 0.0) == LONGEST_DELAY


async def test_answers_to_failed_attempts_wait(autojump_clock: trio.testing.MockClock) -> None:
    """The first ones come at once, the later ones after their delay."""
    limiter, started = GuessLimiter(), trio.current_time()
    for _ in range(FREE_FAILURES):
        await limiter.slow_down(GUESSER, "admin")
    assert trio.current_time() == started

    await limiter.slow_down(GUESSER, "admin")
    assert trio.current_time() == started + 0.25


async def test_a_wrong_key_that_comes_again_is_no_guess(autojump_clock: trio.testing.MockClock) -> None:
    """A camera with an old key tries it for ever; new keys are guesses, and are delayed."""
    limiter, started = GuessLimiter(), trio.current_time()

    async def try_key(key: str) -> None:
        with pytest.raises(ProtocolViolation, match="no such key"):
            async with limiter.checking_token(f"{GUESSER}:{len(key)}", key):
                raise ProtocolViolation("no such key", "unauthenticated")

    for _ in range(1000):
        await try_key("sky_old")
    assert trio.current_time() == started

    for number in range(10):
        await try_key(f"sky_{number:030}")
    assert trio.current_time() > started + 10
    assert len(limiter._known_wrong) == 11


async def test_a_wrong_password_is_delayed_and_another_error_is_not(autojump_clock: trio.testing.MockClock) -> None:
    """Only a refused proof is a guess; a right one is never delayed."""
    limiter, started = GuessLimiter(), trio.current_time()
    for _ in range(100):
        with pytest.raises(ProtocolViolation, match="full"):
            async with limiter.checking_password(GUESSER, "ann"):
                raise ProtocolViolation("full", "busy")
    assert trio.current_time() == started

    for _ in range(10):
        with pytest.raises(ProtocolViolation, match="wrong"):
            async with limiter.checking_password(GUESSER, "ann"):
                raise ProtocolViolation("wrong", "unauthenticated")
    waited = trio.current_time() - started
    assert waited > 4
    async with limiter.checking_password(GUESSER, "ann"):
        pass
    assert trio.current_time() - started == waited


async def test_guessing_in_parallel_does_not_help(autojump_clock: trio.testing.MockClock) -> None:
    """Only a few attempts of one address are checked at once; the others get an answer at once, and are not checked."""
    limiter, checked, refused = GuessLimiter(), 0, 0

    async def guess() -> None:
        nonlocal checked, refused
        while True:
            try:
                with limiter.attempt(GUESSER, "admin"):
                    checked += 1
                    await limiter.slow_down(GUESSER, "admin")
            except ProtocolViolation as violation:
                assert violation.code == "flood"  # noqa: PT017 - the others raise nothing
                refused += 1
                await trio.sleep(1)

    with trio.move_on_after(600):
        async with trio.open_nursery() as nursery:
            for _ in range(20):
                nursery.start_soon(guess)

    assert checked <= 600 / LONGEST_DELAY * MOST_AT_ONCE_EACH + 100
    assert refused > 1000
    with limiter.attempt(NEIGHBOUR, "any"):
        pass


async def test_an_address_without_failures_may_ask_much_at_once() -> None:
    """A dashboard asks for all its cameras at the same moment."""
    limiter = GuessLimiter()
    with ExitStack() as attempts:
        for _ in range(10 * MOST_AT_ONCE_EACH):
            attempts.enter_context(limiter.attempt(NEIGHBOUR, "dashboard"))


async def test_the_attempts_of_all_addresses_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit, an address may have one, and a proxy none; when some end, there is room again."""
    monkeypatch.setattr(guessing, "MOST_AT_ONCE", 10)
    limiter = GuessLimiter(Networks.parse(["10.0.0.1"]))
    with ExitStack() as attempts:
        for number in range(11):
            attempts.enter_context(limiter.attempt(f"198.51.100.{number}", "any"))
        for address in ("198.51.100.10", "10.0.0.1"):
            with pytest.raises(ProtocolViolation, match="attempts to sign in wait"), limiter.attempt(address, "any"):
                pass
    with limiter.attempt(NEIGHBOUR, "any"):
        pass
    assert limiter._at_once == {}


async def test_guessing_from_many_addresses_shuts_nobody_else_out(autojump_clock: trio.testing.MockClock) -> None:
    """A guesser with many addresses keeps all places busy; a person at another address still signs in."""
    limiter, answered = GuessLimiter(), list[str]()

    async def guess(address: str, number: int) -> None:
        with pytest.raises(ProtocolViolation):
            async with limiter.checking_password(address, f"guess {number}"):
                raise ProtocolViolation("wrong", "unauthenticated")
        answered.append(address)

    async with trio.open_nursery() as nursery:
        for number in range(2 * MOST_AT_ONCE):
            address = f"203.0.113.{number % 60}"
            fail(limiter, address, f"guess {number}", times=20)
            nursery.start_soon(guess, address, number)
        await trio.testing.wait_all_tasks_blocked()
        waiting = 2 * MOST_AT_ONCE - len(answered)
        async with limiter.checking_password("198.51.100.7", "ann"):
            pass
    assert MOST_AT_ONCE <= waiting <= MOST_AT_ONCE + 60
