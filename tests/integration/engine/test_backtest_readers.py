"""The processes that read for a backtest: none of them outlives the one that plays."""

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

READS = """
import os, sys
from config.load import load_config
from config.settings import load_settings, read_environment
from tasks.actions.registry import make_catalog
from tasks.trying.reading import WORTH_IT, reading

environ = read_environment()
config = load_config(load_settings(environ).config_dir, environ, make_catalog())
with reading(config, WORTH_IT) as read:
    list(read([[], [], []]))
    print("reads", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="one process reads all on one core")
def test_processes_that_read_end_with_the_one_that_plays(works: "Works") -> None:
    """Killed, it can tell them nothing; they do not wait forever for another page."""
    with subprocess.Popen(
        [sys.executable, "-c", READS], env={**os.environ, **works.shop.environ}, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, start_new_session=True,
    ) as player:  # fmt: skip
        assert player.stdout is not None
        assert player.stdout.readline() == b"reads\n"
        readers = psutil.Process(player.pid).children(recursive=True)

        player.send_signal(signal.SIGKILL)
        _, left = psutil.wait_procs(readers, timeout=60)

    assert len(readers) > 1
    assert left == []
