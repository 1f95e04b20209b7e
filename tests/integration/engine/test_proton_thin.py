"""A hint of Proton's that a record changed: what was known whole is read again before a rule runs."""

import json
from typing import TYPE_CHECKING, Any

import pytest

from webhooks.examples import load_example

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

RULES = """
rules:
  - name: follow
    on: [proton.customer.updated, proton.call_note.updated]
    steps:
      - action: proton.create_task
        account: crm
        once: "{{ event.id }}"
        with: {title: "{{ customer.city or call_note.notes }}", user_id: ops@harborline.example}
"""
CUSTOMER, NOTE = "HL-20418", "0d4c7b9e-2a61-4e7a-b1f3-8c5d6e7f8091"


def thin(works: "Works", name: str, **ids: str) -> dict[str, Any]:
    """Return an event of this moment that says no more than which record changed."""
    works.clock.pass_(60)
    return {"event": name, "id": f"evt-{works.clock()}", "timestamp": works.clock().isoformat(), "data": ids}


@pytest.mark.parametrize(
    ("name", "ids", "known", "endpoint", "answered", "title"),
    [
        ("customer.updated", {"customer_id": CUSTOMER}, "customer.created", "/customers", {"city": "Akron"}, "Akron"),
        (
            "call_note.updated",
            {"interaction_id": NOTE},
            "call_note.created",
            "/call_notes",
            {"notes": "Call back", "last_edited_date": "2026-01-01T00:00:00Z"},
            "Call back",
        ),
    ],
)
def test_a_record_known_whole_is_read_again(
    name: str, ids: dict[str, str], known: str, endpoint: str, answered: dict[str, str], title: str, works: "Works"
) -> None:
    """The rule sees what the record has become; once read, routing the event again asks for nothing more."""
    works.shop.write_rules(RULES)
    works.reload()
    works.clock.pass_(90 * 24 * 3600)
    whole = load_example("proton", known)
    works.receive(whole, "crm")
    record = whole["data"] | answered
    works.shop.sandbox.fail(
        vendor="proton", path=f"*{endpoint}*", times=1, status=200, body=json.dumps(record),
        content_type="application/json",
    )  # fmt: skip

    event_id = works.receive(thin(works, name, **ids), "crm").event_id
    assert works.event(event_id).state == "waiting"
    works.settle()

    assert works.event(event_id).state == "processed"
    assert [task["title"] for task in works.shop.sandbox.effects("task")] == [title]
    assert (
        len(
            [asked for asked in works.shop.sandbox.requests() if asked["method"] == "GET" and endpoint in asked["path"]]
        )
        == 1
    )
    works.clock.pass_(60)
    with works.people() as people:
        people.replay(event_id)
    works.settle()
    assert works.event(event_id).state == "processed"
    assert len(works.shop.sandbox.effects("task")) == 1


def test_a_hint_older_than_what_is_known_reads_nothing(works: "Works") -> None:
    """It tells of a change that the whole record, which came later, holds already."""
    works.shop.write_rules(RULES)
    works.reload()
    works.clock.pass_(90 * 24 * 3600)
    hint = thin(works, "customer.updated", customer_id=CUSTOMER)
    whole = load_example("proton", "customer.created")
    works.clock.pass_(60)
    works.receive(whole | {"timestamp": works.clock().isoformat()}, "crm")

    routed = works.receive(hint, "crm")

    assert works.event(routed.event_id).state == "processed"
    assert works.shop.sandbox.requests() == []
