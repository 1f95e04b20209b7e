"""What commands do to many at once: what a filter means is said first, and exactly that is pressed."""

from itertools import chain
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.integration.cli.test_commands import document, hookyard
from tests.support.many import EVERY_FILTER, Narrowed, lay_out, name_of, pressed, said
from tests.support.shop import Shop
from worker.states import JobKind

WHY = "vendor works again"


@pytest.fixture
def laid_out(shop: Shop, ledger: Engine) -> Shop:
    """A shop whose events and deliveries differ in everything, with nothing running."""
    lay_out(ledger)
    return shop


def as_options(given: dict[str, str]) -> list[str]:
    """Return a filter as it is typed."""
    return list(chain(*((f"--{name}", value) for name, value in given.items())))


@pytest.mark.parametrize(("kind", "narrowed"), EVERY_FILTER, ids=name_of)
def test_what_was_told_is_pressed(laid_out: Shop, kind: JobKind, narrowed: Narrowed) -> None:
    """The command says what the filter means and asks; answered with yes it presses those, and nothing else."""
    options = as_options(narrowed.given)

    done = hookyard(kind, *options, "--comment", WHY, environ=laid_out.environ, typed="y\n")

    assert done.returncode == 0, done.stderr
    assert said(kind, narrowed) in done.stdout
    assert f"done: {len(narrowed.whom)} " in done.stdout
    assert pressed(laid_out, kind) == list(narrowed.whom)


def test_whoever_says_no_has_done_nothing(laid_out: Shop) -> None:
    """The preview, the question, and nothing pressed; no job stays behind."""
    done = hookyard("retry", "--text", "citra", "--comment", WHY, environ=laid_out.environ, typed="n\n")

    assert done.returncode == 1
    assert "1 delivery would be retried" in done.stdout
    assert (document(laid_out, "jobs"), pressed(laid_out, JobKind.RETRY)) == ([], [])


def test_a_preview_is_one_document(laid_out: Shop) -> None:
    """How many, how many messages, those alike together, and that everything was looked through for the text."""
    found: dict[str, Any] = document(laid_out, "retry", "--text", "lives here", "--account", "wa", "--dry-run")

    assert (found["total"], found["messages"], found["looked_to"]) == (2, 2, None)
    assert [(one["reason"], one["count"], one["message"]) for one in found["groups"]] == [
        ("exhausted", 1, True),
        ("template", 1, True),
    ]


def test_an_empty_text_is_refused(laid_out: Shop) -> None:
    """It stands in everything: a script whose variable was empty does not press all."""
    done = hookyard("retry", "--text", "", "--account", "wa", "--yes", "--comment", WHY, environ=laid_out.environ)

    assert done.returncode == 1
    assert "an empty text" in done.stderr
    assert pressed(laid_out, JobKind.RETRY) == []


def test_a_text_that_was_looked_for_is_kept_masked(laid_out: Shop) -> None:
    """Whoever looks for a text looks for a person: the list of jobs and the audit tell only its edge."""
    document(laid_out, "retry", "--text", "citra", "--comment", WHY)

    told = [hookyard(command, environ=laid_out.environ).stdout for command in ("jobs", "audit")]

    assert all("citra" not in one for one in told)
    assert document(laid_out, "jobs")[0]["selection"]["text"] == "c…"
