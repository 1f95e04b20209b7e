"""The command that shows the vendors' lists of templates."""

import json

from tests.integration.cli.test_commands import document, hookyard
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


def test_doctor_tells_of_templates_that_rules_name(shop: Shop) -> None:
    """One that is paused is bad, where a rule sends it; a list that cannot be had is worth a look."""
    rule = """
rules:
  - name: tell
    on: [scalev.order.created]
    steps:
      - action: wabotick.send_template
        with: {phone_number: "{{ order.phone }}", template_id: "257006", variables: ["a"]}
"""
    shop.write_rules(rule)
    now = system_clock()
    paused = [Template(key, f"t{key}", "id", TemplateStatus.PAUSED, ("1",)) for key in ("257006", "257099")]
    with shop.engine.begin() as connection:
        template_lists.claim(connection, "wa", "", now, None)
        template_lists.listed(connection, "wa", "", TemplateList(tuple(paused), is_whole=True), now)
        template_lists.failed(connection, "wa", "", "HTTP 404")

    told = json.loads(hookyard("doctor", "--json", environ=shop.environ).stdout)["findings"]

    found = [(one["ok"], one["what"]) for one in told if one["check"] == "templates of wa"]
    assert [ok for ok, _ in found] == [True, False]
    assert "could not be had, 1 times in a row" in found[0][1]
    assert "257006 (t257006) is paused; tell sends it" in found[1][1]
