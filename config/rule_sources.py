"""`rules/*.yaml` as the user writes it.

Invariant: what the language does not know is refused, never ignored.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from config.durations import Duration
from config.parts import Name

QuietHours = Literal["hold", "send", "drop"]
Category = Literal["marketing", "utility"]
Success = Literal["accepted", "delivered"]
Priority = Literal["high", "normal", "low"]


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("an expression is wanted (leave the key out when there is none)")
    return text


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


Expression = Annotated[str, AfterValidator(_not_blank)]
Names = Annotated[list[str], Field(min_length=1), BeforeValidator(_as_list)]


class _Source(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, coerce_numbers_to_str=True)


class RetrySource(_Source):
    """How often, and for how long, a step is tried."""

    attempts: Annotated[int, Field(ge=1, le=100)] | None = None
    within: Duration | None = None


class QuestionSource(_Source):
    """What a message asks a person, whose tap on a button is the answer."""

    answers: Annotated[list[Expression], Field(min_length=1, max_length=20), BeforeValidator(_as_list)]
    """The words, or the ids, of the buttons that decide it."""
    within: Duration = timedelta(hours=48)
    name: Name | None = None
    """None: the rule's own."""


class ActingSource(_Source):
    """What a step and its fallback have in common."""

    id: Name | None = None
    action: str
    account: str | None = None
    once: Expression | None = None
    with_: dict[str, Any] = Field(default_factory=dict, alias="with")
    after: Duration | None = None
    unless: Expression | None = None
    quiet_hours: QuietHours | None = None
    category: Category | None = None
    success: Success | None = None
    delivered_within: Duration | None = None
    retry: RetrySource | None = None
    priority: Priority = "normal"
    question: QuestionSource | None = None


class FallbackSource(ActingSource):
    """What is done instead, when a step has finally failed."""

    reasons: Names | None = None
    """Only for these; None: for any."""


class StepSource(ActingSource):
    """One step."""

    needs: Names | None = None
    at: Expression | None = None
    cancel_on: Names | None = None
    for_each: Expression | None = None
    on_failure: Annotated[list[FallbackSource], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one_time(self) -> Self:
        if self.after is not None and self.at is not None:
            raise ValueError("either after or at, not both")
        return self


class RuleSource(BaseModel):
    """One rule."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Name
    on: Annotated[list[str], Field(min_length=1)]
    from_: Annotated[list[str], Field(min_length=1)] | None = Field(default=None, alias="from")
    when: Expression | None = None
    set: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")], Any] = Field(default_factory=dict)
    steps: Annotated[list[StepSource], Field(min_length=1)]


class RulesFile(BaseModel):
    """The whole of one file in `rules/`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    rules: list[Any]
    """Each a `RuleSource`, validated one by one."""
