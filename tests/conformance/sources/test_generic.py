"""A sender without code of its own: what its account's expressions make of a body."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from config.accounts import GenericAccount
from tests.conformance.sources.vendors.generic import CASE
from webhooks.inbound import Inbound
from webhooks.source import Identity
from webhooks.sources.generic.source import SOURCE
from webhooks.verification import Match
from worker.reading import Stored, Understanding, UnreadableError
from worker.states import Handling

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
BODY = {"event": "invoice.paid", "id": 7, "at": "2026-03-05T11:00:00+07:00", "invoice": {"number": 97, "amount": 1.50}}


def account(**event: Any) -> GenericAccount:
    """Return an account whose events are read as the conformance suite's, with some expressions changed."""
    given = {"vendor": "generic", **CASE.account, "event": {**CASE.account["event"], **event}}
    return GenericAccount.model_validate(given | {"kept_headers": ["X-Event"]})


def both(
    body: Any, of: GenericAccount | None = None, headers: dict[str, str] | None = None, query: str = ""
) -> tuple[Identity, Understanding]:
    """Return what is stored of a body, and what is read of it later."""
    of, headers, raw = of or account(), headers or {}, json.dumps(body).encode()
    inbound = Inbound("any", raw, {name: (value,) for name, value in headers.items()}, query, None, None, NOW)
    [identity] = SOURCE.identify(inbound, body, Match(0), of)
    stored = Stored("any", identity.type, raw, "application/json", query, headers, None, NOW)
    return identity, SOURCE.read(stored, of, "ID")


def test_every_expression_says_its_part() -> None:
    """Name, identity, time, subject and data come from where the account says."""
    identity, what = both(BODY)

    assert (identity.type, identity.handling, identity.dedupe_key) == (
        "generic.invoice.paid", Handling.HANDLED, "generic.invoice.paid:7",
    )  # fmt: skip
    assert identity.occurred_at == what.occurred_at == datetime(2026, 3, 5, 4, 0, tzinfo=UTC)
    assert (what.subject, what.data) == ("invoice:97", {"number": 97, "amount": "1.5"})


def test_what_is_not_said_has_a_default() -> None:
    """The whole body identifies an event and is its data; it happened when it came; it is about nothing."""
    identity, what = both(BODY, account(id=None, time=None, subject=None, data=None))

    assert identity.dedupe_key.startswith("sha256:")
    assert (identity.occurred_at, what.occurred_at) == (None, NOW)
    assert (what.subject, what.data["event"]) == (None, "invoice.paid")


@pytest.mark.parametrize("body", [{}, [], None, {"event": None}, {"event": "Not a name"}, {"event": ["invoice.paid"]}])
def test_a_body_without_a_name_is_unknown(body: Any) -> None:
    """It is stored all the same, and nothing follows."""
    identity, what = both(body)

    assert identity.type == what.type == "generic.unrecognized"
    assert identity.handling is what.handling is Handling.UNKNOWN
    assert what.subject is None


def test_a_name_that_the_account_does_not_list_is_unknown() -> None:
    """Rules can only name what is listed; the rest is kept under its own name."""
    identity, what = both(BODY | {"event": "invoice.voided"})

    assert identity.type == what.type == "generic.invoice.voided"
    assert what.handling is Handling.UNKNOWN


def test_a_missing_part_is_no_fault() -> None:
    """An expression without a value leaves its part out, and the event stands."""
    identity, what = both({"event": "invoice.paid"})

    assert identity.handling is Handling.HANDLED
    assert identity.dedupe_key.startswith("sha256:")
    assert (what.subject, what.occurred_at) == (None, NOW)


def test_a_header_and_the_query_may_name_the_event() -> None:
    """Headers that the account keeps can be asked for by their name in lower case."""
    by_header = account(type='{{ headers["x-event"] }}', id="{{ query.id }}")

    identity, what = both({}, by_header, {"x-event": "invoice.paid"}, "id=9")

    assert identity.type == what.type == "generic.invoice.paid"
    assert identity.dedupe_key == "generic.invoice.paid:9"


def test_what_is_neither_json_nor_a_form_is_unreadable() -> None:
    """A stored body that cannot be parsed says so."""
    with pytest.raises(UnreadableError):
        SOURCE.read(Stored("any", "generic.x", b"<xml/>", "text/xml", None, {}, None, NOW), account(), "ID")
