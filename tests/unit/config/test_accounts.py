"""accounts.yaml and rules/*.yaml: every fault at its file and line, all at once, and no secret in any of them."""

import textwrap
from pathlib import Path

import pytest

from config.accounts import MODELS
from config.faults import ConfigError
from config.load import Config, load_accounts, load_config
from config.settings import EXAMPLES
from tasks.actions.registry import make_catalog
from tests.support.variables import variables_of

CATALOG = make_catalog()
SECRET = "s3cr3t-value-of-the-shop"
ENVIRON = {"SECRET": SECRET}

ACCOUNTS = """\
accounts:
  toko:
    vendor: scalev
    signing_secrets: ["${SECRET}"]
    api_key: "${SECRET}"
  wa:
    vendor: wabotick
    api_token: "1|token"
    phone_number_id: 100000000000001
    url_secrets:
      incoming: incoming-secret
      flow: [flow-secret, flow-secret-old]
"""
RULE = """\
rules:
  - name: confirm
    on: [scalev.order.created]
    when: order.phone
    steps:
      - action: scalev.change_status
        with:
          ids: ["{{ order.id }}"]
          status: confirmed
"""


def _write(folder: Path, accounts: str | bytes | None, rules: dict[str, str | bytes] | None = None) -> Path:
    (folder / "rules").mkdir(exist_ok=True)
    files = {"accounts.yaml": accounts} | {f"rules/{name}": text for name, text in (rules or {}).items()}
    for name, content in files.items():
        if content is not None:
            (folder / name).write_bytes(content if isinstance(content, bytes) else textwrap.dedent(content).encode())
    return folder


def _faults(folder: Path, environ: dict[str, str] = ENVIRON) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load_config(folder, environ, CATALOG)
    found = str(raised.value).splitlines()
    assert SECRET not in str(raised.value)
    return found


def _load(folder: Path, environ: dict[str, str] = ENVIRON) -> Config:
    return load_config(folder, environ, CATALOG)


def test_the_shipped_examples_load() -> None:
    """What ships with the program has no fault once its variables are set."""
    config = load_config(EXAMPLES, VARIABLES, CATALOG)

    assert {account.vendor for account in config.accounts.values()} == set(MODELS)
    assert {rule.name for rule in config.rules} >= {"tell-buyer-shipped", "confirm-by-button"}


def test_every_missing_variable_of_the_examples_is_told_at_its_line() -> None:
    """Nothing set: one fault a variable, none of them followed by faults that only follow from it."""
    faults = _faults(EXAMPLES, {})

    assert len(faults) == len(VARIABLES)
    assert faults[0] == "accounts.yaml:7: the environment variable SCALEV_SIGNING_SECRET is not set"
    assert all("is not set" in fault for fault in faults)


VARIABLES = variables_of([EXAMPLES / "accounts.yaml", *(EXAMPLES / "rules").glob("*.yaml")])
ACCOUNT_FAULTS = [
    # what is written for "  toko:" in accounts.yaml, from line 2 on; the faults
    ("vendor: scalve", ['accounts.yaml:3: unknown vendor "scalve": did you mean "scalev"?']),
    ("vendor: shopify", [f'accounts.yaml:3: unknown vendor "shopify" (there are {", ".join(MODELS)})']),
    ("api_key: x", ['accounts.yaml:2: "vendor" is missing']),
    (
        "vendor: scalev\napi_kye: x\nsigning_secrets: [12345678]",
        ['accounts.yaml:2: "api_key" is missing', 'accounts.yaml:4: unknown key "api_kye": did you mean "api_key"?'],
    ),
    (
        "{vendor: scalev, signing_secrets: ['${UNSET}'], api_key: '', bogus: 1}",
        [
            "accounts.yaml:3: accounts.toko.api_key: Value should have at least 1 item after validation, not 0",
            "accounts.yaml:3: the environment variable UNSET is not set",
            'accounts.yaml:3: unknown key "bogus"',
        ],
    ),
    ("vendor: scalev\napi_key: x\nsigning_secrets: []", ["accounts.yaml:5: accounts.toko.signing_secrets: List"]),
    ("vendor: scalev\napi_key: x\nsigning_secrets: [short]", ["accounts.yaml:5: accounts.toko.signing_secrets: a sec"]),
    (
        "vendor: scalev\napi_key: x\nsigning_secrets: [long-enough]\nbase_url: ftp://x\ncountry: Indonesia",
        ["accounts.yaml:6: accounts.toko.base_url: an address", "accounts.yaml:7: accounts.toko.country: unknown"],
    ),
    (
        "vendor: wabotick\napi_token: t\nphone_number_id: 1\nurl_secrets: {incomming: long-enough}",
        ["accounts.yaml:6: accounts.toko.url_secrets.incomming: Input should be 'incoming'"],
    ),
    (
        "vendor: wabotick\napi_token: t\nphone_number_id: 1\nurl_secrets: {flow: same-secret, status: same-secret}",
        ["accounts.yaml:2: accounts.toko: url_secrets: two of them are the same"],
    ),
    (
        "vendor: wabotick\napi_token: t\nphone_number_id: 1\nurl_secrets:\n  flow: [fine-secret, 'with/slash']",
        ["accounts.yaml:7: accounts.toko.url_secrets.flow: a secret in a URL may have"],
    ),
    (
        (
            "vendor: generic\nevent_types: [a.b]\nkept_headers: [Authorization]\nevent:\n  type: '{{ bdoy.event }}'\n"
            "webhook_auth: {scheme: static, secrets: [long-enough]}"
        ),
        ["accounts.yaml:5: accounts.toko.kept_headers: a header that carries a credential is not kept"],
    ),
    (
        (
            "vendor: generic\nevent_types: [a.b]\nevent:\n  type: '{{ bdoy.event }}'\n  id: '{{ body.id'\n"
            "webhook_auth: {scheme: static, secrets: [long-enough]}"
        ),
        [
            'accounts.yaml:6: type: unknown name "bdoy": did you mean "body"?',
            "accounts.yaml:7: id: cannot be read",
        ],
    ),
    (
        "vendor: freighttech",
        ["accounts.yaml:2: accounts.toko: either url_secrets or tracking_secrets is wanted"],
    ),
]
AUTH_FAULTS = [
    ("{scheme: hmca, secrets: [long-enough]}", 'unknown scheme "hmca": did you mean "hmac"?'),
    ("{scheme: hmac, header: X-Sig, secerts: [long-enough]}", 'unknown key "secerts": did you mean "secrets"?'),
    ("{scheme: hmac, header: 'X Sig', secrets: [long-enough]}", "header: String should match pattern"),
    ("{scheme: standard_webhooks, secrets: ['whsec_']}", "a secret of at least 8 characters"),
    ("{scheme: standard_webhooks, secrets: ['whsec_@@@@']}", "a Standard Webhooks secret is whsec_ and Base64"),
    ("{scheme: standard_webhooks, secrets: ['whsec_é-é-é-é']}", "a Standard Webhooks secret is whsec_ and Base64"),
    ("{scheme: basic, secrets: [nopassword]}", "user:password is wanted"),
    ("{scheme: url_secret, secrets: ['what?now#']}", "a secret in a URL may have"),
    ("{scheme: jwt, secrets: ['-----BEGIN PUBLIC KEY-----']}", "an RSA public key is wanted"),
    ("{scheme: jwt, secrets: ['{\"keys\": []}']}", "an RSA public key is wanted"),
    ("{scheme: hmac, header: X-Sig, secrets: [long-enough], tolerance_seconds: .inf}", "finite number"),
]


@pytest.mark.parametrize(("account", "expected"), ACCOUNT_FAULTS)
def test_faults_of_an_account(tmp_path: Path, account: str, expected: list[str]) -> None:
    """Every fault stands at its line, with the nearest known word where there is one."""
    text = "accounts:\n  toko:\n" + textwrap.indent(account, "    ")

    faults = _faults(_write(tmp_path, text))

    assert len(faults) == len(expected)
    for fault, start in zip(faults, expected, strict=True):
        assert fault.startswith(start)


@pytest.mark.parametrize(("auth", "said"), AUTH_FAULTS)
def test_faults_of_a_webhooks_authentication(tmp_path: Path, auth: str, said: str) -> None:
    """A scheme that could never verify anything does not load."""
    text = "accounts:\n  crm:\n    vendor: proton\n    company: c\n    user_id: u\n    api_key: k\n"
    text += f"    webhook_auth: {auth}\n"

    assert any(said in fault and fault.startswith("accounts.yaml:7:") for fault in _faults(_write(tmp_path, text)))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "accounts.yaml: cannot be read: No such file or directory"),
        (b"", "accounts.yaml:1: is empty"),
        (b"# nothing but a comment\n", "accounts.yaml:1: is empty"),
        (b"accounts: \xff\n", "accounts.yaml: is not UTF-8 text"),
        (b"accounts:\n\ttoko: 1\n", "accounts.yaml:2: not valid YAML: found character '\\t'"),
        (b"accounts: [\n", "accounts.yaml:2: not valid YAML"),
        (b"accounts:\n  a: 1\n  a: 2\n", 'accounts.yaml:3: the key "a" stands here twice'),
        (b"accounts: 2026-13-45\n", "accounts.yaml: not valid YAML: month must be in 1..12"),
        (b"accounts: a\x00b\n", "accounts.yaml: not valid YAML"),
        (b"accounts: " + b"[" * 5000 + b"]" * 5000, "accounts.yaml: not valid YAML: nested too deeply"),
        (b"just a text\n", "accounts.yaml:1: "),
        (b"accounts: {}\n", "accounts.yaml:1: accounts: "),
        (b"accounts: {Toko: {vendor: scalev}}\n", "accounts.yaml:1: "),
        (b"acounts: {}\n", 'accounts.yaml:1: "accounts" is missing'),
    ],
)
def test_a_file_that_cannot_be_read_is_a_fault_with_its_line(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    """Whatever is in the file, the answer is a fault and not a trace."""
    assert any(fault.startswith(expected) for fault in _faults(_write(tmp_path, content)))


@pytest.mark.parametrize(
    "line",
    [
        f"api_key: x\n    api_key: {SECRET}",
        f"api_key: *{SECRET}",
        f"api_key: x\n    base_url: {SECRET}",
        f"api_key: [{SECRET}]",
        "api_key: x\n    country: ${SECRET}",
        "api_key: x\n    signing_secrets: ${SECRET}",
    ],
)
def test_no_fault_quotes_a_secret(tmp_path: Path, line: str) -> None:
    """Faults go to terminals, logs and tickets: what may be a secret is told by its place only."""
    assert _faults(_write(tmp_path, f"accounts:\n  toko:\n    vendor: scalev\n    {line}\n"))


def test_a_rule_that_quotes_a_variable_is_told_by_the_variables_name(tmp_path: Path) -> None:
    """What came from the environment is shown as ${NAME}, even where the fault is about its value."""
    rule = RULE.replace("when: order.phone", "when: ${SECRET} == 1").replace("scalev.change", "${SECRET}.change")

    assert 'unknown action "${SECRET}.change_status"' in "\n".join(
        _faults(_write(tmp_path, ACCOUNTS, {"a.yaml": rule}))
    )


def test_references_are_filled_in(tmp_path: Path) -> None:
    """${NAME}, ${NAME:-default}, ${file:path} and $${ for a plain one; values are not read a second time."""
    (tmp_path / "secret").write_text("from-a-file\n")
    text = f"""\
    accounts:
      toko:
        vendor: scalev
        signing_secrets: ["${{file:{tmp_path}/secret}}", "${{NESTED}}"]
        api_key: "$${{SECRET}}${{UNSET:-default}}$"
    """

    account = _load(_write(tmp_path, text), {"NESTED": "${SECRET}-is-plain"}).accounts["toko"]

    assert account.model_dump()["api_key"].get_secret_value() == "${SECRET}default$"
    secrets = [secret.get_secret_value() for secret in account.model_dump()["signing_secrets"]]
    assert secrets == ["from-a-file", "${SECRET}-is-plain"]


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("${UNSET}", "the environment variable UNSET is not set"),
        ("${EMPTY}", "the environment variable EMPTY is not set"),
        ("${not a name}", "${not a name} is not the name of a variable"),
        ("${SECRET", "${ without its }"),
        ("${file:/nowhere/at/all}", "the file /nowhere/at/all cannot be read: No such file"),
        ("${file:/dev/null}", "the file /dev/null is empty"),
    ],
)
def test_a_reference_without_a_value_is_one_fault_at_its_line(tmp_path: Path, reference: str, said: str) -> None:
    """It is told once: what follows from the lacking value is not told beside it."""
    text = ACCOUNTS.replace('api_key: "${SECRET}"', f'api_key: "{reference}"')

    [fault] = _faults(_write(tmp_path, text), ENVIRON | {"EMPTY": ""})

    assert fault.startswith(f"accounts.yaml:5: {said}")


def test_yaml_1_2_reads_on_as_a_word_and_numbers_as_texts_where_texts_are_wanted(tmp_path: Path) -> None:
    """`on:` is a key, not true; an unquoted id is an id."""
    config = _load(_write(tmp_path, ACCOUNTS, {"a.yaml": RULE}))

    assert config.rules[0].patterns == ("scalev.order.created",)
    assert config.accounts["wa"].model_dump()["phone_number_id"] == "100000000000001"
    assert config.rules[0].where == "rules/a.yaml:2"
    assert set(load_accounts(tmp_path, ENVIRON).accounts) == {"toko", "wa"}
