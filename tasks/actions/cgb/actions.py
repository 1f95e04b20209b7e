"""Everything that can be done at ChatGPT Builder.

Invariant: what takes something away is done when it is gone already, and a status that is set already is set.
"""

from tasks.actions.cgb import people, sending
from tasks.actions.cgb.client import ask, asking
from tasks.actions.cgb.operations import account, contacts, pipelines, shop
from tasks.actions.operations import actions_of
from worker.acting import Action

_TABLES = (account, contacts, pipelines, shop)

ACTIONS: tuple[Action, ...] = (
    *people.ACTIONS,
    *sending.ACTIONS,
    *(action for table in _TABLES for action in actions_of(table.OPERATIONS, ask)),
    *(action for table in _TABLES for action in actions_of(table.REMOVALS, asking(404))),
    *actions_of((shop.STATUS,), asking(402)),
)
