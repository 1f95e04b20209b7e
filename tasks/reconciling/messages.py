"""Messages of which no receipt came: the vendor is asked, and its answer becomes the receipt.

Invariant: a message is asked about at most once an hour, for a week, and only what is new becomes an event.
"""

from collections.abc import Iterator
from datetime import timedelta

from tasks.reconciling.finding import Found, Search
from worker.errors import PermanentError, WorkerError
from worker.ledger import messages
from worker.states import MessageState, Scope

SILENT_FOR = timedelta(minutes=30)
ASKED_AGAIN_AFTER = timedelta(hours=1)
GIVEN_UP_AFTER = timedelta(days=7)
MOST_AT_ONCE = 500
_ASK = "wabotick.get_message_status"
TELLERS = frozenset({"wabotick"})
"""The vendors that can be asked how far a message came."""


def silent_messages(search: Search) -> Iterator[Found]:
    """Yield the states of messages that came further than we heard."""
    now = search.now
    span = (now - GIVEN_UP_AFTER, now - SILENT_FOR)
    with search.engine.begin() as connection:
        rows = messages.under_way(connection, search.account, span, now - ASKED_AGAIN_AFTER, now, MOST_AT_ONCE)
    for row in rows:
        yield from told_of(search, row.message_id, row.state)


def told_of(search: Search, message_id: str, state: str) -> Iterator[Found]:
    """Yield what the vendor tells of a message, when that is news."""
    action = search.actions[_ASK]
    search.looked_at()
    try:
        told = action.run(search.call(action.parameters.model_validate({"wa_message_id": message_id}))).result
    except PermanentError as error:
        if error.scope is Scope.ACCOUNT:
            raise
        search.missed(str(error))
        return
    except WorkerError as error:
        search.missed(str(error))
        return
    if told["message_state"] != state:
        yield _as_webhook(message_id, told["message_state"], told.get("error_code"))


def _as_webhook(message_id: str, state: str, error_code: str | None) -> Found:
    why = f"(Error Code : {error_code} )" if error_code and state == MessageState.FAILED else None
    body = {"webhook_type": "message_status_change", "wa_message_id": message_id, "message_status": state}
    return Found({**body, "failed_reason": why})
