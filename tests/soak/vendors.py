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
from tests.soak import faults, wire
from tests.soak.buyers import Buyers
from tests.soak.faults import TIMEOUT_SECONDS
from tests.soak.histories import Order
from tests.soak.knowledge import Effects, Fault, Knowledge, Sending
from tests.soak.wire import Arriving, iso
from webhooks.sources.scalev.orders import order_patch
from worker.acting import Action, Call, Outcome, Settled, Settlement
from worker.clock import Clock
from worker.errors import UncertainError
from worker.states import Reason

_TEXTS = {"wabotick.send_message": "message", "meta.send_message": "body", "cgb.send_text": "text"}
"""The actions whose message is a text, and where it stands; those of templates have variables."""
_TEMPLATES = ("wabotick.send_template", "meta.send_template", "cgb.send_template")
_ASKABLE = "wabotick."
"""The only platform of these that can be asked what became of a message."""
_BAD_TEMPLATE = "template_stopped"


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
    knowledge: Knowledge = field(default_factory=Knowledge)
    effects: Effects = field(default_factory=Effects)
    begun: dict[str, int] = field(default_factory=dict)
    """When each delivery's attempt began, counted in attempts."""
    refused: dict[str, tuple[str, str, str, datetime]] = field(default_factory=dict)
    """By delivery, what an answer says for others, too: what is refused, the account, whom or what it names, when."""
    wrong: list[Fault] = field(default_factory=list)
    """What must never be."""
    calls: Counter[str] = field(default_factory=Counter)
    down_until: dict[str, datetime] = field(default_factory=dict)

    def actions(self) -> dict[str, Action]:
        """Return the real actions with calls of our own behind them."""
        named: dict[str, dict[str, Any]] = {
            "scalev.update_order_tags": {"run": self._tag},
            "scalev.get_order": {"run": self._look},
        }
        for name in (*_TEXTS, *_TEMPLATES):
            named[name] = {"run": self._sender(ACTIONS[name])}
            if name.startswith(_ASKABLE):
                named[name]["settle"] = self._settle
        return {name: replace(ACTIONS[name], **changes) for name, changes in named.items()}

    def phone_of(self, number: str) -> str:
        """Return whose an order is; what is no order's is named by its person."""
        return self.orders[number].phone if number in self.orders else number

    def _sender(self, action: Action) -> Callable[[Call], Outcome]:
        def send(call: Call) -> Outcome:
            given = call.parameters
            words = getattr(given, _TEXTS[action.name]).split("|") if action.name in _TEXTS else given.variables
            number, rule, detail = words
            sending = Sending(
                self.clock(), rule, number.lstrip("+"), call.account_name, str(action.recipient(given)).lstrip("+"),
                action.in_session, action.template(given), self.begun.get(str(call.delivery_id), 0),
            )  # fmt: skip
            return self._send(call, sending, (sending.number, rule, detail))

        return send

    def _send(self, call: Call, sending: Sending, key: tuple[str, ...]) -> Outcome:
        call.session.leave()
        sending = replace(sending, at=self.clock())
        self.wrong += self.knowledge.faults(sending, quiet=self.quiet(sending.at))
        line, inside = key[:2], self.effects.inside
        if inside[line]:
            self.wrong.append(Fault("two at once", key[0], f"deliveries of the rule {key[1]}"))
        inside[line] += 1
        try:
            return self._answer(call, lambda: self._sent(call, sending, key), sending)
        finally:
            inside[line] -= 1

    def _sent(self, call: Call, sending: Sending, key: tuple[str, ...]) -> Outcome:
        effects = self.effects
        effects.done[key] += 1
        message_id = f"wamid.{'.'.join(key)}.{effects.done[key]}"
        effects.message_of[str(call.delivery_id)] = message_id
        buyers = Buyers(self.rng, self.clock, self.tell)
        if buyers.report(sending, message_id, str(call.delivery_id)):
            effects.failed[key] += 1
            effects.failed_messages.add(message_id)
        elif sending.rule == "ask":
            buyers.react(sending, message_id)
        return Outcome({} if sending.account == "cgb" else {"message_id": message_id})

    def _tag(self, call: Call) -> Outcome:
        order = self.orders[call.parameters.id.removeprefix("id-")]
        call.session.leave()

        def tagged() -> Outcome:
            self.effects.done[order.number, "tagged"] += 1
            now = self.clock()
            data = order.at(now) | {"tags": call.parameters.tags, "last_updated_at": iso(now)}
            body = {"event": "order.updated", "timestamp": iso(now), "data": data}
            key = f"echo-{order.number}-{self.effects.done[order.number, 'tagged']}"
            raw = json.dumps(body | {"unique_id": key}).encode()
            at = now + timedelta(seconds=self.rng.choice((0, 1, 30)) * self.rng.random())
            if self.rng.random() < 0.6:
                self.tell(wire.Arriving(at, "toko", raw, key, order.number))
            patch = order_patch({"order_id": order.number, "tags": call.parameters.tags}, now, "ID")
            return Outcome({"order_id": order.number}, (patch,) if patch else ())

        return self._answer(call, tagged)

    def _look(self, call: Call) -> Outcome:
        given = call.parameters
        number = given.order_id or given.id.removeprefix("id-")
        call.session.leave()
        patch = order_patch(self.orders[number].at(self.clock()), self.clock(), "ID")
        return self._answer(call, lambda: Outcome({"order_id": number}, (patch,) if patch else ()))

    def _answer(self, call: Call, act: Callable[[], Outcome], sending: Sending | None = None) -> Outcome:
        """Act and answer, or fail in one of the known ways."""
        fault, began = self._fault(call.account_name, sending), self.clock()
        self.calls[fault] += 1
        self.meanwhile(True)
        if (self.clock() - began).total_seconds() > TIMEOUT_SECONDS:
            raise UncertainError(Reason.TIMEOUT, "no answer in time")
        if fault == "bug_before":
            call.session.sent = False
            raise ValueError
        if make := faults.BEFORE.get(fault):
            self._remember(fault, call, sending)
            raise make()
        outcome = act()
        if fault == "late":
            self.meanwhile(False)
        if make := faults.AFTER.get(fault):
            raise make()
        return outcome

    def _fault(self, account: str, sending: Sending | None) -> str:
        if self.healthy:
            return "none"
        if self.down_until.get(account, self.clock()) > self.clock():
            return "account"
        fault = faults.drawn(self.rng)
        if fault == "account":
            self.down_until[account] = self.clock() + timedelta(seconds=self.rng.choice((30, 600, 3600)))
        is_about_template = fault == _BAD_TEMPLATE
        return "none" if is_about_template and (sending is None or sending.template is None) else fault

    def _remember(self, fault: str, call: Call, sending: Sending | None) -> None:
        named = {"opted_out": sending and sending.phone, _BAD_TEMPLATE: sending and sending.template}
        if sending and (name := named.get(fault)):
            self.refused[str(call.delivery_id)] = fault, sending.account, name, sending.at

    def _settle(self, call: Call, _since: datetime) -> Settlement:
        """Tell what became of a message, as far as the vendor can tell that."""
        call.session.leave()
        self.calls["settle"] += 1
        if not self.healthy and self.rng.random() < 0.3:
            return Settlement(Settled.NOT_KNOWN)
        message_id = self.effects.message_of.get(str(call.delivery_id))
        if message_id is None:
            return Settlement(Settled.DID_NOT_HAPPEN)
        return Settlement(Settled.HAPPENED, Outcome({"message_id": message_id}))
