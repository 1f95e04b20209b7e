"""What somebody does in each vendor's dashboard so that its webhooks come in: one row a vendor.

Source: docs/vendors/*.md, which say more. Invariant: each vendor that webhooks come from has a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Guide:
    """How a vendor is told where to post."""

    place: str
    """Where in the vendor's dashboard, in its words."""
    steps: tuple[str, ...]
    is_asked: bool = False
    """Whether the vendor asks first, by GET, whether the endpoint is ours."""


TRIGGERS: Mapping[tuple[str, str], str] = {
    ("wabotick", "incoming"): "Incoming Message",
    ("wabotick", "outgoing"): "Outgoing Message",
    ("wabotick", "status"): "Message Status Change",
    ("wabotick", "conversation"): "Conversation Status Change",
    ("wabotick", "flow"): "an outbound webhook behind a button of a flow",
    ("freighttech", "push"): "callback_url of a reference",
}
"""What the vendor calls an endpoint of an account."""
GUIDES: Mapping[str, Guide] = {
    "scalev": Guide(
        "Settings > Developers > Webhooks",
        (
            "Enter the URL and choose the events: at least those whose names begin with order.",
            "Switch it on and save. Scalev sends a signed test event at once and wants 200 for it.",
            "If saving fails, the signing secret here is not the one on that page: copy it again.",
        ),
    ),
    "wabotick": Guide(
        "Webhook",
        (
            "In the bot's settings, under Webhook, enter one URL for each trigger; each has a secret of its own.",
            "For buttons: in the flow, behind the button, an outbound webhook with its URL, or an HTTP API node.",
            "Write to the number from a phone: the message has to show up here.",
        ),
    ),
    "meta": Guide(
        "WhatsApp > Configuration > Webhook",
        (
            "Enter the URL and the verify token of this account, then save: Meta asks by GET whether it is ours.",
            "Subscribe to the field messages.",
            "Write to the number from a phone: the message has to show up here.",
        ),
        is_asked=True,
    ),
    "proton": Guide(
        "customer.created",
        (
            "Proton has no page for it: ask them to post customer.created, and what else you want, to the URL.",
            "Agree on how they are signed, and configure that as webhook_auth.",
        ),
    ),
    "cgb": Guide(
        "External API Request",
        (
            "In the flow, behind a button, add a step External API Request: POST, the URL, the header with the secret.",
            "Press its test button: the request has to show up here.",
        ),
    ),
    "open_mercato": Guide(
        "Webhooks",
        (
            "Under Webhooks make an endpoint with the URL and subscribe to what you need, such as sales.order.*.",
            "Put the signing secret (whsec_…), which shows once, into this account's webhook_auth and restart.",
            "Press Test there: webhooks.test.ping has to show up here.",
        ),
    ),
    "freighttech": Guide(
        "callback_url",
        (
            "Where a container or a booking is subscribed, give the URL as callback_url; who knows it can push.",
            "The shipment_tracking module signs: subscribe the URL without a secret there.",
        ),
    ),
    "generic": Guide(
        "webhook_auth",
        ("Give the sender the URL, and configure as webhook_auth how it proves itself.",),
    ),
}  # fmt: skip
"""By vendor."""
REFUSALS: Mapping[str, str] = {
    "credential_missing": "it did not carry what proves it, or not in the header that is configured",
    "credential_doubled": "it carried what proves it twice",
    "credential_overlong": "what should prove it is far too long",
    "credential_mismatch": "its secret is none of those configured here",
    "signature_malformed": "its signature has another form than is configured: encoding, prefix, layout",
    "signature_mismatch": "its signature was made with another secret than those configured here",
    "timestamp_malformed": "its time cannot be read",
    "timestamp_outside_tolerance": "its time is too far from ours: it came late, or a clock is wrong",
    "not_readable": "its body is not JSON that can be read",
    "unknown_endpoint": "there is no such endpoint any more",
}
"""Why a request was refused, in words; other reasons are shown as they are."""
