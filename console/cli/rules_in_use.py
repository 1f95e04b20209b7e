"""`hookyard rules list`, `show` and `try`: which rules are active and used, one in words, an event that never came in.

Invariant: nothing is sent and nothing is written.
"""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from console.cli import completing, options
from console.cli.context import open_context
from console.cli.output import CommandError, print_json, print_table, say, shown
from console.cli.rules_explained import said
from console.rules.describing import Told, tell
from tasks.trying.explaining import Explainer
from tasks.trying.pasted import read_pasted
from worker.clock import system_clock
from worker.ledger import pauses
from worker.ledger.rule_uses import uses_of
from worker.reading import UnreadableError
from worker.states import PauseKind

Rules = Annotated[
    Path | None, typer.Option("--rules", help="A folder with rules files, in place of the configured rules.")
]
_COLUMNS = ("rule", "where", "listens_to", "paused", "ever", "week", "day", "last_at")


def list_(json_: options.Json = False) -> None:
    """List the rules: from which file and line, how often each matched ever, in a week, in a day, and when last."""
    context = open_context()
    rules = [tell(rule, context.config) for rule in context.config.rules]
    with context.ledger() as connection:
        uses = uses_of(connection, [rule.name for rule in rules], system_clock())
        paused = {pause.name for pause in pauses.in_force(connection) if pause.kind is PauseKind.RULE}
    found: list[dict[str, Any]] = [
        {"rule": rule.name, "where": rule.where, "listens_to": list(rule.listens_to), "paused": rule.name in paused}
        | asdict(uses[rule.name])
        for rule in rules
    ]
    if json_:
        print_json(found)
        return
    words = [
        row | {"listens_to": ", ".join(row["listens_to"]), "paused": "yes" if row["paused"] else ""} for row in found
    ]
    print_table(_COLUMNS, words, "There are no rules.")


def show(
    name: Annotated[str, typer.Argument(metavar="RULE", help="The rule's name.", autocompletion=completing.rules)],
    json_: options.Json = False,
) -> None:
    """Tell one rule in words."""
    config = open_context().config
    rule = config.rule(name)
    if rule is None:
        raise CommandError(f'there is no rule "{name}": hookyard rules list')
    told = tell(rule, config)
    if json_:
        print_json(asdict(told))
        return
    say(f"{told.name}  ({told.where})")
    say(f"  on {' or '.join(told.listens_to)}" + (f", from {' or '.join(told.accounts)}" if told.accounts else ""))
    if told.condition:
        say(f"  when {told.condition}")
    for key, value in told.named.items():
        say(f"  {key} = {shown(value)}")
    for step in told.steps:
        for line in _step(step):
            say(f"  {line}")


def _step(step: Told) -> Iterator[str]:
    yield f"step {step.id}: {step.action} at {step.account}. {step.what}"
    for words, expression in step.words:
        yield f"  {words} {expression}".rstrip()
    for key, value in step.parameters.items():
        yield f"  {key}: {shown(value)}"
    for instead in step.instead:
        yield "  when it has finally failed:"
        yield from (f"    {line}" for line in _step(instead))


def try_(
    account: Annotated[
        str,
        typer.Argument(metavar="ACCOUNT", help="Which account would receive it.", autocompletion=completing.accounts),
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The event's body, as JSON; - reads standard input.")],
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", help="By which endpoint, where the account has several: status.")
    ] = None,
    rules_folder: Rules = None,
    json_: options.Json = False,
) -> None:
    """Tell what the rules would say to a body that never came in."""
    context = open_context()
    config = context.config_with(rules_folder)
    try:
        body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        told = list(read_pasted(config, account, body, endpoint, system_clock()))
    except OSError as error:
        raise CommandError(f"{file} cannot be read: {error.strerror}") from None
    except UnreadableError as error:
        raise CommandError(f"this cannot be read: {error}") from None
    with context.ledger() as connection:
        explainer = Explainer(connection, config, system_clock())
        found = [explainer.explain_told(one) for one in told]
    if json_:
        print_json(found)
        return
    for one in found:
        for line in said(one):
            say(line)
