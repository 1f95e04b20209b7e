"""The supervisor as its operator sees it: order, output, restarts, and nothing left behind."""

import json
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from console.stack.directories import run_directory
from console.stack.errors import StackError
from console.stack.service import Service
from console.stack.supervisor import Supervisor

from .conftest import SLEEP, Up, eventually, is_alive, processes_on, traces_in

STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('I stay', flush=True); {SLEEP}"
Start = Callable[..., Up]


def service(name: str, code: str = SLEEP, **options: Any) -> dict[str, Any]:
    return {"name": name, "code": code, **options}


def query(data_dir: Path, statement: str) -> Any:
    host = str(run_directory(data_dir) / "pg")
    with psycopg.connect(host=host, user="hookyard", dbname="hookyard", autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchone() if cursor.description else None


def assert_clean(data_dir: Path) -> None:
    assert processes_on(data_dir) == []
    assert traces_in(data_dir, run_directory(data_dir)) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_all_in_reverse_order(data_dir: Path, up: Start, number: signal.Signals) -> None:
    """Services start after those they need, stop before them, and leave no process, socket or pid file."""
    one = up(service("worker", after=["postgres", "redis"]), service("beat", after=["worker"]), servers=True)
    one.await_line("everything is ready")
    assert one.end(number) == 0
    started = [one.position(f"{name} is ready") for name in ("postgres", "worker", "beat")]
    stopped = [one.position(f"{name} has stopped") for name in ("beat", "worker", "postgres")]
    assert started == sorted(started)
    assert stopped == sorted(stopped)
    assert_clean(data_dir)


def test_output_carries_the_name_of_its_service(up: Start) -> None:
    """Every line of a child, also an unfinished last one, stands behind its aligned name."""
    code = f"import sys; print('one'); print('two', file=sys.stderr); print('half', end='', flush=True); {SLEEP}"
    one = up(service("web", code), service("receiver"))
    one.await_line("web      | two")
    one.end()
    assert {"web      | one", "web      | two", "web      | half"} <= set(one.lines)


def test_a_oneshot_runs_before_those_that_need_it(up: Start) -> None:
    """A service that ends by itself is done, not dead."""
    one = up(service("migrate", "print('migrated')", oneshot=True), service("worker", after=["migrate"]))
    one.await_line("everything is ready")
    assert one.position("migrate is done") < one.position("worker is ready")
    assert one.count("starting it again") == 0


def test_a_killed_postmaster_comes_back_with_the_data(data_dir: Path, up: Start) -> None:
    """`kill -9` of PostgreSQL or Redis costs a restart, and no data."""
    one = up(servers=True)
    one.await_line("everything is ready")
    query(data_dir, "CREATE TABLE kept AS SELECT 42 AS value")
    os.kill(one.pids()["postgres"], signal.SIGKILL)
    os.kill(one.pids()["redis"], signal.SIGKILL)
    one.await_line("postgres was killed by SIGKILL: starting it again in 0.5 s")
    one.await_line("postgres is ready again")
    one.await_line("redis is ready again")
    assert query(data_dir, "SELECT value FROM kept") == (42,)
    one.end()
    assert_clean(data_dir)


def test_a_backend_that_cannot_be_cancelled_does_not_hold_up_the_restart(data_dir: Path, up: Start) -> None:
    """A busy process of a killed PostgreSQL, which nothing else would end, is ended for the next one."""
    one = up(servers=True)
    one.await_line("everything is ready")
    busy = "PERFORM count(*) FROM generate_series(1, 1000000)"
    loop = f"DO $$ BEGIN LOOP BEGIN {busy}; EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$"
    host = str(run_directory(data_dir) / "pg")
    with closing(psycopg.connect(host=host, user="hookyard", dbname="hookyard", autocommit=True)) as connection:
        connection.pgconn.send_query(loop.encode())
        backend = connection.info.backend_pid
        os.kill(one.pids()["postgres"], signal.SIGKILL)
        one.await_line("postgres is ready again")
    assert not is_alive(backend)


def test_children_die_with_a_killed_supervisor(data_dir: Path, up: Start) -> None:
    """After `kill -9` of the supervisor its children vanish, and the next start works."""
    first = up(service("worker", after=["postgres"]), servers=True)
    first.await_line("everything is ready")
    query(data_dir, "CREATE TABLE kept AS SELECT 42 AS value")
    first.end(signal.SIGKILL)
    eventually(lambda: processes_on(data_dir) == [], "the end of the children")
    second = up(servers=True)
    second.await_line("everything is ready")
    assert query(data_dir, "SELECT value FROM kept") == (42,)


def test_a_kill_of_everything_is_recovered_from(data_dir: Path, up: Start) -> None:
    """After `kill -9` of the supervisor and all servers and children at once the next start works."""
    first = up(service("worker"), servers=True)
    first.await_line("everything is ready")
    query(data_dir, "CREATE TABLE kept AS SELECT 42 AS value")
    for pid in (first.process.pid, *first.pids().values()):
        os.kill(pid, signal.SIGKILL)
    first.wait()
    second = up(service("worker"), servers=True)
    second.await_line("everything is ready")
    assert query(data_dir, "SELECT value FROM kept") == (42,)
    second.end()
    assert_clean(data_dir)


def test_survivors_of_a_dead_run_are_stopped_and_strangers_are_not(data_dir: Path, up: Start) -> None:
    """The next start stops a child that outlived its supervisor, and spares whoever has a noted pid by now."""
    first = up(service("survivor", STUBBORN, stop_seconds=0.3))
    first.await_line("I stay")
    survivor = first.pids()["survivor"]
    first.end(signal.SIGKILL)
    notes = json.loads((data_dir / "up.children.json").read_text())
    (data_dir / "up.children.json").write_text(json.dumps([*notes, {**notes[0], "name": "other", "pid": os.getpid()}]))
    assert is_alive(survivor)
    second = up(service("worker"))
    second.await_line("stopping what the last run left: survivor")
    second.await_line("everything is ready")
    assert not is_alive(survivor)


def test_damaged_notes_do_not_hinder_a_start(data_dir: Path, up: Start) -> None:
    """Notes cut off by a crash are ignored."""
    data_dir.mkdir()
    (data_dir / "up.children.json").write_text('[{"name": "wor')
    up(service("worker")).await_line("everything is ready")


def test_a_crashing_child_is_restarted_ever_more_slowly(up: Start) -> None:
    """A child that ends again and again is started after 0.5, 1, 2 … seconds, and its output stays visible."""
    one = up(service("flaky", "import time; print('hello'); time.sleep(0.3); print('oops'); raise SystemExit(3)"))
    one.await_line("flaky ended with status 3: starting it again in 0.5 s")
    one.await_line("flaky ended with status 3: starting it again in 1 s")
    one.await_line("flaky ended with status 3: starting it again in 2 s")
    assert one.count("flaky | hello") == one.count("flaky | oops") == 3


def test_a_child_that_ignores_sigterm_is_killed_after_its_grace(data_dir: Path, up: Start) -> None:
    """The grace of a service ends with SIGKILL, and is told."""
    one = up(service("stubborn", STUBBORN, stop_seconds=0.3))
    one.await_line("I stay")
    assert one.end() == 0
    assert one.count("stubborn does not stop: sent SIGKILL") == 1
    assert_clean(data_dir)


def test_a_second_ctrl_c_does_not_wait(data_dir: Path, up: Start) -> None:
    """Whoever presses Ctrl-C again is not made to wait for the grace."""
    one = up(service("stubborn", STUBBORN, stop_seconds=300))
    one.await_line("I stay")
    one.process.send_signal(signal.SIGINT)
    one.await_line("stopping")

    def ended() -> bool:
        one.process.send_signal(signal.SIGINT)
        return one.process.poll() is not None

    eventually(ended, "the end")
    assert_clean(data_dir)


def test_grandchildren_die_too(data_dir: Path, up: Start) -> None:
    """What a child started ends with it, whether the child is killed or stopped, even from another session."""
    code = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True)"
    one = up(service("parent", f"{code}; print('grandchild', p.pid, flush=True); {SLEEP}"))
    one.await_line("grandchild")
    grandchild = int(one.lines[one.position("grandchild")].split()[-1])
    os.kill(one.pids()["parent"], signal.SIGKILL)
    eventually(lambda: not is_alive(grandchild), "the end of the first grandchild")
    one.await_line("grandchild", 2)
    one.end()
    assert_clean(data_dir)


def test_a_grandchild_that_outlived_everybody_is_stopped_by_the_next_start(up: Start) -> None:
    """After `kill -9` of the supervisor and a child the next start finds what that child had started."""
    code = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True)"
    first = up(service("parent", f"{code}; print('grandchild', p.pid, flush=True); {SLEEP}"))
    first.await_line("grandchild")
    grandchild = int(first.lines[first.position("grandchild")].split()[-1])
    first.process.kill()
    os.kill(first.pids()["parent"], signal.SIGKILL)
    assert is_alive(grandchild)
    second = up(service("worker"))
    second.await_line(f"stopping what the last run left: process {grandchild}")
    second.await_line("everything is ready")
    assert not is_alive(grandchild)


def test_a_child_that_fails_at_the_start_is_an_error(data_dir: Path, up: Start) -> None:
    """A service that ends before it is ready ends the run, and its last lines are in the error."""
    one = up(service("web"), service("broken", "raise SystemExit('no such rule')", ready_file="/nowhere"))
    assert one.wait() == 1
    assert one.errors == "broken ended with status 1 before it was ready; its last lines:\nno such rule\n"
    assert_clean(data_dir)


def test_a_child_that_never_gets_ready_is_an_error(data_dir: Path, up: Start) -> None:
    """A service has only so long to become ready."""
    code = f"print('thinking', flush=True); {SLEEP}"
    one = up(service("slow", code, ready_file="/nowhere", ready_seconds=0.5))
    assert one.wait() == 1
    assert one.errors == "slow was not ready within 0.5 s; its last lines:\nthinking\n"
    assert_clean(data_dir)


def test_a_program_that_is_missing_is_an_error(data_dir: Path) -> None:
    """A service whose program does not exist is named with the reason."""
    absent = Service("absent", ("/no/such/program",), {}, ready=lambda: False)
    with pytest.raises(StackError, match="cannot run /no/such/program: No such file"):
        Supervisor(data_dir, [absent]).run()


def test_a_second_run_on_the_same_data_is_refused(up: Start) -> None:
    """A second `up` names the first and does it no harm."""
    first = up(service("worker"))
    first.await_line("everything is ready")
    second = up(service("worker"))
    assert second.wait() == 1
    assert f"in use by the running process {first.process.pid} " in second.errors
    assert is_alive(first.pids()["worker"])


def test_a_taken_port_is_told_before_anything_starts(data_dir: Path, up: Start) -> None:
    """A port that is taken ends the run at once."""
    first = up(service("worker"))
    first.await_line("everything is ready")
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        first.end()
        second = up(service("worker"), ports=[[port, "127.0.0.1", "the receiver", "HOOKYARD_RECEIVER_PORT"]])
        assert second.wait() == 1
    assert f"port {port} for the receiver is taken by" in second.errors
    assert second.lines == []
    assert_clean(data_dir)


def test_children_do_not_get_the_ctrl_c_of_the_terminal(up: Start) -> None:
    """Every child has a session of its own, so that only the supervisor is asked to stop."""
    one = up(service("worker"), service("web"))
    one.await_line("everything is ready")
    for pid in one.pids().values():
        assert os.getsid(pid) == pid


@pytest.mark.parametrize("services", [[("a", ("b",))], [("a", ()), ("a", ())], [("a", ("b",)), ("b", ("a",))]])
def test_services_that_make_no_sense_are_refused(data_dir: Path, services: list[tuple[str, tuple[str, ...]]]) -> None:
    """Unknown, double and circular names are a mistake of the caller."""
    known = [Service(name, (sys.executable,), {}, ready=lambda: True, after=after) for name, after in services]
    with pytest.raises(ValueError, match=r"name|cycle"):
        Supervisor(data_dir, known)


def test_the_idle_supervisor_sleeps(up: Start) -> None:
    """A supervisor with nothing to do uses no processor time."""
    one = up(service("worker"))
    one.await_line("everything is ready")
    process = psutil.Process(one.process.pid)
    before = process.cpu_times().user
    eventually(lambda: process.status() == psutil.STATUS_SLEEPING, "sleep")
    assert process.cpu_times().user - before < 0.2
