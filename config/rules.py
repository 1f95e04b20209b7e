"""Rules that can be run: what should follow when something happened.

Invariant: a rule that loaded can be run: its event types, accounts and actions exist, its expressions compile, and
its constant parameters are valid.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Any

from pydantic import BaseModel

from config.expressions import Context, Evaluate
from config.rule_sources import Category, Priority, QuietHours, Success

WHICH_PARAMETERS = "which_parameters"
"""The type of a validation error that says which parameters are wanted together, whatever their values will be."""
_ELEMENT = re.compile(r"\[\d+\]")
PRIORITIES: Mapping[Priority, int] = {"high": 0, "normal": 5, "low": 9}


@dataclass(frozen=True)
class Catalog:
    """What rules may name: the event types and actions that the code knows."""

    event_types: frozenset[str]
    actions: Mapping[str, type[BaseModel]]
    """The model of its parameters, by `vendor.verb_noun`."""
    messages: frozenset[str] = frozenset()
    """The actions that send a message to people."""
    batches: frozenset[str] = frozenset()
    """Those of them that send it to many at once."""

    def with_event_types(self, more: Iterable[str]) -> "Catalog":
        """Return a catalog that knows more event types."""
        return replace(self, event_types=self.event_types | frozenset(more))


@dataclass(frozen=True)
class Patience:
    """How often, and for how long, a step is tried; None: as any other."""

    attempts: int | None = None
    within: timedelta | None = None


@dataclass(frozen=True)
class Question:
    """What a message asks a person."""

    answers: tuple[str, ...]
    within: timedelta
    name: str | None = None
    """None: the rule's own."""


@dataclass(frozen=True)
class Step:
    """One action of a rule, ready to run."""

    id: str
    action: str
    account: str
    effect_key: Evaluate | None
    """None: rule, step and event (for a fact: its subject) name the effect."""
    parameters: Any = field(repr=False)
    needs: tuple[str, ...] = ()
    after: timedelta | None = None
    at: Evaluate | None = None
    unless: Evaluate | None = None
    cancel_on: tuple[str, ...] = ()
    for_each: Evaluate | None = None
    quiet_hours: QuietHours = "send"
    category: Category | None = None
    """Of a message; None for what is none."""
    success: Success = "accepted"
    delivered_within: timedelta | None = None
    fallbacks: tuple["Step", ...] = ()
    reasons: frozenset[str] | None = None
    """Of a fallback: the reasons of failure that it is for; None: any."""
    patience: Patience = Patience()
    priority: int = PRIORITIES["normal"]
    question: Question | None = None

    def render(self, context: Context) -> dict[str, Any]:
        """Return the parameters with every expression evaluated; raises ExpressionError."""
        return {name: _rendered(value, context) for name, value in self.parameters.items()}

    def is_cancelled_by(self, event_type: str) -> bool:
        """Whether an event of that type, about the same subject, cancels what waits."""
        return any(matches(pattern, event_type) for pattern in self.cancel_on)


@dataclass(frozen=True)
class Rule:
    """One rule, ready to run."""

    name: str
    where: str
    """File and line it stands on."""
    patterns: tuple[str, ...]
    accounts: frozenset[str] | None
    condition: Evaluate | None
    steps: tuple[Step, ...]
    named: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Values with names of their own, evaluated in this order."""
    plan: Callable[[Context], Sequence[Step]] | None = field(default=None, repr=False)
    """Of a rule in Python: gives the steps, in place of `steps`."""

    def listens_to(self, event_type: str, account: str) -> bool:
        """Whether this rule is about such an event at all; its condition is not asked."""
        if self.accounts is not None and account not in self.accounts:
            return False
        return any(matches(pattern, event_type) for pattern in self.patterns)

    def applies(self, context: Context) -> bool:
        """Whether the condition holds; raises ExpressionError."""
        return self.condition is None or bool(self.condition(context))

    def with_names(self, context: Context) -> Context:
        """Return the context with the rule's own values in it; raises ExpressionError."""
        found = dict(context)
        for name, value in self.named.items():
            found[name] = _rendered(value, found)
        return found

    def steps_for(self, context: Context) -> Sequence[Step]:
        """Return what should follow from an event; raises ExpressionError."""
        return self.plan(context) if self.plan else self.steps

    def all_steps(self, context: Context | None = None) -> Iterator[Step]:
        """Yield every step, and every fallback behind its step; those of a rule in Python need the context."""
        for step in self.steps_for(context or {}) if self.plan is None or context is not None else ():
            yield step
            yield from step.fallbacks

    def step(self, step_id: str, context: Context | None = None) -> Step | None:
        """Return the step of that id, of which a delivery for one element of a list has the number behind it."""
        plain = _ELEMENT.sub("", step_id)
        return next((step for step in self.all_steps(context) if step.id == plain), None)


def matches(pattern: str, event_type: str) -> bool:
    """Whether an event type fits a pattern; a `*` stands for within one segment."""
    wanted, given = pattern.split("."), event_type.split(".")
    return len(wanted) == len(given) and all(map(fnmatchcase, given, wanted))


WHICH_PARAMETERS = "which_parameters"
"""The type of a validation error that says which parameters are wanted together, whatever their values will be."""


def _rendered(value: Any, context: Context) -> Any:
    if isinstance(value, dict):
        return {key: _rendered(part, context) for key, part in value.items()}
    if isinstance(value, list):
        return [_rendered(part, context) for part in value]
    return value(context) if callable(value) else value
