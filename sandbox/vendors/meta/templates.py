"""Reads the template of a call to Meta: found by name and language, filled by its components.

Invariant: a template goes out only when it is approved, in that language, with exactly its variables.
"""

from collections.abc import Mapping, Sequence

from sandbox.exchange import Json
from sandbox.phones import Button, Content
from sandbox.vendors.meta.contents import media_reader, object_of, text_of
from sandbox.vendors.meta.words import RefusedError
from sandbox.whatsapp_account import Template, filled, is_sendable, positions

# What a template of this status is refused with; an approved one is sent.
_UNSENDABLE = {"Rejected": 132001, "Pending": 132001, "Paused": 132015, "Disabled": 132016}


def read_template(params: Mapping[str, Json], templates: Sequence[Template]) -> tuple[Content, Template, list[str]]:
    """Read `template`; return what the phone shows, the template, and its variables."""
    wanted = object_of(params, "template")
    name, code = text_of(wanted, "name", 512), text_of(wanted, "language.code", 20)
    template = next((item for item in templates if item["template_name"] == name and item["locale"] == code), None)
    if template is None:
        raise RefusedError(132001, f"template name ({name}) does not exist in {code}")
    if template["status"] in _UNSENDABLE:
        raise RefusedError(_UNSENDABLE[template["status"]])
    components = wanted.get("components") or []
    if not isinstance(components, list) or not all(isinstance(item, Mapping) for item in components):
        raise RefusedError(100, "template['components'] must be a list of objects.")
    values = _body_values(template, components)
    content = Content(
        text=filled(template, dict(enumerate(values, start=1))),
        media=_header_media(template, components),
        buttons=_buttons(template, components),
        template=name,
    )
    return content, template, values


def _body_values(template: Template, components: Sequence[Mapping[str, Json]]) -> list[str]:
    parameters = _parameters(components, "body")
    expected = len(positions(template))
    if len(parameters) != expected:
        raise RefusedError(
            132000, f"body: number of localizable_params ({len(parameters)}) does not match the expected ({expected})"
        )
    values = [item.get("text") for item in parameters]
    if not all(isinstance(value, str) and value for value in values):
        raise RefusedError(100, "Parameter 'text' is mandatory for component parameter type 'text'")
    texts = [str(value) for value in values]
    if not is_sendable(texts):
        raise RefusedError(
            100, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces, nor be empty"
        )
    return texts


def _header_media(template: Template, components: Sequence[Mapping[str, Json]]) -> tuple[str, str] | None:
    kind = template["header_type"]
    if not kind:
        return None
    parameters = _parameters(components, "header")
    if len(parameters) != 1 or parameters[0].get("type") != kind:
        raise RefusedError(132012, f"header: Format mismatch, expected {kind.upper()}")
    return media_reader(kind)(parameters[0]).media


def _buttons(template: Template, components: Sequence[Mapping[str, Json]]) -> tuple[Button, ...]:
    """Return the quick replies; a button without a payload of its own sends its title back."""
    payloads: dict[str, str] = {}
    for component in components:
        if str(component.get("type")).lower() == "button":
            for item in _parameters([component], "button"):
                payloads[str(component.get("index"))] = text_of(item, "payload", 128)
    titles: list[str] = template["buttons"]
    unknown = set(payloads) - {str(number) for number in range(len(titles))}
    if unknown:
        raise RefusedError(132000, f"buttons: there is no button at index {', '.join(sorted(unknown))}")
    return tuple(Button(payloads.get(str(number), title), title) for number, title in enumerate(titles))


def _parameters(components: Sequence[Mapping[str, Json]], kind: str) -> list[Mapping[str, Json]]:
    found = [item.get("parameters", []) for item in components if str(item.get("type")).lower() == kind]
    parameters = found[0] if found else []
    if not isinstance(parameters, list) or not all(isinstance(item, Mapping) for item in parameters):
        raise RefusedError(100, f"{kind}: parameters must be a list of objects.")
    return parameters
