"""The command that shows the vendors' lists of templates."""

from tests.integration.cli.test_commands import document
from tests.support.shop import Shop
from worker.clock import system_clock
from worker.ledger import template_lists
from worker.templates import Template, TemplateList, TemplateStatus


def test_lists_and_templates_are_shown(shop: Shop) -> None:
    """How many each account has and when it was asked; of one account each template; and which could not be had."""
    now = system_clock()
    paused = Template("257006", "new_collection", "id", TemplateStatus.PAUSED, ("1",), wants_media=False)
    with shop.engine.begin() as connection:
        assert template_lists.claim(connection, "wa", "", now, None)
        template_lists.listed(connection, "wa", "", TemplateList((paused,), is_whole=True), now)
        assert template_lists.claim(connection, "wb", "", now, None)
        template_lists.failed(connection, "wb", "", "HTTP 404")

    had, missing = document(shop, "templates")

    assert (had["account"], had["templates"], had["failures"], had["error"]) == ("wa", 1, 0, None)
    assert (missing["account"], missing["templates"], missing["failures"]) == ("wb", None, 1)
    assert missing["error"] == "HTTP 404"
    assert document(shop, "templates", "wa") == [
        {
            "key": "257006", "name": "new_collection", "language": "id", "status": "paused", "variables": ["1"],
            "wants_media": False, "buttons": None,
        }
    ]  # fmt: skip
