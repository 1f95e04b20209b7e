"""Bodies as people may see them: laid out, masked, bounded, and nothing in them hides or turns."""

import json

import pytest

from console.records.bodies import MOST_BYTES, MOST_CHARACTERS, BodyKind, plain, shown_body, shown_query
from worker.ledger.texts import spellings

PERSON = {"name": "Bagas Prakoso", "phone": "+62 812-3456-7890", "note": "untuk Bagas Prakoso, 081234567890"}


@pytest.mark.parametrize(
    ("body", "content_type", "kind"),
    [
        (None, None, BodyKind.NONE),
        (b"", "application/json", BodyKind.NONE),
        (b'{"a": 1}', None, BodyKind.JSON),
        (b'\xef\xbb\xbf{"a": 1}', "text/plain", BodyKind.JSON),
        (b"a=1&b=2", "application/x-www-form-urlencoded; charset=utf-8", BodyKind.FORM),
        (b"a=1&b=2", "text/plain", BodyKind.OTHER),
        (b'{"name": "Bagas"', "application/json", BodyKind.OTHER),
        (b"\xff\xfe", "application/json", BodyKind.OTHER),
        (b"[" * 100_000, "application/json", BodyKind.OTHER),
        (b"[" * 5_000 + b"]" * 5_000, "application/json", BodyKind.OTHER),
        (b"x" * (MOST_BYTES + 1), "application/json", BodyKind.TOO_LARGE),
    ],
)
def test_what_a_body_turns_out_to_be(body: bytes | None, content_type: str | None, kind: BodyKind) -> None:
    """JSON whatever it is called, a form that says so; what is neither, or broken, shows nothing of itself."""
    shown = shown_body(body, content_type)

    assert shown.kind is kind
    assert shown.size == len(body or b"")
    assert bool(shown.text) is (kind in {BodyKind.JSON, BodyKind.FORM})


def test_persons_are_masked_wherever_they_stand() -> None:
    """Under their field, again in a text, in a form, and in JSON within a form."""
    inner = json.dumps(PERSON)
    shown = [
        shown_body(inner.encode(), None).text,
        shown_body(f"data={inner}&phone=081234567890".encode(), "application/x-www-form-urlencoded").text,
        shown_query("phone=081234567890&customer_name=Bagas+Prakoso&token=abc"),
    ]

    for text in shown:
        assert "Bagas" not in text
        assert "3456" not in text
        assert "abc" not in text


def test_a_body_is_bounded() -> None:
    """However much is in it: its beginning is shown, and that it goes on."""
    shown = shown_body(json.dumps([{"n": n} for n in range(20_000)]).encode(), None)

    assert len(shown.text) == MOST_CHARACTERS
    assert shown.is_cut


def test_what_cannot_be_seen_is_spelled_out() -> None:
    """Characters that turn, join or hide others are shown as their number; lines and letters of any script stay."""
    assert plain("a\u202eb\u2066\u200d\x00\x1b\r") == "a\\u202eb\\u2066\\u200d\\u0000\\u001b\\u000d"
    assert plain("Ünal 日本 عربى\n\tx") == "Ünal 日本 عربى\n\tx"


def test_a_text_is_looked_for_as_it_may_be_written() -> None:
    """In small, capital and title letters, escaped as JSON and as forms do."""
    assert {b"dewi", b"DEWI", b"Dewi"} <= set(spellings("dewi"))
    assert {"Ünal".encode(), b"\\u00dcnal", b"%C3%9Cnal"} <= set(spellings("Ünal"))
    assert {b"a b", b"a+b"} <= set(spellings("a b"))
    assert {b"http://x", b"http:\\/\\/x"} <= set(spellings("http://x"))
    assert spellings("\ud800")
