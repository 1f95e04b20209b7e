"""The connection to PostgreSQL.

Invariant: no thread waits for a connection, or for a server that is gone, longer than a few seconds; and no error of
the database carries the values of a statement, which may be personal.
"""

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

# How soon a peer that vanished without a goodbye (a host that lost power) is noticed; a socket file needs none of it.
_KEEPALIVE = {
    "keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000,
}  # fmt: skip


def connect(url: str, *, pool_size: int, check_first: bool = True) -> Engine:
    """Return an engine for `url` (postgresql+psycopg://…); nothing is connected yet.

    `check_first` asks each pooled connection whether it lives before it is used: right for long pauses, left out
    where every microsecond counts and the caller repeats what failed on a dead connection.
    """
    return create_engine(
        make_url(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=5,
        pool_pre_ping=check_first,
        hide_parameters=True,
        connect_args={"connect_timeout": 3, "application_name": "hookyard", **_KEEPALIVE},
    )


def is_away(error: SQLAlchemyError) -> bool:
    """Whether the same statement may succeed later: no connection, none free, a deadlock.

    Anything else (a value that cannot be stored, a broken constraint) fails again however often it is tried.
    """
    if isinstance(error, OperationalError | InterfaceError | PoolTimeoutError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated
