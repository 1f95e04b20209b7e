"""Takes changed rules over while the worker runs, in each worker by itself.

Invariant: a worker always has one whole set of rules without a fault; a change with one is refused, loudly, and the
rules before it stay. Accounts stay as they were at the start: connections, limits and secrets hang on them.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from config.faults import ConfigError
from config.load import Config, load_rules, rule_files
from config.rules import Catalog
from worker.clock import Clock, system_clock
from worker.errors import WorkerError
from worker.ledger import reloads
from worker.ledger.reloads import InUse
from worker.sentry import report
from worker.states import Reason

LOOK_SECONDS = 2.0
RENEW_SECONDS = 60.0
log = structlog.get_logger()

Signature = tuple[tuple[str, int, int], ...]


class RulesRefusedError(WorkerError):
    """Changed rules have faults: the ones before stay in use. `hookyard check` tells every fault."""


def signature(paths: list[Path]) -> Signature:
    """Return what changes whenever one of these files does; a file that is not there counts as none."""
    found = []
    for path in paths:
        try:
            state = path.stat()
        except OSError:
            continue
        found.append((path.name, state.st_mtime_ns, state.st_size))
    return tuple(found)


@dataclass
class Reloader:
    """Looks at the files of the configuration every few seconds."""

    folder: Path
    environ: Mapping[str, str]
    catalog: Catalog
    config: Config
    use: Callable[[Config], None]
    """Told of the configuration with the new rules."""
    database: Engine
    worker: str
    clock: Clock = system_clock
    _stopped: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        """Take the accounts as they are now for those that were loaded; the rules are loaded once more, to be sure."""
        self._known: Signature | None = None
        self._seen = self._first = signature(rule_files(self.folder / "rules"))
        self._accounts = self._accounts_now = signature([self.folder / "accounts.yaml"])
        self._refused: tuple[str, ...] = ()

    def start(self) -> None:
        """Begin to look, from a thread of its own."""
        threading.Thread(target=self._run, name="reloader", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def look(self) -> bool:
        """Look once; return whether anything changed. Files are taken as they are once they stay as they are."""
        now, before = signature(rule_files(self.folder / "rules")), self._seen
        self._seen = now
        is_changed = self._look_at_accounts()
        if now == self._known or now != before:
            return is_changed
        is_first, self._known = self._known is None, now
        try:
            config = load_rules(self.folder, self.environ, self.catalog, self.config)
        except ConfigError as error:
            self._refuse(error)
            return True
        self.config, self._refused = config, ()
        self.use(config)
        if not is_first or now != self._first:
            log.info("rules.reloaded", rules=len(config.rules))
        return True

    def _look_at_accounts(self) -> bool:
        now, before = signature([self.folder / "accounts.yaml"]), self._accounts_now
        self._accounts_now = now
        if now not in (before, self._accounts):
            log.warning("accounts.changed", what="accounts.yaml is taken over by a restart only")
        return now != before

    def _refuse(self, error: ConfigError) -> None:
        self._refused = tuple(map(str, error.faults))
        for fault in self._refused:
            log.error("rules.refused", fault=fault, what="the rules before stay in use")
        refused = RulesRefusedError(Reason.CONFIGURATION, f"{len(self._refused)} faults, see `hookyard check`")
        report(refused, {"reason": Reason.CONFIGURATION}, ["rules-refused", *self._refused[:1]])

    def note(self) -> None:
        """Write down what this worker has in use, for whoever looks from elsewhere."""
        accounts_changed = self._accounts_now != self._accounts
        in_use = InUse(self.worker, self.clock(), len(self.config.rules), self._refused, accounts_changed)
        try:
            with self.database.begin() as connection:
                reloads.write(connection, in_use)
        except SQLAlchemyError as error:
            log.warning("rules.not_noted", error=type(error).__name__)

    def _run(self) -> None:
        self.note()
        passed = 0.0
        while not self._stopped.wait(LOOK_SECONDS):
            passed += LOOK_SECONDS
            try:
                is_changed = self.look()
            except Exception as error:  # noqa: BLE001 - looking has to go on, whatever a file did to it
                log.error("rules.reload_bug", error=type(error).__name__)
                report(error, {})
                continue
            if is_changed or passed >= RENEW_SECONDS:
                passed = 0.0
                self.note()
