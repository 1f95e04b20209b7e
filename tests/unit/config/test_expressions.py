"""Expressions of rules: what they may say, and what they are refused for."""

from datetime import UTC, datetime
from typing import Any

import pytest

from config.accounts import Business
from config.expressions import ExpressionError, Expressions

EXPRESSIONS = Expressions(Business())
CONTEXT: dict[str, Any] = {
    "event": {"id": "e1", "type": "scalev.order.created", "account": "toko", "subject": "order:1"},
    "data": {"items": [1, 2], "keys": "k", "qty": 3, "none": None, "text": "a"},
    "order": {"phone": "+628123456789", "items": [{"name": "Cup"}], "customer_name": None, "total": "168724.00"},
    "customer": {},
    "account": "toko",
    "now": datetime(2026, 3, 1, 18, 30, tzinfo=UTC),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ data.qty }}", 3),
        ("{{ data.qty > 2 }}", True),
        ("{{ data.none }}", None),
        ("  {{ order.items }}  ", [{"name": "Cup"}]),
        ("{{- data.qty -}}", 3),
        ("{{ now }}", CONTEXT["now"]),
        ("{{ data.qty }} cups", "3 cups"),
        ("{{ data.qty }}{{ data.qty }}", "33"),
        ("{% if data.qty %}yes{% endif %}", "yes"),
        ('{{ data.none or "nobody" }} here', "nobody here"),
        ("{{ '}}' }}", "}}"),
    ],
)
def test_a_whole_expression_keeps_its_type_and_a_text_with_parts_is_text(text: str, expected: object) -> None:
    """`{{ x }}` alone gives x itself; anything beside it makes a text."""
    assert EXPRESSIONS.value(text)(CONTEXT) == expected


def test_keys_of_data_win_over_methods_of_mappings() -> None:
    """`order.items` and `data.keys` are what the vendor sent, not Python's methods."""
    assert EXPRESSIONS.value("{{ order.items[0].name }}")(CONTEXT) == "Cup"
    assert EXPRESSIONS.condition("data.keys == 'k'")(CONTEXT) is True


@pytest.mark.parametrize(
    "text", ["{{ data.missing }}", "x {{ data.missing }}", "{{ data['missing'] }}", "{{ data.missing.deeper }}"]
)
def test_a_name_without_a_value_is_an_error_that_names_it(text: str) -> None:
    """What is not there is never an empty text."""
    with pytest.raises(ExpressionError, match="missing"):
        EXPRESSIONS.value(text)(CONTEXT)


def test_none_is_never_written_into_a_text() -> None:
    """A customer is never greeted as "None", and no effect is named after nothing."""
    with pytest.raises(ExpressionError, match="no value"):
        EXPRESSIONS.value("Dear {{ order.customer_name }},")(CONTEXT)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("order.phone ==", "cannot be read"),
        ("", "cannot be read"),
        ("a }} {{ b", "cannot be read"),
        ("ordr.phone", 'unknown name "ordr": did you mean "order"?'),
        ("steps.template.result", 'unknown name "steps"'),
        ("range(3)", 'unknown name "range"'),
        ("order.phone | phnoe", 'no filter named "phnoe": did you mean "phone"?'),
        ("(order.phone | phnoe) if data.none else 1", "phnoe"),
        ("order.phone is numbr", 'no test named "numbr"'),
    ],
)
def test_a_bad_condition_is_refused_when_it_is_loaded(text: str, said: str) -> None:
    """Syntax, names, filters and tests are checked before anything runs, also in branches rarely taken."""
    with pytest.raises(ExpressionError) as raised:
        EXPRESSIONS.condition(text)

    assert said in str(raised.value)


@pytest.mark.parametrize(
    "text", ["{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}", "{{ x", "{% if %}"]
)
def test_a_bad_template_is_refused_when_it_is_loaded(text: str) -> None:
    """There are no other templates to include, and no half expressions."""
    with pytest.raises(ExpressionError, match="cannot be read"):
        EXPRESSIONS.value(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}",
        "{{ data.text.__class__.__mro__ }}",
        "{{ (data.text|attr('__class__')) }}",
        "{{ order.items.append(1) }}",
        "{{ '{0.__class__}'.format(data) }}",
        "{{ [].__class__.__base__.__subclasses__() }}",
        "{{ data.text * 999999999 }}",
        "{{ [1] * 999999999 }}",
        "{{ (1,) * 999999999 }}",
        "{{ 9 ** 999999 }}",
        "{{ '%999999999d' % 1 }}",
    ],
)
def test_what_leads_out_of_the_sandbox_is_refused(text: str) -> None:
    """No way to Python's insides, no change of data, no text of a gigabyte."""
    with pytest.raises(ExpressionError):
        EXPRESSIONS.value(text)(CONTEXT)


def test_an_error_at_run_time_quotes_the_expression_but_no_value() -> None:
    """The text of an error goes into the ledger, so it holds nothing personal."""
    with pytest.raises(ExpressionError) as raised:
        EXPRESSIONS.value("{{ order.phone + 1 }}")(CONTEXT)

    assert "order.phone + 1" in str(raised.value)
    assert "6281" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ '0812-3456-789' | phone }}", "+628123456789"),
        ("{{ order.total | money }}", "Rp168.724"),
        ("{{ 2.5 | money }}", "Rp3"),
        ("{{ now | localtime }}", "02 Mar 2026 01:30"),
        ("{{ '2026-03-01T17:00:00Z' | localtime('%d/%m %H.%M') }}", "02/03 00.00"),
        ("{{ '2026-03-01 17:00:00' | localtime('%d') }}", "02"),
    ],
)
def test_filters_write_as_the_shop_writes(text: str, expected: str) -> None:
    """Phones as E.164, money in rupiah, times in the shop's zone; a time without zone is UTC."""
    assert EXPRESSIONS.value(text)(CONTEXT) == expected


@pytest.mark.parametrize(
    "text",
    ["{{ 'abc' | phone }}", "{{ data.none | phone }}"]
    + [f"{{{{ {value} | money }}}}" for value in ("'abc'", "data.none", "'NaN'", "'Infinity'", "'1e400'")]
    + ["{{ 'soon' | localtime }}", "{{ data.none | localtime }}"],
)
def test_a_filter_on_something_else_is_an_error(text: str) -> None:
    """A filter gives what it promises or says that it cannot."""
    with pytest.raises(ExpressionError, match="the value is not"):
        EXPRESSIONS.value(text)(CONTEXT)
