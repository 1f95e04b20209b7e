"""The words by which subjects are found: one spelling finds another, and any text is a query that can be run."""

import pytest

from worker.search_words import MOST_CHARACTERS, MOST_WORDS, exact_query_of, phones_meant, query_of, words_of


def test_an_order_has_its_numbers_its_phone_and_its_names() -> None:
    """Each folded, each once; what is nothing is left out."""
    snapshot = {
        "order_id": "250804QWERTY", "customer_name": "Budi O'Santoso", "phone": "+628123456789",
        "phone_raw": "0812-3456-789", "shipment_receipt": "JX 12 34", "email": None, "id": 42, "name": ["x"],
    }  # fmt: skip

    assert words_of("order:250804QWERTY", snapshot) == sorted(
        ["250804qwerty", "order:250804qwerty", "budi", "o", "santoso", "628123456789", "08123456789", "jx1234", "42"]
    )


def test_words_are_few_and_short() -> None:
    """A megabyte of a name makes no megabyte of words, and nothing that cannot be stored."""
    found = words_of("order:x", {"customer_name": "\0" + "a " * 500_000, "name": "b" * 1_000_000, "id": "\ud800"})

    assert len(found) <= MOST_WORDS
    assert all(0 < len(word) <= MOST_CHARACTERS and "\0" not in word for word in found)


@pytest.mark.parametrize("text", ["0812-3456-789", "+62 812 3456 789", "628123456789", "812 3456 789"])
def test_any_spelling_of_a_phone_means_the_same(text: str) -> None:
    """As it is kept, whatever was typed."""
    assert "628123456789" in phones_meant(text, "ID")


def test_a_phone_that_is_not_yet_whole_is_understood() -> None:
    """Its beginning, with the country's code; a word, or few digits, are no phone."""
    assert "62812345" in phones_meant("0812345", "ID")
    assert phones_meant("0812", "ID") == phones_meant("JX12345", "ID") == []


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("#250804QWERTY", "('250804qwerty':*)"),
        ("Budi San", "('budi':* & 'san':*) | ('budisan':*)"),
        ("Al", "('al')"),
        ("王", "('王':*)"),
        ("it's", "('it' & 's') | ('it''s':*)"),
        ("  ", ""),
        ("'", ""),
    ],
)
def test_what_is_typed_becomes_a_query(text: str, query: str) -> None:
    """The whole as one id, or all its words; the beginnings of very short ones are not looked for."""
    assert query_of(text, "ID") == query


def test_what_is_meant_exactly_has_no_beginnings() -> None:
    """So that it can come first."""
    assert exact_query_of("Budi San", "ID") == "('budi' & 'san') | ('budisan')"
