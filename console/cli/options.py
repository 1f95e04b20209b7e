"""Options that several commands share, so that they mean the same everywhere."""

from typing import Annotated

import typer

from worker.states import DeliveryState, EventState

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of a table.")]
Account = Annotated[str | None, typer.Option("--account", help="Only of this account.")]
StateOfEvent = Annotated[EventState | None, typer.Option("--state", help="Only in this state.")]
StateOfDelivery = Annotated[DeliveryState | None, typer.Option("--state", help="Only in this state.")]
Subject = Annotated[str | None, typer.Option("--subject", help="Only about this, like order:250804QWERTY.")]
Since = Annotated[str | None, typer.Option("--since", help="Only since then: 7d, 2h, 30m, or an ISO time.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many, the newest.")]
Type = Annotated[str | None, typer.Option("--type", help="Only of this type, like scalev.order.created.")]
ActionName = Annotated[str | None, typer.Option("--type", "--action", help="Only of this action.")]
ReasonName = Annotated[str | None, typer.Option("--reason", help="Only for this reason, like rate_limited.")]
Comment = Annotated[str, typer.Option("--comment", help="Why, for the audit.")]
