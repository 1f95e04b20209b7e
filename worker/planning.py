"""What a rule wants from something that happened: its steps as deliveries, each with its time and what it waits for.

Invariant: planning the same happening again with the same rule plans the same deliveries.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from config.expressions import Context, ExpressionError
from config.rules import Rule, Step
from worker.context import Subject
from worker.ledger.plans import MOST_EFFECT_KEY_CHARACTERS, Planned
from worker.ledger.storable import storable_text
from worker.states import Reason

OF_PYTHON = "hookyard.rule"
"""Stands for the action of a rule in Python that could not say what it wants."""
MOST_ELEMENTS = 500
"""Of a list that a step is done for each of."""


@dataclass(frozen=True)
class Happening:
    """An event or a fact, as the rules are asked about it."""

    id: UUID
    type: str
    account: str
    about: str
    """What its effects are named after, where a step does not say it."""
    subject: Subject
    occurred_at: datetime


def plans(rule: Rule, happening: Happening, context: Context, now: datetime) -> Iterator[Planned]:
    """Yield every delivery that a rule, which applies, wants; what cannot be evaluated is dead from the start."""
    try:
        context = rule.with_names(context)
        steps = rule.steps_for(context)
    except ExpressionError as error:
        yield from failures(rule, happening, f"{rule.where}: {error}", now)
        return
    ids: dict[str, list[str]] = {}
    followed = {needed for step in steps for needed in step.needs}
    for step in steps:
        ids[step.id] = []
        needs = tuple(planned for needed in step.needs for planned in ids.get(needed, ()))
        try:
            elements = list(_elements(step, context))
        except ExpressionError as error:
            yield _failure(rule, step, happening, f"for_each: {error}", now)
            continue
        for suffix, own in elements:
            ids[step.id].append(step.id + suffix)
            wanted = _planned(rule, replace(step, id=step.id + suffix), happening, own, now)
            yield replace(wanted, needs=needs, has_followers=step.id in followed or bool(step.fallbacks))


def failures(rule: Rule, happening: Happening, what: str, now: datetime) -> Iterator[Planned]:
    """Yield a dead delivery for each of a rule's steps; one for a rule in Python, whose steps are not known."""
    steps = rule.steps
    if rule.plan is not None:
        what = f"{what}: mend it, then replay the event"
        steps = (Step(id="rule", action=OF_PYTHON, account=happening.account, effect_key=None, parameters={}),)
    for step in steps:
        yield replace(_bare(rule, step, happening, now), failure=(Reason.EXPRESSION, what))


def fallbacks(
    rule: Rule, step: Step, suffix: str, happening: Happening, reason: str, now: datetime
) -> Iterator[Planned]:
    """Yield what is to be done instead of a step that finally failed, for a reason."""
    for fallback in step.fallbacks:
        if fallback.reasons is None or reason in fallback.reasons:
            due_at = now + (fallback.after or timedelta())
            wanted = _bare(rule, replace(fallback, id=fallback.id + suffix), happening, now)
            # Its effect is named when it is sent: what its name speaks of is at hand then.
            yield replace(wanted, due_at=due_at)


def with_element(step: Step, step_id: str, context: Context) -> Context:
    """Return the context with the element that a `for_each` delivery is for; ExpressionError when it is gone."""
    if step.for_each is None or "[" not in step_id:
        return context
    for suffix, own in _elements(step, context):
        if step_id.endswith(suffix):
            return own
    raise ExpressionError("for_each: the list has no such element any more")


def _elements(step: Step, context: Context) -> Iterator[tuple[str, Context]]:
    if step.for_each is None:
        yield "", context
        return
    found = step.for_each(context)
    if not isinstance(found, list | tuple) or len(found) > MOST_ELEMENTS:
        raise ExpressionError(f"a list of at most {MOST_ELEMENTS} elements is wanted")
    for index, item in enumerate(found):
        yield f"[{index}]", {**context, "item": item, "index": index}


def _planned(rule: Rule, step: Step, happening: Happening, context: Context, now: datetime) -> Planned:
    wanted = _bare(rule, step, happening, now)
    try:
        effect = effect_key(rule, step, happening.about, context)
    except ExpressionError as error:
        if not step.needs:
            return replace(wanted, failure=(Reason.EXPRESSION, f"{rule.where}: step {step.id}: once: {error}"))
        effect = None  # it may speak of what the steps before bring: asked when it is sent
    try:
        return replace(wanted, effect_key=effect, due_at=_due_at(step, happening, context, now))
    except ExpressionError as error:
        return replace(wanted, failure=(Reason.EXPRESSION, f"{rule.where}: step {step.id}: at: {error}"))


def _due_at(step: Step, happening: Happening, context: Context, now: datetime) -> datetime:
    """Return when a step is due: from when it happened on, not from when we heard of it."""
    if step.at is not None:
        return max(now, _moment(step.at(context)))
    if step.after is None or step.needs:
        return now
    return max(now, min(happening.occurred_at, now) + step.after)


def _moment(value: Any) -> datetime:
    try:
        found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ExpressionError("the value is not a time") from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    if not 2000 <= found.year < 2100:
        raise ExpressionError("the value is not a time of these days")
    return found


def _failure(rule: Rule, step: Step, happening: Happening, what: str, now: datetime) -> Planned:
    wanted = _bare(rule, step, happening, now)
    return replace(wanted, failure=(Reason.EXPRESSION, f"{rule.where}: step {step.id}: {what}"))


def _bare(rule: Rule, step: Step, happening: Happening, now: datetime) -> Planned:
    has_subject = happening.subject.key is not None
    return Planned(
        event_id=happening.id, rule=rule.name, step=step.id, action=step.action, account=step.account,
        effect_key=None, due_at=now, event_at=happening.occurred_at, subject=happening.subject.key,
        subject_account=happening.subject.account if has_subject else None, priority=step.priority,
    )  # fmt: skip


def effect_key(rule: Rule, step: Step, about: str, context: Mapping[str, Any]) -> str:
    """Return the name of a step's effect; `about`: see `Happening`. Raises ExpressionError."""
    effect = f"{rule.name}/{step.id}/{about}" if step.effect_key is None else str(step.effect_key(context))
    effect = storable_text(effect)
    if not effect.strip() or len(effect) > MOST_EFFECT_KEY_CHARACTERS:
        raise ExpressionError(f"a text of 1 to {MOST_EFFECT_KEY_CHARACTERS} characters is wanted")
    return effect
