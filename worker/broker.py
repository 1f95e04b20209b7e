"""A plain Redis client for looking at the broker: is it there, how long are its queues.

Invariant: nothing is stored through it; the ledger holds the truth.
"""

import redis

UNIX_SOCKET = "redis+socket://"


def redis_client(url: str, timeout_seconds: float) -> redis.Redis:
    """Return a client for the address that Celery uses (redis://, rediss:// or redis+socket://)."""
    if url.startswith(UNIX_SOCKET):
        path, _, query = url.removeprefix(UNIX_SOCKET).partition("?")
        url = f"unix://{path}?db=" + (query.partition("virtual_host=")[2] or "0")
    return redis.Redis.from_url(url, socket_timeout=timeout_seconds, socket_connect_timeout=timeout_seconds)


def queue_lengths(client: redis.Redis, names: list[str]) -> dict[str, int]:
    """Return how many messages wait in each queue."""
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            pipeline.llen(name)
        return dict(zip(names, map(int, pipeline.execute()), strict=True))
