"""Phone numbers: many spellings, one key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.phones import to_e164

# Every format that scalev.md 2.5 lists, from the document's own samples.
SPELLINGS = {
    "+628112345678": ("628112345678", "08112345678", "8112345678", "+62 811-2345-678", "6208112345678", 628112345678),
    "+628123456789": (
        "08123456789", "628123456789", "+62 812 3456 789", "+62-812-3456-789", "8123456789", "62 (0)812-3456-789",
        "+6208123456789", "00628123456789", " 0812 3456 789 ", "0812.3456.789",
    ),
    "+62812345678": ("62812345678", "0812345678", "620812345678"),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "expected"), [(raw, expected) for expected, some in SPELLINGS.items() for raw in some])
def test_every_spelling_of_a_number_is_the_same_key(raw: object, expected: str) -> None:
    """What vendors and buyers write for one person becomes one E.164 text."""
    assert to_e164(raw, "ID") == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("12025550143", "+12025550143"),
        ("+1 202-555-0143", "+12025550143"),
        ("6591234567", "+6591234567"),
        ("60123456789", "+60123456789"),
        ("447911123456", "+447911123456"),
        ("8801712345678", "+8801712345678"),
        ("0060123456789", "+60123456789"),
    ],
)
def test_a_foreign_number_keeps_its_own_country_code(raw: str, expected: str) -> None:
    """62 is never put before a number that begins with another country's code."""
    assert to_e164(raw, "ID") == expected


def test_the_country_says_how_a_local_number_is_read() -> None:
    """The same digits are another number in another shop."""
    assert to_e164("(202) 555-0143", "US") == "+12025550143"
    assert to_e164("021-5551234", "ID") == "+62215551234"


@pytest.mark.parametrize(
    "raw", [None, "", " ", "-", "abc", "0812", "628", True, 1.5, [], {}, "0812345678 / 0813456789", "9" * 5000]
)
def test_what_is_surely_no_number_is_none(raw: object) -> None:
    """Garbage gives None, never a guess and never an error."""
    assert to_e164(raw, "ID") is None


@given(st.one_of(st.text(), st.integers(), st.text(alphabet="0123456789+- ()", max_size=22)))
def test_a_key_is_its_own_key(raw: object) -> None:
    """Whatever comes in, the result is None or a text that reads as itself."""
    found = to_e164(raw, "ID")

    assert found is None or to_e164(found, "ID") == found
