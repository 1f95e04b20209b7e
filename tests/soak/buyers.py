"""What follows from a message that a buyer got: reports of the platform, taps on its buttons.

Invariant: what is sent back is late, twice and in any order, as platforms do it; what it means stands beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from tests.soak import wire
from tests.soak.knowledge import Sending
from tests.soak.wire import Arriving
from worker.clock import Clock

_REPORTS = ((), (), (), (), ("delivered",), ("delivered",), ("read", "sent"), ("failed",))
_DELAYS = (0, 1, 30, 4000)
_SOON = timedelta(minutes=4)


@dataclass(frozen=True)
class Buyers:
    """Everybody who gets messages."""

    rng: Random
    clock: Clock
    tell: Callable[[Arriving], None]

    def report(self, sending: Sending, message_id: str, delivery_id: str) -> bool:
        """Send reports; return whether they say that it never arrived."""
        rng, states = self.rng, self.rng.choice(_REPORTS)
        reference = {"meta": delivery_id, "cgb": f'{{"c": "{sending.phone}"}}'}.get(sending.account)
        for state in states:
            at = self.clock() + timedelta(seconds=rng.choice(_DELAYS) * rng.random())
            # Of a message that is matched by its time the platform's first report tells one near to its sending.
            happened = min(at, self.clock() + _SOON) if sending.account == "cgb" else at
            gone = state == "failed" and rng.random() < 0.3
            said = wire.report(sending.account, sending.phone, message_id, state, happened, reference, opted_out=gone)
            arriving = Arriving(
                at=at, dedupe_key=f"{message_id}:{state}", number=sending.number, reports=(message_id, state),
                opted_out=gone, **said,
            )  # fmt: skip
            self.tell(arriving)
        return "failed" in states

    def react(self, sending: Sending, message_id: str) -> None:
        """Tap on the buttons of a question, or not."""
        rng = self.rng
        for turn in range(rng.choice((0, 1, 1, 2, 3))):
            at = self.clock() + timedelta(seconds=rng.choice((5, 600, 4000, 60_000)) * rng.random())
            label, key = rng.choice(("Confirm", "Cancel")), f"tap-{message_id}-{turn}"
            names = rng.choice(({"message": message_id}, {"message": message_id}, {}, {"order": sending.number}))
            said = wire.tap(sending.account, sending.phone, label, at, f"in-{key}", names)
            for again in range(rng.choice((1, 1, 2))):
                late = at + timedelta(seconds=rng.choice((1, 30, 600)) * rng.random() + again * 15)
                arriving = Arriving(
                    at=late, account=sending.account, dedupe_key=key, number=sending.number, phone=sending.phone,
                    tapped=label, is_sure=bool(names), **said,
                )  # fmt: skip
                self.tell(arriving)
