"""`hookyard orders`, `story` and `find`: an order, a person, a container in business words, and how to get there."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from config.load import Config
from console.cli import completing, options
from console.cli.context import open_context, wanted_id
from console.cli.output import CommandError, print_json, print_table, say
from worker.clock import system_clock
from worker.ids import parse_id

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from console.stories.entries import Plan, Problem
    from console.stories.search import Hit
    from console.stories.story import Story
    from worker.context import Subject

_MARKS = {"good": "+", "bad": "!", "warn": "~", "plain": " ", "muted": "."}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("orders")(orders)
    app.command("story")(story)
    app.command("find")(find)


def orders(
    kind: Annotated[str, typer.Option("--kind", help="Only of this kind: order, customer, phone …")] = "",
    account: options.Account = None,
    before: Annotated[str | None, typer.Option("--before", help="Go on behind this event: its id.")] = None,
    limit: options.Limit = 50,
    json_: options.Json = False,
) -> None:
    """List orders, and whatever else events are about, those heard of last first."""
    from console.stories.story import status_of, title_of  # noqa: PLC0415 - it loads every vendor's reader
    from worker.ledger.stories import recent  # noqa: PLC0415 - as below

    with open_context().ledger() as connection:
        page = recent(connection, kind, account or "", wanted_id(before) if before else None, limit)
    rows = [
        {
            "subject": row.key, "account": row.account, "title": title_of(row.key),
            "status": ", ".join(status_of(row.snapshot or {})), "needs_a_person": row.has_failed,
            "is_planned": row.is_open, "type": row.type, "seen_at": row.received_at, "event_id": row.event_id,
        }
        for row in page.rows
    ]  # fmt: skip
    if json_:
        print_json(rows)
    else:
        print_table(("subject", "account", "status", "needs_a_person", "is_planned", "type", "seen_at"), rows, "None.")
    if page.before is not None:
        typer.echo(f"there may be older ones: --before {page.before}", err=True)


def story(
    wanted: Annotated[
        str, typer.Argument(metavar="SUBJECT", help="order:250804QWERTY, or anything that `find` finds only once.")
    ],
    account: Annotated[
        str | None, typer.Option("--account", help="Whose, where several have one.", autocompletion=completing.accounts)
    ] = None,
    before: Annotated[str | None, typer.Option("--before", help="Only what came before this event: its id.")] = None,
    json_: options.Json = False,
) -> None:
    """Tell the story of an order, a customer, a person, a container: what happened, what is planned, what failed."""
    from console.stories.story import read_story  # noqa: PLC0415 - it loads every vendor's reader

    context = open_context()
    now, cursor = system_clock(), parse_id(before) if before else None
    if before and cursor is None:
        raise CommandError(f'"{before}" is not an id')
    with context.ledger() as connection:
        subject = _subject(connection, context.config, wanted, account)
        found = read_story(connection, context.config, subject, now, cursor)
    if found is None:
        raise CommandError(f"nothing is known of {subject.key} of account {subject.account}")
    if json_:
        print_json(as_document(found))
    else:
        for line in _told(found, context.config):
            say(line)


def find(
    text: Annotated[str, typer.Argument(help="An order's number, a phone, a name, a receipt, a message's id, any id.")],
    limit: options.Limit = 20,
    json_: options.Json = False,
) -> None:
    """Find what something belongs to: by number, phone in any spelling, name, receipt, message or id."""
    from console.stories.search import find as search  # noqa: PLC0415 - as above
    from console.stories.story import status_of, title_of  # noqa: PLC0415 - as above

    context = open_context()
    with context.ledger() as connection:
        hits = search(connection, context.config, text, limit)
    rows = [
        {
            "subject": hit.subject, "account": hit.account,
            "title": title_of(hit.subject) if hit.subject else "An event about nothing that is known",
            "status": ", ".join(status_of(hit.snapshot)), "found_by": hit.by, "event_id": hit.event_id,
            "delivery_id": hit.delivery_id, "seen_at": hit.seen_at,
        }
        for hit in hits
    ]  # fmt: skip
    if json_:
        print_json(rows)
    else:
        shown = [row | {"subject": row["subject"] or row["event_id"]} for row in rows]
        print_table(("subject", "account", "status", "found_by", "seen_at"), shown, "Nothing fits.")


def as_document(found: "Story") -> dict[str, Any]:
    """Return a story as --json prints it."""
    document = asdict(found)
    document |= {"subject": found.subject.key, "account": found.subject.account}
    document["related"] = [
        {"subject": one.subject.key, "account": one.subject.account, "title": one.title} for one in found.related
    ]
    for entry in document["entries"]:
        del entry["order"]
    return document


def _subject(connection: "Connection", config: Config, wanted: str, account: str | None) -> "Subject":
    from console.stories.search import find as search  # noqa: PLC0415 - as above
    from worker.context import Subject  # noqa: PLC0415 - as above
    from worker.ledger.stories import accounts_of  # noqa: PLC0415 - as above

    accounts = [account] if account else accounts_of(connection, wanted)
    if len(accounts) > 1:
        raise CommandError(f"{wanted} is known to {' and '.join(accounts)}: say which with --account")
    if accounts and ":" in wanted:
        return Subject(accounts[0], wanted)
    hits = [hit for hit in search(connection, config, wanted) if hit.about and account in {None, hit.account}]
    surest = [hit for hit in hits if hit.by == hits[0].by]
    found = [hit.about for hit in surest if hit.about]
    if not found:
        raise CommandError(f'nothing fits "{wanted}"')
    if len(found) > 1:
        raise CommandError(f'"{wanted}" could be {_listed(surest)}: say which')
    return found[0]


def _listed(hits: "list[Hit]") -> str:
    names = [f"{hit.subject} of {hit.account}" for hit in hits[:5]]
    return ", ".join(names) + (f" and {len(hits) - len(names)} more" if len(hits) > len(names) else "")


def _told(found: "Story", config: Config) -> Iterator[str]:
    zone = config.business.zone

    def at(moment: datetime) -> str:
        return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"

    yield f"{found.title}  [{', '.join(found.status)}]  account {found.subject.account}"
    yield from (f"  {consent}" for consent in found.consents)
    if found.earlier:
        yield f"  … earlier: --before {found.earlier}"
    for entry in found.entries:
        yield f"{at(entry.at)}  {_MARKS[entry.tone]} {entry.text}"
        yield from (f"                      {detail}" for detail in entry.details)
    yield from _planned(found.planned, at)
    yield from _problems(found.problems)
    yield from (f"see also: {one.subject.key} ({one.subject.account})" for one in found.related)
    yield f"Times are those of {zone}."


def _planned(plans: "tuple[Plan, ...]", at: Any) -> Iterator[str]:
    if plans:
        yield "planned:"
    for plan in plans:
        unless = f" unless {plan.unless_text}" if plan.unless else ""
        yield f"  {'now' if plan.is_due else at(plan.due_at)}  {plan.text}{unless}"
        yield from (f"      {note}" for note in plan.notes)
        yield f"      delivery {plan.delivery_id}, rule {plan.rule}"


def _problems(problems: "tuple[Problem, ...]") -> Iterator[str]:
    if problems:
        yield "needs a person:"
    for problem in problems:
        yield f"  {problem.text}: {problem.meaning}"
        yield from (f"      {line}" for line in (problem.said, problem.to_do) if line)
        where = f"delivery {problem.delivery_id}" if problem.delivery_id else f"event {problem.event_id}"
        yield f"      {where}"
