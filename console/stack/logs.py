"""The log files of servers that write a lot: appended to by the server, kept small by us."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

MAX_LOG_BYTES = 4_000_000


def open_log(path: Path) -> int:
    """Open a log file for a child to append to; the caller closes the descriptor."""
    bound_log(path)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)


def bound_log(path: Path) -> None:
    """Move what a log file holds to `<name>.1` once it is too big; the writer goes on undisturbed, as it appends."""
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        with suppress(OSError):  # when the disk is full, the room counts for more than the old lines
            shutil.copyfile(path, path.with_name(f"{path.name}.1"))
        os.truncate(path, 0)


def last_lines(path: Path, count: int = 15) -> list[str]:
    """Return the end of a log file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 16_384))
            return file.read().decode("utf-8", "replace").splitlines()[-count:]
    except FileNotFoundError:
        return []
