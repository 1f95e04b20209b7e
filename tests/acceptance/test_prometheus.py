"""Prometheus itself takes what is shipped for it: the rules do what they say, and a real one reads a real shop."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from ruamel.yaml import YAML

from tests.acceptance.test_monitoring import ALERTS, ROOT, SCRAPING, panels
from tests.support.programs import answers, eventually, free_port
from tests.support.shop import Shop, order_status_changed

FOLDER = ROOT / "deploy" / "prometheus"
TESTS = [FOLDER / "alerts.test.yaml", FOLDER / "alerts.week.test.yaml"]
TOKEN = "metrics-token-of-the-tests"
# What there is nothing to draw of while all is well.
CALM = {
    "Duplicates and refusals",
    "Dead, by action and reason",
    "Attempts that failed",
    "Held",
    "Messages that failed in the last hour",
}

PROMTOOL, PROMETHEUS = shutil.which("promtool"), shutil.which("prometheus")

pytestmark = pytest.mark.skipif(
    PROMTOOL is None or PROMETHEUS is None,
    reason="no promtool and prometheus on PATH (Debian: apt install prometheus)",
)


def promtool(*arguments: str | Path, given: str | None = None) -> None:
    """Run promtool, which must be content."""
    done = subprocess.run([str(PROMTOOL), *arguments], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rules_and_configuration_are_accepted() -> None:
    """The files as they are shipped; that the token's file is not here is no fault of theirs."""
    promtool("check", "rules", FOLDER / "alerts.yaml")
    promtool("check", "config", "--syntax-only", FOLDER / "prometheus.yaml")


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name)
def test_alerts_do_what_they_say(path: Path) -> None:
    """Each fires on what it is for, and on nothing that is healthy."""
    promtool("test", "rules", path)


def test_every_alert_is_tested() -> None:
    """Each has a test in which it fires."""
    groups = [group for path in TESTS for group in YAML(typ="safe").load(path.read_text())["tests"]]
    cases = [case for group in groups for case in group.get("alert_rule_test", ())]
    assert {case["alertname"] for case in cases if case.get("exp_alerts")} == {alert["alert"] for alert in ALERTS}


DEAD = 'hookyard_deliveries_total{account="wa", action="send", state="dead", reason="template"}'


@pytest.mark.parametrize(
    ("values", "minute", "drawn"),
    [("_x20 2x20", 19, None), ("_x20 2x20", 21, 2), ("_x20 2x20", 30, 0), ("3x20 4x20", 21, 1)],
    ids=["before", "the first", "later", "one more"],
)
def test_dead_letters_are_drawn_the_first_of_a_kind_too(
    values: str, minute: int, drawn: int | None, tmp_path: Path
) -> None:
    """A counter is not there before the first that it counts, of which `increase` would make 0."""
    [query] = [target["expr"] for title, target in panels() if title.startswith("Dead, ")]
    series = [{"series": "hookyard_ledger_up", "values": "1x40"}, {"series": DEAD, "values": values}]
    samples = [] if drawn is None else [{"labels": '{action="send", reason="template"}', "value": drawn}]
    asked = {"expr": query, "eval_time": f"{minute}m", "exp_samples": samples}
    with (tmp_path / "test.yaml").open("w") as file:
        YAML(typ="safe").dump(
            {"tests": [{"interval": "1m", "input_series": series, "promql_expr_test": [asked]}]}, file
        )
    promtool("test", "rules", tmp_path / "test.yaml")


@contextmanager
def prometheus(folder: Path, receiver_port: int) -> Iterator[str]:
    """Run Prometheus as it is shipped, but on this receiver and every second; give the address of its API."""
    (folder / "token").write_text(TOKEN)
    (folder / "alerts.yaml").write_text((FOLDER / "alerts.yaml").read_text())
    scraping = json.loads(json.dumps(SCRAPING))
    scraping["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    [job] = scraping["scrape_configs"]
    job["authorization"]["credentials_file"] = str(folder / "token")
    job["static_configs"] = [{"targets": [f"127.0.0.1:{receiver_port}"]}]
    with (folder / "prometheus.yaml").open("w") as file:
        YAML(typ="safe").dump(scraping, file)
    address = f"127.0.0.1:{free_port()}"
    arguments = [f"--config.file={folder / 'prometheus.yaml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "prometheus.log").open("wb") as log:
        server = subprocess.Popen(
            [str(PROMETHEUS), *arguments, f"--web.listen-address={address}"], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        eventually(lambda: answers(f"http://{address}/-/ready"), "Prometheus is ready")
        yield f"http://{address}/api/v1"
    finally:
        server.kill()
        server.wait()


def found(api: str, query: str) -> list[Any]:
    """Return what a query finds now; it must be one that Prometheus can answer."""
    answer = httpx.get(f"{api}/query", params={"query": query}, timeout=20).json()
    assert answer["status"] == "success", f"{query}: {answer}"
    assert not answer.get("warnings"), f"{query}: {answer}"
    result: list[Any] = answer["data"]["result"]
    return result


def test_a_real_prometheus_reads_a_real_shop(shop: Shop, tmp_path: Path) -> None:
    """It takes the page, evaluates each alert, and has something for each panel of the dashboard."""
    shop.environ["HOOKYARD_METRICS_TOKEN"] = TOKEN
    accounts = shop.folder / "config" / "accounts.yaml"
    accounts.write_text(accounts.read_text().replace("wabotick: {per_second: null", "wabotick: {per_hour: 900"))
    shop.start_all()
    with prometheus(tmp_path, shop.receiver_port) as api:
        eventually(lambda: found(api, 'up{job="hookyard"} == 1'), "the receiver is scraped")
        shop.know_order()
        shop.post_scalev(order_status_changed("shipped")).raise_for_status()
        shop.wait_for_deliveries(1, "succeeded")
        for title, target in panels():
            query = target["expr"]
            if title in CALM:
                found(api, query)
            else:
                eventually(lambda query=query: found(api, query), f"{title} has something to draw: {query}")

        def rules() -> list[dict[str, Any]]:
            groups = httpx.get(f"{api}/rules", timeout=20).json()["data"]["groups"]
            return [rule for group in groups for rule in group["rules"]]

        eventually(lambda: {rule["health"] for rule in rules()} == {"ok"}, "each alert was asked for, without an error")
        assert [rule["name"] for rule in rules()] == [alert["alert"] for alert in ALERTS]

    page = httpx.get(f"{shop.receiver_url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=20)
    promtool("check", "metrics", given=page.text)
