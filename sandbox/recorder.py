"""Remembers what the vendors received and what they did about it: the evidence tests and people look at.

Invariant: an effect is listed exactly when a vendor really did it, also when its answer was lost on the way.
"""

from collections import deque
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase

from sandbox.exchange import Answer, Call, Clock, Effect, Json
from sandbox.masking import masked_headers, masked_params

KEPT = 100_000


@dataclass(slots=True)
class Record:
    """One request. `status` is what the client was answered; None while it waits, or when no answer went out."""

    number: int
    at: str
    vendor: str
    method: str
    path: str
    query: dict[str, Json]
    headers: dict[str, str]
    params: Json
    problem: str | None = None
    status: int | None = None
    fault: str | None = None
    effect: Effect | None = None
    effects: tuple[Effect, ...] = ()
    refusal: str | None = None

    def shown(self) -> dict[str, Json]:
        """Return it as JSON."""
        return asdict(self)


class Recorder:
    """The requests and effects since the start or the last clearing, oldest first, the newest 100,000 of each."""

    def __init__(self, clock: Clock, kept: int = KEPT) -> None:
        self._clock = clock
        self._records: deque[Record] = deque(maxlen=kept)
        self._effects: deque[Effect] = deque(maxlen=kept)
        self.count = 0

    def received(self, vendor: str, path: str, call: Call, fault: str | None) -> Record:
        """Note a request as it comes in."""
        self.count += 1
        record = Record(
            number=self.count,
            at=self._clock().isoformat(timespec="milliseconds"),
            vendor=vendor,
            method=call.method,
            path=path,
            query=masked_params(dict(call.query)),
            headers=masked_headers(call.headers),
            params=masked_params(dict(call.params)),
            problem=call.problem,
            fault=fault,
        )
        self._records.append(record)
        return record

    def did(self, record: Record, answer: Answer) -> None:
        """Note what the vendor did for a request, before anything can happen to its answer."""
        record.refusal = answer.refusal
        record.effects = answer.effects
        record.effect = answer.effects[0] if answer.effects else None
        at = self._clock().isoformat(timespec="milliseconds")
        for effect in answer.effects:
            self._effects.append({"vendor": record.vendor, "number": record.number, "at": at, **effect})

    def clear(self) -> None:
        """Forget everything; the numbers start again."""
        self._records.clear()
        self._effects.clear()
        self.count = 0

    def requests(self, vendor: str = "", path: str = "", since: int = 0) -> list[Record]:
        """Return the requests after number `since`, of one vendor, whose path fits a glob pattern."""
        return [
            record
            for record in self._records
            if record.number > since
            and vendor in ("", record.vendor)
            and (not path or fnmatchcase(record.path, path) or record.path.endswith(path))
        ]

    def effects(self, vendor: str = "", kind: str = "") -> list[Effect]:
        """Return the effects in the order they happened."""
        return [
            effect for effect in self._effects if vendor in ("", effect["vendor"]) and kind in ("", effect.get("kind"))
        ]
