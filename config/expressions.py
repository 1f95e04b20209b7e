"""The expressions of rules: Jinja2 in a sandbox, compiled when the rules are loaded.

Invariant: an expression that loaded uses only names and filters that exist; at run time it gives a value or raises
ExpressionError, and a name without a value is an error, never an empty text.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from jinja2 import Environment, StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from config.accounts import Business
from config.faults import suggest
from config.phones import to_e164
from config.subjects import FIELDS

BODY_NAMES = ("body", "headers", "query")
"""What the expressions of a generic account may speak of: the request, before it is an event."""
NAMES = ("event", "data", *FIELDS, "account", "now", "tap")
"""What an expression may speak of."""

_WHOLE = re.compile(r"\A\s*\{\{-?(?P<inner>(?:(?!-?\}\}).)*)-?\}\}\s*\Z", re.DOTALL)

Context = Mapping[str, Any]
Evaluate = Callable[[Context], Any]


class ExpressionError(Exception):
    """An expression cannot be read, or has no value for this event; the text says why."""


@dataclass(frozen=True)
class Expression:
    """A compiled expression that knows what it was compiled from."""

    text: str
    evaluate: Evaluate = field(repr=False)
    where: str = ""
    """File and line it stands on."""

    def __call__(self, context: Context) -> Any:
        """Return its value; raises ExpressionError."""
        try:
            return self.evaluate(context)
        except ExpressionError:
            raise
        except TemplateError as error:
            raise ExpressionError(f"`{self.text}`: {_without_objects(error.message or '')}") from None
        except Exception as error:  # noqa: BLE001 - whatever the user's expression does is the user's to mend
            raise ExpressionError(f"`{self.text}`: {type(error).__name__}") from None


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset({"**", "*", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Let `order.items` be the key of the data, not the method of the mapping."""
        if isinstance(obj, Mapping):
            return obj[attribute] if attribute in obj else self.undefined(obj=_Shown(), name=attribute)
        return super().getattr(obj, attribute)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        # Whoever sends the data must not be able to make a text of a gigabyte out of it.
        if operator == "**" or any(isinstance(side, str | bytes | list | tuple) for side in (left, right)):
            raise SecurityError(f"{operator} is not allowed here")
        return super().call_binop(context, operator, left, right)


class _Shown:
    """Stands for data in the text of an error, so that no value ends up there."""

    __slots__ = ()


class Expressions:
    """Compiles expressions for one shop: its country and time zone are behind the filters."""

    def __init__(self, business: Business) -> None:
        self._jinja = _Sandbox(undefined=StrictUndefined, autoescape=False, finalize=_not_none)
        self._jinja.globals.clear()
        self._jinja.filters["phone"] = lambda raw: _required(to_e164(raw, business.country), "a phone number")
        self._jinja.filters["money"] = _money
        self._jinja.filters["localtime"] = lambda value, form="%d %b %Y %H:%M": _local(value, business, form)

    def condition(self, text: str, names: Sequence[str] = NAMES) -> "Expression":
        """Compile a bare expression such as `order.status == "paid"`; raises ExpressionError."""
        return self._guarded(text, self._expression(text, names))

    def value(self, text: str, names: Sequence[str] = NAMES) -> "Expression":
        """Compile a text with `{{ … }}` in it; one that is a single expression keeps its value's type."""
        if whole := _WHOLE.match(text):
            return self._guarded(text, self._expression(whole["inner"], names))
        self._check_names(text, names)
        template = self._jinja.from_string(text)
        return self._guarded(text, template.render)

    @staticmethod
    def is_template(text: str) -> bool:
        """Whether a text has anything to evaluate in it."""
        return "{{" in text or "{%" in text

    def _expression(self, text: str, names: Sequence[str]) -> Evaluate:
        self._check_names("{{ (" + text + ") }}", names)
        try:
            compiled = self._jinja.compile_expression(text, undefined_to_none=False)
        except TemplateError as error:
            raise ExpressionError(f"cannot be read: {error.message}") from None
        return lambda context: _defined(compiled(context))

    def _check_names(self, source: str, known: Sequence[str]) -> None:
        try:
            tree = self._jinja.parse(source)
            self._check_nodes(tree)
            self._jinja.from_string(source)
            names = meta.find_undeclared_variables(tree)
        except TemplateSyntaxError as error:
            raise ExpressionError(f"cannot be read: {error.message}") from None
        if unknown := sorted(names - set(known)):
            there_are = f" (there are {', '.join(known)})"
            raise ExpressionError(f'unknown name "{unknown[0]}"' + (suggest(unknown[0], known) or there_are))

    def _check_nodes(self, tree: nodes.Template) -> None:
        """Refuse what Jinja would only refuse when it gets there, in a branch that is rarely taken."""
        if next(tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)), None):
            raise ExpressionError("cannot be read: there are no other templates to include or import")
        for kind, known in ((nodes.Filter, self._jinja.filters), (nodes.Test, self._jinja.tests)):
            for node in tree.find_all(kind):
                if node.name not in known:
                    word = kind.__name__.lower()
                    raise ExpressionError(f'cannot be read: no {word} named "{node.name}"' + suggest(node.name, known))

    @staticmethod
    def _guarded(text: str, evaluate: Evaluate) -> "Expression":
        return Expression(text.strip(), evaluate)


def _not_none(value: Any) -> Any:
    """Refuse to write "None" into a text: what is not known must not reach a customer, or name an effect."""
    if value is None:
        raise ExpressionError('a part of the text has no value (write `or "…"` where that is meant)')
    return value


def _defined(value: Any) -> Any:
    if isinstance(value, Undefined):
        str(value)  # StrictUndefined raises here, and says which name has no value
    return value


def _without_objects(message: str) -> str:
    return message.replace("'config.expressions._Shown object' has no attribute", "there is no").replace(
        "config.expressions._Shown object", "the data"
    )


def _required(value: str | None, what: str) -> str:
    if value is None:
        raise ExpressionError(f"the value is not {what}")
    return value


def _money(value: object) -> str:
    """Write an amount as Indonesian shops do: 168724.00 becomes Rp168.724."""
    try:
        amount = Decimal(str(value)).quantize(Decimal(1), ROUND_HALF_UP)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise ExpressionError("the value is not an amount of money")
    return "Rp" + f"{amount:,}".replace(",", ".")


def _local(value: object, business: Business, form: str) -> str:
    try:
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    except ValueError:
        raise ExpressionError("the value is not a time") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(business.zone).strftime(form)


def paths_in(text: str) -> list[tuple[str, ...]]:
    """Return what an expression asks for, like `("order", "phone")`, each once, as it stands in the text."""
    tree = Environment(autoescape=True).parse(text if Expressions.is_template(text) else "{{ (" + text + ") }}")
    inner = {id(node.node) for node in tree.find_all(nodes.Getattr)}
    inner |= {id(node.node) for node in tree.find_all(nodes.Getitem)}
    found = [
        path
        for node in tree.find_all((nodes.Name, nodes.Getattr, nodes.Getitem))
        if id(node) not in inner and (path := _path(node))
    ]
    return list(dict.fromkeys(found))


def _path(node: nodes.Node) -> tuple[str, ...]:
    """Return the names from the first to the last; empty when something else is in between."""
    if isinstance(node, nodes.Name):
        return (node.name,)
    if isinstance(node, nodes.Getattr):
        before = _path(node.node)
        return (*before, node.attr) if before else ()
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        before = _path(node.node)
        return (*before, str(node.arg.value)) if before else ()
    return ()
