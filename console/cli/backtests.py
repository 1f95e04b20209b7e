"""Backtests at the command line: begun for a worker to play, and printed, whoever played them.

Invariant: a result is printed the same whether it was played here or in the background.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from console.cli.context import Context
from console.cli.output import print_json, print_table, say, shown
from console.pressing import many
from worker.clock import system_clock
from worker.ids import new_id
from worker.ledger import backtests
from worker.ledger.jobs import Job

_COLUMNS = (
    "sent",
    "messages",
    "same",
    "new",
    "repeated",
    "gone",
    "quiet_hours",
    "invalid_numbers",
    "dead",
    "cancelled",
)


def begin_in_background(context: Context, since: datetime, *, json_: bool) -> None:
    """Begin a backtest for a worker to play, or name the one that is under way."""
    job_id = new_id()
    with context.ledger() as connection:
        job = context.people(connection, "").begin_backtest(job_id, since)
    context.wakeups.jobs([job.id])
    if json_:
        print_json(many.as_told(job) | {"begun": job.id == job_id})
        return
    if job.id != job_id:
        say(f"only one is played at a time, and {job.actor} began this one; no other was begun")
    say(f"job {job.id}: hookyard jobs show {job.id}, hookyard jobs stop {job.id}")


def print_backtest(context: Context, job: Job, *, json_: bool) -> None:
    """Print how far a job is, and what came of it."""
    with context.ledger() as connection:
        found = backtests.report(connection, job)
    if json_:
        print_json(many.as_told(job) | {"report": found})
        return
    say(f"job {job.id} {job.state}: {many.told(job, system_clock())}")
    if found:
        say(f"rules {found['rules_digest']}")
        print_report(found)


def print_report(found: dict[str, Any]) -> None:
    """Print what came of a backtest."""
    for line in _compared(found):
        say(line)
    print_table(("rule", *_COLUMNS), [{"rule": name, **counts} for name, counts in found["rules"].items()], "No rules.")
    for what, samples in found["samples"].items():
        say(f"{what.replace('_', ' ')}, for example:")
        for sample in samples:
            error = f": {sample['error']}" if "error" in sample else ""
            say(f"  event {sample['event']}  {sample['rule']} / {sample['step']}{error}")


def _compared(found: dict[str, Any]) -> Iterator[str]:
    count = {name: f"{number:,}" for name, number in found["totals"].items()}
    events, reasons = found["events"], found["reasons"]
    read = f"{events['played']:,} events, {events['unreadable']:,} of them unreadable"
    yield f"{shown(found['since'])} to {shown(found['until'])}: {read}"
    sent = f"{count['sent']} deliveries would be made, {count['messages']} of them messages"
    yield f"{sent} ({count['later']} due after now)"
    yield f"  {count['same']} as they really were ({count['same_messages']} messages)"
    yield f"  {count['new']} new ({count['new_messages']} messages)"
    yield f"  {count['repeated']} of the new ones repeat a message that its person got, under another effect key"
    yield f"{count['gone']} that were made would not be ({count['gone_messages']} messages)"
    yield f"{count['quiet_hours']} messages would be due in quiet hours"
    yield f"{count['invalid_numbers']} messages have no valid number"
    yield f"{count['dead']} dead, {count['suppressed']} suppressed, {count['cancelled']} cancelled"
    if reasons:
        yield "  " + ", ".join(f"{reason} {number:,}" for reason, number in reasons.items())
    yield ""
