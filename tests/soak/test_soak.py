"""Random histories, played against the real engine: nothing twice, nothing against what is known, nothing left undone.

`SOAK_SEED` begins with the round of that seed, `random` with any; `HISTORIES` says how many are played. A failure is
made small and says how it is played again: `SOAK_REPLAY` plays one round only.
"""

import os
import secrets
from collections import Counter
from contextlib import closing

import pytest

from tests.soak.faults import FAULTS
from tests.soak.rounds import Played, Stage, play
from tests.soak.scenario import Scenario
from tests.support.servers import Servers

HISTORIES = int(os.environ.get("HISTORIES") or 2_000)
OF_A_ROUND = 200
PROCESSES = max(1, min(8, os.cpu_count() or 1))


@pytest.mark.timeout(0)
def test_random_histories(servers: Servers) -> None:
    """Whatever happens, in whatever order, however often: the promises are kept."""
    if again := os.environ.get("SOAK_REPLAY"):
        with servers.database("soak_again") as url, closing(Stage.on(url)) as stage:
            played = stage.play(Scenario.parse(again))
        pytest.fail(_told(played), pytrace=False) if played.found else pytest.skip(f"{again} breaks no promise")
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
    lines = [f"  {fault.subject}: {fault.kind}: {fault.detail}" for fault in played.found[:20]]
    story = ["what happened to the first:", *(f"  {line}" for line in played.told)]
    seed = played.scenario.seed
    replay = f"seed {seed}, made small; replay it with: SOAK_REPLAY='{played.scenario}' make soak"
    return "\n".join([replay, *lines, *story])
