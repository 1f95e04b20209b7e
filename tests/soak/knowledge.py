"""What the shop knows at a moment, by what was routed; and what a message that leaves then must not be.

Invariant: this is told by the histories, not by the engine, so that it can be held against what the engine does.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from tests.soak.wire import Arriving, Wish

DAY = timedelta(hours=24)


class Fault(NamedTuple):
    """Something that must never be."""

    kind: str
    subject: str
    """The order, or the person."""
    detail: str = ""


@dataclass(frozen=True)
class Promise:
    """What holds for every message of a rule."""

    against: frozenset[str] = frozenset()
    """What has to be unknown of the order when it leaves."""
    utility: bool = False
    """News of an order, which goes out to people who want no offers, too."""
    arrives: frozenset[str] = frozenset()
    """The steps that have succeeded only when the message arrived."""


_CANCELED = frozenset({"canceled"})
PROMISES = {
    "thanks": Promise(_CANCELED), "remind": Promise(frozenset({"paid", "canceled"})), "welcome": Promise(_CANCELED),
    "moved": Promise(utility=True), "shipped": Promise(), "completed": Promise(), "tapped": Promise(),
    "ask": Promise(_CANCELED), "confirmed": Promise(), "declined": Promise(),
    "answer": Promise(), "reply": Promise(), "chat": Promise(),
    "arrives": Promise(arrives=frozenset({"tell"})),
}  # fmt: skip
"""By rule."""


@dataclass(frozen=True)
class Sending:
    """A message at the moment when it leaves."""

    at: datetime
    rule: str
    number: str
    account: str
    phone: str
    """Without the plus sign."""
    in_session: bool
    template: str | None
    begun: int
    """When the attempt began, counted in attempts."""


@dataclass
class Knowledge:
    """What was routed, and what answers told."""

    orders: dict[str, set[str]] = field(default_factory=dict)
    wishes: dict[tuple[str, bool], tuple[datetime, bool]] = field(default_factory=dict)
    """By person, and whether it is about everything: since when, and whether they stopped."""
    heard: dict[tuple[str, str], datetime] = field(default_factory=dict)
    """When a person last wrote to an account's number."""
    stopped: dict[tuple[str, str], tuple[int, datetime]] = field(default_factory=dict)
    """The templates of an account that were refused, since which attempt and moment."""
    arrived: set[str] = field(default_factory=set)
    """The ids of messages that a report says arrived."""
    beginnings: int = 0
    """How many attempts began so far."""

    def learn(self, arriving: Arriving, received_at: datetime, now: datetime) -> None:
        """Take in what was routed."""
        self.orders.setdefault(arriving.number, set()).update(arriving.tells)
        at = min(arriving.said_at or received_at, now)
        if arriving.phone and not (arriving.wish and arriving.wish.everything):
            whom = arriving.account, arriving.phone
            self.heard[whom] = max(at, self.heard.get(whom, at))
        if arriving.phone and arriving.wish:
            self.wish(arriving.phone, arriving.wish, at)
        if arriving.reports and arriving.reports[1] in {"delivered", "read"}:
            self.arrived.add(arriving.reports[0])

    def wish(self, phone: str, wish: Wish, at: datetime) -> None:
        """Take in what a person wants: what was said last counts."""
        whose = phone, wish.everything
        if whose not in self.wishes or at >= self.wishes[whose][0]:
            self.wishes[whose] = at, wish.stopped

    def faults(self, sending: Sending, *, quiet: bool) -> list[Fault]:
        """Return what is wrong with a message that leaves now."""
        promise, what = PROMISES[sending.rule], f"a message of the rule {sending.rule}"
        found = []
        if known := self.orders.get(sending.number, set()) & (promise.against | {"spam"}):
            found.append(("contradiction", f"{what} though the order is known to be {', '.join(sorted(known))}"))
        if quiet:
            found.append(("quiet hours", f"{what} at {sending.at:%H:%M:%S} UTC"))
        if self._stopped(sending.phone, everything=True):
            found.append(("blocked", what))
        if self._stopped(sending.phone, everything=False) and not promise.utility:
            found.append(("after STOP", what))
        heard = self.heard.get((sending.account, sending.phone))
        if sending.in_session and (heard is None or sending.at - heard >= DAY):
            found.append(("outside the 24 hours", f"{what}, who wrote last {heard}"))
        since, _ = self.stopped.get((sending.account, sending.template or ""), (sending.begun, None))
        if since < sending.begun:
            found.append(("stopped template", what))
        return [Fault(kind, sending.number, detail) for kind, detail in found]

    def _stopped(self, phone: str, *, everything: bool) -> bool:
        return self.wishes.get((phone, everything), (None, False))[1]


@dataclass
class Effects:
    """What was really done, whoever heard of it."""

    done: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """How often each message was sent, each order tagged."""
    failed: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """How often a message was sent of which a report says that it never arrived: such a one may be sent again."""
    message_of: dict[str, str] = field(default_factory=dict)
    """The message's id, by the delivery it was sent for."""
    failed_messages: set[str] = field(default_factory=set)
    inside: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """Which deliveries of an order and rule are being sent just now."""
