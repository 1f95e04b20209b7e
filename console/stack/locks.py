"""A lock that dies with its holder: flock on a file that names the holder and is gone after a release.

Invariant: whoever holds the lock holds it on the file that the path names now.
"""

import fcntl
import os
from pathlib import Path

from console.stack.errors import StackError


class FileLock:
    """An exclusive lock of this process; children do not inherit it."""

    def __init__(self, path: Path, what: str) -> None:
        """Prepare the lock on `path`; `what` names in the error what is in use."""
        self._path = path
        self._what = what
        self._fd: int | None = None

    @property
    def held(self) -> bool:
        """Say whether this process has the lock through this object."""
        return self._fd is not None

    def acquire(self) -> None:
        """Take the lock, or raise StackError naming the process that has it; taking it twice is harmless."""
        while self._fd is None:
            fd = self._open()
            try:
                self._lock(fd)
            except BaseException:
                os.close(fd)
                raise
            if self._is_current(fd):
                os.truncate(fd, 0)
                os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
                self._fd = fd
            else:  # its last holder removed the file between our open and our lock
                os.close(fd)

    def release(self) -> None:
        """Remove the file and give the lock back."""
        if self._fd is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = None

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StackError(f"cannot lock {self._what}: {self._path}: {error.strerror}") from error

    def _lock(self, fd: int) -> None:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(fd, 32, 0).decode("ascii", "replace").strip() or "unknown"
            raise StackError(f"{self._what} is in use by the running process {holder} (lock {self._path})") from None

    def _is_current(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), self._path.stat())
        except FileNotFoundError:
            return False
