"""How the sandbox under `hookyard up` finds the receiver: where each faked vendor posts, and with which secret.

Invariant: only accounts that are called at the sandbox, or at no vendor at all, are told to it.
"""

import json
from collections.abc import Iterator, Mapping

from pydantic import SecretStr

from config.accounts import Account, CalledAccount, GenericAccount
from config.load import Config

Target = dict[str, str]
EVERY_TRIGGER = "*"


def webhook_targets(config: Config, receiver_url: str, sandbox_url: str) -> str:
    """Return where all vendors post, as the sandbox reads it from SANDBOX_WEBHOOKS; of each vendor one account."""
    targets: dict[str, dict[str, Target]] = {}
    for name, account in config.accounts.items():
        if isinstance(account, GenericAccount):
            continue
        if isinstance(account, CalledAccount) and not account.base_url.startswith(f"{sandbox_url}/"):
            continue
        targets.setdefault(account.vendor, dict(_of_account(f"{receiver_url}/webhooks/{name}", account)))
    return json.dumps(targets)


def _of_account(url: str, account: Account) -> Iterator[tuple[str, Target]]:
    url_secrets: Mapping[str, list[SecretStr]] = getattr(account, "url_secrets", {})
    for trigger, secrets in url_secrets.items():
        yield trigger, {"url": f"{url}/{secrets[0].get_secret_value()}"}
    if account.proofs:  # the sandbox signs one way: the first
        yield EVERY_TRIGGER, {"url": url, "secret": account.proofs[0].secrets[0].get_secret_value()}
