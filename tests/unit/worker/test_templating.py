"""Whether a message's template can be sent as it is filled: a table of lists, fillings and verdicts."""

from datetime import UTC, datetime

import pytest

from worker.ledger.attempting import Deferral
from worker.messaging.refusing import Refusal
from worker.messaging.templating import HELD, judge
from worker.states import DeliveryState, Reason
from worker.templates import Filling, Template, TemplateList, TemplateStatus, as_kept, from_kept, status_of

NOW = datetime(2026, 1, 15, 3, 0, tzinfo=UTC)
SHIPPED = Template(
    "257000", "order_shipped", "id", TemplateStatus.APPROVED, ("1", "2"), wants_media=False, buttons=1,
    known_as=("order_shipped", "437500000257000"),
)  # fmt: skip
NAMED = Template("greeting", "greeting", "en", TemplateStatus.APPROVED, ("name", "order"), wants_media=False)
INVOICE = Template("invoice", "invoice", "id", TemplateStatus.APPROVED, ("1",), wants_media=True)
UNTOLD = Template("bare", "bare", None, TemplateStatus.APPROVED)
STOPPED = tuple(
    Template(status, status, "id", status, ())
    for status in (
        TemplateStatus.PENDING,
        TemplateStatus.PAUSED,
        TemplateStatus.REJECTED,
        TemplateStatus.DISABLED,
        TemplateStatus.UNMAPPED,
        TemplateStatus.UNKNOWN,
    )
)
ALL = TemplateList((SHIPPED, NAMED, INVOICE, UNTOLD, *STOPPED), is_whole=True)


@pytest.mark.parametrize(
    "filling",
    [
        Filling("257000", values=2),
        Filling("257000", values=2, buttons=1),
        Filling("257000"),
        Filling("greeting", "en", values=2, names=("order", "name")),
        Filling("invoice", values=1, has_media=True),
        Filling("invoice", values=1),
        Filling("bare", "id", values=7, has_media=False, buttons=3),
        Filling("unknown", values=0),
    ],
)
def test_what_fits_is_sent(filling: Filling) -> None:
    """So is what the list does not tell enough of, and a status that nobody has heard of."""
    whole = TemplateList((*ALL.templates[:3], Template("bare", "bare", "id", TemplateStatus.APPROVED), *STOPPED), True)

    assert judge(whole, filling, NOW) is None


@pytest.mark.parametrize(
    ("filling", "reason", "said"),
    [
        (Filling("257000", values=1), Reason.TEMPLATE,
         'template "257000" (order_shipped) has 2 variables ({{1}} {{2}}), but variables gives 1: {{2}} is missing'),
        (Filling("257000", values=3), Reason.TEMPLATE,
         'template "257000" (order_shipped) has 2 variables ({{1}} {{2}}), but variables gives 3'),
        (Filling("257000", values=2, buttons=2), Reason.TEMPLATE,
         'template "257000" (order_shipped) has 1 quick reply, 2 are given'),
        (Filling("greeting", "en", values=2, names=("name", "ordre")), Reason.TEMPLATE,
         'template "greeting" has 2 variables ({{name}} {{order}}): variables: order is missing, no variable ordre'),
        (Filling("invoice", values=1, has_media=False), Reason.TEMPLATE,
         'template "invoice" has a file as its header: the message has to bring one'),
        (Filling("greeting", "en_US", values=2), Reason.TEMPLATE,
         'template "greeting" is not there in the language "en_US" (it is in en)'),
        (Filling("257001", values=2), Reason.TEMPLATE,
         'there is no template "257001" at this account: did you mean "257000"?'),
        (Filling("437500000257000", values=2), Reason.TEMPLATE,
         ('there is no template "437500000257000" at this account: '
          '"437500000257000" is another name of "257000", which is what has to be given')),
        (Filling("rejected", values=0), Reason.TEMPLATE,
         ('template "rejected" was rejected by WhatsApp: '
          'copy it under a new name, mend it, and name that one in the rule')),
        (Filling("disabled", values=0), Reason.TEMPLATE_STOPPED,
         'template "disabled" is disabled by WhatsApp, or deleted: name another one in the rule'),
        (Filling("unmapped", values=0), Reason.TEMPLATE,
         'template "unmapped" has variables that are not mapped: map them in the platform\'s dashboard, then retry'),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_refused_with_what_to_do(filling: Filling, reason: Reason, said: str) -> None:
    """It names the template, the parameter, and what is wrong."""
    assert judge(ALL, filling, NOW) == Refusal(reason, said, DeliveryState.DEAD)


@pytest.mark.parametrize("key", ["paused", "pending"])
def test_what_may_be_sent_later_waits(key: str) -> None:
    """For ten minutes, held, so that it is given up after a day."""
    found = judge(ALL, Filling(key, values=0), NOW)

    assert isinstance(found, Deferral)
    assert (found.due_at, found.reason, found.held) == (NOW + HELD, Reason.TEMPLATE_STOPPED, True)


def test_a_list_that_may_not_be_all_knows_of_no_unknown_template() -> None:
    """The vendor's own answer tells."""
    assert judge(TemplateList((SHIPPED,), is_whole=False), Filling("1"), NOW) is None


@pytest.mark.parametrize(
    ("word", "status"),
    [("Approved", "approved"), ("PAUSED", "paused"),
     ("In Appeal", "pending"), ("FLAGGED", "unknown"), (None, "unknown")],
)  # fmt: skip
def test_statuses_are_read_in_any_spelling(word: str | None, status: str) -> None:
    """Meta shouts, the platforms do not."""
    assert status_of(word) == status


def test_a_list_is_kept_and_read_as_it_was() -> None:
    """As the ledger keeps it."""
    assert from_kept(as_kept(ALL), is_whole=True) == ALL
