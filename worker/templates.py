"""Message templates as the vendor's list has them, and how a message fills one.

Invariant: nothing of a person is in here; what a vendor does not tell of a template is None, and is not judged.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class TemplateStatus(StrEnum):
    """What WhatsApp, or the platform between, says of a template."""

    APPROVED = "approved"
    PENDING = "pending"  # not judged yet, or judged again
    PAUSED = "paused"  # for its quality; comes back by itself
    REJECTED = "rejected"
    DISABLED = "disabled"  # paused too often, or deleted
    UNMAPPED = "unmapped"  # the platform does not know what its variables are
    UNKNOWN = "unknown"  # a word that we have not heard of


SENDABLE = frozenset({TemplateStatus.APPROVED, TemplateStatus.UNKNOWN})


@dataclass(frozen=True)
class Template:
    """A template in one language."""

    key: str
    """What messages name it by."""
    name: str
    language: str | None
    status: TemplateStatus
    variables: tuple[str, ...] | None = None
    """Of the body: `1`, `2` …, or names."""
    wants_media: bool | None = None
    """Whether its header is a file that each message brings."""
    buttons: int | None = None
    """How many quick replies it has."""
    known_as: tuple[str, ...] = ()
    """What people take for its key."""


@dataclass(frozen=True)
class TemplateList:
    """The templates of an account."""

    templates: tuple[Template, ...]
    is_whole: bool
    """Whether a template that is not in it does not exist."""


@dataclass(frozen=True)
class Filling:
    """What a message fills its template with."""

    key: str
    language: str | None = None
    values: int | None = None
    """How many variables of the body it gives."""
    names: tuple[str, ...] | None = None
    """Their names, where names bind them."""
    has_media: bool | None = None
    buttons: int = 0


@dataclass(frozen=True)
class TemplateSource:
    """How the templates of an action's vendor become known."""

    fetch: Callable[[Any], TemplateList]
    """Ask the vendor; the `worker.acting.Call` of the message, with a session of its own."""
    filling: Callable[[Any], Filling]
    """What the action's parameters say."""
    shelf: Callable[[Any], str | None] = lambda _call: ""
    """Which of an account's lists; None where it cannot be asked for."""


def status_of(word: str | None) -> TemplateStatus:
    """Return what a vendor's word for a status means."""
    plain = (word or "").strip().lower().replace(" ", "_")
    return _STATUSES.get(plain, TemplateStatus.UNKNOWN)


def as_kept(found: TemplateList) -> list[dict[str, Any]]:
    """Return the templates as JSON."""
    return [vars(template) for template in found.templates]


def from_kept(rows: Sequence[Mapping[str, Any]], *, is_whole: bool) -> TemplateList:
    """Return the templates that were kept as JSON."""
    return TemplateList(tuple(map(_from_kept, rows)), is_whole)


def _from_kept(row: Mapping[str, Any]) -> Template:
    variables = row["variables"]
    read = {
        "status": TemplateStatus(row["status"]),
        "variables": None if variables is None else tuple(variables),
        "known_as": tuple(row["known_as"]),
    }
    return Template(**{**row, **read})


_STATUSES: Mapping[str, TemplateStatus] = {
    "approved": TemplateStatus.APPROVED,
    "pending": TemplateStatus.PENDING,
    "in_appeal": TemplateStatus.PENDING,
    "paused": TemplateStatus.PAUSED,
    "rejected": TemplateStatus.REJECTED,
    "disabled": TemplateStatus.DISABLED,
    "deleted": TemplateStatus.DISABLED,
    "pending_deletion": TemplateStatus.DISABLED,
}
