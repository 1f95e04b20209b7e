"""One press for many: `hookyard retry`, `cancel` and `replay` with a filter instead of an id.

Invariant: whoever presses is told first how many it is and how many messages to people that means.
"""

from dataclasses import asdict, dataclass
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from console.cli.context import Context, since_moment
from console.cli.options import SEARCH_SECONDS
from console.cli.output import CommandError, print_json, print_table, say, shown
from console.pressing import many
from console.pressing.many import Preview
from worker.clock import system_clock
from worker.ids import new_id
from worker.jobs import Runner
from worker.ledger import jobs
from worker.ledger.jobs import Job
from worker.ledger.selecting import Selection
from worker.states import JobKind, JobState

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask first.")]
_SHOWN_REFUSALS = 20
_TURN_SECONDS = 0.3
_FURTHER = "Narrow it by account, type or state to look further, or go on with --until."


def selection(**given: Any) -> Selection | None:
    """Return the filter that was typed; None when there is none."""
    for name in ("since", "until"):
        given[name] = since_moment(given.get(name))
    found = Selection(**given)
    return found if found.is_narrow or found.state else None


@dataclass(frozen=True)
class How:
    """What was said beside the filter."""

    comment: str
    dry_run: bool
    yes: bool
    json_: bool


def press(context: Context, kind: JobKind, chosen: Selection, how: How) -> None:
    """Say what it means, ask, do it, and show how far it is; Ctrl-C leaves the rest to the workers."""
    with context.ledger() as connection:
        found = many.preview(connection, kind, chosen, SEARCH_SECONDS)
    if how.dry_run or not found.total:
        _print_preview(found, json_=how.json_)
        return
    if not how.comment.strip():
        raise CommandError("say why with --comment: what is done to many is written down with its reason")
    if not how.json_ and not how.yes:
        _print_preview(found, json_=False)
        typer.confirm("Do it?", abort=True)
    with context.ledger() as connection:
        job = context.people(connection, how.comment).begin_job(new_id(), kind, found.found.selection, found.found.told)
    if not how.json_ and (said := many.fewer(job, found.found.told)):
        say(said)
    _print_end(context, _followed(context, job, quiet=how.json_), json_=how.json_)


def _followed(context: Context, job: Job, *, quiet: bool) -> Job:
    """Run the job here as a worker would, so that it ends also when none is running."""
    runner = Runner(context.engine, context.settings.rewake_seconds, system_clock, context.wakeups)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, transient=True, disable=quiet or job.total < _SHOWN_REFUSALS) as progress:
        bar = progress.add_task(many.DONE_WORDS[job.kind], total=job.total)
        try:
            while job.state is JobState.RUNNING:
                job = runner.run(job.id, _TURN_SECONDS) or job
                progress.update(bar, completed=job.done + job.refused)
        except KeyboardInterrupt:
            context.wakeups.jobs([job.id])
            text = f"workers go on with it in the background: hookyard jobs show {job.id}, hookyard jobs stop {job.id}"
            raise CommandError(text) from None
    return job


def _print_preview(found: Preview, *, json_: bool) -> None:
    groups = [asdict(group) | {"message": many.is_message(group.type)} for group in found.found.groups]
    if json_:
        looked_to = found.found.looked_to
        print_json({"total": found.total, "messages": found.messages, "groups": groups, "looked_to": looked_to})
        return
    if groups:
        print_table(("count", "account", "type", "state", "reason"), groups, "")
    say(found.said)
    if found.found.looked_to:
        say(f"The text was looked for back to {shown(found.found.looked_to)}; what is older is not meant. {_FURTHER}")


def _print_end(context: Context, job: Job, *, json_: bool) -> None:
    with context.ledger() as connection:
        refused = jobs.refusals(connection, job.id, 10_000 if json_ else _SHOWN_REFUSALS)
    print_job(job, refused, json_=json_)


def print_job(job: Job, refused: list[tuple[UUID, str]], *, json_: bool) -> None:
    """Print how far a job is, and what was refused."""
    if json_:
        print_json(many.as_told(job) | {"refusals": {str(target): said for target, said in refused}})
        return
    say(f"job {job.id} {job.state}: {many.told(job, system_clock())}")
    for why, count in sorted(job.reasons.items()):
        say(f"  {count:,} refused: {why}")
    for _, said in refused:
        say(f"    {said}")
    if job.refused > len(refused):
        say(f"    … and {job.refused - len(refused):,} more")
