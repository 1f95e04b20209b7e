"""`hookyard pause` and `resume`: let what goes to an account, or what a rule plans, wait for a while."""

from typing import Annotated

import typer

from console.cli import completing, options
from console.cli.context import open_context
from console.cli.output import tell
from console.pressing import pausing
from worker.states import PauseKind

Kind = Annotated[PauseKind, typer.Argument(metavar="account|rule", help="What is meant: an account, or a rule.")]
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Its name, like wa.", autocompletion=completing.can_be_paused)
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("pause")(pause)
    app.command("resume")(resume)


def pause(kind: Kind, name: Name, comment: options.Comment = "", json_: options.Json = False) -> None:
    """Let all that goes to an account, or that a rule plans, wait until it is resumed; events are still taken in."""
    context = open_context()
    with context.ledger() as connection:
        begun = pausing.pause(context.people(connection, comment), context.config, kind, name)
    text = f"{kind} {name} is paused; what is being sent right now still is. To go on: hookyard resume {kind} {name}"
    tell(vars(begun) | {"state": "paused"}, text, json_=json_)


def resume(kind: Kind, name: Name, comment: options.Comment = "", json_: options.Json = False) -> None:
    """Let what waited for a paused account or rule go on; each delivery is judged anew before it leaves."""
    context = open_context()
    with context.ledger() as connection:
        count = context.people(connection, comment).resume(kind, name)
    document = {"kind": kind, "name": name, "state": "resumed", "came_due": count}
    tell(document, f"{kind} {name} goes on; {count} deliveries come due now", json_=json_)
