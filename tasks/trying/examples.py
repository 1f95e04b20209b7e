"""Try rules against the vendors' example events: what each would send, and which expressions cannot work.

Invariant: no server, no ledger and no vendor is needed; the same rules give the same report.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import NAMESPACE_URL, uuid5

from config.accounts import Account
from config.expressions import Expression, ExpressionError, paths_in
from config.faults import Fault, suggest
from config.load import Config
from config.rules import Rule, Step
from config.subjects import FIELDS
from tasks.trying.rendering import Rendered, context_of_step, render, with_results
from tasks.trying.tapping import meanings
from tasks.trying.world import Told, Wanted, World
from webhooks.examples import example_names, load_example
from webhooks.inbound import Inbound
from webhooks.registry import SOURCES
from webhooks.verification import Match
from worker.asking import Derived, context_of, wanted_by
from worker.context import Subject
from worker.planning import Happening
from worker.reading import Stored, Understanding, UnreadableError
from worker.snapshots import Snapshot
from worker.states import DeliveryState

RECEIVED_AT = datetime(2026, 1, 15, 3, 0, tzinfo=UTC)
"""When an example is received that does not say when it happened."""


@dataclass
class Tally:
    """How an expression, or a step's parameters, did over all examples."""

    where: str
    worked: int = 0
    failed: int = 0
    error: str = ""

    def fault(self) -> Fault | None:
        """Return what is wrong, when it worked with no example at all."""
        return None if self.worked or not self.failed else Fault(self.where, self.error)


@dataclass
class Case:
    """One example that a rule listens to."""

    example: str
    type: str
    matched: bool
    error: str | None = None
    deliveries: list[Rendered] = field(default_factory=list)


@dataclass
class Tried:
    """What became of one rule."""

    rule: Rule
    cases: list[Case] = field(default_factory=list)
    tallies: dict[str, Tally] = field(default_factory=dict)

    @property
    def is_reached(self) -> bool:
        """Whether any example leads to anything."""
        return any(case.matched for case in self.cases)

    @property
    def faults(self) -> list[Fault]:
        """What cannot work with any example, or with any event at all."""
        unknown = unknown_fields(self.rule)
        seen = {fault.where for fault in unknown}
        found = [fault for tally in self.tallies.values() if (fault := tally.fault())]
        return [*unknown, *(fault for fault in found if fault.where not in seen)]

    def count(self, name: str, where: str, error: str | None) -> None:
        """Note how something did with an example."""
        tally = self.tallies.setdefault(name, Tally(where))
        if error is None:
            tally.worked += 1
        else:
            tally.failed, tally.error = tally.failed + 1, error


@dataclass(frozen=True)
class Example:
    """One event of an example file, read for one account."""

    name: str
    stored: Stored
    what: Understanding


class Examples:
    """The examples of all configured accounts, and what they tell of their subjects together."""

    def __init__(self, config: Config) -> None:
        self._config = config

    @cached_property
    def all(self) -> tuple[Example, ...]:
        """Every example, for each account of its vendor."""
        found = []
        for account, configured in self._config.accounts.items():
            for name in example_names(configured.vendor) if configured.vendor in SOURCES else ():
                found += list(self._read(account, configured, name))
        return tuple(found)

    def _read(self, account: str, configured: Account, name: str) -> Iterator[Example]:
        source, example = SOURCES[configured.vendor], load_example(configured.vendor, name)
        body, trigger = json.dumps(example).encode(), source.triggers.get(name.partition("__")[0])
        inbound = Inbound(account, body, {}, "", None, None, RECEIVED_AT)
        country = self._config.country(account)
        for identity in source.identify(inbound, example, Match(0, trigger), configured):
            at = identity.occurred_at or RECEIVED_AT
            stored = Stored(
                account=account, type=identity.type, body=body, content_type="application/json", query=None,
                headers={}, trigger=trigger, received_at=at, part=identity.part,
            )  # fmt: skip
            try:
                yield Example(f"{configured.vendor} {name}", stored, source.read(stored, configured, country))
            except UnreadableError:
                continue

    def whole(self, subject: Subject) -> Snapshot:
        """Return what the examples tell of a subject, or of another of its kind in its place."""
        kind = f"{subject.key}".partition(":")[0]
        if subject.key in self._whole.get(kind, {}):
            return self._whole[kind][str(subject.key)]
        found = next(iter(self._whole.get(kind, {}).values()), Snapshot())
        number = f"{subject.key}".partition(":")[2]
        return Snapshot(found.values | {f"{kind}_id": number}, found.known_at, found.complete)

    @cached_property
    def _whole(self) -> dict[str, dict[str, Snapshot]]:
        found: dict[str, dict[str, Snapshot]] = {}
        for example in self.all:
            for patch in example.what.patches:
                if patch.complete:
                    kind = patch.subject.partition(":")[0]
                    found.setdefault(kind, {}).setdefault(patch.subject, Snapshot().merged(patch))
        return found

    def told(self, example: Example) -> Told:
        """Return an example as an event that came in; a tap is taken to be about an order of the examples."""
        account, what = example.stored.account, example.what
        subject = Subject(account, what.subject)
        if what.order is not None and (orders := self._whole.get("order")):
            shops = [name for name, of in self._config.accounts.items() if of.vendor == "scalev"]
            number = what.order.order_id or what.order.by_button
            key = f"order:{number}" if number else next(iter(orders))
            subject = Subject(shops[0] if shops else account, key)
        mark = urlencode({"account": account, "example": example.name, "part": example.stored.part or ""})
        return Told(uuid5(NAMESPACE_URL, mark), example.stored, what, subject)


@dataclass(frozen=True)
class _Past:
    """Nothing was known before; what the vendor would be asked for, other examples tell."""

    examples: Examples

    def snapshot(self, subject: Subject, at: datetime | None) -> Snapshot:
        return Snapshot() if at is not None else self.examples.whole(subject)

    def told(self, fact: Derived) -> bool:  # noqa: ARG002 - each example stands alone
        return False


def try_rules(config: Config) -> list[Tried]:
    """Return what becomes of each rule with every example that it listens to.

    Each example is played by itself. Where no rule is reached so, as its fact follows only from several events, all of
    them are played one after the other.
    """
    examples = Examples(config)
    tried = {rule.name: Tried(rule) for rule in config.rules}
    for example in examples.all:
        for called, tap in meanings(config) if example.what.order is not None else (("", None),):
            named = replace(example, name=example.name + called)
            told = replace(examples.told(named), tap=tap)
            _play(config, World(config, _Past(examples)), told, named, [*tried.values()])
    if left := [one for one in tried.values() if not one.cases]:
        world = World(config, _Past(examples))
        for example in sorted(examples.all, key=lambda one: one.stored.received_at):
            _play(config, world, examples.told(example), example, left)
    return list(tried.values())


def _play(config: Config, world: World, told: Told, example: Example, tried: Sequence[Tried]) -> None:
    for one in [*world.follow(told)]:
        if isinstance(one, Happening):
            for candidate in tried:
                if candidate.rule.listens_to(one.type, one.account):
                    _try(config, world, candidate, _Occasion(example, told, one))


@dataclass(frozen=True)
class _Occasion:
    example: Example
    told: Told
    happening: Happening

    @property
    def moments(self) -> Mapping[str, Any]:
        """What `event` says beside what happened."""
        stored = self.told.stored
        what = self.told.what
        return {"account": stored.account, "occurred_at": what.occurred_at, "received_at": stored.received_at}

    @property
    def tap(self) -> Mapping[str, Any] | None:
        """What a tapped button means; a fact is no tap."""
        return self.told.tap if self.happening.id == self.told.id else None


def _try(config: Config, world: World, tried: Tried, on: _Occasion) -> None:
    rule, happening, now = tried.rule, on.happening, on.told.stored.received_at
    data = on.told.what.data
    context = context_of(happening, data, on.moments, world.snapshot_of(happening.subject, now), now, on.tap)
    case = Case(on.example.name, happening.type, matched=False)
    tried.cases.append(case)
    if rule.condition is not None and (error := _counted(tried, "when", rule.condition, context)):
        case.error = error
        return
    case.matched = rule.applies(context)
    if not case.matched:
        return
    case.deliveries = [
        render(config, Wanted(rule, planned, happening, data, on.moments, on.told.id, on.tap), context)
        for planned in wanted_by(rule, happening, context, now)
    ]
    _count_named(tried, context)
    for rendered in case.deliveries:
        step = rule.step(rendered.step, context) if rendered.state is not DeliveryState.DEAD or rule.steps else None
        if step is not None:
            _count_step(tried, step, rendered, context)
    failed = [delivery for delivery in case.deliveries if delivery.state is DeliveryState.DEAD]
    if rule.plan is not None:
        tried.count("plan", rule.where, failed[0].error if failed else None)


def _count_named(tried: Tried, context: dict[str, Any]) -> None:
    found = dict(context)
    for name, value in tried.rule.named.items():
        for place, expression in expressions_of(value, f"set.{name}"):
            _counted(tried, place, expression, found)
        try:
            found = dict(replace(tried.rule, named={name: value}).with_names(found))
        except ExpressionError:
            return


def _count_step(tried: Tried, step: Step, rendered: Rendered, context: dict[str, Any]) -> None:
    """Note how each of a step's expressions does by itself, and the parameters together."""
    try:
        own = with_results(context_of_step(tried.rule, step, rendered.step, context), rendered.needs)
    except ExpressionError as error:
        each = step.for_each if isinstance(step.for_each, Expression) else None
        tried.count(f"{step.id}.for_each", each.where if each else tried.rule.where, str(error))
        return
    parts = {"once": step.effect_key, "at": step.at, "unless": step.unless, "for_each": step.for_each}
    errors = [
        _counted(tried, place, expression, own)
        for name, value in [*parts.items(), ("with", step.parameters)]
        for place, expression in expressions_of(value, f"{step.id}.{name}")
    ]
    if not any(errors):
        said = f"step {rendered.step}: {rendered.error}" if rendered.state is DeliveryState.DEAD else None
        blamed = next((value for name, value in parts.items() if said and f": {name}: " in said), step.parameters)
        first = next(expressions_of(blamed, ""), None)
        tried.count(f"{step.id}.with", first[1].where if first else tried.rule.where, said)


def _counted(tried: Tried, name: str, evaluate: Any, context: Mapping[str, Any]) -> str | None:
    """Evaluate by itself; return what is wrong."""
    where = evaluate.where if isinstance(evaluate, Expression) else tried.rule.where
    try:
        evaluate(context)
    except ExpressionError as error:
        tried.count(name, where, str(error))
        return str(error)
    tried.count(name, where, None)
    return None


def unknown_fields(rule: Rule) -> list[Fault]:
    """Return every field that a rule asks of a snapshot and that none of its kind ever has."""
    steps = [(step.effect_key, step.at, step.unless, step.for_each, step.parameters) for step in rule.all_steps()]
    return [
        Fault(expression.where, f"there is no '{path[1]}' in {path[0]}" + suggest(path[1], FIELDS[path[0]]))
        for _, expression in expressions_of([rule.condition, rule.named, *steps], "")
        for path in paths_in(expression.text)
        if len(path) > 1 and path[0] in FIELDS and path[1] not in FIELDS[path[0]]
    ]


def expressions_of(value: Any, place: str) -> Iterator[tuple[str, Expression]]:
    """Yield every expression within a value, and where within it it stands."""
    if isinstance(value, Expression):
        yield place, value
    parts: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        parts = list(value.items())
    elif isinstance(value, list | tuple):
        parts = list(enumerate(value))
    for name, part in parts:
        yield from expressions_of(part, f"{place}.{name}")
