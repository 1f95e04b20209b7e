"""Wabotick: a secret URL per trigger."""

from datetime import datetime

from tests.conformance.sources.vendors.case import SECRETS, Proof, SourceCase


def _prove(_body: bytes, secret: str, trigger: str, _at: datetime) -> Proof:
    return {}, f"{secret}-{trigger}"


CASE = SourceCase(
    account={
        "api_token": "t", "phone_number_id": "1",
        "url_secrets": {
            trigger: [f"{secret}-{trigger}" for secret in SECRETS]
            for trigger in ("incoming", "outgoing", "status", "conversation", "flow")
        },
    },
    prove=_prove,
    triggers={
        "message.received": "incoming", "message.sent": "outgoing", "message.status": "status",
        "conversation.status": "conversation", "postback": "flow", "flow.completed": "flow",
    },
    trigger="flow",
    signs_the_body=False,
)  # fmt: skip
