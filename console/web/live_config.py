"""The configuration as its files have it now, for pages that show it.

Invariant: a whole configuration without a fault is always there; a change with faults is not taken over, and its
faults are there to be shown.
"""

import threading
import time
from collections.abc import Mapping
from pathlib import Path

from config.faults import ConfigError, Fault
from config.load import Config, load_config, rule_files
from config.rules import Catalog
from tasks.reloading import signature

LOOK_SECONDS = 2.0


class LiveConfig:
    """Looks at the files at most every two seconds, when it is asked."""

    def __init__(self, folder: Path, environ: Mapping[str, str], catalog: Catalog) -> None:
        self.folder, self.environ, self.catalog = folder, environ, catalog
        self._lock = threading.Lock()
        self._seen, self._looked_at = self._signature(), time.monotonic()
        self._config, self._faults = load_config(folder, environ, catalog), tuple[Fault, ...]()

    @property
    def config(self) -> Config:
        """The newest configuration without a fault."""
        self._look()
        return self._config

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What is wrong with the files as they are now."""
        self._look()
        return self._faults

    def _look(self) -> None:
        with self._lock:
            if time.monotonic() - self._looked_at < LOOK_SECONDS:
                return
            self._looked_at = time.monotonic()
            now = self._signature()
            if now == self._seen:
                return
            self._seen = now
            try:
                self._config, self._faults = load_config(self.folder, self.environ, self.catalog), ()
            except ConfigError as error:
                self._faults = error.faults

    def _signature(self) -> tuple[tuple[str, int, int], ...]:
        return signature([self.folder / "accounts.yaml", *rule_files(self.folder / "rules")])
