"""docs/ says what is so: its pages are current, its links lead somewhere, its commands and its YAML work."""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from config.accounts import Business
from config.alerts import FailureLimits
from config.load import Config, load_config
from config.rules import matches
from config.settings import EXAMPLES, load_settings
from config.subjects import CUSTOMER_FIELDS, ORDER_FIELDS
from docs.generate import DOCS, blocks_of, pages, written
from tasks.actions.registry import ACTIONS, make_catalog
from tests.support.command_line import hookyard_calls, refusal
from tests.support.programs import Program, eventually
from tests.support.shop import Shop
from tests.support.variables import variables_of
from webhooks.registry import SOURCES
from worker.celery_app import make_celery
from worker.states import DeliveryState, EventState, Reason

ROOT = DOCS.parent
PATHS = [*sorted(DOCS.rglob("*.md")), ROOT / "deploy" / "README.md", ROOT / "README.md"]
OURS = [path for path in PATHS if path != ROOT / "README.md"]
# Every variable that the shipped examples and the pages ask for, each with a value of its own.
VARIABLES = variables_of([*EXAMPLES.rglob("*.yaml"), *DOCS.rglob("*.md")])
# Commands that change nothing, so that they can be tried as they stand.
HARMLESS = (
    "check",
    "events",
    "deliveries",
    "dead list",
    "quarantine list",
    "quarantine verify",
    "audit",
    "orders",
    "vendors",
    "attempts",
)

# Those that change something, go on until they are ended or need what a page cannot have: where they are run instead.
ELSEWHERE = {
    "--install-completion": "tests/integration/cli/test_following.py",
    "alerts": "tests/integration/cli/test_alerts.py",
    "cancel": "tests/integration/cli/test_pressing.py",
    "circuits": "tests/integration/cli/test_circuits.py",
    "connect": "tests/integration/cli/test_connect.py",
    "consent": "tests/integration/engine/test_consent.py",
    "db migrate": "tests/integration/cli/test_commands.py",
    "doctor": "tests/integration/cli/test_commands.py",
    "figures": "tests/integration/cli/test_as_the_console.py",
    "find": "tests/integration/engine/test_search.py",
    "jobs": "tests/integration/cli/test_pressing.py",
    "listen": "tests/integration/cli/test_following.py",
    "pause": "tests/integration/cli/test_pressing.py",
    "quarantine release": "tests/integration/receiver/test_quarantine.py",
    "reconcile": "tests/chaos/test_reconciled.py",
    "replay": "tests/integration/cli/test_commands.py",
    "resolve": "tests/integration/cli/test_commands.py",
    "resume": "tests/integration/cli/test_pressing.py",
    "retry": "tests/integration/cli/test_pressing.py",
    "rules": "tests/integration/cli/test_rules_try.py",
    "rules list": "tests/integration/cli/test_as_the_console.py",
    "rules show": "tests/integration/cli/test_as_the_console.py",
    "rules try": "tests/integration/cli/test_as_the_console.py",
    "sandbox": "tests/acceptance/test_up.py",
    "show": "tests/integration/cli/test_commands.py",
    "story": "tests/acceptance/test_tour.py",
    "tail": "tests/integration/cli/test_following.py",
    "templates": "tests/integration/cli/test_templates.py",
    "users": "tests/integration/cli/test_users.py",
}


def _blocks(path: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language, without the indent of a list that they stand in."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", path.read_text(), re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def _calls() -> Iterator[tuple[Path, list[str]]]:
    for path in DOCS.rglob("*.md"):
        for block in _blocks(path, "sh"):
            for call in hookyard_calls(block):
                yield path, call


def _anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(DOCS)))
def test_generated_blocks_are_current(path: Path) -> None:
    """`python -m docs.generate` would change nothing."""
    assert path.read_text(encoding="utf-8") == written(path), "run: python -m docs.generate"


def test_every_vendor_has_a_page_with_its_events_and_actions() -> None:
    """A vendor that something comes in from, or that something can be done at, is documented from the registries."""
    vendors = {*SOURCES, *(name.partition(".")[0] for name in ACTIONS)}
    for vendor in vendors:
        page = DOCS / "vendors" / f"{vendor}.md"
        wanted = {"events"} if vendor in SOURCES and SOURCES[vendor].event_types else set()
        wanted |= {"actions"} if any(name.startswith(f"{vendor}.") for name in ACTIONS) else set()
        assert set(blocks_of(page.read_text(encoding="utf-8"))) == wanted, vendor


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Each link to a file or a heading of ours finds it."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), target
        assert not anchor or anchor in _anchors(found), target


def test_every_page_can_be_found() -> None:
    """From the README or docs/README.md, links lead to every page."""
    seen: set[Path] = set()
    todo = [ROOT / "README.md", DOCS / "README.md"]
    while todo:
        path = todo.pop()
        if path in seen or not path.exists():
            continue
        seen.add(path)
        targets = re.findall(r"\]\(([^)\s#]+\.md)", path.read_text())
        todo += [(path.parent / target).resolve() for target in targets if "://" not in target]
    assert set(DOCS.rglob("*.md")) <= seen


def test_every_shown_command_exists() -> None:
    """Each `hookyard …` in a shell block has a command and options that exist."""
    calls = list(_calls())
    assert len(calls) > 20
    for path, call in calls:
        assert refusal(call) is None, f"{path.name}: hookyard {' '.join(call)}"


def test_every_shown_command_is_run() -> None:
    """Each is run as it stands, or by the test that the table names for it; nothing in the table is idle."""
    used = set()
    for path, call in _calls():
        line = " ".join(call)
        if not call or line.startswith((*HARMLESS, "send")) or path.name == "tour.md":
            continue
        found = [begin for begin in ELSEWHERE if line.startswith(begin)]
        assert found, f"{path.name}: nobody runs hookyard {line}"
        used |= set(found)
    assert used == set(ELSEWHERE)
    for begin, test in ELSEWHERE.items():
        word = begin.split()[0]
        assert re.search(rf"[\"' ]{word}[\"' ]", (ROOT / test).read_text()), f"{test} does not run hookyard {begin}"


def test_every_command_named_in_a_text_exists() -> None:
    """Each `hookyard …` in a sentence begins with a command that exists."""
    for path in OURS:
        for text in re.findall(r"`hookyard ([a-z][^`\[]*)`", path.read_text()):
            why = refusal(text.replace("…", "").split())
            assert why is None or "MissingParameter" in why or "NoArgsIsHelp" in why, f"{path.name}: hookyard {text}"


def test_shown_accounts_load(tmp_path: Path) -> None:
    """Each accounts.yaml on a page is accepted as it stands."""
    shown = [(path, text) for path in OURS for text in _blocks(path, "yaml") if text.startswith("accounts:")]
    assert len(shown) >= 4
    for path, text in shown:
        (tmp_path / "accounts.yaml").write_text(text)
        assert load_config(tmp_path, VARIABLES, make_catalog()).accounts, path.name


def test_shown_rules_load(tmp_path: Path) -> None:
    """Each rules file on a page is accepted as it stands, with the example accounts."""
    shown = [(path, text) for path in OURS for text in _blocks(path, "yaml") if text.startswith("rules:")]
    assert shown
    (tmp_path / "rules").mkdir()
    (tmp_path / "accounts.yaml").write_text((EXAMPLES / "accounts.yaml").read_text())
    for path, text in shown:
        (tmp_path / "rules" / "shown.yaml").write_text(text)
        assert load_config(tmp_path, VARIABLES, make_catalog()).rules, path.name


# A value that each of these will take.
@pytest.mark.parametrize("vendor", SOURCES)
def test_vendor_pages_tell_all_actions_and_events(vendor: str) -> None:
    """Each action with each of its parameters, and each event type, is on its vendor's page."""
    page = (DOCS / "vendors" / f"{vendor}.md").read_text()
    for name, action in ACTIONS.items():
        if name.startswith(f"{vendor}."):
            assert f"`{name}`" in page
            row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
            for parameter in action.parameters.model_fields:
                assert f"`{parameter}`" in row, f"{name}: {parameter}"
    for name in SOURCES[vendor].event_types:
        patterns = re.findall(rf"`({vendor}\.[a-z_.]+\*)`", page)
        short = name.rpartition(".")[2]
        assert f"`{name}`" in page or f"`.{short}`" in page or any(matches(p, name) for p in patterns), name


def test_names_of_events_and_actions_exist() -> None:
    """Each dotted name of a vendor in any page is an event type or an action."""
    known = {*make_catalog().event_types, *ACTIONS}
    for path in OURS:
        for name in re.findall(r"`((?:scalev|wabotick|proton)\.[a-z_.*]+)`", path.read_text()):
            found = name.endswith(".unrecognized") or any(matches(name, one) for one in known)
            assert found, f"{path.name}: {name}"


def test_words_of_the_code_are_told() -> None:
    """States, reasons and the fields of snapshots on the pages are those of the code."""
    concepts, rules = (DOCS / "concepts.md").read_text(), (DOCS / "rules.md").read_text()
    for state in [*EventState, *DeliveryState]:
        assert f"| `{state}` |" in concepts
    listed = re.search(r"`order` has (.*?)\. `customer` has (.*?)\. `phone` is", rules, re.DOTALL)
    assert listed
    assert set(re.findall(r"`(\w+)`", listed[1])) == set(ORDER_FIELDS)
    assert set(re.findall(r"`(\w+)`", listed[2])) == set(CUSTOMER_FIELDS)
    table = (DOCS / "operating.md").read_text().partition("| reason |")[2].partition("\n\n")[0]
    told = {word for line in table.splitlines()[2:] for word in re.findall(r"`(\w+)`", line.split("|")[1])}
    assert told
    assert told <= {str(reason) for reason in Reason}
    used = {call[call.index("--reason") + 1] for _, call in _calls() if "--reason" in call}
    assert used <= {str(reason) for reason in Reason}


@pytest.mark.timeout(900)
def test_harmless_commands_work(shop: Shop) -> None:
    """Every shown command that only looks is run on a real ledger, and every `send` against a real receiver."""
    environ = VARIABLES | {"HOOKYARD_CONFIG_DIR": str(EXAMPLES)}
    receiver = shop.start_receiver(**environ)
    shown = {" ".join(call): (path, call) for path, call in _calls()}
    chosen = {line: found for line, found in shown.items() if line.startswith((*HARMLESS, "send"))}
    assert len(chosen) > 15

    def run(number: int, path: Path, call: list[str]) -> None:
        line = f"{path.name}: hookyard {' '.join(call)}"
        program = Program(call, {**shop.environ, **environ}, shop.folder / f"call-{number}.log")
        try:
            eventually(lambda: program.process.poll() is not None, line, seconds=120)
            assert program.process.returncode == 0, f"{line}\n{program.log}\n{receiver.log}"
        finally:
            program.stop()

    with ThreadPoolExecutor(3) as pool:
        done = [pool.submit(run, number, *found) for number, found in enumerate(chosen.values())]
    for one in done:
        one.result()


def test_shown_alerts_load(tmp_path: Path) -> None:
    """The part `alerts` on a page is accepted as it stands, and shows the limits that are shipped."""
    shown = [text for path in OURS for text in _blocks(path, "yaml") if text.startswith("alerts:")]
    assert shown
    accounts = (EXAMPLES / "accounts.yaml").read_text()
    for text in shown:
        (tmp_path / "accounts.yaml").write_text(accounts + text)
        found = load_config(tmp_path, VARIABLES, make_catalog()).alerts
        assert found.targets
        assert found.failure_limits == FailureLimits()


def test_the_site_is_built_and_needs_no_other_host(tmp_path: Path) -> None:
    """Every page is there, no link of ours leads nowhere, and nothing is loaded from anywhere else."""
    done = subprocess.run(
        [sys.executable, "-m", "docs.build", str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    pages_of_site = {path.relative_to(tmp_path).with_suffix(".md") for path in tmp_path.rglob("*.html")}
    assert {path.relative_to(DOCS) for path in DOCS.rglob("*.md")} - {Path("README.md")} <= pages_of_site
    for path in tmp_path.rglob("*.html"):
        loaded = re.findall(r"<(?:script|img|link|iframe|source)\b[^>]*?(?:src|href)=[\"'](\w+:)?//", path.read_text())
        assert not loaded, path.name
    for path in tmp_path.rglob("*.css"):
        assert not re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", path.read_text()), path.name


def test_every_job_that_checks_in_is_named() -> None:
    """What Sentry calls each job of beat's."""
    redis = {"HOOKYARD_REDIS_URL": "redis://127.0.0.1:1/0"}
    beat = make_celery(load_settings(redis), Config({}, Business(), ())).conf.beat_schedule.values()
    named = re.findall(r"`(hookyard-[a-z]+)`", (DOCS / "operating.md").read_text())
    assert sorted(named) == sorted(entry["task"].replace(".", "-") for entry in beat)


def test_every_service_of_compose_is_a_part_to_deploy() -> None:
    """Whatever runs it, production needs the same processes."""
    parts = re.findall(r"^\| [^|]+ \| `hookyard ([a-z ]+)` ", (DOCS / "deploying.md").read_text(), re.MULTILINE)
    services = YAML(typ="safe").load((ROOT / "deploy" / "compose.yaml").read_text())["services"].values()
    ours = [" ".join(service["command"]) for service in services if service["image"].startswith("${IMAGE")]
    assert sorted(parts) == sorted(ours)
