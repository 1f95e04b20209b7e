"""Rules in Python at work: what they give is sent, what they do not give any more is not, and their faults are seen."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from config.accounts import Business
from config.expressions import Expressions
from config.python_rules import compile_python_rule, rule
from config.rule_compiler import RuleCompiler
from tasks.actions.registry import make_catalog
from tests.support.shop import order_created
from worker.acting import Outcome

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works


def use(works: "Works", function: Callable[[Any], Iterator[dict[str, Any]]]) -> None:
    """Let this function be the only rule."""
    vendors = {name: account.vendor for name, account in works.config.accounts.items()}
    compiler = RuleCompiler(vendors, make_catalog(), Expressions(Business()), "ID")
    compiled, faults = compile_python_rule(rule(name="r", on=["scalev.order.created"])(function), compiler)
    assert not faults
    works.use(replace(works.config, rules=(compiled,)))


def confirm(context: Any) -> Iterator[dict[str, Any]]:
    """Confirm an order that is not canceled."""
    if context["order"]["status"] != "canceled":
        yield {"action": "scalev.change_status", "with": {"ids": [context["order"]["id"]], "status": "confirmed"}}


def test_what_a_function_gives_is_sent(works: "Works") -> None:
    """Its step becomes a delivery like any other."""
    use(works, confirm)
    asked: list[Any] = []
    works.replace_action("scalev.change_status", run=lambda call: (asked.append(call.parameters), Outcome())[1])

    [wake] = works.receive(order_created()).deliveries

    assert works.deliver(wake).conclusion.state == "succeeded"
    assert asked[0].status == "confirmed"


def test_what_it_does_not_give_any_more_is_not_sent(works: "Works") -> None:
    """It is asked again at the moment of sending, with the order as it is then."""
    use(works, confirm)
    [wake] = works.receive(order_created()).deliveries
    works.execute("""UPDATE subjects SET snapshot = snapshot || '{"status": "canceled"}'""")

    conclusion = works.deliver(wake).conclusion

    assert (conclusion.state, conclusion.reason) == ("suppressed", "not_needed")


def test_a_function_that_fails_leaves_a_dead_letter(works: "Works") -> None:
    """It says which rule failed and how, and nothing of what the event said; the event is routed all the same."""

    def broken(context: Any) -> Iterator[dict[str, Any]]:
        raise KeyError(context["order"]["phone"])
        yield

    use(works, broken)

    routed = works.receive(order_created())

    assert routed.state == "processed"
    [row] = works.shop.deliveries()
    assert (row.state, row.reason, row.rule) == ("dead", "expression", "r")
    assert "KeyError" in row.last_error
    assert "replay" in row.last_error
    assert "812" not in row.last_error
    assert len(routed.dead) == 1
