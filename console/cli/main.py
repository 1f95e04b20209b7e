"""The command `hookyard`: one Typer application, its commands grouped by what they are for.

Invariant: exit status 0 done, 1 refused or failed (said on stderr), 2 wrong call; never a trace for what is foreseen.
"""

import sys
from collections.abc import Mapping
from importlib import import_module

import typer

from config.faults import OperatorError

# Where each command lives. Only what was typed is loaded, so that a command pays for nothing else.
COMMANDS: Mapping[str, str] = {
    "up": "up",
    "check": "checking",
    "rules": "rules",
    "send": "sending",
    "vendors": "vendors",
    "events": "ledger_lists",
    "deliveries": "ledger_lists",
    "show": "showing",
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


def main() -> None:
    """Run the command that was typed."""
    try:
        make_command(sys.argv[1:])()
    except OperatorError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(0)


if __name__ == "__main__":
    main()
