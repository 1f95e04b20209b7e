"""How a message may be kept from being sent.

Invariant: what is refused was not sent, so a rule may do something else instead.
"""

from dataclasses import dataclass

from worker.states import DeliveryState, Reason


@dataclass(frozen=True)
class Refusal:
    """Why a delivery is not sent at all, and what becomes of it."""

    reason: Reason
    error: str
    state: DeliveryState
