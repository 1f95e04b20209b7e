"""Proton's quotes and leads: nothing here creates one, the ERP brings them.

Invariant: a header is its quote without the lines.
"""

from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call
from sandbox.vendors.proton.search import LEADS, search_page, search_quotes
from sandbox.vendors.proton.state import Company, Record, stamp
from sandbox.vendors.proton.words import InvalidError, found, objects, picked, success, text

if TYPE_CHECKING:
    from sandbox.vendors.proton.vendor import Proton

LINE_FIELDS = ("interaction_id", "product_id", "quantity", "net_price", "list_price", "margin", "quote_status")


def show(vendor: "Proton", call: Call) -> Answer:
    """GET /{company}/quotes/{id}; the sample shows /v2/quotes."""
    company = vendor.company(call)
    return success(_shown(company, _quote(company, call)))


def show_header(vendor: "Proton", call: Call) -> Answer:
    """GET /{company}/quote_headers/{id}."""
    return success(_header(_quote(vendor.company(call), call)))


def search(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/quote_headers/search."""
    headers = [_header(quote) for quote in vendor.company(call).quotes.values()]
    return success(search_quotes(headers, call.params))


def update(vendor: "Proton", call: Call) -> Answer:
    """PATCH /{company}/quotes/{id}: answers the quote; what the vendor answers is not documented."""
    company = vendor.company(call)
    quote, params = _quote(company, call), call.params
    changes = {name: text(params, name) for name in ("customer_id", "contact_id", "notes") if name in params}
    lines = {line["interaction_id"]: line for line in quote["quote_lines"]}
    for item in objects(params, "quote_lines"):
        if item.get("interaction_id") not in lines:
            raise InvalidError("quote_lines names no line of the quote")
    for item in objects(params, "quote_lines"):
        lines[item["interaction_id"]].update(picked(item, LINE_FIELDS))
    quote.update({**changes, "status_last_modified": stamp(vendor.setup.clock())})
    effect = {"kind": "quote_update", "id": quote["quote_id"], "customer_id": quote["customer_id"]}
    return success(_shown(company, quote), "SUCCESS", effect)


def search_leads(vendor: "Proton", call: Call) -> Answer:
    """POST /{company}/v1/leads/search."""
    return success(search_page(vendor.company(call).leads.values(), call.params, LEADS))


def _quote(company: Company, call: Call) -> Record:
    return found(company.quotes.get(call.ids["id"]), "Quote")


def _header(quote: Record) -> Record:
    return {name: value for name, value in quote.items() if name != "quote_lines"}


def _shown(company: Company, quote: Record) -> Record:
    lines = [
        {**{name: value for name, value in line.items() if name != "product_id"}, "product": _product(company, line)}
        for line in quote["quote_lines"]
    ]
    return {**quote, "customer_info": company.customer(quote["customer_id"]), "quote_lines": lines}


def _product(company: Company, line: Record) -> Record:
    return company.products.get(str(line["product_id"])) or {"product_id": line["product_id"]}
