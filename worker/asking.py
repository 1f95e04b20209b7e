"""What the rules want from something that happened: the part of routing that needs no ledger.

Invariant: nothing is read or written here, so that trying rules decides as the engine does.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from config.expressions import ExpressionError
from config.rules import Rule, Step
from worker.context import Subject, expression_context
from worker.ledger.plans import Planned
from worker.planning import Happening, failures, plans
from worker.reading import Fact, Understanding
from worker.snapshots import Merge, Snapshot
from worker.states import DeliveryState, Reason

Unwanted = tuple[DeliveryState, Reason, str | None]


@dataclass(frozen=True)
class Derived:
    """A fact, with what it exists once for and what its effects are named after."""

    type: str
    subject: Subject
    key: str
    about: str

    def happening(self, fact_id: UUID, occurred_at: datetime) -> Happening:
        """Return it as the rules are asked about it."""
        return Happening(fact_id, self.type, self.subject.account, self.about, self.subject, occurred_at)


def derived(what: Understanding, subject: Subject, snapshot: Snapshot) -> Iterator[Derived]:
    """Yield every fact that an event and what is known of its subject amount to, new or not."""
    if subject.key is None:
        return
    own = (Fact(type_, subject.key) for type_ in what.facts(snapshot))
    for fact in (*own, *what.other_facts(snapshot)):
        key = fact_key(fact)
        yield Derived(
            fact.type, Subject(subject.account, fact.subject), key, fact_about(subject.account, fact.type, key)
        )


def why_unwanted(what: Understanding, own: Merge | None, snapshot: Snapshot) -> Unwanted | None:
    """Say why nothing is to follow from an event; `own`: what came of taking in what it says of its subject."""
    # What came to be has come to be, however late it is told.
    if own is not None and own.stale and not what.type.endswith("created"):
        return DeliveryState.SUPPRESSED, Reason.STALE, "something newer is known of its subject"
    if snapshot.values.get("is_probably_spam") and not what.type.endswith(".spam_created"):
        return DeliveryState.SUPPRESSED, Reason.SPAM, "the order is probably spam"
    return None


def context_of(
    happening: Happening, data: dict[str, Any], moments: Mapping[str, Any], snapshot: Snapshot, now: datetime,
    tap: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return what the rules' expressions speak of.

    `moments`: the account that the event came in by, when it occurred and when it was received; `tap`: what a tapped
    button was found to mean.
    """
    event = {**moments, "id": str(happening.id), "type": happening.type}
    return expression_context(event, data, happening.subject, snapshot.values, now, tap=tap)


def wanted_by(rule: Rule, happening: Happening, context: dict[str, Any], now: datetime) -> Iterator[Planned]:
    """Yield what a rule, which listens to it, wants from something that happened."""
    wanted: Iterable[Planned]
    try:
        applies = rule.applies(context)
    except ExpressionError as error:
        wanted = failures(rule, happening, f"{rule.where}: when: {error}", now)
    else:
        wanted = plans(rule, happening, context, now) if applies else ()
    yield from wanted


def with_verdict(
    rule: Rule,
    wanted: Planned,
    context: dict[str, Any],
    unwanted: Unwanted | None,
    blocked: frozenset[str],
    overtaken_by: Callable[[Step], str | None],
) -> Planned:
    """Return a delivery, which is not wanted when its event is stale, is an echo, or was overtaken already."""
    step = None if wanted.failure else rule.step(wanted.step, context)
    if step is None:
        return wanted
    if unwanted is None and rule.name in blocked:
        unwanted = (DeliveryState.SUPPRESSED, Reason.LOOP, "a write of this very rule led to it")
    if unwanted is None and step.cancel_on and (found := overtaken_by(step)):
        unwanted = (DeliveryState.CANCELLED, Reason.OVERTAKEN, f"{found} has happened already")
    return replace(wanted, unwanted=unwanted)


def fact_key(fact: Fact) -> str:
    """Return what a fact exists once for: its subject, and its meaning where the subject may have several."""
    return f"fact:{fact.type}:{fact.subject}" + (f":{fact.meaning}" if fact.meaning else "")


def fact_about(account: str, fact: str, key: str) -> str:
    """Return what a fact's effects are named after: two accounts may have an order of one number each."""
    return f"{account}/{key.removeprefix(f'fact:{fact}:')}"


def said_by(account: str, event_id: UUID, what: Understanding) -> str:
    """Return what names the saying of an event: what it says where the vendor may repeat it, else the event itself."""
    return f"{account}/{what.same_as}" if what.same_as else str(event_id)
