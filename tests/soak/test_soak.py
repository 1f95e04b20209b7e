"""Random histories, played against the real engine: nothing twice, nothing against what is known, nothing left undone.

`SOAK_SEED` begins with the round of that seed; `HISTORIES` says how many are played. A failure names its seed.
"""

import os
import secrets
from collections import Counter
from collections.abc import Sequence

import pytest
from sqlalchemy import Engine

from config.load import Config
from config.settings import Settings
from tests.soak.checks import Found, faults_of
from tests.soak.vendors import FAULTS
from tests.soak.world import World

HISTORIES = int(os.environ.get("HISTORIES") or 2_000)
OF_A_ROUND = 100


@pytest.mark.timeout(0)
def test_random_histories(soaked: Engine, settings: Settings, config: Config) -> None:
    """Whatever happens, in whatever order, however often: the promises are kept."""
    seed = int(os.environ.get("SOAK_SEED") or secrets.randbelow(10**9))
    seen: Counter[str] = Counter()
    for number in range(-(-HISTORIES // OF_A_ROUND)):
        name = str(seed + number)
        world = World(soaked, settings, config, name, range(OF_A_ROUND))
        world.play()
        if found := faults_of(world):
            pytest.fail(_told(name, found, world), pytrace=False)
        seen += world.vendors.calls
        seen["messages"] += sum(world.vendors.done.values())
    assert not (missing := [fault for fault in FAULTS if HISTORIES >= 2_000 and not seen[fault]]), missing
    print(f"\n{HISTORIES} histories from seed {seed}: {dict(seen)}")  # noqa: T201 - whoever waited wants to know


def _told(seed: str, found: Found, world: World) -> str:
    lines = [f"  {subject}: {what}" for subject, what in found[:20]]
    return "\n".join([f"replay it with: SOAK_SEED={seed} HISTORIES=1 make soak", *lines])
