"""Every vendor, in and out: from `hookyard send` to what the vendor at the other end recorded, by real processes."""

from typing import Any

from config.settings import EXAMPLES
from tasks.actions.registry import ACTIONS
from tests.support.programs import eventually
from tests.support.shop import Shop
from tests.support.variables import variables_of
from webhooks.registry import SOURCES

PERSON = "4f6d1b2a-9c03-4e7d-8a51-2b3c4d5e6f70"
BASE_URLS = {
    "SCALEV": "/scalev/v3", "WABOTICK": "/wabotick/api/v1", "META": "/meta/v23.0", "PROTON": "/proton",
    "CGB": "/cgb/api", "OPEN_MERCATO": "/open_mercato/api",
}  # fmt: skip
RULES = f"""
rules:
  - name: scalev-to-meta
    on: [scalev.order.created]
    steps:
      - action: meta.send_template
        with: {{to: "{{{{ order.phone }}}}", name: order_confirmation, language: id, variables: [a, b]}}
  - name: wabotick-to-scalev
    on: [wabotick.postback]
    steps:
      - action: scalev.change_status
        with: {{order_ids: ["{{{{ order.order_id }}}}"], status: confirmed}}
  - name: meta-to-wabotick
    on: [meta.message.received]
    steps:
      - action: wabotick.add_notes
        with: {{phone_number: "{{{{ data.phone }}}}", note_text: "wrote to us"}}
  - name: proton-to-open-mercato
    on: [proton.customer.created]
    steps:
      - action: open_mercato.add_comment
        with: {{entity_id: {PERSON}, body: "Proton has {{{{ customer.customer_id }}}}"}}
  - name: cgb-to-proton
    on: [cgb.button]
    steps:
      - action: proton.create_task
        with: {{user_id: ops@harborline.example, title: "Button {{{{ data.button }}}}"}}
  - name: open-mercato-to-proton
    on: [open_mercato.customers.deal.won]
    steps:
      - action: proton.create_opportunity
        with: {{pipeline_id: pipeline-sales, stage_id: stage-new, title: "{{{{ data.title }}}}", customer_id: HL-20418}}
  - name: freighttech-to-open-mercato
    on: [freighttech.container.departed]
    steps:
      - action: open_mercato.add_comment
        with: {{entity_id: {PERSON}, body: "{{{{ container.number }}}} departed"}}
  - name: tracking-to-open-mercato
    on: [freighttech.shipment_tracking.transport.eta_updated]
    steps:
      - action: open_mercato.add_comment
        with: {{entity_id: {PERSON}, body: "a new estimate was signed for"}}
  - name: generic-to-cgb
    on: [generic.invoice.paid]
    steps:
      - action: cgb.send_flow
        with: {{phone: "{{{{ data.phone }}}}", flow_id: "501"}}
"""
# What is sent, and what the vendor at the other end must have recorded: its name, and the end of the path.
ROWS = [
    (("scalev", "order.created"), "scalev-to-meta", ("meta", "/messages")),
    (("wabotick", "postback", "--query", "order_id=250804QWERTY"), "wabotick-to-scalev", ("scalev", "/change-status")),
    (("meta", "message.received"), "meta-to-wabotick", ("wabotick", "/add-notes")),
    (("proton", "customer.created"), "proton-to-open-mercato", ("open_mercato", "/customers/comments")),
    (("cgb", "button"), "cgb-to-proton", ("proton", "/create/task")),
    (("open_mercato", "customers.deal.won"), "open-mercato-to-proton", ("proton", "/opportunities")),
    (("freighttech", "container.updated"), "freighttech-to-open-mercato", ("open_mercato", "/customers/comments")),
    (
        ("freighttech", "shipment_tracking.transport.eta_updated"),
        "tracking-to-open-mercato",
        ("open_mercato", "/customers/comments"),
    ),
    (("generic", "invoice.paid"), "generic-to-cgb", ("cgb", "/send/501")),
]


def _environment(shop: Shop) -> dict[str, str]:
    """Return what the shipped accounts ask for, with the sandbox in place of the vendors."""
    urls = {f"{vendor}_BASE_URL": f"{shop.sandbox.url}{path}" for vendor, path in BASE_URLS.items()}
    return variables_of(EXAMPLES.rglob("*.yaml")) | urls


def test_every_vendor_in_and_out(shop: Shop) -> None:
    """Each row: the command posts a signed example, a rule follows, the call is on record at the vendor, once."""
    (shop.folder / "config" / "accounts.yaml").write_text((EXAMPLES / "accounts.yaml").read_text())
    shop.write_rules(RULES)
    shop.environ |= _environment(shop)
    shop.start_all()

    for call, rule, (vendor, path) in ROWS:
        command = shop.command("send", *call)
        assert command.process.returncode == 0, f"{call}: {command.log}"
        query = "SELECT * FROM deliveries WHERE rule = :rule"
        settled = {"succeeded", "dead", "unknown"}

        def ended(query: str = query, rule: str = rule, settled: set[str] = settled) -> list[Any]:
            return [row for row in shop.rows(query, rule=rule) if row.state in settled]

        eventually(ended, f"{rule} ended")
        [delivery] = ended()
        assert delivery.state == "succeeded", f"{rule}: {delivery.reason} {delivery.last_error}"
        recorded = [row for row in shop.sandbox.requests(f"*{path}") if row["vendor"] == vendor]
        assert recorded, f"{rule}: {vendor} recorded no call that ends with {path}"
        assert all(row["status"] < 300 for row in recorded)


def test_every_vendor_has_a_row() -> None:
    """What is in the registries is in the table above, in and out."""
    assert {call[0] for call, _, _ in ROWS} == set(SOURCES)
    assert {vendor for _, _, (vendor, _) in ROWS} == {name.partition(".")[0] for name in ACTIONS}
