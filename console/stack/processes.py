"""Starting processes that cannot outlive us, and finding and stopping those that did.

Invariant: a process is only signalled when more than its pid says that it is ours.
"""

import ctypes
import hashlib
import os
import platform
import subprocess
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from signal import SIGKILL, Signals

import psutil

from console.stack.logs import open_log
from console.stack.service import Service

_LAUNCH = str(Path(__file__).with_name("launch.py"))
_LINUX = platform.system() == "Linux"
_PR_SET_CHILD_SUBREAPER = 36
_KILL_SECONDS = 5.0
# Inherited by the children of our children, so that they are found too. No HOOKYARD_ name: it is not a setting.
MARKER = "_HOOKYARD_STACK"


def spawn(service: Service, marker: str | None = None) -> subprocess.Popen[bytes]:
    """Start a service in a session of its own; on Linux it gets its stop signal when this process dies.

    Call from the main thread: the kernel counts the end of the calling thread as the death of the parent.
    """
    owner = f"{service.owner.uid}:{service.owner.gid}" if service.owner else "-"
    ours = [sys.executable, "-I", "-S", _LAUNCH, str(os.getpid()), str(int(service.stop_signal)), owner]
    marked = {MARKER: f"{marker}:{service.name}"} if marker else {}
    log = open_log(service.log_path) if service.log_path else None
    try:
        return subprocess.Popen(
            [*ours, *service.argv],
            env={"PYTHONUNBUFFERED": "1", **service.env, **marked},
            cwd=service.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if log is None else log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    finally:
        if log is not None:
            os.close(log)


def adopt_orphans() -> None:
    """Become the parent of our children's orphans, where the system can do that: pid 1 may not reap them."""
    if _LINUX:
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def is_alive(process: psutil.Process) -> bool:
    """Say whether the process still runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def stop(processes: Iterable[psutil.Process], *signals: tuple[Signals, float]) -> None:
    """Send the processes each signal in turn, waiting so many seconds for all to be gone; at last SIGKILL."""
    left = list(processes)
    for number, seconds in signals:
        for process in left:
            send(process, number)
        left = _still_alive(left, seconds)
    await_end(left, 0)


def await_end(processes: Iterable[psutil.Process], seconds: float) -> None:
    """Wait so many seconds for all to be gone, then kill."""
    left = _still_alive(processes, seconds)
    for process in left:
        send(process, SIGKILL)
    _still_alive(left, _KILL_SECONDS)


def _still_alive(processes: Iterable[psutil.Process], seconds: float) -> list[psutil.Process]:
    left = list(processes)
    deadline = time.monotonic() + seconds
    while (left := [process for process in left if is_alive(process)]) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


def send(process: psutil.Process, number: Signals) -> None:
    """Signal a process that may be gone; psutil refuses when the pid is another process's by now."""
    try:
        process.send_signal(number)
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return


def working_in(directory: Path, names: Collection[str]) -> list[psutil.Process]:
    """Find the processes of these names whose working directory is `directory`.

    The directory is compared itself, not by its name: a container may have another one of the same name.
    """
    return [process for process in _living(names) if _works_in(process, directory)]


def topmost(family: Collection[psutil.Process]) -> list[psutil.Process]:
    """Return those whose parent is not among them: only these expect signals from outside."""
    pids = {process.pid for process in family}
    return [process for process in family if _parent(process) not in pids]


def marked(marker: str) -> list[psutil.Process]:
    """Find the processes that were started, however indirectly, by a run with this marker."""
    return [process for process in _living() if process.pid != os.getpid() and _has_marker(process, marker)]


def marker_of(data_dir: Path) -> str:
    """Name the data directory itself, so that the same path in a container is not taken for ours."""
    found = data_dir.stat()
    return hashlib.sha256(f"{data_dir.resolve()}:{found.st_dev}:{found.st_ino}".encode()).hexdigest()[:24]


def _living(names: Collection[str] | None = None) -> Iterator[psutil.Process]:
    for process in psutil.process_iter(["name"]):
        if (names is None or process.info["name"] in names) and is_alive(process):
            yield process


def _parent(process: psutil.Process) -> int | None:
    try:
        return process.ppid()
    except psutil.Error:
        return None


def _works_in(process: psutil.Process, directory: Path) -> bool:
    try:
        if _LINUX:
            return os.path.samestat(Path(f"/proc/{process.pid}/cwd").stat(), directory.stat())
        return Path(process.cwd()) == directory
    except (psutil.Error, OSError):
        return False


def _has_marker(process: psutil.Process, marker: str) -> bool:
    try:
        value = process.environ().get(MARKER, "")
    except (psutil.Error, OSError):
        return False
    return value == marker or value.startswith(f"{marker}:")
