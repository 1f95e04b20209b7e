"""The command `hookyard`: one Typer application, its commands grouped by what they are for.

Invariant: exit status 0 done, 1 refused or failed (said on stderr), 2 wrong call; never a trace for what is foreseen.
"""

import os
import sys
from collections.abc import Mapping
from importlib import import_module

import typer
from typer import _completion_shared as scripts

from config.faults import OperatorError

COMPLETE = "_HOOKYARD_COMPLETE"
"""Typer's scripts for the shells set it."""

# The file that zsh loads at the first press of the tab key must complete then; Typer's only makes ready for the second.
_ZSH_AT_ONCE = """
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  %(complete_func)s "$@"
fi
"""

# Where each command lives. Only what was typed is loaded, so that a command pays for nothing else.
COMMANDS: Mapping[str, str] = {
    "up": "up",
    "check": "checking",
    "rules": "rules",
    "send": "sending",
    "vendors": "vendors",
    "connect": "connecting",
    "events": "ledger_lists",
    "deliveries": "ledger_lists",
    "attempts": "ledger_lists",
    "show": "showing",
    "tail": "following",
    "listen": "following",
    "orders": "stories",
    "story": "stories",
    "find": "stories",
    "retry": "pressing",
    "replay": "pressing",
    "cancel": "pressing",
    "resolve": "pressing",
    "jobs": "jobs",
    "audit": "auditing",
    "pause": "pausing",
    "resume": "pausing",
    "dead": "dead",
    "quarantine": "quarantine",
    "reconcile": "reconcile",
    "circuits": "circuits",
    "templates": "templates",
    "consent": "consent",
    "doctor": "doctor",
    "alerts": "alerts",
    "figures": "figures",
    "users": "users",
    "db": "database",
    "receiver": "services",
    "worker": "services",
    "beat": "services",
    "console": "services",
    "flower": "services",
    "sandbox": "services",
}


def make_command(arguments: list[str]) -> typer.Typer:
    """Return the application with the command that `arguments` begin with; with all of them for help."""
    app = typer.Typer(
        name="hookyard",
        help="Takes webhooks in, decides by rules what follows, and does it exactly once.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(lambda: None)  # one command alone would otherwise be the whole application
    typed = COMMANDS.get(arguments[0]) if arguments else None
    for module in [typed] if typed else dict.fromkeys(COMMANDS.values()):
        import_module(f"console.cli.{module}").add_to(app)
    return app


def _completed(environ: Mapping[str, str]) -> typer.Typer:
    """Return the application as far as it is needed to complete what is typed: waiting for the rest takes a second."""
    typed = environ.get("COMP_WORDS") or environ.get("_TYPER_COMPLETE_ARGS") or ""
    words = typed.split()[1:]
    # A word that the cursor still stands at may become another command.
    if words and words[0] in COMMANDS and (len(words) > 1 or typed[-1:].isspace()):
        return make_command(words[:1])
    app = typer.Typer(name="hookyard")
    for name in COMMANDS:
        app.command(name)(lambda: None)
    return app


def main() -> None:
    """Run the command that was typed, or tell a shell how what is being typed may go on."""
    scripts._completion_scripts["zsh"] += _ZSH_AT_ONCE  # Typer has no other way in
    try:
        (make_command(sys.argv[1:]) if COMPLETE not in os.environ else _completed(os.environ))(prog_name="hookyard")
    except OperatorError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
