"""Load the whole configuration, or tell everything that is wrong with it.

Invariant: `load_config` returns only when there is no fault at all; every start of every process goes through it.
"""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from config import accounts as models
from config import webhook_auth
from config.accounts import Account, AccountsFile, Business, Limits
from config.alerts import Alerts, EmailTarget, FailureLimits, SlackTarget, WebhookTarget
from config.expressions import BODY_NAMES, ExpressionError, Expressions
from config.faults import ConfigError, Fault, suggest
from config.limits import limits_of
from config.python_rules import load_python_rules
from config.quiet_hours import Quiet
from config.rule_compiler import RuleCompiler
from config.rule_sources import FallbackSource, RetrySource, RulesFile, RuleSource, StepSource
from config.rules import Catalog, Rule, matches
from config.yaml_files import Document, Location, read_yaml

Model = TypeVar("Model", bound=BaseModel)

# Whose keys stand below a part of a location: a list's or object's name, or the branch of a union that pydantic chose.
_MODELS: Mapping[str, type[BaseModel]] = {
    "steps": StepSource,
    "on_failure": FallbackSource,
    "retry": RetrySource,
    "business": Business,
    "consent": models.Consent,
    "limits": models.Limits,
    "event": models.GenericEvent,
    "alerts": Alerts,
    "failure_limits": FailureLimits,
    "slack": SlackTarget,
    "webhook": WebhookTarget,
    "email": EmailTarget,
    **models.MODELS,
    "hmac": webhook_auth.HmacScheme,
    "standard_webhooks": webhook_auth.StandardWebhooksScheme,
    "static": webhook_auth.StaticScheme,
    "basic": webhook_auth.BasicScheme,
    "url_secret": webhook_auth.UrlSecretScheme,
    "jwt": webhook_auth.JwtScheme,
}


@dataclass(frozen=True)
class Config:
    """What the user configured, checked."""

    accounts: Mapping[str, Account]
    business: Business
    rules: tuple[Rule, ...]
    limits: Mapping[str, Limits] = field(default_factory=dict)
    """By vendor, where they differ from the shipped ones."""
    alerts: Alerts = field(default_factory=Alerts)

    def limits_of(self, account: str) -> Limits:
        """Return how fast an account may be called."""
        return limits_of(self.accounts[account], self.limits)

    def quiet_hours(self, account: str) -> Quiet | None:
        """Return the hours in which an account sends no messages by itself."""
        configured = self.accounts.get(account)
        if isinstance(configured, models.CalledAccount) and "quiet_hours" in configured.model_fields_set:
            return configured.quiet_hours
        return self.business.quiet_hours

    def country(self, account: str) -> str:
        """Return the country whose local phone numbers an account's data is read with."""
        configured = self.accounts.get(account)
        return (configured and configured.country) or self.business.country

    def rule(self, name: str) -> Rule | None:
        """Return the rule of that name, if it is still configured."""
        return self._by_name.get(name)

    def cancels(self, event_type: str) -> bool:
        """Whether any step is cancelled by events of a type."""
        return any(matches(pattern, event_type) for pattern in self._cancelling)

    @cached_property
    def _by_name(self) -> dict[str, Rule]:
        return {rule.name: rule for rule in self.rules}

    @cached_property
    def _cancelling(self) -> set[str]:
        return {pattern for rule in self.rules for step in rule.all_steps() for pattern in step.cancel_on}


def load_accounts(folder: Path, environ: Mapping[str, str]) -> Config:
    """Load `accounts.yaml` only, for a process that runs no rules; raises ConfigError with every fault."""
    document, parsed = _read_accounts(folder, environ)
    if document.faults or parsed is None:
        raise ConfigError(_in_order(document.faults))
    return Config(parsed.accounts, parsed.business, (), parsed.limits, parsed.alerts)


def load_config(folder: Path, environ: Mapping[str, str], catalog: Catalog, rules_folder: Path | None = None) -> Config:
    """Load `accounts.yaml` and `rules/*.yaml`; raises ConfigError with every fault of all files.

    `rules_folder`: where the rules are, when they are to be tried in place of the ones in use.
    """
    document, parsed = _read_accounts(folder, environ)
    faults = list(document.faults)
    business = parsed.business if parsed else Business()
    catalog = catalog.with_event_types(_configured_types(parsed.accounts if parsed else {}))
    compiler = RuleCompiler(_vendors(document), catalog, Expressions(business), business.country)
    rules, wrong = _compiled(rules_folder or folder / "rules", environ, compiler)
    faults += wrong
    if faults or parsed is None:
        raise ConfigError(_in_order(faults))
    return Config(parsed.accounts, business, tuple(rules), parsed.limits, parsed.alerts)


def load_rules(folder: Path, environ: Mapping[str, str], catalog: Catalog, config: Config) -> Config:
    """Load `rules/*.yaml` again beside accounts that stay as they are; raises ConfigError with every fault."""
    catalog = catalog.with_event_types(_configured_types(config.accounts))
    vendors = {name: account.vendor for name, account in config.accounts.items()}
    compiler = RuleCompiler(vendors, catalog, Expressions(config.business), config.business.country)
    rules, faults = _compiled(folder / "rules", environ, compiler)
    if faults:
        raise ConfigError(_in_order(faults))
    return Config(config.accounts, config.business, tuple(rules), config.limits, config.alerts)


def _compiled(folder: Path, environ: Mapping[str, str], compiler: RuleCompiler) -> tuple[list[Rule], list[Fault]]:
    """Compile every rule there is; return the faults, too."""
    rules: list[Rule] = []
    faults: list[Fault] = []
    for path in rule_files(folder):
        file = read_yaml(path, f"{folder.name}/{path.name}", environ)
        rules += _compile_file(file, compiler)
        faults += file.faults
    from_packages, wrong = load_python_rules(compiler)
    rules += from_packages
    return rules, [*faults, *wrong, *_repeated_names(rules)]


def rule_files(folder: Path) -> list[Path]:
    """Return the files that hold rules; what begins with a dot belongs to an editor or to the system."""
    return sorted(
        path for path in folder.glob("*") if path.suffix in {".yaml", ".yml"} and not path.name.startswith(".")
    )


def rules_digest(folder: Path) -> str:
    """Return a short hash of all files with rules, to tell whether they are the same."""
    found = hashlib.sha256()
    for path in rule_files(folder):
        found.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:12]


def _vendors(document: Document) -> dict[str, str] | None:
    """Return the vendor of every account, also of those with a fault; None when that cannot be told."""
    accounts = document.data.get("accounts") if isinstance(document.data, dict) else None
    if not isinstance(accounts, dict):
        return None
    return {name: str(given.get("vendor")) for name, given in accounts.items() if isinstance(given, dict)}


def _read_accounts(folder: Path, environ: Mapping[str, str]) -> tuple[Document, AccountsFile | None]:
    document = read_yaml(folder / "accounts.yaml", "accounts.yaml", environ)
    if document.data is None and not document.faults:
        document.fault((), "is empty")
    if document.data is None:
        return document, None
    parsed = _validated(AccountsFile, document.data, (), document)
    if parsed is not None:
        _check_expressions(parsed, document)
    return document, parsed


def _configured_types(accounts: Mapping[str, Account]) -> set[str]:
    """Return the event types that exist because an account says so."""
    generic = [account for account in accounts.values() if isinstance(account, models.GenericAccount)]
    return {f"{account.vendor}.{name}" for account in generic for name in account.event_types}


def _check_expressions(parsed: AccountsFile, document: Document) -> None:
    """Note every fault in the expressions that say how a generic account's events are read."""
    for name, account in parsed.accounts.items():
        if isinstance(account, models.GenericAccount):
            for key, text in account.event:
                try:
                    _ = text and Expressions(parsed.business).value(text, BODY_NAMES)
                except ExpressionError as error:
                    document.fault(("accounts", name, "event", key), f"{key}: {error}")


def _compile_file(document: Document, compiler: RuleCompiler) -> list[Rule]:
    if document.data is None:
        return []
    parsed = _validated(RulesFile, document.data, (), document)
    # Each rule by itself: a fault in one hides none of another.
    found = [
        (_validated(RuleSource, source, ("rules", index), document), ("rules", index))
        for index, source in enumerate(parsed.rules if parsed else ())
    ]
    return [compiler.compile(source, at, document) for source, at in found if source]


def _validated(model: type[Model], data: Any, at: Location, document: Document) -> Model | None:
    """Note every fault of a part; return it when nothing but unknown keys and unset variables is wrong with it."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_input=False, include_url=False)
    for detail in details:
        document.fault(*_explained(detail, at, model, document))
    unknown = [detail["loc"] for detail in details if detail["type"] == "extra_forbidden"]
    try:
        return model.model_validate(_without(data, unknown)) if unknown else None
    except ValidationError:
        return None


def _without(data: Any, locations: list[Location]) -> Any:
    """Return a copy without the keys at these locations, so that the rest can be looked at."""
    data = deepcopy(data)
    for location in locations:
        parent: Any = data
        for key in location[:-1]:
            with suppress(LookupError, TypeError):  # the name of a union's branch stands in no data
                parent = parent[key]
        parent.pop(location[-1], None)
    return data


def _explained(detail: ErrorDetails, at: Location, model: type[BaseModel], document: Document) -> tuple[Location, str]:
    """Return where something is wrong and what it is, in our words."""
    loc, kind = (*at, *detail["loc"]), detail["type"]
    name = ".".join(str(part) for part in document.place(loc)[len(at) :] if not isinstance(part, int))
    said = detail["msg"].removeprefix("Value error, ")
    if kind == "extra_forbidden":
        return loc, f'unknown key "{loc[-1]}"' + suggest(str(loc[-1]), _keys_beside(detail["loc"], model))
    if kind == "missing":
        return loc, f'"{loc[-1]}" is missing'
    if kind == "union_tag_not_found":
        return loc, f"{detail['ctx']['discriminator']} is missing".replace("'", '"')
    if kind == "union_tag_invalid":
        known = [word.strip("' ") for word in detail["ctx"]["expected_tags"].split(",")]
        given, key = detail["ctx"]["tag"], detail["ctx"]["discriminator"].strip("'")
        return (*loc, key), f'unknown {key} "{given}"' + (suggest(given, known) or f" (there are {', '.join(known)})")
    return loc, f"{name}: {said}" if name else said


def _keys_beside(loc: Location, model: type[BaseModel]) -> list[str]:
    parents = [part for part in loc[:-1] if part in _MODELS]
    fields = (_MODELS[str(parents[-1])] if parents else model).model_fields
    return [field.alias or name for name, field in fields.items()]


def _in_order(faults: Iterable[Fault]) -> list[Fault]:
    """Return each fault once, by file, then by line."""

    def place(fault: Fault) -> tuple[str, int, str]:
        file, _, line = fault.where.rpartition(":")
        return (file, int(line), fault.what) if line.isdecimal() else (fault.where, 0, fault.what)

    return sorted(set(faults), key=place)


def _repeated_names(rules: list[Rule]) -> list[Fault]:
    first: dict[str, Rule] = {}
    faults = []
    for rule in rules:
        if rule.name in first:
            faults.append(Fault(rule.where, f'a second rule "{rule.name}", the first is at {first[rule.name].where}'))
        first.setdefault(rule.name, rule)
    return faults
