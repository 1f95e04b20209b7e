"""Strict JSON, forms and fields: what is accepted can be stored, what is not is refused in one way."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from webhooks import fields
from webhooks.forms import is_form, parse_form, parse_query
from webhooks.strict_json import JsonError, parse_json

REFUSED = {
    "empty": b"",
    "blank": b" \n",
    "a word": b"hello",
    "an HTML page": b"<html></html>",
    "cut short": b'{"a": [1, 2',
    "two values": b"{} {}",
    "trailing comma": b'{"a": 1,}',
    "single quotes": b"{'a': 1}",
    "comment": b"{} // no",
    "raw control character": b'{"a": "\x00"}',
    "bad escape": rb'{"a": "\x41"}',
    "NaN": b'{"a": NaN}',
    "Infinity": b"[Infinity]",
    "-Infinity": b"[-Infinity]",
    "the same key twice": b'{"a": 1, "a": 1}',
    "the same key twice, escaped": rb'{"a": 1, "\u0061": 2}',
    "the same key twice, inside": b'[{"b": {"a": 1, "a": 2}}]',
    "1e5 levels of lists": b"[" * 100_000 + b"]" * 100_000,
    "1e5 levels of objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "65 levels": b"[" * 65 + b"]" * 65,
    "a number of 401 digits": b"1" * 401,
    "a number of 1e5 digits": b"1" * 100_000,
    "a fraction of 1e5 digits": b"0." + b"1" * 100_000,
    "an exponent of 500": b"1e500",
    "an exponent of -500": b"1e-500",
    "an exponent of 21 digits": b"1e999999999999999999999",
    "a negative one of 21 digits": b"[0e-999999999999999999999]",
    "BOM": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "UTF-32": '{"a": 1}'.encode("utf-32"),
    "Latin-1": '{"a": "é"}'.encode("latin-1"),
    "a surrogate in UTF-8": b'{"a": "\xed\xa0\x80"}',
    "an overlong encoding": b'{"a": "\xc0\x80"}',
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_not_strict_json_is_refused_without_quoting_it(body: bytes) -> None:
    """One error for all of it, with words that are safe to send back."""
    with pytest.raises(JsonError, match="the body") as raised:
        parse_json(body, 64)

    assert len(str(raised.value)) < 100


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"{}", {}),
        (b"null", None),
        (b' [1, -0, 2e3, 1.50, "\\u00e9"] ', [1, 0, Decimal("2E+3"), Decimal("1.50"), "é"]),
        (rb'{"a\u0000b": "\u0000", "c": "\ud800", "d": "\uD83D\uDE00"}', {"a\ufffdb": "\ufffd", "c": "?", "d": "😀"}),
        (b"[" * 64 + b"]" * 64, json.loads("[" * 64 + "]" * 64)),
        (b"1" * 400, int("1" * 400)),
    ],
)
def test_json_is_read_without_losing_digits(body: bytes, value: object) -> None:
    """Fractions are Decimal; what no database stores is replaced; up to the limit nothing is refused."""
    assert parse_json(body, 64) == value


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda part: st.lists(part, max_size=4) | st.dictionaries(st.text(), part, max_size=4),
    max_leaves=12,
)


@given(st.binary() | st.text(alphabet='{}[]",:0123456789eE.-+\\ud8tfn ').map(str.encode))
@settings(max_examples=500)
def test_any_bytes_are_a_value_or_a_jsonerror(body: bytes) -> None:
    """Nothing else is ever raised, for JSON and for forms."""
    for parse in (lambda: parse_json(body, 64), lambda: parse_form(body)):
        try:
            json.dumps(fields.jsonable(parse()))
        except JsonError:
            continue
    parse_query(body.decode("latin-1"))


@given(JSON)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_parses_can_be_stored_as_jsonb(ledger: Engine, value: Any) -> None:
    """A value that was accepted never fails at the ledger."""
    with ledger.connect() as connection:
        for ascii_only in (True, False):
            body = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace")
            try:
                kept = json.dumps(fields.jsonable(parse_json(body, 64)))
            except JsonError:
                continue  # a float like 1e308 is out of range, two keys may have become one
            assert connection.scalar(text("SELECT CAST(:it AS jsonb) IS NOT NULL"), {"it": kept})


def test_a_form_is_a_flat_object_that_can_be_stored() -> None:
    """Forms come from Wabotick; the last of several values counts, NUL and bad escapes become U+FFFD."""
    assert parse_form(b"a=1&b=x+y&c=&a=2&d=%00&e=%ff") == {"a": "2", "b": "x y", "c": "", "d": "\ufffd", "e": "\ufffd"}
    assert parse_query("order_id=a%00b") == {"order_id": "a\ufffdb"}
    assert parse_query("a=\xff") == {}
    for body in (b"\xff", b"&".join(b"a=1" for _ in range(201))):
        with pytest.raises(JsonError):
            parse_form(body)


@pytest.mark.parametrize(
    ("content_type", "form"),
    [
        ("application/x-www-form-urlencoded", True),
        ("Application/X-WWW-Form-Urlencoded; charset=utf-8", True),
        ("application/json", False),
        ("", False),
        (None, False),
    ],
)
def test_the_content_type_says_whether_it_is_a_form(content_type: str | None, *, form: bool) -> None:
    """Parameters and case of a Content-Type do not count."""
    assert is_form(content_type) is form


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-15T10:05:00Z", "2026-01-15T10:05:00+00:00"),
        ("2026-01-15 10:05:00", "2026-01-15T10:05:00+00:00"),
        ("2026-01-15T17:05:00.5+07:00", "2026-01-15T10:05:00.500000+00:00"),
        (1768471500, "2026-01-15T10:05:00+00:00"),
        ("1768471500", "2026-01-15T10:05:00+00:00"),
        (1768471500000, "2026-01-15T10:05:00+00:00"),
        (Decimal("1768471500.0"), "2026-01-15T10:05:00+00:00"),
        *(
            (value, None)
            for value in (None, "", "soon", True, [], {}, 0, -1, "0001-01-01T00:00:00+14:00", "9999-12-31")
        ),
        *((value, None) for value in (10**400, "9" * 400, "²", "2026-02-30", Decimal("1e400"), "2026-01-15T10:05:60Z")),
    ],
)
def test_a_moment_is_aware_utc_or_nothing(value: object, expected: str | None) -> None:
    """ISO 8601 with and without zone, epoch seconds and milliseconds; years that no shop means are nothing."""
    found = fields.moment(value)

    assert (found and found.isoformat()) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("168724.00", "168724.00"),
        ("200000", "200000"),
        (Decimal("2.0e4"), "20000"),
        ("2.0e4", "20000"),
        (168724.5, "168724.5"),
        (200000, "200000"),
        ("1,234,567.00", "1234567.00"),
        *(
            (value, None)
            for value in (None, "", "free", True, [], "NaN", "Infinity", float("nan"), "1e99", float("inf"))
        ),
    ],
)
def test_money_is_decimal_text_from_any_of_the_vendors_types(value: object, expected: str | None) -> None:
    """Strings, integers, floats, exponents and thousands separators, as scalev.md 2.5 lists them."""
    assert fields.money(value) == expected


@given(JSON)
def test_fields_of_anything_are_of_the_promised_type_or_none(value: Any) -> None:
    """Reading never raises, whatever stands where a field is expected."""
    assert isinstance(fields.key_text(value), str | None)
    assert isinstance(fields.event_name(value), str | None)
    assert isinstance(fields.money(value), str | None)
    assert fields.moment(value) is None or fields.moment(value).tzinfo is not None
    fields.first(value, ("a.b", "c"))
    fields.first_key(value, ("a.b", "c"))
    fields.first_object(value, ("a.b", "c"))
