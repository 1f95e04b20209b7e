"""What lists share: filters that stand in the address, and addresses of the pages around one.

Invariant: an address that was kept shows the same list again; what cannot be understood in it is said, and nothing is
listed as if it had not been asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import current_app, request, url_for
from sqlalchemy import Connection
from werkzeug.exceptions import HTTPException

from console.moments import read_moment
from console.stories.story import title_of
from console.web.frame import current
from worker.ids import parse_id
from worker.ledger.lists import Bounded, Filter, Page
from worker.states import JobKind, Reason

MOST_CHARACTERS = 300
LIMIT = 50
TEXTS = ("account", "type", "state", "handling", "reason", "rule", "subject", "text")


@dataclass(frozen=True)
class Asked:
    """What a list was asked for."""

    wanted: Filter
    given: Mapping[str, str]
    """The fields of the form, as they are shown again."""
    faults: tuple[str, ...]

    @property
    def is_narrowed(self) -> bool:
        """Whether anything narrows it."""
        return any(self.given.values())


def asked_for(names: tuple[str, ...], zone: ZoneInfo, now: datetime) -> Asked:
    """Read the filter out of the address of the request under way; `names`: the fields this list has."""
    faults: list[str] = []
    texts = {name: request.args.get(name, "").strip()[:MOST_CHARACTERS] if name in names else "" for name in TEXTS}
    since, until = (_moment(name, zone, now, faults) for name in ("since", "until"))
    event, before, after = (_id(name, faults) for name in ("event", "before", "after"))
    is_ambiguous = "ambiguous" in names and bool(request.args.get("ambiguous"))
    asked: dict[str, str | None] = {name: text or None for name, text in texts.items()}
    wanted = Filter(
        account=asked["account"], type=asked["type"], state=asked["state"], handling=asked["handling"],
        reason=asked["reason"], rule=asked["rule"], subject=asked["subject"], text=asked["text"],
        since=since, until=until, event=event, before=before, after=after, limit=LIMIT, ambiguous=is_ambiguous,
    )  # fmt: skip
    given = texts | {"since": _local(since, zone), "until": _local(until, zone)}
    given |= {"event": str(event or ""), "ambiguous": "yes" if is_ambiguous else ""}
    return Asked(wanted, given, tuple(faults))


def around(asked: Asked, page: Page) -> tuple[str | None, str | None]:
    """Return the addresses of the newer and of the older page, with the same filter."""
    kept = {name: value for name, value in asked.given.items() if value}

    def address(**cursor: UUID) -> str:
        return url_for(str(request.endpoint), **kept, **cursor)  # type: ignore[arg-type]

    newer = address(after=page.newer) if page.newer else None
    return newer, address(before=page.older) if page.older else None


def listed(
    names: tuple[str, ...],
    read: Callable[[Connection, Filter], Page],
    count: Callable[[Connection, Filter], Bounded | None],
    kind: JobKind,
) -> dict[str, Any]:
    """Read the list that was asked for; return what its template shows. `kind`: what presses all that match."""
    desk = current()
    asked = asked_for(names, desk.config.business.zone, desk.clock())
    page, total = Page(()), None
    if not asked.faults:
        with desk.connection() as connection:
            page = read(connection, asked.wanted)
            total = count(connection, asked.wanted) if page.rows else None
    newer, older = around(asked, page)
    return {
        "asked": asked, "page": page, "count": total, "newer": newer, "older": older, "title_of": title_of,
        "press_all": _press_all(asked, kind) if page.rows else None, "accounts": sorted(desk.config.accounts),
        "reasons": list(Reason),
    }  # fmt: skip


def _press_all(asked: Asked, kind: JobKind) -> str | None:
    """Return where all that match are pressed; None where a press cannot be narrowed as the list is."""
    kept: dict[str, Any] = {name: value for name, value in asked.given.items() if value}
    return None if {"event", "ambiguous"} & kept.keys() else url_for("jobs.index", kind=kind, **kept)


def own_page(path: str) -> str | None:
    """Return a path if a page of the console stands there."""
    try:
        current_app.url_map.bind("").match(path, method="GET")
    except HTTPException:
        return None
    return path


def _moment(name: str, zone: ZoneInfo, now: datetime, faults: list[str]) -> datetime | None:
    """Read a time: of the shop's zone unless it names one, or a span such as `7d` before now."""
    text = request.args.get(name, "").strip()
    if not text:
        return None
    found = read_moment(text, now, zone)
    if found is None:
        faults.append(f"“{text[:40]}” is not a time: 2026-01-31T08:00, or 7d, 2h, 30m before now, is wanted.")
    return found


def _local(moment: datetime | None, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%dT%H:%M:%S}" if moment else ""


def _id(name: str, faults: list[str]) -> UUID | None:
    text = request.args.get(name, "").strip()
    found = parse_id(text) if text else None
    if text and found is None:
        faults.append(f"“{text[:40]}” is not an id.")
    return found
