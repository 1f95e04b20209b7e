"""Form-encoded bodies, which some vendors send in place of JSON.

Invariant: what is returned can be stored anywhere in the ledger, and no input makes this raise anything but JsonError.
"""

from urllib.parse import parse_qsl

from webhooks.strict_json import JsonError

_FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 200


def is_form(content_type: str | None) -> bool:
    """Whether a Content-Type names a form."""
    return (content_type or "").partition(";")[0].strip().lower() == _FORM


def parse_form(body: bytes) -> dict[str, str]:
    """Parse a form; NUL characters, which no database stores, become U+FFFD."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise JsonError("the form cannot be read") from None
    return {_storable(name): _storable(value) for name, value in pairs}


def parse_query(query: str) -> dict[str, str]:
    """Parse the query of a URL; one that cannot be read says nothing."""
    try:
        return parse_form(query.encode("latin-1", "replace"))
    except JsonError:
        return {}


def _storable(text: str) -> str:
    return text.replace("\0", "\ufffd")
