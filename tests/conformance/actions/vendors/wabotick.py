"""Wabotick: the token among a form's fields."""

from tests.conformance.actions.vendors.case import ActionCase

CASE = ActionCase(
    account={
        "api_token": "7|wabotick-secret",
        "phone_number_id": "100000000000001",
        "url_secrets": {"flow": "wabotick-flow-url-secret"},
    },
    mount="/wabotick/api/v1",
    secrets=("7|wabotick-secret",),
    parameters={
        "wabotick.send_template": {
            "phone_number": "08123456789",
            "template_id": "257000",
            "variables": ["Budi Contoh", "JX1234567890"],
        },
    },
    on_the_wire=("wabotick.send_template",),
)
