"""Whether each account's vendor reaches us: what came in last, what was refused, and which secret is in use.

Invariant: it is put together from the ledger each time it is asked; no secret is in it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from config.accounts import Account
from config.load import Config
from config.settings import Settings
from console.connecting.endpoints import Endpoint, endpoints_of
from console.connecting.steps import GUIDES, REFUSALS, Guide
from worker.ledger.inbound import NEWEST, Arrivals, arrivals_at, was_challenged


@dataclass(frozen=True)
class Use:
    """An address and what came in by it lately."""

    endpoint: Endpoint
    events: int
    """Of the newest events of the account."""
    last_at: datetime | None


@dataclass(frozen=True)
class Standing:
    """How one account stands."""

    account: str
    vendor: str
    guide: Guide
    uses: tuple[Use, ...]
    arrivals: Arrivals
    challenges: int
    challenged_at: datetime | None

    @property
    def state(self) -> str:
        """Say in one word whether the vendor reaches us: `connected`, `refused` or `silent`."""
        newest, refused = self.arrivals.newest, self.arrivals.refused
        if refused and (newest is None or refused.received_at > newest.received_at):
            return "refused"
        return "connected" if newest else "silent"

    @property
    def refused_because(self) -> str | None:
        """Say why the last request that was refused was."""
        refused = self.arrivals.refused
        return REFUSALS.get(refused.reason, refused.reason.replace("_", " ")) if refused else None

    @property
    def is_bounded(self) -> bool:
        """Whether there are more events than were looked at."""
        return self.arrivals.looked_at >= NEWEST

    def as_json(self) -> dict[str, Any]:
        """Return it as a document."""
        newest, refused = self.arrivals.newest, self.arrivals.refused
        return {
            "account": self.account, "vendor": self.vendor, "state": self.state,
            "last_received_at": newest.received_at if newest else None,
            "last_type": newest.type if newest else None,
            "last_refused_at": refused.received_at if refused else None,
            "last_refused_because": self.refused_because,
            "challenges": self.challenges if self.guide.is_asked else None,
            "place": self.guide.place, "steps": list(self.guide.steps),
            "endpoints": [
                {
                    "label": use.endpoint.label, "url": use.endpoint.shown, "proof": use.endpoint.proof,
                    "trigger": use.endpoint.trigger, "secret": use.endpoint.index, "events": use.events,
                    "last_received_at": use.last_at,
                }
                for use in self.uses
            ],
        }  # fmt: skip


def standing_of(connection: Connection, name: str, account: Account, settings: Settings) -> Standing:
    """Return how one account stands."""
    arrivals = arrivals_at(connection, name)
    guide = GUIDES[account.vendor]
    challenges, challenged_at = was_challenged(connection, name) if guide.is_asked else (0, None)
    uses = tuple(_use(endpoint, arrivals) for endpoint in endpoints_of(name, account, settings))
    return Standing(name, account.vendor, guide, uses, arrivals, challenges, challenged_at)


def standings(connection: Connection, config: Config, settings: Settings) -> list[Standing]:
    """Return how every account stands."""
    return [standing_of(connection, name, account, settings) for name, account in config.accounts.items()]


def _use(endpoint: Endpoint, arrivals: Arrivals) -> Use:
    found = [
        row
        for row in arrivals.by_secret
        if row.trigger == endpoint.trigger and endpoint.index in {None, row.secret_index or 0}
    ]
    last = max((row.last_received_at for row in found), default=None)
    return Use(endpoint, sum(row.events for row in found), last)
