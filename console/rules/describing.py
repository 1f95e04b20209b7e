"""Rules in words that can be read without knowing the language they are written in.

Invariant: every key that a rule was written with is told, and its expressions stand as they were written.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from config.expressions import Expression
from config.load import Config
from config.rules import PRIORITIES, Question, Rule, Step
from tasks.actions.registry import ACTIONS
from worker.masking import mask

_PRIORITY = {number: name for name, number in PRIORITIES.items()}
_QUIET = {
    "hold": "waits while the shop is quiet",
    "send": "goes out in quiet hours, too",
    "drop": "is dropped in quiet hours",
}
_UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True)
class Told:
    """One step, in words."""

    id: str
    action: str
    what: str
    """What its action does."""
    account: str
    words: tuple[tuple[str, str], ...]
    """A sentence, and the expression that belongs to it; either may be empty."""
    parameters: dict[str, Any]
    instead: tuple["Told", ...] = ()
    """What is done when it has finally failed."""


@dataclass(frozen=True)
class ToldRule:
    """One rule, in words."""

    name: str
    where: str
    listens_to: tuple[str, ...]
    accounts: tuple[str, ...]
    """Empty: any."""
    condition: str
    named: dict[str, Any]
    steps: tuple[Told, ...]
    is_python: bool


def tell(rule: Rule, config: Config) -> ToldRule:
    """Return a rule in words."""
    return ToldRule(
        rule.name, rule.where, rule.patterns, tuple(sorted(rule.accounts or ())), _text(rule.condition),
        _as_written(rule.named),
        tuple(_told(step, config) for step in rule.steps), rule.plan is not None,
    )  # fmt: skip


def _told(step: Step, config: Config) -> Told:
    action = ACTIONS.get(step.action)
    return Told(
        step.id, step.action, action.summary if action else "", step.account, tuple(_words(step, config)),
        _as_written(step.parameters), tuple(_told(fallback, config) for fallback in step.fallbacks),
    )  # fmt: skip


def _words(step: Step, config: Config) -> Iterator[tuple[str, str]]:
    yield from _of_its_time(step)
    if step.for_each:
        yield "for each element of", _text(step.for_each)
    if step.unless:
        yield "not if, at that moment,", _text(step.unless)
    if step.cancel_on:
        yield f"cancelled by {' or '.join(step.cancel_on)}", ""
    if step.effect_key:
        yield "once in the world for each", _text(step.effect_key)
    yield from _of_message(step, config)
    if step.patience.attempts or step.patience.within:
        yield _patience(step), ""
    if _PRIORITY[step.priority] != "normal":
        yield f"goes {'before' if step.priority < PRIORITIES['normal'] else 'after'} others, where many wait", ""


def _of_its_time(step: Step) -> Iterator[tuple[str, str]]:
    if step.reasons:
        yield f"only where it failed because of {' or '.join(sorted(step.reasons)).replace('_', ' ')}", ""
    if step.needs:
        yield f"once {' and '.join(step.needs)} succeeded", ""
    if step.after:
        since = "that" if step.needs else "it failed" if "." in step.id else "it happened"
        yield f"{length(step.after)} after {since}", ""
    if step.at:
        yield "at the time that this gives", _text(step.at)


def _of_message(step: Step, config: Config) -> Iterator[tuple[str, str]]:
    if step.category is None:
        return
    yield "marketing: not to who wants no offers" if step.category == "marketing" else "utility: to everybody", ""
    if config.quiet_hours(step.account):
        yield _QUIET[step.quiet_hours], ""
    if step.question:
        yield _asks(step.question), ""
    if step.delivered_within:
        yield f"has to arrive within {length(step.delivered_within)}, else it failed", ""
    elif step.success == "delivered":
        yield "succeeded only when it arrived", ""


def _asks(question: Question) -> str:
    name = f" “{question.name}”" if question.name else ""
    return f"asks{name}: {' or '.join(question.answers)}, open for {length(question.within)}"


def _patience(step: Step) -> str:
    attempts, within = step.patience.attempts, step.patience.within
    parts = [f"{attempts} times at most" if attempts else "", f"for {length(within)} at most" if within else ""]
    return f"tried {', '.join(part for part in parts if part)}"


def length(span: timedelta) -> str:
    """Return a length of time in words, exactly: `2 hours`, `1 day 30 minutes`."""
    seconds, parts = int(span.total_seconds()), []
    for size, unit in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}{'s' if count > 1 else ''}")
    return " ".join(parts) or "0 seconds"


def _text(value: Any) -> str:
    return value.text if isinstance(value, Expression) else ""


def _as_written(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with each expression as it was written, and what else they hold masked."""
    shown: dict[str, Any] = _unmasked(given, mask(_plain(given)))
    return shown


def _unmasked(given: Any, masked: Any) -> Any:
    """Return what is masked, but for the expressions: they name values and hold none."""
    if isinstance(given, Expression):
        return given.text
    if isinstance(given, Mapping):
        return {str(name): _unmasked(part, masked[str(name)]) for name, part in given.items()}
    if isinstance(given, list | tuple):
        return [_unmasked(*pair) for pair in zip(given, masked, strict=True)]
    return masked


def _plain(value: Any) -> Any:
    """Return a value with each expression as it was written."""
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
