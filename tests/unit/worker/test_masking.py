"""What is known to be personal or secret never survives masking, wherever it stands and however it is spelled."""

import json
import re
from datetime import date
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.ledger.storable import MOST_DEPTH, storable
from worker.masking import MOST_CHARACTERS, mask, mask_message

WORDS = st.text("abcdefghijklmnoprstuvwyzABCDEFéñ", min_size=3, max_size=12)
NAMES = st.builds(" ".join, st.lists(WORDS, min_size=1, max_size=3))
PHONES = st.from_regex(r"\+?628[1-9][0-9]{8,10}", fullmatch=True)
SECRETS = st.text("abcdefghijklmnopqrstuvwxyz0123456789|/+ =", min_size=8, max_size=40).filter(str.strip)
NOISE = st.text(max_size=10)

PERSONAL_FIELDS = (
    "apiToken", "api_key", "Authorization", "X-Proton-Signature", "secret_slug", "public_order_url", "password",
    "phone", "chat_id", "wa_id", "subscriber_id", "name", "customer_name", "first_name", "email", "address",
    "street_address", "notes",
    "payment_account_number", "payment_account_holder", "office_phone_number",
)  # fmt: skip


def nested(leaf: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Give JSON-like values with such texts somewhere in them, as keys too."""
    leaves = leaf | st.integers() | st.none() | st.booleans() | st.floats()
    return st.recursive(
        leaves, lambda parts: st.lists(parts, max_size=3) | st.dictionaries(leaf, parts, max_size=3), max_leaves=8
    )


@given(st.data(), PHONES, NAMES, SECRETS)
def test_nothing_known_survives(data: st.DataObject, phone: str, name: str, secret: str) -> None:
    """A phone, a name and a secret, between other text, in any place of any value, also as a key."""
    known = st.sampled_from([phone, name, secret, quote(secret, safe=""), name.upper()])
    value = data.draw(nested(st.builds(lambda a, b, c: f"{a} {b} {c}", NOISE, known, NOISE)))

    # The words that JSON itself has are nobody's name.
    masked = json.dumps(mask(value, [phone, name], [secret]), ensure_ascii=False)
    shown = re.sub(r"\b(true|false|null|NaN|Infinity)\b", "", masked)

    assert phone.lstrip("+") not in shown
    assert name.lower() not in shown.lower()
    assert secret not in shown


@pytest.mark.parametrize(
    "spelling",
    [
        "+628123456789",
        "628123456789",
        "08123456789",
        "0812-3456-789",
        "+62 812 3456 789",
        "(0812) 3456.789",
        "8123456789",
    ],
)
@pytest.mark.parametrize("known", ["+628123456789", "08123456789", "0812-3456-789"])
def test_every_spelling_of_a_known_phone_is_masked(spelling: str, known: str) -> None:
    """A vendor may repeat a number in another form than it was sent in."""
    shown = mask({"message": f"no subscriber {spelling}, sorry", "n": 628123456789}, [known])

    assert "3456" not in json.dumps(shown)
    assert "sorry" in shown["message"]


@pytest.mark.parametrize("name", ["Li", "A"])
def test_a_short_name_is_masked_as_a_word(name: str) -> None:
    """Two letters are a name too, but not within another word."""
    assert mask([name, f"for {name}!", f"{name}braries"], [name])[1:] != [f"for {name}!", f"{name}braries"]
    assert mask([f"{name}braries"], [name]) == [f"{name}braries"]


@pytest.mark.parametrize("field", PERSONAL_FIELDS)
def test_fields_that_are_personal_by_name(field: str) -> None:
    """Their values are masked though nobody told that they are personal, nested ones too."""
    assert "Pak Budi 77" not in json.dumps(mask({field: "Pak Budi 77", "in": [{field: ["Pak Budi 77"]}]}))


@pytest.mark.parametrize(
    "harmless",
    [
        {"phone_number_id": "100000000000001", "template_id": "257000", "order_id": "250804QWERTY", "status": "1"},
        {"last_updated_at": "2025-08-04T03:10:08Z", "gross_revenue": "168724.00", "n": 3, "ok": True, "none": None},
        {"message": "Message template not found.", "wa_message_id": "wamid.HRgLMTIwMjU1NTAxNDMVAgARGBQ"},
    ],
)
def test_what_shows_a_mistake_stays(harmless: dict[str, Any]) -> None:
    """Ids, statuses, times, amounts and the vendor's words are what an operator looks for."""
    assert mask(harmless, ["+628123456789", "Budi Contoh"], ["sk_test"]) == harmless


def test_messages_lose_numbers_and_addresses() -> None:
    """An error text has neither a phone number nor an e-mail address left in it."""
    shown = mask_message("Subscriber +62 812-3456-789 (budi.contoh@example.com) not found (#132000)")

    assert "3456" not in shown
    assert "budi" not in shown
    assert "(#132000)" in shown


@pytest.mark.timeout(20)
@pytest.mark.parametrize("unit", ["x", "1", "a.b-", "@", "6281", "+62 "])
def test_a_megabyte_is_cut_and_takes_no_time(unit: str) -> None:
    """A page of anything is not kept whole, and no pattern crawls over it."""
    text = unit * (1_000_000 // len(unit))

    assert len(mask(text, ["+628123456789", "Budi Contoh"], ["secret"])) < MOST_CHARACTERS + 50


@given(nested(st.text()))
def test_what_is_masked_can_be_stored(value: Any) -> None:
    """No NUL, no lone surrogate, no NaN: whatever comes in, PostgreSQL takes what comes out."""
    written = json.dumps(mask(value), allow_nan=False, ensure_ascii=False)

    assert "\\u0000" not in written
    assert written.encode()


def test_bottomless_nesting_has_a_bottom() -> None:
    """What is nested deeper than anybody reads is cut off, without an error."""
    deep: Any = []
    for _ in range(5_000):
        deep = [deep]

    assert len(json.dumps(storable(deep))) < 2 * MOST_DEPTH + 100


def test_what_json_does_not_know_is_shown_as_text() -> None:
    """A time or a set in a request is no reason to lose the record of it."""
    assert mask({"at": date(2026, 1, 15)}) == {"at": "2026-01-15"}
