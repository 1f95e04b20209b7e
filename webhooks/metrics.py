"""The metrics for Prometheus, read from the ledger at each scrape.

Counters stand in the ledger's figures, not in the memory or the files of processes: any number of receivers, workers
and machines tell the same, whichever of them is asked, and a restart counts nothing anew. The price is that a counter
is up to 15 seconds old. Invariant: every label is an account, action, rule, state, reason or queue; never a subject.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import Connection, Row, text

from config.accounts import CalledAccount
from config.load import Config
from worker import limits
from worker.figures import BOUNDS_SECONDS, LABELS, Name
from worker.health import last_beat
from worker.ids import first_id
from worker.ledger import backlog, figures, paces, pauses, reloads
from worker.states import BEAT_HEARTBEAT, WORKER_HEARTBEAT, DeliveryState, Reason

COUNTERS = {
    Name.RECEIVED: ("hookyard_events_received", "Events that a webhook brought and that were new"),
    Name.RECONCILED: ("hookyard_events_reconciled", "Events that no webhook brought: the vendor was asked"),
    Name.DUPLICATES: ("hookyard_duplicates", "Requests in which nothing was new"),
    Name.REFUSED: ("hookyard_refused", "Requests that were answered with an error"),
    Name.ATTEMPTS: ("hookyard_attempts", "Tries of deliveries, by what they made of them"),
    Name.MATCHED: ("hookyard_rule_matches", "Events and facts that a rule wanted something from"),
}
HISTOGRAMS = {
    Name.ACKNOWLEDGEMENT: ("hookyard_acknowledgement_seconds", "From the last byte of a request to its answer"),
    Name.END_TO_END: ("hookyard_end_to_end_seconds", "From the webhook, or the planned time, to the vendor's answer"),
    Name.VENDOR: ("hookyard_vendor_seconds", "Single calls to vendors"),
}
_ENDS = {DeliveryState.SUCCEEDED, DeliveryState.UNKNOWN, DeliveryState.SUPPRESSED}
_SEEN = timedelta(hours=1)
_WAITING = text(
    """
    SELECT 'events_to_route' AS name, count(*) AS total, min(wake_at) AS oldest FROM events WHERE state = 'received'
    UNION ALL
    SELECT 'events_failed', count(*), NULL FROM events WHERE state = 'failed'
    UNION ALL
    SELECT 'deliveries_open', count(*), min(due_at) FROM deliveries WHERE state IN ('waiting', 'ready', 'retrying')
    UNION ALL
    SELECT 'deliveries_in_flight', count(*), NULL FROM deliveries WHERE state = 'in_flight'
    UNION ALL
    SELECT 'deliveries_' || s.state, count(d.id), NULL FROM (VALUES ('dead'), ('unknown')) AS s (state)
    LEFT JOIN deliveries d ON d.state = s.state AND d.state IN ('dead', 'unknown') GROUP BY s.state
    UNION ALL
    SELECT 'quarantined', count(*), NULL FROM quarantine WHERE released_at IS NULL
    """
)
# Which secret of an account is in use: the old one of a rotation may go once it counts nothing here.
_BY_SECRET = text(
    """
    SELECT account, trigger, secret_index, count(*) AS total FROM events
    WHERE id >= CAST(:since AS uuid) AND secret_index IS NOT NULL GROUP BY account, trigger, secret_index
    """
)
_BY_HANDLING = text(
    """
    SELECT account, handling, count(*) AS total FROM events
    WHERE id >= CAST(:since AS uuid) AND secret_index IS NOT NULL GROUP BY account, handling
    """
)
_HELD = text(
    """
    SELECT account, kind, reason, count(*) AS total FROM holds
    WHERE opened_at IS NOT NULL AND (kind = 'account' OR until IS NULL OR until > :now) GROUP BY account, kind, reason
    """
)
_FAILED_MESSAGES = text(
    """
    SELECT account, coalesce(reason, '') AS reason, count(*) AS total FROM messages
    WHERE state = 'failed' AND changed_at >= :since GROUP BY account, reason
    """
)

Sample = tuple[Sequence[str], float]


def read(connection: Connection, config: Config, now: datetime) -> Iterator[Metric]:
    """Return every metric that the ledger tells."""
    totals = figures.totals(connection)
    yield from _counters(totals)
    yield from _histograms(totals)
    yield from _signs_of_life(connection, now)
    yield from _work(connection, config, now)
    yield from _limits(connection, config, now)
    yield from _last_hour(connection, now)


def _gauge(name: str, what: str, labels: Sequence[str], samples: Iterable[Sample]) -> Metric:
    family = GaugeMetricFamily(name, what, labels=labels)
    for values, amount in samples:
        family.add_metric(values, amount)
    return family


def _counters(totals: Sequence[Row[Any]]) -> Iterator[Metric]:
    for name, (metric, what) in COUNTERS.items():
        family = CounterMetricFamily(metric, what, labels=["account", *LABELS.get(name, ())])
        for row in totals:
            if row.name == name:
                family.add_metric([row.account, *row.labels], row.total)
        yield family
    ends = CounterMetricFamily(
        "hookyard_deliveries", "Deliveries that ended", labels=["account", "action", "state", "reason"]
    )
    counted: dict[tuple[str, ...], int] = defaultdict(int)
    for row in totals:
        if row.name == Name.DEAD:
            action, reason = row.labels
            counted[row.account, action, DeliveryState.DEAD, reason] += row.total
        elif row.name == Name.ATTEMPTS:
            action, state, reason = row.labels
            if reason == Reason.AWAITING_DELIVERY:  # the vendor did it; whether it arrives, its receipt tells
                state = DeliveryState.SUCCEEDED
            if state in _ENDS:
                counted[row.account, action, state, reason] += row.total
    for labels, total in sorted(counted.items()):
        ends.add_metric(labels, total)
    yield ends


def _histograms(totals: Sequence[Row[Any]]) -> Iterator[Metric]:
    for name, (metric, what) in HISTOGRAMS.items():
        family = HistogramMetricFamily(metric, what, labels=["account"])
        rows = [row for row in totals if row.name == name]
        for account in sorted({row.account for row in rows}):
            counts = {row.bucket: row for row in rows if row.account == account}
            passed, buckets = 0, []
            for bucket, bound in enumerate([*map(str, BOUNDS_SECONDS), "+Inf"]):
                passed += counts[bucket].total if bucket in counts else 0
                buckets.append((bound, passed))
            family.add_metric([account], buckets, sum(row.seconds for row in counts.values()))
        yield family


def _signs_of_life(connection: Connection, now: datetime) -> Iterator[Metric]:
    def age(moment: datetime | None) -> float:
        return (now - moment).total_seconds() if moment else float("inf")

    ages = {name: age(last_beat(connection, name)) for name in (WORKER_HEARTBEAT, BEAT_HEARTBEAT)}
    worker = ages[WORKER_HEARTBEAT]
    yield _gauge("hookyard_worker_heartbeat_age_seconds", "Since a worker consumed a heartbeat", [], [((), worker)])
    samples = [((name,), seconds) for name, seconds in ages.items()]
    yield _gauge("hookyard_heartbeat_age_seconds", "Since a sign of life, by process", ["process"], samples)
    in_use = reloads.read(connection, now)
    yield _gauge("hookyard_workers", "Worker processes that live", [], [((), len(in_use))])
    refused = sum(bool(worker.refused) for worker in in_use)
    yield _gauge("hookyard_rules_refused", "Workers that refused changed rules, for faults", [], [((), refused)])
    counted = age(figures.final_until(connection))
    yield _gauge("hookyard_figures_age_seconds", "Since when the figures are not final", [], [((), counted)])


def _work(connection: Connection, config: Config, now: datetime) -> Iterator[Metric]:
    rows = connection.execute(_WAITING).all()
    yield _gauge("hookyard_backlog", "Rows that wait, by kind", ["kind"], [((row.name,), row.total) for row in rows])
    overdue = [
        ((row.name,), max(0.0, (now - row.oldest).total_seconds())) for row in rows if row.oldest is not None
    ]  # fmt: skip
    yield _gauge("hookyard_backlog_oldest_seconds", "How long the oldest is overdue", ["kind"], overdue)
    queues = backlog.by_queue(connection, {name: one.vendor for name, one in config.accounts.items()}, now)
    yield _gauge("hookyard_queue_due", "Due work that nothing holds", ["queue"], [((q.queue,), q.due) for q in queues])
    oldest = [((q.queue,), max(0.0, (now - (q.oldest_at or now)).total_seconds())) for q in queues]
    yield _gauge("hookyard_queue_oldest_seconds", "How long the oldest of it is overdue", ["queue"], oldest)
    late = [((q.queue,), q.late) for q in queues]
    yield _gauge("hookyard_timers_behind", "Due work that is late by over a minute", ["queue"], late)
    held = [((row.account, row.kind, row.reason), row.total) for row in connection.execute(_HELD, {"now": now})]
    what = "What is held back: accounts, persons, templates"
    yield _gauge("hookyard_holds", what, ["account", "kind", "reason"], held)
    paused = [((pause.kind, pause.name), 1) for pause in pauses.in_force(connection)]
    yield _gauge("hookyard_paused", "Accounts and rules that a person paused", ["kind", "name"], paused)


def _limits(connection: Connection, config: Config, now: datetime) -> Iterator[Metric]:
    shares, waits = [], []
    for account, pace in paces.of_accounts(connection).items():
        if not isinstance(config.accounts.get(account), CalledAccount):
            continue
        share = limits.used_share(pace, config.limits_of(account).per_hour, now)
        if share is not None:
            shares.append(((account,), share))
        waits.append(((account,), limits.wait_seconds(pace, now)))
    yield _gauge(
        "hookyard_limit_used_ratio", "Share of the calls allowed in an hour that were made", ["account"], shares
    )
    yield _gauge("hookyard_limit_wait_seconds", "How long one that comes now waits for its turn", ["account"], waits)


def _last_hour(connection: Connection, now: datetime) -> Iterator[Metric]:
    failed = connection.execute(_FAILED_MESSAGES, {"since": now - _SEEN})
    what = "Messages that failed in the last hour"
    samples = [((row.account, row.reason), row.total) for row in failed]
    yield _gauge("hookyard_messages_failed", what, ["account", "reason"], samples)
    since = {"since": first_id(now - _SEEN)}
    secrets = [
        ((row.account, f"{row.trigger}:{row.secret_index}" if row.trigger else str(row.secret_index)), row.total)
        for row in connection.execute(_BY_SECRET, since)
    ]
    what = "Events of the last hour, by the secret that matched"
    yield _gauge("hookyard_events_by_secret", what, ["account", "secret"], secrets)
    handled = [((row.account, row.handling), row.total) for row in connection.execute(_BY_HANDLING, since)]
    what = "Events of the last hour: handled, ignored on purpose, of an unknown type"
    yield _gauge("hookyard_events_by_handling", what, ["account", "handling"], handled)
