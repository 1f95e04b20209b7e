"""Everything that is looked at to say whether all is well: one table of checks.

Invariant: each check only reads, and quickly, however large the ledger is; what it finds says what to do.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import redis
from sqlalchemy import Connection, Row, func, select

from config.faults import ConfigError
from config.load import Config
from config.settings import Settings
from console.health import silence
from console.health.finding import Finding, Level, Place
from webhooks.registry import SOURCES
from worker import health
from worker.broker import redis_client
from worker.celery_app import EVENTS_QUEUE
from worker.ledger import backlog, figures, holds, pauses, queries, reloads, template_lists
from worker.ledger.tables import deliveries, events, quarantine
from worker.states import BEAT_HEARTBEAT, WORKER_HEARTBEAT, DeliveryState, EventState, HoldKind
from worker.templates import SENDABLE

LEAST_FREE_BYTES = 500_000_000
SECRETS_SINCE = timedelta(days=30)
FORGOTTEN_AFTER = timedelta(days=1)
"""A pause that is older than this may have been forgotten."""
FIGURES_STALE = timedelta(minutes=15)
_BACK = "Events are kept meanwhile, and what follows from them is done when it is back."


@dataclass(frozen=True)
class Look:
    """What a check of the ledger looks at."""

    connection: Connection
    config: Config
    now: datetime


def disk(settings: Settings) -> Finding:
    """Tell how much room there is."""
    folder = settings.data_dir
    free = shutil.disk_usage(folder if folder.exists() else ".").free
    level = Level.GOOD if free > LEAST_FREE_BYTES else Level.BAD
    means = "The disk is nearly full: soon nothing can be stored. Make room."
    return Finding("disk", level, f"{free // 1_000_000} MB free", means=means)


def broker(settings: Settings, timeout_seconds: float = 2) -> Finding:
    """Tell whether Redis answers."""
    try:
        redis_client(settings.require_redis_url(), timeout_seconds=timeout_seconds).ping()
    except ConfigError as error:
        return Finding("broker", Level.BAD, str(error), means="Say where Redis is, or start `hookyard up`.")
    except (redis.RedisError, OSError) as error:
        fact = f"Redis does not answer, {type(error).__name__}"
        return Finding("broker", Level.BAD, fact, means=f"Bring Redis back, empty if need be. {_BACK}")
    return Finding("broker", Level.GOOD, "answers")


def _worker(look: Look) -> Iterator[Finding]:
    beat = health.last_beat(look.connection, WORKER_HEARTBEAT)
    means = f"Nothing is routed or sent. Start the worker, or see whether beat and Redis live. {_BACK}"
    if beat is None:
        fact = "no worker has ever consumed a heartbeat: start worker and beat"
        yield Finding("worker", Level.BAD, fact, means=means)
        return
    age = (look.now - beat).total_seconds()
    fact, level = f"consumed a heartbeat {age:.0f} s ago", Level.GOOD
    if age >= health.STALE_SECONDS:
        fact, level = f"{fact}: worker, beat or broker is down", Level.BAD
    yield Finding("worker", level, fact, means=means, since=beat)


def _beat(look: Look) -> Iterator[Finding]:
    beat = health.last_beat(look.connection, BEAT_HEARTBEAT)
    if beat is None or (look.now - beat).total_seconds() < health.STALE_SECONDS:
        fact = f"lived {(look.now - beat).total_seconds():.0f} s ago" if beat else "has not said yet that it lives"
        yield Finding("beat", Level.GOOD, fact)
        return
    means = "Nobody asks for sweeps: what is new is done, retries and timers wait. Start beat; two of them do no harm."
    yield Finding("beat", Level.BAD, "beat does not run", means=means, since=beat)


def _rules(look: Look) -> Iterator[Finding]:
    """Tell whose worker refused changed rules, or did not take changed accounts over."""
    for worker in reloads.read(look.connection, look.now):
        fact, how, level = f"{worker.rules} in use", "", Level.GOOD
        if worker.refused:
            fact += f"; changed ones are refused, {len(worker.refused)} faults, see `hookyard check`"
            how, level = worker.refused[0], Level.BAD
        if worker.accounts_changed:
            fact, level = f"{fact}; accounts.yaml changed, which a restart takes over", Level.BAD
        means = "The worker goes on with what it had. Mend the files, or restart it for changed accounts."
        yield Finding(f"rules of {worker.worker}", level, fact, how, means, place=Place("rules.index"))


def _circuits(look: Look) -> Iterator[Finding]:
    """Tell which accounts are held, and what a person has to lift."""
    in_force = holds.in_force(look.connection, look.now)
    if not any(hold.kind is HoldKind.ACCOUNT for hold in in_force):
        yield Finding("circuits", Level.GOOD, "no account is held")
    for hold in in_force:
        check, place = f"circuit {hold.account}", Place("held.index")
        if hold.kind is HoldKind.ACCOUNT and hold.until is not None:
            fact = f"held since {hold.opened_at:%Y-%m-%d %H:%M} ({hold.reason}), tried at {hold.until:%H:%M:%S} UTC"
            means = f"What goes to {hold.account} waits. Mend the cause; it is tried again by itself, ever more rarely."
            yield Finding(check, Level.BAD, fact, hold.error, means, hold.opened_at, place)
        elif hold.kind is HoldKind.TEMPLATE and hold.until is None:
            fact = f"template {hold.key} is stopped ({hold.reason})"
            means = (
                "Messages made from this template are dead. Once it is approved again, close the hold and retry them."
            )
            how = "hookyard circuits close once it works again"
            yield Finding(check, Level.BAD, fact, how, means, hold.opened_at, place)


def _templates(look: Look) -> Iterator[Finding]:
    """Tell which templates that rules name cannot be sent, and whose list cannot be had."""
    for kept in template_lists.read_all(look.connection):
        check, how = f"templates of {kept.account}", f"hookyard templates {kept.account}"
        if kept.failures:
            fact = f"their list could not be had, {kept.failures} times in a row"
            means = "Messages are sent without being judged by it: what is wrong with one, its vendor's refusal tells."
            yield Finding(check, Level.LOOK, fact, kept.error or "", means, kept.listed_at)
        named = _templates_named(look.config, kept.account)
        for template in kept.found.templates if kept.found else ():
            if template.key in named and template.status not in SENDABLE:
                fact = f"{template.key} ({template.name}) is {template.status}; {named[template.key]} sends it"
                means = "What is paused or not judged yet waits for a day at most; what else is made from it is dead."
                yield Finding(check, Level.BAD, fact, how, means, kept.listed_at)


def _templates_named(config: Config, account: str) -> dict[str, str]:
    """Return the templates that rules name outright for an account, and the rule of each."""
    found: dict[str, str] = {}
    for rule in config.rules:
        for step in rule.all_steps():
            own = ("template_id", "name") if step.account == account and step.action.endswith("send_template") else ()
            found |= {str(step.parameters[name]): rule.name for name in own if name in step.parameters}
    return found


def _pauses(look: Look) -> Iterator[Finding]:
    """Tell what is paused; what has been so for more than a day may have been forgotten."""
    for pause in pauses.in_force(look.connection):
        is_new = look.now - pause.since < FORGOTTEN_AFTER
        how = "" if is_new else f"hookyard resume {pause.kind} {pause.name}"
        means = "What it would do waits, and comes due when it is resumed." + ("" if is_new else " Was it forgotten?")
        level = Level.LOOK if is_new else Level.BAD
        yield Finding(f"paused {pause.kind}", level, pause.said, how, means, pause.since, Place("held.index"))


def _counted(look: Look, table: Any, condition: Any, since: Any) -> tuple[int, datetime | None]:
    query = select(func.count().label("total"), func.min(since).label("since")).select_from(table).where(condition)
    row = look.connection.execute(query).one()
    return row.total, row.since


def _failed_events(look: Look) -> Iterator[Finding]:
    count, since = _counted(look, events, events.c.state == EventState.FAILED, events.c.processed_at)
    how = "hookyard events --state failed, then hookyard replay" if count else ""
    means = "They could not be read or completed, so no rule was asked. Mend the cause, then replay them."
    place = Place("events.index", {"state": EventState.FAILED})
    yield Finding("failed events", _bad_if(count), f"{count}", how, means, since, place)


def _need_a_person(look: Look) -> Iterator[Finding]:
    found: Mapping[DeliveryState, tuple[str, str]] = {
        DeliveryState.DEAD: (
            "hookyard dead list", "They failed and nobody repeats them. Mend the cause, then retry or cancel them."
        ),
        DeliveryState.UNKNOWN: (
            "hookyard deliveries --state unknown, then hookyard resolve",
            "They may have been sent: no answer came. Look at the vendor, then say which.",
        ),
    }  # fmt: skip
    for state, (how, means) in found.items():
        count, since = _counted(look, deliveries, deliveries.c.state == state, deliveries.c.updated_at)
        place = Place("deliveries.index", {"state": state})
        yield Finding(f"{state} deliveries", _bad_if(count), f"{count}", how if count else "", means, since, place)


def _quarantined(look: Look) -> Iterator[Finding]:
    count, since = _counted(look, quarantine, quarantine.c.released_at.is_(None), quarantine.c.received_at)
    means = (
        "Requests that did not prove to be the vendor's. A few from strangers are normal; many for one account mean a"
    )
    level = Level.LOOK if count else Level.GOOD
    yield Finding("quarantined", level, f"{count} held", "", f"{means} wrong secret.", since, Place("quarantine.index"))


def _open(look: Look) -> Iterator[Finding]:
    counts = queries.count_by_state(look.connection)
    total = sum(counts.get(state, 0) for state in ("ready", "waiting", "retrying", "in_flight"))
    yield Finding("open deliveries", Level.GOOD, f"{total}, {counts.get('retrying', 0)} of them for another attempt")


def _behind(look: Look) -> Iterator[Finding]:
    """Tell what is late although nothing holds it."""
    vendors = {name: account.vendor for name, account in look.config.accounts.items()}
    late = [queue for queue in backlog.by_queue(look.connection, vendors, look.now) if queue.late]
    if not late:
        yield Finding("timers", Level.GOOD, "nothing is late")
    for queue in late:
        age = (look.now - (queue.oldest_at or look.now)).total_seconds()
        what = "events wait to be routed" if queue.queue == EVENTS_QUEUE else f"deliveries of {queue.queue} wait"
        means = "They should have been done by now. After a rush it goes by itself; else start more workers."
        fact = f"{queue.late} {what} although nothing holds them, the oldest for {age:.0f} s"
        yield Finding("timers", Level.BAD, fact, "", means, queue.oldest_at)


def _silent(look: Look) -> Iterator[Finding]:
    """Tell which account has been silent for unusually long, and which has never spoken."""
    heard = figures.heard(look.connection, look.now - silence.LOOKS_BACK)
    zone = look.config.business.zone
    for name, account in look.config.accounts.items():
        if account.vendor not in SOURCES:
            continue
        check, place = f"silence of {name}", Place("events.index", {"account": name})
        if name not in heard.ever:
            yield Finding(
                check,
                Level.ASIDE,
                "is not connected yet: nothing has ever come",
                place=Place("connect.index"),
                account=name,
            )
            continue
        since = heard.last_at.get(name)
        if since is None:
            yield Finding(check, Level.LOOK, f"nothing came for over {silence.LOOKS_BACK.days} days", place=place)
            continue
        usual = silence.expected(heard.hours.get(name, {}), since, look.now, zone)
        if usual is None or usual < silence.LEAST_EXPECTED:
            yield Finding(check, Level.GOOD, f"no longer than usual, last heard of {since:%Y-%m-%d %H:%M} UTC")
            continue
        fact = f"nothing came since {since:%Y-%m-%d %H:%M} UTC; usually {usual:.0f} events come in such a time"
        means = "Is the webhook still switched on at the vendor? Vendors switch off what failed. Then reconcile."
        yield Finding(check, Level.BAD, fact, f"hookyard reconcile --account {name}", means, since, place)


def _figures(look: Look) -> Iterator[Finding]:
    final = figures.final_until(look.connection)
    if final is not None and look.now - final > FIGURES_STALE:
        means = "Plots and metrics stand still; nothing else is hurt. They are caught up with when a worker runs."
        yield Finding("figures", Level.LOOK, f"counted until {final:%Y-%m-%d %H:%M} UTC", "", means, final)
    else:
        yield Finding("figures", Level.GOOD, "are counted" if final else "not counted yet")


def _secrets(look: Look) -> Iterator[Finding]:
    """Tell which secrets are in use, so that an old one can be taken away when nothing comes by it any more."""
    rows: list[Row[Any]] = list(queries.secrets_used(look.connection, look.now - SECRETS_SINCE))
    for row in rows:
        where = f"{row.account}{'/' + row.trigger if row.trigger else ''}"
        fact = f"verified {row.events} events in 30 days, the last at {row.last_received_at:%Y-%m-%d %H:%M}"
        yield Finding(f"secret {(row.secret_index or 0) + 1} of {where}", Level.GOOD, fact)


def _bad_if(count: int) -> Level:
    return Level.BAD if count else Level.GOOD


Check = Callable[[Look], Iterator[Finding]]
CHECKS: tuple[Check, ...] = (
    _worker, _beat, _behind, _need_a_person, _failed_events, _circuits, _templates, _silent, _rules, _pauses,
    _quarantined, _figures,
)  # fmt: skip
"""What the first page and `hookyard doctor` look at."""

SLOWER: tuple[Check, ...] = (_open, _secrets)
"""What only `hookyard doctor` looks at: it reads more than a page may."""
