"""Read recorded events, on several cores where there are many: reading takes most of the time of playing them.

Invariant: what is read is the same, and comes in the same order, however many processes read.
"""

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from config.load import Config
from webhooks.registry import SOURCES
from worker.reading import Stored, Understanding, UnreadableError
from worker.routing import read_stored

READERS = {vendor: source.read for vendor, source in SOURCES.items()}
WORTH_IT = 20_000
"""From so many events on, starting processes takes less time than they save."""
MOST_PROCESSES = 4
"""More of them would wait for the one process that plays what they read."""

Page = Sequence[Stored]
Understood = list[Understanding | None]
"""What each event of a page says; None: it cannot be read."""
ReadAll = Callable[[Iterable[Page]], Iterator[Understood]]

_of_this_process: Config | None = None


@contextmanager
def reading(config: Config, count: int) -> Iterator[ReadAll]:
    """Give what reads pages of so many events in all; they are taken from their iterator only a few ahead."""
    cores = min(os.cpu_count() or 1, MOST_PROCESSES)
    if count < WORTH_IT or cores < 2 or multiprocessing.current_process().daemon:
        yield lambda pages: (read_page(config, page) for page in pages)
        return
    # Without rules: compiled expressions do not travel. Not forked: this process has connections and threads.
    plain = replace(config, rules=())
    spawned = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, spawned, _begin, (plain,)) as pool:
        yield lambda pages: _ahead(pool, pages, cores + 1)


def read_page(config: Config, page: Page) -> Understood:
    """Read a page in this process."""
    return [_read(config, stored) for stored in page]


def _read(config: Config, stored: Stored) -> Understanding | None:
    try:
        return read_stored(config, READERS, stored)
    except UnreadableError:
        return None


def _begin(config: Config) -> None:
    global _of_this_process  # noqa: PLW0603 - a process of a pool has no other place for what all its pages need
    _of_this_process = config
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End when the process that plays was killed: nobody else would tell this one that no page comes any more."""
    if parent := multiprocessing.parent_process():
        parent.join()
        os._exit(1)


def _read_there(page: Page) -> Understood:
    assert _of_this_process is not None  # noqa: S101 - `_begin` ran first, told to mypy
    return read_page(_of_this_process, page)


def _ahead(pool: ProcessPoolExecutor, pages: Iterable[Page], most: int) -> Iterator[Understood]:
    under_way: deque[Future[Understood]] = deque()
    for page in pages:
        under_way.append(pool.submit(_read_there, page))
        if len(under_way) == most:
            yield under_way.popleft().result()
    while under_way:
        yield under_way.popleft().result()
