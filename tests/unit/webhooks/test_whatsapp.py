"""What all sources of WhatsApp events read in one way."""

from typing import Any

import pytest

from webhooks.whatsapp import order_of_button, report


@pytest.mark.parametrize(
    ("button_id", "order_id"),
    [
        ("confirm:ORD-1", "ORD-1"),
        ("CANCEL:250804QWERTY", "250804QWERTY"),
        ("konfirmasi:INV/2026/7", "INV/2026/7"),
        ("order:#1001", None),
        ("slot:2", None),
        ("size:1001", None),
        ("confirm:yes", None),
        ("confirm:12", None),
        ("confirm:ORD-1:now", None),
        ("confirm", None),
        ("confirm:", None),
        ("confirm:" + "1" * 100, None),
        ("EXTERNAL_ECOMMERCE_CONFIRM_ORDER", None),
        ("", None),
        (None, None),
    ],
)
def test_the_order_that_a_button_of_our_own_names(button_id: str | None, order_id: str | None) -> None:
    """Only a word that speaks of orders, and what looks like an order's number: no guess."""
    assert order_of_button(button_id) == order_id


@pytest.mark.parametrize(
    ("word", "failed_reason", "expected"),
    [
        ("sent", None, ("sent", "sent", None, None)),
        ("Undelivered", "", ("failed", "Undelivered", None, "rejected")),
        ("sent", "(Error Code : 131026 )Undeliverable", ("failed", "sent", "131026", "undeliverable")),
        ("failed", [{"code": 131050}], ("failed", "failed", "131050", "opted_out")),
        ("failed", "no code", ("failed", "failed", None, "rejected")),
        ("odd", None, (None, "odd", None, None)),
        (None, None, (None, None, None, None)),
        ({"a": 1}, {"b": 2}, (None, None, None, None)),
    ],
)
def test_a_report_in_our_words(word: Any, failed_reason: Any, expected: tuple[str | None, ...]) -> None:
    """A code means failed, whatever the word; what failed has a reason."""
    found = report(word, failed_reason)

    assert tuple(found[name] for name in ("status", "status_raw", "error_code", "reason")) == expected
