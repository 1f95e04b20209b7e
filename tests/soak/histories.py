"""Random histories of one order: what truly happens to it, and what arrives of that: late, twice, mixed, or not at all.

Invariant: a history follows from its random source alone, so a seed tells it again.
"""

import copy
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from tests.soak import wire
from tests.soak.wire import Arriving, Wish, iso
from webhooks.examples import load_example

BEGIN = datetime(2026, 1, 15, 3, 0, tzinfo=UTC)
_PATH = ("confirmed", "in_process", "ready", "shipped", "completed")
_TEXTS = {
    "Halo, ready?": None, "stop by tomorrow please": None, "Promo apa?": None, "STOP": Wish(stopped=True),
    "Berhenti!": Wish(stopped=True), " stop promo ": Wish(stopped=True), "START": Wish(stopped=False),
    "mulai lagi": Wish(stopped=False),
}  # fmt: skip
_TIMES = ("draft", "pending", "confirmed", "in_process", "ready", "shipped", "completed", "rts", "canceled", "closed")


@dataclass
class Order:
    """One order: its true states, each from a moment on, and what it is called."""

    number: str
    phone: str
    truth: list[tuple[datetime, dict[str, Any]]] = field(default_factory=list)

    def at(self, moment: datetime) -> dict[str, Any]:
        """Return the vendor's record as it is at a moment."""
        return next((data for since, data in reversed(self.truth) if since <= moment), self.truth[0][1])


@cache
def _example(name: str) -> dict[str, Any]:
    return load_example("scalev", name)


def told_by(data: dict[str, Any]) -> frozenset[str]:
    """Return what of that which decides about messages a record says."""
    found = {"paid"} if data.get("payment_status") in {"paid", "settled"} else set()
    found |= {"canceled"} if data.get("status") == "canceled" else set()
    return frozenset(found | ({"spam"} if data.get("is_probably_spam") else set()))


class History:
    """Writes one history."""

    def __init__(self, seed: int, index: int) -> None:
        self._rng = Random(f"{seed}/{index}")
        # Some buyers have two orders.
        whose = index - index % 2 if Random(f"{seed}/both/{index // 2}").random() < 0.15 else index
        self.order = Order(f"26{index:06d}X", f"62812{whose:07d}")
        self.arrivals: list[Arriving] = []
        self._write()

    def _write(self) -> None:
        rng, began = self._rng, BEGIN + timedelta(seconds=self._rng.uniform(0, 900))
        changes = [(began, "order.created", {})]
        if rng.random() < 0.5:
            paid = began + timedelta(hours=rng.choice((0.05, 1, 3, 24)) * rng.random())
            changes.append((paid, "order.payment_status_changed", {"payment_status": "paid", "paid_time": iso(paid)}))
            if rng.random() < 0.3:
                settled = paid + timedelta(hours=rng.random() * 3)
                more = {"payment_status": "settled", "settled_time": iso(settled)}
                changes.append((settled, "order.payment_status_changed", more))
        changes += self._statuses(began)
        self._tell(sorted(changes, key=lambda change: change[0]))
        for turn in range(rng.choice((0, 0, 0, 0, 1))):
            self._tap(began + timedelta(hours=5 * rng.random()), turn)
        for turn in range(rng.choice((0, 0, 0, 0, 1, 1, 3))):
            self._say(began + timedelta(hours=rng.choice((0.1, 3, 30)) * rng.random()), turn)
        if rng.random() < 0.06:
            self._block(began + timedelta(hours=20 * rng.random()))
        if rng.random() < 0.08 and self.arrivals:
            self._hold_back()

    def _hold_back(self) -> None:
        """Let everything come at once, in any order: as after an outage."""
        last = max(arriving.at for arriving in self.arrivals)
        late = [replace(arriving, at=self._late(last, 0)) for arriving in self.arrivals]
        self.arrivals = self._rng.sample(late, len(late))

    def _statuses(self, began: datetime) -> list[tuple[datetime, str, dict[str, Any]]]:
        rng, moment, found = self._rng, began, []
        for status in _PATH[: rng.choice((0, 0, 0, 0, 1, 2, 5))]:
            moment += timedelta(hours=rng.choice((0.01, 1, 6)) * rng.random())
            status_now = "rts" if status == "completed" and rng.random() < 0.3 else status
            found.append((moment, status_now))
        if rng.random() < 0.25 and len(found) < 4:
            found.append((moment + timedelta(hours=rng.choice((0.01, 2, 22)) * rng.random()), "canceled"))
        said = [(at, status, {"status": status, f"{status}_time": iso(at)}) for at, status in found]
        return [(at, "order.status_changed", change) for at, _, change in said]

    def _tell(self, changes: list[tuple[datetime, str, dict[str, Any]]]) -> None:
        rng, order = self._rng, self.order
        data = copy.deepcopy(_example("order.created")["data"])
        data |= {f"{name}_time": None for name in _TIMES}
        data |= {"id": f"id-{order.number}", "order_id": order.number, "customer_id": int(order.phone)}
        data["destination_address"] |= {"phone": order.phone, "name": f"Buyer {order.number}"}
        data |= {"payment_method": rng.choice(("cod", "bank_transfer"))}
        data |= {"is_probably_spam": rng.random() < 0.05, "created_at": iso(changes[0][0])}
        data |= {"pending_time": iso(changes[0][0]), "unpaid_time": iso(changes[0][0])}
        untold = "order.created" if rng.random() < 0.1 else None
        for at, event, change in changes:
            data = copy.deepcopy(data) | change | {"last_updated_at": iso(at)}
            order.truth.append((at, data))
            if event != untold:
                self._send(at, event, self._part(event, data))

    def _part(self, event: str, data: dict[str, Any]) -> dict[str, Any]:
        """Return what an event of that kind tells of the record."""
        return data if event == "order.created" else {key: data[key] for key in _example(event)["data"] if key in data}

    def _send(self, at: datetime, event: str, data: dict[str, Any]) -> None:
        rng = self._rng
        key = f"{event}-{self.order.number}-{iso(at)}"
        body = {"event": event, "unique_id": key, "timestamp": iso(at), "data": data}
        raw = json.dumps(body).encode()
        if event != "order.created":  # a part tells its own only
            data = {name: data.get(name) for name in ("payment_status", "status", "is_probably_spam")}
        tells = told_by(data)
        for again in range(rng.choice((1, 1, 1, 1, 1, 2))):
            self.arrivals.append(Arriving(self._late(at, again), "toko", raw, key, self.order.number, tells=tells))
        if rng.random() < 0.05:  # an app repeats what the shop's own webhook says, under another id
            other = json.dumps(body | {"unique_id": key + "-app"}).encode()
            again_key, late = key + "-app", self._late(at, 0)
            self.arrivals.append(Arriving(late, "toko", other, again_key, self.order.number, tells=tells))

    def _tap(self, at: datetime, turn: int) -> None:
        """Tap a button that no question of ours offered."""
        said = wire.tap("wa", self.order.phone, "More", at, f"t{turn}", {"order": self.order.number})
        self._heard("wa", at, f"tap-{self.order.number}-{turn}", {**said, "tapped": "More", "is_sure": True})

    def _say(self, at: datetime, turn: int) -> None:
        words, wish = self._rng.choice(list(_TEXTS.items()))
        account, key = self._rng.choice(("wa", "meta", "cgb")), f"text-{self.order.number}-{turn}"
        said = wire.text(account, self.order.phone, words, at, key)
        self._heard(account, at, key, {**said, "wish": wish})

    def _block(self, at: datetime) -> None:
        for turn, blocked in enumerate((True, False)[: self._rng.choice((1, 2))]):
            said = wire.blocking(self.order.phone, blocked=blocked)
            wish = Wish(stopped=blocked, everything=True)
            when = at + timedelta(hours=turn * 4 * self._rng.random())
            key = f"block-{self.order.number}-{turn}"
            self.arrivals.append(self._arriving("wa", when, key, {**said, "wish": wish, "phone": self.order.phone}))

    def _heard(self, account: str, at: datetime, key: str, said: dict[str, Any]) -> None:
        for again in range(self._rng.choice((1, 1, 2))):
            late = self._late(at, again)
            self.arrivals.append(self._arriving(account, late, key, {**said, "phone": self.order.phone}))

    def _arriving(self, account: str, at: datetime, key: str, said: dict[str, Any]) -> Arriving:
        return Arriving(at=at, account=account, dedupe_key=key, number=self.order.number, **said)

    def _late(self, at: datetime, again: int) -> datetime:
        longest = self._rng.choice((0.1, 2, 2, 2, 60, 600, 3 * 3600))
        return at + timedelta(seconds=self._rng.random() * longest + again * 15)
