"""Now: is everything well, and how did the last hour, day and week go?

Invariant: the page reads what was counted already, so it is as quick on a large ledger as on a small one.
"""

from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for

from console.health import checks, surroundings
from console.health.finding import Finding, Level, Place
from console.plots import series, svg
from console.web.frame import Desk, current

area = Blueprint("now", __name__)
REFRESHED_SECONDS = 30
BROKER_SECONDS = 0.5
_BY_URGENCY = (Level.BAD, Level.LOOK, Level.ASIDE, Level.GOOD)


@area.get("/")
def index() -> str:
    """Say whether all is well, then what is not, then how it went."""
    desk = current()
    span = series.SPANS.get(request.args.get("span", ""), series.SPANS["day"])
    accounts = sorted(desk.config.accounts)
    account = request.args.get("account", "")
    account = account if account in accounts else ""
    with desk.connection() as connection:
        findings = _looked_at(desk, checks.Look(connection, desk.config, desk.clock()))
        plots = series.read(connection, span, desk.clock(), account or None)
    return render_template(
        "now/index.html",
        level=min((one.level for one in findings), key=_BY_URGENCY.index),
        wrong=[one for one in findings if one.level in {Level.BAD, Level.LOOK}],
        aside=[one for one in findings if one.level is Level.ASIDE],
        address_of=_address_of,
        plots=plots, span=span, spans=series.SPANS, account=account, accounts=accounts,
        draw=svg.draw, said=svg.said, local=svg.local, refreshed_seconds=REFRESHED_SECONDS,
    )  # fmt: skip


def _looked_at(desk: Desk, look: checks.Look) -> list[Finding]:
    """Return what every check found, the most urgent first."""
    found = [checks.broker(desk.settings, BROKER_SECONDS)]
    found += [finding for check in (*checks.CHECKS, surroundings.told) for finding in check(look)]
    return sorted(found, key=lambda finding: _BY_URGENCY.index(finding.level))


def _address_of(place: Place | None) -> str | None:
    """Return the address of the page on which something is looked into; None when this console has no such page."""
    if place is None or place.endpoint not in current_app.view_functions:
        return None
    return url_for(place.endpoint, **dict[str, Any](place.narrowed))
