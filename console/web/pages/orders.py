"""Orders, and whatever else events are about: those heard of last, what is found, and the story of each.

Invariant: nobody's number stands in an address of ours: a person who wrote is named by one of their events.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response

from config.subjects import FIELDS
from console.stories.event_words import event_sentence
from console.stories.search import MOST_CHARACTERS, Hit, find
from console.stories.story import read_story, status_of, title_of
from console.stories.wording import plain_json
from console.web.frame import current, wanted_text
from console.web.listing import own_page
from worker.context import Subject
from worker.ids import parse_id
from worker.ledger import jobs, queries, stories
from worker.ledger.storable import storable_text

area = Blueprint("orders", __name__)
MOST_LISTED = 50
KINDS = (*FIELDS, "phone")
_PERSONAL = {"customer_name": "Name", "name": "Name", "phone": "Phone", "email": "E-mail"}
_NAMES = ("customer_name", "name")


@area.get("/orders")
def index() -> str:
    """List what was heard of last, narrowed by kind and account."""
    desk = current()
    kind, account = wanted_text(request.args, "kind", 50), wanted_text(request.args, "account", 100)
    with desk.connection() as connection:
        page = stories.recent(connection, kind, account, _cursor(), MOST_LISTED)
    rows = [
        _shown(row._asdict(), row.event_id) | {"said": event_sentence(row.type, {}), "row": row} for row in page.rows
    ]
    older = url_for(".index", kind=kind or None, account=account or None, before=page.before) if page.before else None
    chosen = {"kind": kind, "account": account}
    return render_template(
        "orders/index.html", rows=rows, older=older, chosen=chosen, kinds=KINDS, accounts=list(desk.config.accounts)
    )


@area.get("/orders/<account>/<path:key>")
def story(account: str, key: str) -> str:
    """Tell the story of a subject."""
    return _told(Subject(storable_text(account), storable_text(key)))


@area.get("/orders/of-event/<uuid:event_id>")
def of_event(event_id: UUID) -> str:
    """Tell the story of what an event is about."""
    with current().connection() as connection:
        row = queries.get_event(connection, event_id)
    if row is None or row.subject is None:
        raise NotFound("There is no such event, or it is about nothing that is known.")
    return _told(Subject(row.subject_account or row.account, row.subject))


@area.get("/find")
def find_() -> str | Response:
    """Find something; what is found alone is shown at once."""
    wanted = wanted_text(request.args, "q", MOST_CHARACTERS)
    with current().connection() as connection:
        if (job_id := parse_id(wanted)) and jobs.get(connection, job_id):
            return redirect(url_for("jobs.show", job_id=job_id))
        hits = find(connection, current().config, wanted)
    rows = [_shown({"account": hit.account, "key": hit.subject, "snapshot": hit.snapshot}, hit.event_id) | {"hit": hit}
            for hit in hits]  # fmt: skip
    if len(rows) == 1 and (address := _page_of_id(hits[0], wanted) or rows[0]["address"]):
        return redirect(address)
    return render_template("orders/found.html", wanted=wanted, rows=rows)


def _page_of_id(hit: Hit, wanted: str) -> str | None:
    """Return the page of the event or the delivery itself, where its very id was typed."""
    typed = parse_id(wanted)
    if typed is None:
        return None
    return own_page(f"/deliveries/{typed}" if typed == hit.delivery_id else f"/events/{typed}")


def _told(subject: Subject) -> str:
    desk = current()
    with desk.connection() as connection:
        found = read_story(connection, desk.config, subject, desk.clock(), _cursor())
        known = stories.subject_row(connection, subject)
    if found is None:
        raise NotFound("Nothing is known of this order or person. It may have been typed wrongly, or deleted by age.")
    snapshot = known.snapshot if known else {}
    personal = {name: snapshot[name] for name in _PERSONAL if snapshot.get(name)}
    related = [(one.title, address_of(one.subject, one.event_id), one.subject.account) for one in found.related]
    return render_template(
        "orders/story.html", story=found, personal=personal, labels=_PERSONAL, related=related, own_page=own_page,
        known=plain_json(found.snapshot),
        reference=f"{subject.account}/{subject.key}", earlier=found.earlier and _earlier(found.earlier),
        newest=_earlier(None) if request.args.get("before") else None,
    )  # fmt: skip


def address_of(subject: Subject, event_id: UUID | None = None) -> str | None:
    """Return where a subject's story is told; None where only its number would name it."""
    if not str(subject.key).startswith("phone:"):
        return url_for("orders.story", account=subject.account, key=subject.key)
    return url_for("orders.of_event", event_id=event_id) if event_id else None


def _shown(said: Mapping[str, Any], event_id: UUID | None) -> dict[str, Any]:
    """Return how a subject is listed."""
    snapshot, key = said["snapshot"] or {}, said["key"]
    name = next((snapshot[name] for name in _NAMES if snapshot.get(name)), None)
    if key is None:
        title, address = "An event about nothing that is known", own_page(f"/events/{event_id}")
    else:
        title, address = title_of(key), address_of(Subject(said["account"], key), event_id)
    return {"title": title, "address": address, "account": said["account"], "status": status_of(snapshot), "name": name}


def _earlier(before: UUID | None) -> str:
    return url_for(str(request.endpoint), **(request.view_args or {}), before=before)


def _cursor() -> UUID | None:
    given = request.args.get("before")
    cursor = parse_id(given) if given else None
    if given and cursor is None:
        raise BadRequest("This address is not whole: what stands behind “before” is no id.")
    return cursor
