"""Where sockets live, and who may pass: short private paths, opened no further than a server needs.

Invariant: we never use a directory that somebody else could have put there for us.
"""

import hashlib
import logging
import os
import re
import stat
from pathlib import Path

from console.stack.errors import StackError

_log = logging.getLogger(__name__)

# sockaddr_un.sun_path holds 104 bytes on macOS and the BSDs (108 on Linux), one of them the closing NUL.
SOCKET_PATH_BYTES = 103
_LONGEST_SOCKET = "/pg/.s.PGSQL.5432"
# Sockets become part of URLs that several libraries unquote in several ways; these need no quoting.
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._+-]+")
# Not tempfile.gettempdir(): TMPDIR differs from shell to shell, and every command must find the same sockets.
_SHORT_ROOT = Path("/tmp")  # noqa: S108  (the directory inside is private, and its owner checked)


def run_directory(data_dir: Path) -> Path:
    """Return the directory of the sockets for `data_dir`, without creating it.

    `<data_dir>/run`, or where that is too long for a socket or would need quoting in a URL, a directory in /tmp named
    by a hash of the data directory. Raises StackError when somebody else owns what is there.
    """
    data_dir = data_dir.resolve()
    path = data_dir / "run"
    if not _PLAIN_PATH.fullmatch(str(path)) or len(os.fsencode(path)) + len(_LONGEST_SOCKET) > SOCKET_PATH_BYTES:
        digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
        path = _SHORT_ROOT / f"hookyard-{digest}"
    trusted = {os.geteuid()} | ({data_dir.stat().st_uid} if data_dir.exists() else set())
    _refuse_strange(path, trusted)
    return path


def make_private(path: Path, *, traversable: bool = False) -> None:
    """Make `path` a directory of ours that nobody else can read or write (mode 0700; 0711 when `traversable`)."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StackError(f"cannot make the directory {path}: {error.strerror}") from error
    _refuse_strange(path, {os.geteuid()})
    path.chmod(0o711 if traversable else 0o700)


def make_data_directory(path: Path) -> None:
    """Make the data directory; one that exists keeps its mode."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StackError(f"cannot make the data directory {path}: {error.strerror}") from error
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise StackError(f"the data directory {path} is not writable for this user")


def make_traversable(path: Path) -> None:
    """Let other users pass through `path` and its parents: the execute bit only, and only where it is missing."""
    for directory in (path, *path.parents):
        mode = stat.S_IMODE(directory.stat().st_mode)
        if not mode & stat.S_IXOTH:
            _log.info("made %s traversable (o+x) for the user of PostgreSQL", directory)
            directory.chmod(mode | stat.S_IXOTH)


def _refuse_strange(path: Path, trusted: set[int]) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        raise StackError(f"{path} is needed as a directory for sockets, but it is something else; remove it")
    if found.st_uid not in trusted:
        raise StackError(f"{path} is needed for sockets, but belongs to another user (uid {found.st_uid}); remove it")
