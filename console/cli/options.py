"""Options that several commands share, so that they mean the same everywhere."""

from typing import Annotated

import typer

from console.cli import completing
from worker.states import DeliveryState, EventState, Handling

SEARCH_SECONDS = 20.0
"""How long a command looks through the ledger for a text before it says how far it came."""
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
Account = Annotated[
    str | None, typer.Option("--account", help="Only of this account.", autocompletion=completing.accounts)
]
StateOfEvent = Annotated[EventState | None, typer.Option("--state", help="Only in this state.")]
HandlingOfEvent = Annotated[Handling | None, typer.Option("--handling", help="Only of a type that is so handled.")]
StateOfDelivery = Annotated[DeliveryState | None, typer.Option("--state", help="Only in this state.")]
Subject = Annotated[str | None, typer.Option("--subject", help="Only about this, like order:250804QWERTY.")]
Since = Annotated[str | None, typer.Option("--since", help="Only since then: 7d, 2h, 30m, or an ISO time.")]
Until = Annotated[str | None, typer.Option("--until", help="Only before then: 7d, 2h, 30m, or an ISO time.")]
RuleName = Annotated[str | None, typer.Option("--rule", help="Only of this rule.", autocompletion=completing.rules)]
EventId = Annotated[str | None, typer.Option("--event", help="Only what came of this event.")]
TextInside = Annotated[
    str | None, typer.Option("--text", help="Only with this in the body, as written or in small or capital letters.")
]
Before = Annotated[str | None, typer.Option("--before", help="Go on behind this id: the last one of a list.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many, the newest.")]
Type = Annotated[
    str | None,
    typer.Option("--type", help="Only of this type, like scalev.order.created.", autocompletion=completing.event_types),
]
ActionName = Annotated[
    str | None,
    typer.Option("--type", "--action", help="Only of this action.", autocompletion=completing.actions),
]
ReasonName = Annotated[
    str | None,
    typer.Option("--reason", help="Only for this reason, like rate_limited.", autocompletion=completing.reasons),
]
Comment = Annotated[str, typer.Option("--comment", help="Why, for the audit.")]
