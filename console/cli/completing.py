"""What a shell may complete: names of the configuration, and words that are always the same.

Invariant: completing never fails and never prints: whoever presses the tab key with a faulty configuration gets less.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from config.faults import OperatorError
from config.settings import load_settings, read_environment
from config.yaml_files import read_yaml


def accounts(incomplete: str) -> list[str]:
    """Return the names of the accounts."""
    return _beginning(incomplete, _part("accounts"))


def alert_targets(incomplete: str) -> list[str]:
    """Return the names of those who are told of failures."""
    alerts = _part("alerts")
    return _beginning(incomplete, alerts.get("targets") or {})


def event_types(incomplete: str) -> list[str]:
    """Return the types of events."""
    from webhooks.registry import SOURCES  # noqa: PLC0415 - slow to load

    return _beginning(incomplete, (name for source in SOURCES.values() for name in source.event_types))


def actions(incomplete: str) -> list[str]:
    """Return the names of actions."""
    from tasks.actions.registry import ACTIONS  # noqa: PLC0415 - slow to load

    return _beginning(incomplete, ACTIONS)


def reasons(incomplete: str) -> list[str]:
    """Return the reasons."""
    from worker.states import Reason  # noqa: PLC0415 - as the others

    return _beginning(incomplete, Reason)


def vendors(incomplete: str) -> list[str]:
    """Return the vendors that something comes in from."""
    from webhooks.registry import SOURCES  # noqa: PLC0415 - slow to load

    return _beginning(incomplete, SOURCES)


def _beginning(incomplete: str, names: Iterable[Any]) -> list[str]:
    return sorted(str(name) for name in names if str(name).startswith(incomplete))


def _part(name: str) -> Mapping[str, Any]:
    """Return a part of accounts.yaml, as far as it can be read."""
    with suppress(OperatorError, OSError):
        environ = read_environment()
        data = read_yaml(load_settings(environ).config_dir / "accounts.yaml", "accounts.yaml", environ).data
        found = data.get(name) if isinstance(data, dict) else None
        return found if isinstance(found, dict) else {}
    return {}
