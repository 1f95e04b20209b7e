"""The parameters of what is created and changed at Proton: customers, contacts, call notes, opportunities.

A change names only what changes. `clear` empties fields; `add` puts entries into lists that the vendor would replace.
Invariant: a change that changes nothing, or says two things of one field, is refused before anything is sent.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, PlainSerializer, model_validator

from tasks.actions.parameters import Parameters, Text
from tasks.actions.proton.shapes import Associations, ContactFields, Fields, TypedFields

MOST_IN_BULK = 1_000

LowerText = Annotated[Text, AfterValidator(str.lower)]
Texts = Annotated[list[Text], Field(default_factory=list)]
Emails = Annotated[
    list[Text], PlainSerializer(lambda found: [{"email": email} for email in found]), Field(default_factory=list)
]
CustomFields = Annotated[Fields, Field(default_factory=dict)]
NewCustomFields = Annotated[TypedFields, Field(default_factory=dict)]
ContactCustomFields = Annotated[ContactFields, Field(default_factory=dict)]


class Change(Parameters):
    """What every change of a record shares."""

    identifier: Text
    clear: list[str] = Field(default_factory=list, description="Names of fields to be emptied.")
    add: Parameters | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        added = self.add.model_fields_set if self.add else set()
        given = {name for name in self.model_fields_set if getattr(self, name) is not None}
        given -= {"identifier", "clear", "add"}
        known = set(type(self).model_fields) - {"identifier", "clear", "add"}
        if unknown := set(self.clear) - known:
            raise ValueError(f"clear: there is no field {', '.join(sorted(unknown))}")
        if not (given or added or self.clear):
            raise ValueError("nothing to change is given")
        if twice := (given & added) | (given & set(self.clear)) | (added & set(self.clear)):
            raise ValueError(f"{', '.join(sorted(twice))}: both set, added to or cleared")
        return self


# Customers.


class CustomerFields(Parameters):
    """What a customer may be created with and changed to."""

    street_address: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    zip_code: str | None = None
    email: str | None = None
    office_phone_number: str | None = None
    fax_number: str | None = None
    is_active: bool | None = None
    type: str | None = None
    branch: str | None = None
    location: str | None = None
    region: str | None = None
    source: str | None = Field(default=None, description="Comes back in the customer's events: a mark against loops.")
    representative_ids: Texts
    visibility_ids: Texts


class NewCustomer(CustomerFields):
    """A customer to be made."""

    customer_id: Text
    name: Text
    bill_to_id: str | None = None
    is_bill_to: bool | None = None
    parent_customer_id: str | None = None
    account_type: Literal["national", "bill_to", "ship_to"] | None = None
    custom_fields: NewCustomFields


class NewCustomers(Parameters):
    """Customers to be made in one call."""

    items: Annotated[list[NewCustomer], Field(min_length=1, max_length=MOST_IN_BULK)]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        if len({item.customer_id for item in self.items}) != len(self.items):
            raise ValueError("items: a customer_id stands twice")
        return self


class AddToCustomer(Parameters):
    """What is put into a customer's lists."""

    representative_ids: Texts
    visibility_ids: Texts
    custom_fields: CustomFields


class CustomerChange(Change, CustomerFields):
    """A change of a customer; `identifier` is its customer_id or UUID."""

    name: Text | None = None
    notepad: str | None = None
    custom_fields: CustomFields
    add: AddToCustomer | None = None


# Contacts.


class PhoneNumber(Parameters):
    """One phone number of a contact, as it is to be written."""

    phone_number: Text
    type: str = ""


def _numbers(found: list[PhoneNumber]) -> list[dict[str, Any]]:
    return [number.model_dump(exclude_defaults=True) for number in found]


PhoneNumbers = Annotated[list[PhoneNumber], PlainSerializer(_numbers), Field(default_factory=list)]
AddressPart = Literal[
    "street_address", "street_address_2", "street_address_3", "apartment", "city", "state", "country", "zip_code"
]
Address = Annotated[dict[AddressPart, str], Field(default_factory=dict)]


class ContactParts(Parameters):
    """What a contact may be created with and changed to."""

    contact_id: Text | None = None
    name: Text | None = Field(default=None, description="The first name.")
    surname: str | None = None
    contact_type: str | None = None
    position: str | None = None
    emails: Emails
    phone_numbers: PhoneNumbers
    address: Address
    notes: str | None = None
    custom_fields: ContactCustomFields
    external_id: str | None = None


class NewContact(ContactParts):
    """A contact to be made; with a `contact_id` of ours a repetition finds it again."""

    name: Text
    customer_id: Text


class AddToContact(Parameters):
    """What is put into a contact's lists and address."""

    emails: Emails
    phone_numbers: PhoneNumbers
    address: Address
    custom_fields: ContactCustomFields


class ContactChange(Change, ContactParts):
    """A change of a contact; `identifier` is its contact_id or UUID."""

    add: AddToContact | None = None


# Call notes.


class TaggedUser(Parameters):
    """Somebody named in a note."""

    user_id: Text
    name: Text | None = None


class PitchedItem(Parameters):
    """Something offered in a call."""

    pitch_key: Text
    pitch_value: Text
    subject: Text
    pitch_order: int | None = None
    product_id: Text | None = None
    product_category: Text | None = None
    source_type: Text | None = None
    source_id: Text | None = None
    action: Text | None = None

    @model_validator(mode="after")
    def _names_one_product(self) -> Self:
        if self.pitch_key == "product_id" and self.product_id not in {None, self.pitch_value}:
            raise ValueError("product_id must equal pitch_value")
        return self


def _filled(found: list[Parameters]) -> list[dict[str, Any]]:
    return [entry.model_dump(exclude_none=True) for entry in found]


TaggedUsers = Annotated[list[TaggedUser], PlainSerializer(_filled), Field(default_factory=list)]
PitchedItems = Annotated[list[PitchedItem], PlainSerializer(_filled), Field(default_factory=list)]


class NoteParts(Parameters):
    """What a call note may be created with and changed to; `notes` may hold HTML."""

    call_type: Text | None = None
    notes: str | None = None
    tagged_users: TaggedUsers
    custom_fields: CustomFields
    additional_info: dict[str, Any] = Field(default_factory=dict)
    associations: Associations
    pitched_items: PitchedItems


class NewCallNote(NoteParts):
    """A note for each of some customers."""

    user_id: LowerText
    customer_ids: Annotated[list[Text], Field(min_length=1)]
    date: Text | None = None


class LegacyNote(Parameters):
    """One note of the older call."""

    user_id: LowerText
    customer_id: Text
    action: Text = "general_call_notes"
    call_type: Text = "phone"
    notes: str
    date: Text | None = None


class LegacyNotes(Parameters):
    """Notes by the older call, which tells no webhook."""

    interactions: Annotated[list[LegacyNote], PlainSerializer(_filled), Field(min_length=1)]


class AddToNote(Parameters):
    """What is put into a note's lists."""

    tagged_users: TaggedUsers
    custom_fields: CustomFields
    associations: Associations
    additional_info: dict[str, Any] = Field(default_factory=dict)


class NoteChange(Change, NoteParts):
    """A change of a call note by its creator; `identifier` is its interaction_id or UUID, not its call_id."""

    add: AddToNote | None = None


# Opportunities.


class OpportunityParts(Parameters):
    """What an opportunity may be created with and changed to."""

    pipeline_id: Text | None = None
    stage_id: Text | None = None
    title: Text | None = None
    customer_id: Text | None = None
    owner: list[Text] = Field(default_factory=list, description="User ids, usually e-mail addresses.")
    contact_id: Text | None = None
    value: Annotated[float, Field(allow_inf_nan=False)] | None = None
    created_from_sales_play: str | bool | None = None
    custom_fields: CustomFields
    associations: Associations
    groupings: list[dict[str, Any]] = Field(default_factory=list, description="{field, value} each.")


class NewOpportunity(OpportunityParts):
    """An opportunity to be made; the vendor marks nothing as required, its sample sends these."""

    pipeline_id: Text
    stage_id: Text
    title: Text
    customer_id: Text


class AddToOpportunity(Parameters):
    """What is put into an opportunity's lists."""

    owner: Texts
    custom_fields: CustomFields
    associations: Associations
    groupings: list[dict[str, Any]] = Field(default_factory=list)


class OpportunityChange(Change, OpportunityParts):
    """A change of an opportunity."""

    last_updated_by: Text | None = None
    add: AddToOpportunity | None = None
