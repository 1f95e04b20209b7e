"""The shipped recipes, each switched on by copying its file, played end to end with the sandbox's vendors."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from config.faults import ConfigError
from config.load import load_config
from config.settings import EXAMPLES
from docs.generate import DOCS
from tasks.actions.registry import make_catalog
from tests.support.programs import eventually
from tests.support.shop import FLOW_SECRET, PROTON_SECRET, SIGNING_SECRET, Shop
from tests.support.variables import variables_of

RECIPES = EXAMPLES / "recipes"
NAMES = sorted(path.stem for path in RECIPES.glob("*.yaml"))
VARIABLES = variables_of(EXAMPLES.rglob("*.yaml"))
BUYER, STAFF, CLIENT = "628123456789", "628111111111", "12025550143"
SELLER = "ops@harborline.example"
HOOK, PUSH = "bot-webhook-secret", "freighttech-push-url-secret"
SCOPE = {
    "organizationId": "11111111-1111-4111-8111-111111111111", "tenantId": "22222222-2222-4222-8222-222222222222",
}  # fmt: skip
MORE_ACCOUNTS = f"""
  bot:
    vendor: cgb
    api_token: "1000000.aBcDeFgHiJkLmNoPqRsTuVwXyZ012345"
    webhook_auth: {{scheme: static, header: X-Webhook-Secret, secrets: ["{HOOK}"]}}
    base_url: "${{SANDBOX_URL}}/cgb/api"
  erp:
    vendor: open_mercato
    api_key: omk_test.key
    organization_id: 11111111-1111-4111-8111-111111111111
    tenant_id: 22222222-2222-4222-8222-222222222222
    webhook_auth: {{scheme: standard_webhooks, secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw]}}
    base_url: "${{SANDBOX_URL}}/open_mercato/api"
  boxes:
    vendor: freighttech
    url_secrets: {{push: "{PUSH}"}}
"""


class Stage:
    """A shop with some recipes switched on, and the vendors telling it what happens at them."""

    def __init__(self, shop: Shop, *recipes: str, **variables: str) -> None:
        self.shop = shop
        accounts = shop.folder / "config" / "accounts.yaml"
        accounts.write_text(accounts.read_text().replace("accounts:", "accounts:" + MORE_ACCOUNTS.rstrip(), 1))
        rules = shop.folder / "config" / "rules"
        for path in rules.glob("*.yaml"):
            path.unlink()
        for name in recipes:
            shutil.copy(RECIPES / f"{name}.yaml", rules)
        shop.environ |= variables
        shop.start_all()
        at = f"{shop.receiver_url}/webhooks"
        self.tell("scalev", "*", f"{at}/toko", secret=SIGNING_SECRET)
        self.tell("proton", "*", f"{at}/crm", secret=PROTON_SECRET)
        self.tell("cgb", "*", f"{at}/bot", secret=HOOK)
        self.tell("freighttech", "push", f"{at}/boxes/{PUSH}")
        incoming = {"url": f"{at}/wa/wabotick-incoming-url-secret"}
        self.ask("PUT", "webhooks/wabotick", {"incoming": incoming, "flow": {"url": f"{at}/wa/{FLOW_SECRET}"}})

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """Ask the sandbox's control API."""
        answer = httpx.request(method, f"{self.shop.sandbox.url}/_sandbox/{path}", json=document, timeout=20)
        assert answer.is_success, answer.text
        return answer.json()

    def tell(self, vendor: str, trigger: str, url: str, **more: str) -> None:
        """Let a vendor post to the receiver."""
        self.ask("PUT", f"webhooks/{vendor}", {trigger: {"url": url, **more}})

    def order(self, **given: Any) -> str:
        """Let a buyer order at Scalev; return the order's number."""
        number: str = self.ask("POST", "state/scalev/orders", given)["order_id"]
        return number

    def status(self, number: str, status: str, **more: str) -> None:
        """Let the staff move an order."""
        self.ask("POST", f"state/scalev/orders/{number}/status", {"status": status, **more})

    def payment(self, number: str, status: str) -> None:
        """Let the gateway report on an order's money."""
        self.ask("POST", f"state/scalev/orders/{number}/payment", {"payment_status": status})

    def order_state(self, number: str) -> str:
        """Return the status that an order has at Scalev."""
        [order] = [row for row in self.shop.sandbox.state("scalev")["orders"] if row["order_id"] == number]
        status: str = order["status"]
        return status

    def quiet(self) -> None:
        """Wait until the vendors told everything, and all that is due was done."""
        busy = (
            "SELECT 1 FROM events WHERE state IN ('received', 'waiting') UNION ALL SELECT 1 FROM deliveries WHERE state"
            " IN ('ready', 'in_flight', 'retrying')"
            " OR (state = 'waiting' AND due_at < now() + interval '20 seconds' AND (needs = '{}' OR released))"
            " OR (state IN ('succeeded', 'dead') AND has_followers AND followed IS DISTINCT FROM state)"
        )

        def still() -> bool:
            self.ask("GET", "emissions?settle=20")
            return not self.shop.rows(busy) and not self.ask("GET", "emissions?pending=1")

        eventually(still, "everything came to rest", 60)

    def pass_time(self) -> None:
        """Let all timers run out."""
        with self.shop.engine.begin() as connection:
            due = "UPDATE deliveries SET due_at = now(), wake_at = now() WHERE state = 'waiting'"
            connection.execute(text(due))
        self.quiet()

    def messages(self) -> list[tuple[str, str, list[str]]]:
        """Return the templates that were sent: to whom, which, with what."""
        found = self.shop.sandbox.effects("message")
        return [(one["phone_number"], one["template_id"], one["variables"]) for one in found]

    def ends(self) -> dict[str, str]:
        """Return how each step ended."""
        return {f"{row.rule}/{row.step}": row.state for row in self.shop.deliveries()}


@pytest.fixture
def stage(shop: Shop) -> Callable[..., Stage]:
    """Make the stage of a test."""
    return lambda *recipes, **variables: Stage(shop, *recipes, **variables)


# All of them.


def _load(folder: Path, *names: str) -> int:
    (folder / "rules").mkdir(exist_ok=True)
    shutil.copy(EXAMPLES / "accounts.yaml", folder)
    for name in names:
        shutil.copy(RECIPES / f"{name}.yaml", folder / "rules")
    return len(load_config(folder, VARIABLES, make_catalog()).rules)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_loads_alone(tmp_path: Path, name: str) -> None:
    """Each is accepted with the example accounts, and says in its head what it needs."""
    assert _load(tmp_path, name) >= 1
    head = (RECIPES / f"{name}.yaml").read_text().partition("rules:")[0]
    assert "# Needs: account" in head
    assert "# Change: " in head


def test_all_recipes_load_together(tmp_path: Path) -> None:
    """No two have a name in common, and the example rules go with them."""
    (tmp_path / "rules").mkdir()
    for path in (EXAMPLES / "rules").glob("*.yaml"):
        shutil.copy(path, tmp_path / "rules" / f"example-{path.name}")
    assert _load(tmp_path, *NAMES) > len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_documented(name: str) -> None:
    """Each is listed on its page, and the language's page teaches something by it."""
    assert f"| `{name}.yaml` |" in (DOCS / "recipes.md").read_text()
    assert f"`{name}.yaml`" in (DOCS / "rules.md").read_text()


# What is typed in place of what, and what is said of it.
SLIPS = (
    (
        "scalev.order.paid]", "scalev.order.paide]",
        'unknown event type "scalev.order.paide": did you mean "scalev.order.paid"?',
    ),
    ("when: order.phone", "when: ordr.phone", 'unknown name "ordr": did you mean "order"?'),
    (
        "wabotick.send_template", "wabotick.send_tempalte",
        'unknown action "wabotick.send_tempalte": did you mean "wabotick.send_template"?',
    ),
    ("account: wa", "account: waa", 'unknown account "waa": did you mean "wa"?'),
    ("once:", "onse:", 'unknown key "onse": did you mean "once"?'),
)  # fmt: skip


def test_every_fault_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    """Each in a line of its own, with file and line, and with what was probably meant."""
    written = (RECIPES / "paid-thanks.yaml").read_text()
    for right, typed, _ in SLIPS:
        assert written.count(right) == 1
        written = written.replace(right, typed)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "mine.yaml").write_text(written)

    with pytest.raises(ConfigError) as caught:
        _load(tmp_path)

    lines = written.splitlines()
    places = [next(number for number, line in enumerate(lines, 1) if typed in line) for _, typed, _ in SLIPS]
    wanted = [f"rules/mine.yaml:{place}: {said}" for place, (_, _, said) in zip(places, SLIPS, strict=True)]
    assert str(caught.value).splitlines() == wanted


# Messages about an order.


def test_shipped_notice(stage: Callable[..., Stage]) -> None:
    """One message with the receipt; none for spam, none for an order that is not shipped, none for telling it again."""
    play = stage("shipped-notice")
    number, other = play.order(), play.order()
    play.order(is_probably_spam=True, customer_phone="6281299999999")

    play.status(number, "shipped", shipment_receipt="JX900")
    play.status(other, "confirmed")
    play.quiet()
    assert play.messages() == [(BUYER, "257000", ["Budi Contoh", "JX900"])]
    play.status(number, "completed")
    play.quiet()

    assert len(play.messages()) == 1


def test_paid_thanks(stage: Callable[..., Stage]) -> None:
    """One message for an order that is paid and then settled; none for cash on delivery, none for a conflict."""
    play = stage("paid-thanks")
    number, cod, doubtful = play.order(), play.order(payment_method="cod"), play.order()

    play.payment(doubtful, "conflict")
    for paid in (number, cod):
        play.payment(paid, "paid")
        play.quiet()
        play.payment(paid, "settled")
    play.quiet()

    assert play.messages() == [(BUYER, "257003", ["Budi Contoh", number])]


def test_returned_alert(stage: Callable[..., Stage]) -> None:
    """The staff gets one message, the buyer none."""
    play = stage("returned-alert", STAFF_PHONE=f"+{STAFF}")
    number = play.order()

    play.status(number, "shipped", shipment_receipt="JX901")
    play.quiet()
    play.status(number, "rts")
    play.quiet()

    assert play.messages() == [(STAFF, "257013", [number, "JX901"])]


def test_unpaid_reminders(stage: Callable[..., Stage]) -> None:
    """Two for who does not pay; none for who paid, canceled or pays at the door; nothing before its time."""
    play = stage("unpaid-reminders")
    unpaid, paid, canceled = play.order(), play.order(), play.order()
    play.order(payment_method="cod")
    play.quiet()
    assert play.messages() == []
    waiting = play.shop.rows(
        "SELECT extract(epoch FROM d.due_at - e.occurred_at)::int AS after FROM deliveries d JOIN events e"
        " ON e.id = d.event_id ORDER BY after"
    )
    assert [row.after for row in waiting] == [7200] * 3 + [72000] * 3

    play.payment(paid, "paid")
    play.status(canceled, "canceled")
    play.quiet()
    assert len(play.shop.deliveries("cancelled")) == 4
    play.pass_time()

    assert {tuple(variables[:2]) for _, _, variables in play.messages()} == {("Budi Contoh", unpaid)}
    assert [template for _, template, _ in play.messages()] == ["257002", "257002"]
    assert all(variables[2].startswith("Rp") for _, _, variables in play.messages())


def test_a_reminder_is_asked_again_at_sending(stage: Callable[..., Stage]) -> None:
    """What is no fact of its own, as a closed order, keeps the reminder back too."""
    play = stage("unpaid-reminders")
    number = play.order()
    play.quiet()

    play.status(number, "closed")
    play.quiet()
    assert len(play.shop.deliveries("waiting")) == 2
    play.pass_time()

    assert play.messages() == []
    assert {row.reason for row in play.shop.deliveries()} == {"not_needed"}


def test_abandoned_checkout(stage: Callable[..., Stage]) -> None:
    """The buyer who is still away gets the link; who came back, told or not told, gets nothing."""
    play = stage("abandoned-checkout")
    away, back, secret = (
        play.ask("POST", "state/scalev/intents", {"name": name, "phone": phone})["id"]
        for name, phone in (("Budi Contoh", BUYER), ("Sari Contoh", "6281299990001"), ("Tono", "6281299990002"))
    )
    for intent in (away, back, secret):
        play.ask("POST", f"state/scalev/intents/{intent}/abandon")
    play.quiet()
    assert play.messages() == []

    play.ask("POST", f"state/scalev/intents/{back}/complete", {"order_id": play.order()})
    play.quiet()
    play.ask("PUT", "webhooks/scalev/traps", {"drop": 1})
    play.ask("POST", f"state/scalev/intents/{secret}/complete", {"order_id": play.order()})
    play.pass_time()

    [(phone, template, variables)] = play.messages()
    assert (phone, template, variables[0]) == (BUYER, "257010", "Budi Contoh")
    assert variables[1].startswith("https://")


# Cash on delivery.


@pytest.mark.parametrize(("button", "status"), [("Konfirmasi", "confirmed"), ("Batalkan", "canceled")])
def test_cod_confirmation(stage: Callable[..., Stage], button: str, status: str) -> None:
    """The buyer is asked once; the first tap decides; a second one changes nothing, and is told what stands."""
    play = stage("cod-confirmation")
    play.order(payment_method="bank_transfer")
    number = play.order(payment_method="cod")
    play.quiet()
    assert play.messages() == [(BUYER, "257001", ["Budi Contoh", number])]
    [asked] = play.shop.sandbox.effects("message")

    other = {"Konfirmasi": "Batalkan", "Batalkan": "Konfirmasi"}[button]
    for tapped in (button, other, button):
        play.ask("POST", f"phones/{BUYER}/tap", {"message_id": asked["id"], "button": tapped})
        play.quiet()

    assert play.order_state(number) == status
    assert [(one["order_id"], one["status"]) for one in play.shop.sandbox.effects("order_status")] == [(number, status)]
    [told] = [one for one in play.shop.sandbox.effects("message") if one["id"] != asked["id"]]
    stands = {"confirmed": "dikonfirmasi", "canceled": "dibatalkan"}[status]
    assert f"Pesanan {number} sudah {stands}." in str(told)


def test_cod_confirmation_without_the_answered_message(stage: Callable[..., Stage]) -> None:
    """Where a tap names no message it answers the one open question; with two of them nobody guesses."""
    play = stage("cod-confirmation")
    play.shop.sandbox.set_trap("wabotick", tap_names_message=False)
    first = play.order(payment_method="cod")
    play.quiet()
    asked = play.shop.sandbox.effects("message")
    for tapped in ("Batalkan", "Konfirmasi"):
        play.ask("POST", f"phones/{BUYER}/tap", {"message_id": asked[0]["id"], "button": tapped})
        play.quiet()
    assert play.order_state(first) == "canceled"
    assert len([one for one in play.shop.sandbox.effects("message") if "dibatalkan" in str(one)]) == 1

    numbers = [play.order(payment_method="cod") for _ in range(2)]
    play.quiet()
    [message] = [one["id"] for one in play.shop.sandbox.effects("message") if numbers[0] in str(one)]
    play.ask("POST", f"phones/{BUYER}/tap", {"message_id": message, "button": "Konfirmasi"})
    play.quiet()

    assert [play.order_state(number) for number in numbers] == ["pending", "pending"]
    unclear = play.shop.rows("SELECT note FROM events WHERE (tap ->> 'ambiguous') = 'true'")
    assert unclear
    assert all(number in row.note for row in unclear for number in numbers)


# The CRM.


def test_new_buyer(stage: Callable[..., Stage]) -> None:
    """A buyer's first order makes customer, contact and opportunity; the second nothing, nor does our own customer."""
    play = stage("new-buyer", "crm-customer")
    number = play.order()
    play.quiet()
    play.order()
    play.quiet()

    [opportunity] = play.shop.sandbox.effects("opportunity")
    [customer] = play.shop.sandbox.effects("customer")
    [contact] = play.shop.sandbox.effects("contact")
    assert (opportunity["title"], opportunity["customer_id"]) == (f"Order {number}", customer["customer_id"])
    assert contact["customer_id"] == customer["customer_id"]
    assert play.shop.sandbox.effects("task") == []
    assert set(play.ends().values()) == {"succeeded"}


def test_crm_customer(stage: Callable[..., Stage]) -> None:
    """A customer whom somebody adds at Proton gets an opportunity, and the seller a task that goes with it."""
    play = stage("crm-customer")
    play.ask("POST", "state/proton/customers", {"customer_id": "HL-900", "name": "Kedai Contoh"})
    play.quiet()

    [opportunity] = play.shop.sandbox.effects("opportunity")
    [task] = play.shop.sandbox.effects("task")
    assert (opportunity["customer_id"], opportunity["stage_id"]) == ("HL-900", "stage-new")
    assert task["title"] == "Call Kedai Contoh"


def test_paid_won(stage: Callable[..., Stage]) -> None:
    """The opportunity of the paid order is won, once; that of the unpaid one stays."""
    play = stage("new-buyer", "paid-won")
    paid = play.order()
    play.order(customer_name="Sari Contoh", customer_phone="6281299990001")
    play.quiet()
    play.payment(paid, "paid")
    play.quiet()
    play.payment(paid, "settled")
    play.pass_time()

    [won] = play.shop.sandbox.effects("opportunity_update")
    assert (won["title"], won["stage_id"]) == (f"Order {paid}", "stage-won")


def test_a_paid_order_without_an_opportunity_changes_nothing(stage: Callable[..., Stage]) -> None:
    """Where the search finds none, the change is not wanted, and nothing fails."""
    play = stage("paid-won")
    number = play.order()
    play.quiet()  # a payment that is processed before its order would have the order fetched first
    play.payment(number, "paid")
    play.quiet()
    play.pass_time()

    assert play.ends() == {"paid-won/find": "succeeded", "paid-won/won": "suppressed"}
    assert play.shop.sandbox.effects("opportunity_update") == []


def test_call_follow_up(stage: Callable[..., Stage]) -> None:
    """The customer of a note that asks for it gets one message, though the note has no phone; no other gets any."""
    play = stage("call-follow-up")
    for number, phone in (("HL-901", BUYER), ("HL-902", None)):
        customer = {"customer_id": number, "name": f"Kedai {number}", "office_phone_number": phone and f"+{phone}"}
        play.ask("PUT", f"state/proton/customers/{number}", customer)
    notes = (("HL-901", "Mau katalog. #WhatsApp"), ("HL-901", "Tidak mau apa-apa."), ("HL-902", "#whatsapp"))
    for number, words in notes:
        play.ask("POST", "state/proton/call_notes", {"user_id": SELLER, "customer_ids": [number], "notes": words})
    play.quiet()
    assert play.messages() == []
    play.pass_time()

    assert play.messages() == [(BUYER, "257012", ["Kedai HL-901"])]
    assert [row.state for row in play.shop.deliveries() if row.step == "message"].count("suppressed") == 1


def test_a_note_that_was_deleted_is_not_followed(stage: Callable[..., Stage]) -> None:
    """A note taken back before its time cancels what waited."""
    play = stage("call-follow-up")
    play.ask("PUT", "state/proton/customers/HL-901", {"name": "Kedai", "office_phone_number": f"+{BUYER}"})
    note = {"user_id": SELLER, "customer_ids": ["HL-901"], "notes": "#whatsapp"}
    [made] = play.ask("POST", "state/proton/call_notes", note)["call_notes"]
    play.quiet()

    play.ask("DELETE", f"state/proton/call_notes/{made['interaction_id']}")
    play.quiet()
    play.pass_time()

    assert play.messages() == []
    assert play.ends()["call-follow-up/read"] == "cancelled"


def test_opt_out(shop: Shop, stage: Callable[..., Stage]) -> None:
    """STOP is written into CRM and ERP once, START takes it back; a sentence with the word in it does neither."""
    tags, key = f"{shop.sandbox.url}/open_mercato/api/customers/tags", {"X-Api-Key": "omk_test.key"}
    made = httpx.post(tags, json={"slug": "no-whatsapp", "label": "No WhatsApp"} | SCOPE, headers=key)
    play = stage("opt-out", OPT_OUT_FIELD="cf_industry", OPT_OUT_TAG=made.raise_for_status().json()["id"])
    shop.sandbox.set_trap("open_mercato", encrypted_phones=False)
    play.ask("PUT", "state/proton/customers/HL-903", {"name": "Avery", "office_phone_number": f"+{CLIENT}"})
    for said in ("Don't stop!", "STOP", "stop.", "START"):
        play.ask("POST", f"phones/{CLIENT}/text", {"text": said, "to": "wabotick"})
        play.quiet()

    fields = play.shop.sandbox.requests("*/custom_field/update_instance")
    assert [field["params"]["value"] for field in fields] == ["opted out", "opted in"]
    assigned = [len(play.shop.sandbox.requests(f"*/customers/tags/{what}")) for what in ("assign", "unassign")]
    assert assigned == [1, 1]


# Containers, and the bot.


def test_container_delay(stage: Callable[..., Stage]) -> None:
    """A new estimate is told once to the client and to the workflow that waits; the same push again tells nothing."""
    play = stage("container-delay", CLIENT_PHONE=f"+{CLIENT}")
    advance = "state/freighttech/containers/MSKU7382913/advance"
    play.ask("POST", advance)
    play.quiet()
    assert play.messages() == []

    play.ask("POST", advance)
    play.quiet()
    play.ask("POST", "state/freighttech/containers/MSKU7382913/repeat")
    play.quiet()

    [(phone, template, variables)] = play.messages()
    assert (phone, template, variables[:2]) == (CLIENT, "257011", ["MSKU7382913", "Norfolk"])
    [signal] = play.shop.sandbox.requests("*/workflows/signals")
    assert signal["params"]["correlationKey"] == "MSKU7382913"
    assert signal["params"]["payload"]["shift_hours"] == 70


def test_bot_order(stage: Callable[..., Stage]) -> None:
    """A tap makes one order and is answered with its number; tapping again the same day makes no second one."""
    play = stage("bot-order")
    play.shop.sandbox.set_trap("cgb", unresolved_fields=["order_id"], unresolved="empty")  # the body has no such line
    for _ in range(2):
        play.ask("POST", "state/cgb/tap", {"phone": CLIENT, "button": "order"})
        play.quiet()
    play.ask("POST", "state/cgb/tap", {"phone": CLIENT, "button": "help"})
    play.quiet()

    [made] = play.shop.sandbox.effects("order")
    [answer] = play.shop.sandbox.requests("*/send/text")
    assert made["order_id"] in answer["params"]["text"]
