"""Every vendor's row, one line each: an action whose vendor or parameters are missing fails the suite."""

from collections.abc import Mapping

from tests.conformance.actions.vendors import cgb, meta, open_mercato, proton, scalev, wabotick
from tests.conformance.actions.vendors.case import ActionCase

CASES: Mapping[str, ActionCase] = {
    "scalev": scalev.CASE,
    "wabotick": wabotick.CASE,
    "meta": meta.CASE,
    "proton": proton.CASE,
    "cgb": cgb.CASE,
    "open_mercato": open_mercato.CASE,
}
SECRETS = tuple(secret for case in CASES.values() for secret in case.secrets)
