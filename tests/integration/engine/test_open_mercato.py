"""A container's push follows into the ERP, and what the ERP only hints at is read before a rule runs."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.conformance.actions.vendors.open_mercato import KEY, SCOPE
from webhooks.examples import load_example

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

PERSON = "4f6d1b2a-9c03-4e7d-8a51-2b3c4d5e6f70"
ACCOUNTS = f"""
  boxes:
    vendor: freighttech
    url_secrets: {{push: freighttech-push-secret}}
  erp:
    vendor: open_mercato
    base_url: "${{SANDBOX_URL}}/open_mercato/api"
    api_key: {KEY}
    organization_id: {SCOPE["organizationId"]}
    tenant_id: {SCOPE["tenantId"]}
    webhook_auth: {{scheme: static, header: X-Secret, secrets: [open-mercato-webhook-secret]}}
"""
RULES = """
rules:
  - name: follow
    on: [freighttech.container.*]
    from: [boxes]
    when: event.type != "freighttech.container.updated"
    steps:
      - action: open_mercato.add_comment
        with: {entity_id: PERSON, body: "{{ event.type }} {{ container.number }} {{ container.eta }}"}
  - name: greet
    on: [open_mercato.customers.person.*]
    steps:
      - action: open_mercato.add_comment
        with: {entity_id: "{{ person.id }}", body: "Hello {{ person.name }}"}
"""


@pytest.fixture
def erp(works: "Works") -> "Works":
    """The engine with both accounts."""
    path = works.shop.folder / "config" / "accounts.yaml"
    path.write_text(path.read_text().replace("accounts:\n", f"accounts:{ACCOUNTS}", 1))
    works.shop.write_rules(RULES.replace("PERSON", PERSON))
    works.reload()
    return works


def push(variant: str, **changes: Any) -> dict[str, Any]:
    """Return a push of the one container."""
    return load_example("freighttech", "container.updated" + variant) | changes


def said(works: "Works") -> list[str]:
    """Return what was commented, in order, without the types' common beginning."""
    comments = reversed(works.shop.sandbox.state("open_mercato").get("comments", []))
    return sorted(comment["body"].removeprefix("freighttech.container.") for comment in comments)


def test_each_fact_of_a_journey_follows_once_and_each_new_estimate_once(erp: "Works") -> None:
    """Pushes come twice, late and again; another estimate is another fact with an effect of its own."""
    again = push("__eta_changed", id="u-9", updated_at="2026-03-10T00:00:00Z")
    later = push("__eta_changed", id="u-10", updated_at="2026-03-11T00:00:00Z")
    for milestone in later["payload"]["milestones"]:
        milestone["timestamp"] = milestone["timestamp"].replace("2026-03-21T06", "2026-03-22T06")
    erp.clock.pass_(90 * 24 * 3600)
    for body in (push(""), push("__eta_changed"), again, push("", id="u-11"), later, later):
        erp.receive(body, "boxes")
    erp.settle()

    assert said(erp) == [
        "departed MSKU7382913 2026-03-22T10:00:00+00:00",
        "eta_changed MSKU7382913 2026-03-22T10:00:00+00:00",
        "eta_changed MSKU7382913 2026-03-22T10:00:00+00:00",
    ]
    facts = erp.shop.rows("SELECT type, subject, dedupe_key FROM events WHERE parent_id IS NOT NULL ORDER BY id")
    assert [row.type.rpartition(".")[2] for row in facts] == ["departed", "eta_changed", "eta_changed"]
    assert {row.subject for row in facts} == {"container:MSKU7382913"}
    assert len({row.dedupe_key for row in facts}) == 3


def test_an_event_of_ids_waits_for_the_record_and_the_next_one_for_the_newer_record(erp: "Works") -> None:
    """Rules see the person as it is, also when it changes after it was read."""
    body = load_example("open_mercato", "customers.person.created")
    erp.clock.pass_(90 * 24 * 3600)
    erp.receive(body, "erp")
    erp.settle()
    people = f"{erp.shop.sandbox.url}/open_mercato/api/customers/people"
    changed = {"id": PERSON, "displayName": "A. Doe"}  # as somebody in the ERP would
    httpx.put(people, headers={"X-Api-Key": KEY}, json=changed).raise_for_status()
    erp.receive(body | {"type": "customers.people.updated", "timestamp": erp.clock().isoformat()}, "erp")
    erp.settle()

    assert said(erp) == ["Hello A. Doe", "Hello Avery Doe"]
    assert len([r for r in erp.shop.sandbox.requests() if r["path"].endswith(f"/customers/people/{PERSON}")]) == 2
