"""`hookyard vendors`: which vendors there are, what comes in from each and what can be done there."""

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, Any

import typer

from config.faults import suggest
from console.cli import completing, options
from console.cli.output import CommandError, print_json, print_table, say
from tasks.actions.registry import ACTIONS
from webhooks.examples import example_names
from webhooks.registry import SOURCES


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("vendors")(vendors)


def vendors(
    vendor: Annotated[
        str | None,
        typer.Argument(help="Only this one: its events and actions by name.", autocompletion=completing.vendors),
    ] = None,
    json_: options.Json = False,
) -> None:
    """Show every vendor with how many of its events are known and how many actions there are."""
    known = list(dict.fromkeys([*SOURCES, *(_vendor_of(name) for name in ACTIONS)]))
    if vendor is not None and vendor not in known:
        raise CommandError(
            f'unknown vendor "{vendor}"' + (suggest(vendor, known) or f" (there are {', '.join(known)})")
        )
    found = [described(name) for name in known if vendor in {None, name}]
    if json_:
        print_json(found if vendor is None else found[0])
    elif vendor is None:
        columns = ("vendor", "handled", "ignored", "examples", "actions", "documentation")
        print_table(columns, [_counted(one) for one in found], "There is none.")
        say("each by name: hookyard vendors VENDOR")
    else:
        print_table(("event", "handling", "examples"), found[0]["events"], "Nothing comes in by name.")
        say("")
        print_table(
            ("action", "summary", "repeatable", "settled_by"), found[0]["actions"], "Nothing can be done there."
        )


def described(vendor: str) -> dict[str, Any]:
    """Return what comes in from a vendor and what can be done there."""
    source = SOURCES.get(vendor)
    return {
        "vendor": vendor,
        "documentation": source.documentation if source else None,
        "events": list(_events(vendor)),
        "actions": [
            {
                "action": name, "summary": action.summary, "endpoint": action.endpoint,
                "parameters": list(action.parameters.model_fields), "read": action.is_read,
                "repeatable": action.idempotent, "settled_by": None if action.idempotent else action.settled_by,
            }
            for name, action in sorted(ACTIONS.items())
            if _vendor_of(name) == vendor
        ],
    }  # fmt: skip


def _events(vendor: str) -> Iterator[dict[str, Any]]:
    source = SOURCES.get(vendor)
    examples = Counter(f"{vendor}.{name.partition('__')[0]}" for name in example_names(vendor))
    for name, handling in sorted(source.event_types.items() if source else ()):
        yield {"event": name, "handling": handling, "examples": examples[name]}


def _counted(one: dict[str, Any]) -> dict[str, Any]:
    handling = Counter(str(event["handling"]) for event in one["events"])
    return {
        "vendor": one["vendor"], "handled": handling["handled"], "ignored": handling["ignored"],
        "examples": len(example_names(one["vendor"])), "actions": len(one["actions"]),
        "documentation": one["documentation"],
    }  # fmt: skip


def _vendor_of(action: str) -> str:
    return action.partition(".")[0]
