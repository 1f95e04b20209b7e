"""The user PostgreSQL runs as: it refuses to run as root, so root lends it one of its own.

Invariant: we never run as anybody else than ourselves, the owner of the data, or a user without rights.
"""

import os
import pwd
import subprocess
import time
from pathlib import Path

from console.stack.errors import StackError
from console.stack.service import Owner

USER = "hookyard-postgres"
_ATTEMPTS = 20


def owner_for(directory: Path) -> Owner | None:
    """Return the user a server on `directory` has to run as, or None when that is the one we are."""
    found = directory.stat() if directory.exists() else None
    if os.geteuid() != 0:
        if found is not None and found.st_uid != os.geteuid():
            raise StackError(f"{directory} belongs to another user (uid {found.st_uid}); start as that user or as root")
        return None
    if found is not None and found.st_uid != 0:
        return Owner(found.st_uid, found.st_gid)
    entry = _ensure_user()
    return Owner(entry.pw_uid, entry.pw_gid)


def _ensure_user() -> pwd.struct_passwd:
    for _ in range(_ATTEMPTS):
        try:
            return pwd.getpwnam(USER)
        except KeyError:
            problem = _add_user()
        time.sleep(0.1)  # another useradd may hold the lock on the password file
    raise StackError(
        f"PostgreSQL does not run as root, and the user {USER} could not be created ({problem}). Create it, start as a "
        "normal user, or give your own server in HOOKYARD_DATABASE_URL."
    )


def _add_user() -> str:
    home = ["--home-dir", "/nonexistent", "--no-create-home", "--shell", "/bin/false"]
    try:
        command = ["useradd", "--system", "--user-group", *home, USER]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        return "there is no useradd"
    return done.stderr.strip()
