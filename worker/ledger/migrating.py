"""The ledger's migrations.

Invariant: they run under a lock, so that any number of processes may start at once.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

MIGRATION_LOCK = 0x686F6F6B  # "hook": any fixed number of this application's own


def migrate(engine: Engine) -> list[str]:
    """Bring the tables up to date; return the revisions that were applied."""
    config = _alembic()
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
        try:
            before = current_revision(engine)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
            connection.commit()
    revisions = ScriptDirectory.from_config(config).walk_revisions("base", "head")
    newer = []
    for revision in revisions:
        if revision.revision == before:
            break
        newer.append(f"{revision.revision} {revision.doc}")
    return newer[::-1]


def current_revision(engine: Engine) -> str | None:
    """Return the revision that the tables are at; None for an empty database."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest_revision() -> str | None:
    """Return the revision that this code wants."""
    return ScriptDirectory.from_config(_alembic()).get_current_head()


def _alembic() -> AlembicConfig:
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
