"""`hookyard check`: is the configuration right?"""

from typing import Any

import typer

from config.faults import ConfigError
from console.cli import options
from console.cli.context import open_context
from console.cli.output import CommandError, print_json, say


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(json_: options.Json = False) -> None:
    """Check settings, accounts.yaml and rules/*.yaml; tell every fault at once, with file and line."""
    try:
        context = open_context()
        config = context.config
    except ConfigError as error:
        if json_:
            faults = [{"where": fault.where, "what": fault.what} for fault in error.faults]
            print_json({"ok": False, "faults": faults})
            raise typer.Exit(1) from None
        many = "1 fault" if len(error.faults) == 1 else f"{len(error.faults)} faults"
        raise CommandError(f"{error}\n{many}") from None
    document: dict[str, Any] = {
        "ok": True,
        "config_dir": str(context.settings.config_dir),
        "accounts": {name: account.vendor for name, account in config.accounts.items()},
        "rules": {rule.name: rule.where for rule in config.rules},
    }
    if json_:
        print_json(document)
    else:
        say(f"{document['config_dir']}: {len(config.accounts)} accounts, {len(config.rules)} rules, no fault")
