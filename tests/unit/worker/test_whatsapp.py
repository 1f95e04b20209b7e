"""WhatsApp's codes: found wherever they appear, and each with one meaning for reports and for answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.actions.whatsapp import VERDICTS, verdict_in
from worker.errors import PermanentError, RetryableError
from worker.states import Reason, Scope
from worker.whatsapp import REASONS, code_in, reason_of, state_of

SELF: list[Any] = []
SELF.append(SELF)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("(Error Code : 131026 )Message Undeliverable.", 131026),
        ("error code:131049", 131049),
        ("(#132000) Number of parameters does not match", 132000),
        ("(#0) no", 0),
        ({"error": {"message": "(#131030) not allowed", "code": 131030}}, 131030),
        ({"errors": [{"code": 131047, "title": "Re-engagement message"}]}, 131047),
        ([{"code": "131050"}], 131050),
        ('{"error": {"code": 190}}', 190),
        ("Order #132000 of 131026 pieces", None),
        ({"code": "x131026"}, None),
        ("(#1234567890123)", None),
        ("Error Code : ١٢", None),
        ("", None),
        (None, None),
        ({"code": None}, None),
        (SELF, None),
    ],
)
def test_the_digits_are_found_wherever_they_stand(said: Any, code: int | None) -> None:
    """In words, in brackets, in Meta's objects; other numbers are no codes."""
    assert code_in(said) == code


@given(
    st.recursive(st.none() | st.text() | st.integers(), lambda part: st.lists(part) | st.dictionaries(st.text(), part))
)
def test_nothing_that_is_said_is_an_error(said: Any) -> None:
    """Whatever a platform says, there is a code or none, and a reason for it."""
    assert reason_of(code_in(said)) in Reason
    assert verdict_in(said) is None or verdict_in(said) in VERDICTS.values()


def test_a_report_and_an_answer_mean_the_same() -> None:
    """Every code that is known has a verdict, and both tables name one reason for it."""
    assert {code: verdict.reason for code, verdict in VERDICTS.items()} == dict(REASONS)
    assert reason_of(999_999) is reason_of(None) is Reason.REJECTED
    assert verdict_in("(#999999)") is None


LATER, NEVER = RetryableError, PermanentError


@pytest.mark.parametrize(
    ("code", "error", "reason", "scope"),
    [
        (0, NEVER, "credentials_refused", "account"),
        (190, NEVER, "credentials_refused", "account"),
        (219, NEVER, "credentials_refused", "account"),
        (131000, LATER, "server_error", "delivery"),
        (133004, LATER, "unavailable", "delivery"),
        (130429, LATER, "rate_limited", "account"),
        (80007, LATER, "rate_limited", "account"),
        (131056, LATER, "pair_rate_limited", "recipient"),
        (131048, LATER, "spam_limit", "account"),
        (131057, LATER, "unavailable", "account"),
        (100, NEVER, "invalid_request", "delivery"),
        (130472, NEVER, "held_back", "delivery"),
        (130497, NEVER, "forbidden", "delivery"),
        (131031, NEVER, "forbidden", "account"),
        (368, NEVER, "forbidden", "account"),
        (131026, NEVER, "undeliverable", "delivery"),
        (133010, NEVER, "wrong_account", "account"),
        (131042, NEVER, "payment_problem", "account"),
        (131047, NEVER, "outside_window", "delivery"),
        (131049, LATER, "held_back", "delivery"),
        (131050, NEVER, "opted_out", "recipient"),
        (131053, LATER, "media", "delivery"),
        (132001, NEVER, "template", "delivery"),
        (132015, LATER, "template_stopped", "template"),
        (132016, NEVER, "template_stopped", "template"),
        (132069, LATER, "rate_limited", "delivery"),
        (135000, LATER, "server_error", "delivery"),
    ],
)
def test_what_follows_from_a_code(code: int, error: type[Exception], reason: str, scope: str) -> None:
    """Slow the number, wait for that person, stop the template, suppress the person, park the account."""
    verdict = VERDICTS[code]

    assert (verdict.error, verdict.reason, verdict.scope) == (error, Reason(reason), Scope(scope))


@pytest.mark.parametrize(
    ("code", "wait", "growth", "most"),
    [
        (131056, None, 4.0, None),
        (131057, 60.0, None, None),
        (131049, 86400.0, None, 2),
        (131048, 4 * 3600.0, None, None),
        (132015, 3 * 3600.0, None, None),
        (131052, None, None, 2),
        (135000, None, None, 2),
    ],
)
def test_how_long_a_code_wants_to_be_left_alone(
    code: int, wait: float | None, growth: float | None, most: int | None
) -> None:
    """Meta's own advice where there is one."""
    verdict = VERDICTS[code]

    assert (verdict.wait_seconds, verdict.growth, verdict.most_attempts) == (wait, growth, most)


@pytest.mark.parametrize(
    ("word", "state"),
    [("sent", "sent"), (" Delivered", "delivered"), ("undelivered", "failed"), ("played", None), (3, None), ("", None)],
)
def test_how_far_a_message_came(word: Any, state: str | None) -> None:
    """Our words in any case, the one other word that was seen, and nothing else."""
    assert state_of(word) == state
