"""What can be done at Open Mercato.

Invariant: every action asks through `client`, so that none goes without the key, the ids of the account, and its table
of verdicts.
"""

from tasks.actions.open_mercato import composed, people, requesting
from tasks.actions.open_mercato.client import ask
from tasks.actions.open_mercato.operations import customers, freight, orders, platform, sales, workflows
from tasks.actions.operations import actions_of

_OPERATIONS = (
    *customers.OPERATIONS,
    *orders.OPERATIONS,
    *sales.OPERATIONS,
    *workflows.OPERATIONS,
    *platform.OPERATIONS,
    *freight.OPERATIONS,
)

ACTIONS = (*actions_of(_OPERATIONS, ask), *people.ACTIONS, *composed.ACTIONS, *requesting.ACTIONS)
