"""Turns what the user wrote into rules, noting every fault at its line."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from config.expressions import NAMES, Evaluate, Expression, ExpressionError, Expressions
from config.faults import place_in, suggest
from config.rule_sources import ActingSource, FallbackSource, RuleSource, StepSource
from config.rules import PRIORITIES, WHICH_PARAMETERS, Catalog, Patience, Question, Rule, Step, matches
from config.yaml_files import Document, Location

_SEGMENT = re.compile(r"[a-z0-9_*]+\Z")
OF_AN_ELEMENT = ("item", "index")
"""What the expressions of a step with `for_each` may speak of, too."""
_ONLY_OF_MESSAGES = ("quiet_hours", "category", "success", "delivered_within", "question")
_OF_ONE_PERSON = ("success", "delivered_within", "question")


@dataclass(frozen=True)
class _Place:
    """Where something stands, and what its expressions may speak of."""

    document: Document
    at: Location
    names: tuple[str, ...] = NAMES
    literal: bool = False
    """Whether texts stand for themselves, with no expression in them."""

    def below(self, *more: int | str) -> "_Place":
        return replace(self, at=(*self.at, *more))

    def fault(self, what: str) -> None:
        self.document.fault(self.at, what)


class RuleCompiler:
    """Compiles rules against one shop's accounts and the catalog of what there is."""

    def __init__(
        self, vendors: Mapping[str, str] | None, catalog: Catalog, expressions: Expressions, country: str
    ) -> None:
        """`vendors` holds the vendor of every account; None: not known, no mention of an account is checked."""
        self._vendors, self._catalog = vendors, catalog
        self._expressions, self._country = expressions, country

    def compile(self, source: RuleSource, at: Location, document: Document) -> Rule:
        """Compile one rule; its faults stand in the document afterwards."""
        place, rule = _Place(document, at), self.compile_head(source, at, document)
        named, place = self._named(source, place)
        return replace(rule, steps=tuple(self._steps(source.steps, place)), named=named)

    def compile_literal_steps(self, sources: Sequence[StepSource], document: Document) -> tuple[Step, ...]:
        """Compile steps whose texts stand for themselves."""
        return tuple(self._steps(sources, _Place(document, (), literal=True)))

    def compile_head(self, source: RuleSource, at: Location, document: Document) -> Rule:
        """Compile what a rule listens to, without what it does."""
        place = _Place(document, at)
        for index, pattern in enumerate(source.on):
            self._check_pattern(pattern, place.below("on", index))
        for index, name in enumerate(source.from_ or ()):
            if self._vendors is not None and name not in self._vendors:
                place.below("from", index).fault(f'unknown account "{name}"' + suggest(name, self._vendors))
        condition = source.when and self._compiled(self._expressions.condition, source.when, place.below("when"))
        return Rule(
            name=source.name, where=document.where(at), patterns=tuple(source.on),
            accounts=frozenset(source.from_) if source.from_ is not None else None, condition=condition or None,
            steps=(),
        )  # fmt: skip

    def _named(self, source: RuleSource, place: _Place) -> tuple[dict[str, Any], _Place]:
        """Compile the rule's own values; each may speak of those before it, and all that follows of all of them."""
        found: dict[str, Any] = {}
        for name, value in source.set.items():
            if name in place.names or name in {*OF_AN_ELEMENT, "steps"}:
                place.below("set", name).fault(f'the name "{name}" has a meaning already')
            found[name] = self._prepared(value, place.below("set", name))
            place = replace(place, names=(*place.names, name))
        return found, place

    def _check_pattern(self, pattern: str, place: _Place) -> None:
        if not all(_SEGMENT.match(part) for part in pattern.split(".")):
            place.fault(f'"{pattern}" is not an event type (one like scalev.order.created is wanted)')
        elif not any(matches(pattern, known) for known in self._catalog.event_types):
            place.fault(f'unknown event type "{pattern}"' + suggest(pattern, self._catalog.event_types))

    def _steps(self, sources: Sequence[StepSource], place: _Place) -> Iterator[Step]:
        used: list[str] = []
        for index, step in enumerate(sources):
            here = place.below("steps", index)
            yield self._step(step, here, used)

    def _step(self, source: StepSource, place: _Place, used: list[str]) -> Step:
        """Compile one step; `used` holds the ids of those before it."""
        for index, needed in enumerate(source.needs or ()):
            if needed not in used:
                place.below("needs", index).fault(f'no step "{needed}" before this one' + suggest(needed, used))
        for index, pattern in enumerate(source.cancel_on or ()):
            self._check_pattern(pattern, place.below("cancel_on", index))
        for_each = source.for_each and self._compiled(self._listed, source.for_each, place.below("for_each"))
        if source.needs:
            place = replace(place, names=(*place.names, "steps"))
        if source.for_each:
            place = replace(place, names=(*place.names, *OF_AN_ELEMENT))
        step = self._acting(source, self._id(source, place, used), place)
        at = source.at and self._compiled(self._expressions.value, source.at, place.below("at"))
        return replace(
            step, needs=tuple(source.needs or ()), at=at or None, cancel_on=tuple(source.cancel_on or ()),
            for_each=for_each or None, fallbacks=tuple(self._fallbacks(source, step, place)),
        )  # fmt: skip

    def _listed(self, text: str, names: Sequence[str]) -> Expression:
        """Compile what gives a list: a text alone never does, so a bare expression needs no braces."""
        compiler = self._expressions.value if self._expressions.is_template(text) else self._expressions.condition
        return compiler(text, names)

    def _fallbacks(self, source: StepSource, step: Step, place: _Place) -> Iterator[Step]:
        used: list[str] = []
        for index, fallback in enumerate(source.on_failure or ()):
            here = place.below("on_failure", index)
            compiled = self._acting(fallback, f"{step.id}.{self._id(fallback, here, used)}", here)
            yield replace(compiled, reasons=self._reasons(fallback, here))

    @staticmethod
    def _reasons(source: FallbackSource, place: _Place) -> frozenset[str] | None:
        for index, reason in enumerate(source.reasons or ()):
            if not re.fullmatch(r"[a-z_]+", reason):
                place.below("reasons", index).fault(f'"{reason}" is not a reason (one like undeliverable is wanted)')
        return frozenset(source.reasons) if source.reasons else None

    @staticmethod
    def _id(source: ActingSource, place: _Place, used: list[str]) -> str:
        step_id = source.id or source.action.partition(".")[2]
        if step_id in used:
            place.fault(f'a second step "{step_id}": give it an id of its own')
        used.append(step_id)
        return step_id

    def _acting(self, source: ActingSource, step_id: str, place: _Place) -> Step:
        """Compile what a step and a fallback have in common."""
        once = source.once and self._compiled(self._expressions.value, source.once, place.below("once"))
        unless = source.unless and self._compiled(self._expressions.condition, source.unless, place.below("unless"))
        parameters = {name: self._prepared(value, place.below("with", name)) for name, value in source.with_.items()}
        account = self._account(source, place)
        if model := self._catalog.actions.get(source.action):
            self._check_parameters(model, source.with_, place.below("with"))
        else:
            known = self._catalog.actions
            place.below("action").fault(f'unknown action "{source.action}"' + suggest(source.action, known))
        is_message = source.action in self._catalog.messages
        if not is_message and source.action in self._catalog.actions:
            for key in _ONLY_OF_MESSAGES:
                if getattr(source, key) is not None:
                    place.below(key).fault(f"{key}: {source.action} sends no message")
        if source.action in self._catalog.batches:
            for key in _OF_ONE_PERSON:
                if getattr(source, key) is not None:
                    place.below(key).fault(f"{key}: {source.action} sends to many at once, of whom none is followed")
        if source.delivered_within and source.success == "accepted":
            place.below("success").fault("with delivered_within it has to be delivered")
        retry, asked = source.retry, source.question
        return Step(
            id=step_id, action=source.action, account=account, effect_key=once or None, parameters=parameters,
            after=source.after, unless=unless or None,
            quiet_hours=source.quiet_hours or ("hold" if is_message else "send"),
            category=(source.category or "marketing") if is_message else None,
            success="delivered" if source.delivered_within else source.success or "accepted",
             delivered_within=source.delivered_within,
            patience=Patience(retry.attempts, retry.within) if retry else Patience(),
            priority=PRIORITIES[source.priority],
            question=Question(tuple(asked.answers), asked.within, asked.name) if asked else None,
        )  # fmt: skip

    def _account(self, step: ActingSource, place: _Place) -> str:
        if self._vendors is None:
            return step.account or ""
        vendor = step.action.partition(".")[0]
        fitting = [name for name, of in self._vendors.items() if of == vendor]
        if step.account is None:
            if len(fitting) == 1:
                return fitting[0]
            if step.action in self._catalog.actions:
                reason = f"there is none of {vendor}" if not fitting else f"{', '.join(fitting)} would fit"
                place.fault(f"which account? {reason}")
        elif step.account not in self._vendors:
            place.below("account").fault(f'unknown account "{step.account}"' + suggest(step.account, self._vendors))
        elif step.account not in fitting and step.action in self._catalog.actions:
            place.below("account").fault(f'account "{step.account}" is not one of {vendor}')
        return step.account or ""

    def _prepared(self, value: Any, place: _Place) -> Any:
        if isinstance(value, dict):
            return {key: self._prepared(part, place.below(key)) for key, part in value.items()}
        if isinstance(value, list):
            return [self._prepared(part, place.below(index)) for index, part in enumerate(value)]
        if not place.literal and isinstance(value, str) and self._expressions.is_template(value):
            return self._compiled(self._expressions.value, value, place)
        return value

    @staticmethod
    def _compiled(compiler: Callable[[str, Sequence[str]], Expression], text: str, place: _Place) -> Evaluate | None:
        if place.literal:
            return lambda _: text
        try:
            return replace(compiler(text, place.names), where=place.document.where(place.at))
        except ExpressionError as error:
            place.fault(str(error))
        return None

    def _check_parameters(self, model: type[BaseModel], given: dict[str, Any], place: _Place) -> None:
        names = [field.alias or name for name, field in model.model_fields.items()]
        try:
            model.model_validate(given, context={"country": self._country})
        except ValidationError as error:
            for detail in error.errors(include_input=False, include_url=False):
                loc, said = detail["loc"], detail["msg"].removeprefix("Value error, ")
                here = place.below(*loc)
                if detail["type"] == "extra_forbidden":
                    here.fault(f'unknown parameter "{loc[-1]}"' + suggest(str(loc[-1]), names))
                elif detail["type"] == "missing":
                    here.fault(f'the parameter "{loc[-1]}" is missing')
                elif place.literal or detail["type"] == WHICH_PARAMETERS or not self._is_decided_later(given, loc):
                    there = place_in(given, loc)
                    place.below(*there).fault(f"{'.'.join(map(str, there)) or 'parameters'}: {said}")

    def _is_decided_later(self, given: Any, loc: tuple[int | str, ...]) -> bool:
        """Whether the value that was refused has expressions in it, so that only rendering can tell."""
        for key in place_in(given, loc):
            given = given[key]
        return _has_template(given)


def _has_template(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_template(part) for part in value.values())
    if isinstance(value, list):
        return any(_has_template(part) for part in value)
    return isinstance(value, str) and Expressions.is_template(value)
