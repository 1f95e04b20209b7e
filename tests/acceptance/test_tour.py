"""The tour in docs/ works as it is written: each command is run, in its order, on an installation of its own."""

import json
import re
import shlex
from collections.abc import Iterator

import httpx
import pytest

from docs.generate import DOCS
from tests.acceptance.test_up import Installation, installation
from tests.support.programs import eventually

__all__ = ["installation"]

# What a reader types otherwise: it is started by the test, or changes the reader's own shell and folder.
NOT_RUN = ("make run", "alias hookyard=", "cp -r config/examples")
# A reader looks until it is so; the command alone would say that there is nothing yet.
SHOWN = ("hookyard deliveries --state retrying", "hookyard deliveries --state unknown")


def lines_of_tour() -> Iterator[str]:
    """Yield each line of the tour's shell blocks."""
    for block in re.findall(r"^```sh\n(.*?)^```", (DOCS / "tour.md").read_text(), re.DOTALL | re.MULTILINE):
        yield from block.splitlines()


def curl(installation: Installation, words: list[str]) -> None:
    """Do what a `curl -X POST URL -H … -d JSON` does, on the ports of this installation."""
    url = words[words.index("POST") + 1].replace(":8900", f":{installation.environ['HOOKYARD_SANDBOX_PORT']}")
    httpx.post(url, json=json.loads(words[words.index("-d") + 1]), timeout=20).raise_for_status()


def filled_in(installation: Installation, words: list[str]) -> list[str]:
    """Put ids where the tour has words for them."""
    given = {}
    if "EVENT" in words:
        given["EVENT"] = installation.json("events", "--type", "scalev.order.status_changed")[0]["id"]
    if "DELIVERY" in words:
        given["DELIVERY"] = installation.json("deliveries", "--state", "unknown")[0]["id"]
    return [given.get(word, word) for word in words]


@pytest.mark.timeout(600)
def test_the_tour_works(installation: Installation) -> None:
    """Every command succeeds, and what is said to be retrying or unknown is."""
    installation.up()
    for line in lines_of_tour():
        if not line.strip() or line.startswith(NOT_RUN):
            continue
        words = shlex.split(line, comments=True)
        if words[0] == "curl":
            curl(installation, words)
            continue
        assert words[0] == "hookyard", line
        if line in SHOWN:
            eventually(lambda words=words: installation.json(*words[1:]), line)
        if words[1] == "story":
            eventually(lambda words=words: installation.hookyard(*words[1:]).returncode == 0, line)
        done = installation.hookyard(*filled_in(installation, words[1:]))
        is_fine = done.returncode == 0 or words[1] == "doctor"  # which may find a full disk
        assert is_fine, f"{line}\n{done.stdout}{done.stderr}"
    assert len(installation.json("deliveries", "--state", "succeeded")) >= 4
