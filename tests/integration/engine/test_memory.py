"""What actions remember between runs, and the gate that lets one worker in at a time."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from worker.errors import RetryableError
from worker.ledger.memory import Memory

START = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> FakeClock:
    """A clock of this test's own."""
    return FakeClock()


@pytest.fixture
def memory_of(ledger: Engine, clock: FakeClock) -> Callable[[str], Memory]:
    """Give the memory of an account."""
    return lambda account: Memory(ledger, account, clock)


def test_a_value_is_remembered_replaced_forgotten_and_grows_old(
    memory_of: Callable[[str], Memory], clock: FakeClock
) -> None:
    """Each account has its own; a month later the vendor is asked again."""
    memory, other = memory_of("a"), memory_of("b")
    assert memory.recall("contact:1") is None

    memory.remember("contact:1", "77")
    assert (memory.recall("contact:1"), other.recall("contact:1")) == ("77", None)
    memory.remember("contact:1", "78")
    assert memory.recall("contact:1") == "78"

    clock.now += timedelta(days=31)
    assert memory.recall("contact:1") is None
    memory.remember("contact:1", "79")
    memory.forget("contact:1")
    assert memory.recall("contact:1") is None


def test_only_one_is_inside(memory_of: Callable[[str], Memory]) -> None:
    """A second one is told to come back soon; other keys and other accounts are free; leaving opens the gate."""
    memory = memory_of("a")

    with memory.alone("phone:1"):
        with pytest.raises(RetryableError) as refused, memory.alone("phone:1"):
            pass
        assert refused.value.retry_after_seconds
        with memory.alone("phone:2"), memory_of("b").alone("phone:1"):
            pass
    with memory.alone("phone:1"):
        pass


def test_an_error_inside_opens_the_gate(memory_of: Callable[[str], Memory]) -> None:
    """Whatever goes wrong, nobody stays locked out."""
    memory = memory_of("a")

    with pytest.raises(KeyError), memory.alone("phone:1"):
        raise KeyError
    with memory.alone("phone:1"):
        pass


def test_whoever_died_inside_keeps_others_out_for_a_minute_only(
    memory_of: Callable[[str], Memory], clock: FakeClock
) -> None:
    """The gate of a killed worker opens by itself, and its late leaving does not open the next one's."""
    memory = memory_of("a")
    dead = memory.alone("phone:1")
    dead.__enter__()
    clock.now += timedelta(seconds=61)

    with memory.alone("phone:1"):
        dead.__exit__(None, None, None)
        with pytest.raises(RetryableError), memory.alone("phone:1"):
            pass
