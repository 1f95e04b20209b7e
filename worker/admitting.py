"""Let a delivery that was made ready through to the vendor: its gates, what its templates say, who is left out.

Invariant: what a gate is asked is asked at the moment of sending: whatever takes time is done before it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row

from config.rules import Step
from worker.acting import Action, Call, Session
from worker.errors import PermanentError
from worker.gating import Gate
from worker.holding import person_key
from worker.ledger import attempting, consents
from worker.ledger.attempting import Deferral, Wishes
from worker.limits import allowed_for
from worker.messaging.guarding import Guard, scopes_of
from worker.messaging.refusing import Refusal
from worker.messaging.template_book import TemplateBook
from worker.pacing import Pacer
from worker.preparing import SuppressedError, Workshop
from worker.states import DeliveryState, Reason


@dataclass(frozen=True)
class Admission:
    """What stands between one call and its vendor."""

    workshop: Workshop
    wait: Callable[[float], None]
    templates: TemplateBook | None
    row: Row[Any]
    step: Step | None
    call: Call
    action: Action

    @property
    def about(self) -> tuple[str | None, str | None]:
        """The person and the template of the message that it is; None where it has none."""
        return self.action.recipient(self.call.parameters), self.action.template(self.call.parameters)

    @property
    def wishes(self) -> Wishes | None:
        """Whose wishes would keep it from being sent; nobody's where it is no message of a rule to one person."""
        recipient = self.about[0]
        if self.step is None or recipient is None or not self.action.is_message:
            return None
        return Wishes(person_key(recipient), scopes_of(self.step))

    def ask(self, lease_owner: str) -> Deferral | None:
        """Wait for the moment to send; put back what would wait long. Raises when it is not sent at all."""
        row, of = self.row, self.workshop
        self._pace(self.call.session, first_is_reserved=True)
        gate = Gate(row, of.config.limits_of(row.account), *self.about, self._guard())
        if gate.is_open:
            return None
        now = of.clock()
        with of.engine.begin() as connection:
            found = gate.ask(connection, now)
            if isinstance(found, Deferral):
                attempting.defer(connection, row, lease_owner, found, now)
        if isinstance(found, Deferral):
            return found
        if isinstance(found, Refusal):
            if found.state is DeliveryState.SUPPRESSED:
                raise SuppressedError(found.reason, error=found.error)
            raise PermanentError(found.reason, found.error)
        self.wait((found - now).total_seconds())
        return None

    def to_who_wants_it(self) -> tuple[Call, int]:
        """Return the call without those of many who opted out, and how many; SuppressedError when nobody is left."""
        step, audience, call = self.step, self.action.audience, self.call
        if step is None or audience is None:
            return call, 0
        by_key = {person_key(phone): phone for phone in audience.persons(call.parameters)}
        with self.workshop.engine.begin() as connection:
            stopped = consents.stopped_among(connection, by_key, self.row.account, scopes_of(step))
        if stopped and len(stopped) == len(by_key):
            raise SuppressedError(Reason.OPTED_OUT, error="all of those it goes to want no more messages")
        if not stopped:
            return call, 0
        wanted = audience.without(call.parameters, [by_key[key] for key in stopped])
        return replace(call, parameters=wanted), len(stopped)

    def _guard(self) -> Guard | None:
        if self.step is None or not self.action.is_message:
            return None
        return Guard(
            self.workshop.config, self.row.id, self.row.account, self.step, self.about[0],
            in_session=self.action.is_in_session(self.call.parameters), template=self._against_template(),
        )  # fmt: skip

    def _against_template(self) -> Deferral | Refusal | None:
        """Return what the vendor's list of templates has against the message."""
        if self.action.templates is None or self.templates is None:
            return None
        return self.templates.ask(self.call, self.action.templates, self._session_beside)

    def _session_beside(self) -> Session:
        """Return a way to the account beside that of the message, within the same limits."""
        session = self.workshop.open_session(self.row.account, self.call.account)
        self._pace(session, first_is_reserved=False)
        return session

    def _pace(self, session: Session, *, first_is_reserved: bool) -> None:
        of, row = self.workshop, self.row
        allowed = allowed_for(of.config.limits_of(row.account), row.slowing)
        pacer = Pacer(of.engine, of.clock, self.wait)
        pacer.follow(session, row.account, allowed, first_is_reserved=first_is_reserved)
