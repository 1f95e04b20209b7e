"""What can be done with Scalev's customers and their addresses.

Invariant: deleting an address that is gone is done.
"""

from typing import Annotated

from pydantic import Field

from tasks.actions.operations import Operation
from tasks.actions.parameters import Parameters, Text
from tasks.actions.scalev import results, settling
from tasks.actions.scalev.parameters import Nothing, Number, SearchedPage, StoredPhone

Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Key = Annotated[Text, Field(pattern=r"^[0-9]+$")]


class OfCustomer(Parameters):
    """One customer."""

    id: Key


class CreateCustomer(Parameters):
    """A new customer; Scalev does not look whether there is one like this."""

    name: Text
    email: Text | None = None
    phone: StoredPhone | None = None
    date_of_birth: Day | None = None


class UpdateCustomer(OfCustomer):
    """Changes of a customer."""

    name: Text | None = None
    email: Text | None = None
    phone: StoredPhone | None = None
    date_of_birth: Day | None = None
    status: Text | None = None
    sex: Text | None = None
    is_unsubscribe: bool | None = None
    is_bounced: bool | None = None
    fbp: Text | None = None
    ttp: Text | None = None


class UpdateCustomerTags(OfCustomer):
    """All tags of a customer; those not named go."""

    tags: list[Text]


class Search(Parameters):
    """A word to look for."""

    search: Text | None = None


class OfCustomerAddresses(Parameters):
    """A customer whose addresses are meant."""

    customer_id: Key


class OfAddress(OfCustomerAddresses):
    """One address of a customer."""

    id: Key


class AddressFields(Parameters):
    """What an address is made of."""

    phone: StoredPhone | None = None
    email: Text | None = None
    address: Text | None = None
    postal_code: Text | None = None
    notes: str | None = None
    location_id: Number | None = None


class CreateAddress(OfCustomerAddresses, AddressFields):
    """A new address."""

    name: Text


class UpdateAddress(OfAddress, AddressFields):
    """Changes of an address."""

    name: Text | None = None


_ID = {"id": ("id",)}

OPERATIONS = (
    Operation(
        "scalev.list_customers", SearchedPage, "GET", "/customers", "List customers.",
        finish=results.listed("status"),
    ),
    Operation(
        "scalev.count_customers", Nothing, "GET", "/customers/count", "Count customers.", finish=results.numbers,
    ),
    Operation(
        "scalev.get_customer", OfCustomer, "GET", "/customers/{id}", "Read a customer.", finish=results.customer,
    ),
    Operation(
        "scalev.create_customer", CreateCustomer, "POST", "/customers", "Add a customer.", idempotent=False,
        finish=results.customer, settle=settling.customer_made,
        settled_by="the customers made since, by phone or e-mail",
    ),
    Operation(
        "scalev.update_customer", UpdateCustomer, "PATCH", "/customers/{id}", "Change a customer.", idempotent=True,
        finish=results.customer,
    ),
    Operation(
        "scalev.list_customer_tags", Search, "GET", "/customers/tags", "List all tags that customers have.",
        finish=results.values,
    ),
    Operation(
        "scalev.update_customer_tags", UpdateCustomerTags, "POST", "/customers/{id}/update-tags",
        "Set all tags of a customer; those not named go.", idempotent=True, result=_ID,
    ),
    Operation(
        "scalev.list_customer_addresses", OfCustomerAddresses, "GET", "/customers/{customer_id}/addresses",
        "List a customer's addresses.", finish=results.listed(),
    ),
    Operation(
        "scalev.create_customer_address", CreateAddress, "POST", "/customers/{customer_id}/addresses",
        "Add an address to a customer.", idempotent=False, result=_ID, must_tell=True,
        settle=settling.listed_now(
            lambda call: f"/customers/{call.parameters.customer_id}/addresses", "name", "address", "postal_code"
        ),
        settled_by="the customer's addresses",
    ),
    Operation(
        "scalev.get_customer_address", OfAddress, "GET", "/customers/{customer_id}/addresses/{id}",
        "Read one address of a customer.", result=_ID, must_tell=True,
    ),
    Operation(
        "scalev.update_customer_address", UpdateAddress, "PATCH", "/customers/{customer_id}/addresses/{id}",
        "Change an address of a customer.", idempotent=True, result=_ID,
    ),
)  # fmt: skip

DELETING = (
    Operation(
        "scalev.delete_customer_address", OfAddress, "DELETE", "/customers/{customer_id}/addresses/{id}",
        "Delete an address of a customer.", idempotent=True,
    ),
)  # fmt: skip
