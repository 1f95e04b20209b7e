"""Events that never came in: a body that somebody pasted, or a vendor's example, read as if an account had received it.

Invariant: nothing is written and nothing is verified: what is read here never gets into the ledger.
"""

from collections.abc import Iterator
from datetime import datetime

from config.load import Config
from tasks.trying.reading import READERS
from tasks.trying.world import Told
from webhooks.inbound import Inbound
from webhooks.registry import SOURCES
from webhooks.strict_json import JsonError, parse_json
from webhooks.verification import Match
from worker.context import Subject
from worker.ids import new_id
from worker.reading import Stored, UnreadableError
from worker.routing import read_stored

MOST_DEPTH = 200


def read_pasted(
    config: Config, account: str, body: bytes, trigger: str | None, now: datetime, event: str | None = None
) -> Iterator[Told]:
    """Yield the events in a JSON body; raises UnreadableError.

    `trigger`: the endpoint of the account that it would come in by; `event`: what the vendor calls it, where that
    tells the endpoint.
    """
    configured = config.accounts.get(account)
    source = SOURCES.get(configured.vendor) if configured else None
    if configured is None or source is None:
        raise UnreadableError(f'there is no account "{account}" that receives anything')
    try:
        parsed = parse_json(body, MOST_DEPTH)
    except JsonError as error:
        raise UnreadableError(str(error)) from None
    trigger = trigger or source.triggers.get(event or "")
    inbound = Inbound(account, body, {}, "", None, None, now)
    for identity in source.identify(inbound, parsed, Match(0, trigger), configured):
        stored = Stored(
            account=account, type=identity.type, body=body, content_type="application/json", query=None, headers={},
            trigger=trigger, received_at=now, part=identity.part,
        )  # fmt: skip
        what = read_stored(config, READERS, stored)
        yield Told(new_id(), stored, what, Subject(account, what.subject))
