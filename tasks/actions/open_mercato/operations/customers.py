"""Open Mercato's customers: persons, companies, deals, and what is written down about them.

Source: the OpenAPI dump for paths, the validators of the public source for fields and their limits.
"""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from tasks.actions.open_mercato.parameters import (
    Amount,
    ById,
    Color,
    Currency,
    Email,
    Given,
    Id,
    Json,
    Moment,
    Paged,
    Part,
    Phone,
    Text,
    Text30,
    Text50,
    Text100,
    Text120,
    Text150,
    Text200,
    Text300,
    Text4000,
    Text8000,
)
from tasks.actions.open_mercato.reading import ID, first_record, found, one_record, values_found
from tasks.actions.operations import Operation
from webhooks.sources.open_mercato.records import COMPANY, DEAL, PERSON

CREATED = {"id": ("id",), "profile_id": ("personId", "companyId")}
Includes = Annotated[str, StringConstraints(pattern=r"^[a-z]+(,[a-z]+)*$")]
Percent = Annotated[int, Field(ge=0, le=100)]


class Interaction(Part):
    """What is planned next with a customer."""

    at: Moment
    name: Text200
    ref_id: Id | None = None
    icon: Text100 | None = None
    color: Color | None = None


class Customer(Given):
    """What persons and companies have in common."""

    display_name: Text200 | None = None
    description: Text4000 | None = None
    owner_user_id: Id | None = None
    primary_email: Email | None = None
    primary_phone: Phone | None = None
    status: Text100 | None = None
    lifecycle_stage: Text100 | None = None
    source: Text150 | None = None
    is_active: bool | None = None
    next_interaction: Interaction | None = None
    tags: list[Id] | None = None
    custom_fields: Json | None = None


class Person(Customer):
    """What a person has beside that."""

    preferred_name: Text120 | None = None
    job_title: Text150 | None = None
    department: Text150 | None = None
    seniority: Text100 | None = None
    timezone: Text120 | None = None
    linked_in_url: Text300 | None = None
    twitter_url: Text300 | None = None
    company_entity_id: Id | None = None


class CreatePerson(Person):
    """Create a person."""

    first_name: Text120
    last_name: Text120


class UpdatePerson(Person):
    """Change what is given of a person."""

    id: Id
    first_name: Text120 | None = None
    last_name: Text120 | None = None


class Company(Customer):
    """What a company has beside that."""

    legal_name: Text200 | None = None
    brand_name: Text200 | None = None
    domain: Text200 | None = None
    website_url: Text300 | None = None
    industry: Text150 | None = None
    size_bucket: Text100 | None = None
    annual_revenue: Amount | None = None


class CreateCompany(Company):
    """Create a company."""

    display_name: Text200


class UpdateCompany(Company):
    """Change what is given of a company."""

    id: Id


class FindCustomers(Paged):
    """Persons or companies that fit all of this."""

    id: Id | None = None
    search: Text | None = Field(default=None, description="A part of the display name.")
    email: Email | None = None
    email_starts_with: Text | None = None
    email_contains: Text | None = None
    status: Text | None = None
    lifecycle_stage: Text | None = None
    source: Text | None = None
    has_email: bool | None = None
    has_phone: bool | None = None
    created_from: Moment | None = None
    created_to: Moment | None = None
    tag_ids: Text | None = Field(default=None, description="Ids with commas between them.")


class CheckPhone(Given):
    """The person with exactly these digits."""

    digits: Annotated[str, StringConstraints(pattern=r"^\d{4,20}$")]


class Detail(ById):
    """A record with what belongs to it."""

    include: Includes | None = Field(default=None, description="comments,activities,deals,todos,addresses")


class Deal(Given):
    """What a deal has."""

    description: Text4000 | None = None
    status: Text50 | None = None
    pipeline_stage: Text100 | None = None
    value_amount: Amount | None = None
    value_currency: Currency | None = None
    probability: Percent | None = None
    expected_close_at: Moment | None = None
    owner_user_id: Id | None = None
    source: Text150 | None = None
    person_ids: list[Id] | None = None
    company_ids: list[Id] | None = None
    pipeline_id: Id | None = None
    pipeline_stage_id: Id | None = None
    closure_outcome: Text50 | None = None
    loss_reason_id: Id | None = None
    loss_notes: Text4000 | None = None
    custom_fields: Json | None = None


class CreateDeal(Deal):
    """Create a deal."""

    title: Text200


class UpdateDeal(Deal):
    """Change what is given of a deal."""

    id: Id
    title: Text200 | None = None


class FindDeals(Paged):
    """Deals that fit all of this."""

    search: Text | None = Field(default=None, description="A part of the title.")
    status: Text | None = None
    pipeline_stage: Text | None = None
    person_entity_id: Id | None = None
    company_entity_id: Id | None = None


class About(Given):
    """Something written down about a person or a company."""

    entity_id: Id = Field(description="Of the person or company, as creating one answers it in `id`.")


class Noted(About):
    """Something that may belong to a deal and has a look of its own."""

    deal_id: Id | None = None
    author_user_id: Id | None = None
    appearance_icon: Text100 | None = None
    appearance_color: Color | None = None


class AddActivity(Noted):
    """What was done with a customer."""

    activity_type: Text100
    subject: Text200 | None = None
    body: Text8000 | None = None
    occurred_at: Moment | None = None
    custom_fields: Json | None = None


class AddComment(Noted):
    """A comment on a customer."""

    body: Text8000


class AddAddress(About):
    """An address of a customer."""

    address_line1: Text300
    address_line2: Text300 | None = None
    name: Text150 | None = None
    purpose: Text150 | None = None
    company_name: Text200 | None = None
    building_number: Text50 | None = None
    flat_number: Text50 | None = None
    city: Text150 | None = None
    region: Text150 | None = None
    postal_code: Text30 | None = None
    country: Text150 | None = None
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    is_primary: bool | None = None


class AddTodo(About):
    """Something to do for a customer."""

    title: Text200
    is_done: bool | None = None
    todo_source: Text100 | None = None
    created_by_user_id: Id | None = None
    todo_custom: Json | None = None


class FindEntries(Given):
    """The words of one dictionary."""

    kind: Annotated[str, StringConstraints(pattern=r"^[a-z_-]+$")] = Field(
        description="`status`, `source`, `lifecycle_stage`, `activity_type`, `deal_status`, `pipeline_stage` and others"
    )


class AddEntry(FindEntries):
    """A word of a dictionary."""

    value: Text150
    label: Text150 | None = None
    color: Color | None = None
    icon: Text100 | None = None


def _read(name: str, parameters: Any, path: str, summary: str, **more: Any) -> Operation:
    return Operation(f"open_mercato.{name}", parameters, "GET", path, summary, **{"finish": found, **more})


def _create(name: str, parameters: Any, path: str, summary: str, result: Any = None) -> Operation:
    return Operation(
        f"open_mercato.{name}", parameters, "POST", path, summary, idempotent=False, result=result or ID
    )  # fmt: skip


def _change(name: str, parameters: Any, path: str, summary: str) -> Operation:
    return Operation(f"open_mercato.{name}", parameters, "PUT", path, summary, idempotent=True)


OPERATIONS = (
    _read("check_phone", CheckPhone, "/customers/people/check-phone", "Look a person up by all digits of the phone.",
          finish=None, result={"id": ("match.id",)}),
    _read("find_people", FindCustomers, "/customers/people", "Find persons."),
    _read("get_person", Detail, "/customers/people/{id}", "Read a person.", finish=one_record(PERSON)),
    _create("create_person", CreatePerson, "/customers/people", "Create a person.", CREATED),
    _change("update_person", UpdatePerson, "/customers/people", "Change a person."),
    _read("find_companies", FindCustomers, "/customers/companies", "Find companies."),
    _read("get_company", Detail, "/customers/companies/{id}", "Read a company.", finish=one_record(COMPANY)),
    _create("create_company", CreateCompany, "/customers/companies", "Create a company.", CREATED),
    _change("update_company", UpdateCompany, "/customers/companies", "Change a company."),
    _read("find_deals", FindDeals, "/customers/deals", "Find deals."),
    _read("get_deal", ById, "/customers/deals", "Read a deal.", finish=first_record(DEAL)),
    _create("create_deal", CreateDeal, "/customers/deals", "Create a deal."),
    _change("update_deal", UpdateDeal, "/customers/deals", "Change a deal, its status for one."),
    _create("add_activity", AddActivity, "/customers/activities", "Write down what was done with a customer."),
    _create("add_comment", AddComment, "/customers/comments", "Comment on a customer."),
    _create("add_address", AddAddress, "/customers/addresses", "Add an address to a customer."),
    _create("add_todo", AddTodo, "/customers/todos", "Add something to do for a customer.",
            {"id": ("todoId",), "link_id": ("linkId",)}),
    _read("find_dictionary_entries", FindEntries, "/customers/dictionaries/{kind}", "List the words of a dictionary.",
          finish=values_found),
    # A word that is there is answered as it is: so this is no second one.
    Operation("open_mercato.add_dictionary_entry", AddEntry, "POST", "/customers/dictionaries/{kind}",
              "Add a word to a dictionary, if it is not there.", idempotent=True, result=ID),
)  # fmt: skip
