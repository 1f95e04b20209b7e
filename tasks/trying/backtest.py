"""Play the recorded events of a ledger through rules: what would be sent, beside what was.

Invariant: nothing is sent and nothing is written.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from config.load import Config
from config.rules import Step
from tasks.trying.comparing import COMPARED, Comparison, Effect
from tasks.trying.persons import Persons
from tasks.trying.recorded import PAGE, Ledger
from tasks.trying.rendering import Rendered, render
from tasks.trying.shelf import Shelf
from tasks.trying.waiting import Waiting
from tasks.trying.world import Told, Wanted, World
from worker.context import personal_values
from worker.holding import person_key
from worker.masking import mask, mask_message
from worker.planning import fallbacks
from worker.states import DeliveryState, Reason

MOST_SAMPLES = 10
"""Of each kind."""
Progress = Callable[[int, int, float], None]
"""Is told how many events were played, of how many, in how many seconds."""

COUNTED = ("wanted", "sent", "messages", "later", "quiet_hours", "invalid_numbers", "dead", "cancelled", "suppressed")
"""What is counted while events are played; what `comparing` counts comes after."""


class Backtest:
    """One run."""

    def __init__(self, connection: Connection, config: Config, since: datetime, until: datetime) -> None:
        self._config, self._until = config, until
        self._times = {"since": since, "until": until}
        self._ledger = Ledger(connection, config, since, until)
        shelf = Shelf()
        self._world = World(config, self._ledger, shelf)
        self._waiting = Waiting(config, shelf)
        self._persons = Persons(config, self._ledger, shelf)
        self._comparison = Comparison()
        self._counts: dict[str, Counter[str]] = {rule.name: Counter() for rule in config.rules}
        self._reasons: Counter[str] = Counter()
        self._samples: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._fates: dict[tuple[UUID, str], dict[str, bool]] = {}
        """Of steps that others need: whether they would be sent."""
        self._held: dict[tuple[UUID, str, str], datetime] = {}
        """Of steps that others need and that wait for the end of quiet hours: until when."""

    def run(self, progress: Progress) -> dict[str, Any]:
        """Play all events and return the report."""
        total, done, began = self._ledger.count(), 0, time.monotonic()
        for page in self._ledger.pages(total):
            for told in page:
                self._play(told)
            done = min(done + PAGE, total)
            progress(done, total, time.monotonic() - began)
        for wanted in self._waiting.due(None):
            self._decide(wanted)
        for effect in self._ledger.sent():
            self._comparison.really(effect)
        for effects in self._comparison.new_effects(PAGE):
            self._comparison.before(self._ledger.have_happened(effects))
        return self._report(done, time.monotonic() - began)

    def _play(self, told: Told) -> None:
        now = told.stored.received_at
        for due in self._waiting.due(now):
            self._decide(due)
        self._persons.take_in(told)
        dues: dict[tuple[UUID, str, str], datetime] = {}
        for one in self._world.follow(told):
            if isinstance(one, Wanted):
                self._take_up(one, now, dues)
                continue
            for cancelled in self._waiting.cancel(one):
                self._count(cancelled, "cancelled")
                self._fate(cancelled, is_sent=False)

    def _take_up(self, wanted: Wanted, now: datetime, dues: dict[tuple[UUID, str, str], datetime]) -> None:
        """Decide on what is due now; keep what is due later. What needs others is due after them."""
        planned, rule = wanted.planned, wanted.rule
        self._count(wanted, "wanted")
        step = self._step(wanted, now) if planned.needs or planned.due_at > now else None
        before = [dues[key] for need in planned.needs if (key := (planned.event_id, rule.name, need)) in dues]
        if before:
            due_at = max(planned.due_at, max(before) + (step.after if step and step.after else timedelta()))
            wanted = replace(wanted, planned=replace(planned, due_at=due_at))
        dues[planned.event_id, rule.name, planned.step] = wanted.planned.due_at
        if wanted.planned.due_at > now and not planned.failure and not planned.unwanted:
            self._waiting.add(wanted, step)
        else:
            self._decide(wanted)

    def _step(self, wanted: Wanted, now: datetime) -> Step | None:
        return wanted.rule.step(wanted.planned.step, self._world.context(wanted, now))

    def _decide(self, wanted: Wanted) -> None:
        """Say what would be done at the moment when it is due."""
        planned = wanted.planned
        keys = ((planned.event_id, planned.rule, need) for need in planned.needs)
        if later := [self._held[key] for key in keys if key in self._held]:
            self._wait(wanted, max(later))
            return
        context = self._world.context(wanted, planned.due_at)
        rendered = render(self._config, wanted, context, ask_again=True)
        step = None if planned.failure else wanted.rule.step(planned.step, context)
        if rendered.is_sent and not self._have_succeeded(wanted):
            rendered = replace(rendered, state=DeliveryState.SUPPRESSED, reason=Reason.NEED_FAILED)
        if rendered.is_sent and rendered.held_until:
            self._count(wanted, "quiet_hours")
            self._sample("quiet_hours", wanted, rendered, context)
            self._wait(wanted, rendered.held_until)
            return
        if rendered.is_sent and step and (refusal := self._persons.against(rendered, step, planned.due_at)):
            rendered = replace(rendered, state=refusal.state, reason=refusal.reason, error=refusal.error)
        is_sent = rendered.is_sent and self._plan(wanted, rendered)
        self._fate(wanted, is_sent=is_sent)
        if rendered.is_sent and not is_sent:
            rendered = replace(rendered, state=DeliveryState.SUPPRESSED, reason=Reason.DUPLICATE_EFFECT)
        self._note(wanted, rendered, context)
        if rendered.state is DeliveryState.DEAD and step:
            self._instead(wanted, step, rendered)

    def _wait(self, wanted: Wanted, until: datetime) -> None:
        """Keep what is decided on, again, at a later moment."""
        step = self._step(wanted, wanted.planned.due_at)
        wanted = replace(wanted, planned=replace(wanted.planned, due_at=until))
        if wanted.planned.has_followers:
            self._held[wanted.planned.event_id, wanted.planned.rule, wanted.planned.step] = until
        self._waiting.add(wanted, step)

    def _instead(self, wanted: Wanted, step: Step, rendered: Rendered) -> None:
        """Take up what is to be done instead of a step that fails, as far as that it fails is known."""
        planned, rule = wanted.planned, wanted.rule
        suffix = planned.step[len(step.id) :]
        for other in fallbacks(rule, step, suffix, wanted.happening, rendered.reason or "", planned.due_at):
            self._count(wanted, "wanted")
            if other.due_at > planned.due_at:
                self._waiting.add(replace(wanted, planned=other), None)
            else:
                self._decide(replace(wanted, planned=other))

    def _plan(self, wanted: Wanted, rendered: Rendered) -> bool:
        effect = Effect(
            rendered.effect_key or "", rendered.rule, rendered.step, rendered.action, str(wanted.event_id),
            wanted.happening.subject.key, person_key(rendered.recipient) if rendered.recipient else None,
            rendered.is_message,
        )  # fmt: skip
        return self._comparison.plan(effect)

    def _have_succeeded(self, wanted: Wanted) -> bool:
        """Whether everything that it needs would be sent; that it also succeeds is assumed."""
        planned = wanted.planned
        fates = self._fates.get((planned.event_id, planned.rule), {})
        return all(fates.get(need, False) for need in planned.needs)

    def _fate(self, wanted: Wanted, *, is_sent: bool) -> None:
        if wanted.planned.has_followers:
            key = wanted.planned.event_id, wanted.planned.rule
            self._fates.setdefault(key, {})[wanted.planned.step] = is_sent
            self._held.pop((*key, wanted.planned.step), None)

    # What came of it.

    def _note(self, wanted: Wanted, rendered: Rendered, context: dict[str, Any]) -> None:
        self._count(wanted, "sent" if rendered.is_sent else str(rendered.state))
        if rendered.reason:
            self._reasons[rendered.reason] += 1
        if rendered.is_sent and rendered.is_message:
            self._count(wanted, "messages")
        if rendered.is_sent and wanted.planned.due_at > self._until:
            self._count(wanted, "later")
        if rendered.has_bad_number:
            self._count(wanted, "invalid_numbers")
            self._sample("invalid_numbers", wanted, rendered, context)
        if rendered.state is DeliveryState.DEAD:
            self._sample("dead", wanted, rendered, context)

    def _sample(self, what: str, wanted: Wanted, rendered: Rendered, context: dict[str, Any]) -> None:
        if len(self._samples[what]) < MOST_SAMPLES:
            said = rendered.error and mask_message(str(mask(rendered.error, personal_values(context))))
            place = {"event": str(wanted.event_id), "rule": rendered.rule, "step": rendered.step}
            self._samples[what].append(place | {"action": rendered.action} | ({"error": said} if said else {}))

    def _count(self, wanted: Wanted, what: str) -> None:
        self._counts[wanted.rule.name][what] += 1

    def _report(self, done: int, seconds: float) -> dict[str, Any]:
        samples = {name: found for name, found in self._samples.items() if found}
        for what in COMPARED:
            for rule, count, messages in self._comparison.counts(what):
                self._counts.setdefault(rule, Counter()).update({what: count, f"{what}_messages": messages})
            if what != "same" and (found := self._comparison.samples(what, MOST_SAMPLES)):
                samples[what] = found
        names = (*COUNTED, *COMPARED, *(f"{what}_messages" for what in COMPARED))
        rules = {rule: {name: counts[name] for name in names} for rule, counts in self._counts.items()}
        return {
            **self._times,
            "events": {
                "played": done, "unreadable": self._ledger.unreadable, "seconds": round(seconds, 1),
                "per_second": round(done / seconds) if seconds else 0,
            },
            "totals": {name: sum(counts[name] for counts in rules.values()) for name in names},
            "reasons": dict(self._reasons.most_common()),
            "rules": rules,
            "samples": samples,
        }  # fmt: skip
