"""The frame of the console: who comes in, which forms are taken, and what an answer never lacks."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from flask import url_for

from config.faults import ConfigError
from config.settings import load_settings
from console.users import Role
from console.web.app import make_app
from console.web.frame import own_path
from console.web.login import IDLE, LONGEST, MOST_TOGETHER
from tests.integration.web.conftest import PASSWORD, Browser, Desks
from tests.support.shop import order_created

# What stands for the arguments of an address that are not any text.
FILLERS = {
    name: UUID(int=0)
    for name in ("event_id", "delivery_id", "job_id", "backtest_id", "attempt_id", "quarantine_id", "id")
}


def test_nobody_sees_a_page_without_a_login(desks: Desks) -> None:
    """Every page of every area leads to the login; the assets and /healthz answer."""
    browser = desks.browser()
    paths = [
        str(rule)
        for rule in desks.app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments and rule.endpoint not in {"login.login", "healthz"}
    ]

    answers = {path: browser.client.get(path).status_code for path in paths}

    assert set(answers.values()) == {303}, answers
    assert browser.open("/healthz")
    assert browser.open("/static/console.css")


def test_a_login_leads_on_to_the_page_that_was_wanted(desks: Desks) -> None:
    """And never to a page of somebody else."""
    desks.as_(Role.VIEWER)
    browser = desks.browser()
    assert browser.client.get("/?x=1").headers["Location"] == "/login?next=/?x%3D1"

    wanted = browser.press("/login", name="viewer", password=PASSWORD, next="/?x=1")
    elsewhere = browser.press("/login", name="viewer", password=PASSWORD, next="//evil.example/")

    assert wanted.headers["Location"] == "/?x=1"
    assert elsewhere.headers["Location"] == "/"
    assert [own_path(path) for path in ("/a", "//a", "/\\a", "https://a", "", None, "/a\n")] == ["/a", *["/"] * 6]


@pytest.mark.parametrize(("name", "password"), [("viewer", "not the password"), ("nobody", PASSWORD), ("", "")])
def test_a_wrong_login_is_refused(desks: Desks, name: str, password: str) -> None:
    """The answer is the same for a wrong name and a wrong password, and no session begins."""
    desks.as_(Role.VIEWER)
    browser = desks.browser()

    answer = browser.log_in(name, password)

    assert answer.status_code == 401
    assert "Name and password do not belong together." in answer.text
    assert browser.client.get("/").status_code == 303


def test_guessing_is_slow(desks: Desks) -> None:
    """After five wrong passwords the right one does not help either, until a quarter of an hour has passed."""
    desks.as_(Role.VIEWER)
    browser = desks.browser()
    for _ in range(MOST_TOGETHER):
        assert browser.log_in("viewer", "guess").status_code == 401

    refused = browser.log_in("viewer")
    desks.works.clock.pass_(901)
    let_in = browser.log_in("viewer")

    assert refused.status_code == 403
    assert "Wait a quarter of an hour" in refused.text
    assert let_in.status_code == 303


def test_a_session_ends(desks: Desks, viewer: Browser) -> None:
    """By logging out, by resting, and by its age, also where the cookie is kept."""
    idle, old = desks.as_(Role.VIEWER), desks.as_(Role.VIEWER)
    cookie = viewer.client.get_cookie("hookyard")
    assert cookie is not None
    viewer.press("/logout")
    viewer.client.set_cookie("hookyard", cookie.value)
    assert viewer.client.get("/").status_code == 303

    for _ in range(int(LONGEST / (IDLE - timedelta(hours=1))) + 1):
        desks.works.clock.pass_((IDLE - timedelta(hours=1)).total_seconds())
        last = old.client.get("/").status_code
    assert last == 303
    assert idle.client.get("/").status_code == 303


def test_a_new_password_or_role_ends_the_sessions_before(desks: Desks, viewer: Browser) -> None:
    """Whoever is in with the old one has to log in again."""
    done = desks.works.shop.command("users", "role", "viewer", "operator", "--comment", "helps out")

    assert done.process.returncode == 0, done.log
    assert viewer.client.get("/").status_code == 303
    viewer.log_in("viewer")
    assert "(operator)" in viewer.open("/")
    [row] = desks.works.shop.rows("SELECT * FROM audit WHERE action = 'user_role'")
    assert (row.target, row.details) == ("viewer", {"role": "operator", "comment": "helps out"})


def test_a_form_that_is_not_ours_does_nothing(desks: Desks, admin: Browser) -> None:
    """Without our token, with another visit's, or sent from another site."""
    other = desks.as_(Role.VIEWER)
    token = admin.token()

    bare = admin.client.post("/logout")
    foreign = admin.client.post("/logout", data={"csrf": other.token()})
    cross = admin.client.post("/logout", data={"csrf": token}, headers={"Sec-Fetch-Site": "cross-site"})

    assert [answer.status_code for answer in (bare, foreign, cross)] == [400, 400, 400]
    assert admin.open("/")


def test_passwords_and_tokens_are_not_kept(desks: Desks, viewer: Browser) -> None:
    """The ledger has an argon2 hash of the password, and a hash of the session's token."""
    cookie = viewer.client.get_cookie("hookyard")
    assert cookie is not None
    [user] = desks.works.shop.rows("SELECT * FROM users")
    [session] = desks.works.shop.rows("SELECT * FROM sessions")

    assert user.password_hash.startswith("$argon2id$")
    assert cookie.value.encode() not in bytes(session.token_hash)
    assert cookie.http_only


def test_every_answer_is_safe_to_show(admin: Browser) -> None:
    """Nothing from elsewhere is run or framed, and nothing is kept by a cache; also on errors."""
    for path in ("/", "/login", "/nowhere", "/reveal/nothing/x"):
        answer = admin.client.get(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_over_tls_cookies_are_for_this_host_and_tls_only(desks: Desks) -> None:
    """Behind a trusted proxy that speaks TLS."""
    console = replace(desks.console, settings=desks.console.settings.model_copy(update={"trusted_proxy_hops": 1}))
    client = make_app(console).test_client()

    answer = client.get("/login", headers={"X-Forwarded-Proto": "https"})

    assert answer.headers["Set-Cookie"].startswith("__Host-hookyard=")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" in answer.headers


def test_what_is_masked_is_shown_for_a_reason(desks: Desks, operator: Browser, viewer: Browser) -> None:
    """An operator says why, it is written down before it is shown; a viewer may not, a reason is needed."""
    desks.works.receive(order_created("2508REVEAL"))
    [known] = desks.works.shop.rows("SELECT snapshot FROM subjects WHERE key = 'order:2508REVEAL'")
    name = known.snapshot["customer_name"]
    path = "/reveal/snapshot/toko/order:2508REVEAL/customer_name"

    assert viewer.client.get(path).status_code == 403
    assert viewer.press(path, reason="curious").status_code == 403
    assert operator.press(path, reason="  ").status_code == 400
    assert desks.works.shop.rows("SELECT * FROM audit WHERE action = 'reveal'") == []
    shown = operator.press(path, reason="The buyer called")

    assert f">{name}</pre>" in shown.text
    [entry] = desks.works.shop.rows("SELECT * FROM audit WHERE action = 'reveal'")
    assert (entry.actor, entry.target) == ("operator", "snapshot/toko/order:2508REVEAL/customer_name")
    assert entry.details == {"comment": "The buyer called"}


def test_a_proxy_may_say_who_it_is(desks: Desks) -> None:
    """From the configured address, for a user whom the console knows; from elsewhere the header is refused."""
    desks.as_(Role.VIEWER)
    more = {"console_proxy_header": "X-Forwarded-User", "console_proxy_addresses": "127.0.0.1"}
    console = replace(desks.console, settings=desks.console.settings.model_copy(update=more))
    client = make_app(console).test_client()

    known = client.get("/", headers={"X-Forwarded-User": "viewer"})
    unknown = client.get("/", headers={"X-Forwarded-User": "eve"})
    elsewhere = client.get("/", headers={"X-Forwarded-User": "viewer"}, environ_base={"REMOTE_ADDR": "10.0.0.9"})

    assert "(viewer)" in known.text
    assert [unknown.status_code, elsewhere.status_code] == [403, 403]
    assert client.get("/").status_code == 303


def test_without_a_login_only_this_machine_is_let_in(desks: Desks) -> None:
    """Under its own name, so that a page elsewhere that borrows our address reads nothing."""
    console = replace(desks.console, settings=desks.console.settings.model_copy(update={"console_login": "off"}))
    client = make_app(console).test_client()

    own = [
        client.get("/", headers={"Host": host}).status_code for host in ("localhost:8001", "127.0.0.1:8001", "[::1]:1")
    ]
    borrowed = client.get("/", headers={"Host": "evil.example"})

    assert own == [200, 200, 200]
    assert borrowed.status_code == 403


def test_a_console_without_a_login_is_refused_elsewhere(desks: Desks) -> None:
    """At start, with all other faults."""
    environ = desks.works.shop.environ | {"HOOKYARD_CONSOLE_LOGIN": "off", "HOOKYARD_BIND": "0.0.0.0"}  # noqa: S104

    with pytest.raises(ConfigError, match="CONSOLE_LOGIN=off is for the loopback address only"):
        load_settings(environ)


def test_a_ledger_that_is_away_is_said(desks: Desks, admin: Browser) -> None:
    """In words, with 503, and nothing of the error."""
    desks.works.execute("ALTER TABLE deliveries RENAME TO gone")

    page = admin.open("/", status=503)

    assert "The ledger did not answer" in page
    assert "SELECT" not in page


def test_faults_of_a_changed_configuration_are_shown(desks: Desks, admin: Browser) -> None:
    """On every page, while what was there before stays in use."""
    desks.works.shop.write_rules("rules: [{name: x}]")
    desks.console.live._looked_at = 0.0  # two seconds need not pass

    page = admin.open("/")

    assert "The changed configuration was refused." in page
    assert "test.yaml:1" in page


def test_a_viewer_cannot_press_anything(desks: Desks, viewer: Browser) -> None:
    """Every address that takes a form refuses a viewer, also one who makes the request by hand."""
    for_all = {"login.log_in", "login.log_out"}
    presses = [rule for rule in desks.app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    token = viewer.token()
    answers = {}
    for rule in presses:
        if rule.endpoint in for_all:
            continue
        values = {name: FILLERS.get(name, "x") for name in rule.arguments}
        with desks.app.test_request_context():
            path = url_for(rule.endpoint, **values)
        answers[rule.endpoint] = viewer.client.post(path, data={"csrf": token}).status_code

    assert answers
    assert set(answers.values()) == {403}, answers
