"""Reads request bodies as vendors do: JSON, form or multipart, by their declared content type.

Invariant: whatever bytes arrive, the result is a `Body`; what cannot be read has a `problem` and no params.
"""

import json
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

from sandbox.exchange import BodyKind, Json

MAX_FIELDS = 1000
MAX_TABLE_BYTES = 64 * 1024  # of a CSV file; other files are known by name and size only


@dataclass(frozen=True)
class Body:
    """A decoded request body."""

    kind: BodyKind
    params: dict[str, Json] = field(default_factory=dict)
    problem: str | None = None


def read_body(raw: bytes, content_type: str) -> Body:
    """Decode a body by its content type.

    Args:
        raw: the bytes as received.
        content_type: the whole header value, parameters included.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if not raw:
        return Body("none")
    if media_type == "application/json" or media_type.endswith("+json"):
        return _read_json(raw)
    if media_type == "application/x-www-form-urlencoded":
        return _read_form(raw)
    if media_type == "multipart/form-data":
        return _read_multipart(raw, content_type)
    return Body("other", problem=f"content type {media_type or 'missing'} is not supported")


def load_json(raw: bytes | str) -> Json:
    """Parse JSON strictly: no NaN, no infinite numbers.

    Raises:
        ValueError: the text is not JSON.
    """
    try:
        return json.loads(raw, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _read_json(raw: bytes) -> Body:
    try:
        value = load_json(raw)
    except ValueError:
        return Body("json", problem="the body is not valid JSON")
    if not isinstance(value, dict):
        return Body("json", problem="the body must be a JSON object")
    return Body("json", value)


def _read_form(raw: bytes) -> Body:
    try:
        pairs = parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return Body("form", problem="the form has too many fields")
    return Body("form", dict(pairs))


def _read_multipart(raw: bytes, content_type: str) -> Body:
    header = b"Content-Type: " + content_type.encode("utf-8", "replace") + b"\r\n\r\n"
    message = BytesParser(policy=HTTP).parsebytes(header + raw)
    if not message.is_multipart() or message.defects:
        return Body("multipart", problem="the multipart body cannot be read")
    params: dict[str, Json] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        if isinstance(name, str):
            params[name] = _part_value(part)
    return Body("multipart", params)


def _part_value(part: "Message[Any, Any]") -> Json:
    payload = part.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    if part.get_filename() is not None:
        file: dict[str, Json] = {"file": part.get_filename(), "bytes": len(data)}
        is_table = part.get_content_type() == "text/csv" and len(data) <= MAX_TABLE_BYTES
        return {**file, "text": data.decode("utf-8", "replace")} if is_table else file
    return data.decode("utf-8", "replace")


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large")
    return value
