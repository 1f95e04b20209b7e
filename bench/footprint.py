"""What `hookyard up --sandbox` costs: seconds until it is ready, memory once it is idle.

Invariant: memory is the proportional set size (PSS), so that what processes share counts once; the start is that of a
data directory that exists already.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.figures import Figure, under
from bench.stage import BenchError, clean_environment, end, free_port, open_stage, wait_until
from config.settings import EXAMPLES
from console.stack.processes import spawn
from console.stack.service import Service

READY = "Hookyard is ready"
_PORTS = ("RECEIVER", "CONSOLE", "FLOWER", "SANDBOX")


def footprint(seconds: float) -> list[Figure]:
    """Seconds to ready on a new and on a known data directory, and the idle memory of every part."""
    if not Path("/proc/self/smaps_rollup").exists():
        raise BenchError("footprint needs /proc/<pid>/smaps_rollup (Linux)")
    with open_stage() as stage:
        with _up(stage.folder) as (_, first):
            pass
        with _up(stage.folder) as (pid, ready):
            time.sleep(seconds)
            parts = _memory(psutil.Process(pid))
    megabytes = {name: size / 1024 for name, size in sorted(parts.items(), key=lambda part: -part[1])}
    return [
        Figure("memory", sum(megabytes.values()), "MB", "PSS of everything, idle", under(600)),
        *(Figure(f"memory_{name}", size, "MB") for name, size in megabytes.items()),
        Figure("ready", ready, "s", "on a data directory that exists", under(10)),
        Figure("first_ready", first, "s", "with a new database"),
    ]


@contextmanager
def _up(folder: Path) -> Iterator[tuple[int, float]]:
    """Run `hookyard up --sandbox`; give its pid and the seconds until it was ready."""
    log_path = folder / "up.log"
    log_path.unlink(missing_ok=True)
    environ = clean_environment() | {
        "HOOKYARD_CONFIG_DIR": str(EXAMPLES),
        "HOOKYARD_DATA_DIR": str(folder / "var"),
        **{f"HOOKYARD_{name}_PORT": str(free_port()) for name in _PORTS},
    }
    argv = [sys.executable, "-m", "console.cli.main", "up", "--sandbox"]
    began = time.monotonic()
    process = spawn(Service(name="up", argv=argv, env=environ, ready=lambda: True, log_path=log_path))
    try:
        wait_until(lambda: READY in log_path.read_text("utf-8", "replace"), f'"{READY}"', process, log_path)
        yield process.pid, time.monotonic() - began
    finally:
        end(process)


def _memory(up: psutil.Process) -> dict[str, int]:
    """Return kilobytes of each service: its process and all below it."""
    parts = Counter({"supervisor": _pss_kilobytes(up.pid)})
    for child in up.children():
        parts[_name(child)] += sum(_pss_kilobytes(process.pid) for process in [child, *child.children(recursive=True)])
    return parts


def _pss_kilobytes(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except (FileNotFoundError, ProcessLookupError):  # a server's helper that has ended meanwhile
        return 0
    raise BenchError(f"/proc/{pid}/smaps_rollup has no Pss")


def _name(process: psutil.Process) -> str:
    words = process.cmdline()
    if "-m" not in words:
        return process.name()
    module, *arguments = words[words.index("-m") + 1 :]
    return arguments[0] if module == "console.cli.main" else module
