"""Connect: each account's URL, the steps, what came in and was refused; secrets for an admin who says why."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from console.connecting.steps import GUIDES, REFUSALS
from console.users import Role
from tests.integration.web.conftest import Browser, Desks
from worker.figures import Name
from worker.ledger import quarantine
from worker.ledger.quarantine import Caps, Refused
from worker.tally import Tally

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

SECRET = "wabotick-incoming-url-secret"
META = """
  meta:
    vendor: meta
    app_secrets: [meta-app-secret-for-tests]
    verify_token: the-verify-token-of-meta
    access_token: EAAG
    phone_number_id: "100000000000001"
    base_url: "${SANDBOX_URL}/meta/v23.0"
limits:"""


def text_of(page: str) -> str:
    """Return what a page says, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def refuse(works: "Works", account: str, reason: str) -> None:
    """Put a request into quarantine."""
    refused = Refused(
        account=account, reason=reason, evidence={}, body=b"{}", content_type=None, query=None, headers={},
        source_ip=None, received_at=works.clock(),
    )  # fmt: skip
    with works.engine.begin() as connection:
        quarantine.keep(connection, refused, Caps(10, 10_000, 30))


def test_an_account_that_nothing_came_for_says_so(viewer: Browser) -> None:
    """The URL, how a request proves itself, and the steps in the vendor's own words."""
    said = text_of(viewer.open("/connect/toko"))

    assert "nothing came yet" in said
    assert "/webhooks/toko" in said
    assert "X-Scalev-Hmac-Sha256" in said
    assert "Settings > Developers > Webhooks" in said.replace("&gt;", ">")
    assert "HOOKYARD_PUBLIC_URL" in said


def test_what_came_in_and_by_which_secret_is_shown(works: "Works", viewer: Browser) -> None:
    """Also while a secret is being changed: how much comes by the old one."""
    works.accept({"event": "order.created"}, secret_index=0, type="scalev.order.created")
    works.accept({"event": "order.updated"}, secret_index=1, type="scalev.order.updated")

    said = text_of(viewer.open("/connect/toko"))

    assert "receives" in said
    assert "scalev.order.updated" in said
    assert "every event, secret 1: 1 events" in said
    assert "every event, secret 2: 1 events" in said


def test_facts_and_what_was_asked_for_are_not_received(works: "Works", viewer: Browser) -> None:
    """Only a webhook shows that the vendor reaches us."""
    works.accept({"event": "order.created"}, type="scalev.order.created", trigger="reconciled")

    assert "nothing came yet" in text_of(viewer.open("/connect/toko"))


@pytest.mark.parametrize(("reason", "why"), REFUSALS.items())
def test_a_refusal_says_why_and_what_to_do(reason: str, why: str, works: "Works", viewer: Browser) -> None:
    """The newest counts: what came in before it is no comfort."""
    works.accept({"event": "order.created"}, type="scalev.order.created")
    works.clock.pass_(60)
    refuse(works, "toko", reason)

    said = text_of(viewer.open("/connect/toko"))

    assert "the last was refused" in said
    assert why in said
    assert "hookyard quarantine release --account toko" in said


def test_the_list_shows_every_account(works: "Works", viewer: Browser) -> None:
    """Each with its state, and a way to its page."""
    refuse(works, "wa", "credential_mismatch")

    page = viewer.open("/connect")

    for name in works.config.accounts:
        assert f'href="/connect/{name}"' in page
    assert "the last was refused" in page


def test_a_url_secret_is_masked_for_everybody(admin: Browser, viewer: Browser) -> None:
    """On the page it is dots; only an admin is offered to see it."""
    for browser in (admin, viewer):
        page = browser.open("/connect/wa")
        assert SECRET not in page
        assert "••••••" in page
    assert "/connect/wa/reveal/incoming:0" in admin.open("/connect/wa")
    assert "/reveal/" not in viewer.open("/connect/wa")


def test_an_admin_who_says_why_sees_it(works: "Works", admin: Browser) -> None:
    """And that is written down, before."""
    assert "Why do you need to see it?" in admin.open("/connect/wa/reveal/incoming:0")

    answer = admin.press("/connect/wa/reveal/incoming:0", reason="set up the bot")

    assert answer.status_code == 200
    assert f"/webhooks/wa/{SECRET}" in answer.text
    [entry] = works.shop.rows("SELECT * FROM audit WHERE action = 'reveal'")
    assert (entry.actor, entry.target, entry.details["comment"]) == ("admin", "connect/wa/incoming:0", "set up the bot")


@pytest.mark.parametrize(("reason", "status"), [("", 400), ("   ", 400)])
def test_without_a_reason_it_stays_hidden(works: "Works", admin: Browser, reason: str, status: int) -> None:
    """Nothing is shown and nothing is written down."""
    answer = admin.press("/connect/wa/reveal/incoming:0", reason=reason)

    assert answer.status_code == status
    assert SECRET not in answer.text
    assert works.shop.rows("SELECT * FROM audit WHERE action = 'reveal'") == []


def test_others_cannot_by_a_form_made_by_hand_either(operator: Browser, viewer: Browser) -> None:
    """It needs the role admin."""
    for browser in (operator, viewer):
        browser.open("/connect/wa/reveal/incoming:0", status=403)
        answer = browser.press("/connect/wa/reveal/incoming:0", reason="why not")
        assert answer.status_code == 403
        assert SECRET not in answer.text


@pytest.mark.parametrize("path", ["nobody", "wa/reveal/incoming:7", "wa/reveal/nonsense", "toko/reveal/url:0"])
def test_what_is_not_there_is_not_found(path: str, admin: Browser) -> None:
    """An account or a secret that the configuration does not have."""
    admin.open(f"/connect/{path}", status=404)


@pytest.fixture
def with_meta(works: "Works", request: pytest.FixtureRequest) -> Desks:
    """A console of a shop that has an account at Meta too."""
    path = works.shop.folder / "config" / "accounts.yaml"
    path.write_text(path.read_text().replace("\nlimits:", META, 1))
    found: Desks = request.getfixturevalue("desks")
    return found


def test_meta_says_whether_it_was_asked(works: "Works", with_meta: Desks) -> None:
    """The verify token is a secret too, and the challenge shows that the URL was saved."""
    admin = with_meta.as_(Role.ADMIN)
    page = admin.open("/connect/meta")
    assert "not yet: save the URL" in page
    assert "the-verify-token-of-meta" not in page

    tally = Tally(works.engine, works.clock)
    tally.count(Name.CHALLENGED, "meta")
    tally.flush()

    assert "1 times" in text_of(admin.open("/connect/meta"))
    assert "the-verify-token-of-meta" in admin.press("/connect/meta/reveal/verify-token", reason="to save it").text


def test_each_place_stands_in_the_vendors_documentation() -> None:
    """So that the page and docs/vendors say the same."""
    docs = Path(__file__).parents[3] / "docs" / "vendors"
    for vendor, guide in GUIDES.items():
        assert guide.place in (docs / f"{vendor}.md").read_text(), vendor
