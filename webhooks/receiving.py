"""What happens to one webhook: verify the raw bytes, parse strictly, identify, store; nothing else.

Invariant: `receive` returns an event only after its commit, and a body that was refused is in quarantine before the
refusal is answered (unless it was too large to look at).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from config.accounts import Account
from config.load import Config
from config.settings import Settings
from webhooks.forms import is_form, parse_form
from webhooks.inbound import Inbound
from webhooks.source import Source
from webhooks.strict_json import JsonError, parse_json
from webhooks.verification import Evidence, Match, Scheme, VerificationError
from worker.errors import ReceiveError
from worker.ledger import inbox, quarantine
from worker.ledger.database import by_statement
from worker.ledger.inbox import Accepted, NewEvent
from worker.ledger.quarantine import Caps, Refused

Result = TypeVar("Result")

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
    scheme: Scheme


@dataclass(frozen=True)
class Received:
    """A stored event, for the answer and the log."""

    accepted: Accepted
    event: NewEvent


def make_endpoints(config: Config, sources: Mapping[str, Source]) -> dict[str, Endpoint]:
    """Return the endpoint of every account whose vendor has an inbound side."""
    return {
        name: Endpoint(name, account, sources[account.vendor], sources[account.vendor].scheme(account))
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
        if found is None or found.scheme.in_path != with_path_secret:
            raise ReceiveError(404, "unknown_endpoint", "there is no such endpoint")
        return found

    def receive(self, endpoint: Endpoint, inbound: Inbound) -> Received:
        """Verify and store one webhook; raises ReceiveError with the status to answer."""
        evidence = endpoint.scheme.evidence(inbound)
        try:
            event = self._event(endpoint, inbound, evidence)
        except VerificationError as error:
            self._refuse(endpoint, inbound, evidence, error.reason)
            status = endpoint.source.mismatch_status
            raise ReceiveError(status, error.reason, "the credential was not accepted") from None
        except JsonError as error:
            self._refuse(endpoint, inbound, evidence, "not_readable")
            raise ReceiveError(400, "not_readable", str(error)) from None
        accepted = _repeated(lambda: self._accept(event))
        return Received(accepted, event)

    def release(self, connection: Connection, entry: Any) -> Accepted:
        """Store a quarantined body as the event it should have been; raises ReceiveError when it is still refused."""
        endpoint = self._endpoints.get(entry.account)
        if endpoint is None:
            raise ReceiveError(404, "unknown_endpoint", f'there is no account "{entry.account}" any more')
        try:
            event = self._event(endpoint, _inbound_of(entry), dict(entry.evidence))
        except VerificationError as error:
            raise ReceiveError(401, error.reason, f"still refused: {error.reason}") from None
        except JsonError as error:
            raise ReceiveError(400, "not_readable", f"still refused: {error}") from None
        return inbox.accept(connection, event, 0)

    def verify_again(self, entry: Any) -> str | None:
        """Return why a quarantined body would still be refused, or None when it would be accepted now."""
        endpoint = self._endpoints.get(entry.account)
        if endpoint is None:
            return "unknown_endpoint"
        try:
            self._event(endpoint, _inbound_of(entry), dict(entry.evidence))
        except VerificationError as error:
            return error.reason
        except JsonError:
            return "not_readable"
        return None

    def _event(self, endpoint: Endpoint, inbound: Inbound, evidence: Evidence) -> NewEvent:
        match = endpoint.scheme.check(evidence, inbound.body, inbound.received_at)
        body = self._parsed(endpoint.source, inbound)
        return _new_event(endpoint, inbound, match, body)

    def _parsed(self, source: Source, inbound: Inbound) -> Any:
        if source.accepts_forms and is_form(inbound.header("content-type")):
            return parse_form(inbound.body)
        return parse_json(inbound.body, self._settings.max_json_depth)

    def _refuse(self, endpoint: Endpoint, inbound: Inbound, evidence: Evidence, reason: str) -> None:
        refused = Refused(
            account=endpoint.name, reason=reason, evidence=evidence, body=inbound.body,
            content_type=_content_type(inbound), query=inbound.query[:_MOST_KEPT_QUERY] or None,
            headers=_kept_headers(endpoint.source, inbound), source_ip=inbound.source_ip,
            received_at=inbound.received_at,
        )  # fmt: skip
        _repeated(lambda: self._keep(refused))

    def _accept(self, event: NewEvent) -> Accepted:
        with self._statements.begin() as connection:
            return inbox.accept(connection, event, self._settings.rewake_seconds)

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


def _new_event(endpoint: Endpoint, inbound: Inbound, match: Match, body: Any) -> NewEvent:
    identity = endpoint.source.identify(inbound, body, match, endpoint.account)
    return NewEvent(
        account=endpoint.name, dedupe_key=identity.dedupe_key, type=identity.type, handling=identity.handling,
        body=inbound.body, content_type=_content_type(inbound), query=inbound.query or None,
        headers=_kept_headers(endpoint.source, inbound), source_ip=inbound.source_ip, trigger=match.trigger,
        secret_index=match.secret_index, received_at=inbound.received_at,
        occurred_at=identity.occurred_at or inbound.received_at,
    )  # fmt: skip


def _content_type(inbound: Inbound) -> str | None:
    return (inbound.header("content-type") or "")[:_MOST_KEPT_CHARACTERS] or None


def _kept_headers(source: Source, inbound: Inbound) -> dict[str, str]:
    names = (*_KEPT_HEADERS, *source.kept_headers)
    return {name: value[:_MOST_KEPT_CHARACTERS] for name in names if (value := inbound.header(name))}


def _inbound_of(entry: Any) -> Inbound:
    headers = {name: (value,) for name, value in (entry.headers or {}).items()}
    return Inbound(entry.account, entry.body, headers, entry.query or "", None, entry.source_ip, entry.received_at)
