"""Rules: what is active and how much it is used, and an event tried against them.

Invariant: nothing on these pages sends or writes anything; what they show of an event's persons is masked.
"""

import json
from collections.abc import Iterator

from flask import Blueprint, render_template, request
from werkzeug.exceptions import BadRequest, NotFound

from config.rules import Rule
from console.records.reading import Explained, explained, laid_out_rules
from console.rules.describing import tell
from console.users import Role
from console.web.frame import current, needs, wanted_text
from tasks.trying.explaining import Explainer
from tasks.trying.pasted import read_pasted
from webhooks.examples import example_names, load_example
from webhooks.registry import SOURCES
from worker.ids import parse_id
from worker.ledger import pauses, reloads
from worker.ledger.rule_uses import NEWEST, uses_of
from worker.reading import UnreadableError
from worker.states import PauseKind

area = Blueprint("rules", __name__)
MOST_PASTED = 200_000
"""Characters."""


@area.get("/rules")
def index() -> str:
    """List the rules that are active, and what is refused."""
    desk = current()
    names = [rule.name for rule in desk.config.rules]
    with desk.connection() as connection:
        uses = uses_of(connection, names, desk.clock())
        refusing = [one for one in reloads.read(connection, desk.clock()) if one.refused]
        paused = {pause.name: pause for pause in pauses.in_force(connection) if pause.kind is PauseKind.RULE}
    told = [tell(rule, desk.config) for rule in desk.config.rules]
    return render_template("rules/index.html", rules=told, uses=uses, refusing=refusing, paused=paused, newest=NEWEST)


@area.get("/rules/of/<rule>")
def show(rule: str) -> str:
    """Tell one rule in words."""
    desk, found = current(), _rule(rule)
    with desk.connection() as connection:
        use = uses_of(connection, [found.name], desk.clock())[found.name]
        pause = pauses.read(connection, PauseKind.RULE, found.name)
    return render_template("rules/show.html", rule=tell(found, desk.config), use=use, pause=pause, newest=NEWEST)


def _rule(name: str) -> Rule:
    found = current().config.rule(name)
    if found is None:
        raise NotFound(f"There is no rule “{name}”. It may have been renamed, or its file taken away.")
    return found


# An event against the rules.


@area.get("/rules/try")
def try_() -> str:
    """Show what the rules say to a recorded event, or to an example of a vendor."""
    event, example = wanted_text(request.args, "event", 60), wanted_text(request.args, "example", 200)
    said: list[Explained] = []
    if event:
        said = [_of_recorded(event)]
    elif example:
        account, _, name = example.partition("/")
        said = list(_of_body(account, _example(account, name), None, name.partition("__")[0]))
    return _tried(said, event=event, example=example)


@area.post("/rules/try")
@needs(Role.OPERATOR)
def try_pasted() -> str:
    """Show what the rules would say to a body that was pasted."""
    account, trigger = wanted_text(request.form, "account", 100), wanted_text(request.form, "trigger", 60)
    body = request.form.get("body", "").strip()
    if not body or len(body) > MOST_PASTED:
        raise BadRequest(f"Paste the event's body: JSON of {MOST_PASTED:,} characters at most.")
    said = list(_of_body(account, body.encode("utf-8", "replace"), trigger or None, None))
    return _tried(said, body=body, account=account, trigger=trigger)


def _of_recorded(given: str) -> Explained:
    desk, event_id = current(), parse_id(given)
    if event_id is None:
        return Explained(fault="That is no id of an event or a delivery.")
    with desk.connection() as connection:
        return explained(connection, desk.config, desk.clock(), event_id)


def _of_body(account: str, body: bytes, trigger: str | None, event: str | None) -> Iterator[Explained]:
    desk = current()
    try:
        told = list(read_pasted(desk.config, account, body, trigger, desk.clock(), event))
    except UnreadableError as error:
        yield Explained(fault=f"This cannot be read: {error}")
        return
    with desk.connection() as connection:
        explainer = Explainer(connection, desk.config, desk.clock())
        for one in told:
            yield laid_out_rules(explainer.explain_told(one))


def _example(account: str, name: str) -> bytes:
    if name not in _examples().get(account, ()):
        raise NotFound("There is no such example.")
    return json.dumps(load_example(current().config.accounts[account].vendor, name)).encode()


def _examples() -> dict[str, list[str]]:
    """Return the names of the examples of each account that receives something."""
    accounts = current().config.accounts.items()
    return {name: example_names(account.vendor) for name, account in accounts if account.vendor in SOURCES}


def _tried(said: list[Explained], **given: str) -> str:
    fields = dict.fromkeys(("event", "example", "body", "account", "trigger"), "") | given
    triggers = sorted({trigger for source in SOURCES.values() for trigger in source.triggers.values()})
    return render_template("rules/try.html", said=said, given=fields, examples=_examples(), triggers=triggers)
