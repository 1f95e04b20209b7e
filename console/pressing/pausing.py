"""Pause and resume by name, as the command line and the console's pages do.

Invariant: only what is configured can be paused, so that a slip of the pen never looks like a pause.
"""

from config.faults import suggest
from config.load import Config
from worker.ledger.pauses import Pause
from worker.people import People, RefusedError
from worker.states import PauseKind


def pause(people: People, config: Config, kind: PauseKind, name: str) -> Pause:
    """Pause an account or a rule; RefusedError when there is none of that name, or it is paused already."""
    known = names(config)[kind]
    if name not in known:
        raise RefusedError(f'there is no {kind} "{name}"' + (suggest(name, known) or ""))
    return people.pause(kind, name)


def names(config: Config) -> dict[PauseKind, list[str]]:
    """Return what can be paused, by kind."""
    return {PauseKind.ACCOUNT: sorted(config.accounts), PauseKind.RULE: sorted(rule.name for rule in config.rules)}
