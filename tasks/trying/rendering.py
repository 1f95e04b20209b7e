"""What a delivery would send: its parameters rendered and checked, and what stands against sending it.

Invariant: rendering sends nothing; an error says what is wrong as a dead letter would.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from config.expressions import ExpressionError
from config.faults import field_of
from config.load import Config
from config.rules import Rule, Step
from tasks.actions.registry import ACTIONS, make_catalog
from tasks.trying.world import Wanted
from worker.context import by_step
from worker.ledger.attempting import Deferral
from worker.messaging.quieting import Night
from worker.messaging.refusing import Refusal
from worker.planning import effect_key, with_element
from worker.states import DeliveryState, Reason

MESSAGES = make_catalog().messages
_STANDS_IN = re.compile(r"<\w+ of [\w.-]+>")
_PHONE_FIELD = re.compile(r"(^|_)(phone|phone_number|to|recipient|contact_id)$")


@dataclass(frozen=True)
class Rendered:
    """One delivery, as far as it can be told before it is sent."""

    rule: str
    where: str
    step: str
    action: str
    account: str
    due_at: datetime
    needs: tuple[str, ...] = ()
    effect_key: str | None = None
    parameters: dict[str, Any] | None = None
    recipient: str | None = None
    """In E.164; None: it is no message, or one to nobody."""
    template: str | None = None
    state: DeliveryState = DeliveryState.READY
    """`dead` when it cannot be made, `suppressed` or `cancelled` when it is not wanted."""
    reason: Reason | None = None
    error: str | None = None
    is_message: bool = False
    is_in_session: bool = False
    """Whether it is a message that can only be sent within the 24 hours."""
    is_quiet: bool = False
    """Whether it is a message that would be due in quiet hours, and is not for any hour."""
    held_until: datetime | None = None
    """When it would be due again, as it waits for the end of the quiet hours."""
    has_bad_number: bool = False

    @property
    def is_sent(self) -> bool:
        """Whether anything would be sent."""
        return self.state is DeliveryState.READY


class Result(Mapping[str, Any]):
    """Stands for what a step would bring: whatever is asked of it is a text that says so."""

    def __init__(self, step: str) -> None:
        self._step = step

    def __getitem__(self, name: str) -> Any:
        return f"<{name} of {self._step}>"

    def __contains__(self, name: object) -> bool:
        return True

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 1


def with_results(context: dict[str, Any], needs: tuple[str, ...]) -> dict[str, Any]:
    """Return the context with something in place of what the steps before would bring."""
    stand_ins: dict[str, Any] = {step: {"result": Result(step)} for step in needs}
    return context | {"steps": by_step(stand_ins)} if needs else context


def context_of_step(rule: Rule, step: Step, planned_step: str, context: dict[str, Any]) -> dict[str, Any]:
    """Return all that a step's own expressions speak of; raises ExpressionError."""
    return dict(with_element(step, planned_step, rule.with_names(context)))


def render(config: Config, wanted: Wanted, context: dict[str, Any], *, ask_again: bool = False) -> Rendered:
    """Return what would be sent; with `ask_again`, what is asked at the moment of sending is asked, too."""
    rule, planned = wanted.rule, wanted.planned
    found = Rendered(
        rule.name, rule.where, planned.step, planned.action, planned.account, planned.due_at, planned.needs,
        planned.effect_key,
    )  # fmt: skip
    action = ACTIONS.get(planned.action)
    found = replace(found, is_message=action is not None and planned.action in MESSAGES)
    if planned.failure:
        reason, what = planned.failure
        bad = found.is_message and "phone number" in what
        return replace(found, state=DeliveryState.DEAD, reason=reason, error=what, has_bad_number=bad)
    try:
        step = rule.step(planned.step, context)
        if step is None or action is None:
            return _not_wanted(found, "the rule does not give this step any more")
        own = with_results(context_of_step(rule, step, planned.step, context), planned.needs)
        night = _night(config, wanted, found, step)
        until = night.due_at if isinstance(night, Deferral) else None
        found = replace(found, is_quiet=night is not None, held_until=until)
        if planned.effect_key is None:
            key = effect_key(rule, replace(step, id=planned.step), wanted.happening.about, own)
            found = replace(found, effect_key=key)
        if planned.unwanted:
            state, reason, said = planned.unwanted
            found = replace(found, state=state, reason=reason, error=said)
        elif ask_again and (why := _against(wanted, step, own)):
            found = replace(_not_wanted(found, why[1]), reason=why[0])
        elif ask_again and isinstance(night, Refusal):
            found = replace(found, state=night.state, reason=night.reason, error=night.error)
        given = step.render(own)
    except ExpressionError as error:
        bad = found.is_message and "phone number" in str(error)
        return replace(
            found, state=DeliveryState.DEAD, reason=Reason.EXPRESSION, error=f"step {planned.step}: {error}",
            has_bad_number=bad,
        )  # fmt: skip
    return _checked(found, config, given)


def _night(config: Config, wanted: Wanted, found: Rendered, step: Step) -> Deferral | Refusal | None:
    quiet = config.quiet_hours(found.account) if found.is_message else None
    if quiet is None:
        return None
    return Night(quiet, config.business.zone).ask(wanted.event_id, step.quiet_hours, found.due_at)


def _against(wanted: Wanted, step: Step, own: dict[str, Any]) -> tuple[Reason, str] | None:
    """Say what stands against sending it now."""
    if own["order"]["is_probably_spam"] and not wanted.happening.type.endswith(".spam_created"):
        return Reason.SPAM, "the order is probably spam"
    if step.unless is not None and step.unless(own):
        return Reason.NOT_NEEDED, "what `unless` says is so by then"
    if wanted.planned.effect_key is None and not wanted.rule.applies(own):
        return Reason.NOT_NEEDED, "what `when` says is not so by then"
    return None


def _not_wanted(found: Rendered, why: str) -> Rendered:
    return replace(found, state=DeliveryState.SUPPRESSED, reason=Reason.NOT_NEEDED, error=why)


def _checked(found: Rendered, config: Config, given: dict[str, Any]) -> Rendered:
    action = ACTIONS[found.action]
    found = replace(found, parameters=given)
    try:
        parameters = action.parameters.model_validate(given, context={"country": config.country(found.account)})
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False, include_context=False)
        if found.needs and _STANDS_IN.search(str(given)):
            return found  # it takes what another step brings, which nobody knows before
        said = "; ".join(
            f"{field_of(given, detail)}: {detail['msg'].removeprefix('Value error, ')}" for detail in details
        )
        bad = found.is_message and any(_is_about_a_number(detail) for detail in details)
        return replace(
            found, state=DeliveryState.DEAD, reason=Reason.INVALID_PARAMETERS, error=said, has_bad_number=bad
        )
    shown = parameters.model_dump(mode="json", exclude_unset=True, by_alias=False)
    return replace(
        found,
        parameters=shown,
        recipient=action.recipient(parameters),
        template=action.template(parameters),
        is_in_session=action.is_in_session(parameters),
    )


def _is_about_a_number(detail: Mapping[str, Any]) -> bool:
    name = str(detail["loc"][-1]) if detail["loc"] else ""
    return "phone number" in detail["msg"] or (detail["type"] == "string_type" and bool(_PHONE_FIELD.search(name)))
