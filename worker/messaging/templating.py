"""Whether a message's template can be sent as it is filled, by the vendor's list.

Invariant: only what the list says for sure keeps a message back; what it does not tell is the vendor's to refuse.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from difflib import get_close_matches

from worker.ledger.attempting import Deferral
from worker.messaging.refusing import Refusal
from worker.states import DeliveryState, Reason
from worker.templates import Filling, Template, TemplateList, TemplateStatus

HELD = timedelta(minutes=10)
"""After which a paused template is looked at again."""

_WAITING: Mapping[TemplateStatus, str] = {
    TemplateStatus.PAUSED: "is paused by WhatsApp for its quality",
    TemplateStatus.PENDING: "is not approved by WhatsApp yet",
}
_STOPPED: Mapping[TemplateStatus, tuple[Reason, str]] = {
    TemplateStatus.REJECTED: (
        Reason.TEMPLATE,
        "was rejected by WhatsApp: copy it under a new name, mend it, and name that one in the rule",
    ),
    TemplateStatus.DISABLED: (
        Reason.TEMPLATE_STOPPED,
        "is disabled by WhatsApp, or deleted: name another one in the rule",
    ),
    TemplateStatus.UNMAPPED: (
        Reason.TEMPLATE,
        "has variables that are not mapped: map them in the platform's dashboard, then retry",
    ),
}


def judge(found: TemplateList, filling: Filling, now: datetime) -> Deferral | Refusal | None:
    """Return what keeps a message from being sent; None when nothing does."""
    named = [template for template in found.templates if template.key == filling.key]
    if not named:
        return _refused(_unknown(found, filling)) if found.is_whole else None
    fitting = [template for template in named if filling.language in {None, template.language}]
    if not fitting:
        others = ", ".join(sorted({template.language or "?" for template in named}))
        return _refused(
            f'template "{filling.key}" is not there in the language "{filling.language}" (it is in {others})'
        )
    template = fitting[0]
    called = _called(template)
    if what := _WAITING.get(template.status):
        said = f"{called} {what}: its messages wait"
        return Deferral(now + HELD, Reason.TEMPLATE_STOPPED, said, held=True)
    if stopped := _STOPPED.get(template.status):
        return _refused(f"{called} {stopped[1]}", stopped[0])
    problem = _misfit(template, filling)
    return _refused(f"{called} {problem}") if problem else None


def _misfit(template: Template, filling: Filling) -> str | None:
    """Return what is wrong with the way a template is filled."""
    if template.variables is not None and (problem := _wrong_variables(template.variables, filling)):
        return f"has {problem}"
    if template.wants_media and filling.has_media is False:
        return "has a file as its header: the message has to bring one"
    if template.buttons is not None and filling.buttons > template.buttons:
        return f"has {_counted(template.buttons, 'quick reply', 'quick replies')}, {filling.buttons} are given"
    return None


def _wrong_variables(wanted: Sequence[str], filling: Filling) -> str | None:
    shown = " ".join(f"{{{{{name}}}}}" for name in wanted) or "none"
    has = f"{_counted(len(wanted), 'variable', 'variables')} ({shown})"
    if filling.names is not None:
        missing, strange = sorted(set(wanted) - set(filling.names)), sorted(set(filling.names) - set(wanted))
        faults = [f"variables: {name} is missing" for name in missing] + [f"no variable {name}" for name in strange]
        return f"{has}: {', '.join(faults)}" if faults else None
    given = filling.values
    if given is None or given == len(wanted):
        return None
    if given > len(wanted):
        return f"{has}, but variables gives {given}"
    return f"{has}, but variables gives {given}: {{{{{wanted[given]}}}}} is missing"


def _unknown(found: TemplateList, filling: Filling) -> str:
    """Return that a template does not exist, and which one may be meant."""
    said = f'there is no template "{filling.key}" at this account'
    for template in found.templates:
        if filling.key in template.known_as:
            return f'{said}: "{filling.key}" is another name of "{template.key}", which is what has to be given'
    keys = sorted({template.key for template in found.templates})
    near = get_close_matches(filling.key, keys, n=1)
    return f'{said}: did you mean "{near[0]}"?' if near else f"{said}: it has {', '.join(keys[:10])}"


def _called(template: Template) -> str:
    return f'template "{template.key}"' if template.key == template.name else (
        f'template "{template.key}" ({template.name})'
    )  # fmt: skip


def _counted(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _refused(what: str, reason: Reason = Reason.TEMPLATE) -> Refusal:
    return Refusal(reason, what, DeliveryState.DEAD)
