"""A plain Redis client for looking at the broker: is it there, how long are its queues.

Invariant: nothing is stored through it; the ledger holds the truth.
"""

import redis
from kombu.transport.redis import Channel

from worker.celery_app import PRIORITY_STEPS

UNIX_SOCKET = "redis+socket://"
_SEPARATOR = Channel.sep


def redis_client(url: str, timeout_seconds: float) -> redis.Redis:
    """Return a client for the address that Celery uses (redis://, rediss:// or redis+socket://)."""
    if url.startswith(UNIX_SOCKET):
        path, _, query = url.removeprefix(UNIX_SOCKET).partition("?")
        url = f"unix://{path}?db=" + (query.partition("virtual_host=")[2] or "0")
    return redis.Redis.from_url(url, socket_timeout=timeout_seconds, socket_connect_timeout=timeout_seconds)


def queue_lengths(client: redis.Redis, names: list[str]) -> dict[str, int]:
    """Return how many messages wait in each queue, of whatever priority."""
    with client.pipeline(transaction=False) as pipeline:
        for name in names:
            for priority in PRIORITY_STEPS:
                pipeline.llen(_list_of(name, priority))
        lengths, steps = list(map(int, pipeline.execute())), len(PRIORITY_STEPS)
    return {name: sum(lengths[nth * steps : (nth + 1) * steps]) for nth, name in enumerate(names)}


def _list_of(queue: str, priority: int) -> str:
    """Return the name under which kombu keeps a queue's messages of a priority."""
    return f"{queue}{_SEPARATOR}{priority}" if priority else queue
