"""Scalev: a bearer token."""

from tests.conformance.actions.vendors.case import ActionCase

ORDER = "0198a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b"

CASE = ActionCase(
    account={"signing_secrets": ["signing-secret-of-scalev"], "api_key": "sk_live_scalev-secret"},
    mount="/scalev/v3",
    secrets=("sk_live_scalev-secret",),
    parameters={
        "scalev.get_order": {"id": ORDER},
        "scalev.change_status": {"ids": [ORDER], "status": "confirmed"},
    },
    on_the_wire=("scalev.get_order", "scalev.change_status"),
)
