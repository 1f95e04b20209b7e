"""The connection to PostgreSQL.

Invariant: no thread waits for a connection, or for a server that is gone, longer than a few seconds; and no error of
the database carries the values of a statement, which may be personal.
"""

import time
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

IDLE_SECONDS = 2.0
"""A pooled connection that rested this long is asked whether it lives before it is used."""
_USED_AT = "hookyard_used_at"
# How soon a peer that vanished without a goodbye (a host that lost power) is noticed; a socket file needs none of it.
_KEEPALIVE = {
    "keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000,
}  # fmt: skip


def connect(url: str, *, pool_size: int, check_first: bool = True) -> Engine:
    """Return an engine for `url` (postgresql+psycopg://…); nothing is connected yet.

    `check_first` asks a pooled connection that rested whether it lives before it is used: right for long pauses, left
    out where every microsecond counts and the caller repeats what failed on a dead connection.
    """
    engine = create_engine(
        make_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        hide_parameters=True,
        connect_args={"connect_timeout": 3, "application_name": "hookyard", **_KEEPALIVE},
    )
    if check_first:
        _check_after_a_rest(engine)
    return engine


def by_statement(engine: Engine) -> Engine:
    """Return the same engine, on the same connections, for transactions of one statement: one round trip, not three.

    When a statement returns, it is committed: PostgreSQL says that it is ready only after the commit, psycopg waits
    for that, and a commit that fails raises from the statement.
    """
    return engine.execution_options(isolation_level="AUTOCOMMIT")


def is_away(error: SQLAlchemyError) -> bool:
    """Whether the same statement may succeed later: no connection, none free, a deadlock.

    Anything else (a value that cannot be stored, a broken constraint) fails again however often it is tried.
    """
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def _check_after_a_rest(engine: Engine) -> None:
    @event.listens_for(engine, "checkin")
    def note(_connection: Any, record: Any) -> None:
        record.info[_USED_AT] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def check(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get(_USED_AT, time.monotonic()) < IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error:
            raise DisconnectionError("the server has closed a resting connection") from None
