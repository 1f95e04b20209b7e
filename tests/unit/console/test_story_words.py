"""The words of stories: each reason, event and action has some, conditions are clauses, nothing hostile passes."""

import unicodedata
from typing import Any

import pytest

from config.expressions import Expression
from console.stories.action_words import VERBS, deed_of
from console.stories.advice import ADVICE, advice_of
from console.stories.conditions import condition_words
from console.stories.event_words import CLAUSES, SENTENCES, event_clause, event_sentence
from console.stories.press_words import PRESSED, press_words
from console.stories.wording import plain, told
from tasks.actions.registry import ACTIONS
from webhooks.registry import SOURCES
from worker.messaging.facts import FACTS
from worker.states import Press, Reason
from worker.whatsapp import REASONS

TYPES = [*(type_ for source in SOURCES.values() for type_ in source.event_types), *FACTS]
HOSTILE = "<script>alert(1)</script> \u202eback\u2066 \x00\x1b[31m\ud800\n" + "x" * 1_000_000


def test_every_reason_has_a_meaning() -> None:
    """The table is total, and no meaning is empty."""
    assert set(ADVICE) == set(Reason)
    assert all(advice.meaning for advice in ADVICE.values())


def test_every_press_has_words() -> None:
    """The table is total, no two say the same, and a name of another time is told as it is, made harmless."""
    assert set(PRESSED) == set(Press)
    assert all(PRESSED.values())
    assert len(set(PRESSED.values())) == len(Press)
    assert press_words("looked\u202e_twice") == "looked twice"


def test_a_code_never_says_less_than_its_reason() -> None:
    """Whether or not a code has words of its own, its reason's advice stays."""
    found = {code: advice_of(reason, str(code)) for code, reason in REASONS.items()}

    assert all(advice and advice.to_do == ADVICE[REASONS[code]].to_do for code, advice in found.items())


def test_a_reason_that_nobody_knows_has_no_advice() -> None:
    """A row of another time does not break a page."""
    assert advice_of("of_another_time") is None
    assert advice_of(None) is None


def test_every_event_has_words_though_nothing_is_known_of_it() -> None:
    """No place stays unfilled, and no identifier shines through."""
    said = [event_sentence(type_, {}) for type_ in TYPES]

    assert [words for words in said if not words[0].isupper() or set("{}[]_") & set(words)] == []


def test_the_tables_speak_of_types_that_exist() -> None:
    """A misspelt type would never be told."""
    assert {key.partition(":")[0] for key in SENTENCES} <= set(TYPES)
    assert set(CLAUSES) <= set(TYPES)


@pytest.mark.parametrize(
    ("type_", "values", "said"),
    [
        ("scalev.order.created", {"products": ["A", "B", "C", "D"]}, "Order placed: A, B, C and 1 more"),
        ("scalev.order.created", {"products": []}, "Order placed"),
        (
            "scalev.order.status_changed",
            {"status": "shipped", "courier": "JNE", "shipment_receipt": "JX1"},
            "Shipped by JNE, receipt JX1",
        ),
        ("scalev.order.shipped", {"status": "shipped", "shipment_receipt": "JX1"}, "Shipped, receipt JX1"),
        ("scalev.order.status_changed", {"status": "on_the_moon"}, "Order is now on the moon"),
        ("scalev.order.status_changed", {}, "Order status changed (Scalev)"),
        ("scalev.order.paid", {"payment_method": "bank_transfer"}, "Paid by bank transfer"),
        ("scalev.order.unheard_of", {}, "Order unheard of (Scalev)"),
        ("nobody.knows", {}, "Knows (nobody)"),
        ("nonsense", {}, "Nonsense"),
        ("", {}, ""),
    ],
)
def test_events_are_told_from_what_is_known(type_: str, values: dict[str, Any], said: str) -> None:
    """Values that are missing leave their part out; unknown types are told by their name."""
    assert event_sentence(type_, values) == said


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("scalev.order.paid", "the order is paid"),
        ("open_mercato.customers.deal.*", "“Deal anything (Open Mercato)” happens"),
    ],
)
def test_what_cancels_is_a_clause(pattern: str, said: str) -> None:
    """Also a pattern that no table has."""
    assert event_clause(pattern) == said


def test_every_action_has_words() -> None:
    """Each verb is known, so that what was done is told in the past."""
    said = [deed_of(action) for action in ACTIONS]

    assert {action.partition(".")[2].partition("_")[0] for action in ACTIONS} == set(VERBS)
    assert [deed for deed in said if set("{}[]_") & set(deed.done + deed.to_do + deed.thing)] == []


@pytest.mark.parametrize("action", ["", "nonsense", "nobody.does_this", "..."])
def test_an_action_of_another_time_is_told_too(action: str) -> None:
    """A delivery whose action is gone does not break a page."""
    assert deed_of(action).done


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ('order.payment_status == "paid"', "the payment status is paid"),
        ('order.status in ["shipped", "completed"]', "the status is shipped or completed"),
        ('order.status not in ["draft"]', "the status is not draft"),
        ('not (order.status == "paid" or order.phone)', "the status is not paid and the phone is not known"),
        ("order.paid_at", "the order has been paid"),
        ("not order.is_deleted", "the order is not deleted"),
        ('customer.status == "x" and (order.phone or order.email)',
         "the customer's status is x and (the phone is known or the email is known)"),
        ("order.gross_revenue > 100", "the gross revenue is over 100"),
        ("not order.gross_revenue > 100", "`not order.gross_revenue > 100`"),
        ('order.status | lower == "x"', '`order.status | lower == "x"`'),
        ("1 < order.a < 3", "`1 < order.a < 3`"),
        ("now", "`now`"),
        ("order.", "`order.`"),
        ("", "its rule says otherwise"),
    ],
)  # fmt: skip
def test_a_condition_reads_as_a_clause(condition: str, said: str) -> None:
    """What has no words is shown as it stands in the rule."""
    assert condition_words(Expression(condition, bool)) == said


def test_a_condition_of_a_rule_in_python_is_said_to_be_one() -> None:
    """Where only a function is known."""
    assert condition_words(bool) == "its rule says otherwise"


@pytest.mark.parametrize("value", [HOSTILE, [HOSTILE] * 5, b"\xff", 1, None, 2.5, True, {"a": 1}])
def test_any_value_becomes_one_short_harmless_line(value: Any) -> None:
    """No control, no change of direction, no second line, no megabyte."""
    shown = plain(value)

    assert len(shown) <= 400
    assert not {unicodedata.category(character) for character in shown} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_a_place_that_must_be_filled_gives_no_sentence_without() -> None:
    """Whoever asks then takes another sentence."""
    assert told("Order is now {status}", {"status": {"a": 1}}) is None
    assert told("Order is now {status}", {"status": 0}) == "Order is now 0"
