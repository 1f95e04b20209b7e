"""What `hookyard doctor` tells of what lies around: versions, settings, Redis, clocks, alerts, the way to vendors."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import Engine, text

from config.accounts import Business, ProtonAccount
from config.load import Config
from config.settings import load_settings
from console.health import surroundings
from console.health.checks import Look
from console.health.finding import Level
from tests.integration.cli.test_commands import hookyard
from tests.support.shop import SIGNING_SECRET, Shop
from worker.alerting import Cause, Measure, News, Watch
from worker.broker import redis_client
from worker.clock import system_clock
from worker.ledger import alerts


def test_it_tells_what_runs_and_how_it_is_set_and_no_secret(shop: Shop) -> None:
    """Versions of all parts, each setting that is not as shipped; of secrets only that they are set."""
    done = hookyard("doctor", "--vendors", environ=shop.environ | {"HOOKYARD_METRICS_TOKEN": "a-token-of-ours"})

    for part in (
        "hookyard 0",
        "Python 3",
        "PostgreSQL ",
        "Redis ",
        "HOOKYARD_REWAKE_SECONDS=1",
        "its clock differs",
        "no account is held",
        "ledger size",
    ):
        assert part in done.stdout, part
    assert "HOOKYARD_METRICS_TOKEN=(set)" in done.stdout
    assert "HOOKYARD_DATABASE_URL=(set)" in done.stdout
    assert "127.0.0.1 answers, without TLS" in done.stdout
    for secret in ("a-token-of-ours", SIGNING_SECRET, shop.environ["HOOKYARD_DATABASE_URL"]):
        assert secret not in done.stdout + done.stderr


def test_a_server_that_is_away_and_one_that_nobody_named_are_told_apart() -> None:
    """Each in the words that lead on: which variable, or what the connection came to; no password among them."""
    wrong = {"HOOKYARD_DATABASE_URL": "postgresql://ani:a-password@127.0.0.1:9/none"}
    unnamed, away = hookyard("doctor"), hookyard("doctor", environ=wrong)

    assert unnamed.returncode == away.returncode == 1
    for variable in ("HOOKYARD_DATABASE_URL", "HOOKYARD_REDIS_URL"):
        assert f"{variable}: is not set" in unnamed.stdout
    assert "Connection refused" in away.stdout
    assert "a-password" not in away.stdout + away.stderr


def test_it_tells_whether_the_receiver_is_ready(shop: Shop) -> None:
    """It may run elsewhere, so that nobody answers here is only said; one that cannot reach the ledger is bad."""
    absent = surroundings.receiver(shop.settings)
    receiver = shop.start_receiver()
    ready = surroundings.receiver(shop.settings)
    receiver.kill()
    shop.start_receiver(HOOKYARD_DATABASE_URL="postgresql://nobody@127.0.0.1:9/none")
    cut_off = surroundings.receiver(shop.settings)

    assert [one.level for one in (absent, ready, cut_off)] == [Level.LOOK, Level.GOOD, Level.BAD]
    assert "nobody answers" in absent.fact
    assert "answers 503" in cut_off.fact


def test_it_tells_what_waits_in_the_broker(shop: Shop) -> None:
    """By queue; an empty one is not named."""
    client = redis_client(shop.redis_url, timeout_seconds=5)
    client.lpush("deliver.wabotick", "a wake-up", "another")
    try:
        assert surroundings.queues(shop.settings, shop.config).fact == "wake-ups that wait: deliver.wabotick 2"
    finally:
        client.delete("deliver.wabotick")
        client.close()


def test_the_address_that_vendors_were_given_is_tried(tmp_path: Path) -> None:
    """As theirs are; without one there is nothing to say."""
    with tls_server(tmp_path, "127.0.0.1") as port:
        public = load_settings({"HOOKYARD_PUBLIC_URL": f"https://127.0.0.1:{port}"})
        [found] = surroundings.public_address(public, system_clock())

    assert found.level is Level.BAD
    assert "self-signed" in found.fact or "self signed" in found.fact
    assert not list(surroundings.public_address(load_settings({}), system_clock()))


def test_a_redis_that_throws_messages_away_is_bad(shop: Shop) -> None:
    """A memory limit with any other policy than noeviction."""
    client = redis_client(shop.redis_url, timeout_seconds=5)
    assert surroundings.broker_setup(shop.settings).ok
    client.config_set("maxmemory", "500mb")
    client.config_set("maxmemory-policy", "allkeys-lru")
    try:
        assert surroundings.broker_setup(shop.settings).level is Level.BAD
    finally:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "0")
        client.close()


def look(shop: Shop, engine: Engine) -> list[tuple[str, Level]]:
    """Return what is found of alerts."""
    with engine.connect() as connection:
        found = surroundings.told(Look(connection, shop.config, system_clock()))
        return [(finding.what, finding.level) for finding in found]


def test_it_tells_what_nears_its_limit_and_who_was_not_told(shop: Shop, ledger: Engine) -> None:
    """A firing alert is to be looked at; a target that takes nothing is bad."""
    assert look(shop, ledger) == [("nobody is told", Level.GOOD)]
    path = shop.folder / "config" / "accounts.yaml"
    path.write_text(
        path.read_text() + "alerts: {targets: {ops: {kind: slack, url: 'https://hooks.slack.example/x'}}}\n"
    )
    now = system_clock()
    with ledger.begin() as connection:
        alerts.remember(connection, Watch(Measure(Cause.UNKNOWN, "wa", 7, 10), now, {70: now}, 70))
        news = News(Cause.UNKNOWN, "wa", "firing", 70, 7, 10, now.isoformat())
        alerts.enqueue(connection, ["ops"], [news], now)
        alerts.not_sent(connection, alerts.claim(connection, now), "the target answered 500", now)

    assert look(shop, ledger) == [
        ("wa: unknown at 70 % of its limit: hookyard deliveries --state unknown", Level.LOOK),
        ("ops could not be told: the target answered 500: hookyard alerts test --target ops", Level.BAD),
    ]


def test_a_clock_that_differs_is_bad(shop: Shop, ledger: Engine) -> None:
    """The database's clock, as far as a test can turn it: by a function of that name, found first."""
    with ledger.begin() as connection:
        assert [one.level for one in surroundings.clock(Look(connection, shop.config, system_clock()))] == [Level.GOOD]
        connection.execute(
            text(
                """
                CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql
                AS $$ SELECT pg_catalog.clock_timestamp() - interval '1 minute' $$
                """
            )
        )
        connection.execute(text("SET LOCAL search_path = public, pg_catalog"))
        [found] = surroundings.clock(Look(connection, shop.config, system_clock()))

    assert found.level is Level.BAD
    assert "60." in found.fact or "59." in found.fact


@contextmanager
def tls_server(folder: Path, host: str) -> Iterator[int]:
    """Run a server whose certificate nobody vouches for; yields its port."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = (
        builder.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
    )
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    form, unlocked = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "both.pem").write_bytes(certificate + key.private_bytes(serialization.Encoding.PEM, form, unlocked))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "both.pem")

    def answer(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            context.wrap_socket(connection, server_side=True).close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=answer, args=[server])
        thread.start()
        yield server.getsockname()[1]
        thread.join()


def vendor_at(base_url: str) -> tuple[Level, str]:
    """Return what is found of a vendor at an address."""
    auth = {"scheme": "static", "secrets": ["a-long-secret"]}
    given = {"vendor": "proton", "company": "c", "user_id": "u", "api_key": "k", "webhook_auth": auth}
    account = ProtonAccount.model_validate(given | {"base_url": base_url})
    config = Config({"crm": account}, Business(), ())
    [found] = surroundings.vendors(config, system_clock())
    return found.level, found.fact


def test_a_vendor_that_nobody_vouches_for_is_not_reached(tmp_path: Path) -> None:
    """Its certificate is judged as that of every call, and why is said."""
    with tls_server(tmp_path, "127.0.0.1") as port:
        level, fact = vendor_at(f"https://127.0.0.1:{port}/v1")

    assert level is Level.BAD
    assert "self-signed" in fact or "self signed" in fact


@pytest.mark.parametrize("base_url", ["http://127.0.0.1:9", "https://127.1:9", "https://no-such-host.invalid"])
def test_a_vendor_that_does_not_answer_is_told(base_url: str) -> None:
    """Nobody listens, the name stands for a private address, or for none."""
    level, fact = vendor_at(base_url)

    assert level is Level.BAD
    assert "cannot be reached" in fact
