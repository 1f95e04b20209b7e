"""The servers that tests run against: one PostgreSQL and one Redis for the session, a fresh database for each test."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis
from psycopg import sql
from sqlalchemy import create_engine

from console.stack.directories import run_directory
from console.stack.postgres import EmbeddedPostgres
from console.stack.redis import EmbeddedRedis
from worker.ledger.migrating import migrate

TEMPLATE = "hookyard_template"
MOST_REDIS_DATABASES = 16


@dataclass(frozen=True)
class Servers:
    """Where the session's servers are."""

    postgres: EmbeddedPostgres
    redis: EmbeddedRedis

    @contextmanager
    def database(self, name: str, template: str = TEMPLATE) -> Iterator[str]:
        """Make a database with the ledger's tables in it; give its SQLAlchemy address, drop it afterwards."""
        self._administer("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield self.postgres.dsn(name)
        finally:
            self._administer("DROP DATABASE {} WITH (FORCE)", name)

    def flush_broker(self) -> None:
        """Empty Redis, whoever uses it."""
        redis.Redis.from_url(self.redis.client_url).flushall()

    def _administer(self, statement: str, *names: str) -> None:
        address = self.postgres.dsn("postgres").replace("postgresql+psycopg://", "postgresql://")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def running_servers() -> Iterator[Servers]:
    """Start both servers in a folder of their own; stop and remove them afterwards."""
    # Not pytest's own folder: PostgreSQL may run as a system user that must be able to reach it.
    folder = Path(tempfile.mkdtemp(prefix="hookyard-tests-"))
    run_dir = run_directory(folder)
    try:
        with EmbeddedPostgres(folder, run_dir) as postgres, EmbeddedRedis(folder, run_dir) as broker:
            servers = Servers(postgres, broker)
            servers._administer("CREATE DATABASE {}", TEMPLATE)
            engine = create_engine(postgres.dsn(TEMPLATE))
            migrate(engine)
            engine.dispose()
            yield servers
    finally:
        shutil.rmtree(folder, ignore_errors=True)
