"""What is known, while events are played, of the persons that messages go to: their wishes, and when they last wrote.

Invariant: a message is judged by the engine's own rules, by what was known at the moment when it would leave.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from config.load import Config
from config.rules import Step
from tasks.actions.registry import ACTIONS
from tasks.trying.rendering import Rendered
from tasks.trying.shelf import Shelf
from tasks.trying.world import Told
from worker.holding import person_key
from worker.ledger.consents import EVERY_ACCOUNT
from worker.messaging import windowing
from worker.messaging.facts import FACTS, OPTED_OUT
from worker.messaging.guarding import opted_out
from worker.messaging.refusing import Refusal


@dataclass(frozen=True)
class Stop:
    """That a person wants no more messages."""

    scope: str
    account: str
    since: datetime
    why: str


class Before(Protocol):
    """What was known of persons before the first event that is played."""

    def stops(self) -> Mapping[str, tuple[Stop, ...]]:
        """Return what each person did not want any more."""

    def heard_at(self, account: str, person: str) -> datetime | None:
        """Return when a person had last written to an account."""


class Persons:
    """Keeps what is known of persons."""

    def __init__(self, config: Config, before: Before, shelf: Shelf) -> None:
        self._config, self._before, self._shelf = config, before, shelf
        self._stops = dict(before.stops())
        steps = [step for rule in config.rules for step in rule.all_steps()]
        is_told = any(rule.plan is not None for rule in config.rules)
        self._is_listening = is_told or any(
            step.action in ACTIONS and ACTIONS[step.action].in_session for step in steps
        )

    def take_in(self, told: Told) -> None:
        """Take in what an event says of a person: a wish, which is a fact of its own, or that they wrote."""
        stored, what = told.stored, told.what
        if what.type in FACTS:
            self._wish(told)
        elif self._is_listening and what.heard is not None and what.heard.blocked is None:
            name = f"heard/{stored.account}/{person_key(what.heard.phone)}"
            at, known = min(what.occurred_at, stored.received_at), self._shelf.get(name)
            self._shelf.put(name, max(at, known) if known else at)

    def against(self, rendered: Rendered, step: Step, now: datetime) -> Refusal | None:
        """Return why a message would not be sent at a moment."""
        if rendered.recipient is None:
            return None
        person = person_key(rendered.recipient)
        known = self._stops.get(person, ())
        if refusal := opted_out([stop for stop in known if stop.account in {EVERY_ACCOUNT, rendered.account}], step):
            return refusal
        if not rendered.is_in_session or not windowing.hears_all(self._config.accounts[rendered.account]):
            return None
        heard_at = self._shelf.get(f"heard/{rendered.account}/{person}")
        return windowing.judge(heard_at or self._before.heard_at(rendered.account, person), now)

    def _wish(self, told: Told) -> None:
        """Take in a fact of consent, whose key says whose it is: nothing else of it tells where no phone is known."""
        _, person, scope, account, *_ = f"{told.key}::::".split(":")
        kept = [stop for stop in self._stops.get(person, ()) if (stop.scope, stop.account) != (scope, account)]
        if told.what.type == OPTED_OUT:
            kept.append(Stop(scope, account, told.what.occurred_at, told.what.data["why"]))
        self._stops[person] = tuple(sorted(kept, key=lambda stop: stop.scope))
