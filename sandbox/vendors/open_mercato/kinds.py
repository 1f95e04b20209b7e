"""The kinds of records Open Mercato keeps through its plain CRUD routes: what each demands, lists and raises.

Invariant: a kind's route, checks, filters, events and effect are all said in its one entry here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.exchange import Json
from sandbox.vendors.open_mercato import checks
from sandbox.vendors.open_mercato.checks import Check, text
from sandbox.vendors.open_mercato.words import Record

Filter = Callable[[Record, str], bool]


@dataclass(frozen=True)
class Kind:
    """One kind of record.

    Attributes:
        area: names the audit commands, and the events in the older plural spelling, `customers.people`.
        event: names the events in the newer spelling, `customers.person`; empty for none.
        second_id: a further id a create answers with: of the profile behind the entity.
        fill: adds what follows from the fields of a new record.
        unique: a field no two records share.
        belongs: fields that name a record of another table, or of one of several; unknown ones are a 404.
        snake: whether lists spell the names with underscores.
    """

    table: str
    area: str
    event: str
    effect: str
    required: tuple[str, ...] = ()
    fields: Mapping[str, Check] = field(default_factory=dict)
    filters: Mapping[str, Filter] = field(default_factory=dict)
    second_id: str = ""
    fill: Callable[[Record], Record] = dict
    unique: str = ""
    belongs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    snake: bool = True


def equal(name: str) -> Filter:
    """Return a filter for one value."""
    return lambda record, wanted: str(record.get(name) or "").lower() == wanted.lower()


def contains(name: str) -> Filter:
    """Return a filter for a part of a text."""
    return lambda record, wanted: wanted.lower() in str(record.get(name) or "").lower()


def starts(name: str) -> Filter:
    """Return a filter for the beginning of a text."""
    return lambda record, wanted: str(record.get(name) or "").lower().startswith(wanted.lower())


def has(name: str) -> Filter:
    """Return a filter for being there."""
    return lambda record, wanted: bool(record.get(name)) is (wanted.lower() == "true")


def one_of(name: str) -> Filter:
    """Return a filter for a list that shares a value with the wanted ones."""
    return lambda record, wanted: bool(set(record.get(name) or ()) & set(wanted.split(",")))


def since(name: str) -> Filter:
    """Return a filter for times from one on; times are all written alike, so text order is time order."""
    return lambda record, wanted: str(record.get(name) or "") >= wanted


def until(name: str) -> Filter:
    """Return a filter for times up to one."""
    return lambda record, wanted: str(record.get(name) or "") <= wanted


CUSTOMERS = ("people", "companies")
_CUSTOMER_FIELDS: Mapping[str, Check] = {
    "displayName": text(200, 1),
    "description": text(4000),
    "primaryEmail": checks.EMAIL,
    "primaryPhone": checks.PHONE,
    "status": text(100),
    "lifecycleStage": text(100),
    "source": text(150),
    "tags": checks.texts,
    "nextInteraction": checks.an_object,
}
_CUSTOMER_FILTERS: Mapping[str, Filter] = {
    "id": equal("id"),
    "search": contains("displayName"),
    "email": equal("primaryEmail"),
    "emailStartsWith": starts("primaryEmail"),
    "emailContains": contains("primaryEmail"),
    "status": equal("status"),
    "lifecycleStage": equal("lifecycleStage"),
    "source": equal("source"),
    "hasEmail": has("primaryEmail"),
    "hasPhone": has("primaryPhone"),
    "createdFrom": since("createdAt"),
    "createdTo": until("createdAt"),
    "tagIds": one_of("tags"),
}
_APPEARANCE: Mapping[str, Check] = {"appearanceIcon": text(100), "appearanceColor": checks.COLOR}
_OF_CUSTOMER = {"entityId": CUSTOMERS}

PEOPLE = Kind(
    "people",
    "customers.people",
    "customers.person",
    "person",
    required=("firstName", "lastName"),
    fields={**_CUSTOMER_FIELDS, "firstName": text(120, 1), "lastName": text(120, 1)},
    filters=_CUSTOMER_FILTERS,
    second_id="personId",
    fill=lambda fields: {"displayName": f"{fields['firstName']} {fields['lastName']}", "tags": [], **fields},
    belongs={"companyEntityId": ("companies",)},
)
COMPANIES = Kind(
    "companies",
    "customers.companies",
    "customers.company",
    "company",
    required=("displayName",),
    fields=_CUSTOMER_FIELDS,
    filters=_CUSTOMER_FILTERS,
    second_id="companyId",
    fill=lambda fields: {"tags": [], **fields},
)
DEALS = Kind(
    "deals",
    "customers.deals",
    "customers.deal",
    "deal",
    required=("title",),
    fields={
        "title": text(200, 1),
        "status": text(50),
        "pipelineStage": text(100),
        "valueAmount": checks.number(0),
        "valueCurrency": checks.CURRENCY,
        "probability": checks.number(0, 100),
        "expectedCloseAt": checks.moment,
        "personIds": checks.texts,
        "companyIds": checks.texts,
    },
    filters={
        "id": equal("id"),
        "search": contains("title"),
        "status": equal("status"),
        "pipelineStage": equal("pipelineStage"),
        "personEntityId": one_of("personIds"),
        "companyEntityId": one_of("companyIds"),
    },
)
ACTIVITIES = Kind(
    "activities",
    "customers.activities",
    "customers.activity",
    "activity",
    required=("entityId", "activityType"),
    fields={
        **_APPEARANCE,
        "activityType": text(100, 1),
        "subject": text(200),
        "body": text(8000),
        "occurredAt": checks.moment,
    },
    belongs={**_OF_CUSTOMER, "dealId": ("deals",)},
    snake=False,
)
COMMENTS = Kind(
    "comments",
    "customers.comments",
    "customers.comment",
    "comment",
    required=("entityId", "body"),
    fields={**_APPEARANCE, "body": text(8000, 1)},
    second_id="authorUserId",
    belongs={**_OF_CUSTOMER, "dealId": ("deals",)},
)
ADDRESSES = Kind(
    "addresses",
    "customers.addresses",
    "customers.address",
    "address",
    required=("entityId", "addressLine1"),
    fields={"addressLine1": text(300, 1)},
    belongs=_OF_CUSTOMER,
)
TODOS = Kind(
    "todos",
    "customers.todos",
    "customers.todo",
    "todo",
    required=("entityId", "title"),
    fields={"title": text(200, 1)},
    second_id="linkId",
    fill=lambda fields: {"todoSource": "customers:interaction", "isDone": False, **fields},
    belongs=_OF_CUSTOMER,
    snake=False,
)
TAGS = Kind(
    "tags",
    "customers.tags",
    "customers.tag",
    "tag",
    required=("slug", "label"),
    fields={"slug": checks.SLUG, "label": text(120, 1), "color": checks.COLOR},
    unique="slug",
)
NOTES = Kind(
    "notes",
    "sales.notes",
    "sales.note",
    "note",
    required=("contextType", "contextId", "body"),
    fields={
        **_APPEARANCE,
        "contextType": checks.matching("order|quote|invoice|credit_memo", "must be a kind of document"),
        "body": text(8000, 1),
    },
    second_id="authorUserId",
)
DOCUMENT_ADDRESSES = Kind(
    "document_addresses",
    "sales.document-addresses",
    "",
    "document_address",
    required=("documentId", "documentKind", "addressLine1"),
    fields={
        "documentKind": checks.matching("order|quote", "must be order or quote"),
        "addressLine1": text(255, 1),
        "country": checks.COUNTRY,
    },
)
KINDS = (PEOPLE, COMPANIES, DEALS, ACTIVITIES, COMMENTS, ADDRESSES, TODOS, TAGS, NOTES, DOCUMENT_ADDRESSES)


def problems(kind: Kind, fields: Mapping[str, Json], *, creating: bool) -> dict[str, str]:
    """Return what is wrong with fields, by name."""
    found = {
        name: said
        for name, check in kind.fields.items()
        if fields.get(name) is not None and (said := check(fields[name]))
    }
    if creating:
        found |= {name: "Required" for name in kind.required if fields.get(name) in (None, "")}
    return found
