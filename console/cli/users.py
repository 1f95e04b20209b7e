"""`hookyard users`: who may use the console, and as what."""

import getpass
import sys
from typing import Annotated

import typer

from console import users as people_of
from console.cli import options
from console.cli.context import open_context
from console.cli.output import CommandError, print_json, print_table, tell
from console.users import Role
from worker.clock import system_clock
from worker.ledger import users as ledger_users

Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.")]
RoleOption = Annotated[Role, typer.Option("--role", help="viewer looks, operator presses, admin also sees secrets.")]
PasswordFromInput = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input instead of asking.")
]


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Who may use the console.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("add")(add)
    group.command("role")(role)
    group.command("password")(password)
    group.command("remove")(remove)
    app.add_typer(group, name="users")


def list_(json_: options.Json = False) -> None:
    """List the users."""
    with open_context().ledger() as connection:
        rows = [
            {
                "name": row.name,
                "role": row.role,
                "password": row.password_hash is not None,
                "created_at": row.created_at,
                "seen_at": row.seen_at,
            }
            for row in ledger_users.list_users(connection)
        ]
    if json_:
        print_json(rows)
    else:
        empty = "There are no users: add one with `hookyard users add NAME --role admin`."
        print_table(["name", "role", "password", "created_at", "seen_at"], rows, empty)


def add(
    name: Name,
    role: RoleOption = Role.VIEWER,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Only a trusted proxy says that somebody is this user.")
    ] = False,
    password_stdin: PasswordFromInput = False,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Add a user; the password is asked for."""
    context = open_context()
    word = None if no_password else _password(from_input=password_stdin)
    with context.ledger() as connection:
        people_of.add(connection, context.people(connection, comment), name, role, word, system_clock())
    tell({"name": name, "role": role}, f"{name} is {role} now", json_=json_)


def role(
    name: Name,
    role: Annotated[Role, typer.Argument(metavar="ROLE", help="viewer, operator or admin.")],
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Give a user another role; sessions of that user end."""
    context = open_context()
    with context.ledger() as connection:
        people_of.change_role(connection, context.people(connection, comment), name, role, system_clock())
    tell({"name": name, "role": role}, f"{name} is {role} now", json_=json_)


def password(
    name: Name,
    password_stdin: PasswordFromInput = False,
    comment: options.Comment = "",
    json_: options.Json = False,
) -> None:
    """Give a user another password; sessions of that user end."""
    context = open_context()
    word = _password(from_input=password_stdin)
    with context.ledger() as connection:
        people_of.change_password(connection, context.people(connection, comment), name, word, system_clock())
    tell({"name": name, "changed": "password"}, f"the password of {name} is changed", json_=json_)


def remove(name: Name, comment: options.Comment = "", json_: options.Json = False) -> None:
    """Remove a user; what the user did stays in the audit."""
    context = open_context()
    with context.ledger() as connection:
        people_of.remove(connection, context.people(connection, comment), name)
    tell({"name": name, "removed": True}, f"{name} is removed", json_=json_)


def _password(*, from_input: bool) -> str:
    if from_input:
        return sys.stdin.readline().rstrip("\n")
    if not sys.stdin.isatty():
        raise CommandError("no terminal to ask for the password: give it with --password-stdin")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Once more: ") != first:
        raise CommandError("the two are not the same")
    return first
