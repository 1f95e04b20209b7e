"""The areas of the console, in the order of its navigation: one line adds an area."""

from dataclasses import dataclass

from flask import Blueprint

from console.web.pages import (
    audit,
    backtests,
    connect,
    deliveries,
    events,
    held,
    jobs,
    now,
    orders,
    pressing,
    quarantine,
    revealing,
    rules,
    sending,
)


@dataclass(frozen=True)
class Area:
    """One area: its pages, and how the navigation names it; without a label it stands below another."""

    blueprint: Blueprint
    label: str = ""
    endpoint: str = ""


AREAS = (
    Area(now.area, "Now", "now.index"),
    Area(orders.area, "Orders", "orders.index"),
    Area(events.area, "Events", "events.index"),
    Area(deliveries.area, "Deliveries", "deliveries.index"),
    Area(rules.area, "Rules", "rules.index"),
    Area(backtests.area),
    Area(connect.area, "Connect", "connect.index"),
    Area(jobs.area, "Press", "jobs.index"),
    Area(pressing.area),
    Area(held.area),
    Area(quarantine.area),
    Area(sending.area),
    Area(audit.area),
    Area(revealing.area),
)
