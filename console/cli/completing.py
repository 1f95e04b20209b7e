"""What a shell may complete: names of the configuration, and words that are always the same.

Invariant: completing never fails and never prints: whoever presses the tab key with a faulty configuration gets less.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer

from config.faults import OperatorError
from config.load import rule_files
from config.settings import load_settings, read_environment
from config.yaml_files import read_yaml


def accounts(incomplete: str) -> list[str]:
    """Return the names of the accounts."""
    return _beginning(incomplete, _part("accounts"))


def alert_targets(incomplete: str) -> list[str]:
    """Return the names of those who are told of failures."""
    alerts = _part("alerts")
    return _beginning(incomplete, alerts.get("targets") or {})


def rules(incomplete: str) -> list[str]:
    """Return the names of the rules that are written as YAML: those in Python would have to be run."""
    return _beginning(incomplete, (rule["name"] for rule in _rules() if isinstance(rule, dict) and "name" in rule))


def can_be_paused(context: typer.Context, incomplete: str) -> list[str]:
    """Return the names of what was typed before: accounts, or rules."""
    return (rules if context.params.get("kind") == "rule" else accounts)(incomplete)


def examples(context: typer.Context, incomplete: str) -> list[str]:
    """Return the events of the vendor that was typed before, in its words."""
    from webhooks.examples import example_names  # noqa: PLC0415 - only here

    names = example_names(str(context.params.get("vendor")))
    return _beginning(incomplete, {name.partition("__")[0] for name in names})


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
        found = _top(load_settings(environ).config_dir / "accounts.yaml", environ).get(name)
        return found if isinstance(found, dict) else {}
    return {}


def _rules() -> list[Any]:
    """Return what stands in the rules' files, as far as it can be read."""
    found: list[Any] = []
    with suppress(OperatorError, OSError):
        environ = read_environment()
        for path in rule_files(load_settings(environ).config_dir / "rules"):
            listed = _top(path, environ).get("rules")
            found += listed if isinstance(listed, list) else []
    return found


def _top(path: Path, environ: Mapping[str, str]) -> Mapping[str, Any]:
    data = read_yaml(path, path.name, environ).data
    return data if isinstance(data, dict) else {}
