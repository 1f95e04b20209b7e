"""`hookyard users`: who may use the console."""

import json
import subprocess
import sys

from console import users
from tests.support.shop import Shop


def hookyard(shop: Shop, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command of `hookyard users`."""
    command = [sys.executable, "-m", "console.cli.main", "users", *arguments]
    return subprocess.run(
        command, env=shop.environ, input=typed, capture_output=True, text=True, timeout=60, check=False
    )


def test_users_are_added_changed_and_removed(shop: Shop) -> None:
    """Each time it is audited, and what is kept of a password proves that password only."""
    added = hookyard(shop, "add", "ani", "--role", "operator", "--password-stdin", typed="correct horse battery\n")
    assert added.returncode == 0, added.stderr
    listed = json.loads(hookyard(shop, "list", "--json").stdout)
    [row] = shop.rows("SELECT * FROM users")

    assert [(user["name"], user["role"], user["password"]) for user in listed] == [("ani", "operator", True)]
    assert users.proves(row.password_hash, "correct horse battery")
    assert not users.proves(row.password_hash, "Correct horse battery")
    assert hookyard(shop, "password", "ani", "--password-stdin", typed="another long word\n").returncode == 0
    assert json.loads(hookyard(shop, "role", "ani", "viewer", "--json").stdout) == {"name": "ani", "role": "viewer"}
    assert hookyard(shop, "remove", "ani", "--comment", "left").returncode == 0
    assert shop.rows("SELECT * FROM users") == []
    actions = [row.action for row in shop.rows("SELECT action FROM audit ORDER BY id")]
    assert actions == ["user_added", "user_password", "user_role", "user_removed"]


def test_what_cannot_be_is_refused_in_words(shop: Shop) -> None:
    """A short password, a name that is taken or none, a user that is not there, no terminal to ask at."""
    refusals = [
        hookyard(shop, "add", "ani", "--password-stdin", typed="short\n"),
        hookyard(shop, "add", "two words", "--no-password"),
        hookyard(shop, "remove", "nobody"),
        hookyard(shop, "add", "ani"),
    ]
    assert hookyard(shop, "add", "ani", "--no-password").returncode == 0
    refusals.append(hookyard(shop, "add", "ani", "--no-password"))

    assert [done.returncode for done in refusals] == [1] * 5
    said = [done.stderr.strip() for done in refusals]
    assert said[0] == "a password has 12 to 256 characters"
    assert "cannot be a name" in said[1]
    assert said[2] == "there is no user nobody"
    assert "--password-stdin" in said[3]
    assert said[4] == "there is a user ani already"
