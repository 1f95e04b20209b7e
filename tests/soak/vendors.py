"""The vendors of the random histories: they do what they are asked, or fail in every known way, and watch what it is.

Invariant: whatever a vendor did is counted here, also where nobody heard the answer; what must never be is noted.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from tasks.actions.registry import ACTIONS
from tests.soak.histories import Arriving, Order, iso
from webhooks.sources.scalev.orders import order_patch
from worker.acting import Action, Call, Outcome, Settled, Settlement
from worker.clock import Clock
from worker.errors import PermanentError, RetryableError, UncertainError, WorkerError
from worker.states import Reason, Scope

# What has to be unknown to the shop when a message of a rule leaves.
CONTRADICTED_BY = {
    "thanks": {"canceled"}, "remind": {"paid", "canceled"}, "welcome": {"canceled"}, "moved": set(), "shipped": set(),
    "completed": set(), "tapped": set(),
}  # fmt: skip
# Each way to fail, and how often of a thousand calls.
FAULTS = {
    "lost_answer": 50, "lost_request": 30, "connect_failed": 40, "rate_limited": 30, "rejected": 25,
    "too_fast_for_one": 25, "opted_out": 5, "account": 2,
    "crash_before": 20, "crash_after": 25, "late": 40, "bug_before": 5, "bug_after": 5,
}  # fmt: skip
TIMEOUT_SECONDS = 15.0


class Crashed(BaseException):
    """The worker is gone."""


@dataclass
class FakeSession:
    """The way to an account; nothing is remembered but that something left."""

    before_request: Callable[[], None] | None = None
    sent: bool = False
    exchanges: list[dict[str, Any]] = field(default_factory=list)

    def leave(self) -> None:
        """Let a request leave."""
        if self.before_request:
            self.before_request()
        self.sent = True


@dataclass
class Vendors:
    """All accounts' vendors of one round."""

    rng: Random
    clock: Clock
    orders: dict[str, Order]
    meanwhile: Callable[[bool], None]
    """Lets others work while a call is under way; with True time stands still."""
    tell: Callable[[Arriving], None]
    """Sends us a webhook."""
    quiet: Callable[[datetime], bool]
    """Whether no message may leave at a moment."""
    healthy: bool = False
    done: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """How often each message was really sent."""
    done_for: dict[str, str | None] = field(default_factory=dict)
    """The message's id, by the delivery it was sent for."""
    failed: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """How often a message was sent of which a receipt says that it never arrived: such a one may be sent again."""
    failed_for: set[str] = field(default_factory=set)
    """The ids of those messages."""
    known: dict[str, set[str]] = field(default_factory=dict)
    """What was routed of each order, of that which decides about messages."""
    gone: set[str] = field(default_factory=set)
    """Persons who said through a receipt, which was routed, that they want nothing more."""
    wrong: list[tuple[str, str]] = field(default_factory=list)
    """What must never be: the order, and what it was."""
    calls: Counter[str] = field(default_factory=Counter)
    down_until: dict[str, datetime] = field(default_factory=dict)
    _inside: dict[tuple[str, str], int] = field(default_factory=dict)

    def actions(self) -> dict[str, Action]:
        """Return the real actions with calls of our own behind them."""
        named = {
            "wabotick.send_template": {"run": self._send, "settle": self._settle},
            "scalev.update_order_tags": {"run": self._tag},
            "scalev.get_order": {"run": self._look},
        }
        return {name: replace(ACTIONS[name], **changes) for name, changes in named.items()}

    def _send(self, call: Call) -> Outcome:
        number, rule, detail = call.parameters.variables
        key, line = (number, rule, detail), (number, rule)
        call.session.leave()
        self._watch(number, rule, call.parameters.phone_number)
        if self._inside.get(line):
            self.wrong.append((number, f"two deliveries of the rule {rule} at once"))
        self._inside[line] = self._inside.get(line, 0) + 1
        try:
            return self._answer(call, lambda: self._sent(call, key))
        finally:
            self._inside[line] -= 1

    def _watch(self, number: str, rule: str, phone: str) -> None:
        known = self.known.get(number, set())
        if found := known & (CONTRADICTED_BY[rule] | {"spam"}):
            self.wrong.append((number, f"a message of the rule {rule} though the order is known to be {found}"))
        if self.quiet(self.clock()):
            self.wrong.append((number, f"a message of the rule {rule} in quiet hours"))
        if phone in self.gone:
            self.wrong.append((number, f"a message of the rule {rule} after STOP"))

    def _sent(self, call: Call, key: tuple[str, ...]) -> Outcome:
        self.done[key] += 1
        message_id = f"wamid.{'.'.join(key)}.{self.done[key]}"
        self.done_for[str(call.delivery_id)] = message_id
        if self._report(key[0], message_id):
            self.failed[key] += 1
            self.failed_for.add(message_id)
        return Outcome({"message_id": message_id})

    def _report(self, number: str, message_id: str) -> bool:
        """Send receipts: late, twice, in any order; return whether they say that it never arrived."""
        states = self.rng.choice(([], [], [], ["delivered"], ["read", "sent", "read"], ["failed"]))
        for state in states:
            at = self.clock() + timedelta(seconds=self.rng.choice((0, 1, 30, 4000)) * self.rng.random())
            is_gone = state == "failed" and self.rng.random() < 0.3
            why = "(Error Code : 131050 ) stop" if is_gone else "(Error Code : 131026 ) undeliverable"
            body = {
                "chat_id": self.orders[number].phone, "webhook_type": "message_status_change",
                "wa_message_id": message_id, "message_status": state, "status_time": iso(at),
                "failed_reason": why if state == "failed" else None,
            }  # fmt: skip
            tells = frozenset({"gone"} if is_gone else ())
            key = f"{message_id}:{state}"
            self.tell(Arriving(at, "wa", json.dumps(body).encode(), key, number, tells, trigger="status"))
        return "failed" in states

    def _tag(self, call: Call) -> Outcome:
        order = self.orders[call.parameters.id.removeprefix("id-")]
        call.session.leave()

        def tagged() -> Outcome:
            self.done[order.number, "tagged"] += 1
            now = self.clock()
            data = order.at(now) | {"tags": call.parameters.tags, "last_updated_at": iso(now)}
            body = {"event": "order.updated", "timestamp": iso(now), "data": data}
            key = f"echo-{order.number}-{self.done[order.number, 'tagged']}"
            raw = json.dumps(body | {"unique_id": key}).encode()
            at = now + timedelta(seconds=self.rng.choice((0, 1, 30)) * self.rng.random())
            self.tell(Arriving(at, "toko", raw, key, order.number))
            patch = order_patch({"order_id": order.number, "tags": call.parameters.tags}, now, "ID")
            return Outcome({"order_id": order.number}, (patch,) if patch else ())

        return self._answer(call, tagged)

    def _look(self, call: Call) -> Outcome:
        given = call.parameters
        number = given.order_id or given.id.removeprefix("id-")
        call.session.leave()
        patch = order_patch(self.orders[number].at(self.clock()), self.clock(), "ID")
        return self._answer(call, lambda: Outcome({"order_id": number}, (patch,) if patch else ()))

    def _answer(self, call: Call, act: Callable[[], Outcome]) -> Outcome:
        """Act and answer, or fail in one of the known ways."""
        fault, began = self._fault(call.account_name), self.clock()
        self.calls[fault] += 1
        self.meanwhile(True)
        if (self.clock() - began).total_seconds() > TIMEOUT_SECONDS:
            raise UncertainError(Reason.TIMEOUT, "no answer in time")
        if fault == "bug_before":
            call.session.sent = False
            raise ValueError
        if make := _BEFORE.get(fault):
            raise make()
        outcome = act()
        if fault == "late":
            self.meanwhile(False)
        if make := _AFTER.get(fault):
            raise make()
        return outcome

    def _fault(self, account: str) -> str:
        if self.healthy:
            return "none"
        if self.down_until.get(account, self.clock()) > self.clock():
            return "account"
        drawn = self.rng.randrange(1000)
        for fault, often in FAULTS.items():
            drawn -= often
            if drawn < 0:
                if fault == "account":
                    self.down_until[account] = self.clock() + timedelta(seconds=self.rng.choice((30, 600, 3600)))
                return fault
        return "none"

    def _settle(self, call: Call, _since: datetime) -> Settlement:
        """Tell what became of a message, as far as the vendor can tell that."""
        call.session.leave()
        self.calls["settle"] += 1
        if not self.healthy and self.rng.random() < 0.3:
            return Settlement(Settled.NOT_KNOWN)
        message_id = self.done_for.get(str(call.delivery_id))
        if message_id is None:
            return Settlement(Settled.DID_NOT_HAPPEN)
        return Settlement(Settled.HAPPENED, Outcome({"message_id": message_id}))


def _scoped(error: WorkerError, scope: Scope) -> WorkerError:
    error.scope = scope
    return error


_BEFORE: dict[str, Callable[[], BaseException]] = {
    "lost_request": lambda: UncertainError(Reason.TIMEOUT, "no answer in time"),
    "connect_failed": lambda: RetryableError(Reason.CONNECT_FAILED, "nobody there"),
    "rate_limited": lambda: RetryableError(Reason.RATE_LIMITED, "too fast", retry_after_seconds=20),
    "rejected": lambda: PermanentError(Reason.REJECTED, "no"),
    "too_fast_for_one": lambda: _scoped(
        RetryableError(Reason.PAIR_RATE_LIMITED, "too fast", growth=4.0), Scope.RECIPIENT
    ),
    "opted_out": lambda: _scoped(PermanentError(Reason.OPTED_OUT, "wants nothing more"), Scope.RECIPIENT),
    "account": lambda: _scoped(PermanentError(Reason.PAYMENT_PROBLEM, "not paid"), Scope.ACCOUNT),
    "crash_before": Crashed,
}
_AFTER: dict[str, Callable[[], BaseException]] = {
    "lost_answer": lambda: UncertainError(Reason.TIMEOUT, "no answer in time"),
    "crash_after": Crashed,
    "bug_after": ValueError,
}
