"""What happens to one webhook: verify the raw bytes, parse strictly, identify, store; nothing else.

Invariant: `receive` returns an event only after its commit, and a body that was refused is in quarantine before the
refusal is answered (unless it was too large to look at).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from config.accounts import Account
from config.load import Config
from config.settings import Settings
from webhooks.forms import is_form, parse_form
from webhooks.inbound import Inbound
from webhooks.source import Identity, Source
from webhooks.strict_json import JsonError, parse_json
from webhooks.verification import IN_PATH, Evidence, Match, Scheme, VerificationError
from worker import tracing
from worker.errors import ReceiveError
from worker.ledger import inbox, quarantine
from worker.ledger.database import by_statement
from worker.ledger.inbox import Accepted, Arrival, NewEvent
from worker.ledger.quarantine import Caps, Refused
from worker.states import Handling

Result = TypeVar("Result")

BATCH = "batch"
"""The type, after the vendor's name, of a request that holds several events: it has the body they came in."""

_MOST_KEPT_CHARACTERS = 500
_MOST_KEPT_QUERY = 2_000  # of a refused body: anybody can send those
# Worth keeping of any vendor's request, and no secret.
_KEPT_HEADERS = ("content-type", "user-agent", "x-request-id", "date")


@dataclass(frozen=True)
class Endpoint:
    """Where one account's webhooks come in."""

    name: str
    account: Account
    source: Source
    schemes: tuple[Scheme, ...]

    def scheme(self, *, in_path: bool) -> Scheme | None:
        """Return how a request is verified, whose URL carries a secret or does not; None: there is no such URL."""
        return next((scheme for scheme in self.schemes if scheme.in_path == in_path), None)


@dataclass(frozen=True)
class Received:
    """What was stored, for the answer and the log."""

    accepted: Accepted
    arrival: Arrival
    reply: dict[str, Any]
    """What the vendor wants to be answered beside the usual."""


def make_endpoints(config: Config, sources: Mapping[str, Source]) -> dict[str, Endpoint]:
    """Return the endpoint of every account whose vendor has an inbound side."""
    return {
        name: Endpoint(name, account, sources[account.vendor], tuple(sources[account.vendor].schemes(account)))
        for name, account in config.accounts.items()
        if account.vendor in sources
    }


class Receiving:
    """Takes verified webhooks into the ledger."""

    def __init__(self, engine: Engine, settings: Settings, endpoints: Mapping[str, Endpoint]) -> None:
        self._engine, self._settings, self._endpoints = engine, settings, endpoints
        self._statements = by_statement(engine)
        self._caps = Caps(settings.quarantine_max_rows, settings.quarantine_max_bytes, settings.quarantine_max_days)

    def knows(self, account: object) -> bool:
        """Whether an account has an endpoint; anything else in a URL is the sender's text."""
        return account in self._endpoints

    def endpoint(self, account: str, *, with_path_secret: bool) -> Endpoint:
        """Return where a request goes; ReceiveError 404 when there is no such URL."""
        found = self._endpoints.get(account)
        if found is None or found.scheme(in_path=with_path_secret) is None:
            raise ReceiveError(404, "unknown_endpoint", "there is no such endpoint")
        return found

    def receive(self, endpoint: Endpoint, inbound: Inbound) -> Received:
        """Verify and store one webhook; raises ReceiveError with the status to answer."""
        evidence = _scheme(endpoint, in_path=inbound.path_secret is not None).evidence(inbound)
        try:
            arrival, body = self._read(endpoint, inbound, evidence)
        except VerificationError as error:
            self._refuse(endpoint, inbound, evidence, error.reason)
            status = endpoint.source.mismatch_status
            raise ReceiveError(status, error.reason, "the credential was not accepted") from None
        except JsonError as error:
            self._refuse(endpoint, inbound, evidence, "not_readable")
            raise ReceiveError(400, "not_readable", str(error)) from None
        accepted = _repeated(lambda: self._accept(arrival))
        reply = endpoint.source.reply(endpoint.account, body) if endpoint.source.reply else {}
        return Received(accepted, arrival, reply)

    def challenge(self, account: str, query: Mapping[str, str]) -> str:
        """Answer a vendor that asks whether the endpoint is ours; raises ReceiveError when it is none that asks so."""
        endpoint = self.endpoint(account, with_path_secret=False)
        if endpoint.source.challenge is None:
            raise ReceiveError(405, "method_not_allowed", "webhooks are posted")
        answer = endpoint.source.challenge(endpoint.account, query)
        if answer is None:
            raise ReceiveError(403, "challenge_refused", "the verify token was not accepted")
        return answer

    def release(self, connection: Connection, entry: Any) -> Accepted:
        """Store a quarantined body as the event it should have been; raises ReceiveError when it is still refused."""
        endpoint = self._endpoints.get(entry.account)
        if endpoint is None:
            raise ReceiveError(404, "unknown_endpoint", f'there is no account "{entry.account}" any more')
        try:
            arrival, _ = self._read(endpoint, _inbound_of(entry), dict(entry.evidence))
        except VerificationError as error:
            raise ReceiveError(401, error.reason, f"still refused: {error.reason}") from None
        except JsonError as error:
            raise ReceiveError(400, "not_readable", f"still refused: {error}") from None
        return inbox.accept(connection, arrival, 0)

    def verify_again(self, entry: Any) -> str | None:
        """Return why a quarantined body would still be refused, or None when it would be accepted now."""
        endpoint = self._endpoints.get(entry.account)
        if endpoint is None:
            return "unknown_endpoint"
        try:
            self._read(endpoint, _inbound_of(entry), dict(entry.evidence))
        except VerificationError as error:
            return error.reason
        except JsonError:
            return "not_readable"
        return None

    def _read(self, endpoint: Endpoint, inbound: Inbound, evidence: Evidence) -> tuple[Arrival, Any]:
        scheme = _scheme(endpoint, in_path=IN_PATH in evidence)
        match = scheme.check(evidence, inbound.body, inbound.received_at)
        body = self._parsed(endpoint.source, inbound)
        return _arrival(endpoint, inbound, match, body), body

    def _parsed(self, source: Source, inbound: Inbound) -> Any:
        if source.accepts_forms and is_form(inbound.header("content-type")):
            return parse_form(inbound.body)
        return parse_json(inbound.body, self._settings.max_json_depth)

    def _refuse(self, endpoint: Endpoint, inbound: Inbound, evidence: Evidence, reason: str) -> None:
        refused = Refused(
            account=endpoint.name, reason=reason, evidence=evidence, body=inbound.body,
            content_type=_content_type(inbound), query=inbound.query[:_MOST_KEPT_QUERY] or None,
            headers=_kept_headers(endpoint, inbound), source_ip=inbound.source_ip,
            received_at=inbound.received_at,
        )  # fmt: skip
        _repeated(lambda: self._keep(refused))

    def _accept(self, arrival: Arrival) -> Accepted:
        with (self._engine if arrival.whole else self._statements).begin() as connection:
            return inbox.accept(connection, arrival, self._settings.rewake_seconds)

    def _keep(self, refused: Refused) -> None:
        with self._engine.begin() as connection:
            quarantine.keep(connection, refused, self._caps)


def _repeated(work: Callable[[], Result]) -> Result:
    """Do it; once more when the connection turns out to be dead. Both kinds of work may run twice."""
    try:
        return work()
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        return work()


def _scheme(endpoint: Endpoint, *, in_path: bool) -> Scheme:
    found = endpoint.scheme(in_path=in_path)
    if found is None:  # a quarantined body's way in was taken out of the configuration
        raise VerificationError("unknown_endpoint")
    return found


def _arrival(endpoint: Endpoint, inbound: Inbound, match: Match, body: Any) -> Arrival:
    identities = endpoint.source.identify(inbound, body, match, endpoint.account)
    events = tuple(_new_event(endpoint, inbound, match, identity) for identity in identities)
    if len(events) == 1:
        return Arrival(events)
    digest = hashlib.sha256(inbound.body).hexdigest()
    whole = Identity(f"{endpoint.source.vendor}.{BATCH}", Handling.IGNORED, f"{BATCH}:{digest}")
    parts = tuple(replace(event, body=None) for event in events)
    return Arrival(parts, _new_event(endpoint, inbound, match, whole))


def _new_event(endpoint: Endpoint, inbound: Inbound, match: Match, identity: Identity) -> NewEvent:
    return NewEvent(
        account=endpoint.name, dedupe_key=identity.dedupe_key, type=identity.type, handling=identity.handling,
        body=inbound.body, content_type=_content_type(inbound), query=inbound.query or None,
        headers=_kept_headers(endpoint, inbound), source_ip=inbound.source_ip, trigger=match.trigger,
        secret_index=match.secret_index, received_at=inbound.received_at,
        occurred_at=identity.occurred_at or inbound.received_at, part=identity.part, trace=tracing.here(),
    )  # fmt: skip


def _content_type(inbound: Inbound) -> str | None:
    return (inbound.header("content-type") or "")[:_MOST_KEPT_CHARACTERS] or None


def _kept_headers(endpoint: Endpoint, inbound: Inbound) -> dict[str, str]:
    names = (*_KEPT_HEADERS, *endpoint.source.kept_headers, *endpoint.account.kept_headers)
    return {name: value[:_MOST_KEPT_CHARACTERS] for name in names if (value := inbound.header(name))}


def _inbound_of(entry: Any) -> Inbound:
    headers = {name: (value,) for name, value in (entry.headers or {}).items()}
    return Inbound(entry.account, entry.body, headers, entry.query or "", None, entry.source_ip, entry.received_at)
