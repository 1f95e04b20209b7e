"""Load the whole configuration, or tell everything that is wrong with it.

Invariant: `load_config` returns only when there is no fault at all; every start of every process goes through it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from config.accounts import Account, AccountsFile, Business
from config.expressions import Expressions
from config.faults import ConfigError, Fault, suggest
from config.rules import Catalog, Rule, RuleCompiler, RulesFile, RuleSource, StepSource
from config.yaml_files import Document, read_yaml

Model = TypeVar("Model", bound=BaseModel)

_KNOWN_KEYS: Mapping[str, type[BaseModel]] = {"rules": RuleSource, "steps": StepSource}


@dataclass(frozen=True)
class Config:
    """What the user configured, checked."""

    accounts: Mapping[str, Account]
    business: Business
    rules: tuple[Rule, ...]

    def country(self, account: str) -> str:
        """Return the country whose local phone numbers an account's data is read with."""
        configured = self.accounts.get(account)
        return (configured and configured.country) or self.business.country

    def rule(self, name: str) -> Rule | None:
        """Return the rule of that name, if it is still configured."""
        return next((rule for rule in self.rules if rule.name == name), None)


def load_accounts(folder: Path, environ: Mapping[str, str]) -> Config:
    """Load `accounts.yaml` only, for a process that runs no rules; raises ConfigError with every fault."""
    document, parsed = _read_accounts(folder, environ)
    if document.faults or parsed is None:
        raise ConfigError(_in_order(document.faults))
    return Config(parsed.accounts, parsed.business, ())


def load_config(folder: Path, environ: Mapping[str, str], catalog: Catalog) -> Config:
    """Load `accounts.yaml` and `rules/*.yaml`; raises ConfigError with every fault of all files."""
    document, parsed = _read_accounts(folder, environ)
    faults = list(document.faults)
    accounts = parsed.accounts if parsed else {}
    business = parsed.business if parsed else Business()
    compiler = RuleCompiler(accounts, catalog, Expressions(business), business.country)
    rules: list[Rule] = []
    for path in sorted((folder / "rules").glob("*.y*ml")):
        file = read_yaml(path, f"rules/{path.name}", environ)
        if not file.faults:
            # Without accounts every mention of one would be a fault of its own, though only accounts.yaml is wrong.
            rules += _compile_file(file, compiler) if parsed else []
        faults += file.faults
    faults += _repeated_names(rules)
    if faults or parsed is None:
        raise ConfigError(_in_order(faults))
    return Config(accounts, business, tuple(rules))


def _read_accounts(folder: Path, environ: Mapping[str, str]) -> tuple[Document, AccountsFile | None]:
    document = read_yaml(folder / "accounts.yaml", "accounts.yaml", environ)
    if document.data is None and not document.faults:
        document.fault((), "is empty")
    if document.data is None:
        return document, None
    return document, _validated(AccountsFile, document)


def _compile_file(document: Document, compiler: RuleCompiler) -> list[Rule]:
    if document.data is None:
        return []
    parsed = _validated(RulesFile, document)
    if parsed is None:
        return []
    return [compiler.compile(source, ("rules", index), document) for index, source in enumerate(parsed.rules)]


def _validated(model: type[Model], document: Document) -> Model | None:
    unset = {fault.where for fault in document.faults}
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        for detail in error.errors(include_input=False, include_url=False):
            if document.where(detail["loc"]) not in unset:  # an unset variable on that line has been told already
                document.fault(detail["loc"], _explained(dict(detail), model))
    return None


def _explained(detail: dict[str, object], model: type[BaseModel]) -> str:
    loc = detail["loc"]
    assert isinstance(loc, tuple)  # noqa: S101 - pydantic's contract, told to mypy
    name = ".".join(str(part) for part in loc if not isinstance(part, int))
    if detail["type"] == "extra_forbidden":
        return f'unknown key "{loc[-1]}"' + suggest(str(loc[-1]), _keys_beside(loc, model))
    if detail["type"] == "missing":
        return f'"{loc[-1]}" is missing'
    if detail["type"] == "union_tag_invalid":
        return f"{name}: {detail['msg']}"
    return f"{name}: {str(detail['msg']).removeprefix('Value error, ')}" if name else str(detail["msg"])


def _keys_beside(loc: tuple[object, ...], model: type[BaseModel]) -> list[str]:
    parents = [part for part in loc[:-1] if part in _KNOWN_KEYS]
    fields = (_KNOWN_KEYS[str(parents[-1])] if parents else model).model_fields
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
