"""`hookyard vendors`: what the registries know, for people and as JSON; no server is needed."""

import json

import pytest

from tasks.actions.registry import ACTIONS
from tests.integration.cli.test_commands import hookyard
from webhooks.examples import example_names
from webhooks.registry import SOURCES


def test_every_vendor_is_shown_with_its_counts() -> None:
    """One line a vendor: events handled and ignored on purpose, examples, actions."""
    done = hookyard("vendors", "--json")

    found = {vendor["vendor"]: vendor for vendor in json.loads(done.stdout)}
    assert set(found) == set(SOURCES) | {name.partition(".")[0] for name in ACTIONS}
    assert sum(len(vendor["actions"]) for vendor in found.values()) == len(ACTIONS)
    table = hookyard("vendors").stdout
    for vendor, source in SOURCES.items():
        assert {event["event"] for event in found[vendor]["events"]} == set(source.event_types)
        [line] = [line for line in table.splitlines() if line.startswith(f"{vendor} ")]
        assert str(len(found[vendor]["actions"])) in line.split()
        assert str(len(example_names(vendor))) in line.split()


@pytest.mark.parametrize("vendor", SOURCES)
def test_one_vendor_is_shown_by_name(vendor: str) -> None:
    """Each event with what becomes of it, each action with what it does and whether it may be repeated."""
    table = hookyard("vendors", vendor).stdout

    assert all(event in table for event in SOURCES[vendor].event_types)
    assert all(name in table for name in ACTIONS if name.startswith(f"{vendor}."))


def test_an_unknown_vendor_is_told_with_the_nearest() -> None:
    """A slip of the keyboard is answered with what was meant."""
    done = hookyard("vendors", "scalve")

    assert (done.returncode, done.stdout) == (1, "")
    assert 'did you mean "scalev"?' in done.stderr
