"""The shipped accounts, a real receiver: every example of every vendor is taken in, once, under its name."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest

from config.load import Config, load_config
from config.settings import EXAMPLES
from console.cli.signing import prove
from tasks.actions.registry import make_catalog
from tests.support.sandbox import Sandbox
from tests.support.servers import Servers
from tests.support.shop import Shop
from tests.support.variables import variables_of
from webhooks.examples import example_names, load_example
from webhooks.receiving import BATCH
from webhooks.registry import SOURCES
from worker.clock import system_clock
from worker.states import Handling

VARIABLES = variables_of(EXAMPLES.rglob("*.yaml"))


class Vendors:
    """What all vendors post to."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.config: Config = load_config(EXAMPLES, VARIABLES, make_catalog())

    def post(self, vendor: str, name: str, body: Any, times: int = 1) -> list[httpx.Response]:
        """Post an example as `hookyard send` does, the very same request so often."""
        accounts = self.config.accounts.items()
        account_name, account = next((name, account) for name, account in accounts if account.vendor == vendor)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        trigger = SOURCES[vendor].triggers.get(name.partition("__")[0])
        proof = prove(account, raw, trigger, system_clock())
        url = "/".join(filter(None, [self.shop.receiver_url, "webhooks", account_name, proof.path]))
        headers = {"Content-Type": "application/json", **proof.headers}
        return [httpx.post(url, content=raw, headers=headers, timeout=20) for _ in range(times)]


@pytest.fixture(scope="module")
def vendors(servers: Servers, sandbox_process: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendors]:
    """One receiver with an account of every vendor."""
    with servers.database(f"test_{uuid4().hex}") as database_url:
        shop = Shop(tmp_path_factory.mktemp("shop"), database_url, servers.redis.url, sandbox_process)
        shop.start_receiver(HOOKYARD_CONFIG_DIR=str(EXAMPLES), **VARIABLES)
        yield Vendors(shop)
        shop.stop()


each_vendor = pytest.mark.parametrize("vendor", SOURCES)


@each_vendor
def test_every_example_is_taken_in_once_under_its_name(vendor: str, vendors: Vendors) -> None:
    """200 for each, 200 for each again, and one row an event."""
    for name in example_names(vendor):
        body = load_example(vendor, name)
        first, again = vendors.post(vendor, name, body, times=2)

        assert (first.status_code, again.status_code) == (200, 200), (name, first.text, again.text)
        assert again.json()["status"] == "duplicate"
        assert again.json()["id"] == first.json()["id"]
        query = "SELECT type, handling, state, parent_id FROM events WHERE id = :id"
        [row] = vendors.shop.rows(query, id=first.json()["id"])
        if name.partition("__")[0] != BATCH:
            assert row.type == f"{vendor}.{name.partition('__')[0]}"
            assert (row.state, row.parent_id) == ("received", None)


@each_vendor
@pytest.mark.parametrize("body", [b"{}", b"[]", b"[{}]", b'{"nothing": "known"}', b"1", b'"text"', b"null"])
def test_an_unknown_shape_is_stored_counted_and_answered_200(vendor: str, body: bytes, vendors: Vendors) -> None:
    """Where the credential is right, nothing is lost for being unknown."""
    name = example_names(vendor)[0]

    [answer] = vendors.post(vendor, name, body)

    assert answer.status_code == 200
    [row] = vendors.shop.rows("SELECT handling, body FROM events WHERE id = :id", id=answer.json()["id"])
    assert (row.handling, bytes(row.body)) == (Handling.UNKNOWN, body)


@each_vendor
def test_a_wrong_credential_is_refused_and_kept(vendor: str, vendors: Vendors) -> None:
    """Nothing gets in, and nothing is lost should the secret have been ours to mend."""
    [name] = [name for name, account in vendors.config.accounts.items() if account.vendor == vendor]
    before = vendors.shop.rows("SELECT count(*) AS held FROM quarantine")[0].held

    has_path = bool(getattr(vendors.config.accounts[name], "url_secrets", None))
    url = f"{vendors.shop.receiver_url}/webhooks/{name}" + ("/not-the-secret-at-all" if has_path else "")
    answer = httpx.post(url, json={"event": f"from nobody, {vendor}"}, timeout=20)

    assert answer.status_code in {401, 404}
    assert vendors.shop.rows("SELECT count(*) AS held FROM quarantine")[0].held == before + 1
