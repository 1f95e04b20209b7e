"""Every source, one line each."""

from collections.abc import Mapping

from webhooks.source import Source
from webhooks.sources.cgb.source import SOURCE as CGB
from webhooks.sources.generic.source import SOURCE as GENERIC
from webhooks.sources.proton.source import SOURCE as PROTON
from webhooks.sources.scalev.source import SOURCE as SCALEV
from webhooks.sources.wabotick.source import SOURCE as WABOTICK

SOURCES: Mapping[str, Source] = {source.vendor: source for source in (SCALEV, WABOTICK, PROTON, CGB, GENERIC)}
"""By vendor."""
