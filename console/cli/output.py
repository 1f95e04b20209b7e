"""How commands speak: tables and words for people, one JSON document with --json.

Invariant: with --json nothing but that document goes to stdout; errors always go to stderr.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.faults import OperatorError

_MOST_COLUMNS = 400
_STYLES = {
    "succeeded": "green", "processed": "green", "dead": "red", "failed": "red", "unknown": "magenta",
    "retrying": "yellow", "waiting": "yellow", "suppressed": "dim", "cancelled": "dim",
}  # fmt: skip


class CommandError(OperatorError):
    """A command was refused or failed; the text is for the person who gave it."""


def say(text: str) -> None:
    """Print a line for people."""
    Console(highlight=False, soft_wrap=True).print(Text(text))


def print_json(document: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(document, default=plain, ensure_ascii=False, indent=2))


def tell(document: Any, text: str, *, json_: bool) -> None:
    """Say what was done: one document with --json, a line for people otherwise."""
    if json_:
        print_json(document)
    else:
        say(text)


def print_table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], empty: str) -> None:
    """Print rows as a table, or say that there are none."""
    if not rows:
        say(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), no_wrap=True)
    for row in rows:
        table.add_row(*(_cell(column, row.get(column)) for column in columns))
    # As wide as its content: a terminal wraps long lines by itself, and a pipe gets one line a row.
    Console(highlight=False, width=_MOST_COLUMNS).print(table, crop=False)


def shown(value: Any) -> str:
    """Return a value as a person reads it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=plain)
    return str(value)


def _cell(column: str, value: Any) -> Text:
    text = shown(value)
    printable = "".join(character if character.isprintable() else "\ufffd" for character in text)
    return Text(printable, style=_STYLES.get(text, "") if column == "state" else "")


def plain(value: Any) -> Any:
    """Return what JSON has no word for as text."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)
