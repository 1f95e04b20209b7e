"""`hookyard rules test` and `rules explain`: what rules would do, without doing it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.integration.cli.test_commands import document, hookyard
from tests.integration.engine.conftest import Works
from tests.support.shop import Shop, order_created, order_status_changed
from worker.clock import system_clock
from worker.holding import Hold, person_key
from worker.ledger import holds
from worker.states import HoldKind, Reason

TELL = """\
rules:
  - name: tell
    on: [{on}]
    when: {when}
    steps:
      - action: wabotick.send_template
        once: "{{{{ order.order_id }}}}:tell"
        {more}
        with:
          phone_number: "{{{{ order.phone }}}}"
          template_id: "257000"
          variables: ["{{{{ {value} }}}}"]
"""


def rule(
    on: str = "scalev.order.shipped", when: str = "order.phone", value: str = "order.order_id", more: str = ""
) -> str:
    """Return a rules file."""
    return TELL.format(on=on, when=when, value=value, more=more or "priority: normal").replace(
        "        priority: normal\n", ""
    )


@pytest.fixture
def works(shop: Shop) -> Iterator[Works]:
    """The engine's parts, to put events in the ledger with."""
    found = Works(shop)
    yield found
    found.close()


def tried(shop: Shop, rules: str, folder: Path) -> tuple[int, dict[str, Any]]:
    """Run `rules test` on rules in a folder of their own."""
    (folder / "new").mkdir(exist_ok=True)
    (folder / "new" / "tried.yaml").write_text(rules)
    environ = {key: value for key, value in shop.environ.items() if "DATABASE" not in key and "REDIS" not in key}
    done = hookyard("rules", "test", "--rules", str(folder / "new"), "--json", environ=environ)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_each_rule_is_tried_with_the_examples_it_listens_to(shop: Shop, tmp_path: Path) -> None:
    """A fact comes from the examples that lead to it, and what these leave out from the others of the same order."""
    status, found = tried(shop, rule(more="after: 2h"), tmp_path)

    [one] = found["rules"]
    case = next(case for case in one["cases"] if case["example"] == "scalev order.status_changed")
    [delivery] = case["deliveries"]
    assert (status, found["ok"], one["reached"]) == (0, True, True)
    assert (case["type"], case["matched"]) == ("scalev.order.shipped", True)
    assert delivery["effect_key"].endswith(":tell")
    assert delivery["parameters"]["phone_number"].endswith("8123456789")
    assert delivery["due_at"].startswith("2025-08-05T04:00")


def test_a_rule_that_no_example_reaches_is_told(shop: Shop, tmp_path: Path) -> None:
    """That is no fault: the examples may just not have it."""
    status, found = tried(shop, rule(when="order.status == 'unheard of'"), tmp_path)

    assert (status, found["rules"][0]["reached"]) == (0, False)
    assert not any(case["matched"] for case in found["rules"][0]["cases"])


@pytest.mark.parametrize(
    ("changed", "line", "told"),
    [
        ({"when": "order.phnoe"}, 4, "there is no 'phnoe'"),
        ({"value": "order.shipment_recipt"}, 11, "there is no 'shipment_recipt'"),
        ({"value": "order.tags[17]"}, 11, "order.tags[17]"),
        ({"more": 'at: "{{ order.customer_name }}"'}, 8, "not a time"),
        ({"more": "unless: order.nothing"}, 8, "there is no 'nothing'"),
        ({"value": "'   '"}, 9, "must not be empty"),
    ],
)
def test_an_expression_that_works_with_no_example_fails(
    shop: Shop, tmp_path: Path, changed: dict[str, str], line: int, told: str
) -> None:
    """Exit 1, with the file and the line of the expression, once."""
    status, found = tried(shop, rule(**changed), tmp_path)

    assert (status, found["ok"]) == (1, False)
    [fault] = found["faults"]
    assert fault["where"] == f"new/tried.yaml:{line}"
    assert told in fault["what"]


def test_a_field_that_no_snapshot_has_is_a_fault_wherever_it_stands(shop: Shop, tmp_path: Path) -> None:
    """In a step that no example reaches, and in what is done instead of one that failed."""
    fallback = """\
        on_failure:
          - action: wabotick.send_message
            with: {phone_number: "{{ order.phone_rwa }}", message: "{{ order.order_id }}"}
"""
    rules = rule(when="order.status == 'unheard of'", value="order.shipment_recipt") + fallback

    status, found = tried(shop, rules, tmp_path)

    assert status == 1
    assert [(fault["where"], fault["what"].partition(":")[0]) for fault in found["faults"]] == [
        ("new/tried.yaml:11", "there is no 'shipment_recipt' in order"),
        ("new/tried.yaml:14", "there is no 'phone_rwa' in order"),
    ]


def test_a_fact_of_several_events_is_reached_by_all_of_them(shop: Shop, tmp_path: Path) -> None:
    """No single example says that an arrival was put off: two of one container do, one after the other."""
    accounts = Path(shop.environ["HOOKYARD_CONFIG_DIR"]) / "accounts.yaml"
    more = "  boxes:\n    vendor: freighttech\n    url_secrets: {push: freighttech-push-url-secret}\n# Lifted"
    accounts.write_text(accounts.read_text().replace("# Lifted", more))
    rules = rule(on="freighttech.container.eta_changed", when="container.eta", value="container.eta")

    _, found = tried(shop, rules.replace("{{ order.phone }}", "+628123456789"), tmp_path)

    assert found["rules"][0]["cases"]


def test_what_works_with_one_example_is_no_fault(shop: Shop, tmp_path: Path) -> None:
    """Examples differ; the ones that it fails with are told in their cases."""
    status, found = tried(shop, rule(on="scalev.order.created", value="data.message_variables.name"), tmp_path)

    states = {delivery["state"] for case in found["rules"][0]["cases"] for delivery in case["deliveries"]}
    assert (status, states) == (0, {"ready", "dead"})


def test_results_of_steps_before_are_stood_in_for(shop: Shop, tmp_path: Path) -> None:
    """A step that needs another can be tried, though nobody knows what the other would bring."""
    steps = """\
      - action: wabotick.send_template
        id: next
        needs: [send_template]
        with:
          phone_number: "{{ order.phone }}"
          template_id: "1"
          variables: ["{{ steps.send_template.result.message_id }}"]
"""
    status, found = tried(shop, rule() + steps, tmp_path)

    last = found["rules"][0]["cases"][-1]["deliveries"][-1]
    assert (status, last["needs"]) == (0, ["send_template"])
    assert last["parameters"]["variables"] == ["<message_id of send_template>"]


def test_a_tap_is_tried_with_each_answer_to_what_the_rules_ask(shop: Shop, tmp_path: Path) -> None:
    """As the first tap and as a second, so that rules on either are reached; where nothing is asked, as neither."""
    asks = rule("scalev.order.created", more="question: {name: sure, answers: [Ya, Tidak], within: 48h}")
    first = rule("wabotick.postback", 'tap.answer == "Tidak" and not tap.decided').replace("tell", "first")
    second = rule("wabotick.postback", 'tap.decided and tap.decision == "Ya"').replace("tell", "second")
    follows = first.removeprefix("rules:\n") + second.removeprefix("rules:\n")

    status, found = tried(shop, asks + follows, tmp_path)

    assert status == 0
    matched = {
        one["rule"]: {case["example"].partition(", ")[2] for case in one["cases"] if case["matched"]}
        for one in found["rules"]
    }
    assert (matched["first"], matched["second"]) == ({"tap Tidak"}, {"second tap Tidak"})
    _, unasked = tried(shop, "rules:\n" + follows, tmp_path)
    assert [one["reached"] for one in unasked["rules"]] == [False, False]


def test_a_faulty_file_is_refused_as_check_does(shop: Shop, tmp_path: Path) -> None:
    """What does not load is told with file and line; a folder that is not there, too."""
    (tmp_path / "bad.yaml").write_text(rule(on="scalev.order.shiped"))

    refused = hookyard("rules", "test", "--rules", str(tmp_path), environ=shop.environ)
    missing = hookyard("rules", "test", "--rules", str(tmp_path / "none"), environ=shop.environ)

    assert (refused.returncode, missing.returncode) == (1, 1)
    assert 'bad.yaml:3: unknown event type "scalev.order.shiped": did you mean' in refused.stderr
    assert "is not a folder" in missing.stderr


def written(works: Works) -> list[Any]:
    """Return what shows whether anything was written."""
    tables = ("events", "deliveries", "subjects", "audit", "attempts")
    return [works.shop.rows(f"SELECT count(*), max(xmin::text) FROM {table}") for table in tables]  # noqa: S608


def explained(works: Works, event: Any, rules: str) -> dict[str, Any]:
    """Run `rules explain` with these rules, and see that nothing was written."""
    works.shop.write_rules(rules)
    before = written(works)
    found: dict[str, Any] = document(works.shop, "rules", "explain", str(event))
    after = written(works)
    assert before == after
    assert "8123456789" not in str(found)
    assert "Budi" not in str(found)
    return found


@pytest.fixture
def shipped(works: Works) -> Any:
    """The id of an event that said "shipped", routed without any rule."""
    works.shop.write_rules(rule(when="1 == 2"))
    works.reload()
    works.receive(order_created())
    return works.receive(order_status_changed("shipped")).event_id


def test_a_rule_that_follows_tells_what_it_would_send(works: Works, shipped: Any) -> None:
    """The values that its condition saw, the effect, the parameters, the time; all masked."""
    found = explained(
        works, shipped, rule(when="order.phone and order.status == 'shipped'", value="order.customer_name")
    )

    [one] = found["rules"]
    [step] = one["steps"]
    assert (one["matched"], one["on"]) == (True, "scalev.order.shipped")
    assert one["saw"]["order.status"] == "shipped"
    assert one["saw"]["order.phone"] == "…789"
    assert step["effect_key"] == "250804QWERTY:tell"
    assert step["parameters"]["template_id"] == "257000"
    assert (step["error"], step["held_by"]) == (None, [])


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"on": "scalev.order.paid"}, "it listens to scalev.order.paid"),
        ({"when": "order.status == 'draft'"}, "`when` does not hold"),
        ({"when": "order.nothing"}, "`when` cannot be asked: `order.nothing`: there is no 'nothing'"),
    ],
)
def test_a_rule_that_does_not_follow_tells_why(works: Works, shipped: Any, changed: dict[str, str], why: str) -> None:
    """It listens to something else, or its condition does not hold."""
    [one] = explained(works, shipped, rule(**changed))["rules"]

    assert (one["matched"], one["why"]) == (False, why)


def test_a_rule_of_another_account_says_so(works: Works, shipped: Any) -> None:
    """The type fits, `from` does not."""
    rules = rule().replace("    when:", "    from: [crm]\n    when:")

    assert explained(works, shipped, rules)["rules"][0]["why"] == "it is only about events of crm"


@pytest.mark.usefixtures("shipped")
def test_what_stands_against_sending_is_told(works: Works) -> None:
    """A timer, `unless`, what is planned already, an open circuit, a person who opted out."""
    now = system_clock()
    rules = rule(more='at: "2099-01-01"\n        unless: order.phone')
    works.shop.write_rules(rules)
    works.reload()
    works.receive(order_created("250804ASDFGH"))
    works.receive(order_status_changed("shipped", "250804ASDFGH"))
    with works.engine.begin() as connection:
        for kind, key in ((HoldKind.ACCOUNT, ""), (HoldKind.RECIPIENT, person_key("+628123456789"))):
            holds.write(connection, Hold("wa", kind, key, Reason.OPTED_OUT, "x", "y", opened_at=now))
    [fact] = works.shop.rows(
        "SELECT * FROM events WHERE subject = 'order:250804ASDFGH' AND type = 'scalev.order.shipped'"
    )

    [step] = explained(works, fact.id, rules)["rules"][0]["steps"]

    told = " ".join(step["held_by"])
    for part in (
        "is planned already",
        "is not due before",
        "`unless` says is so",
        "account wa is held",
        "to this person",
    ):
        assert part in told


def test_an_event_that_is_not_there_is_told(shop: Shop) -> None:
    """One plain sentence."""
    done = hookyard("rules", "explain", str(uuid4()), environ=shop.environ)

    assert (done.returncode, "there is no event" in done.stderr) == (1, True)


def test_people_get_it_in_words(works: Works, shipped: Any) -> None:
    """Without --json, a few lines for each rule."""
    works.shop.write_rules(rule(value="order.customer_name"))

    told = hookyard("rules", "explain", str(shipped), environ=works.shop.environ).stdout

    assert "tell  (rules/test.yaml:2): follows" in told
    assert "wabotick.send_template at wa" in told
    assert "Budi" not in told


def test_a_backtest_tells_totals_rules_and_samples(works: Works, tmp_path: Path) -> None:
    """One JSON document, or words and a table; progress goes to stderr."""
    works.receive(order_created(), received_at=system_clock())
    (tmp_path / "new.yaml").write_text(rule(on="scalev.order.created"))
    call = ("rules", "backtest", "--since", "1h", "--rules", str(tmp_path))

    found = document(works.shop, *call)
    told = hookyard(*call, environ=works.shop.environ)

    assert (found["events"]["played"], found["totals"]["new_messages"], found["rules"]["tell"]["sent"]) == (1, 1, 1)
    [sample] = found["samples"]["new"]
    assert (sample["rule"], sample["action"]) == ("tell", "wabotick.send_template")
    assert "1 new (1 messages)" in told.stdout
    assert sample["event"] in told.stdout
    assert "1 of 1 events" in told.stderr
    assert works.shop.deliveries() == []
