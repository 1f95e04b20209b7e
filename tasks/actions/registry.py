"""Every action, and what rules may name."""

from collections.abc import Mapping

from config.rules import Catalog
from tasks.actions.cgb.actions import ACTIONS as CGB
from tasks.actions.meta.actions import ACTIONS as META
from tasks.actions.open_mercato.actions import ACTIONS as OPEN_MERCATO
from tasks.actions.proton.actions import ACTIONS as PROTON
from tasks.actions.scalev.actions import ACTIONS as SCALEV
from tasks.actions.wabotick.actions import ACTIONS as WABOTICK
from webhooks.registry import SOURCES
from worker.acting import Action
from worker.messaging.facts import FACTS

ACTIONS: Mapping[str, Action] = {
    action.name: action for action in (*SCALEV, *WABOTICK, *META, *PROTON, *CGB, *OPEN_MERCATO)
}
"""By name."""


def make_catalog() -> Catalog:
    """Return the event types and actions that rules may name."""
    return Catalog(
        event_types=frozenset([*(name for source in SOURCES.values() for name in source.event_types), *FACTS]),
        actions={name: action.parameters for name, action in ACTIONS.items()},
        messages=frozenset(name for name, action in ACTIONS.items() if action.is_message),
        batches=frozenset(name for name, action in ACTIONS.items() if action.audience is not None),
    )
