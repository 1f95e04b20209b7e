"""`hookyard db`: the ledger's tables."""

import typer

from console.cli import options
from console.cli.context import open_context
from console.cli.output import print_json, say
from worker.ledger.migrating import migrate

database = typer.Typer(help="The ledger's tables.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(database, name="db")


@database.callback()
def group() -> None:
    """Keep `db` a group though it has one command."""


@database.command("migrate")
def migrate_tables(json_: options.Json = False) -> None:
    """Bring the ledger's tables up to date; harmless when they are."""
    context = open_context()
    with context.ledger():
        pass  # says clearly when the ledger cannot be reached
    applied = migrate(context.engine)
    if json_:
        print_json({"applied": applied})
    else:
        say("\n".join(f"applied {revision}" for revision in applied) or "the ledger is up to date")
