"""Alert rules, dashboard and runbook name what exists: each query parses, each metric and label is one of ours."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import promql_parser
import pytest
from ruamel.yaml import YAML
from sqlalchemy import create_engine

from config.accounts import Business
from config.load import Config
from config.settings import Settings, load_settings
from tests.support.servers import Servers
from webhooks import metrics
from webhooks.health import Health

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RUNBOOK = (DOCS / "runbook.md").read_text()
RULES: dict[str, Any] = YAML(typ="safe").load((ROOT / "deploy/prometheus/alerts.yaml").read_text())
ALERTS: list[dict[str, Any]] = RULES["groups"][0]["rules"]
SCRAPING: dict[str, Any] = YAML(typ="safe").load((ROOT / "deploy/prometheus/prometheus.yaml").read_text())
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/hookyard.json").read_text())
OF_PROMETHEUS = {"up": {"job", "instance"}}
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}

Known = dict[str, set[str]]


@pytest.fixture(scope="module")
def known(servers: Servers) -> Iterator[Known]:
    """The labels of each metric, by the name under which it is asked for; those of an empty installation are all."""
    config, now = Config({}, Business(), ()), datetime.now(UTC)
    settings = load_settings({"HOOKYARD_REDIS_URL": "redis://127.0.0.1:1/0"})
    with servers.database(f"test_{uuid4().hex}") as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            found = list(metrics.read(connection, config, now))
        found += Health(engine, settings, config, lambda: now).collect()
        engine.dispose()
        yield {
            one.name + suffix: {*one._labelnames, *(["le"] if suffix == "_bucket" else [])}
            for one in found
            for suffix in SUFFIXES[one.type]
        }


def parts(expression: str) -> tuple[set[str], set[str]]:
    """Return the metrics and the labels that a query names; it must parse."""
    names: set[str] = set()
    labels: set[str] = set()

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql_parser.VectorSelector):
            assert node.name
            names.add(node.name)
            labels.update(matcher.name for matcher in node.matchers.matchers)
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            labels.update(node.modifier.labels)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return names, labels


def assert_known(expression: str, known: Known) -> None:
    """Check that a query asks only for what there is."""
    names, labels = parts(expression)
    assert names, expression
    assert names <= set(known), expression
    assert labels <= set.union(*(known[name] for name in names)), expression


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the dashboard's queries, by their panel, with Grafana's own words filled in."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            filled = target["expr"].replace("$__rate_interval", "5m").replace("$account", ".*")
            yield panel["title"], target | {"expr": filled}


def test_a_wrong_query_is_noticed(known: Known) -> None:
    """The check itself: an unknown metric, an unknown label, a query that does not parse."""
    assert_known('sum by (account) (rate(hookyard_refused_total{reason="x"}[5m])) > 0', known)
    for wrong in ("hookyard_nothing > 0", "sum by (phone) (hookyard_holds)", 'hookyard_backlog{phone="1"} > 0'):
        with pytest.raises(AssertionError):
            assert_known(wrong, known)
    with pytest.raises(ValueError, match="parenthesis"):
        assert_known("sum by (hookyard_holds", known)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_asks_for_what_there_is(alert: dict[str, Any], known: Known) -> None:
    """Its query, the labels in its words, how bad it is, and that a page says what to do."""
    assert_known(alert["expr"], known | OF_PROMETHEUS)
    assert alert["labels"]["severity"] in {"page", "ticket"}
    names, labels = parts(alert["expr"])
    used = set(re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"]))
    assert used <= labels | set.union(*((known | OF_PROMETHEUS)[name] for name in names))
    page, _, anchor = alert["annotations"]["runbook"].partition("#")
    assert (ROOT / page) == DOCS / "runbook.md"
    assert anchor == alert["alert"].lower()


def test_each_alert_has_its_section_and_each_section_its_alert() -> None:
    """What it means, where to look, what to do."""
    sections = dict(re.findall(r"^## (Hookyard\w+)\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
    assert list(sections) == [alert["alert"] for alert in ALERTS]
    for name, text in sections.items():
        for word in ("**Means**", "**Look**", "**Do**"):
            assert word in text, f"{name}: {word}"


@pytest.mark.parametrize(("title", "target"), list(panels()), ids=lambda value: value if isinstance(value, str) else "")
def test_a_panel_asks_for_what_there_is(title: str, target: dict[str, Any], known: Known) -> None:
    """Its query, and the labels in its legend."""
    assert_known(target["expr"], known)
    names, _ = parts(target["expr"])
    used = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
    assert used <= set.union(*(known[name] for name in names)), title


def test_every_metric_is_told_in_the_runbook(known: Known) -> None:
    """With its labels; and the page names no metric that there is not."""
    table = RUNBOOK.partition("| metric |")[2].partition("\n\n")[0]
    told = {
        name: set(filter(None, labels.split(",")))
        for name, labels in re.findall(r"`(hookyard_\w+)(?:\{([\w,]*)\})?`", table)
    }
    meant = {re.sub(r"_(bucket|sum|count)$", "", name): labels - {"le"} for name, labels in known.items()}
    assert told == meant
    named = set(re.findall(r"\b(hookyard_[a-z_]+)", RUNBOOK + (DOCS / "operating.md").read_text()))
    assert named <= {*known, *meant}


def test_the_scrape_configuration_asks_for_our_page_with_its_rules() -> None:
    """The path, the token's file, the file of the rules, and the receiver's port."""
    [job] = SCRAPING["scrape_configs"]
    assert job["metrics_path"] == "/metrics"
    assert job["authorization"]["credentials_file"]
    assert SCRAPING["rule_files"] == ["alerts.yaml"]
    port = Settings.model_fields["receiver_port"].default
    assert [config["targets"] for config in job["static_configs"]] == [[f"127.0.0.1:{port}"]]
