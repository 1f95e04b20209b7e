"""How fast each vendor's accounts may be called when nothing else is configured.

Invariant: what is configured for an account wins over what is configured for its vendor, which wins over this table;
null lifts a limit.
"""

from collections.abc import Mapping

from config.accounts import Account, CalledAccount, Limits

SHIPPED: Mapping[str, Limits] = {
    # Not documented; 5 to 10 calls a second are advised. One person gets one message in six seconds from one number.
    "wabotick": Limits(per_second=8, per_recipient_seconds=6),
    # Documented: 100 requests in 10 seconds and 10,000 an hour, per key; a little room is left for people.
    "scalev": Limits(per_second=9, per_hour=9_500),
    # Documented: 80 messages a second, in and out together, and the same six seconds.
    "meta": Limits(per_second=60, per_recipient_seconds=6),
    # Nothing is documented for these three; the second is known to answer 429 at times.
    "proton": Limits(per_second=5),
    "cgb": Limits(per_second=5),
    "open_mercato": Limits(per_second=10),
}
NONE = Limits()


def limits_of(account: Account, by_vendor: Mapping[str, Limits]) -> Limits:
    """Return the limits of an account."""
    layers = [SHIPPED.get(account.vendor, NONE), by_vendor.get(account.vendor, NONE)]
    if isinstance(account, CalledAccount):
        layers.append(account.limits)
    merged = {name: getattr(layer, name) for layer in layers for name in layer.model_fields_set}
    return Limits(**merged)
