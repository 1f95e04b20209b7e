"""What the shop behind the orders has: stores, products, warehouses, couriers, places.

Invariant: nothing here changes while the sandbox runs; what changes is in `state`, `customers`, `intents`, `waba`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.routing import Route
from sandbox.vendors.scalev.paging import mentions, whole_list
from sandbox.vendors.scalev.words import Record, RefusedError, body, found, numbered, objects, route, text, whole

if TYPE_CHECKING:
    from sandbox.vendors.scalev.vendor import Scalev

_SEED_FILE = Path(__file__).with_name("shop.json")
_GRAMS_PER_KG = 1000
_MAX_LOCATIONS = 25
SIMPLE_STORE = ("id", "unique_id", "name", "logo")


def read_seed() -> Record:
    """Return the seed of everything but the orders."""
    seed: Record = json.loads(_SEED_FILE.read_text(encoding="utf-8"))
    return seed


@dataclass(frozen=True)
class Shop:
    """The shop; `seed` is the seed file's content."""

    seed: Record

    def listed(self, kind: str) -> list[Record]:
        """Return all of a kind, for example `stores`."""
        records: list[Record] = self.seed[kind]
        return records

    def by_unique_id(self, kind: str, unique_id: str) -> Record | None:
        """Find one of a kind by its text id."""
        return next((record for record in self.listed(kind) if record["unique_id"] == unique_id), None)

    def part(self, name: str, unique_id: str) -> tuple[Record, Record] | None:
        """Find a variant or a bundle price option. Returns its product and itself."""
        for product in self.listed("products"):
            for item in product[name]:
                if item["unique_id"] == unique_id:
                    return product, item
        return None


def show_me(vendor: "Scalev", _call: Call) -> Answer:
    """GET /me: who the key belongs to."""
    seed = vendor.shop.seed
    return Answer(200, {**seed["staff"], "businesses": [seed["business"]]})


def search_locations(vendor: "Scalev", call: Call) -> Answer:
    """GET /locations."""
    size = call.query.get("page_size", str(_MAX_LOCATIONS))
    if not (size.isascii() and size.isdecimal() and len(size) < 4 and 1 <= int(size) <= _MAX_LOCATIONS):
        raise RefusedError(400, f"page_size must be between 1 and {_MAX_LOCATIONS}")
    rows = [shown_location(location) for location in vendor.shop.listed("locations")]
    return Answer(200, whole_list([row for row in rows if mentions(call.query, row["display"])][: int(size)]))


def shown_location(location: Record) -> Record:
    """Return a place as the search shows it."""
    names = ("subdistrict_name", "city_name", "province_name")
    display = ", ".join(location[name] for name in names)
    return {"id": location["id"], "display": display, **{name: location[name] for name in names}}


def list_postal_codes(vendor: "Scalev", call: Call) -> Answer:
    """GET /locations/{id}/postal-codes."""
    location = found(numbered(vendor.shop.listed("locations"), call.ids["id"]), "Location")
    return Answer(200, whole_list(location["postal_codes"]))


def shipping_cost(vendor: "Scalev", call: Call) -> Answer:
    """POST /shipping-costs."""
    params = body(call)
    codes = params.get("courier_codes")
    if not isinstance(codes, list) or not codes:
        raise RefusedError(422, "courier_codes must be a list of courier codes")
    _check_way(vendor, params)
    couriers = [item for item in vendor.shop.listed("couriers") if item["courier"]["code"] in codes]
    return Answer(200, whole_list([_priced(courier, whole(params, "weight")) for courier in couriers]))


def search_courier_service(vendor: "Scalev", call: Call) -> Answer:
    """POST /shipping-costs/search-courier-service: those that take cash only, when it is cash on delivery."""
    params = body(call)
    found(numbered(vendor.shop.listed("stores"), str(whole(params, "store_id"))), "Store")
    _check_way(vendor, params)
    cash = text(params, "payment_method") == "cod"
    couriers = [item for item in vendor.shop.listed("couriers") if item["is_cod"] or not cash]
    return Answer(200, whole_list([_priced(courier, whole(params, "weight")) for courier in couriers]))


def search_warehouse(vendor: "Scalev", call: Call) -> Answer:
    """POST /shipping-costs/search-warehouse."""
    params = body(call)
    found(numbered(vendor.shop.listed("stores"), str(whole(params, "store_id"))), "Store")
    found(numbered(vendor.shop.listed("locations"), str(whole(params, "destination_id"))), "Location")
    wanted = objects(params, "variants")
    if not wanted:
        raise RefusedError(422, "variants can't be blank")
    known = [item for product in vendor.shop.listed("products") for item in product["variants"]]
    for item in wanted:
        found(numbered(known, str(whole(item, "variant_id"))), "Variant")
        whole(item, "qty")
    return Answer(200, whole_list(vendor.shop.listed("warehouses")))


def list_stores(vendor: "Scalev", _call: Call) -> Answer:
    """GET /stores/simplified."""
    stores = vendor.shop.listed("stores")
    return Answer(200, whole_list([{name: store[name] for name in SIMPLE_STORE} for store in stores]))


def list_products(vendor: "Scalev", call: Call) -> Answer:
    """GET /stores/{id}/products: by the numeric id of the store."""
    store = found(numbered(vendor.shop.listed("stores"), call.ids["id"]), "Store")
    products = [product for product in vendor.shop.listed("products") if product["store_id"] == store["id"]]
    return Answer(200, whole_list(products))


def list_payment_methods(vendor: "Scalev", call: Call) -> Answer:
    """GET /stores/{id}/payment-methods."""
    store = found(numbered(vendor.shop.listed("stores"), call.ids["id"]), "Store")
    return Answer(200, whole_list(store["payment_methods"]))


ROUTES: tuple["Route[Scalev]", ...] = (
    route("", "GET", "/me", show_me),
    route("order:create", "GET", "/locations", search_locations),
    route("order:create", "GET", "/locations/{id}/postal-codes", list_postal_codes),
    route("order:create", "POST", "/shipping-costs", shipping_cost),
    route("order:create", "POST", "/shipping-costs/search-courier-service", search_courier_service),
    route("order:create", "POST", "/shipping-costs/search-warehouse", search_warehouse),
    route("store:read", "GET", "/stores/simplified", list_stores),
    route("product:list", "GET", "/stores/{id}/products", list_products),
    route("store:read", "GET", "/stores/{id}/payment-methods", list_payment_methods),
)


def _check_way(vendor: "Scalev", params: Mapping[str, Json]) -> None:
    found(numbered(vendor.shop.listed("warehouses"), str(whole(params, "warehouse_id"))), "Warehouse")
    found(numbered(vendor.shop.listed("locations"), str(whole(params, "location_id"))), "Location")


def _priced(courier: Record, grams: int) -> Record:
    kilograms = max(1, -(-grams // _GRAMS_PER_KG))  # couriers charge by the begun kilogram
    names = ("id", "code", "name", "courier", "is_cod")
    return {**{name: courier[name] for name in names}, "cost": courier["cost_per_kg"] * kilograms}
