"""A row of a vendor's table becomes a request and an outcome: what goes where, and what is told."""

from typing import Any

import pytest
from pydantic import Field

from tasks.actions.operations import Operation, actions_of, path_of, sent_by, told
from tasks.actions.parameters import Parameters
from worker.acting import Call
from worker.errors import UncertainError


class Everything(Parameters):
    """One parameter of every kind."""

    box_id: str
    title: str
    phone: str | None = Field(default=None, serialization_alias="phoneNumber")
    tags: list[str] = Field(default_factory=list)
    urgent: bool = False
    count: int | None = None


def operation(method: str = "POST", **more: Any) -> Operation:
    """Return an operation on boxes."""
    given = {
        "name": "any.change_box",
        "parameters": Everything,
        "path": "/boxes/{box_id}",
        "summary": "",
        "method": method,
    }
    return Operation(**({"idempotent": True} | given | more))


def test_a_parameter_in_the_path_is_quoted_whole() -> None:
    """Whatever an id holds, it stays one segment of the path."""
    assert path_of(operation(), Everything(box_id="a/b ?#ü", title="t")) == "/boxes/a%2Fb%20%3F%23%C3%BC"


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({}, {"title": "t", "urgent": False}),
        ({"phone": "1"}, {"title": "t", "urgent": False, "phoneNumber": "1"}),
        ({"tags": [], "count": 0}, {"title": "t", "urgent": False, "tags": [], "count": 0}),
        ({"tags": ["x"], "urgent": True}, {"title": "t", "urgent": True, "tags": ["x"]}),
    ],
)
def test_what_was_given_is_sent_under_the_vendors_names(given: dict[str, Any], sent: dict[str, Any]) -> None:
    """An empty list that was given is sent, one that was not is left out; the path's part is in the path only."""
    assert sent_by(operation(), Everything(box_id="1", title="t", **given)) == {"json": sent}


def test_queries_forms_and_parts() -> None:
    """The same parameters as a query, a form, or a multipart body: text, and JSON for what has parts."""
    parameters = Everything(box_id="1", title="t", tags=["a", "b"])
    flat = {"title": "t", "tags": '["a", "b"]', "urgent": "false"}

    assert sent_by(operation("GET"), parameters) == {"params": flat}
    assert sent_by(operation(encoding="form"), parameters) == {"data": flat}
    assert sent_by(operation(encoding="multipart"), parameters) == {"files": {k: (None, v) for k, v in flat.items()}}
    split = sent_by(operation(query=frozenset({"title"}), fixed={"v": 1}), parameters)
    assert split == {"params": {"title": "t"}, "json": {"v": 1, "tags": ["a", "b"], "urgent": False}}


def test_an_answer_is_read_from_the_first_place_that_has_it() -> None:
    """What is told is text; what is not there is left out."""
    wanted = operation(result={"box_id": ("data.id", "id"), "state": ("state",)})

    assert told(wanted, {"id": 7, "data": {"id": None}}).result == {"box_id": "7"}
    assert told(wanted, ["unexpected"]).result == {}


@pytest.mark.parametrize("answer", [{}, {"id": ""}, {"id": None}, [], None, "text"])
def test_an_answer_that_must_tell_and_does_not_is_uncertain(answer: Any) -> None:
    """Accepted, but without the id of what was made: nobody knows what was made."""
    with pytest.raises(UncertainError, match="no box_id"):
        told(operation(result={"box_id": ("id",)}, must_tell=True), answer)


def test_everything_but_a_read_says_whether_it_may_be_repeated() -> None:
    """A table row that forgets it does not load."""

    def ask(_call: Call, method: str, path: str, **_given: Any) -> Any:
        return {"said": f"{method} {path}"}

    with pytest.raises(TypeError, match=r"any\.change_box"):
        actions_of([operation(idempotent=None)], ask)
    [read] = actions_of([operation("GET", idempotent=None)], ask)
    assert read.is_read
    assert read.idempotent
    assert read.endpoint == "GET /boxes/{box_id}"
