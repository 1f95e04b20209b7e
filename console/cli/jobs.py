"""`hookyard jobs`: what is being done to many, or played in the background, how far it is, and the way to stop it."""

from typing import Annotated

import typer

from console.cli import options
from console.cli.backtests import print_backtest
from console.cli.context import open_context, wanted_id
from console.cli.many import print_job
from console.cli.output import CommandError, print_json, print_table, tell
from console.pressing import many
from worker.clock import system_clock
from worker.ledger import jobs as kept
from worker.states import JobKind, JobState

jobs = typer.Typer(help="What is done to many, or played in the background: list it, show one, stop it.")
JobId = Annotated[str, typer.Argument(metavar="JOB", help="The job's id.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(jobs, name="jobs")


@jobs.callback(invoke_without_command=True)
def alone(
    context: typer.Context,
    state: Annotated[JobState | None, typer.Option("--state", help="Only in this state.")] = None,
    limit: options.Limit = 20,
    json_: options.Json = False,
) -> None:
    """What is done to many: list it, show one, stop it. Alone it lists them, newest first."""
    if context.invoked_subcommand is not None:
        return
    with open_context().ledger() as connection:
        found = kept.newest(connection, limit, state)
    if json_:
        print_json([many.as_told(job) for job in found])
    else:
        rows = [many.as_told(job) | {"filter": " ".join(job.selection.told().values())} for job in found]
        columns = ("id", "begun_at", "kind", "filter", "state", "total", "done", "refused", "actor", "comment")
        print_table(columns, rows, "Nothing has been done to many yet.")


@jobs.command("show")
def show(job: JobId, json_: options.Json = False) -> None:
    """Show how far a job is, and what was refused and why; of a backtest, what came of it."""
    context = open_context()
    with context.ledger() as connection:
        found = kept.get(connection, wanted_id(job))
        if found is None:
            raise CommandError(f"there is no job {job}")
        refused = kept.refusals(connection, found.id, 10_000 if json_ else 20)
    if found.kind is JobKind.BACKTEST:
        print_backtest(context, found, json_=json_)
    else:
        print_job(found, refused, json_=json_)


@jobs.command("stop")
def stop(job: JobId, comment: options.Comment = "", json_: options.Json = False) -> None:
    """Stop a job: what it has done stays done, the rest stays as it is."""
    context = open_context()
    with context.ledger() as connection:
        stopped = context.people(connection, comment).stop_job(wanted_id(job))
    tell(many.as_told(stopped), f"job {stopped.id} {many.told(stopped, system_clock())}", json_=json_)
