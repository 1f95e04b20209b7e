"""What can be done at Wabotick: the 32 calls of its API page.

Invariant: no send has a key that would make a repeat harmless, so a send whose outcome is unknown is looked up, never
repeated by itself.
"""

from tasks.actions.operations import actions_of
from tasks.actions.wabotick import changing, composed, reading, sending
from tasks.actions.wabotick.client import ask

ACTIONS = (
    sending.SEND_TEMPLATE,
    *actions_of(sending.OPERATIONS, ask),
    reading.GET_MESSAGE_STATUS,
    *actions_of(reading.OPERATIONS, ask),
    *actions_of(changing.OPERATIONS, ask),
    *composed.ACTIONS,
)
