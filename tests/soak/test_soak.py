"""Random histories, played against the real engine: nothing twice, nothing against what is known, nothing left undone.

`SOAK_SEED` begins with the round of that seed, `random` with any; `HISTORIES` says how many are played. A failure names
its seed.
"""

import os
import secrets
from collections import Counter

import pytest

from tests.soak.rounds import Played, play
from tests.soak.vendors import FAULTS
from tests.support.servers import Servers

HISTORIES = int(os.environ.get("HISTORIES") or 2_000)
OF_A_ROUND = 200
PROCESSES = max(1, min(8, os.cpu_count() or 1))


@pytest.mark.timeout(0)
def test_random_histories(servers: Servers) -> None:
    """Whatever happens, in whatever order, however often: the promises are kept."""
    given = os.environ.get("SOAK_SEED") or "1"  # the suite is the same in every run; `make soak` looks elsewhere
    first = secrets.randbelow(10**9) if given == "random" else int(given)
    rounds = -(-HISTORIES // OF_A_ROUND)
    seen: Counter[str] = Counter()
    for played in play(servers, range(first, first + rounds), OF_A_ROUND, min(PROCESSES, rounds)):
        if played.found:
            pytest.fail(_told(played), pytrace=False)
        seen += played.seen
    # A proof that met none of the troubles proves nothing.
    assert seen["messages"] > HISTORIES
    assert not (missing := [fault for fault in FAULTS if HISTORIES >= 2_000 and not seen[fault]]), missing
    print(f"\n{rounds * OF_A_ROUND} histories from seed {first}: {dict(seen)}")  # noqa: T201 - who waited wants to know


def _told(played: Played) -> str:
    lines = [f"  {subject}: {what}" for subject, what in played.found[:20]]
    story = ["what happened to the first:", *(f"  {line}" for line in played.told)]
    return "\n".join([f"replay it with: SOAK_SEED={played.seed} HISTORIES=1 make soak", *lines, *story])
