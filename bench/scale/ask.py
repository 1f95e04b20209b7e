"""Ask every page of the console over HTTP, as a browser does, and measure how long each takes.

Invariant: a page that is added is asked without being named here; one whose address needs what the ledger has none of
is told, not left out silently.
"""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles
from typing import Any

import httpx
from flask import Flask
from sqlalchemy import Engine, text

from bench.figures import MILLISECONDS, Figure, under
from bench.scale.load import SPAN
from bench.stage import BenchError
from worker.ids import first_id

PAGE_MARK_MS, SEARCH_MARK_MS = 300, 1_000
NOT_PAGES = frozenset({"static", "healthz", "login.login"})
LISTS = (
    "/events?account=crm", "/events?account=silent", "/events?type=proton.something.new", "/events?state=failed",
    "/events?reason=unreadable_event", "/events?handling=unknown&account=crm", "/events?since=7d&until=6d&account=wa",
    "/deliveries?state=dead", "/deliveries?state=dead&account=wa&reason=exhausted", "/deliveries?rule=rule-2-1",
    "/deliveries?type=wabotick.send_media", "/deliveries?state=succeeded&account=toko", "/deliveries?account=silent",
)  # fmt: skip
SEARCHES = (
    "/events?text={number}", "/events?text=nobody+said+this", "/events?text=dewi+lestari&account=toko",
    "/deliveries?text={number}", "/deliveries?text=nobody+said+this", "/find?q={number}", "/find?q={phone}",
    "/find?q=dewi", "/find?q=nobody+here", "/find?q={message_id}", "/find?q={event_id}",
)  # fmt: skip
_SAMPLE = """
    SELECT e.id AS event_id, d.id AS delivery_id, d.subject AS key, d.result ->> 'message_id' AS message_id,
        substr(s.key, 7) AS number, s.snapshot ->> 'phone' AS phone
    FROM deliveries d JOIN events e ON e.id = d.event_id
    JOIN subjects s ON s.account = 'toko' AND s.key = d.subject
    WHERE d.state = 'succeeded' AND d.id > :since ORDER BY d.id LIMIT 1
"""


@dataclass(frozen=True)
class Asked:
    """One address that is asked again and again, each time about something else."""

    name: str
    address: str
    mark_ms: int


def samples(ledger: Engine, count: int, now: datetime) -> list[dict[str, str]]:
    """Return what addresses are about, from all over the time that was loaded."""
    found = []
    with ledger.connect() as connection:
        for number in range(count):
            since = first_id(now - SPAN * ((number + 1) / (count + 1)))
            row = connection.execute(text(_SAMPLE), {"since": since}).one()
            named = {name: str(value) for name, value in row._mapping.items()}
            more = {"account": "toko", "name": "toko", "kind": "snapshot", "reference": f"toko/{row.key}/phone"}
            found.append(named | more)
    return found


def addresses(app: Flask, known: Mapping[str, str]) -> tuple[list[Asked], list[str]]:
    """Return every page's address with places for what it is about, and the pages that cannot be asked."""
    asked, left = [], []
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        if "GET" not in (rule.methods or ()) or rule.endpoint in NOT_PAGES:
            continue
        if rule.arguments - set(known):
            left.append(rule.rule)
        else:
            asked.append(Asked(rule.rule, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), PAGE_MARK_MS))
    asked += [Asked(address, address, PAGE_MARK_MS) for address in LISTS]
    return [*asked, *(Asked(address, address, SEARCH_MARK_MS) for address in SEARCHES)], left


def log_in(http: httpx.Client, name: str, password: str) -> None:
    """Log in by the form."""
    token = re.search(r'name="csrf" value="([0-9a-f]+)"', http.get("/login").raise_for_status().text)
    if token is None:
        raise BenchError("the console's login has no form")
    answer = http.post("/login", data={"csrf": token[1], "name": name, "password": password})
    if answer.status_code != httpx.codes.SEE_OTHER:
        raise BenchError(f"the console answered {answer.status_code} to the login")


def not_there(http: httpx.Client, asked: Sequence[Asked], values: Mapping[str, str]) -> list[Asked]:
    """Return the addresses behind which there is nothing: of a kind that the ledger has none of."""
    return [one for one in asked if http.get(one.address.format(**values)).status_code == httpx.codes.NOT_FOUND]


def measure(http: httpx.Client, asked: Sequence[Asked], about: Sequence[Mapping[str, str]]) -> Iterator[Figure]:
    """Ask each address about each sample; give its p50 and p95."""
    for one in asked:
        took = [_timed(http, one.address.format(**values)) for values in about]
        p50, p95 = quantiles(took, n=20, method="inclusive")[9::9]
        yield Figure(one.name, p95, MILLISECONDS, f"p95; p50 {p50:.0f} ms", under(one.mark_ms))


def _timed(http: httpx.Client, address: str) -> float:
    began = time.perf_counter()
    answer = http.get(address)
    took = (time.perf_counter() - began) * 1000
    if answer.status_code >= httpx.codes.BAD_REQUEST:
        raise BenchError(f"{address} was answered {answer.status_code}")
    return took


def as_json(figures: Sequence[Figure], left: Sequence[str]) -> dict[str, Any]:
    """Return what was found, for `--json`."""
    return {"pages": {figure.name: figure.as_json() for figure in figures}, "not_asked": list(left)}
