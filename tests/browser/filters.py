"""Every form that asks for something and changes nothing: lists narrowed, something found, rules tried.

Invariant: what was asked for stands in the address and in the form that comes back.
"""

from tests.browser.buttons import EVERYWHERE, Button
from tests.browser.conftest import Stage
from tests.browser.scenes import RIGHT, At, Body, Scene, WithOrder, order_number

SINCE, UNTIL = "2026-01-31T08:00:01", "2036-01-31T08:00:01"
MESSAGE = {"account": "wa", "type": "wabotick.send_template", "state": "dead", "reason": "invalid_request",
           "rule": "tell-buyer-shipped", "subject": "order:{order}"}  # fmt: skip


def two_deeds(stage: Stage) -> Scene:
    """Write down two things that somebody did."""
    order = order_number()
    with stage.works.people("ani") as people:
        people.note("cancel", order, {})
        people.note("cancel", "another-one", {})
    return Scene("/audit", {"order": order})


FILTERS = [
    Button(EVERYWHERE, "orders.find_", "Find", WithOrder("/connect", "[role=search]"), "Order {order}",
           fills={"q": "{order}"}),
    Button("now.index", "now.index", "Show", At("/"), "", fills={"account": "crm"}),
    Button("orders.index", "orders.index", "Show", WithOrder("/orders"), "", gone="Order {order}",
           fills={"kind": "customer", "account": "crm"}),
    Button("events.index", "events.index", "Show", WithOrder("/events"), "{order}", gone="{other}",
           fills={"account": "toko", "type": "scalev.order.created", "state": "processed", "handling": "handled",
                  "subject": "order:{order}", "text": "{order}", "since": SINCE, "until": UNTIL}),
    Button("events.index", "events.index", "Show", At("/events"), "No events match.", id="ambiguous",
           fills={"reason": "ambiguous", "ambiguous": "yes"}),
    Button("deliveries.index", "deliveries.index", "Show", WithOrder("/deliveries"), "{order}", gone="{other}",
           fills=MESSAGE | {"text": "{order}", "since": SINCE, "until": UNTIL}),
    Button("audit.index", "audit.index", "Show", two_deeds, "", gone="another-one",
           fills={"actor": "ani", "action": "cancel", "target": "{order}", "since": "2h", "until": UNTIL}),
    Button("jobs.index", "jobs.index", "Show what matches", WithOrder("/press"),
           "1 delivery would be retried; 1 message",
           fills=MESSAGE | {"kind": "retry", "text": "{order}", "since": "1d", "until": UNTIL[:-3]}),
    Button("jobs.index", "jobs.index", "Show what matches", WithOrder("/press?kind=replay"),
           "1 event would be", id="events",
           fills={"account": "toko", "type": "scalev.order.created", "state": "processed", "handling": "handled",
                  "subject": "order:{order}", "text": "{order}"}),
    Button("quarantine.index", "quarantine.index", "Show", Body(RIGHT, "form.filters"), "Nothing is held.",
           gone="192.0.2.7", fills={"account": "wa"}),
    Button("sending.index", "sending.index", "Show its examples", At("/send"), "Send to toko",
           fills={"account": "toko"}),
    Button("rules.try_", "rules.try_", "Show what the rules say", WithOrder("/rules/try", "form:has([name=event])"),
           "tell-buyer-shipped", fills={"event": "{event}"}),
    Button("rules.try_", "rules.try_", "Show what the rules say", At("/rules/try", within="form:has([name=example])"),
           "opportunity-for-new-customer", fills={"example": "crm/customer.created"}, id="example"),
]  # fmt: skip
