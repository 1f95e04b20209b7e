"""Whether a command line is one that `hookyard` understands, without running it."""

import shlex
from typing import Any

import typer

from console.cli.main import make_command


def refusal(arguments: list[str]) -> str | None:
    """Return why `hookyard <arguments>` would be a wrong call, or None when it would run."""
    command: Any = typer.main.get_command(make_command(arguments))
    if arguments and arguments[0].startswith("--"):  # the program's own: to read one is to do it, in this very home
        return None if any(arguments[0] in one.opts for one in command.params) else "no such option"
    parent: Any = None
    name, rest = "hookyard", list(arguments)
    try:
        while True:
            context = command.make_context(name, rest, parent=parent)
            if not hasattr(command, "resolve_command"):
                return None
            left = [*getattr(context, "_protected_args", []), *context.args]
            if not left and command.invoke_without_command:  # a group that does something alone
                return None
            name, command, rest = command.resolve_command(context, left)
            parent = context
    except SystemExit as error:  # --help
        return None if error.code in {0, None} else f"exit {error.code}"
    except Exception as error:  # noqa: BLE001 - Typer's own copy of Click has no public exception types
        if type(error).__name__ == "Exit":
            return None if getattr(error, "exit_code", 1) == 0 else str(error)
        return f"{type(error).__name__}: {getattr(error, 'message', error)}"


def hookyard_calls(script: str) -> list[list[str]]:
    """Return the arguments of every `hookyard` in a shell script's lines, also behind a path or `docker compose`."""
    found = []
    for line in script.replace("\\\n", " ").splitlines():
        for part in line.split("|"):
            words = shlex.split(part, comments=True)
            for place, word in enumerate(words):
                if word.rpartition("/")[2] == "hookyard" and "=" not in word:
                    found.append(words[place + 1 :])
                    break
    return found
