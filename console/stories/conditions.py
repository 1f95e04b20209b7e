"""A rule's condition in words: `order.payment_status == "paid"` as "the payment status is paid".

Invariant: what cannot be said in words is shown as it stands in the rule; nothing is left out.
"""

from typing import Any

from jinja2 import Environment, TemplateError, nodes

from config.expressions import Expression
from console.stories.wording import plain, words

_IS = {"eq": "is", "ne": "is not", "in": "is", "notin": "is not", "gt": "is over", "gteq": "is at least",
       "lt": "is under", "lteq": "is at most"}  # fmt: skip


def condition_words(condition: Any) -> str:
    """Return a condition in words; `condition`: a rule's `when` or a step's `unless`."""
    text = condition.text if isinstance(condition, Expression) else ""
    try:
        tree = Environment(autoescape=True).parse("{{ (" + text + ") }}")
        output = next(tree.find_all(nodes.Output)).nodes[0]
        return _said(output)
    except (TemplateError, StopIteration, LookupError, _UnsaidError):
        return f"`{plain(text, 200)}`" if text else "its rule says otherwise"


class _UnsaidError(Exception):
    """There are no words for a part of it."""


def _said(node: nodes.Node, *, negated: bool = False) -> str:
    if isinstance(node, nodes.And | nodes.Or):
        is_and = isinstance(node, nodes.And) is not negated
        sides = (_side(node.left, node, negated=negated), _side(node.right, node, negated=negated))
        return (" and " if is_and else " or ").join(sides)
    if isinstance(node, nodes.Not):
        return _said(node.node, negated=not negated)
    if isinstance(node, nodes.Compare) and len(node.ops) == 1:
        return _compared(node, negated=negated)
    is_not = " not" if negated else ""
    if (plain_name := _named(node)) and plain_name[1].startswith("is_"):
        return f"the {words(plain_name[0])} is{is_not} {words(plain_name[1][3:])}"
    if plain_name and plain_name[1].endswith("_at"):
        return f"the {words(plain_name[0])} has{is_not} been {words(plain_name[1][:-3])}"
    return f"{_thing(node)} is{is_not} known"


def _side(node: nodes.Node, parent: nodes.Node, *, negated: bool) -> str:
    said = _said(node, negated=negated)
    is_other = isinstance(node, nodes.And | nodes.Or) and type(node) is not type(parent)
    return f"({said})" if is_other else said


def _compared(node: nodes.Compare, *, negated: bool) -> str:
    operand = node.ops[0]
    if negated and operand.op not in {"eq", "ne", "in", "notin"}:
        raise _UnsaidError
    is_not = operand.op in {"ne", "notin"}
    verb = ("is" if is_not else "is not") if negated else _IS[operand.op]
    return f"{_thing(node.expr)} {verb} {_value(operand.expr)}"


def _thing(node: nodes.Node) -> str:
    """Return what is asked for: `order.payment_status` as "the payment status", of others with whose it is."""
    found = _named(node)
    if found is None:
        raise _UnsaidError
    owner, name = found[0], words(found[1])
    return f"the {name}" if owner in {"order", "data"} or name.startswith(owner) else f"the {words(owner)}'s {name}"


def _named(node: nodes.Node) -> tuple[str, str] | None:
    """Return whose it is and its name, where a node is no more than that."""
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        return node.node.name, node.attr
    return None


def _value(node: nodes.Node) -> str:
    if isinstance(node, nodes.Const):
        return "nothing" if node.value is None else words(plain(node.value)) or "empty"
    if isinstance(node, nodes.List | nodes.Tuple):
        items = [_value(item) for item in node.items]
        return " or ".join(items) if items else "nothing"
    return _thing(node)
