"""The language of rules: what is refused when it is loaded, and what a rule that loaded does."""

from datetime import timedelta
from pathlib import Path

import pytest

from config.faults import ConfigError
from config.load import load_config
from config.rules import Question, Rule, Step, matches
from tasks.actions.registry import make_catalog

CATALOG = make_catalog()
ACCOUNTS = """\
accounts:
  toko: {vendor: scalev, signing_secrets: [long-enough], api_key: key}
  wa: {vendor: wabotick, api_token: t, phone_number_id: "1", url_secrets: {flow: flow-secret}}
  wa2: {vendor: wabotick, api_token: t, phone_number_id: "2", url_secrets: {flow: flow-secret}}
"""
HEAD = "rules:\n  - name: r\n    on: [scalev.order.created]\n"
STEPS = "    steps:\n      - action: scalev.change_status\n        with: {ids: ['1'], status: confirmed}\n"


def _folder(tmp_path: Path, accounts: str = ACCOUNTS, **files: str) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "accounts.yaml").write_text(accounts)
    for name, text in files.items():
        (tmp_path / "rules" / f"{name}.yaml").write_text(text)
    return tmp_path


def _faults(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load_config(folder, {}, CATALOG)
    return str(raised.value).splitlines()


RULE_FAULTS = [
    # the rule after its name, from line 3 on; the start of its fault
    (
        "on: [scalev.order.creatd]\n" + STEPS,
        '3: unknown event type "scalev.order.creatd": did you mean "scalev.order.cr',
    ),
    ("on:\n    - scalev.*\n" + STEPS, '4: unknown event type "scalev.*"'),
    ("on: [Order Created]\n" + STEPS, '3: "Order Created" is not an event type'),
    ("on: []\n" + STEPS, "3: on: List should have at least 1 item"),
    ("on: scalev.order.created\n" + STEPS, "3: on: Input should be a valid list"),
    (STEPS.lstrip(), '2: "on" is missing'),
    ("on: [scalev.order.*]\n    from: [tokko]\n" + STEPS, '4: unknown account "tokko": did you mean "toko"?'),
    ("on: [scalev.order.*]\n    from: []\n" + STEPS, "4: from: List should have at least 1 item"),
    ("on: [scalev.order.*]\n    when: ''\n" + STEPS, "4: when: an expression is wanted"),
    ("on: [scalev.order.*]\n    when: true\n" + STEPS, "4: when: Input should be a valid string"),
    ("on: [scalev.order.*]\n    when: order.status =\n" + STEPS, "4: cannot be read"),
    ("on: [scalev.order.*]\n    when: contact.phone\n" + STEPS, '4: unknown name "contact"'),
    ("on: [scalev.order.*]\n    whne: x\n" + STEPS, '4: unknown key "whne": did you mean "when"?'),
    ("on: [scalev.order.*]\n    steps: []", "4: steps: List should have at least 1 item"),
    ("on: [scalev.order.*]\n    for_each: data.items\n" + STEPS, '4: unknown key "for_each"'),
    ("on: [scalev.order.*]\n    set: {order: x}\n" + STEPS, '4: the name "order" has a meaning already'),
    ("on: [scalev.order.*]\n    set: {Total: x}\n" + STEPS, "4: set.Total: String should match pattern"),
    ("on: [scalev.order.*]\n    set: {total: '{{ later }}', later: 1}\n" + STEPS, '4: unknown name "later"'),
]
STEP_FAULTS = [
    # the step, from line 5 on; the start of its fault
    ("action: scalev.chnge_status", '5: unknown action "scalev.chnge_status": did you mean "scalev.change_status"?'),
    ("action: change_status", '5: unknown action "change_status"'),
    ("actoin: x", '5: "action" is missing'),
    ("action: scalev.change_status\n        accuont: toko", '6: unknown key "accuont": did you mean "account"?'),
    ("action: scalev.change_status\n        account: nobody", '6: unknown account "nobody"'),
    ("action: scalev.change_status\n        account: wa", '6: account "wa" is not one of scalev'),
    ("action: wabotick.send_template", "5: which account? wa, wa2 would fit"),
    ("action: proton.create_opportunity", "5: which account? there is none of proton"),
    ("action: scalev.change_status\n        once: '{{ order.order_id }'", "6: cannot be read"),
    ("action: scalev.change_status\n        once: ''", "6: steps.once: an expression is wanted"),
    ("action: scalev.change_status\n        id: Über", "6: steps.id: String should match pattern"),
    (
        "action: scalev.change_status\n        with: {status: confirmed}",
        "6: parameters: either ids or order_ids is wanted",
    ),
    (
        "action: scalev.update_shipment_receipt\n        with: {shipment_receipt: '{{ order.shipment_receipt }}'}",
        "6: parameters: either id or order_id is wanted",
    ),
    (
        "action: scalev.change_status\n        with:\n          ids: ['1']\n          statsu: confirmed",
        '8: unknown parameter "statsu": did you mean "status"?',
    ),
    (
        "action: scalev.change_status\n        with:\n          ids: ['1']\n          status: confirmd",
        "8: status: Input should be 'draft'",
    ),
    (
        "action: scalev.change_status\n        with:\n          ids: ['{{ ordr.id }}']\n          status: confirmed",
        '7: unknown name "ordr"',
    ),
    (
        "action: wabotick.send_template\n        account: wa\n        with: {phone_number: '0812', template_id: '1'}",
        "7: phone_number: is not a valid phone number",
    ),
    ("action: scalev.change_status\n        after: soon", "6: steps.after: a span of time like 30m, 2h or 1d"),
    ("action: scalev.change_status\n        after: 400d", "6: steps.after: more than a year"),
    ("action: scalev.change_status\n        after: 2h\n        at: '{{ now }}'", "5: steps: either after or at"),
    ("action: scalev.change_status\n        at: '{{ noww }}'", '6: unknown name "noww": did you mean "now"?'),
    ("action: scalev.change_status\n        unless: order.paid =", "6: cannot be read"),
    (
        "action: scalev.change_status\n        cancel_on: [scalev.order.paidd]",
        '6: unknown event type "scalev.order.paidd"',
    ),
    ("action: scalev.change_status\n        needs: [before]", '6: no step "before" before this one'),
    (
        "action: scalev.change_status\n        quiet_hours: hold",
        "6: quiet_hours: scalev.change_status sends no message",
    ),
    ("action: scalev.change_status\n        quiet_hours: maybe", "6: steps.quiet_hours: Input should be 'hold'"),
    (
        "action: scalev.change_status\n        delivered_within: 2h",
        "6: delivered_within: scalev.change_status sends no",
    ),
    (
        "action: scalev.change_status\n        question: {answers: [Confirm]}",
        "6: question: scalev.change_status sends no message",
    ),
    ("action: scalev.change_status\n        question: {answers: []}", "6: steps.question.answers: List should have at"),
    (
        "action: scalev.change_status\n        question: {answer: [A]}",
        '6: unknown key "answer"',
    ),
    ("action: scalev.change_status\n        retry: {attempt: 3}", '6: unknown key "attempt": did you mean "attempts"?'),
    ("action: scalev.change_status\n        retry: {attempts: 0}", "6: steps.retry.attempts: Input should be greater"),
    ("action: scalev.change_status\n        priority: urgent", "6: steps.priority: Input should be 'high'"),
    ("action: scalev.change_status\n        with: {ids: ['{{ item }}'], status: draft}", '6: unknown name "item"'),
    ("action: scalev.change_status\n        with: {ids: ['{{ steps.a }}'], status: draft}", '6: unknown name "steps"'),
    ("action: scalev.change_status\n        on_failure: []", "6: steps.on_failure: List should have at least 1 item"),
    ("action: scalev.change_status\n        on_failure: [{action: nope.it}]", '6: unknown action "nope.it"'),
    (
        "action: scalev.change_status\n        on_failure: [{acton: x}]",
        '6: unknown key "acton": did you mean "action"?',
    ),
]


@pytest.mark.parametrize(("rule", "expected"), RULE_FAULTS)
def test_faults_of_a_rule(tmp_path: Path, rule: str, expected: str) -> None:
    """What a rule cannot mean is refused at its line; what the language does not know is unknown."""
    folder = _folder(tmp_path, a=f"rules:\n  - name: r\n    {rule}")

    assert any(fault.startswith(f"rules/a.yaml:{expected}") for fault in _faults(folder))


@pytest.mark.parametrize(("step", "expected"), STEP_FAULTS)
def test_faults_of_a_step(tmp_path: Path, step: str, expected: str) -> None:
    """Actions, accounts, parameters and expressions of a step are checked before anything starts."""
    folder = _folder(tmp_path, a=f"{HEAD}    steps:\n      - {step}\n")

    assert any(fault.startswith(f"rules/a.yaml:{expected}") for fault in _faults(folder))


def test_every_fault_of_every_file_is_told_at_once(tmp_path: Path) -> None:
    """A fault in one place hides none in another: accounts, rules, steps, parameters, in the order of the files."""
    bad_accounts = ACCOUNTS + "  bad: {vendor: scalev, api_key: '${UNSET}', nonsense: 1}\nbusyness: {}\n"
    bad_rule = (
        "rules:\n  - name: one\n    on: [scalev.order.nothing]\n    whne: x\n    steps:\n"
        "      - action: scalev.nothing\n        aftr: 2h\n        account: wa9\n"
        "      - action: scalev.change_status\n        with: {ids: ['${ALSO_UNSET}'], color: red}\n"
        "  - name: 7\n  - name: two\n    on: [nothing.at.all]\n    when: nope\n" + STEPS
    )

    faults = _faults(_folder(tmp_path, bad_accounts, a=bad_rule, b="rules: {}\n"))

    assert [fault.partition(': did you mean "scalev.')[0].partition(" (there")[0] for fault in faults] == [
        'accounts.yaml:5: "signing_secrets" is missing',
        "accounts.yaml:5: the environment variable UNSET is not set",
        'accounts.yaml:5: unknown key "nonsense"',
        'accounts.yaml:6: unknown key "busyness": did you mean "business"?',
        'rules/a.yaml:3: unknown event type "scalev.order.nothing"',
        'rules/a.yaml:4: unknown key "whne": did you mean "when"?',
        'rules/a.yaml:6: unknown action "scalev.nothing"',
        'rules/a.yaml:7: unknown key "aftr": did you mean "after"?',
        'rules/a.yaml:8: unknown account "wa9": did you mean "wa"?',
        "rules/a.yaml:9: which account? toko, bad would fit",
        "rules/a.yaml:10: the environment variable ALSO_UNSET is not set",
        'rules/a.yaml:10: unknown parameter "color"',
        'rules/a.yaml:11: "on" is missing',
        'rules/a.yaml:11: "steps" is missing',
        "rules/a.yaml:11: name: Input should be a valid string",
        'rules/a.yaml:13: unknown event type "nothing.at.all"',
        'rules/a.yaml:14: unknown name "nope"',
        "rules/a.yaml:16: which account? toko, bad would fit",
        "rules/b.yaml:1: rules: Input should be a valid list",
    ]


def test_names_are_unique_across_files_and_steps_within_a_rule(tmp_path: Path) -> None:
    """A rule's name and a step's id are what deliveries are known by."""
    twice = HEAD + STEPS + STEPS.removeprefix("    steps:\n")

    faults = _faults(_folder(tmp_path, a=HEAD + STEPS, b=twice))

    assert faults == [
        'rules/b.yaml:2: a second rule "r", the first is at rules/a.yaml:2',
        'rules/b.yaml:7: a second step "change_status": give it an id of its own',
    ]


def test_files_of_editors_and_empty_files_are_no_rules(tmp_path: Path) -> None:
    """A dot file is passed over, a file of comments has no rules."""
    folder = _folder(tmp_path, a="# nothing yet\n", b=HEAD + STEPS)
    (folder / "rules" / ".b.yaml").write_text("rules: [")

    assert [rule.name for rule in load_config(folder, {}, CATALOG).rules] == ["r"]


def test_no_rules_at_all_is_fine(tmp_path: Path) -> None:
    """A shop may begin by only receiving."""
    (tmp_path / "accounts.yaml").write_text(ACCOUNTS)

    assert load_config(tmp_path, {}, CATALOG).rules == ()


def test_parameters_with_expressions_are_judged_when_they_are_rendered(tmp_path: Path) -> None:
    """`ids: "{{ data.ids }}"` may well be a list; constants beside it are judged at once."""
    text = HEAD + STEPS.replace("['1']", "'{{ data.ids }}'").replace("confirmed", "'{{ data.status }}'")

    [rule] = load_config(_folder(tmp_path, a=text), {}, CATALOG).rules

    assert rule.steps[0].render({"data": {"ids": [1], "status": "x"}}) == {"ids": [1], "status": "x"}
    assert (rule.steps[0].id, rule.steps[0].account) == ("change_status", "toko")


@pytest.mark.parametrize(
    ("pattern", "event_type", "fits"),
    [
        ("scalev.order.*", "scalev.order.created", True),
        ("scalev.*.created", "scalev.order.created", True),
        ("*.order.created", "scalev.order.created", True),
        ("scalev.*", "scalev.order.created", False),
        ("scalev.order.status_*", "scalev.order.status_changed", True),
        ("scalev.order.created", "scalev.order.created_late", False),
    ],
)
def test_a_star_stands_for_anything_within_one_segment(pattern: str, event_type: str, *, fits: bool) -> None:
    """`*` never crosses a dot."""
    assert matches(pattern, event_type) is fits


def test_a_rule_listens_to_its_accounts_only(tmp_path: Path) -> None:
    """Without `from` all accounts count, with it only those named."""
    text = HEAD + "    from: [toko]\n" + STEPS

    [rule] = load_config(_folder(tmp_path, a=text), {}, CATALOG).rules

    assert rule.listens_to("scalev.order.created", "toko")
    assert not rule.listens_to("scalev.order.created", "wa")
    assert not rule.listens_to("scalev.order.updated", "toko")


WHOLE = """\
rules:
  - name: remind
    on: [scalev.order.created]
    set: {who: "{{ order.customer_name or 'friend' }}", greeting: "Hello {{ who }}"}
    steps:
      - id: remind
        action: wabotick.send_template
        account: wa
        after: 1h30m
        unless: order.payment_status == "paid"
        cancel_on: [scalev.order.paid, scalev.order.cancel*]
        question: {answers: [Confirm, 1], within: 24h}
        with: {phone_number: "{{ order.phone }}", template_id: "1", variables: ["{{ greeting }}"]}
        on_failure:
          - id: again
            action: wabotick.send_template
            account: wa2
            reasons: undeliverable
            with: {phone_number: "{{ order.phone }}", template_id: "2"}
      - id: each
        action: scalev.change_status
        needs: remind
        for_each: "{{ order.products }}"
        at: "{{ order.created_at }}"
        with: {ids: ["{{ item.id }}", "{{ index }}", "{{ steps.remind.result.message_id }}"], status: confirmed}
"""


def _rule(tmp_path: Path) -> Rule:
    [rule] = load_config(_folder(tmp_path, a=WHOLE), {}, CATALOG).rules
    return rule


def _step(rule: Rule, step_id: str) -> Step:
    step = rule.step(step_id)
    assert step is not None
    return step


def test_every_key_of_a_step_is_compiled(tmp_path: Path) -> None:
    """What a step says stands in the rule that runs: times, conditions, what cancels it, how a message is treated."""
    step = _step(_rule(tmp_path), "remind")

    assert step.after == timedelta(hours=1, minutes=30)
    assert step.is_cancelled_by("scalev.order.canceled")
    assert not step.is_cancelled_by("scalev.order.shipped")
    assert step.question == Question(("Confirm", "1"), timedelta(hours=24))
    assert step.unless is not None
    assert step.unless({"order": {"payment_status": "paid"}}) is True


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    """A message is marketing, and waits for the morning; what is no message has nothing to do with either."""
    rule = _rule(tmp_path)

    again, each = _step(rule, "remind.again"), _step(rule, "each")
    assert (again.quiet_hours, again.category, again.success) == ("hold", "marketing", "accepted")
    assert (each.quiet_hours, each.category, each.needs) == ("send", None, ("remind",))
    assert again.reasons == {"undeliverable"}
    assert again.question is None
    assert _step(rule, "each[12]") is each


def test_values_of_the_rules_own_are_evaluated_in_order(tmp_path: Path) -> None:
    """A later one may use an earlier one; steps may use all of them."""
    rule = _rule(tmp_path)
    context = rule.with_names({"order": {"customer_name": None, "phone": "+628123456789"}})

    assert context["greeting"] == "Hello friend"
    assert _step(rule, "remind").render(context)["variables"] == ["Hello friend"]


def test_an_element_and_the_steps_before_can_be_spoken_of(tmp_path: Path) -> None:
    """In a step for each element of a list, and in one that needs another."""
    context = {"item": {"id": "p-1"}, "index": 0, "steps": {"remind": {"result": {"message_id": "wamid.1"}}}}

    assert _step(_rule(tmp_path), "each").render(context)["ids"] == ["p-1", 0, "wamid.1"]
