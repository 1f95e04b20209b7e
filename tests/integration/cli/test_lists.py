"""Lists on the command line: narrowed by what is asked, and turned over by the id they end with."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine

from bench.scale.load import load
from tests.support.servers import Servers
from worker.clock import system_clock

EVENTS = 2_000
NARROWED = [
    ("events", ["--account", "crm", "--until", "30d", "--since", "40d"], {"account": "crm"}),
    ("events", ["--text", "buyer77@"], {"subject": "order:000000025"}),
    ("events", ["--handling", "unknown", "--reason", "bug"], None),
    ("deliveries", ["--rule", "rule-1-4", "--state", "dead"], {"rule": "rule-1-4", "state": "dead"}),
    ("deliveries", ["--text", "000000025/77"], {"subject": "order:000000025"}),
    ("attempts", ["--action", "scalev.add_tag", "--reason", "exhausted"], {"action": "scalev.add_tag"}),
]


@pytest.fixture(scope="module")
def environ(servers: Servers) -> Iterator[dict[str, str]]:
    """The environment of a command on a ledger with thousands of rows."""
    with servers.database(f"cli_lists_{uuid4().hex}") as url:
        engine = create_engine(url)
        load(engine, EVENTS, system_clock())
        engine.dispose()
        yield {
            "HOOKYARD_DATABASE_URL": url.replace("postgresql+psycopg://", "postgresql://"),
            "HOOKYARD_DATA_DIR": "/x",
        }


def hookyard(environ: dict[str, str], *arguments: str) -> tuple[list[dict[str, Any]], str]:
    """Run a command; return its document and what it says beside."""
    command = [sys.executable, "-m", "console.cli.main", *arguments, "--json"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.mark.parametrize(("command", "options", "has"), NARROWED, ids=str)
def test_lists_are_narrowed(
    environ: dict[str, str], command: str, options: list[str], has: dict[str, str] | None
) -> None:
    """Each option narrows; what is left has what was asked for."""
    found, _ = hookyard(environ, command, *options)

    assert bool(found) is (has is not None)
    assert all(row[name] == value for row in found for name, value in (has or {}).items())


def test_lists_go_on_behind_an_id(environ: dict[str, str]) -> None:
    """A list that is not whole says where it goes on; together its parts hold every row once."""
    whole, _ = hookyard(environ, "deliveries", "--account", "toko", "--limit", "10000")
    found: list[str] = []
    before: list[str] = []
    while True:
        rows, said = hookyard(environ, "deliveries", "--account", "toko", "--limit", "200", *before)
        found += [row["id"] for row in rows]
        go_on = re.search(r"--before (\S+)", said)
        if go_on is None:
            break
        before = ["--before", go_on[1]]

    assert found == [row["id"] for row in whole]
    assert len(found) == EVENTS / 4
