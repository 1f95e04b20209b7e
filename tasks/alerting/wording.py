"""What is sent to each kind of target: JSON for programs, one message for Slack, one mail for people.

Invariant: built from causes, accounts' names and figures alone.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from pydantic import SecretStr

from config.alerts import EmailTarget
from config.webhook_auth import standard_webhooks_key
from webhooks.verification import hmac_sha256
from worker.alerting import WORDS, News


def title(news: Sequence[News], installation: str) -> str:
    """Return one line that says how it is."""
    firing = [one for one in news if one.state == "firing"]
    if not news:
        return f"Hookyard {installation}: a test, nothing is wrong"
    if not firing:
        return f"Hookyard {installation}: over"
    worst = max(firing, key=lambda one: one.percent)
    more = f" and {len(news) - 1} more" if len(news) > 1 else ""
    return f"Hookyard {installation}: {worst.text}{more}"


def text_of(news: Sequence[News], installation: str) -> str:
    """Return all of it as lines for people, with the command that shows more."""
    lines = [title(news, installation), ""]
    for one in news:
        look = f" (see: {WORDS[one.cause].look})" if one.state == "firing" else ""
        lines.append(f"- {one.text}{look}, since {one.since}")
    return "\n".join(lines).rstrip() + "\n"


def json_of(news: Sequence[News], installation: str, now: datetime) -> bytes:
    """Return the body that a webhook gets; without news it is a test."""
    document: dict[str, Any] = {
        "type": "hookyard.alerts" if news else "hookyard.test",
        "installation": installation,
        "at": now.isoformat(timespec="seconds"),
        "title": title(news, installation),
        "alerts": [
            vars(one) | {"account": one.account or None, "what": one.text, "look": WORDS[one.cause].look}
            for one in news
        ],
    }
    return json.dumps(document, ensure_ascii=False).encode()


def signed(secret: SecretStr | None, message_id: str, body: bytes, now: datetime) -> Mapping[str, str]:
    """Return the headers of Standard Webhooks for a body; the id is the same when it is sent again."""
    stamp = str(int(now.timestamp()))
    headers = {"webhook-id": message_id, "webhook-timestamp": stamp}
    if secret is None:
        return headers
    digest = hmac_sha256(standard_webhooks_key(secret), f"{message_id}.{stamp}.".encode() + body)
    return headers | {"webhook-signature": "v1," + base64.b64encode(digest).decode()}


def slack_of(news: Sequence[News], installation: str) -> bytes:
    """Return the body of an incoming webhook of Slack; its three special characters are escaped."""
    text = text_of(news, installation)
    for character, written in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, written)
    return json.dumps({"text": text}, ensure_ascii=False).encode()


def mail_of(target: EmailTarget, news: Sequence[News], installation: str, message_id: str, now: datetime) -> Any:
    """Return the mail."""
    mail = EmailMessage()
    mail["Subject"] = title(news, installation).replace("\n", " ")
    mail["From"], mail["To"] = target.sender, ", ".join(target.to)
    mail["Date"], mail["Message-ID"] = format_datetime(now), f"<{message_id}@{target.sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(text_of(news, installation))
    return mail
