"""What buttons are about, made anew for each press: something that failed, is planned, is paused, is held.

Invariant: a scene stands alone. Nothing of it was pressed before, and nobody else's page tells of it.
"""

import base64
import hashlib
import hmac
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from tests.browser.conftest import Stage
from tests.support.shop import SIGNING_SECRET, order_created, order_status_changed
from webhooks.inbound import Inbound
from webhooks.receiving import make_endpoints
from webhooks.registry import SOURCES
from worker.clock import system_clock
from worker.holding import Hold
from worker.ids import new_id
from worker.ledger import holds, quarantine
from worker.ledger.quarantine import Caps, Refused
from worker.ledger.selecting import Selection
from worker.ledger.tables import deliveries
from worker.people import People
from worker.states import HoldKind, JobKind, PauseKind, Reason

Fields = Mapping[str, Any]
_numbers = itertools.count(1)
DO_IT_OR_NOT = "summary:text('Do it now')"


@dataclass(frozen=True)
class Scene:
    """Something to press, and where."""

    path: str
    """The page on which one begins."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """What stands for the names in a question to the ledger; `target` is what the audit calls it."""
    through: str = ""
    """A link, or a summary that opens, which leads to the button."""
    within: str = "main"
    """The part of the page that has the button."""

    def told(self, text: str) -> str:
        """Return a text in which `{order}` and the like stand for what this scene is about."""
        for name, value in self.about.items():
            text = text.replace("{" + name + "}", str(value))
        return text


def order_number() -> str:
    """Return the number of an order that nobody placed yet."""
    return f"2511B{next(_numbers):05}"


def _message(stage: Stage, fault: Fields | None = None, then: Fields | None = None) -> tuple[UUID, str]:
    """Plan the message about a shipped order; let it be tried and fail, or wait until tomorrow as `then` says."""
    works, order = stage.works, order_number()
    works.clock.now = system_clock()
    works.execute("DELETE FROM holds")
    works.receive(order_created(order))
    [wake] = works.receive(order_status_changed("shipped", order)).deliveries
    if fault:
        works.shop.sandbox.fail(vendor="wabotick", **fault)
        works.deliver(wake)
        works.shop.sandbox.heal()
    if then:
        tomorrow = works.clock() + timedelta(days=1)
        change = deliveries.update().where(deliveries.c.id == wake.id)
        with works.engine.begin() as connection:
            connection.execute(change.values({"due_at": tomorrow, "wake_at": tomorrow, **then}))
    return wake.id, order


class Message:
    """A message to a buyer, in some state, on its own page or on the page of its order."""

    def __init__(self, fault: Fields | None = None, then: Fields | None = None, *, on_story: bool = False) -> None:
        self._fault, self._then, self._on_story = fault, then, on_story

    def __call__(self, stage: Stage) -> Scene:
        one, order = _message(stage, self._fault, self._then)
        about = {"id": one, "target": str(one)}
        if not self._on_story:
            return Scene(f"/deliveries/{one}", about)
        return Scene(f"/orders/toko/order:{order}", about, "" if self._fault else DO_IT_OR_NOT)


REFUSED = {"status": 422}
LOST = {"when": "after", "reset": True}
LATER = {"state": "waiting"}
AWAITED = LATER | {"reason": "awaiting_delivery", "attempts": 1}
CANCELLED = {"state": "cancelled", "wake_at": None}


class Event:
    """An event whose rules were asked, or could not be."""

    def __init__(self, *, failed: bool = False, on_story: bool = False) -> None:
        self._failed, self._on_story = failed, on_story

    def __call__(self, stage: Stage) -> Scene:
        works, order = stage.works, order_number()
        works.clock.now = system_clock()
        event_id = works.accept(order_created(order))
        works.route(event_id)
        if self._failed:
            works.execute("UPDATE events SET state = 'failed', reason = 'unreadable_event' WHERE id = :id", id=event_id)
        path = f"/orders/toko/order:{order}" if self._on_story else f"/events/{event_id}"
        return Scene(path, {"id": event_id, "target": str(event_id)})


class Pausable:
    """An account or a rule, paused or not, in the list or on its own page."""

    def __init__(self, kind: PauseKind, name: str, *, paused: bool, on_own_page: bool = False) -> None:
        self._kind, self._name, self._paused, self._on_own_page = kind, name, paused, on_own_page

    def __call__(self, stage: Stage) -> Scene:
        stage.works.execute("DELETE FROM pauses")
        if self._paused:
            with stage.works.people() as people:
                people.pause(self._kind, self._name)
        target = f"{self._kind}/{self._name}"
        path = f"/rules/of/{self._name}" if self._on_own_page else "/held"
        within = "main" if self._on_own_page else f"tr:has(th:text-is('{self._name}'))"
        return Scene(path, {"name": self._name, "target": target}, within=within)


class Held:
    """An account or a person that a vendor's answer holds back."""

    def __init__(self, kind: HoldKind, key: str, shown: str) -> None:
        self._kind, self._key, self._shown = kind, key, shown

    def __call__(self, stage: Stage) -> Scene:
        works, now = stage.works, system_clock()
        works.execute("DELETE FROM holds")
        hold = Hold(
            "crm", self._kind, self._key, Reason.CREDENTIALS_REFUSED, "answered 401", "proton.create_opportunity",
            opened_at=now, until=now + timedelta(days=1),
        )  # fmt: skip
        with works.engine.begin() as connection:
            holds.change(connection, "crm", self._kind, self._key, lambda _: hold)
        about = {"kind": self._kind, "target": f"crm/{self._kind}/{self._key}".rstrip("/")}
        return Scene("/held", about, within=f"tr:has-text('{self._shown}')")


class Body:
    """A body in quarantine, alone: signed as it has to be by now, or not."""

    def __init__(self, secret: str, within: str) -> None:
        self._secret, self._within = secret, within

    def __call__(self, stage: Stage) -> Scene:
        works, now = stage.works, system_clock()
        body = json.dumps(order_created(order_number())).encode()
        signature = base64.b64encode(hmac.digest(self._secret.encode(), body, hashlib.sha256)).decode()
        headers = {"x-scalev-hmac-sha256": (signature,)}
        scheme = make_endpoints(works.config, SOURCES)["toko"].scheme(in_path=False)
        assert scheme is not None
        evidence = dict(scheme.evidence(Inbound("toko", body, headers, "", None, "192.0.2.7", now)))
        works.execute("DELETE FROM quarantine")
        refused = Refused("toko", "signature_mismatch", evidence, body, "application/json", None, {}, "192.0.2.7", now)
        with works.engine.begin() as connection:
            quarantine.keep(connection, refused, Caps(rows=10, size_bytes=100_000, days=9))
        [row] = works.shop.rows("SELECT id FROM quarantine")
        return Scene("/quarantine?account=toko", {"id": row.id, "target": str(row.id)}, within=self._within)


RIGHT, WRONG = SIGNING_SECRET, "another secret"


class Many:
    """What a filter finds: one failed message, or the event of a new order."""

    def __init__(self, kind: JobKind) -> None:
        self._kind = kind

    def __call__(self, stage: Stage) -> Scene:
        if self._kind is JobKind.REPLAY:
            order = Event(on_story=True)(stage).path.rpartition(":")[2]
            state = "processed"
        else:
            order, state = _message(stage, REFUSED)[1], "dead"
        asked = {"kind": self._kind, "state": state, "subject": f"order:{order}"}
        return Scene(f"/press?{urlencode(asked)}", within="form[aria-label='Do it']")


def running_job(stage: Stage) -> Scene:
    """Begin a job that no worker does."""
    works = stage.works
    _, order = _message(stage, REFUSED)
    with works.engine.begin() as connection:
        people = People(connection, "ani", works.clock(), works.settings.rewake_seconds, "to be stopped")
        job = people.begin_job(new_id(), JobKind.RETRY, Selection(subject=f"order:{order}"))
    return Scene(f"/jobs/{job.id}", {"id": job.id, "target": str(job.id)})


def no_backtest(stage: Stage) -> Scene:
    """End the backtest that may be under way: only one is, at a time."""
    [*under_way] = stage.works.shop.rows("SELECT id FROM jobs WHERE kind = 'backtest' AND state = 'running'")
    with stage.works.people("ani") as people:
        for job in under_way:
            people.stop_job(job.id)
    return Scene("/rules/backtest")


def running_backtest(stage: Stage) -> Scene:
    """Begin a backtest that no worker starts."""
    no_backtest(stage)
    with stage.works.people("ani") as people:
        job = people.begin_backtest(new_id(), system_clock() - timedelta(hours=1))
    return Scene(f"/rules/backtest/{job.id}", {"id": job.id, "target": str(job.id)})


def masked_phone(stage: Stage) -> Scene:
    """Show the page of an order, on which its buyer is masked."""
    order = order_number()
    stage.works.receive(order_created(order))
    link = "a.reveal[href*='/phone']"
    return Scene(f"/orders/toko/order:{order}", {"target": f"snapshot/toko/order:{order}/phone"}, link)


def whole_body(stage: Stage) -> Scene:
    """Show an event, of which the body is shown in part and masked."""
    scene = Event()(stage)
    return Scene(scene.path, scene.about, "a:text('The whole body')")


class At:
    """A page that is there anyway; `{real}` is the console at which vendors are real."""

    def __init__(self, path: str, through: str = "", within: str = "main", **about: Any) -> None:
        self._scene = Scene(path, about, through, within)

    def __call__(self, stage: Stage) -> Scene:
        return replace(self._scene, path=self._scene.path.replace("{real}", stage.paths.get("real", "")))


class WithOrder:
    """A page on which an order is looked for that was shipped just now, and whose message failed; so did another's."""

    def __init__(self, path: str, within: str = "main") -> None:
        self._path, self._within = path, within

    def __call__(self, stage: Stage) -> Scene:
        _, other = _message(stage, REFUSED)
        one, order = _message(stage, REFUSED)
        event = stage.works.delivery(one).event_id
        about = {"id": one, "order": order, "event": event, "other": other}
        return Scene(self._path, about, within=self._within)
