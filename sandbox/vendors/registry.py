"""The vendors the sandbox fakes, one line each.

Invariant: a vendor that is not in this table does not exist for the rest of the sandbox.
"""

from sandbox.vendors.base import Vendor
from sandbox.vendors.cgb.vendor import Cgb
from sandbox.vendors.freighttech.vendor import Freighttech
from sandbox.vendors.meta.vendor import Meta
from sandbox.vendors.open_mercato.vendor import OpenMercato
from sandbox.vendors.proton.vendor import Proton
from sandbox.vendors.scalev.vendor import Scalev
from sandbox.vendors.wabotick.vendor import Wabotick

VENDORS: tuple[type[Vendor], ...] = (
    Scalev,
    Wabotick,
    Meta,
    Proton,
    Cgb,
    OpenMercato,
    Freighttech,
)
