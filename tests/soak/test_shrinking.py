"""A failing round is made small, told in a line, and played again just as it was."""

from contextlib import closing

import pytest

from tests.soak.histories import History
from tests.soak.rounds import ACCOUNTS, RULES, Stage
from tests.soak.scenario import Scenario
from tests.soak.shrinking import shrink
from tests.soak.world import World
from tests.support.servers import Servers


@pytest.mark.parametrize("text", ["7/0:3", "7/12:0,1,2", "1000/3:5-1-4,17,20-0"])
def test_a_scenario_is_told_in_a_line(text: str) -> None:
    """What it prints is what it reads."""
    assert str(Scenario.parse(text)) == text


@pytest.mark.parametrize("text", ["", "7", "7/0", "7/0:", "7:1", "a/0:1", "7/0:1,", "7/0:1-", "7/0:1 "])
def test_what_is_no_scenario_is_refused(text: str) -> None:
    """With how one looks."""
    with pytest.raises(ValueError, match="seed/draw:history"):
        Scenario.parse(text)


def test_only_what_is_needed_stays() -> None:
    """Of many histories the two that it takes, of one of them the event that it takes."""
    many, needed = Scenario(5, tuple(range(40))), {(11, 1)}
    tried: list[Scenario] = []

    def fails(scenario: Scenario) -> bool:
        tried.append(scenario)
        return {11, 30} <= set(scenario.chosen) and not needed & scenario.dropped

    small = shrink(many, fails, first=7, most=2000)

    every = {(index, place) for index in (11, 30) for place in range(len(History(5, index).arrivals))}
    assert small.chosen == (11, 30)
    assert small.dropped == every - needed
    assert fails(small)
    assert len(tried) <= 2001


def test_what_is_guessed_to_be_enough_is_tried_first() -> None:
    """One history alone, and at once."""
    tried: list[Scenario] = []
    shrink(
        Scenario(5, tuple(range(40))), lambda scenario: bool(tried.append(scenario)) or 7 in scenario.chosen, first=7
    )

    assert tried[0].chosen == (7,)


def test_it_gives_up_in_time() -> None:
    """Where nothing smaller fails, what was given comes back after so many rounds."""
    tried: list[Scenario] = []
    many = Scenario(5, tuple(range(40)))

    assert shrink(many, lambda scenario: bool(tried.append(scenario)), first=7, most=50) == many
    assert len(tried) == 50


def test_a_round_is_the_same_whenever_it_is_played(servers: Servers) -> None:
    """Everything that happens, whatever was played before; another draw is another one."""
    stories = []
    with servers.database("soak_same") as url, closing(Stage.on(url)) as stage:
        for draw in (0, 1, 0):
            world = World(stage.engine, stage.settings, stage.config, Scenario(3, tuple(range(5)), draw))
            world.play()
            stories.append(world.told)

    assert stories[0] == stories[2]
    assert stories[0] != stories[1]


def test_a_broken_promise_is_shrunk_and_told(servers: Servers) -> None:
    """Of a shop without quiet hours few orders are left of many, and what is wrong is seen again."""
    accounts = "\n".join(line for line in ACCOUNTS.splitlines() if "quiet_hours" not in line)
    with servers.database("soak_shrunk") as url, closing(Stage.on(url, accounts, RULES.read_text())) as stage:
        rounds = (stage.play(Scenario(seed, tuple(range(8)))) for seed in range(1, 20))
        failing = next(played for played in rounds if played.found and played.found[0].kind == "quiet hours")

        small = stage.shrunk(failing)

        again = stage.play(Scenario.parse(str(small.scenario)))
    assert len(small.scenario.chosen) < 8
    assert "quiet hours" in {fault.kind for fault in again.found}
    assert again.told == small.told
