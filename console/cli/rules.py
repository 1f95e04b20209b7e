"""`hookyard rules`: try rules before they are used, and ask why they did what they did.

Invariant: nothing is sent, and nothing is written but the job of a backtest in the background.
"""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, text

from console.cli import options, rules_in_use
from console.cli.backtests import begin_in_background, print_report
from console.cli.context import open_context, since_moment, wanted_id
from console.cli.output import CommandError, print_json, say, shown
from console.cli.rules_explained import said
from console.cli.rules_in_use import Rules
from tasks.trying.backtest import Backtest
from tasks.trying.examples import Tried, try_rules
from tasks.trying.explaining import Explainer, NoSuchEventError
from worker.clock import system_clock

rules = typer.Typer(
    help="What rules there are and how they are used; try them, ask why they did what they did.", no_args_is_help=True
)
rules.command("list")(rules_in_use.list_)
rules.command("show")(rules_in_use.show)
rules.command("try")(rules_in_use.try_)


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(rules, name="rules")


@rules.command("explain")
def explain(
    id_: Annotated[str, typer.Argument(metavar="EVENT", help="The id of an event, a fact or a delivery.")],
    rules_folder: Rules = None,
    json_: options.Json = False,
) -> None:
    """Tell of every rule why it follows from an event, or why not, and what it would send now."""
    context = open_context()
    config = context.config_with(rules_folder)
    with context.ledger() as connection:
        _only_look(connection)
        try:
            found = Explainer(connection, config, system_clock()).explain(wanted_id(id_))
        except NoSuchEventError as error:
            raise CommandError(str(error)) from None
    if json_:
        print_json(found)
        return
    for line in said(found):
        say(line)


@rules.command("test")
def try_out(rules_folder: Rules = None, json_: options.Json = False) -> None:
    """Try each rule with the vendors' example events; fails when an expression works with none of them."""
    tried = try_rules(open_context().config_with(rules_folder))
    faults = [fault for one in tried for fault in one.faults]
    if json_:
        document = {
            "ok": not faults,
            "faults": [asdict(fault) for fault in faults],
            "rules": [_as_document(one) for one in tried],
        }
        print_json(document)
    else:
        for one in tried:
            for line in _told(one):
                say(line)
        for fault in faults:
            say(f"{fault}")
        many = "no fault" if not faults else "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        say(f"{len(tried)} rules, {sum(not one.is_reached for one in tried)} of them without a fitting example, {many}")
    if faults:
        raise typer.Exit(1)


@rules.command("backtest")
def backtest(
    since: Annotated[str, typer.Option("--since", help="The events since then: 7d, 2h, 30m, or an ISO time.")] = "7d",
    rules_folder: Rules = None,
    background: Annotated[
        bool,
        typer.Option("--background", help="Let a worker play it, as a job: `hookyard jobs show` tells the result."),
    ] = False,
    json_: options.Json = False,
) -> None:
    """Play the recorded events through rules: what would be sent, beside what really was. Sends nothing."""
    context = open_context()
    if background:
        if rules_folder:
            raise CommandError("workers play the rules that are configured: leave out --rules or --background")
        begin_in_background(context, since_moment(since) or system_clock(), json_=json_)
        return
    config = context.config_with(rules_folder)
    now = system_clock()
    with context.ledger() as connection:
        _only_look(connection)
        found = Backtest(connection, config, since_moment(since) or now, now).run(_progress)
    if json_:
        print_json(found)
        return
    print_report(found)


def _progress(done: int, total: int, seconds: float) -> None:
    """Tell how far it is: in one line that changes on a terminal, now and then elsewhere."""
    rate = f"{done / seconds:,.0f} a second" if seconds else ""
    line = f"{done:,} of {total:,} events, {rate}"
    if sys.stderr.isatty():
        typer.echo(f"\r{line}   ", err=True, nl=done >= total)
    elif done >= total or done % 50_000 == 0:
        typer.echo(line, err=True)


def _only_look(connection: Connection) -> None:
    """Let the database refuse whatever would be written in this transaction, and show one moment of the ledger."""
    connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))


def _as_document(tried: Tried) -> dict[str, Any]:
    return {
        "rule": tried.rule.name,
        "where": tried.rule.where,
        "reached": tried.is_reached,
        "cases": [asdict(case) for case in tried.cases],
    }


def _told(tried: Tried) -> Iterator[str]:
    yield f"{tried.rule.name}  ({tried.rule.where})"
    if not tried.cases:
        yield "  no example is of a type that it listens to"
    elif not tried.is_reached:
        yield f"  its `when` holds for none of {len(tried.cases)} examples"
    for case in tried.cases:
        if case.error:
            yield f"  {case.example}: when: {case.error}"
        for delivery in case.deliveries:
            when = shown(delivery.due_at)
            needs = f", after {', '.join(delivery.needs)}" if delivery.needs else ""
            yield f"  {case.example} ({case.type}) -> {delivery.action} at {delivery.account}, {when}{needs}"
            yield f"    {delivery.error}" if delivery.error else f"    {shown(delivery.parameters)}"
