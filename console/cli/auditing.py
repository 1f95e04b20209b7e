"""`hookyard audit`: what people did, who, when, to what and why."""

from typing import Annotated

import typer

from console.cli import options
from console.cli.context import open_context, since_moment, wanted_id
from console.cli.output import print_json, print_table
from worker.ledger.audits import Wanted, entries
from worker.states import Press


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("audit")(audit)


def audit(
    actor: Annotated[str | None, typer.Option("--actor", help="Only what this person did.")] = None,
    action: Annotated[Press | None, typer.Option("--action", help="Only this, like retry or pause.")] = None,
    target: Annotated[str | None, typer.Option("--target", help="Only to this: an id, or account/wa.")] = None,
    since: options.Since = None,
    until: options.Until = None,
    before: options.Before = None,
    limit: options.Limit = 50,
    json_: options.Json = False,
) -> None:
    """List what people did, newest first: who, when, what, to what, why."""
    page = wanted_id(before) if before else None
    wanted = Wanted(actor, action, target, since_moment(since), since_moment(until), page, limit)
    with open_context().ledger() as connection:
        found = [dict(row._mapping) for row in entries(connection, wanted)]
    if json_:
        print_json(found)
        return
    rows = [row | {"why": row["details"].pop("comment", "")} for row in found]
    print_table(("at", "actor", "action", "target", "why", "details"), rows, "Nobody has done anything that matches.")
