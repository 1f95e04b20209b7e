"""Wabotick's calls around files: upload one, send one.

Invariant: an uploaded file is known by its name and size only; its bytes are forgotten.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sandbox.exchange import Answer, Call, Json
from sandbox.phones import Content
from sandbox.vendors.wabotick.sending import sent, session_refusal
from sandbox.vendors.wabotick.words import MEDIA_MISSING, checked

if TYPE_CHECKING:
    from sandbox.vendors.wabotick.vendor import Wabotick

MEDIA_TYPES = ("image", "video", "document", "audio")
_TYPE_OF_SUFFIX = {
    "jpg": "image",
    "jpeg": "image",
    "png": "image",
    "webp": "image",
    "mp4": "video",
    "mp3": "audio",
    "ogg": "audio",
}
_FIRST_MEDIA_ID = 982_340_000_000_000


def send_file(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/send/file: by address, by the id of an upload, or with the file itself."""
    params = call.params
    refusal = checked(call, "phone_number_id", "phone_number", "media_type") or vendor.check_number(call)
    if refusal is not None:
        return refusal
    kind, source = params["media_type"], _source(params)
    if kind not in MEDIA_TYPES:
        return vendor.refuse(200, f"media_type must be one of {', '.join(MEDIA_TYPES)}.")
    if not source:
        return vendor.refuse(200, MEDIA_MISSING)
    if source == params.get("media_id") and source not in vendor.chats.media:
        return vendor.refuse(200, "Media not found.")
    refusal = session_refusal(vendor, call)
    if refusal is not None:
        return refusal
    caption = "" if kind == "audio" else str(params.get("media_caption_text") or "")
    form = {"type": kind, kind: {"link": source, "caption": caption}}
    effect = {"template_id": None, "text": caption, "media_type": kind, "media": source}
    return sent(vendor, call, Content(text=caption, media=(kind, source)), form, effect)


def upload_media(vendor: "Wabotick", call: Call) -> Answer:
    """POST /whatsapp/upload/media: the document calls the field `file`, a sister `media_file`."""
    wanted = vendor.settings.upload_field
    names = ("file", "media_file") if wanted == "either" else (wanted,)
    refusal = checked(call, "phone_number_id") or vendor.check_account(call)
    if refusal is not None:
        return refusal
    file = next((call.params[name] for name in names if isinstance(call.params.get(name), dict)), None)
    if file is None:
        return vendor.refuse(200, f"The {names[-1].replace('_', ' ')} field is required.")
    identity = str(vendor.ids.number("media", _FIRST_MEDIA_ID))
    kind = _TYPE_OF_SUFFIX.get(str(file["file"]).rpartition(".")[2].lower(), "document")
    media = {"media_id": identity, "media_type": kind, "media_name": file["file"]}
    vendor.chats.media[identity] = {**media, "bytes": file["bytes"]}
    body = {"status": "1", **media, "message": "Upload successful."}
    if vendor.settings.shape == "document":
        body = {"status": "success", "media_id": identity}
    effect = {"kind": "media", "id": identity, "name": file["file"]}
    return Answer(200, body, effects=(effect,))


def _source(params: Mapping[str, Json]) -> str:
    """Return where the file is: its name where it came with the call, its address, or the id of an upload."""
    upload = params.get("media_file")
    if isinstance(upload, dict):
        return str(upload["file"])
    return str(params.get("media_url") or params.get("media_id") or "")
