"""Writes the pages of docs/ that follow from the code: settings.md and commands.md.

`python -m docs.generate` writes them; a test says when they are not current. Only what stands between the two markers
of a page is written, the rest is a person's.
"""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import typer
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from config.settings import PREFIX, Settings
from console.cli.main import COMMANDS, make_command

DOCS = Path(__file__).parent
BEGIN, END = "<!-- begin: written by docs/generate.py -->", "<!-- end -->"
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


def written(page: str, text: str) -> str:
    """Return a page with what stands between its markers replaced by `text`."""
    before, _, rest = page.partition(BEGIN)
    _, marker, after = rest.partition(END)
    if not marker:
        raise ValueError("the page has no markers")
    return f"{before}{BEGIN}\n\n{text}\n\n{END}{after}"


PAGES: Mapping[str, Any] = {"settings.md": settings_table, "commands.md": commands_list}


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
    yield from (f"### `{path}`", "", f"`{usage}`", "", _one_line(command.help), "")
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
    for name, make in PAGES.items():
        path = DOCS / name
        old = path.read_text(encoding="utf-8")
        new = written(old, make())
        if new != old:
            path.write_text(new, encoding="utf-8")
            sys.stdout.write(f"{name} written\n")


if __name__ == "__main__":
    main()
