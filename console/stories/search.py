"""What a person looks for by what is at hand: a number, a phone, a name, a receipt, a message's id, an id of ours.

Invariant: nothing typed is refused or takes long; what fits exactly comes before what only begins so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from config.load import Config
from worker import search_words
from worker.context import Subject
from worker.ids import parse_id
from worker.ledger import searching
from worker.ledger.storable import storable_text

MOST_CHARACTERS = 200
MOST = 50


@dataclass(frozen=True)
class Hit:
    """Something that was found."""

    by: str
    """What of it was found, in words."""
    account: str
    subject: str | None
    """None: an event about nothing that is known."""
    snapshot: dict[str, Any]
    seen_at: datetime | None = None
    event_id: UUID | None = None
    delivery_id: UUID | None = None

    @property
    def about(self) -> Subject | None:
        """The subject whose story tells more."""
        return Subject(self.account, self.subject) if self.subject else None


def find(connection: Connection, config: Config, wanted: str, most: int = MOST) -> list[Hit]:
    """Return what fits a text, the surest first; nothing twice."""
    wanted = storable_text(wanted).strip()[:MOST_CHARACTERS]
    if not wanted:
        return []
    found: dict[object, Hit] = {}
    for hit in islice(_hits(connection, config, wanted, most), 4 * most):
        found.setdefault(hit.about or hit.event_id, hit)
    return list(found.values())[:most]


def _hits(connection: Connection, config: Config, wanted: str, most: int) -> Iterator[Hit]:
    if (id_ := parse_id(wanted)) is not None:
        yield from (_of_row(row, f"the {row.kind}'s id") for row in searching.by_id(connection, id_))
    accounts, country = list(config.accounts), config.business.country
    for row in searching.subjects_fitting(connection, search_words.exact_query_of(wanted, country), most):
        yield Hit("a number, a phone or a name", row.account, row.key, row.snapshot, row.updated_at)
    persons = [f"phone:{digits}" for digits in search_words.phones_meant(wanted, country)]
    for row in searching.subjects_spoken_of(connection, [*persons, wanted]):
        yield Hit(
            "a phone" if row.key in persons else "its key", row.account, row.key, {}, row.updated_at, row.event_id
        )
    for row in searching.by_message(connection, accounts, wanted, most):
        yield _of_row(row, "a message's id", row.id)
    for row in searching.by_vendors_id(connection, accounts, wanted, most):
        yield _of_row(row, "the vendor's id of an event")
    for row in searching.subjects_fitting(connection, search_words.query_of(wanted, country), most):
        yield Hit("the beginning of a number or a name", row.account, row.key, row.snapshot, row.updated_at)


def _of_row(row: Row[Any], by: str, delivery_id: UUID | None = None) -> Hit:
    said = row._mapping
    if said.get("kind") == "delivery":
        delivery_id = row.id
    account = row.subject_account or row.account
    return Hit(by, account, row.subject, {}, None, said.get("event_id", row.id), delivery_id)
