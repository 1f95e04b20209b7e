"""The small lists around Scalev's WhatsApp: quick replies, customer tags, unofficial devices.

Invariant: the three are kept alike: list, read, create, change and delete.
"""

from collections.abc import Iterator

from tasks.actions.operations import Operation
from tasks.actions.parameters import Parameters, Text
from tasks.actions.scalev import results, settling
from tasks.actions.scalev.parameters import SearchedPage, StoredPhone, WabaUniqueId
from worker.acting import Call


class OfAccount(Parameters):
    """A WhatsApp account, by its text id."""

    waba_unique_id: WabaUniqueId


class QuickReplies(SearchedPage, OfAccount):
    """Quick replies of an account."""


class QuickReply(OfAccount):
    """One of them."""

    id: Text


class CreateQuickReply(OfAccount):
    """A new one: what is typed, and what it stands for."""

    code: Text
    message: Text


class UpdateQuickReply(QuickReply):
    """Changes of one."""

    code: Text | None = None
    message: Text | None = None


class Record(Parameters):
    """One record of a list."""

    id: Text


class CreateTag(Parameters):
    """A new tag."""

    name: Text
    color: Text | None = None


class UpdateTag(Record):
    """Changes of a tag."""

    name: Text | None = None
    color: Text | None = None


class CreateDevice(Parameters):
    """A new unofficial device."""

    name: Text
    phone: StoredPhone | None = None


class UpdateDevice(Record):
    """Changes of a device."""

    name: Text | None = None
    phone: StoredPhone | None = None


_ID = {"id": ("id",)}
_Models = tuple[type[Parameters], type[Parameters], type[Parameters], type[Parameters]]


def _kept(one: str, many: str, path: str, words: str, models: _Models, by: tuple[str, ...]) -> Iterator[Operation]:
    """Yield what can be done with a list but deleting; `by` are the values that make a record the same."""
    page, record, new, changed = models

    def place(call: Call) -> str:
        return path.format(waba_unique_id=getattr(call.parameters, "waba_unique_id", ""))

    yield Operation(f"scalev.list_{many}", page, "GET", path, f"List the {words}.", finish=results.listed(by[0]))
    yield Operation(f"scalev.get_{one}", record, "GET", f"{path}/{{id}}", f"Read one of the {words}.", result=_ID)
    yield Operation(
        f"scalev.create_{one}", new, "POST", path, f"Add to the {words}.", idempotent=False, result=_ID,
        must_tell=True, settle=settling.listed_now(place, *by), settled_by=f"the {words}, by {by[0]}",
    )  # fmt: skip
    yield Operation(
        f"scalev.update_{one}", changed, "PATCH", f"{path}/{{id}}", f"Change one of the {words}.", idempotent=True,
        result=_ID,
    )  # fmt: skip


def _deleted(one: str, path: str, words: str, record: type[Parameters]) -> Operation:
    name = f"scalev.delete_{one}"
    return Operation(name, record, "DELETE", f"{path}/{{id}}", f"Delete one of the {words}.", idempotent=True)


_REPLIES, _TAGS, _DEVICES = (
    "/waba-accounts/{waba_unique_id}/quick-replies",
    "/waba-customer-tags",
    "/whatsapp-integrations",
)

OPERATIONS = (
    *_kept(
        "quick_reply", "quick_replies", _REPLIES, "quick replies",
        (QuickReplies, QuickReply, CreateQuickReply, UpdateQuickReply), ("code", "message"),
    ),
    *_kept(
        "waba_tag", "waba_tags", _TAGS, "tags of WhatsApp customers", (SearchedPage, Record, CreateTag, UpdateTag),
        ("name",),
    ),
    *_kept(
        "whatsapp_integration", "whatsapp_integrations", _DEVICES, "unofficial WhatsApp devices",
        (SearchedPage, Record, CreateDevice, UpdateDevice), ("name",),
    ),
    Operation(
        "scalev.check_whatsapp_integration", Record, "POST", f"{_DEVICES}/{{id}}/check-status",
        "Ask whether an unofficial WhatsApp device is connected.", is_read=True,
        result={"id": ("id",), "status": ("status",)},
    ),
)  # fmt: skip

DELETING = (
    _deleted("quick_reply", _REPLIES, "quick replies", QuickReply),
    _deleted("waba_tag", _TAGS, "tags of WhatsApp customers", Record),
    _deleted("whatsapp_integration", _DEVICES, "unofficial WhatsApp devices", Record),
)
