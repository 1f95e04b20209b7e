"""Rules in Python: found in installed packages, checked as YAML is, their texts taken as they stand."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.expressions import ExpressionError
from config.faults import ConfigError
from config.load import load_config
from config.rules import Rule
from tasks.actions.registry import make_catalog

ACCOUNTS = """\
accounts:
  toko: {vendor: scalev, signing_secrets: [long-enough], api_key: key}
  wa: {vendor: wabotick, api_token: t, phone_number_id: "1", url_secrets: {flow: flow-secret}}
"""
HEAD = "from config.python_rules import rule\n\n\n"
CONFIRM = (
    HEAD + "@rule(name='confirm-small', on=['scalev.order.created'], from_=['toko'])\ndef confirm(context):\n"
    "    if context['order']['total_quantity'] < 3:\n"
    "        yield {'action': 'scalev.change_status', 'once': context['order']['order_id'],\n"
    "               'with': {'ids': [context['order']['id']], 'status': 'confirmed'}, 'after': '2h'}\n"
)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path of imports in which a package can be installed, with a configuration beside it."""
    (tmp_path / "config" / "rules").mkdir(parents=True)
    (tmp_path / "config" / "accounts.yaml").write_text(ACCOUNTS)
    (tmp_path / "shop_rules-1.dist-info").mkdir()
    (tmp_path / "shop_rules-1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: shop-rules\nVersion: 1\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("shop_rules", None)


def installed(shop: Path, code: str, name: str = "confirm") -> list[Rule]:
    """Install a module with a rule and load the configuration."""
    (shop / "shop_rules.py").write_text(code)
    entry = f"[hookyard.rules]\nfirst = shop_rules:{name}\n"
    (shop / "shop_rules-1.dist-info" / "entry_points.txt").write_text(entry)
    return list(load_config(shop / "config", {}, make_catalog()).rules)


def order(**values: Any) -> dict[str, Any]:
    """Return a context with an order."""
    return {"order": {"id": "u-1", "order_id": "O-1", "total_quantity": 1, **values}}


def test_a_function_is_a_rule_like_any_other(shop: Path) -> None:
    """It listens to what it says, and gives steps with all that YAML can say of them."""
    [rule] = installed(shop, CONFIRM)

    assert (rule.name, rule.where) == ("confirm-small", "shop_rules.py:4")
    assert rule.listens_to("scalev.order.created", "toko")
    [step] = rule.steps_for(order())
    assert (step.action, step.account, step.id) == ("scalev.change_status", "toko", "change_status")
    assert step.after is not None
    assert step.render({}) == {"ids": ["u-1"], "status": "confirmed"}
    assert step.effect_key is not None
    assert step.effect_key({}) == "O-1"
    assert list(rule.steps_for(order(total_quantity=9))) == []


def test_no_text_of_a_function_is_an_expression(shop: Path) -> None:
    """What a customer wrote into an order stays what it is."""
    [rule] = installed(shop, CONFIRM)

    [step] = rule.steps_for(order(id="{{ 7 * 7 }}", order_id="{{ order }}"))

    assert step.render({})["ids"] == ["{{ 7 * 7 }}"]
    assert step.effect_key is not None
    assert step.effect_key({}) == "{{ order }}"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            CONFIRM.replace("scalev.order.created", "scalev.order.craeted"),
            'shop_rules.py:4: unknown event type "scalev.or',
        ),
        (CONFIRM.replace("['toko']", "['tokko']"), 'unknown account "tokko": did you mean "toko"?'),
        (CONFIRM.replace("'confirm-small'", "'Confirm Small'"), "shop_rules.py:4: name: String should match"),
        ("confirm = 1\n", "entry point first (shop_rules:confirm): is not a rule"),
        (
            "raise RuntimeError('boom')\n",
            "entry point first (shop_rules:confirm): cannot be loaded: RuntimeError: boom",
        ),
    ],
)
def test_what_cannot_be_run_is_refused_at_the_start(shop: Path, code: str, said: str) -> None:
    """The same checks as in YAML, with the function's file and line."""
    with pytest.raises(ConfigError) as refused:
        installed(shop, code)

    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("{'action': 'scalev.chnge_status'}", 'unknown action "scalev.chnge_status": did you mean'),
        ("{'action': 'scalev.change_status', 'with': {'ids': ['1'], 'status': 'nope'}}", "status: Input should be"),
        ("{'action': 'scalev.change_status', 'wiht': {}}", "step 1: wiht: Extra inputs"),
        ("{'action': 'scalev.change_status', 'unless': 'x'}", "unless: the function decides that itself"),
        ("{'action': 'scalev.change_status', 'on_failure': []}", "on_failure: only rules in YAML have that"),
        ("{'action': 'scalev.change_status', 'needs': ['a'], 'after': '1h'}", "after: not beside needs"),
        ("'text'", "a step is a dict"),
        ("1 / 0", "confirm-small: ZeroDivisionError"),
    ],
)
def test_what_a_function_gives_is_checked_when_it_gives_it(shop: Path, step: str, said: str) -> None:
    """A fault is an error of the expression: a dead letter that says what is wrong."""
    head = "@rule(name='confirm-small', on=['scalev.order.created'])\ndef confirm(context):\n"
    [rule] = installed(shop, f"{HEAD}{head}    yield {step}\n")

    with pytest.raises(ExpressionError, match=re.escape(said)):
        rule.steps_for(order())
