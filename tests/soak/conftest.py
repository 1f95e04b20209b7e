"""The ledger of the random histories: real, on its own, in no hurry to reach the disk."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy import Engine, event

from config.load import Config, load_config
from config.settings import Settings, load_settings
from tasks.actions.registry import make_catalog
from worker.ledger.database import connect

ACCOUNTS = """
accounts:
  toko: {vendor: scalev, signing_secrets: [example-secret], api_key: example}
  wa: {vendor: wabotick, api_token: "1|example", phone_number_id: "100000000000001", url_secrets: {flow: example-url-secret}}
limits:
  scalev: {per_second: null, per_hour: null}
  wabotick: {per_second: null}
"""
RULES = Path(__file__).with_name("rules.yaml")


@pytest.fixture
def soaked(database_url: str) -> Iterator[Engine]:
    """A ledger whose commits do not wait for the disk: nobody pulls its plug here."""
    engine = connect(database_url, pool_size=10)

    @event.listens_for(engine, "connect")
    def hurry(connection: object, _record: object) -> None:
        connection.autocommit = True  # type: ignore[attr-defined]
        connection.execute("SET synchronous_commit = off")  # type: ignore[attr-defined]
        connection.autocommit = False  # type: ignore[attr-defined]

    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL), cache_logger_on_first_use=False)
    yield engine
    structlog.configure(**before)
    engine.dispose()


@pytest.fixture
def settings(database_url: str) -> Settings:
    """The settings as they are shipped, apart from where the ledger is."""
    return load_settings({"HOOKYARD_DATABASE_URL": database_url.replace("postgresql+psycopg://", "postgresql://")})


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The shop's accounts, and rules of every kind."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "accounts.yaml").write_text(ACCOUNTS)
    (tmp_path / "rules" / "soak.yaml").write_text(RULES.read_text())
    return load_config(tmp_path, {}, make_catalog())
