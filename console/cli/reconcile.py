"""`hookyard reconcile`: ask the vendors whether any webhook was missed, and make up for it."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console

from console.cli import options
from console.cli.context import open_context, since_moment
from console.cli.output import CommandError, print_json, say
from tasks.actions.http import Connections
from tasks.actions.registry import ACTIONS
from tasks.reconciling.reconciler import Reconciler, Summary
from worker.clock import system_clock


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("reconcile")(reconcile)


def reconcile(
    account: options.Account = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Not since the last time, but since then: 7d, 2h.")
    ] = None,
    json_: options.Json = False,
) -> None:
    """Ask the vendors for orders and message states that no webhook told of; each becomes an event marked so."""
    context = open_context()
    with context.ledger():
        pass  # says clearly when the ledger cannot be reached
    seconds = context.settings.vendor_timeout_seconds
    connections = Connections(context.config.accounts, seconds, 2, system_clock)
    reconciler = Reconciler(
        engine=context.engine, settings=context.settings, config=context.config, actions=ACTIONS,
        open_session=connections.open, clock=system_clock, wake=context.wakeups.events,
    )  # fmt: skip
    if account is not None and account not in reconciler.accounts():
        raise CommandError(f'"{account}" cannot be reconciled (there are {", ".join(reconciler.accounts())})')
    begin = since_moment(since)
    names = [account] if account else reconciler.accounts()
    with Console(stderr=True).status("asking") as status:
        summaries = [reconciler.run(name, begin, lambda one: status.update(_told(one))) for name in names]
    connections.close()
    if json_:
        print_json([asdict(one) for one in summaries])
    else:
        for one in summaries:
            say(_told(one))
    if any(one.error for one in summaries):
        raise typer.Exit(1)


def _told(one: Summary) -> str:
    what = f"{one.account}: {one.missed} missed, {one.repaired} repaired, {one.looked_at} looked at"
    return f"{what}; {one.error}" if one.error else what
