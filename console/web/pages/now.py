"""Now: is everything well?"""

from flask import Blueprint, render_template

from console.web.frame import current
from worker.ledger import queries

area = Blueprint("now", __name__)


@area.get("/")
def index() -> str:
    """Show how many deliveries need a person, or wait."""
    with current().connection() as connection:
        counts = queries.count_by_state(connection)
    return render_template("now/index.html", counts=counts)
