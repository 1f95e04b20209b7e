"""Every vendor's row, one line each: a source without one fails the suite."""

from collections.abc import Mapping

from tests.conformance.sources.vendors import cgb, generic, proton, scalev, wabotick
from tests.conformance.sources.vendors.case import SourceCase

CASES: Mapping[str, SourceCase] = {
    "scalev": scalev.CASE,
    "wabotick": wabotick.CASE,
    "proton": proton.CASE,
    "cgb": cgb.CASE,
    "generic": generic.CASE,
}
