"""What can be done at Scalev, API v3: every operation of its tables, with the way each of them is asked.

Invariant: a table says what is sent; who asks says what counts as done.
"""

from tasks.actions.operations import actions_of
from tasks.actions.scalev.client import ask, done_when
from tasks.actions.scalev.deleting import DELETE_ORDERS
from tasks.actions.scalev.files import ask_with_file
from tasks.actions.scalev.messages import ask_with_mode
from tasks.actions.scalev.numbers import by_number
from tasks.actions.scalev.operations import customers, desk, fulfilment, orders, shop, uploads, waba
from tasks.actions.scalev.requesting import REQUEST

_PLAIN = (*orders.BUSINESS_WIDE, *customers.OPERATIONS, *shop.OPERATIONS, *waba.OPERATIONS, *desk.OPERATIONS)
_OF_ORDERS = (*orders.OF_ORDERS, *fulfilment.OF_ORDERS)
_DELETING = (*customers.DELETING, *waba.DELETING, *desk.DELETING)
_WITH_FILE = (*waba.WITH_FILE, *uploads.WITH_FILE)

ACTIONS = (
    *(by_number(action) for action in (*actions_of(_OF_ORDERS, ask), DELETE_ORDERS)),
    *actions_of(_PLAIN, ask),
    *actions_of(_DELETING, done_when(404)),
    *actions_of(shop.ONCE, done_when(409)),
    *actions_of(_WITH_FILE, ask_with_file),
    *actions_of(waba.SENDING, ask_with_mode),
    REQUEST,
)
