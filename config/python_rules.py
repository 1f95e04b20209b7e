"""Rules in Python, for what YAML cannot say: functions that packages offer under the entry point `hookyard.rules`.

    @rule(name="call-about-large-orders", on=["scalev.order.created"])
    def call_about_large_orders(context):
        if context["order"]["total_quantity"] > 10:
            yield {"action": "proton.create_task", "with": {"title": "Call the buyer", "user_id": "ops@acme.example"}}

The function is asked when the event is routed, and again before each of its steps is sent: what it does not give any
more is not sent.

Invariant: what a function gives is checked as YAML is, and taken as it stands: no text in it is an expression, so
nothing that a customer wrote can become one.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from config.expressions import Context, ExpressionError
from config.faults import Fault
from config.rule_compiler import RuleCompiler
from config.rule_sources import RuleSource, StepSource
from config.rules import Rule, Step
from config.yaml_files import Document, Location

GROUP = "hookyard.rules"
MOST_STEPS = 100
# The first two the function decides itself; what is done after a delivery's end asks no function any more.
_NOT_HERE = {
    "unless": "the function decides that itself",
    "for_each": "the function decides that itself",
    "on_failure": "only rules in YAML have that",
}

Function = Callable[[Context], Iterable[Mapping[str, Any]]]


@dataclass(frozen=True)
class PythonRule:
    """A function with what it listens to."""

    name: str
    on: tuple[str, ...]
    from_: tuple[str, ...] | None
    function: Function

    @property
    def where(self) -> str:
        """File and line of the function."""
        code = inspect.unwrap(self.function).__code__
        return f"{Path(code.co_filename).name}:{code.co_firstlineno}"


def rule(*, name: str, on: Sequence[str], from_: Sequence[str] | None = None) -> Callable[[Function], PythonRule]:
    """Make a rule of a function that takes the context of an event and gives steps as YAML would write them.

    `on` and `from_` mean what they mean in YAML. The context has the names of expressions as keys.
    """
    return lambda function: PythonRule(name, tuple(on), None if from_ is None else tuple(from_), function)


def load_python_rules(compiler: RuleCompiler) -> tuple[list[Rule], list[Fault]]:
    """Return the rules of all installed packages, and what is wrong with them."""
    rules, faults = [], []
    for entry in entry_points(group=GROUP):
        where = f"entry point {entry.name} ({entry.value})"
        try:
            found = entry.load()
        except Exception as error:  # noqa: BLE001 - whatever somebody's module does when it is imported
            faults.append(Fault(where, f"cannot be loaded: {type(error).__name__}: {error}"))
            continue
        if not isinstance(found, PythonRule):
            faults.append(Fault(where, "is not a rule: decorate the function with config.python_rules.rule"))
            continue
        compiled, wrong = compile_python_rule(found, compiler)
        rules.append(compiled)
        faults += wrong
    return rules, faults


def compile_python_rule(given: PythonRule, compiler: RuleCompiler) -> tuple[Rule, list[Fault]]:
    """Check what a rule listens to, and make it one that can be run."""
    document = _Source(given.where)
    try:
        head = {"name": given.name, "on": list(given.on), "steps": [{"action": "of.python"}]}
        source = RuleSource.model_validate(head | ({} if given.from_ is None else {"from": list(given.from_)}))
    except ValidationError as error:
        return _nothing(given), [Fault(given.where, _said(error))]
    compiled = compiler.compile_head(source, (), document)

    def plan(context: Context) -> Sequence[Step]:
        return _steps(given, compiler, context)

    return replace(compiled, where=given.where, plan=plan), document.faults


def _nothing(given: PythonRule) -> Rule:
    return Rule(given.name, given.where, (), None, None, ())


def _steps(given: PythonRule, compiler: RuleCompiler, context: Context) -> Sequence[Step]:
    """Ask the function, and check what it gives; ExpressionError with every fault."""
    try:
        wanted = list(given.function(context))
    except Exception as error:
        # Without the error's text: it may hold what the event said of a person.
        raise ExpressionError(f"{given.name}: {type(error).__name__}") from error
    if len(wanted) > MOST_STEPS:
        raise ExpressionError(f"{given.name}: more than {MOST_STEPS} steps")
    document, sources = _Source(given.where), []
    for index, step in enumerate(wanted):
        try:
            sources.append(StepSource.model_validate(_plain(step)))
        except (ValidationError, TypeError) as error:
            said = _said(error) if isinstance(error, ValidationError) else "a step is a dict, as YAML would write it"
            raise ExpressionError(f"{given.name}: step {index + 1}: {said}") from None
    steps = compiler.compile_literal_steps(sources, document)
    if document.faults:
        raise ExpressionError("; ".join(fault.what for fault in document.faults))
    return steps


def _plain(step: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(step, Mapping):
        raise TypeError
    for key, why in _NOT_HERE.items():
        if key in step:
            raise ExpressionError(f"{key}: {why}")
    if "needs" in step and "after" in step:
        raise ExpressionError("after: not beside needs, in a rule in Python")
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in step.items()}


def _said(error: ValidationError) -> str:
    detail = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, detail['loc']))}: {detail['msg'].removeprefix('Value error, ')}"


class _Source(Document):
    """Stands for the place where a function stands."""

    def where(self, location: Location | Sequence[int | str] = ()) -> str:  # noqa: ARG002 - a function has one place
        return self.name
