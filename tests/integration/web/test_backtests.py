"""The pages of backtests: begun once, told how far they are, stopped, and read at an address of their own."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from console.rules.playing import SPANS
from console.users import Role
from tasks.trying.launching import Launcher
from tests.integration.web.test_pressing import audited
from tests.support.programs import eventually
from tests.support.shop import order_created
from worker.clock import system_clock
from worker.ledger import backtests

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works
    from tests.integration.web.conftest import Browser, Desks

PAGE = "/rules/backtest"
RULES = """
rules:
  - name: tell
    on: [scalev.order.created]
    steps:
      - action: wabotick.send_template
        once: "{{ order.order_id }}:told"
        with: {phone_number: "{{ order.phone }}", template_id: "257000", variables: [Kak, "-"]}
"""


@pytest.fixture
def recorded(works: "Works") -> "Works":
    """A ledger with three orders of an hour ago; the clock shows the real time."""
    works.shop.write_rules(RULES)
    works.reload()
    works.clock.now = system_clock() - timedelta(minutes=50)
    for number in ("250804FIRST1", "250804SECOND", "250804THIRD3"):
        works.receive(order_created(number))
    works.clock.now = system_clock()
    return works


@pytest.fixture
def launcher(works: "Works") -> Iterator[Launcher]:
    """A worker's side; what it started is ended with it."""
    found = Launcher(works.engine, system_clock, works.shop.environ)
    yield found
    found.close()


def form_of(browser: "Browser") -> str:
    """Open the page and return what its form is for."""
    found = re.search(r'name="job" value="([^"]+)"', browser.open(PAGE))
    assert found is not None
    return found[1]


def begin(browser: "Browser", since: str = "1h") -> str:
    """Press Play and return the address that it leads to."""
    answer = browser.press(PAGE, job=form_of(browser), since=since)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_what_was_recorded_is_played(
    desks: "Desks", recorded: "Works", launcher: Launcher, operator: "Browser", viewer: "Browser"
) -> None:
    """In the background; its page comes again by itself until it tells what came of it, to whoever looks."""
    address = begin(operator)
    waiting = operator.client.get(address)
    launcher.take_up(parse(address))
    eventually(lambda: "Refresh" not in operator.client.get(address).headers, "it is played")
    page = viewer.open(address)

    assert waiting.headers["Refresh"]
    assert "waits for a worker" in waiting.text
    for said in (
        "3 events played",
        "Would be sent",
        "3, 3 of them messages",
        "as their files are now",
        "by <bdi>operator",
    ):
        assert said in page, said
    assert "8123456789" not in page
    assert address in viewer.open(PAGE)
    assert audited(desks) == [("operator", "begin_backtest", "")]
    recorded.shop.write_rules(RULES.replace(":told", ":again"))
    assert "their files have changed since" in viewer.open(address)


def test_what_changed_rules_would_send_is_told_with_examples(
    recorded: "Works", launcher: Launcher, operator: "Browser"
) -> None:
    """What is new, and what would not be sent any more; each leads to the event that it follows from."""
    recorded.shop.write_rules(RULES.replace(":told", ":again"))
    address = begin(operator)
    launcher.take_up(parse(address))
    eventually(lambda: "Refresh" not in operator.client.get(address).headers, "it is played")

    page = operator.open(address)

    for kind in ("New", "Gone"):
        assert f"{kind}, for example" in page
    [example, *_] = re.findall(r'href="(/rules/try\?event=[^"]+)">tell / ', page)
    assert "tell" in operator.open(example)


def parse(address: str) -> UUID:
    """Return the id in an address."""
    return UUID(address.rpartition("/")[2])


def test_how_far_it_is_is_shown(recorded: "Works", operator: "Browser") -> None:
    """As a bar with its share, also without scripts; then that the result is being compared."""
    address = begin(operator)
    far = {
        (0, 0): "being counted", (250, 1000): "250 of 1,000 events", (1000, 1000): "are being compared",
    }  # fmt: skip
    for (done, total), said in far.items():
        with recorded.engine.begin() as connection:
            assert backtests.tell(connection, parse(address), done, total, recorded.clock())
        assert said in operator.open(address)
        assert ('<progress max="1000"' in operator.open(address)) == bool(total)

    recorded.clock.pass_(backtests.HELD_SECONDS + 1)
    assert "nothing was heard of its process" in operator.open(address)


def test_presses_at_once_begin_one(desks: "Desks", recorded: "Works") -> None:
    """Two people and a double click: all are led to the same one, and the second person is told whose it is."""
    browsers = [desks.as_(Role.OPERATOR), desks.as_(Role.ADMIN)]
    forms = [
        {"csrf": one.token(), "job": form_of(one), "since": since} for one, since in zip(browsers, SPANS, strict=False)
    ]

    def press(number: int) -> str:
        client = desks.app.test_client()
        for cookie in browsers[number % 2].client._cookies.values():
            client.set_cookie(cookie.key, cookie.value, domain=cookie.domain, path=cookie.path)
        return str(client.post(PAGE, data=forms[number % 2]).location)

    with ThreadPoolExecutor(4) as pool:
        [address] = set(pool.map(press, range(4)))

    [(actor, *_)] = audited(desks)
    other = browsers[actor == Role.OPERATOR]
    assert len(recorded.shop.rows("SELECT 1 FROM jobs")) == 1
    assert begin(other) == address
    assert f"this is the one that {actor} began" in other.open(address)


def test_one_is_stopped_on_its_page(desks: "Desks", recorded: "Works", operator: "Browser") -> None:
    """Who stopped it stands there; stopped twice, the second time is told so, and another can be begun."""
    address = begin(operator)
    assert f'action="{address}/stop"' in operator.open(address)

    stops = [operator.press(f"{address}/stop").status_code for _ in range(2)]
    page = operator.open(address)

    assert stops == [303, 409]
    assert "stopped by operator" in page
    assert "/stop" not in page
    assert [what for _, what, _ in audited(desks)] == ["begin_backtest", "stop_backtest"]
    assert begin(operator) != address
    assert recorded.shop.rows("SELECT 1 FROM backtest_reports") == []


def test_one_that_failed_tells_why(recorded: "Works", operator: "Browser") -> None:
    """And what to do; whatever the reason holds shows as text."""
    address = begin(operator)
    with recorded.engine.begin() as connection:
        backtests.fail(connection, parse(address), "its process was killed by signal 9 <b>", recorded.clock())

    page = operator.open(address)

    assert "was killed by signal 9 &lt;b&gt;. Play it again" in page
    assert "Refresh" not in operator.client.get(address).headers
    assert "was killed by signal 9" in operator.open(PAGE)


@pytest.mark.usefixtures("recorded")
def test_a_viewer_only_looks(desks: "Desks", operator: "Browser", viewer: "Browser") -> None:
    """No button is offered, and requests made by hand are refused."""
    assert "the role operator is needed" in viewer.open(PAGE)
    assert viewer.press(PAGE, job=str(uuid4()), since="1h").status_code == 403
    address = begin(operator)

    assert "<button" not in viewer.open(address).partition("<main")[2]
    assert viewer.press(f"{address}/stop").status_code == 403
    assert [what for _, what, _ in audited(desks)] == ["begin_backtest"]


@pytest.mark.usefixtures("recorded")
def test_what_makes_no_sense_is_refused(desks: "Desks", operator: "Browser") -> None:
    """Half a form, a span that is not offered, an id of nothing: one clear answer, and nothing is done."""
    for fields in ({"since": "1h"}, {"since": "99y", "job": str(uuid4())}, {"job": str(uuid4())}):
        assert operator.press(PAGE, **fields).status_code == 400
    operator.open(f"{PAGE}/{uuid4()}", 404)
    assert operator.press(f"{PAGE}/{uuid4()}/stop").status_code == 409
    operator.open("/press?kind=backtest", 400)
    assert audited(desks) == []


@pytest.mark.usefixtures("recorded")
def test_it_stands_among_what_was_done_to_many(operator: "Browser") -> None:
    """And leads from there to its own page, from where a result that is not kept any more is told."""
    address = begin(operator)

    assert f"/jobs/{parse(address)}" in operator.open("/press")
    assert operator.client.get(f"/jobs/{parse(address)}").location == address
