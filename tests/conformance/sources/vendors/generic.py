"""Any sender: here one that shows a static secret and names its events in the body."""

from datetime import datetime

from tests.conformance.sources.vendors.case import SECRETS, Proof, SourceCase
from worker.states import Handling


def _prove(_body: bytes, secret: str, _trigger: str, _at: datetime) -> Proof:
    return {"x-secret": secret}, None


CASE = SourceCase(
    account={
        "webhook_auth": {"scheme": "static", "header": "X-Secret", "secrets": SECRETS},
        "event": {
            "type": "{{ body.event }}",
            "id": "{{ body.id }}",
            "time": "{{ body.at }}",
            "subject": "invoice:{{ body.invoice.number }}",
            "data": "{{ body.invoice }}",
        },
        "event_types": ["invoice.paid"],
    },
    prove=_prove,
    event_types={"generic.invoice.paid": Handling.HANDLED},
    signs_the_body=False,
)
