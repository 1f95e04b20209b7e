"""Backtests in the background: a process of their own, told and stopped through the ledger, never lost unseen."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import psutil
import pytest
from sqlalchemy.exc import IntegrityError

from config.load import rules_digest
from console.stack.processes import is_alive
from tasks.trying.launching import Launcher
from tasks.trying.playing import NICENESS
from tests.integration.engine.test_backtest import NUMBERS, REMIND, TELL, stamped
from tests.integration.engine.test_people import audited
from tests.support.programs import eventually
from tests.support.shop import order_created, order_status_changed
from worker.clock import system_clock
from worker.ids import new_id
from worker.ledger import backtests, jobs
from worker.ledger.jobs import Job
from worker.people import RefusedError
from worker.states import JobKind, JobState

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

DAY = timedelta(days=1)


@pytest.fixture
def told(works: "Works") -> "Works":
    """A ledger with six events of which three were told to their buyers, by a clock that shows the real time."""
    works.shop.write_rules(TELL)
    works.reload()
    works.clock.now = system_clock() - timedelta(hours=2)
    for number in NUMBERS:
        works.receive(stamped(works, order_created(number)))
        works.clock.pass_(60)
        works.receive(stamped(works, order_status_changed("shipped", number)))
        works.settle()
    works.clock.now = system_clock()
    return works


@pytest.fixture
def launcher(works: "Works") -> Iterator[Launcher]:
    """A worker's side; what it started is ended with it."""
    found = Launcher(works.engine, system_clock, works.shop.environ)
    yield found
    found.close()


def begin(works: "Works", actor: str = "ani", job_id: UUID | None = None, since: timedelta = DAY) -> Job:
    """Begin a backtest as a person does."""
    with works.people(actor) as people:
        return people.begin_backtest(job_id or new_id(), works.clock() - since)


def read(works: "Works", job_id: UUID) -> Job:
    """Return a job as the ledger has it."""
    with works.engine.connect() as connection:
        found = jobs.get(connection, job_id)
    assert found is not None
    return found


def report(works: "Works", job: Job) -> Any:
    """Return what is kept of what came of a backtest."""
    with works.engine.connect() as connection:
        return backtests.report(connection, job)


def ended(works: "Works", job: Job) -> Job:
    """Wait until a job has ended and return it."""
    eventually(lambda: read(works, job.id).state is not JobState.RUNNING, "the backtest has ended")
    return read(works, job.id)


def played(works: "Works", launcher: Launcher) -> Job:
    """Begin a backtest and let a process play it to its end."""
    job = begin(works)
    assert launcher.take_up(job.id)
    return ended(works, job)


@contextmanager
def held_up(works: "Works") -> Iterator[None]:
    """Let whoever asks for the events wait: a backtest that has begun to play goes no further."""
    with works.engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE events IN ACCESS EXCLUSIVE MODE")
        yield
        connection.rollback()


def processes_of(job: Job) -> list[psutil.Process]:
    """Return the processes that play a job."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # one of an earlier test that ends just now
            found += [child] * (str(job.id) in child.cmdline())
    return found


def process_of(job: Job) -> psutil.Process:
    """Return the process that plays a job, once it is there."""
    eventually(lambda: processes_of(job), "the process is there")
    return processes_of(job)[0]


def waits_for_events(works: "Works") -> bool:
    """Whether a backtest waits for the events."""
    query = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return bool(works.shop.rows(query))


def test_a_backtest_is_played_by_a_process_of_its_own(told: "Works", launcher: Launcher) -> None:
    """What came of it is what the command tells, kept with the rules' digest, and nothing was sent for it."""
    sent = len(told.shop.sandbox.effects("message"))

    job = played(told, launcher)
    found = report(told, job)

    assert (job.state, job.done, job.total, job.error) == ("done", 6, 6, None)
    assert (found["totals"]["sent"], found["totals"]["same"], found["rules"]["tell"]["same"]) == (3, 3, 3)
    assert found["rules_digest"] == rules_digest(told.settings.config_dir / "rules")
    assert (found["since"], found["until"]) == (job.selection.since, job.selection.until)
    assert audited(told) == [("ani", "begin_backtest")]
    assert len(told.shop.sandbox.effects("message")) == sent


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="only Linux has it")
def test_its_process_stands_back(told: "Works", launcher: Launcher) -> None:
    """Others have the processor first, and it is the first to end where memory is short."""
    with held_up(told):
        job = begin(told)
        launcher.take_up(job.id)
        process = process_of(job)
        eventually(lambda: waits_for_events(told), "it plays")

        assert process.nice() == NICENESS
        assert Path(f"/proc/{process.pid}/oom_score_adj").read_text().strip() == "1000"


def test_changed_rules_have_another_digest(told: "Works") -> None:
    """By the content of all files with rules; the same content has the same."""
    folder = told.settings.config_dir / "rules"
    before = rules_digest(folder)
    told.shop.write_rules(TELL.replace(":told", ":again"))
    assert rules_digest(folder) != before
    told.shop.write_rules(TELL)
    assert rules_digest(folder) == before


def test_one_at_most_is_under_way(told: "Works", launcher: Launcher) -> None:
    """Whoever presses meanwhile is led to it, also for another time; the ledger itself takes no second one."""
    first = begin(told)

    second = begin(told, "budi", since=7 * DAY)
    again = begin(told, job_id=first.id)

    assert (second.id, second.actor, again.id) == (first.id, "ani", first.id)
    assert audited(told) == [("ani", "begin_backtest")]
    with pytest.raises(IntegrityError), told.engine.begin() as connection:
        connection.execute(jobs.jobs.insert().values(jobs.as_row(first) | {"id": new_id()}))
    launcher.take_up(first.id)
    assert ended(told, first).state == "done"
    assert begin(told, "budi").actor == "budi"


def test_however_often_it_is_woken_it_is_started_once(told: "Works", launcher: Launcher) -> None:
    """Every worker may be told of it, and a sweep too."""
    other = Launcher(told.engine, system_clock, told.shop.environ)
    with held_up(told):
        job = begin(told)
        for one in (launcher, other, launcher):
            assert one.take_up(job.id)
        eventually(lambda: waits_for_events(told), "it plays")
        assert len(processes_of(job)) == 1

    assert ended(told, job).state == "done"
    assert not launcher.take_up(new_id())


def test_it_is_stopped_wherever_it_is(told: "Works", launcher: Launcher) -> None:
    """In the middle of a statement too: the process ends, nothing comes of it; it cannot be stopped twice."""
    with held_up(told):
        job = begin(told)
        launcher.take_up(job.id)
        process = process_of(job)
        eventually(lambda: waits_for_events(told), "it plays")
        with told.people("budi") as people:
            people.stop_job(job.id)
        eventually(lambda: not is_alive(process), "the process has ended")

    stopped = read(told, job.id)
    assert (stopped.state, stopped.ended_by, stopped.error, report(told, stopped)) == ("stopped", "budi", None, None)
    assert audited(told) == [("ani", "begin_backtest"), ("budi", "stop_backtest")]
    with told.people() as people, pytest.raises(RefusedError, match="stopped already"):
        people.stop_job(job.id)


def kill(launcher: Launcher, process: psutil.Process) -> None:
    """End a process as the system does where memory is short."""
    assert launcher
    process.kill()


def ask_to_end(launcher: Launcher, process: psutil.Process) -> None:
    """End a process as an operator does."""
    assert launcher
    process.terminate()


def stop_the_worker(launcher: Launcher, process: psutil.Process) -> None:
    """Let the worker end that started the process."""
    assert process
    launcher.close()


@pytest.mark.parametrize(
    ("end", "said"),
    [(kill, "was killed by signal 9"), (ask_to_end, "was told to end"), (stop_the_worker, "was told to end")],
)
def test_a_process_that_ends_too_early_is_told(
    told: "Works", launcher: Launcher, end: Callable[[Launcher, psutil.Process], None], said: str
) -> None:
    """It fails with the reason, nothing comes of it, and another can be begun at once."""
    with held_up(told):
        job = begin(told)
        launcher.take_up(job.id)
        process = process_of(job)
        eventually(lambda: waits_for_events(told), "it plays")
        end(launcher, process)
        failed = ended(told, job)

    assert (failed.state, report(told, failed)) == ("failed", None)
    assert said in (failed.error or "")
    assert begin(told).id != job.id


def test_one_that_is_lost_with_its_worker_is_found(told: "Works") -> None:
    """Nobody is left to tell: a sweep finds that nothing was heard of it, and gives it up; it is not started again."""
    job = begin(told)
    told.execute("UPDATE jobs SET held_until = :now, wake_at = :now", now=told.clock())
    told.clock.pass_(1)

    assert told.sweep().jobs == [job.id]
    Launcher(told.engine, told.clock, told.shop.environ).take_up(job.id)

    failed = read(told, job.id)
    assert (failed.state, failed.error, failed.wake_at) == ("failed", backtests.LOST, None)
    assert told.sweep().jobs == []


def test_one_that_is_lost_stands_in_nobodys_way(told: "Works") -> None:
    """Where no worker sweeps, the next press gives it up."""
    lost = begin(told)
    told.execute("UPDATE jobs SET held_until = :now", now=told.clock())

    new = begin(told)

    assert new.id != lost.id
    assert (read(told, lost.id).state, read(told, new.id).state) == ("failed", "running")


def test_a_wake_up_that_was_lost_is_made_up_for(told: "Works", launcher: Launcher) -> None:
    """A sweep finds the backtest that no worker heard of."""
    job = begin(told)
    told.clock.pass_(60)

    assert told.sweep().jobs == [job.id]
    launcher.take_up(job.id)

    assert ended(told, job).state == "done"


def test_rules_with_a_fault_are_told(told: "Works", launcher: Launcher) -> None:
    """With file and line, as `hookyard check` does."""
    told.shop.write_rules(TELL.replace("when: order.phone", "when: order.phone and"))

    failed = played(told, launcher)

    assert failed.state == "failed"
    assert "rules/test.yaml:4" in (failed.error or "")


def test_what_cannot_be_foreseen_is_told_without_its_words(told: "Works", launcher: Launcher) -> None:
    """They may quote what is personal: the job says that it is a fault, the log has its kind."""
    told.execute("UPDATE jobs SET selection = '{}' WHERE id = :id", id=begin(told).id)
    [row] = told.shop.rows("SELECT id FROM jobs")

    launcher.take_up(row.id)

    failed = ended(told, read(told, row.id))
    assert (failed.state, failed.error) == ("failed", "AssertionError, a fault of Hookyard: the log has more")


def test_what_is_kept_is_bounded_and_names_nobody(told: "Works", launcher: Launcher) -> None:
    """Of the newest backtests, of so many rules, with errors cut short; no name and no number of anybody."""
    address = order_created()["data"]["destination_address"] | {"phone": "0812"}
    told.clock.now = system_clock() - timedelta(hours=3)
    body = order_created("250804BADNUM", destination_address=address, customer=None, message_variables=None)
    told.receive(stamped(told, body))
    told.clock.now = system_clock()
    told.shop.write_rules(REMIND.replace("remind", "tell"))
    found = report(told, played(told, launcher))
    counts = found["rules"]["tell"]
    many = found | {"rules": {f"rule-{number}": counts | {"sent": number} for number in range(300)}}
    sample = found["samples"]["invalid_numbers"][0]
    many |= {"samples": {"dead": [sample | {"error": "x\0" * 9000}]}}

    told.clock.now = system_clock()
    kept = []
    for _ in range(backtests.MOST_REPORTS + 2):
        job = begin(told)
        with told.engine.begin() as connection:
            assert backtests.finish(connection, job.id, many, told.clock())
        kept.append(read(told, job.id))
        told.clock.pass_(1)

    assert "phone_number" in sample["error"]
    assert "0812" not in sample["error"]
    assert "Budi" not in str(found)
    assert [report(told, job) is None for job in (*kept[:3], kept[-1])] == [True, True, False, False]
    newest = report(told, kept[-1])
    assert (len(newest["rules"]), newest["rules_left_out"]) == (backtests.MOST_RULES, 300 - backtests.MOST_RULES)
    assert (min(newest["rules"]), len(newest["samples"]["dead"][0]["error"])) == ("rule-100", backtests.MOST_ERROR)


def test_a_backtest_that_was_stopped_keeps_nothing(told: "Works") -> None:
    """Its process was just through: who stopped it was told that nothing comes of it."""
    job = begin(told)
    with told.people("budi") as people:
        people.stop_job(job.id)

    with told.engine.begin() as connection:
        assert not backtests.tell(connection, job.id, 1, 2, told.clock())
        assert not backtests.finish(connection, job.id, {"events": {"played": 6}}, told.clock())
        assert not backtests.fail(connection, job.id, "late", told.clock())
        assert not backtests.claim(connection, job.id, told.clock())

    assert (read(told, job.id).state, report(told, job)) == ("stopped", None)


def test_backtests_are_among_the_jobs(told: "Works", launcher: Launcher) -> None:
    """And can be told from them."""
    job = played(told, launcher)

    with told.engine.connect() as connection:
        assert [one.id for one in jobs.newest(connection, 5)] == [job.id]
        assert jobs.newest(connection, 5, kind=JobKind.RETRY) == []
        assert [one.id for one in backtests.newest(connection, 5)] == [job.id]
