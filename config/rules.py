"""`rules/*.yaml`: what should follow when something happened.

Invariant: a rule that loaded can be run: its event types, accounts and actions exist, its expressions compile, and
its constant parameters are valid. What the language does not know yet is refused, never ignored.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from config.accounts import Name
from config.expressions import Context, Evaluate, ExpressionError, Expressions
from config.faults import suggest
from config.yaml_files import Document, Location

WHICH_PARAMETERS = "which_parameters"
"""The type of a validation error that says which parameters are wanted together, whatever their values will be."""
_SEGMENT = re.compile(r"[a-z0-9_*]+\Z")


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("an expression is wanted (leave the key out when there is none)")
    return text


Expression = Annotated[str, AfterValidator(_not_blank)]


class StepSource(BaseModel):
    """One step as the user writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, coerce_numbers_to_str=True)

    id: Name | None = None
    action: str
    account: str | None = None
    once: Expression | None = None
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")


class RuleSource(BaseModel):
    """One rule as the user writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Name
    on: Annotated[list[str], Field(min_length=1)]
    from_: Annotated[list[str], Field(min_length=1)] | None = Field(default=None, alias="from")
    when: Expression | None = None
    steps: Annotated[list[StepSource], Field(min_length=1)]


class RulesFile(BaseModel):
    """The whole of one file in `rules/`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    rules: list[Any]
    """Each a `RuleSource`, validated one by one."""


@dataclass(frozen=True)
class Catalog:
    """What rules may name: the event types and actions that the code knows."""

    event_types: frozenset[str]
    actions: Mapping[str, type[BaseModel]]
    """The model of its parameters, by `vendor.verb_noun`."""

    def with_event_types(self, more: Iterable[str]) -> "Catalog":
        """Return a catalog that knows more event types."""
        return Catalog(self.event_types | frozenset(more), self.actions)


@dataclass(frozen=True)
class Step:
    """One action of a rule, ready to run."""

    id: str
    action: str
    account: str
    effect_key: Evaluate | None
    """None: rule, step and event (for a fact: its subject) name the effect."""
    parameters: Any = field(repr=False)

    def render(self, context: Context) -> dict[str, Any]:
        """Return the parameters with every expression evaluated; raises ExpressionError."""
        return {name: _rendered(value, context) for name, value in self.parameters.items()}


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

    def listens_to(self, event_type: str, account: str) -> bool:
        """Whether this rule is about such an event at all; its condition is not asked."""
        if self.accounts is not None and account not in self.accounts:
            return False
        return any(matches(pattern, event_type) for pattern in self.patterns)

    def step(self, step_id: str) -> Step | None:
        """Return the step of that id, if the rule still has it."""
        return next((step for step in self.steps if step.id == step_id), None)


def matches(pattern: str, event_type: str) -> bool:
    """Whether an event type fits a pattern; a `*` stands for within one segment."""
    wanted, given = pattern.split("."), event_type.split(".")
    return len(wanted) == len(given) and all(map(fnmatchcase, given, wanted))


class RuleCompiler:
    """Turns what the user wrote into rules, noting every fault at its line."""

    def __init__(
        self, vendors: Mapping[str, str] | None, catalog: Catalog, expressions: Expressions, country: str
    ) -> None:
        """`vendors` holds the vendor of every account; None: not known, no mention of an account is checked."""
        self._vendors, self._catalog = vendors, catalog
        self._expressions, self._country = expressions, country

    def compile(self, source: RuleSource, at: Location, document: Document) -> Rule:
        """Compile one rule; its faults stand in the document afterwards."""
        for index, pattern in enumerate(source.on):
            self._check_pattern(pattern, (*at, "on", index), document)
        for index, name in enumerate(source.from_ or ()):
            if self._vendors is not None and name not in self._vendors:
                document.fault((*at, "from", index), f'unknown account "{name}"' + suggest(name, self._vendors))
        condition = source.when and self._compiled(self._expressions.condition, source.when, (*at, "when"), document)
        steps = tuple(self._steps(source, at, document))
        accounts = frozenset(source.from_) if source.from_ is not None else None
        return Rule(source.name, document.where(at), tuple(source.on), accounts, condition or None, steps)

    def _check_pattern(self, pattern: str, at: Location, document: Document) -> None:
        if not all(_SEGMENT.match(part) for part in pattern.split(".")):
            document.fault(at, f'"{pattern}" is not an event type (one like scalev.order.created is wanted)')
        elif not any(matches(pattern, known) for known in self._catalog.event_types):
            document.fault(at, f'unknown event type "{pattern}"' + suggest(pattern, self._catalog.event_types))

    def _steps(self, source: RuleSource, at: Location, document: Document) -> Iterator[Step]:
        used: set[str] = set()
        for index, step in enumerate(source.steps):
            here: Location = (*at, "steps", index)
            step_id = step.id or step.action.partition(".")[2]
            if step_id in used:
                document.fault(here, f'a second step "{step_id}" in rule "{source.name}": give it an id of its own')
            used.add(step_id)
            once = step.once and self._compiled(self._expressions.value, step.once, (*here, "once"), document)
            parameters = {
                name: self._prepared(value, (*here, "with", name), document) for name, value in step.with_.items()
            }
            account = self._account(step, here, document)
            if model := self._catalog.actions.get(step.action):
                self._check_parameters(model, step.with_, (*here, "with"), document)
            else:
                known = self._catalog.actions
                document.fault((*here, "action"), f'unknown action "{step.action}"' + suggest(step.action, known))
            yield Step(step_id, step.action, account, once or None, parameters)

    def _account(self, step: StepSource, at: Location, document: Document) -> str:
        if self._vendors is None:
            return step.account or ""
        vendor = step.action.partition(".")[0]
        fitting = [name for name, of in self._vendors.items() if of == vendor]
        if step.account is None:
            if len(fitting) == 1:
                return fitting[0]
            if step.action in self._catalog.actions:
                reason = f"there is none of {vendor}" if not fitting else f"{', '.join(fitting)} would fit"
                document.fault(at, f"which account? {reason}")
        elif step.account not in self._vendors:
            document.fault((*at, "account"), f'unknown account "{step.account}"' + suggest(step.account, self._vendors))
        elif step.account not in fitting and step.action in self._catalog.actions:
            document.fault((*at, "account"), f'account "{step.account}" is not one of {vendor}')
        return step.account or ""

    def _prepared(self, value: Any, at: Location, document: Document) -> Any:
        if isinstance(value, dict):
            return {key: self._prepared(part, (*at, key), document) for key, part in value.items()}
        if isinstance(value, list):
            return [self._prepared(part, (*at, index), document) for index, part in enumerate(value)]
        if isinstance(value, str) and self._expressions.is_template(value):
            return self._compiled(self._expressions.value, value, at, document)
        return value

    @staticmethod
    def _compiled(compiler: Callable[[str], Evaluate], text: str, at: Location, document: Document) -> Evaluate | None:
        try:
            return compiler(text)
        except ExpressionError as error:
            document.fault(at, str(error))
        return None

    def _check_parameters(
        self, model: type[BaseModel], given: dict[str, Any], at: Location, document: Document
    ) -> None:
        names = [field.alias or name for name, field in model.model_fields.items()]
        try:
            model.model_validate(given, context={"country": self._country})
        except ValidationError as error:
            for detail in error.errors(include_input=False, include_url=False):
                loc, said = detail["loc"], detail["msg"].removeprefix("Value error, ")
                if detail["type"] == "extra_forbidden":
                    document.fault((*at, *loc), f'unknown parameter "{loc[-1]}"' + suggest(str(loc[-1]), names))
                elif detail["type"] == "missing":
                    document.fault((*at, *loc), f'the parameter "{loc[-1]}" is missing')
                elif detail["type"] == WHICH_PARAMETERS or not self._is_decided_later(given, loc):
                    document.fault((*at, *loc), f"{'.'.join(map(str, loc)) or 'parameters'}: {said}")

    def _is_decided_later(self, given: Any, loc: tuple[int | str, ...]) -> bool:
        """Whether the value that was refused has expressions in it, so that only rendering can tell."""
        for key in loc:
            try:
                given = given[key]
            except (LookupError, TypeError):
                break
        return _has_template(given)


def _has_template(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_template(part) for part in value.values())
    if isinstance(value, list):
        return any(_has_template(part) for part in value)
    return isinstance(value, str) and Expressions.is_template(value)


def _rendered(value: Any, context: Context) -> Any:
    if isinstance(value, dict):
        return {key: _rendered(part, context) for key, part in value.items()}
    if isinstance(value, list):
        return [_rendered(part, context) for part in value]
    return value(context) if callable(value) else value
