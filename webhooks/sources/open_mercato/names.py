"""The names of Open Mercato's events: what it sends, in two spellings, and what of it means anything to a shop.

Source: the event declarations of the public repository, and a running server that was subscribed to everything.

Invariant: one thing has one type here, whichever of the two spellings it came in.
"""

from worker.states import Handling

PREFIX = "open_mercato."
UNRECOGNIZED = f"{PREFIX}unrecognized"

_CHANGES = ("created", "updated", "deleted")
_CUSTOMERS = (
    "person", "company", "deal", "comment", "address", "activity", "tag", "todo", "label", "interaction",
)  # fmt: skip
_SALES = (
    "order", "quote", "invoice", "credit_memo", "line", "payment", "shipment", "return", "note", "channel",
)  # fmt: skip
_WORKFLOWS = ("definition", "instance", "trigger")
_ENTITIES = {"customers": _CUSTOMERS, "sales": _SALES, "workflows": _WORKFLOWS}
_MORE = {
    "customers": ("deal.won", "deal.lost", "tag.assigned", "tag.removed", "interaction.completed",
                  "interaction.canceled"),
    "sales": ("order.confirmed", "order.cancelled"),
    "workflows": tuple(
        f"instance.{name}" for name in ("started", "completed", "failed", "cancelled", "paused", "resumed")
    ),
    "shipping_carriers": tuple(
        f"shipment.{name}" for name in ("created", "status_changed", "delivered", "returned", "cancelled")
    ),
    "payment_gateways": tuple(
        f"payment.{name}" for name in ("authorized", "captured", "failed", "refunded", "cancelled")
    ),
}  # fmt: skip
_HANDLED = (
    *(f"{module}.{entity}.{change}" for module, some in _ENTITIES.items() for entity in some for change in _CHANGES),
    *(f"{module}.{name}" for module, names in _MORE.items() for name in names),
)
# Said by the test call, and how the server speaks to itself: who subscribes to everything gets these by the dozen.
_IGNORED = (
    "webhooks.test.ping", "search.index_record", "sales.document.totals.calculated",
    *(f"customers.customer_{entity}_profile.{change}" for entity in ("person", "company") for change in _CHANGES),
)  # fmt: skip
_INTERNAL = ("search.", "notifications.", "query_index.", "application.", "webhooks.", "workflows.activity.")

EVENT_TYPES = {
    **{f"{PREFIX}{name}": Handling.HANDLED for name in _HANDLED},
    **{f"{PREFIX}{name}": Handling.IGNORED for name in _IGNORED},
}

# The older spelling has plurals, in FreightTech's list for one.
_SINGULAR = {
    "people": "person", "companies": "company", "addresses": "address", "activities": "activity",
    **{f"{entity}s": entity for some in _ENTITIES.values() for entity in some},
}  # fmt: skip


def type_of(name: str | None) -> str:
    """Return our type for an event's name."""
    if name is None:
        return UNRECOGNIZED
    parts = name.split(".")
    if len(parts) > 2 and parts[0] in _ENTITIES:
        parts[1] = _SINGULAR.get(parts[1], parts[1])
    return PREFIX + ".".join(parts)


def handling_of(type_: str) -> Handling:
    """Return what is done with a type: beside the listed ones, whole modules speak to themselves only."""
    if found := EVENT_TYPES.get(type_):
        return found
    return Handling.IGNORED if type_.removeprefix(PREFIX).startswith(_INTERNAL) else Handling.UNKNOWN
