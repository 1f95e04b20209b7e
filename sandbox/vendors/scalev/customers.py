"""Scalev's customers and their addresses.

Invariant: a customer is known by a numeric id; the order desk finds one again by phone, then by e-mail.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.ids import IdMaker
from sandbox.routing import Route
from sandbox.vendors.scalev.paging import mentions, page, whole_list
from sandbox.vendors.scalev.state import Order
from sandbox.vendors.scalev.words import (
    MULTIPART_ONLY,
    Record,
    body,
    found,
    needed_text,
    picked,
    route,
    text,
    texts,
    uploaded,
)

if TYPE_CHECKING:
    from sandbox.vendors.scalev.vendor import Scalev

CREATE_FIELDS = ("name", "email", "phone", "date_of_birth")
UPDATE_FIELDS = (*CREATE_FIELDS, "status", "sex", "is_unsubscribe", "is_bounced", "fbp", "ttp")
ADDRESS_FIELDS = ("name", "phone", "email", "address", "postal_code", "notes", "location_id")
# What an order and its webhooks carry of the customer.
IN_ORDERS = ("id", "name", "email", "phone", "status", "confirmed_at", "created_at", "last_updated_at")

_FIRST_ID = 28_100


@dataclass
class Customers:
    """All customers, by id."""

    ids: IdMaker
    by_id: dict[int, Record] = field(default_factory=dict)

    @classmethod
    def of(cls, orders: Mapping[str, Order], ids: IdMaker) -> "Customers":
        """Return the customers that the seed's orders name."""
        customers = cls(ids)
        for order in orders.values():
            known: Record = order["customer"]
            customers.by_id[known["id"]] = {**_blank(), **known}
        return customers

    def get(self, identity: Json) -> Record | None:
        """Find one by id, also when the id is text."""
        digits = str(identity)
        return self.by_id.get(int(digits)) if digits.isascii() and digits.isdecimal() and len(digits) < 19 else None

    def add(self, fields: Mapping[str, Json], now: str) -> Record:
        """Add one."""
        customer = {**_blank(), **fields, "id": self.ids.number("customer", _FIRST_ID)}
        customer |= {"created_at": now, "last_updated_at": now}
        self.by_id[customer["id"]] = customer
        return customer

    def ensure(self, fields: Mapping[str, Json], now: str) -> Record:
        """Find one by phone, then by e-mail, else add one."""
        for name in ("phone", "email"):
            for customer in self.by_id.values():
                if fields.get(name) and customer[name] == fields[name]:
                    return customer
        return self.add(fields, now)


def in_orders(customer: Record) -> Record:
    """Return what an order carries of a customer."""
    return {name: customer.get(name) for name in IN_ORDERS}


def list_customers(vendor: "Scalev", call: Call) -> Answer:
    """GET /customers: newest first."""
    names = ("name", "email", "phone")
    known = sorted(vendor.customers.by_id.values(), key=lambda customer: -customer["id"])
    return Answer(200, page([row for row in known if mentions(call.query, *(row[n] for n in names))], call.query))


def count_customers(vendor: "Scalev", _call: Call) -> Answer:
    """GET /customers/count."""
    return Answer(200, {"count": len(vendor.customers.by_id)})


def create(vendor: "Scalev", call: Call) -> Answer:
    """POST /customers."""
    params = body(call)
    needed_text(params, "name")
    for name in CREATE_FIELDS:
        text(params, name)
    customer = vendor.customers.add(picked(params, CREATE_FIELDS), vendor.now())
    return Answer(201, {**customer}, effects=({"kind": "customer", "id": customer["id"]},))


def show(vendor: "Scalev", call: Call) -> Answer:
    """GET /customers/{id}."""
    return Answer(200, {**_customer(vendor, call)})


def update(vendor: "Scalev", call: Call) -> Answer:
    """PATCH /customers/{id}."""
    customer, changes = _customer(vendor, call), picked(body(call), UPDATE_FIELDS)
    customer.update({**changes, "last_updated_at": vendor.now()})
    effect = {"kind": "customer_update", "id": customer["id"], "fields": sorted(changes)}
    return Answer(200, {**customer}, effects=(effect,))


def list_tags(vendor: "Scalev", call: Call) -> Answer:
    """GET /customers/tags."""
    tags = sorted({tag for customer in vendor.customers.by_id.values() for tag in customer["tags"]})
    return Answer(200, whole_list([tag for tag in tags if mentions(call.query, tag)]))


def update_tags(vendor: "Scalev", call: Call) -> Answer:
    """POST /customers/{id}/update-tags: replaces the list."""
    customer, tags = _customer(vendor, call), texts(call.params, "tags")
    customer.update({"tags": tags, "last_updated_at": vendor.now()})
    return Answer(200, {**customer}, effects=({"kind": "customer_tags", "id": customer["id"], "tags": tags},))


def upload(_vendor: "Scalev", call: Call) -> Answer:
    """POST /customers/upload: taken for later, like every CSV."""
    effect = {"kind": "upload", "what": "customers", "file": uploaded(call.params)["file"]}
    return Answer(204, effects=(effect,))


def list_addresses(vendor: "Scalev", call: Call) -> Answer:
    """GET /customers/{id}/addresses."""
    return Answer(200, page(_customer(vendor, call)["addresses"], call.query))


def create_address(vendor: "Scalev", call: Call) -> Answer:
    """POST /customers/{id}/addresses."""
    customer, params = _customer(vendor, call), body(call)
    needed_text(params, "name")
    address = {**dict.fromkeys(ADDRESS_FIELDS), **picked(params, ADDRESS_FIELDS)}
    address = {"id": vendor.ids.number("address", 500), **address}
    customer["addresses"].append(address)
    return Answer(201, {**address}, effects=(_address_effect("customer_address", customer, address),))


def show_address(vendor: "Scalev", call: Call) -> Answer:
    """GET /customers/{id}/addresses/{address}."""
    return Answer(200, {**_address(_customer(vendor, call), call)})


def update_address(vendor: "Scalev", call: Call) -> Answer:
    """PATCH /customers/{id}/addresses/{address}."""
    customer = _customer(vendor, call)
    address = _address(customer, call)
    address.update(picked(body(call), ADDRESS_FIELDS))
    return Answer(200, {**address}, effects=(_address_effect("customer_address_update", customer, address),))


def delete_address(vendor: "Scalev", call: Call) -> Answer:
    """DELETE /customers/{id}/addresses/{address}."""
    customer = _customer(vendor, call)
    address = _address(customer, call)
    customer["addresses"].remove(address)
    return Answer(204, effects=(_address_effect("customer_address_delete", customer, address),))


ROUTES: tuple["Route[Scalev]", ...] = (
    route("customer:list", "GET", "/customers", list_customers),
    route("customer:list", "GET", "/customers/count", count_customers),
    route("customer:list", "GET", "/customers/tags", list_tags),
    route("customer:create", "POST", "/customers", create),
    route("customer:create", "POST", "/customers/upload", upload, MULTIPART_ONLY),
    route("customer:read", "GET", "/customers/{id}", show),
    route("customer:update", "PATCH", "/customers/{id}", update),
    route("customer:update", "POST", "/customers/{id}/update-tags", update_tags),
    route("customer:list", "GET", "/customers/{id}/addresses", list_addresses),
    route("customer:update", "POST", "/customers/{id}/addresses", create_address),
    route("customer:read", "GET", "/customers/{id}/addresses/{address}", show_address),
    route("customer:update", "PATCH", "/customers/{id}/addresses/{address}", update_address),
    route("customer:update", "DELETE", "/customers/{id}/addresses/{address}", delete_address),
)


def _blank() -> Record:
    return {**dict.fromkeys(UPDATE_FIELDS), "status": "active", "confirmed_at": None, "tags": [], "addresses": []}


def _customer(vendor: "Scalev", call: Call) -> Record:
    return found(vendor.customers.get(call.ids["id"]), "Customer")


def _address(customer: Record, call: Call) -> Record:
    wanted = (item for item in customer["addresses"] if str(item["id"]) == call.ids["address"])
    return found(next(wanted, None), "Address")


def _address_effect(kind: str, customer: Record, address: Record) -> Record:
    return {"kind": kind, "id": customer["id"], "address_id": address["id"]}
