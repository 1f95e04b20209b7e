"""What is done to many at once: what matched when it was begun, each once, in the background, to be stopped."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import pytest

from tests.integration.engine.test_holds import customers
from tests.integration.engine.test_people import audited
from worker.celery_app import make_celery
from worker.ids import new_id
from worker.jobs import Runner
from worker.ledger import jobs
from worker.ledger.jobs import Job
from worker.ledger.selecting import Selection, Told, matching
from worker.people import People, RefusedError, StaleError
from worker.states import JobKind
from worker.wakeups import Wakeups

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

CRM = Selection(account="crm")


def dead(works: "Works", count: int) -> list[UUID]:
    """Plan opportunities for new customers and let them be dead."""
    found = customers(works, count)
    works.execute("UPDATE deliveries SET state = 'dead', reason = 'rejected', attempts = 3")
    return found


def begin(works: "Works", kind: JobKind = JobKind.RETRY, selection: Selection = CRM, **more: Any) -> Job:
    """Begin a job as a person does."""
    job_id = more.pop("job_id", None) or new_id()
    with works.engine.begin() as connection:
        people = People(connection, "ani", works.clock(), works.settings.rewake_seconds, "vendor works again")
        return people.begin_job(job_id, kind, selection, **more)


def runner(works: "Works") -> Runner:
    """Return what runs jobs."""
    wakeups = Wakeups(make_celery(works.settings, works.config), works.config.accounts)
    return Runner(works.engine, works.settings.rewake_seconds, works.clock, wakeups)


def run(works: "Works", job: Job) -> Job:
    """Run a job to its end."""
    found = runner(works).run(job.id, seconds=60)
    assert found is not None
    return found


def states(works: "Works") -> list[str]:
    """Return the states of all deliveries, oldest first."""
    return [row.state for row in works.shop.rows("SELECT state FROM deliveries ORDER BY id")]


def test_a_job_retries_what_matched_once_each(works: "Works") -> None:
    """All of them are sent once, and each press is audited with the job and its reason."""
    dead(works, 4)

    ended = run(works, begin(works))
    works.settle()

    assert (ended.state, ended.total, ended.done, ended.refused) == ("done", 4, 4, 0)
    assert len(works.shop.sandbox.effects("opportunity")) == 4
    assert audited(works) == [("ani", "begin_job"), *[("ani", "retry")] * 4]
    pressed = [row.details for row in works.shop.rows("SELECT details FROM audit WHERE action = 'retry'")]
    assert {(one["job"], one["comment"]) for one in pressed} == {(str(ended.id), "vendor works again")}


def test_the_preview_says_what_the_job_does(works: "Works") -> None:
    """Those alike are counted together, and the job's total is their sum."""
    dead(works, 3)
    works.execute("UPDATE deliveries SET reason = 'not_found' WHERE id = (SELECT max(id::text)::uuid FROM deliveries)")

    with works.engine.connect() as connection:
        found = matching(connection, JobKind.RETRY, CRM, most=100)

    assert [(one.type, one.reason, one.count) for one in found.groups] == [
        ("proton.create_opportunity", "rejected", 2),
        ("proton.create_opportunity", "not_found", 1),
    ]
    assert begin(works, selection=found.selection, told=found.told).total == 3


def test_what_came_later_is_not_swept_in(works: "Works") -> None:
    """What died after the job was begun is left alone, and so is what dies again while it runs."""
    early = dead(works, 2)
    job = begin(works)
    late = customers(works, 2)
    works.execute("UPDATE deliveries SET state = 'dead' WHERE id = ANY(:late)", late=late)

    ended = run(works, job)

    assert (ended.done, ended.refused) == (2, 0)
    assert [works.delivery(one).state for one in (*early, *late)] == ["ready", "ready", "dead", "dead"]


def test_what_moved_on_is_refused_and_counted(works: "Works") -> None:
    """Somebody else cancelled one meanwhile: it stays so, and the job says why it left it alone."""
    first, _ = dead(works, 2)
    job = begin(works)
    with works.people("budi") as people:
        people.cancel(first)

    ended = run(works, job)

    assert (ended.done, ended.refused, ended.reasons) == (1, 1, {"had moved on meanwhile": 1})
    assert works.delivery(first).state == "cancelled"
    with works.engine.connect() as connection:
        [(target, said)] = jobs.refusals(connection, job.id, 10)
    assert target == first
    assert "cancelled now; you saw dead" in said


def test_a_job_that_is_stopped_presses_nothing_more(works: "Works") -> None:
    """What it had done stays done; stopping it again is refused."""
    dead(works, 3)
    job, working = begin(works), runner(works)
    working.step(job.id)

    with works.people("budi") as people:
        stopped = people.stop_job(job.id)
    ended = run(works, job)

    assert (stopped.state, ended.state, ended.done, ended.left, ended.ended_by) == ("stopped", "stopped", 1, 2, "budi")
    assert states(works) == ["ready", "dead", "dead"]
    with works.people() as people, pytest.raises(RefusedError, match="stopped already"):
        people.stop_job(job.id)


def test_a_job_goes_on_after_a_crash(works: "Works") -> None:
    """Its worker died and Redis lost the wake-up: the next sweep finds it, and nothing is pressed twice."""
    dead(works, 3)
    job = begin(works)
    runner(works).step(job.id)
    assert works.sweep().jobs == []

    works.clock.pass_(60)
    found = works.sweep().jobs
    ended = run(works, job)

    assert found == [job.id]
    assert (ended.state, ended.done, ended.refused) == ("done", 3, 0)


def test_many_workers_at_one_job_press_each_once(works: "Works") -> None:
    """However many run it, each delivery gets one press and one audit entry."""
    dead(works, 12)
    job = begin(works)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: runner(works).run(job.id, seconds=60), range(4)))

    with works.engine.connect() as connection:
        ended = jobs.get(connection, job.id)
    assert ended is not None
    assert (ended.state, ended.done, ended.refused) == ("done", 12, 0)
    assert audited(works).count(("ani", "retry")) == 12


def test_a_double_click_begins_one_job(works: "Works") -> None:
    """The form's job is begun once; the second click finds it."""
    dead(works, 2)
    job_id = uuid4()

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: begin(works, job_id=job_id), range(4)))

    assert {(one.id, one.total) for one in found} == {(job_id, 2)}
    assert audited(works) == [("ani", "begin_job")]


def test_two_operators_with_the_same_filter(works: "Works") -> None:
    """Both jobs run at once; each delivery is retried by one of them, the other is refused."""
    dead(works, 8)
    both = [begin(works), begin(works)]

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda job: run(works, job), both))
    works.settle()

    assert sum(job.done for job in ended) == 8
    assert sum(job.refused for job in ended) == 8
    assert len(works.shop.sandbox.effects("opportunity")) == 8


@pytest.mark.parametrize(
    ("selection", "more", "refusal", "told"),
    [
        (CRM, {"told": Told(1, 7)}, StaleError, "2 match by now, you were told 1"),
        (Selection(account="nowhere"), {}, RefusedError, "nothing matches"),
        (Selection(state="succeeded"), {}, RefusedError, "nothing matches"),
    ],
)
def test_a_job_that_should_not_be_begun(
    works: "Works", selection: Selection, more: dict[str, Any], refusal: type[RefusedError], told: str
) -> None:
    """More than was previewed, or nothing: it is refused, and no job stays behind."""
    dead(works, 2)

    with pytest.raises(refusal, match=told):
        begin(works, selection=selection, **more)

    assert works.shop.rows("SELECT 1 FROM jobs") == []
    assert audited(works) == []


def test_a_job_needs_a_reason(works: "Works") -> None:
    """Without a comment nothing is done to many."""
    dead(works, 1)

    with works.people() as people, pytest.raises(RefusedError, match="say why"):
        people.begin_job(new_id(), JobKind.RETRY, CRM)


def test_many_are_cancelled(works: "Works") -> None:
    """Open deliveries are meant unless another state is named; dead ones stay as they are."""
    [gone] = dead(works, 1)
    customers(works, 2)

    ended = run(works, begin(works, JobKind.CANCEL))

    assert (ended.done, works.delivery(gone).state) == (2, "dead")
    assert states(works)[1:] == ["cancelled", "cancelled"]


def test_many_are_replayed(works: "Works") -> None:
    """Failed events are routed again; facts and requests of several events are not targets of their own."""
    customers(works, 3)
    works.execute("UPDATE events SET state = 'failed'")

    ended = run(works, begin(works, JobKind.REPLAY))

    assert (ended.total, ended.done) == (3, 3)
    assert {row.state for row in works.shop.rows("SELECT state FROM events WHERE parent_id IS NULL")} == {"received"}


def test_a_selection_is_kept_as_it_was(works: "Works") -> None:
    """What the ledger keeps of a filter reads back the same, also what no filter should say."""
    wanted = replace(CRM, reason="x\ud800", since=works.clock(), rule="tell")

    again = Selection.read(wanted.told())

    assert (again.account, again.since, again.rule) == ("crm", works.clock(), "tell")
    assert Selection().is_narrow is False
