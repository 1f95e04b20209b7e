"""Everything that can be done at Proton.

Invariant: what takes something away is done when the vendor says that it is gone.
"""

from tasks.actions.operations import actions_of
from tasks.actions.proton import changing, creating, searching
from tasks.actions.proton.client import ask, ask_until_gone
from tasks.actions.proton.operations import catalog, records
from worker.acting import Action

ACTIONS: tuple[Action, ...] = (
    *creating.ACTIONS,
    *changing.ACTIONS,
    *searching.ACTIONS,
    *actions_of((*records.OPERATIONS, *catalog.OPERATIONS), ask),
    *actions_of((*records.REMOVALS, *catalog.REMOVALS), ask_until_gone),
    *catalog.ACTIONS,
)
