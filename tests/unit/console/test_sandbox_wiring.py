"""What the sandbox is told under `hookyard up`: where each vendor posts, and what it proves itself with."""

import json

from config.load import load_config
from config.settings import EXAMPLES
from console.cli.sandbox_wiring import webhook_targets
from tasks.actions.registry import make_catalog
from tests.support.variables import variables_of

RECEIVER, SANDBOX = "http://127.0.0.1:8000", "http://127.0.0.1:8900"
VARIABLES = variables_of(EXAMPLES.rglob("*.yaml"))


def test_vendors_at_the_sandbox_are_told_their_own_secrets() -> None:
    """A signature's secret for every trigger, a secret address for one; nothing for vendors called elsewhere."""
    given = VARIABLES | {"SCALEV_BASE_URL": f"{SANDBOX}/scalev/v3", "PROTON_BASE_URL": f"{SANDBOX}/proton"}

    targets = json.loads(webhook_targets(load_config(EXAMPLES, given, make_catalog()), RECEIVER, SANDBOX))

    hooks, push = f"{RECEIVER}/webhooks", VARIABLES["FREIGHTTECH_PUSH_SECRET"]
    assert targets == {
        "scalev": {"*": {"url": f"{hooks}/toko", "secret": VARIABLES["SCALEV_SIGNING_SECRET"]}},
        "proton": {"*": {"url": f"{hooks}/crm", "secret": VARIABLES["PROTON_WEBHOOK_SECRET"]}},
        "freighttech": {
            "push": {"url": f"{hooks}/boxes/{push}"},
            "*": {"url": f"{hooks}/boxes", "secret": VARIABLES["FREIGHTTECH_TRACKING_SECRET"]},
        },
    }
