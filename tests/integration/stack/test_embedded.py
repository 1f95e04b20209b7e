"""The embedded servers by themselves: they start on whatever a dead run left, and keep what was stored."""

import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
import sqlalchemy

from console.stack.directories import run_directory
from console.stack.errors import StackError
from console.stack.postgres import EmbeddedPostgres
from console.stack.redis import EmbeddedRedis

from .conftest import SLEEP, Up, eventually, is_alive, processes_on, traces_in


def postgres_in(data_dir: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(data_dir, run_directory(data_dir))


def connect(server: EmbeddedPostgres) -> psycopg.Connection:
    return psycopg.connect(host=str(server.socket_dir), user="hookyard", dbname="hookyard", autocommit=True)


def store(server: EmbeddedPostgres) -> None:
    with connect(server) as connection:
        connection.execute("CREATE TABLE kept (value text)")
        connection.execute("INSERT INTO kept VALUES ('still here')")


def stored(server: EmbeddedPostgres) -> str:
    with connect(server) as connection:
        row = connection.execute("SELECT value FROM kept").fetchone()
        assert row is not None
        return str(row[0])


def postmaster_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres" / "postmaster.pid").read_text().split()[0])


def test_a_second_start_finds_the_data_of_the_first(data_dir: Path) -> None:
    """What was stored is there after a stop and a start, and a stop leaves no trace."""
    server = postgres_in(data_dir)
    with server:
        store(server)
    assert processes_on(data_dir) == []
    assert traces_in(data_dir, server.run_dir) == []
    with server:
        assert stored(server) == "still here"


def test_the_url_works_in_sqlalchemy_and_the_clock_is_utc(data_dir: Path) -> None:
    """The URL opens the database `hookyard`, whose time zone is UTC and whose commits are durable."""
    with postgres_in(data_dir) as server:
        engine = sqlalchemy.create_engine(server.dsn())
        query = "SELECT current_database(), current_setting('TimeZone'), current_setting('fsync')"
        with engine.connect() as connection:
            assert connection.execute(sqlalchemy.text(query)).one() == ("hookyard", "UTC", "on")
        engine.dispose()


def test_only_we_can_reach_the_sockets(data_dir: Path) -> None:
    """The folders of the sockets cannot be read by others, and there is no TCP port."""
    run_dir = run_directory(data_dir)
    with EmbeddedPostgres(data_dir, run_dir) as server, EmbeddedRedis(data_dir, run_dir) as broker:
        assert stat.S_IMODE(server.socket_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE(broker.socket_path.stat().st_mode) == 0o700
        assert not run_dir.stat().st_mode & (stat.S_IRWXO & ~stat.S_IXOTH)
        assert not psutil.Process(postmaster_pid(data_dir)).net_connections("tcp")


def test_redis_answers_and_starts_empty(data_dir: Path) -> None:
    """Redis is reached through its socket, never evicts, and keeps nothing."""
    server = EmbeddedRedis(data_dir, run_directory(data_dir))
    with server, redis.Redis.from_url(server.client_url) as client:
        client.set("key", "value")
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    with server, redis.Redis.from_url(server.client_url) as client:
        assert client.dbsize() == 0
    assert traces_in(data_dir, server.run_dir) == []


@pytest.mark.parametrize("name", ["with two spaces, and a comma", "long/" * 60 + "path"])
def test_any_path_can_be_the_data_directory(data_dir: Path, name: str) -> None:
    """A path that is too long for a socket, or needs quoting in a URL, works as any other."""
    path = data_dir / name
    run_dir = run_directory(path)
    with EmbeddedPostgres(path, run_dir) as server, EmbeddedRedis(path, run_dir) as broker:
        store(server)
        assert stored(server) == "still here"
        assert broker.ready()
    assert not run_dir.exists()


def test_a_killed_postmaster_does_not_hinder_the_next_start(data_dir: Path) -> None:
    """After `kill -9` of the postmaster and with a stale socket the next start recovers the data."""
    server = postgres_in(data_dir)
    server.start()
    store(server)
    os.kill(postmaster_pid(data_dir), signal.SIGKILL)
    server.stop()
    server.socket_dir.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(server.socket_dir / ".s.PGSQL.5432"))
    with server:
        assert stored(server) == "still here"


def test_a_pid_file_naming_a_stranger_is_not_believed(data_dir: Path) -> None:
    """A pid file whose pid another program has by now is removed, and that program left alone."""
    server = postgres_in(data_dir)
    with server:
        content = (data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[1]
    with subprocess.Popen([sys.executable, "-c", SLEEP]) as stranger:
        (data_dir / "postgres" / "postmaster.pid").write_text(f"{stranger.pid}\n{content}")
        with server:
            assert server.ready()
        assert stranger.poll() is None
        stranger.kill()


def test_a_pid_file_naming_a_zombie_is_not_believed(data_dir: Path) -> None:
    """A postmaster that nobody reaped does not count as running."""
    server = postgres_in(data_dir)
    with server:
        content = (data_dir / "postgres" / "postmaster.pid").read_text().split("\n", 1)[1]
    zombie = subprocess.Popen([sys.executable, "-c", ""])
    eventually(lambda: not is_alive(zombie.pid), "the zombie")
    (data_dir / "postgres" / "postmaster.pid").write_text(f"{zombie.pid}\n{content}")
    with server:
        assert server.ready()
    zombie.wait()


def test_a_living_leftover_is_stopped_first(data_dir: Path) -> None:
    """A PostgreSQL of a dead run that still serves our data is stopped, and its data kept."""
    server = postgres_in(data_dir)
    with server:
        store(server)
    server.prepare()
    service = server.service()
    user = {"user": service.owner.uid, "group": service.owner.gid, "extra_groups": []} if service.owner else {}
    leftover = subprocess.Popen(service.argv, cwd=service.cwd, stderr=subprocess.DEVNULL, **user)  # type: ignore[call-overload]
    eventually(server.ready, "the leftover")
    with postgres_in_new_process_lock(server):
        assert leftover.wait(20) == 0
        assert stored(server) == "still here"


def postgres_in_new_process_lock(server: EmbeddedPostgres) -> EmbeddedPostgres:
    """Return the server as a new run finds it: the lock died with its holder, everything else is still there."""
    server._lock.release()
    return postgres_in(server.data_dir)


def test_a_kill_during_initdb_leaves_no_half_cluster(data_dir: Path, up: Callable[..., Up]) -> None:
    """When a run is killed while initdb works, the next one starts afresh."""
    first = up(servers=True)
    eventually((data_dir / "postgres.initdb" / "base").exists, "initdb at work")
    first.process.kill()
    first.wait()
    assert not (data_dir / "postgres").exists()
    second = up(servers=True)
    second.await_line("everything is ready")
    second.end()
    assert traces_in(data_dir, run_directory(data_dir)) == []


def test_a_server_in_use_is_refused_to_others(data_dir: Path) -> None:
    """A second user of the same data gets an error that names the first, and does no harm."""
    with postgres_in(data_dir) as server:
        with pytest.raises(StackError, match=f"in use by the running process {os.getpid()} "):
            postgres_in(data_dir).start()
        assert server.ready()


def test_a_failing_start_shows_the_end_of_the_log(data_dir: Path) -> None:
    """A server that cannot start says why, and leaves nothing running."""
    server = postgres_in(data_dir)
    with server:
        pass
    (data_dir / "postgres" / "postgresql.conf").write_text("no_such_setting = on\n")
    with pytest.raises(StackError, match="no_such_setting"):
        server.start()
    assert processes_on(data_dir) == []


def test_a_foreign_folder_is_not_overwritten(data_dir: Path) -> None:
    """A folder in the place of the cluster that is none is refused and kept."""
    (data_dir / "postgres").mkdir(parents=True)
    (data_dir / "postgres" / "precious.txt").write_text("x")
    with pytest.raises(StackError, match="not a PostgreSQL cluster"):
        postgres_in(data_dir).start()
    assert (data_dir / "postgres" / "precious.txt").exists()
