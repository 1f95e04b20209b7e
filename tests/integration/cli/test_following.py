"""`hookyard tail` and `hookyard listen`, and what the shell completes, as processes."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from config.settings import EXAMPLES
from tests.integration.cli.test_commands import hookyard
from tests.support.listening import Listener, listening
from tests.support.programs import Program, eventually
from tests.support.shop import Shop, order_created

BASH, ZSH, FISH = (shutil.which(shell) for shell in ("bash", "zsh", "fish"))


def lines(program: Program) -> list[dict[str, Any]]:
    """Return the JSON documents that a program has printed, one a line."""
    return [json.loads(line) for line in program.log.splitlines() if line.startswith("{")]


def follow(shop: Shop, *arguments: str) -> Program:
    """Start a command that goes on until it is ended."""
    program = Program(list(arguments), shop.environ, shop.folder / f"follow-{len(shop.programs)}.log")
    shop.programs.append(program)
    return program


def test_tail_shows_events_as_they_come_and_ends_cleanly(shop: Shop) -> None:
    """One JSON document a line; Ctrl-C ends it with status 0 and no trace."""
    shop.start_receiver()
    shop.post_scalev(order_created()).raise_for_status()
    tail = follow(shop, "tail", "--since", "1h", "--account", "toko", "--json")
    tail.wait_for(lambda: len(lines(tail)) == 1, "the first event is shown")
    second = shop.post_scalev(order_created("250804OTHER")).raise_for_status().json()["id"]
    tail.wait_for(lambda: len(lines(tail)) == 2, "the second event is shown")

    assert lines(tail)[1]["id"] == second
    assert lines(tail)[1]["type"] == "scalev.order.created"
    assert tail.stop(signal.SIGINT) == 0
    assert "Traceback" not in tail.log


def test_tail_is_a_line_for_people(shop: Shop) -> None:
    """With the time, account, type and id; `--count` ends it."""
    shop.start_receiver()
    event_id = shop.post_scalev(order_created()).raise_for_status().json()["id"]

    done = hookyard("tail", "--since", "1h", "--count", "1", environ=shop.environ)

    assert done.returncode == 0, done.stderr
    assert "toko  scalev.order.created" in done.stdout
    assert event_id in done.stdout


def listen(shop: Shop, to: str, *more: str) -> Any:
    """Pass on what came within the hour."""
    return hookyard("listen", "--account", "toko", "--since", "1h", "--to", to, *more, environ=shop.environ)


@pytest.fixture
def developer() -> Any:
    """A developer's program."""
    with listening() as listener:
        yield listener


def test_listen_passes_on_what_came_in(shop: Shop, developer: Listener) -> None:
    """The very bytes, with the headers that are kept; what was answered is told."""
    shop.start_receiver()
    body = json.dumps(order_created(), indent=3).encode()
    shop.post_scalev(body).raise_for_status()
    developer.status = 418

    done = listen(shop, f"{developer.url}/hook", "--count", "1", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == 418
    assert "personal data" in done.stderr
    [heard] = developer.heard
    assert (heard.path, heard.body, heard.headers["content-type"]) == ("/hook", body, "application/json")
    assert "x-scalev-hmac-sha256" not in heard.headers


def test_listen_signs_anew(shop: Shop, developer: Listener) -> None:
    """What is passed on to a receiver of one's own is accepted there, as a duplicate here."""
    receiver = shop.start_receiver()
    shop.post_scalev(order_created()).raise_for_status()

    done = listen(shop, f"{shop.receiver_url}/webhooks/toko", "--sign", "--count", "1")

    assert " 200 " in done.stdout, done.stdout + done.stderr
    assert "event.duplicate" in receiver.log
    assert not developer.heard


@pytest.mark.parametrize(
    ("to", "what"),
    [
        ("https://example.com/hook", "--anywhere"),
        ("ftp://127.0.0.1/x", "not an address"),
        ("nonsense", "not an address"),
    ],
)
def test_listen_refuses_other_machines(shop: Shop, to: str, what: str) -> None:
    """Real bodies leave this machine only when that is said."""
    done = listen(shop, to)

    assert done.returncode == 1
    assert what in done.stderr


def test_listen_goes_on_when_nobody_answers(shop: Shop) -> None:
    """It says so for the event, and does not end in a trace."""
    shop.start_receiver()
    shop.post_scalev(order_created()).raise_for_status()

    done = listen(shop, "http://127.0.0.1:9/hook", "--count", "1")

    assert done.returncode == 0
    assert "no answer" in done.stdout


def completed(typed: str, config: Path = EXAMPLES) -> list[str]:
    """Return what bash would offer."""
    words = typed.split(" ")
    environ = {
        "_HOOKYARD_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1),
        "HOOKYARD_CONFIG_DIR": str(config),
    }  # fmt: skip
    done = hookyard(environ=environ)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("hookyard ev", {"events"}),
        ("hookyard li", {"listen"}),
        ("hookyard dead li", {"list"}),
        ("hookyard events --acc", {"--account"}),
        ("hookyard events --account w", {"wa"}),
        ("hookyard deliveries --state de", {"dead"}),
        ("hookyard events --type scalev.order.p", {"scalev.order.paid", "scalev.order.payment_status_changed"}),
        ("hookyard deliveries --reason credentials", {"credentials_refused"}),
        ("hookyard send wabo", {"wabotick"}),
        ("hookyard send proton customer.u", {"customer.updated"}),
        ("hookyard vendors wabo", {"wabotick"}),
        ("hookyard connect to", {"toko"}),
        ("hookyard templates w", {"wa"}),
        ("hookyard circuits close cr", {"crm"}),
        ("hookyard consent stop 08123456789 --account w", {"wa"}),
        ("hookyard story 250804QWERTY --account to", {"toko"}),
        ("hookyard deliveries --rule tell-buyer-s", {"tell-buyer-shipped"}),
        ("hookyard pause account b", {"billing", "bot", "boxes"}),
        ("hookyard pause rule confirm", {"confirm-by-button"}),
    ],
)
def test_the_shell_completes(typed: str, offered: set[str]) -> None:
    """Commands, options, accounts, states, types, reasons, rules, examples."""
    assert set(completed(typed)) == offered


def test_completing_never_fails(tmp_path: Path) -> None:
    """Without a configuration, or with a faulty one, there is just less to offer."""
    assert completed("hookyard events --account ", tmp_path) == []
    assert completed("hookyard pause rule ", tmp_path) == []
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "faulty.yaml").write_text("rules: [1, {when: x}, {name: half}]")
    assert completed("hookyard pause rule ", tmp_path) == ["half"]
    (tmp_path / "accounts.yaml").write_text("accounts: [")
    assert completed("hookyard events --account ", tmp_path) == []


def at_home(folder: Path) -> dict[str, str]:
    """Return the environment of somebody who has a home there and finds the command."""
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(folder), "TERM": "xterm"}


def shown(shell: str, script: str, home: Path) -> str:
    """Run a script in a shell; return what it prints."""
    done = subprocess.run(
        [shell, "-c", script], env=at_home(home), capture_output=True, text=True, timeout=180, check=False
    )
    return done.stdout + done.stderr


@pytest.mark.skipif(BASH is None, reason="completes in bash")
def test_bash_completes_once_that_is_installed(tmp_path: Path) -> None:
    """`--install-completion` knows the shell it is called from; from then on that shell asks us."""
    # More than one command, so that bash stays the parent of it.
    script = """
        hookyard --install-completion && source ~/.bash_completions/hookyard.sh
        COMP_WORDS=(hookyard ev) COMP_CWORD=1
        _hookyard_completion hookyard
        echo "offered: ${COMPREPLY[*]}"
    """
    assert "offered: events" in shown(str(BASH), script, tmp_path)


@pytest.mark.skipif(FISH is None, reason="completes in fish")
def test_fish_completes_once_that_is_installed(tmp_path: Path) -> None:
    """What it would show under the line, asked for in a new one."""
    shown(str(FISH), "hookyard --install-completion; true", tmp_path)
    assert shown(str(FISH), "complete -C 'hookyard ev'", tmp_path).split() == ["events"]
    assert shown(str(FISH), "complete -C 'hookyard pause rule tell-buyer-s'", tmp_path).split() == [
        "tell-buyer-shipped"
    ]


@pytest.mark.skipif(ZSH is None, reason="completes in zsh")
@pytest.mark.parametrize(
    ("keys", "line"), [("hookyard ev\t", "hookyard events "), ("hookyard connect to\t", "hookyard connect toko ")]
)
def test_zsh_completes_at_the_first_tab(keys: str, line: str, tmp_path: Path) -> None:
    """A new one at a terminal: the key that is pressed after tab tells what stands on the line by then."""
    shown(str(ZSH), "hookyard --install-completion; true", tmp_path)
    with (tmp_path / ".zshrc").open("a") as file:
        file.write("tell() { print -r -- \"$BUFFER|\" > ~/line }\nzle -N tell; bindkey '^X' tell; print READY\n")
    controller, terminal = pty.openpty()
    shell = subprocess.Popen(
        [str(ZSH), "-i"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=at_home(tmp_path),
        start_new_session=True,
    )
    try:
        screen = b""
        while b"READY" not in screen:
            screen += os.read(controller, 4096)
        os.write(controller, f"{keys}\x18".encode())
        eventually((tmp_path / "line").exists, "zsh has answered")
        eventually(lambda: (tmp_path / "line").read_text().endswith("|\n"), "and has said all")
    finally:
        shell.kill()
        shell.wait()
        os.close(controller)

    assert (tmp_path / "line").read_text() == f"{line}|\n"
