"""Every button of the console: on which page it stands, what leads to it, what it answers, what it leaves behind.

Invariant: a page shows no button that does not stand here; a new button needs a row, and is tried in every way.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from console.users import Role
from tests.browser.conftest import Stage
from tests.browser.scenes import (
    AWAITED,
    CANCELLED,
    LATER,
    LOST,
    REFUSED,
    RIGHT,
    WRONG,
    At,
    Body,
    Event,
    Held,
    Many,
    Message,
    Pausable,
    Scene,
    masked_phone,
    no_backtest,
    running_backtest,
    running_job,
    whole_body,
)
from tests.support.shop import FLOW_SECRET
from worker.states import HoldKind, JobKind, PauseKind

EVERYWHERE = "every page"
"""The page of what stands in the frame around all of them."""
TWINS = {"orders.of_event": "orders.story", "rules.try_pasted": "rules.try_"}
"""Pages that look the same."""


@dataclass(frozen=True)
class Button:
    """One button of one page. `*` in its label stands for what differs."""

    page: str
    endpoint: str
    """Where its form leads."""
    label: str
    set_up: Callable[[Stage], Scene]
    seen: str
    """What the page shows that comes then, and did not show before."""
    audit: str = ""
    """What is written down, with the reason that was given; nothing where only something is shown."""
    asked: str = ""
    """What the ledger is asked then; `:why` is the reason that was given, other names are the scene's."""
    becomes: tuple[Any, ...] = ()
    again: str = ""
    """What somebody is told who presses it after somebody else did; where that changes nothing, the same."""
    role: Role = Role.OPERATOR
    """Who may press it; those below do not see it."""
    fills: Mapping[str, str] = field(default_factory=dict)
    """What is filled in beside the reason, by the names of the fields."""
    gone: str = ""
    """What the page showed before, and shows no more."""
    sends_file: bool = False
    comes_again: bool = False
    """Whether it stands on, or leads to, a page that loads itself again, which only a script keeps from that."""
    id: str = ""
    """What sets it apart from another row with the same button."""

    @property
    def name(self) -> str:
        """What a test is called by."""
        return "-".join(filter(None, (self.page, self.label.partition(":")[0].replace(" ", "_"), self.id)))

    @property
    def pattern(self) -> re.Pattern[str]:
        """Its label, as a page has it."""
        return re.compile(rf"^{re.escape(self.label)}$".replace(r"\*", ".+"))

    def is_(self, page: str, endpoint: str, label: str) -> bool:
        """Whether a page shows this button."""
        return (TWINS.get(page, page), endpoint) == (self.page, self.endpoint) and bool(self.pattern.match(label))


DELIVERY = "SELECT state, reason FROM deliveries WHERE id = :id"
EVENT = "SELECT state, attempts FROM events WHERE id = :id"
PAUSE = "SELECT count(*) FROM pauses WHERE name = :name"
HOLD = "SELECT count(*) FROM holds WHERE kind = :kind AND opened_at IS NOT NULL"
RELEASED = "SELECT released_at IS NOT NULL, event_id IS NOT NULL FROM quarantine WHERE id = :id"
DISCARDED = "SELECT count(*) FROM quarantine WHERE id = :id"
JOB = "SELECT kind, state, total FROM jobs WHERE comment = :why AND actor = 'operator'"
BACKTEST = "SELECT actor FROM jobs WHERE kind = 'backtest' AND state = 'running'"
STOPPED = "SELECT state, ended_by FROM jobs WHERE id = :id"
SENT = "SELECT account FROM events WHERE id = (SELECT target::uuid FROM audit WHERE details->>'comment' = :why)"

TRIED = {"audit": "retry", "seen": "It is tried again now.", "asked": DELIVERY, "becomes": ("ready", "by_operator")}
GIVEN_UP = {"audit": "cancel", "seen": "It is given up", "asked": DELIVERY, "becomes": ("cancelled", "by_operator")}
WAS_SENT = {"audit": "resolve_sent", "seen": "It counts as done", "asked": DELIVERY,
            "becomes": ("succeeded", "by_operator")}  # fmt: skip
NOT_SENT = {"audit": "resolve_not_sent", "seen": "It is sent now.", "asked": DELIVERY,
            "becomes": ("ready", "by_operator")}  # fmt: skip
REPLAYED = {"audit": "replay", "seen": "Its rules are asked again now.", "asked": EVENT, "becomes": ("received", 0)}


def _of_delivery(page: str, *, on_story: bool) -> list[Button]:
    """Return what can be pressed of a delivery, which is the same on its own page and on the page of its order."""
    retry, cancel, resolve = "pressing.retry", "pressing.cancel", "pressing.resolve"
    again, give_up, sent, not_sent = "Try again now", "Give up", "It was sent", "It was not sent: send it now"
    dead, later = Message(REFUSED, on_story=on_story), Message(then=LATER, on_story=on_story)
    lost, awaited = Message(LOST, on_story=on_story), Message(then=AWAITED, on_story=on_story)
    return [
        Button(page, retry, again, dead, **TRIED, again="you saw dead"),
        Button(page, retry, again, later, **TRIED, again="you saw waiting", id="planned"),
        Button(page, cancel, give_up, dead, **GIVEN_UP, again="you saw dead"),
        Button(page, cancel, give_up, later, **GIVEN_UP, again="you saw waiting", id="planned"),
        Button(page, resolve, sent, lost, **WAS_SENT, again="you saw unknown"),
        Button(page, resolve, not_sent, lost, **NOT_SENT, again="you saw unknown"),
        Button(page, resolve, sent, awaited, **WAS_SENT, again="you saw waiting", id="awaited"),
        Button(page, resolve, not_sent, awaited, **NOT_SENT, again="you saw waiting", id="awaited"),
    ]


def _pause(page: str, kind: PauseKind, name: str, *, on_own_page: bool) -> list[Button]:
    going, paused = (Pausable(kind, name, paused=it, on_own_page=on_own_page) for it in (False, True))
    return [
        Button(page, "held.pause", f"Pause {kind} *", going, f"The {kind} {name} is paused.", "pause", PAUSE, (1,),
               again="already"),
        Button(page, "held.resume", f"Resume {kind} *", paused, f"The {kind} {name} goes on", "resume", PAUSE, (0,),
               again="is not paused"),
    ]  # fmt: skip


def _many(kind: JobKind, label: str) -> Button:
    comes = "This page looks again by itself."
    return Button("jobs.index", "jobs.begin", label, Many(kind), comes, "begin_job", JOB, (kind, "running", 1),
                  comes_again=True)  # fmt: skip


SEND = "Send to *"
SENT_IT = "It was sent, and taken in as this event."
PRESSES = [
    *_of_delivery("deliveries.show", on_story=False),
    Button("deliveries.show", "pressing.retry", "Try again now", Message(then=CANCELLED), **TRIED,
           again="you saw cancelled", id="cancelled"),
    *_of_delivery("orders.story", on_story=True),
    Button("events.show", "pressing.replay", "Ask the rules again", Event(), **REPLAYED, again="you saw processed"),
    Button("orders.story", "pressing.replay", "Ask the rules again", Event(failed=True, on_story=True), **REPLAYED,
           again="you saw failed"),
    *_pause("held.index", PauseKind.ACCOUNT, "crm", on_own_page=False),
    *_pause("held.index", PauseKind.RULE, "opportunity-for-new-customer", on_own_page=False),
    *_pause("rules.show", PauseKind.RULE, "opportunity-for-new-customer", on_own_page=True),
    Button("held.index", "held.close", "Lift it", Held(HoldKind.ACCOUNT, "", "everything that goes there"),
           "crm is no longer held", "close", HOLD, (0,), again="nothing of kind account is held"),
    Button("held.index", "held.close", "Lift it", Held(HoldKind.RECIPIENT, "6b1d", "messages to one person"),
           "crm is no longer held", "close", HOLD, (0,), again="nothing of kind recipient is held", id="person"),
    Button("quarantine.index", "quarantine.release", "Release all that passes now",
           Body(RIGHT, "form[aria-label^='Release all']"), "1 released, 0 still refused.", "release", RELEASED,
           (True, True), again="0 released"),
    Button("quarantine.index", "quarantine.release_one", "Release it", Body(RIGHT, "tr:has-text('192.0.2.7')"),
           "It is released: its event is routed now.", "release", RELEASED, (True, True), again="is not held any more"),
    Button("quarantine.index", "quarantine.discard", "Throw it away", Body(WRONG, "tr:has-text('192.0.2.7')"),
           "It is thrown away.", "discard", DISCARDED, (0,), again="is not held any more"),
    Button("sending.index", "sending.send", SEND, At("/send?account=toko"), SENT_IT, "send", SENT, ("toko",),
           fills={"example": "order.created"}),
    Button("sending.index", "sending.send", SEND, At("{real}/send?account=toko"), SENT_IT, "send", SENT, ("toko",),
           role=Role.ADMIN, fills={"example": "order.status_changed", "is_real": "yes"}, id="where_vendors_are_real"),
    _many(JobKind.RETRY, "Try deliveries again: *"),
    _many(JobKind.CANCEL, "Give deliveries up: *"),
    _many(JobKind.REPLAY, "Ask the rules again about events: *"),
    Button("jobs.show", "jobs.stop", "Stop", running_job, "It is stopped", "stop_job", STOPPED, ("stopped", "operator"),
           again="is stopped already", comes_again=True),
    Button("backtests.index", "backtests.begin", "Play", no_backtest, "waits for a worker", "begin_backtest", BACKTEST,
           ("operator",), fills={"since": "7d"}, again="Only one is played at a time",
           comes_again=True),
    Button("backtests.show", "backtests.stop", "Stop", running_backtest, "It is stopped", "stop_backtest", STOPPED,
           ("stopped", "operator"), again="is stopped already", comes_again=True),
    Button("revealing.ask", "revealing.reveal", "Show it", masked_phone, "+628123456789", "reveal"),
    Button("connect.ask", "connect.reveal", "Show it",
           At("/connect/wa", "a.reveal[href$='flow:0']", target="connect/wa/flow:0"),
           f"/webhooks/wa/{FLOW_SECRET}", "reveal", role=Role.ADMIN),
    Button("connect.ask", "connect.reveal", "Show it",
           At("/connect/meta", "a.reveal:has-text('verify token')", target="connect/meta/verify-token"),
           "the-verify-token-of-meta", "reveal", role=Role.ADMIN, id="verify_token"),
    Button("events.ask_for_body", "events.send_body", "Download it", whole_body, "", "reveal", sends_file=True),
    Button("rules.try_", "rules.try_pasted", "Show what the rules would say", At("/rules/try"),
           "it listens to scalev.order.shipped",
           fills={"account": "toko", "body": '{"event": "order.created", "data": {}}'}),
]  # fmt: skip
"""What does something, or shows what is not shown to everybody."""
