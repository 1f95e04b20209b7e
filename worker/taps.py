"""What a tapped button is about, and what it decides.

In the order of trust: the order said outright, the message that was answered, the button's own id, the one question
that is open to this person at this number.

Invariant: nothing is guessed. A tap that could mean several things is `ambiguous` and decides nothing, and of the taps
on one question only the first decides.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from config.load import Config
from config.rules import Step
from worker.context import Subject
from worker.holding import person_key
from worker.ledger import happened, questions, subjects
from worker.ledger.questions import Asked
from worker.reading import Completion, Understanding

SKEW = timedelta(minutes=1)
"""By how much a vendor's clock may be behind ours."""
ECHO = timedelta(minutes=2)
"""Within this time one tap may come in by a second way, too: what it decided by the first may be meant still."""
_OTHER_NUMBERS = ("phone_number_id", "whatsapp_bot_id")
_UNKNOWN_MESSAGE = "the message that was answered is none of ours"
_NOTHING = "nothing says which order this is about"

Question = Row[Any]


@dataclass(frozen=True)
class Found:
    """What was found out of a tap."""

    subject: Subject | None = None
    """What it is about; None: it does not say."""
    completion: Completion | None = None
    note: str | None = None
    means: Mapping[str, Any] | None = None
    """What rules see of it, see `worker.context.TAP_FIELDS`."""


def find(connection: Connection, config: Config, event: Row[Any], what: Understanding) -> Found:
    """Find what a tap is about, and let it decide the question that it answers."""
    return _Tap(connection, config, event, what).find()


def question_of(
    config: Config, delivery: Row[Any], step: Step | None, recipient: str | None, now: datetime
) -> Asked | None:
    """Return the question that a delivery is about to ask; None when it asks none."""
    asked = step.question if step else None
    if asked is None or recipient is None or delivery.subject is None:
        return None
    return Asked(
        delivery_id=delivery.id, number=number_of(config, delivery.account), person=person_key(recipient),
        subject_account=delivery.subject_account, subject=delivery.subject, name=asked.name or delivery.rule,
        answers=asked.answers, asked_at=now, until=now + asked.within,
    )  # fmt: skip


def number_of(config: Config, account: str) -> str:
    """Return by which number an account speaks: two accounts may be of one, by two ways."""
    return str(getattr(config.accounts.get(account), "phone_number_id", None) or account)


class _Tap:
    """One tap."""

    def __init__(self, connection: Connection, config: Config, event: Row[Any], what: Understanding) -> None:
        assert what.order is not None  # noqa: S101 - the caller's condition, told to mypy
        self._connection, self._config, self._event, self._order = connection, config, event, what.order
        self._at = min(what.occurred_at, event.received_at)
        self._labels = _labels(what.data)
        self._number = self._number_of(what.data)
        key = what.subject or ""
        self._person = person_key(f"+{key.removeprefix('phone:')}") if key.startswith("phone:") else None

    def find(self) -> Found:
        order = self._order
        if order.order_id:
            return self._named_order(order.order_id, "order_id")
        if order.replied_to and (sender := questions.sender_of(self._connection, order.replied_to)):
            return self._by_message(sender)
        if order.by_button:
            return self._named_order(order.by_button, "button")
        return self._by_question()

    def _named_order(self, order_id: str, found_by: str) -> Found:
        key = f"order:{order_id}"
        shops = [name for name, account in self._config.accounts.items() if account.vendor == "scalev"]
        knowing = subjects.accounts_that_know(self._connection, key) or shops
        if len(knowing) != 1:
            note = f"order {order_id} could be of {' or '.join(knowing) or 'no account'}"
            return Found(note=note, means=_means(None, ambiguous=len(knowing) > 1))
        subject = Subject(knowing[0], key)
        asked = questions.of_subject(self._connection, subject.account, key)
        theirs = [question for question in asked if self._person in {None, question.person}]
        # Where none is open any more, the newest tells what was decided, or that its time is over.
        meant = self._meant(theirs) or [question for question in theirs if self._accepted(question)][:1]
        completion = Completion("scalev.get_order", {"order_id": order_id})
        return self._about(subject, found_by, meant, completion)

    def _by_message(self, sender: Row[Any]) -> Found:
        if sender.person and self._person and sender.person != self._person:
            return Found(note="the message that was answered was for somebody else", means=_means(None))
        question = questions.of_delivery(self._connection, sender.id)
        return self._about(Subject(sender.subject_account, sender.subject), "message", [question] if question else [])

    def _by_question(self) -> Found:
        """Take the one question that is open to this person; a repeated tap finds what it decided."""
        nothing = _UNKNOWN_MESSAGE if self._order.replied_to else _NOTHING
        asked: Sequence[Question] = []
        if self._person:
            asked = questions.of_person(self._connection, self._person, self._number)
        if self._order.replied_to:
            # An answer to a message that is none of ours, except one whose id nobody told us.
            asked = [question for question in asked if question.message_id is None]
        # Routed again it stays what it was.
        meant = questions.answered_by(self._connection, self._event.id) or self._meant(asked) or self._decided(asked)
        if not meant:
            is_over = any(self._accepted(question) and question.until <= self._at for question in asked)
            return Found(note="the question's time is over" if is_over else nothing, means=_means(None))
        about = {Subject(question.subject_account, question.subject) for question in meant}
        if len(about) == 1:
            return self._about(about.pop(), "question", meant)
        which = ", ".join(sorted(f"{one.key} of {one.account}" for one in about)[:5])
        return Found(note=f"ambiguous: it could be about {which}", means=_means(None, ambiguous=True))

    def _meant(self, asked: Sequence[Question]) -> list[Question]:
        """Return the questions that this tap may answer or have answered: what else is decided is left out."""
        if mine := [question for question in asked if self._was_mine(question)]:
            return mine
        now = [question for question in asked if self._accepted(question) and self._is_current(question)]
        opened = [question for question in now if question.answered_at is None]
        if not opened:
            return now
        since = min(question.asked_at for question in opened)
        named = {_matter(question) for question in opened}
        still = (question for question in now if question not in opened and _matter(question) not in named)
        return opened + [q for q in still if q.answered_at >= since or self._at - q.answered_at < ECHO]

    def _decided(self, asked: Sequence[Question]) -> list[Question]:
        """Return the decided questions of which this can only be a second tap: their time is not over."""
        return [
            question
            for question in asked
            if question.answered_at is not None
            and self._accepted(question)
            and question.asked_at - SKEW <= self._at < question.until
        ]

    def _about(
        self, subject: Subject, found_by: str, meant: Sequence[Question], completion: Completion | None = None
    ) -> Found:
        if len({_matter(question) for question in meant}) > 1:
            note = "ambiguous: it could answer " + " or ".join(sorted({question.name for question in meant}))
            return Found(subject, completion, note, _means(found_by, ambiguous=True))
        if not meant:
            return Found(subject, completion, None, _means(found_by))
        opened = [question for question in meant if question.answered_at is None]
        return Found(subject, completion, None, self._decide((opened or meant)[0], found_by))

    def _decide(self, question: Question, found_by: str) -> dict[str, Any]:
        """Let the tap decide the question, if it is the first within its time; say what stands."""
        given, is_late = self._accepted(question), question.until <= self._at
        if given and not is_late and question.answered_at is None:
            question = questions.answer(self._connection, question, given, self._event.id, self._at) or question
        is_decided = question.answered_at is not None and not self._was_mine(question)
        return _means(
            found_by, question=question.name, answer=given, decided=is_decided, decision=question.answer,
            late=is_late and not self._was_mine(question),
        )  # fmt: skip

    def _was_mine(self, question: Question) -> bool:
        return bool(question.answered_by == self._event.id)

    def _accepted(self, question: Question) -> str | None:
        """Return which of a question's answers was tapped."""
        answers = {_folded(answer): answer for answer in question.answers}
        return next((answers[label] for label in self._labels if label in answers), None)

    def _is_current(self, question: Question) -> bool:
        """Whether a question was with the person, within its time, and what it asks was not overtaken."""
        if not question.asked_at - SKEW <= self._at < question.until:
            return False
        rule = self._config.rule(question.rule)
        step = rule.step(question.step) if rule else None
        if step is None or not step.cancel_on:
            return True
        since = happened.types_since(self._connection, question.subject_account, question.subject, question.asked_at)
        return not any(step.is_cancelled_by(type_) for type_ in since)

    def _number_of(self, data: Mapping[str, Any]) -> str:
        """Return the number that was written to: an account's endpoint may be told of others than its own."""
        account = self._config.accounts.get(self._event.account)
        for name in _OTHER_NUMBERS:
            said, own = data.get(name), getattr(account, name, None)
            if said and own and str(said) != str(own):
                return str(said)
        return number_of(self._config, self._event.account)


def _means(found_by: str | None, *, ambiguous: bool = False, **more: Any) -> dict[str, Any]:
    nothing = {"question": None, "answer": None, "decided": False, "decision": None, "late": False}
    return {"found_by": found_by, **nothing, "ambiguous": ambiguous, **more}


def _matter(question: Question) -> tuple[str, str, str]:
    """Return what makes two askings one question."""
    return question.subject_account, question.subject, question.name


def _labels(data: Mapping[str, Any]) -> list[str]:
    """Return what was tapped, in each of the words that tell it, the surest first."""
    button_id = str(data.get("postback_id") or "").partition("::")[0]
    verb = button_id.partition(":")[0] if ":" in button_id else None
    words = (data.get("action"), button_id, verb, data.get("title"), data.get("button"))
    return [_folded(word) for word in words if isinstance(word, str) and word.strip()]


def _folded(label: str) -> str:
    return " ".join(label.split()).casefold()
