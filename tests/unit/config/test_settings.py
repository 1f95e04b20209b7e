"""Settings: read once from the environment, every fault told at once."""

from pathlib import Path

import pytest

from config.faults import ConfigError
from config.settings import EXAMPLES, Settings, load_settings, read_environment


def _faults(environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(ConfigError) as raised:
        load_settings(environ)
    return {fault.where: fault.what for fault in raised.value.faults}


def test_an_unknown_variable_is_refused_with_the_nearest_name() -> None:
    """A HOOKYARD_ variable that does not exist is a fault, not a setting that silently does nothing."""
    faults = _faults({"HOOKYARD_DATABSE_URL": "x", "HOOKYARD_ZZZ": "1"})

    assert faults["HOOKYARD_DATABSE_URL"] == 'unknown setting: did you mean "HOOKYARD_DATABASE_URL"?'
    assert faults["HOOKYARD_ZZZ"] == "unknown setting"


def test_every_wrong_value_is_told_at_once_by_the_name_of_its_variable() -> None:
    """Wrong values and unknown names come in one list."""
    faults = _faults(
        {
            "HOOKYARD_RECEIVER_PORT": "70000",
            "HOOKYARD_LEASE_SECONDS": "inf",
            "HOOKYARD_LOG_LEVEL": "loud",
            "HOOKYARD_MAX_JSON_DEPTH": "201",
            "HOOKYARD_NOPE": "1",
        }
    )

    assert sorted(faults) == [
        "HOOKYARD_LEASE_SECONDS",
        "HOOKYARD_LOG_LEVEL",
        "HOOKYARD_MAX_JSON_DEPTH",
        "HOOKYARD_NOPE",
        "HOOKYARD_RECEIVER_PORT",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://root:hunter22@db/shop"),
        ("DATABASE_URL", "hunter22"),
        ("REDIS_URL", "amqp://guest:hunter22@host"),
    ],
)
def test_an_address_of_something_else_is_refused_without_being_shown(name: str, value: str) -> None:
    """Addresses hold passwords: a wrong one is a fault that does not quote it."""
    faults = _faults({f"HOOKYARD_{name}": value})

    assert "is wanted" in faults[f"HOOKYARD_{name}"]
    assert "hunter22" not in str(faults)


def test_a_lease_shorter_than_two_calls_is_refused() -> None:
    """A lease must outlive the call it covers; the fault says both numbers."""
    faults = _faults({"HOOKYARD_LEASE_SECONDS": "29", "HOOKYARD_VENDOR_TIMEOUT_SECONDS": "15"})

    assert "HOOKYARD_LEASE_SECONDS (29)" in faults["settings"]
    assert load_settings({"HOOKYARD_LEASE_SECONDS": "30", "HOOKYARD_VENDOR_TIMEOUT_SECONDS": "15"}).lease_seconds == 30


def test_variables_win_over_the_env_file_which_wins_over_what_up_wrote(tmp_path: Path) -> None:
    """Precedence is: environment, HOOKYARD_ENV_FILE, <data dir>/up.env; an empty variable counts as unset."""
    (tmp_path / "up.env").write_text("HOOKYARD_BIND=up\nHOOKYARD_ENVIRONMENT=up\nHOOKYARD_RELEASE=up\n")
    named = tmp_path / "named.env"
    named.write_text(f"HOOKYARD_ENVIRONMENT=file\nHOOKYARD_RELEASE=file\nHOOKYARD_DATA_DIR={tmp_path}\n")

    environ = {"HOOKYARD_ENV_FILE": str(named), "HOOKYARD_RELEASE": "own", "HOOKYARD_ENVIRONMENT": ""}
    settings = load_settings(read_environment(environ))

    assert (settings.bind, settings.environment, settings.release) == ("up", "file", "own")


@pytest.mark.parametrize("content", [None, b"HOOKYARD_BIND=\xff\xfe"])
def test_an_env_file_that_cannot_be_read_is_one_fault(tmp_path: Path, content: bytes | None) -> None:
    """A missing or unreadable env file is a fault with its name, not a trace."""
    path = tmp_path / "env"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(ConfigError, match="env"):
        read_environment({"HOOKYARD_ENV_FILE": str(path), "HOOKYARD_DATA_DIR": str(tmp_path)})


def test_the_folder_beside_you_is_the_configuration_else_the_shipped_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without HOOKYARD_CONFIG_DIR, ./hookyard.d is used when it is there, the examples otherwise."""
    monkeypatch.chdir(tmp_path)
    assert load_settings({}).config_dir == EXAMPLES

    (tmp_path / "hookyard.d").mkdir()
    assert load_settings({}).config_dir == Path("hookyard.d")


def test_a_missing_address_is_told_only_when_it_is_needed() -> None:
    """Settings load without servers; asking for one that is not there is a ConfigError with the variable's name."""
    settings = load_settings({})

    with pytest.raises(ConfigError, match="HOOKYARD_DATABASE_URL"):
        settings.require_database_url()
    with pytest.raises(ConfigError, match="HOOKYARD_REDIS_URL"):
        settings.require_redis_url()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_every_spelling_of_a_postgres_address_reaches_the_same_driver(scheme: str) -> None:
    """Hosting providers write postgres://; the ledger always gets psycopg."""
    settings = load_settings({"HOOKYARD_DATABASE_URL": f"{scheme}://u:p@h/n"})

    assert settings.require_database_url() == "postgresql+psycopg://u:p@h/n"


def test_every_setting_says_what_it_is_for() -> None:
    """The page of settings is made from these descriptions."""
    assert all(field.description for field in Settings.model_fields.values())


def test_the_standard_name_of_a_collector_is_understood() -> None:
    """Ours wins over it; what is no address is a fault."""
    standard = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
    ours = {"HOOKYARD_OTLP_ENDPOINT": "https://ours:4318"}

    def endpoint(environ: dict[str, str]) -> str | None:
        found = load_settings(environ).otlp_endpoint
        return found and found.get_secret_value()

    assert endpoint(standard) == "http://collector:4318"
    assert endpoint(standard | ours) == "https://ours:4318"
    assert endpoint({}) is None
    with pytest.raises(ConfigError, match="OTLP_ENDPOINT"):
        load_settings({"OTEL_EXPORTER_OTLP_ENDPOINT": "collector"})
