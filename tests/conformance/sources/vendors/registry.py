"""Every vendor's row, one line each: a source without one fails the suite."""

from collections.abc import Mapping

from tests.conformance.sources.vendors import cgb, freighttech, generic, meta, open_mercato, proton, scalev, wabotick
from tests.conformance.sources.vendors.case import SourceCase

CASES: Mapping[str, SourceCase] = {
    "scalev": scalev.CASE,
    "wabotick": wabotick.CASE,
    "meta": meta.CASE,
    "proton": proton.CASE,
    "cgb": cgb.CASE,
    "open_mercato": open_mercato.CASE,
    "freighttech": freighttech.CASE,
    "generic": generic.CASE,
}
