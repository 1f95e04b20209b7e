"""Every state a row can be in, and every reason for it.

Invariant: the values are stable; they stand in the ledger, in metrics and in logs.
"""

from enum import StrEnum

WORKER_HEARTBEAT = "worker"
"""The name under which the heartbeat that came through the queue is written down."""

BEAT_HEARTBEAT = "beat"
"""The name under which beat writes down that it lives, past the queue."""


RECONCILED = "reconciled"
"""The trigger of an event that no webhook brought: the vendor was asked whether one was missed."""


class EventState(StrEnum):
    """Where an event is on its way."""

    RECEIVED = "received"  # stored; its rules have not been asked yet
    WAITING = "waiting"  # needs what only the vendor's API can tell; a delivery asks it
    PROCESSED = "processed"  # rules were asked, their deliveries exist
    FAILED = "failed"  # could not be routed; a person has to look, `replay` tries again


class Handling(StrEnum):
    """What we know to do with an event's type."""

    HANDLED = "handled"
    IGNORED = "ignored"  # on purpose: nothing follows from it
    UNKNOWN = "unknown"  # the vendor sends what we have not heard of; kept, counted


class DeliveryState(StrEnum):
    """Where a delivery is on its way."""

    WAITING = "waiting"  # due later
    READY = "ready"  # due now
    IN_FLIGHT = "in_flight"  # a worker holds it
    RETRYING = "retrying"  # failed for now, due later
    SUCCEEDED = "succeeded"
    UNKNOWN = "unknown"  # sent, no answer: it may have happened
    DEAD = "dead"  # nobody retries it by itself
    CANCELLED = "cancelled"  # by a person
    SUPPRESSED = "suppressed"  # not wanted any more, or done by another delivery


class MessageState(StrEnum):
    """How far a message came; forward only, in this order, and `failed` ends it unless it had arrived."""

    ACCEPTED = "accepted"  # the platform took it; nothing more is known
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    FAILED = "failed"


OPEN_STATES = (DeliveryState.WAITING, DeliveryState.READY, DeliveryState.RETRYING)
"""A worker may claim these once they are due."""

FREE_STATES = (DeliveryState.DEAD, DeliveryState.CANCELLED, DeliveryState.SUPPRESSED)
"""Deliveries in these states surely have no effect, so their effect key is free for another."""


class Scope(StrEnum):
    """What an answer of a vendor holds for."""

    DELIVERY = "delivery"  # this one only
    RECIPIENT = "recipient"  # every message to this person
    TEMPLATE = "template"  # every message made from this template
    ACCOUNT = "account"  # whatever goes to this account


class ConsentScope(StrEnum):
    """What a person wants no more of."""

    ALL = "all"  # any message
    MARKETING = "marketing"  # all but what a rule calls utility


class HoldKind(StrEnum):
    """What is held back, of one account."""

    ACCOUNT = "account"  # whatever goes there: its circuit is open
    RECIPIENT = "recipient"  # messages to one person
    TEMPLATE = "template"  # messages made from one template
    PACE = "pace"  # nothing, but all of it goes slower


class PauseKind(StrEnum):
    """What a person can pause."""

    ACCOUNT = "account"  # whatever goes there
    RULE = "rule"  # whatever it planned, and will plan


class JobKind(StrEnum):
    """What a job does to everything that matched a filter; the last one does nothing to it."""

    RETRY = "retry"
    CANCEL = "cancel"
    REPLAY = "replay"
    BACKTEST = "backtest"  # plays what was recorded through the rules; presses nothing


class Press(StrEnum):
    """What a person did, as the audit names it; rows of other names may stand there from another time."""

    RETRY = "retry"
    CANCEL = "cancel"
    REPLAY = "replay"
    RESOLVE_SENT = "resolve_sent"  # an unknown outcome: it was sent
    RESOLVE_NOT_SENT = "resolve_not_sent"
    BEGIN_JOB = "begin_job"  # one of these for many at once
    STOP_JOB = "stop_job"
    BEGIN_BACKTEST = "begin_backtest"
    STOP_BACKTEST = "stop_backtest"
    PAUSE = "pause"
    RESUME = "resume"
    CLOSE = "close"  # a hold
    CONSENT_STOP = "consent_stop"  # for somebody who said it by another way than a message
    CONSENT_START = "consent_start"
    RELEASE = "release"  # a body that had failed verification
    DISCARD = "discard"
    SEND = "send"  # a test event
    REVEAL = "reveal"  # what is masked
    USER_ADDED = "user_added"
    USER_ROLE = "user_role"
    USER_PASSWORD = "user_password"  # noqa: S105 - the name of a deed
    USER_REMOVED = "user_removed"


class JobState(StrEnum):
    """How far a job is."""

    RUNNING = "running"
    STOPPED = "stopped"  # by a person; what it had done stays done
    DONE = "done"
    FAILED = "failed"  # of a backtest: its process ended before it was through


class Reason(StrEnum):
    """Why a delivery, an event or a request is where it is: the label of metrics, the column, the word in logs."""

    # Vendor calls: what may be tried again
    CONNECT_FAILED = "connect_failed"
    RATE_LIMITED = "rate_limited"
    PAIR_RATE_LIMITED = "pair_rate_limited"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    NOT_YET = "not_yet"
    # Vendor calls: what may have happened
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    UNREADABLE_ANSWER = "unreadable_answer"
    NO_MESSAGE_ID = "no_message_id"
    LEASE_EXPIRED = "lease_expired"
    # Vendor calls: what no repeat mends
    CREDENTIALS_REFUSED = "credentials_refused"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    INVALID_REQUEST = "invalid_request"
    REJECTED = "rejected"
    ACCOUNT_LIMIT = "account_limit"
    WRONG_ACCOUNT = "wrong_account"
    PRIVATE_ADDRESS = "private_address"
    OUTSIDE_WINDOW = "outside_window"
    TEMPLATE = "template"
    TEMPLATE_STOPPED = "template_stopped"
    MEDIA = "media"
    UNDELIVERABLE = "undeliverable"
    OPTED_OUT = "opted_out"
    HELD_BACK = "held_back"
    SPAM_LIMIT = "spam_limit"
    PAYMENT_PROBLEM = "payment_problem"
    EXHAUSTED = "exhausted"
    # Our own side
    EXPRESSION = "expression"
    INVALID_PARAMETERS = "invalid_parameters"
    RULE_MISSING = "rule_missing"
    UNREADABLE_EVENT = "unreadable_event"
    COMPLETION_FAILED = "completion_failed"
    CONFIGURATION = "configuration"
    BUG = "bug"
    # Decisions
    DUPLICATE_EFFECT = "duplicate_effect"
    NOT_NEEDED = "not_needed"
    OVERTAKEN = "overtaken"
    NEED_FAILED = "need_failed"
    STALE = "stale"
    SPAM = "spam"
    LOOP = "loop"
    PACED = "paced"
    OUTDATED = "outdated"
    QUIET_HOURS = "quiet_hours"
    AMBIGUOUS = "ambiguous"
    AWAITING_DELIVERY = "awaiting_delivery"
    NOT_DELIVERED = "not_delivered"
    BY_OPERATOR = "by_operator"
    PAUSED = "paused"
