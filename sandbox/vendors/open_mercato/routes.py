"""Every operation of Open Mercato that the sandbox has: method, path, permission, handler.

Invariant: an operation without a permission here needs the key all the same.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call
from sandbox.routing import Route
from sandbox.vendors.open_mercato import (
    audit,
    customers,
    definitions,
    freight,
    fulfilment,
    hooks,
    kinds,
    platform,
    sales,
    workflows,
)
from sandbox.vendors.open_mercato.records import Handler, create, listing, look_up, update

if TYPE_CHECKING:
    from sandbox.vendors.open_mercato.vendor import OpenMercato

_ACTIVITIES = "customers.activities.manage"
_COMPANIES = "customers.companies"
_ORDERS = "sales.orders.manage"
_SETTINGS = "sales.settings.manage"
_VIEW = "sales.orders.view"
_AUDIT = "audit_logs.view_self"

OPERATIONS: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", "/customers/people/check-phone", "customers.people.view", customers.check_phone),
    ("GET", "/customers/people", "customers.people.view", listing(kinds.PEOPLE)),
    ("POST", "/customers/people", "customers.people.manage", create(kinds.PEOPLE)),
    ("PUT", "/customers/people", "customers.people.manage", update(kinds.PEOPLE)),
    ("GET", "/customers/people/{id}", "customers.people.view", customers.show_person),
    ("GET", "/customers/companies", f"{_COMPANIES}.view", listing(kinds.COMPANIES)),
    ("POST", "/customers/companies", f"{_COMPANIES}.manage", create(kinds.COMPANIES)),
    ("PUT", "/customers/companies", f"{_COMPANIES}.manage", update(kinds.COMPANIES)),
    ("GET", "/customers/companies/{id}", f"{_COMPANIES}.view", customers.show_company),
    ("GET", "/customers/deals", "customers.deals.view", listing(kinds.DEALS)),
    ("POST", "/customers/deals", "customers.deals.manage", create(kinds.DEALS)),
    ("PUT", "/customers/deals", "customers.deals.manage", update(kinds.DEALS)),
    ("POST", "/customers/activities", _ACTIVITIES, create(kinds.ACTIVITIES)),
    ("POST", "/customers/comments", _ACTIVITIES, create(kinds.COMMENTS)),
    ("POST", "/customers/addresses", _ACTIVITIES, create(kinds.ADDRESSES)),
    ("POST", "/customers/todos", _ACTIVITIES, customers.create_todo),
    ("POST", "/customers/tags", _ACTIVITIES, create(kinds.TAGS)),
    ("POST", "/customers/tags/assign", _ACTIVITIES, customers.assign_tag),
    ("POST", "/customers/tags/unassign", _ACTIVITIES, customers.unassign_tag),
    ("GET", "/customers/dictionaries/{kind}", "", customers.list_dictionary),
    ("POST", "/customers/dictionaries/{kind}", "customers.settings.manage", customers.add_to_dictionary),
    ("GET", "/sales/orders", _VIEW, listing(sales.ORDERS)),
    ("POST", "/sales/orders", _ORDERS, sales.create_order),
    ("PUT", "/sales/orders", _ORDERS, sales.update_order),
    ("GET", "/sales/order-lines", _VIEW, sales.list_lines),
    ("POST", "/sales/order-lines", _ORDERS, sales.upsert_line),
    ("PUT", "/sales/order-lines", _ORDERS, sales.upsert_line),
    ("GET", "/sales/shipments", _VIEW, listing(fulfilment.SHIPMENTS)),
    ("POST", "/sales/shipments", "sales.shipments.manage", fulfilment.create_shipment),
    ("PUT", "/sales/shipments", "sales.shipments.manage", fulfilment.update_shipment),
    ("POST", "/sales/payments", "sales.payments.manage", fulfilment.create_payment),
    ("PUT", "/sales/payments", "sales.payments.manage", fulfilment.update_payment),
    ("POST", "/sales/notes", "", create(kinds.NOTES)),
    ("POST", "/sales/document-addresses", "", create(kinds.DOCUMENT_ADDRESSES)),
    ("POST", "/sales/document-numbers", "", sales.make_number),
    ("POST", "/sales/quotes/convert", _ORDERS, sales.convert_quote),
    ("GET", "/sales/order-statuses", _SETTINGS, look_up("order_statuses")),
    ("GET", "/sales/order-line-statuses", _SETTINGS, look_up("order_line_statuses")),
    ("GET", "/sales/payment-statuses", _SETTINGS, look_up("payment_statuses")),
    ("GET", "/sales/shipment-statuses", _SETTINGS, look_up("shipment_statuses")),
    ("GET", "/sales/channels", "", look_up("channels")),
    ("GET", "/sales/shipping-methods", "", look_up("shipping_methods")),
    ("GET", "/sales/payment-methods", "", look_up("payment_methods")),
    ("GET", "/sales/tax-rates", "", look_up("tax_rates")),
    ("GET", "/sales/tags", "", look_up("sales_tags")),
    ("GET", "/catalog/products", "", look_up("products")),
    ("GET", "/catalog/variants", "", look_up("variants")),
    ("GET", "/workflows/instances", "workflows.instances.view", workflows.listing),
    ("POST", "/workflows/instances", "workflows.instances.create", workflows.start),
    ("GET", "/workflows/instances/{id}", "workflows.instances.view", workflows.show),
    ("POST", "/workflows/instances/{id}/signal", "workflows.instances.signal", workflows.signal_one),
    ("POST", "/workflows/instances/{id}/cancel", "", workflows.cancel),
    ("POST", "/workflows/instances/{id}/retry", "", workflows.retry),
    ("POST", "/workflows/instances/{id}/advance", "", workflows.advance),
    ("GET", "/workflows/instances/{id}/events", "", workflows.list_events),
    ("GET", "/workflows/events", "", workflows.list_events),
    ("POST", "/workflows/signals", "workflows.signals.send", workflows.signal_all),
    ("GET", "/workflows/tasks", "", definitions.list_tasks),
    ("POST", "/workflows/tasks/{id}/claim", "", definitions.claim_task),
    ("POST", "/workflows/tasks/{id}/complete", "", definitions.complete_task),
    ("GET", "/workflows/definitions", "", definitions.listing),
    ("POST", "/workflows/definitions", "", definitions.create),
    ("PUT", "/workflows/definitions/{id}", "", definitions.update),
    ("DELETE", "/workflows/definitions/{id}", "", definitions.delete),
    ("POST", "/business_rules/execute", "business_rules.execute", platform.execute_rules),
    ("GET", "/entities/records", "entities.records.view", platform.list_records),
    ("POST", "/entities/records", "entities.records.manage", platform.create_record),
    ("PUT", "/entities/records", "entities.records.manage", platform.update_record),
    ("GET", "/feature_toggles/check/{type}", "", platform.check_toggle),
    ("GET", "/audit_logs/audit-logs/actions", _AUDIT, audit.list_actions),
    ("GET", "/audit_logs/audit-logs/access", _AUDIT, audit.list_accesses),
    ("POST", "/audit_logs/audit-logs/actions/undo", "", audit.undo),
    ("POST", "/audit_logs/audit-logs/actions/redo", "", audit.redo),
    ("GET", "/shipments", "", freight.listing),
    ("POST", "/shipments", "shipments.shipments.create", freight.create),
    ("GET", "/shipments/containers", "", freight.list_containers),
    ("PUT", "/shipments/containers/{id}", "", freight.update_container),
    ("GET", "/shipments/{id}", "", freight.show),
    ("PUT", "/shipments/{id}", "", freight.update),
    ("GET", "/shipments/{id}/containers", "", freight.list_containers),
    ("GET", "/shipments/{id}/documents", "", freight.list_documents),
    ("GET", "/shipments/{id}/tasks", "", freight.list_tasks),
    ("POST", "/shipments/{id}/tasks", "shipments.shipments.edit", freight.create_task),
    ("GET", "/fms_tracking/settings/freighttech", "", freight.show_settings),
    ("PUT", "/fms_tracking/settings/freighttech", "", freight.put_settings),
    ("GET", "/webhooks", "webhooks.view", hooks.listing),
    ("POST", "/webhooks", "webhooks.manage", hooks.create),
    ("GET", "/webhooks/events", "webhooks.view", hooks.list_events),
    ("GET", "/webhooks/deliveries", "webhooks.view", hooks.list_deliveries),
    ("POST", "/webhooks/deliveries/{id}/retry", "webhooks.manage", hooks.retry_delivery),
    ("GET", "/webhooks/{id}", "webhooks.view", hooks.show),
    ("PUT", "/webhooks/{id}", "webhooks.manage", hooks.update),
    ("DELETE", "/webhooks/{id}", "webhooks.manage", hooks.delete),
    ("POST", "/webhooks/{id}/rotate-secret", "webhooks.secrets", hooks.rotate_secret),
    ("POST", "/webhooks/{id}/test", "webhooks.test", hooks.test),
)


def _guarded(feature: str, handle: Handler) -> Callable[["OpenMercato", Call], Answer]:
    def answer(vendor: "OpenMercato", call: Call) -> Answer:
        vendor.require(feature)
        return handle(vendor, call)

    return answer


ROUTES: tuple["Route[OpenMercato]", ...] = tuple(
    Route(method, path, _guarded(feature, handle)) for method, path, feature, handle in OPERATIONS
)
