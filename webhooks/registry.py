"""Every source, one line each."""

from collections.abc import Mapping

from webhooks.source import Source
from webhooks.sources.cgb.source import SOURCE as CGB
from webhooks.sources.freighttech.source import SOURCE as FREIGHTTECH
from webhooks.sources.generic.source import SOURCE as GENERIC
from webhooks.sources.meta.source import SOURCE as META
from webhooks.sources.open_mercato.source import SOURCE as OPEN_MERCATO
from webhooks.sources.proton.source import SOURCE as PROTON
from webhooks.sources.scalev.source import SOURCE as SCALEV
from webhooks.sources.wabotick.source import SOURCE as WABOTICK

SOURCES: Mapping[str, Source] = {
    source.vendor: source for source in (SCALEV, WABOTICK, META, PROTON, CGB, OPEN_MERCATO, FREIGHTTECH, GENERIC)
}
"""By vendor."""
