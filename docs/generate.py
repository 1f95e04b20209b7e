"""Writes what in docs/ follows from the code: settings, commands, and the tables of events and actions.

`python -m docs.generate` writes them; a test says when they are not current. Only what stands between a block's two
markers is written, the rest is a person's.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import typer
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from config.settings import PREFIX, Settings
from console.cli.main import COMMANDS, make_command
from console.cli.vendors import described
from tasks.actions.registry import ACTIONS
from worker.acting import Action
from worker.states import Handling

DOCS = Path(__file__).parent
END = "<!-- end -->"
_BLOCK = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)
_HANDLING = {
    Handling.HANDLED: "rules may follow",
    Handling.IGNORED: "kept; nothing follows, on purpose",
    Handling.UNKNOWN: "kept and counted",
}
# Defaults that depend on where the program is installed, in words.
_DEFAULTS = {
    "config_dir": "`./hookyard.d` where it exists, else the shipped examples",
    "release": "`hookyard@<version>`",
}


def settings_table() -> str:
    """Return every setting as a row: its variable, its default, what it is."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {_default(name, field)} | {_meaning(field)} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | what it is |", "| --- | --- | --- |", *rows])


def commands_list() -> str:
    """Return every command with its usage, arguments and options, as its own help says."""
    application: Any = typer.main.get_command(make_command([]))
    order = {name: place for place, name in enumerate(COMMANDS)}
    parts: list[str] = []
    for name, command in sorted(application.commands.items(), key=lambda item: order[item[0]]):
        parts += _command(f"hookyard {name}", command)
    return "\n".join(parts).strip()


def events_table(vendor: str) -> str:
    """Return every event that comes in from a vendor as a row."""
    rows = [
        f"| `{event['event']}` | {_HANDLING[event['handling']]} | {_tried(vendor, event)} |"
        for event in described(vendor)["events"]
    ]
    return "\n".join(["| event | what becomes of it | try it |", "| --- | --- | --- |", *rows])


def actions_table(vendor: str) -> str:
    """Return every action at a vendor as a row: required parameters first, the others in brackets."""
    rows = [
        f"| `{name}` | {_one_line(action.summary)} | {_parameters(action)} | {_after_silence(action)} |"
        for name, action in sorted(ACTIONS.items())
        if name.partition(".")[0] == vendor
    ]
    head = ["| action | what it does | parameters | when no answer comes back |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *rows])


def blocks_of(page: str) -> list[str]:
    """Return the names of a page's generated blocks."""
    return _BLOCK.findall(page)


def written(path: Path) -> str:
    """Return a page as it should be: each block between its markers made anew."""
    page = path.read_text(encoding="utf-8")
    for name in blocks_of(page):
        before, begin, rest = page.partition(f"\n<!-- generated: {name} -->\n")
        _, marker, after = rest.partition(END)
        if not marker:
            raise ValueError(f"{path}: the block {name} has no {END}")
        page = f"{before}{begin}\n{BLOCKS[name](path.stem)}\n\n{END}{after}"
    return page


def pages() -> list[Path]:
    """Return every page that has a generated block."""
    return [path for path in sorted(DOCS.rglob("*.md")) if blocks_of(path.read_text(encoding="utf-8"))]


BLOCKS: Mapping[str, Callable[[str], str]] = {
    "settings": lambda _: settings_table(),
    "commands": lambda _: commands_list(),
    "events": events_table,
    "actions": actions_table,
}
"""Each block's text, from the name of its page: that of a vendor is the vendor's."""


def _tried(vendor: str, event: Mapping[str, Any]) -> str:
    name = event["event"].removeprefix(f"{vendor}.")
    return f"`hookyard send {vendor} {name}`" if event["examples"] else ""


def _parameters(action: Action) -> str:
    names = [
        (f"`{name}`" if field.is_required() else f"[`{name}`]")
        for name, field in action.parameters.model_fields.items()
    ]
    return " ".join(sorted(names, key=lambda name: name.startswith("[")))


def _after_silence(action: Action) -> str:
    return "tried again" if action.idempotent else f"`unknown`: {_one_line(action.settled_by)}"


def _default(name: str, field: FieldInfo) -> str:
    if name in _DEFAULTS:
        return _DEFAULTS[name]
    value = field.default
    if value is None or value == "" or value is PydanticUndefined:
        return "none"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _meaning(field: FieldInfo) -> str:
    choices = [str(choice) for choice in get_args(field.annotation) if isinstance(choice, str)]
    text = field.description or ""
    return f"{text} One of {', '.join(f'`{choice}`' for choice in choices)}." if choices else text


def _command(path: str, command: Any) -> Iterator[str]:
    if hasattr(command, "commands"):
        for name, part in command.commands.items():
            yield from _command(f"{path} {name}", part)
        return
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    usage = " ".join([path, *(_placeholder(argument) for argument in arguments), *(["[OPTIONS]"] if options else [])])
    yield from (f"## `{path}`", "", f"`{usage}`", "", _one_line(command.help), "")
    rows = [(f"`{_placeholder(argument)}`", argument.help) for argument in arguments]
    rows += [(_names(option), option.help) for option in options]
    if rows:
        yield from ("| | |", "| --- | --- |", *(f"| {name} | {_one_line(text)} |" for name, text in rows), "")


def _placeholder(argument: Any) -> str:
    return str(argument.metavar or argument.name).strip("{}").upper()


def _names(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    return names if option.is_flag else f"{names} …"


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", r"\|")


def main() -> None:
    """Write the pages, and say which changed."""
    for path in pages():
        new = written(path)
        if new != path.read_text(encoding="utf-8"):
            path.write_text(new, encoding="utf-8")
            sys.stdout.write(f"{path.relative_to(DOCS)} written\n")


if __name__ == "__main__":
    main()
