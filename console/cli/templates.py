"""`hookyard templates`: what the vendors' lists of templates say, and whether they can be had."""

from typing import Annotated, Any

import typer

from console.cli import completing, options
from console.cli.context import open_context
from console.cli.output import print_json, print_table
from worker.ledger import template_lists
from worker.ledger.template_lists import Kept

_COLUMNS = ("account", "shelf", "templates", "listed_at", "tried_at", "failures", "error")
_OF_ONE = ("key", "name", "language", "status", "variables", "wants_media", "buttons")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("templates")(templates)


def templates(
    account: Annotated[
        str | None,
        typer.Argument(metavar="[ACCOUNT]", help="Show each template of this one.", autocompletion=completing.accounts),
    ] = None,
    json_: options.Json = False,
) -> None:
    """Show the lists of templates that messages are judged by, and how it went when they were last asked for."""
    with open_context().ledger() as connection:
        found = [kept for kept in template_lists.read_all(connection) if account in {None, kept.account}]
    if account is None:
        columns, rows = _COLUMNS, [_shown(kept) for kept in found]
    else:
        columns, rows = _OF_ONE, [row for kept in found for row in _each(kept)]
    if json_:
        print_json(rows)
    else:
        print_table(columns, rows, "Nobody has asked for a list of templates yet.")


def _shown(kept: Kept) -> dict[str, Any]:
    own = {column: getattr(kept, column) for column in _COLUMNS if column != "templates"}
    return own | {"templates": len(kept.found.templates) if kept.found else None}


def _each(kept: Kept) -> list[dict[str, Any]]:
    templates = kept.found.templates if kept.found else ()
    return [{column: getattr(template, column) for column in _OF_ONE} for template in templates]
