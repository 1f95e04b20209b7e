"""The names that an expression may speak of, filled for one event.

Invariant: routing and delivering build the same names in the same way; only the snapshots may be newer, and whom a call
note belongs to is known at sending only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from config.subjects import FIELDS

TAP_FIELDS = ("found_by", "question", "answer", "decided", "decision", "late", "ambiguous")
"""What rules may ask of a tapped button; see `worker.taps`."""
_PERSONAL = ("phone", "phone_raw", "chat_id", "customer_name", "name", "first_name", "last_name", "email", "address")
_BESIDE = {"call_note": ("customer", "customer_id")}


@dataclass(frozen=True)
class Subject:
    """What an event is about: a key such as `order:250804QWERTY`, within one account. No key: nothing known."""

    account: str
    key: str | None


def subject_beside(subject: Subject, snapshot: Mapping[str, Any]) -> Subject | None:
    """Return whom a subject belongs to, whose snapshot goes with it when a step is sent: a call note its customer."""
    kind, field = _BESIDE.get((subject.key or "").partition(":")[0], ("", ""))
    return Subject(subject.account, f"{kind}:{snapshot[field]}") if snapshot.get(field) else None


def expression_context(
    event: dict[str, Any],
    data: dict[str, Any],
    subject: Subject,
    snapshot: dict[str, Any],
    now: datetime,
    beside: Mapping[str, dict[str, Any]] | None = None,
    tap: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return every name of the expression language for one event.

    Every kind of subject has all its fields whatever was seen, None where nothing is known, so that a rule may ask
    for any of them. `beside`: other snapshots, by the name they have in expressions; `tap`: what a tapped button was
    found to mean.
    """
    known = {**(beside or {}), (subject.key or "").partition(":")[0]: snapshot}
    snapshots = {name: dict.fromkeys(fields) | known.get(name, {}) for name, fields in FIELDS.items()}
    tap = dict.fromkeys(TAP_FIELDS) | dict(tap or {})
    event = {**event, "subject": subject.key, "ambiguous": bool(tap["ambiguous"])}
    return {"event": event, "data": data, "account": event["account"], "now": now, "tap": tap, **snapshots}


def personal_values(context: dict[str, Any]) -> set[str]:
    """Return the texts in a context that tell who somebody is, for masking wherever they turn up."""
    return set().union(*(personal_texts(context[part]) for part in ("data", *FIELDS)))


def personal_texts(values: Mapping[str, Any]) -> set[str]:
    """Return the texts among a subject's or an event's own fields that tell who somebody is."""
    found = (values.get(name) for name in _PERSONAL)
    return {str(value) for value in found if isinstance(value, str | int) and value and value is not True}


def by_step(results: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what steps brought as expressions see it: of a step for each element of a list, a list."""
    found: dict[str, Any] = {}
    for step_id, result in results.items():
        name, bracket, _ = step_id.partition("[")
        if bracket:
            found.setdefault(name, []).append(result)
        else:
            found[name] = result
    return found
