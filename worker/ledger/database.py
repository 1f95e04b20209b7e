"""The connection to PostgreSQL.

Invariant: no thread waits for a connection, or for the server, longer than a few seconds.
"""

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url


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
        connect_args={"connect_timeout": 3, "application_name": "hookyard"},
    )
