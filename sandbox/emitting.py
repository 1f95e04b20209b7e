"""Sends the vendors' webhooks: queued at once, delivered behind the vendors' backs, all of it listed.

Invariant: `emit` never waits and never raises, and every emission ends as exactly one of sent, failed, dropped or
no target.
"""

import asyncio
import heapq
import random
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

import aiohttp

from sandbox.exchange import Clock, Json
from sandbox.targets import EVERY_TRIGGER, Target, Targets, Traps, shown_url

KEPT = 100_000
GATHER_SECONDS = 0.05  # how long webhooks wait for their neighbours where a trap mixes or merges them

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_KEPT_ANSWER_BYTES = 2_000


class State(StrEnum):
    """What became of an emission."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"
    NO_TARGET = "no target"


class Sender(Protocol):
    """What the emitter needs to know of a vendor."""

    name: ClassVar[str]
    retry_seconds: tuple[float, ...]

    def sign(self, target: Target, body: bytes, now: datetime) -> Mapping[str, str]:
        """Return the headers that prove where a body comes from."""

    def encode(self, trigger: str, body: Json) -> tuple[bytes, str]:
        """Return a body's bytes and their content type."""

    def address(self, target: Target, trigger: str, body: Json) -> str:
        """Return where a body goes: the target's address, completed where the vendor completes addresses."""

    def combine(self, first: Json, second: Json) -> Json | None:
        """Return one body that says both, None where the format cannot."""

    def answered(self, trigger: str, body: Json, status: int, answer: bytes) -> None:
        """Take notice of what the receiver answered."""


@dataclass(slots=True)
class Emission:
    """One webhook. `sent_with` is the number of the emission whose call carried this one too."""

    number: int
    at: str
    vendor: str
    trigger: str
    url: str | None
    body: Json
    state: State = State.WAITING
    attempts: int = 0
    statuses: list[int] = field(default_factory=list)
    error: str | None = None
    answer: str | None = None
    sent_with: int | None = None

    def shown(self) -> dict[str, Json]:
        """Return it as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Parcel:
    """An emission on its way."""

    emission: Emission
    sender: Sender
    target: Target
    headers: Mapping[str, str]


class Emitter:
    """The outgoing side of all vendors: targets, traps, one lane each, and the list of what was sent."""

    def __init__(self, seed: int, clock: Clock, targets: Mapping[str, Targets], kept: int = KEPT) -> None:
        self._seed, self._clock, self._start_targets = seed, clock, targets
        self._log: deque[Emission] = deque(maxlen=kept)
        self._lanes: dict[str, _Lane] = {}
        self._session: aiohttp.ClientSession | None = None
        self._settled = asyncio.Event()
        self.reset()

    def reset(self) -> None:
        """Forget all emissions, also those still on their way; targets and traps are those of the start."""
        self._cancel()
        self._log.clear()
        self._counts: Counter[str] = Counter()
        self._number = self._open = 0
        self._settled.set()
        self.targets: dict[str, Targets] = dict(self._start_targets)
        self.traps: dict[str, Traps] = {}

    def emit(
        self, sender: Sender, trigger: str, body: Json, delay_seconds: float, headers: Mapping[str, str]
    ) -> Emission:
        """Queue a webhook."""
        targets, traps = self.targets.get(sender.name, {}), self.traps_of(sender.name)
        target = targets.get(trigger, targets.get(EVERY_TRIGGER))
        self._number += 1
        at = self._clock().isoformat(timespec="milliseconds")
        url = shown_url(target.url) if target else None
        emission = Emission(self._number, at, sender.name, trigger, url, body)
        self._log.append(emission)
        if target is None:
            emission.state = State.NO_TARGET
            return emission
        self._counts[sender.name] += 1
        if traps.drop and self._counts[sender.name] % traps.drop == 0:
            emission.state = State.DROPPED
            return emission
        self._open += 1
        self._settled.clear()
        self._lane(sender.name).put(Parcel(emission, sender, target, headers), delay_seconds + traps.delay_seconds)
        return emission

    def traps_of(self, vendor: str) -> Traps:
        """Return the traps of a vendor's webhooks."""
        return self.traps.get(vendor, Traps())

    def emissions(self, vendor: str = "", trigger: str = "", state: str = "", since: int = 0) -> list[Emission]:
        """Return the emissions after number `since`, oldest first."""
        return [
            emission
            for emission in self._log
            if emission.number > since
            and vendor in ("", emission.vendor)
            and trigger in ("", emission.trigger)
            and state in ("", emission.state)
        ]

    async def settle(self, seconds: float) -> bool:
        """Wait until nothing is on its way any more; return whether that came true in time."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._settled.wait(), seconds)
        return self._settled.is_set()

    async def start(self) -> None:
        """Open the connections; must run before anything can be delivered."""
        # No connection is kept: one that the receiver closed meanwhile would look like a failed delivery.
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))

    async def stop(self) -> None:
        """Leave what is on its way and close the connections."""
        self._cancel()
        if self._session is not None:
            await self._session.close()

    async def post(self, parcel: Parcel, body: Json) -> tuple[int | None, bytes]:
        """Send one call; return its status and the beginning of the answer, or None and why there is no answer."""
        assert self._session is not None  # noqa: S101 - a lane lives only while the server does
        raw, content_type = parcel.sender.encode(parcel.emission.trigger, body)
        signed = parcel.sender.sign(parcel.target, raw, self._clock())
        headers = {"Content-Type": content_type, "User-Agent": "hookyard-sandbox"}
        headers |= {**signed, **parcel.headers, **parcel.target.headers}
        url = parcel.sender.address(parcel.target, parcel.emission.trigger, body)
        request = self._session.post(url, data=raw, headers=headers, allow_redirects=False, timeout=_TIMEOUT)
        try:
            async with request as response:
                return response.status, await response.content.read(_KEPT_ANSWER_BYTES)
        except TimeoutError:
            return None, b"no answer in time"
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return None, type(error).__name__.encode()

    def close(self, emission: Emission, state: State) -> None:
        """Note what finally became of an emission."""
        emission.state = state
        self._open -= 1
        if not self._open:
            self._settled.set()

    def _lane(self, vendor: str) -> "_Lane":
        if vendor not in self._lanes:
            generator = random.Random(f"{self._seed}:{vendor}:webhooks")  # noqa: S311 - repeatable on purpose
            self._lanes[vendor] = _Lane(self, vendor, generator)
        return self._lanes[vendor]

    def _cancel(self) -> None:
        for lane in self._lanes.values():
            lane.task.cancel()
        self._lanes = {}


class _Lane:
    """One vendor's queue: the first attempts leave in order, a repetition does not hold up the others."""

    def __init__(self, emitter: Emitter, vendor: str, generator: random.Random) -> None:
        self._emitter, self._vendor, self._generator = emitter, vendor, generator
        self._waiting: list[tuple[float, int, Parcel]] = []
        self._count = 0
        self._news = asyncio.Event()
        self.task = asyncio.get_running_loop().create_task(self._run())
        self.task.add_done_callback(_report)

    def put(self, parcel: Parcel, delay_seconds: float) -> None:
        self._count += 1
        heapq.heappush(self._waiting, (time.monotonic() + delay_seconds, self._count, parcel))
        self._news.set()

    async def _run(self) -> None:
        while True:
            traps = self._emitter.traps_of(self._vendor)
            for group in self._grouped(await self._due(), traps):
                await self._send(group, traps)

    async def _due(self) -> list[Parcel]:
        """Wait until something is due, and take all that is."""
        while not self._waiting or self._waiting[0][0] > time.monotonic():
            self._news.clear()
            pause = self._waiting[0][0] - time.monotonic() if self._waiting else None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), pause)
        if self._emitter.traps_of(self._vendor).gathers:
            await asyncio.sleep(GATHER_SECONDS)
        taken = []
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            taken.append(heapq.heappop(self._waiting)[2])
        return taken

    def _grouped(self, parcels: list[Parcel], traps: Traps) -> list[tuple[list[Parcel], Json]]:
        """Return the calls to make: who shares one, and its body."""
        if traps.shuffle:
            before = list(parcels)
            self._generator.shuffle(parcels)
            if parcels == before:
                parcels.reverse()
        groups: list[tuple[list[Parcel], Json]] = []
        for parcel in parcels:
            body = parcel.emission.body
            group, known = groups[-1] if groups else ([], None)
            fits = 0 < len(group) < traps.batch and group[0].target == parcel.target
            joined = parcel.sender.combine(known, body) if fits else None
            if joined is None:
                groups.append(([parcel], body))
            else:
                groups[-1] = ([*group, parcel], joined)
        return groups

    async def _send(self, call: tuple[list[Parcel], Json], traps: Traps) -> None:
        group, body = call
        first = group[0]
        copies = 2 if traps.duplicate else 1
        results = await asyncio.gather(*(self._emitter.post(first, body) for _ in range(copies)))
        for parcel in group:
            parcel.emission.sent_with = None if parcel is first else first.emission.number
            self._note(parcel, results, traps)
        for status, answer in results:
            if status is not None:
                first.sender.answered(first.emission.trigger, body, status, answer)

    def _note(self, parcel: Parcel, results: Sequence[tuple[int | None, bytes]], traps: Traps) -> None:
        """Write down how an attempt went, and repeat it later where the vendor would."""
        emission = parcel.emission
        emission.attempts += 1
        emission.statuses += [status for status, _ in results if status is not None]
        status, answer = results[-1]
        text = answer.decode("utf-8", "replace")
        emission.error, emission.answer = (text, None) if status is None else (None, text)
        if any(status is not None and 200 <= status < 300 for status, _ in results):
            self._emitter.close(emission, State.SENT)
            return
        pauses = parcel.sender.retry_seconds if traps.retry_seconds is None else traps.retry_seconds
        if emission.attempts > len(pauses):
            self._emitter.close(emission, State.FAILED)
        else:
            self.put(parcel, pauses[emission.attempts - 1])


def _report(task: "asyncio.Task[None]") -> None:
    """Say at once that a lane died: that is a fault of the sandbox, and its vendor sends nothing any more."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        context = {"message": "a vendor's webhooks have stopped", "exception": error, "task": task}
        task.get_loop().call_exception_handler(context)
