"""What the supervisor is told about one process."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from signal import SIGTERM, Signals
from typing import NamedTuple


class Owner(NamedTuple):
    """The user a process runs as."""

    uid: int
    gid: int


def nothing() -> None:
    """Do nothing: the default of the hooks."""


@dataclass(frozen=True, slots=True)
class Service:
    """One process to start, watch and stop.

    `env` is its whole environment, apart from PYTHONUNBUFFERED and a mark of the run. `ready` is asked from a thread
    until it says True; it must come back within a few seconds and start no processes; an exception counts as False.
    `after` names services that must be ready first, and that are stopped later. A `oneshot` is ready when it has ended
    with status 0 and is not started again.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    ready: Callable[[], bool]
    stop_signal: Signals = SIGTERM
    stop_seconds: float = 10.0
    after: tuple[str, ...] = ()
    oneshot: bool = False
    ready_seconds: float = 60.0
    cwd: Path | None = None
    quit_signal: Signals | None = None  # sent when the grace is over, a few seconds before SIGKILL
    owner: Owner | None = None  # only root can start a process as somebody else
    log_path: Path | None = None  # its output goes here, kept small, instead of to ours
    prepare: Callable[[], None] = nothing  # before every start, also after a crash
    cleanup: Callable[[], None] = nothing  # after the last stop
