"""Proton: three headers prove the caller."""

from tests.conformance.actions.vendors.case import ActionCase

CASE = ActionCase(
    account={
        "company": "harborline",
        "user_id": "ops@harborline.example",
        "api_key": "proton-secret-key",
        "webhook_auth": {"scheme": "static", "header": "X-Secret", "secrets": ["proton-webhook-secret"]},
    },
    mount="/proton",
    secrets=("proton-secret-key",),
    parameters={
        "proton.get_customer": {"identifier": "HL-20418"},
        "proton.create_opportunity": {
            "pipeline_id": "pipeline-sales",
            "stage_id": "stage-new",
            "title": "First order of Budi Contoh",
            "customer_id": "HL-20418",
            "value": 1250.5,
        },
    },
    on_the_wire=("proton.get_customer", "proton.create_opportunity"),
)
