"""Verification: the published vectors, and everything a header can be that must not pass."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import TypeAdapter

from config.webhook_auth import WebhookAuth
from webhooks.examples import load_example
from webhooks.inbound import Inbound
from webhooks.verification import Match, Scheme, VerificationError, scheme_for, url_secrets_scheme

NOW = datetime.fromtimestamp(1614265330, UTC)


def _scheme(**auth: Any) -> Scheme:
    return scheme_for(TypeAdapter[Any](WebhookAuth).validate_python(auth))


def _verified(
    scheme: Scheme,
    body: bytes,
    headers: dict[str, Any],
    *,
    at: datetime = NOW,
    path: str | None = None,
    secrets: tuple[str, ...] = (),
) -> Match:
    sent = {name.lower(): tuple(value) if isinstance(value, list) else (value,) for name, value in headers.items()}
    evidence = scheme.evidence(Inbound("a", body, sent, "", path, None, at))
    assert not [secret for secret in secrets if secret in json.dumps(evidence)]
    return scheme.check(evidence, body, at)


def _refusal(scheme: Scheme, body: bytes, headers: dict[str, Any], **more: Any) -> str:
    with pytest.raises(VerificationError) as raised:
        _verified(scheme, body, headers, **more)
    return raised.value.reason


# Scalev 1.3: standard Base64 of the HMAC of the raw body.

SCALEV_SECRET = "example-signing-secret"
SCALEV = _scheme(
    scheme="hmac", header="X-Scalev-Hmac-Sha256", encoding="base64", secrets=["older-secret", SCALEV_SECRET]
)
SCALEV_VECTORS = [
    (
        (
            '{"event":"business.test_event","unique_id":"event_EXAMPLE00000000000000001",'
            '"timestamp":"2025-08-04T03:00:00.123456Z","data":{}}'
        ),
        "wyJeCSXFu2P4KYWL8mK3CzChsuCdRguD4C+2Bxgo1W4=",
    ),
    (
        '{"event":"business.test_event","timestamp":"2025-08-04T03:00:00.123456Z","data":{}}',
        "fhh7n9IGc6DXN57tmXOkRQyHJpDE4GbY8qzy+fhYzCA=",
    ),
    (
        (
            '{"event":"order.deleted","unique_id":"event_X","timestamp":"2025-08-04T03:40:06.207255Z",'
            '"data":{"order_id":"250804QWERTY","notes":"Café ☕"}}'
        ),
        "tsAiIUHMJJDucxZdufmqb9p6qUvvY5nRiCnkJXmM7cs=",
    ),
]


@pytest.mark.parametrize(("body", "signature"), SCALEV_VECTORS)
def test_the_vectors_of_scalev_match_and_say_which_secret(body: str, signature: str) -> None:
    """The signature is over the raw bytes; the index of the secret that matched is known."""
    assert _verified(SCALEV, body.encode(), {"X-Scalev-Hmac-Sha256": signature}) == Match(1)


def test_a_body_that_was_written_anew_does_not_match() -> None:
    """Escaping ☕ or adding a newline makes other bytes, which nobody signed."""
    body, signature = SCALEV_VECTORS[2]
    for other in (json.dumps(json.loads(body), separators=(",", ":")), body + "\n", body.replace(":", ": ", 1)):
        assert _refusal(SCALEV, other.encode(), {"X-Scalev-Hmac-Sha256": signature}) == "signature_mismatch"


_BODY, _SIGNATURE = SCALEV_VECTORS[1]
_HEX = base64.b64decode(_SIGNATURE).hex()


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "credential_missing"),
        ("", "credential_missing"),
        ([_SIGNATURE, _SIGNATURE], "credential_doubled"),
        (_SIGNATURE + "=" * 9000, "credential_overlong"),
        (_HEX, "signature_mismatch"),  # 64 characters of hex are Base64 too, of other bytes
        (_SIGNATURE.rstrip("="), "signature_malformed"),
        (_SIGNATURE + "=", "signature_malformed"),
        (" " + _SIGNATURE, "signature_malformed"),
        ("sha256=" + _SIGNATURE, "signature_malformed"),
        (_SIGNATURE.replace("CA=", "CB="), "signature_malformed"),  # the same bytes, spelled with spare bits set
        (_SIGNATURE.replace("+", "-"), "signature_malformed"),
        ("é" * 44, "signature_malformed"),
        (base64.b64encode(b"short").decode(), "signature_mismatch"),
        (base64.b64encode(bytes(32)).decode(), "signature_mismatch"),
    ],
)
def test_a_signature_that_is_not_exactly_right_is_refused(header: Any, reason: str) -> None:
    """Missing, doubled, overlong, of another encoding, almost right: each has its word."""
    headers = {} if header is None else {"X-Scalev-Hmac-Sha256": header}

    assert _refusal(SCALEV, _BODY.encode(), headers) == reason


# GitHub and Meta style: hex with a prefix.


def test_hex_with_a_prefix_as_meta_signs() -> None:
    """`sha256=<hex>` over the raw body, in capitals too; without the prefix, with blanks or cut short it is refused."""
    secret, body = "example-app-secret", '{"name":"Zoë"}'.encode()
    scheme = _scheme(scheme="hmac", header="X-Hub-Signature-256", prefix="sha256=", secrets=[secret])
    digest = hmac.digest(secret.encode(), body, hashlib.sha256).hex()

    assert _verified(scheme, body, {"x-hub-signature-256": f"sha256={digest}"}, secrets=(secret,)) == Match(0)
    assert _verified(scheme, body, {"x-hub-signature-256": f"sha256={digest.upper()}"}) == Match(0)
    for wrong in (digest, f"sha1={digest}", f"sha256={digest[:-2]} {digest[-2:]}", f"sha256={digest[:-1]}"):
        assert _refusal(scheme, body, {"x-hub-signature-256": wrong}) == "signature_malformed"
    for short in ("", digest[:-2]):
        assert _refusal(scheme, body, {"x-hub-signature-256": f"sha256={short}"}) == "signature_mismatch"


# Proton's manifest: one example of each scheme, over the compact body in file order.

PROTON_SECRET = "whsec_cHJvdG9uLWV4YW1wbGUtc2VjcmV0LTAwMDAwMDAwMDE="
PROTON_BODY = json.dumps(load_example("proton", "customer.created"), separators=(",", ":"), ensure_ascii=False).encode()
PROTON_AT = datetime.fromtimestamp(1772460332, UTC)
PROTON_SIGNED = {
    "X-Webhook-Signature": "sha256=636a34823beb36309ee4508e10aa8cd86e924ef8437dace84194d99e5b6a90ad",
}
PROTON_T_V1 = "t=1772460332,v1=65d0cb973ab0a4403acd687413d85f468c74b32bfc4681669e80564cbd4f5360"
PROTON_STANDARD = {
    "webhook-id": "msg_proton_customer_created_1",
    "webhook-timestamp": "1772460332",
    "webhook-signature": "v1,LIB5EzGKxb4AZzXfRiTZ6wEWXGCIKBXHmrqKiJ4pxwA=",
}


def _proton_key() -> str:
    """The manifest signs with the bytes behind whsec_, which are text here."""
    return base64.b64decode(PROTON_SECRET.removeprefix("whsec_")).decode()


def test_the_manifests_body_is_ours() -> None:
    """Our example of proton is byte for byte what the manifest signed."""
    assert hashlib.sha256(PROTON_BODY).hexdigest() == "2be93e95886b6b52e256d622b7c115c56bbdf23a88a2a3ce62a8b3b3740ad198"


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        ({"scheme": "hmac", "header": "X-Webhook-Signature", "prefix": "sha256="}, PROTON_SIGNED),
        ({"scheme": "hmac", "header": "X-Sig", "layout": "t_v1"}, {"X-Sig": PROTON_T_V1}),
        (
            {"scheme": "hmac", "header": "X-Sig", "timestamp_header": "X-At"},
            {"X-Sig": PROTON_T_V1.partition("v1=")[2], "X-At": "1772460332"},
        ),
    ],
)
def test_the_hmac_examples_of_protons_manifest(auth: dict[str, Any], headers: dict[str, str]) -> None:
    """Over the body, with `t=…,v1=…` in one header, with the timestamp in a header of its own."""
    match = None
    for secret in (_proton_key(), PROTON_SECRET):
        scheme = _scheme(**auth, secrets=["another-secret", secret])
        try:
            match = match or _verified(scheme, PROTON_BODY, headers, at=PROTON_AT, secrets=(secret,))
        except VerificationError:
            continue
    assert match == Match(1)


def test_the_other_examples_of_protons_manifest() -> None:
    """Standard Webhooks and a shared secret in a header."""
    standard = _scheme(scheme="standard_webhooks", secrets=[PROTON_SECRET])
    static = _scheme(
        scheme="static", header="X-Webhook-Secret", secrets=["other-one", "example-shared-secret-not-real"]
    )

    assert _verified(standard, PROTON_BODY, PROTON_STANDARD, at=PROTON_AT) == Match(0)
    given = {"X-Webhook-Secret": "example-shared-secret-not-real"}
    assert _verified(static, b"", given, secrets=("example-shared-secret-not-real",)) == Match(1)


@pytest.mark.parametrize(
    "timestamp", ["hello", "", "1614265330.5", "-1", "١٦١٤٢٦٥٣٣٠", "9" * 13, "1614265029", "1614265631"]
)
@pytest.mark.parametrize("layout", ["plain", "t_v1"])
def test_a_timestamp_must_be_whole_seconds_within_the_tolerance(timestamp: str, layout: str) -> None:
    """No number, another alphabet, 301 s too old or too new: refused, however well it is signed."""
    scheme = _scheme(
        scheme="hmac", header="X-Sig", layout=layout, timestamp_header="X-At" if layout == "plain" else None,
        secrets=["long-enough"],
    )  # fmt: skip
    digest = hmac.digest(b"long-enough", timestamp.encode() + b".{}", hashlib.sha256).hex()
    sent = {"X-Sig": digest, "X-At": timestamp} if layout == "plain" else {"X-Sig": f"t={timestamp},v1={digest}"}

    assert _refusal(scheme, b"{}", sent) in {
        "timestamp_malformed", "timestamp_outside_tolerance", "credential_missing"
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "v1=abc", "t=1614265330", "t,v1", ",,,"])
def test_a_header_of_two_parts_needs_both(text: str) -> None:
    """`t=…,v1=…` with a part missing is malformed."""
    scheme = _scheme(scheme="hmac", header="X-Sig", layout="t_v1", secrets=["long-enough"])

    reason = _refusal(scheme, b"{}", {"X-Sig": text})

    assert reason in {"signature_malformed", "timestamp_malformed", "credential_missing"}


# Static, basic, URL secret.


def test_a_bearer_token_is_compared_by_its_hash() -> None:
    """Authorization: Bearer <secret>, the word in any case; the evidence holds no secret."""
    scheme = _scheme(scheme="static", secrets=["first-secret", "second-secret"])

    for word in ("Bearer", "bearer", "BEARER"):
        sent = {"Authorization": f"{word} second-secret"}
        assert _verified(scheme, b"", sent, secrets=("second-secret",)) == Match(1)
    assert _refusal(scheme, b"", {"Authorization": "Bearer first"}) == "credential_mismatch"
    assert _refusal(scheme, b"", {"Authorization": ["Bearer first-secret"] * 2}) == "credential_doubled"
    assert _refusal(scheme, b"", {}) == "credential_missing"


def test_basic_wants_user_and_password() -> None:
    """HTTP Basic is decoded strictly; nothing that does not decode can match."""
    scheme = _scheme(scheme="basic", secrets=["user:pass-word", "user:pässwörd"])

    def sent(text: str) -> dict[str, str]:
        return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    assert _verified(scheme, b"", sent("user:pässwörd"), secrets=("pässwörd", sent("user:pässwörd")["Authorization"]))
    for wrong in ({"Authorization": "Basic !!!"}, {"Authorization": "Bearer x"}, sent("user:"), sent("")):
        assert _refusal(scheme, b"", wrong) == "credential_mismatch"


def test_a_secret_in_the_url_says_which_trigger_it_is() -> None:
    """Each trigger has secrets of its own; the index counts within the trigger."""
    auth = _scheme(scheme="url_secret", secrets=["path-secret"])
    found = TypeAdapter[Any](WebhookAuth).validate_python(
        {"scheme": "url_secret", "secrets": ["flow-secret", "flow-older"]}
    )
    triggers = url_secrets_scheme({"incoming": found.secrets[:0], "flow": found.secrets})

    assert auth.in_path
    assert _verified(auth, b"", {}, path="path-secret", secrets=("path-secret",)) == Match(0)
    assert _verified(triggers, b"", {}, path="flow-older") == Match(1, "flow")
    assert _refusal(triggers, b"", {}, path="flow") == "credential_mismatch"
    assert _refusal(triggers, b"", {}, path=None) == "credential_missing"


# JWT.

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
).decode()  # fmt: skip
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
JWKS = json.dumps({"keys": [jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True) | {"kid": "1"}]})
CLAIMS = {"company": "harborline", "user_id": "ops"}


def _token(key: Any = KEY, algorithm: str = "RS256", **claims: Any) -> dict[str, str]:
    return {"Authorization": "Bearer " + jwt.encode(CLAIMS | claims, key, algorithm=algorithm)}


@pytest.mark.parametrize("secret", [PEM, JWKS])
def test_a_token_is_verified_with_a_pem_or_a_jwks(secret: str) -> None:
    """RS256 by one of the configured keys, the demanded claims equal; the token is not kept."""
    scheme = _scheme(scheme="jwt", secrets=[secret], claims={"company": "harborline"})
    sent = _token(exp=NOW.timestamp() + 1, nbf=NOW.timestamp() - 1, aud="whoever")

    assert _verified(scheme, b"", sent, secrets=(sent["Authorization"].split(".")[2],)) == Match(0)
    assert _verified(scheme, b"", sent | {"X-User-Id": "ops"}) == Match(0)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (_token(OTHER), "signature_mismatch"),
        (_token(company="other"), "claims_differ"),
        (_token(company=["harborline"]), "claims_differ"),
        (_token() | {"X-User-Id": "somebody"}, "claims_differ"),
        (_token(exp=NOW.timestamp() - 100), "claims_differ"),
        (_token(nbf=NOW.timestamp() + 100), "claims_differ"),
        (_token("k" * 64, "HS256"), "token_refused"),
        (_token(None, "none"), "token_refused"),
        ({"Authorization": "Bearer not.a.token"}, "token_refused"),
        ({"Authorization": "Bearer"}, "token_refused"),
        ({}, "credential_missing"),
    ],
)
def test_a_token_that_is_not_exactly_right_is_refused(sent: dict[str, str], reason: str) -> None:
    """Another key, another algorithm, other claims, too late, too early."""
    scheme = _scheme(scheme="jwt", secrets=[PEM], claims={"company": "harborline"})

    assert _refusal(scheme, b"", sent) == reason
