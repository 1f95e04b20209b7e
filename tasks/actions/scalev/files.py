"""Requests of Scalev's that carry a file: CSV lists, pictures, and the people that a batch goes to.

Invariant: what goes into the file is in the parameters, so that it is checked and shown like all others.
"""

import csv
from collections.abc import Iterable
from io import StringIO
from typing import Annotated, Any

from pydantic import Base64Bytes, Field

from tasks.actions.parameters import Parameters, Phone, Text
from tasks.actions.scalev.client import ask
from worker.acting import Call

_MOST_BASE64_CHARACTERS = 7_000_000  # WhatsApp takes pictures of up to 5 MB
_TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}

Part = tuple[str, bytes, str]
"""Name, content, type."""


class Picture(Parameters):
    """A JPEG or PNG, its bytes in Base64."""

    name: Annotated[Text, Field(pattern=r"(?i)^[^/\\]+\.(jpe?g|png)$")]
    content: Annotated[Base64Bytes, Field(max_length=_MOST_BASE64_CHARACTERS)]

    def part(self) -> Part:
        """Return what is sent."""
        return self.name, self.content, _TYPES["." + self.name.rpartition(".")[2].lower()]


class Person(Parameters):
    """Somebody a template goes to."""

    name: Text
    phone: Phone


class CsvFile(Parameters):
    """A list as Scalev's dashboard takes it, with its header line."""

    csv: Annotated[Text, Field(max_length=1_000_000)]

    def part(self) -> Part:
        """Return what is sent."""
        return "upload.csv", self.csv.encode(), "text/csv"


def people_file(people: Iterable[Person]) -> Part:
    """Return the list of those whom a batch goes to."""
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow(("name", "phone"))
    writer.writerows((person.name, person.phone.removeprefix("+")) for person in people)
    return "people.csv", text.getvalue().encode(), "text/csv"


def ask_with_file(call: Call, method: str, path: str, **given: Any) -> Any:
    """Ask with the file that the parameters make, beside their other fields."""
    part = call.parameters.part()
    made_of = {"csv", "people", "file", "name", "content"}
    files = {name: value for name, value in given["files"].items() if name not in made_of}
    if part is not None:
        files["file"] = part
    return ask(call, method, path, files=files)
