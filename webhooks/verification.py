"""Whether a request is the vendor's: one check per scheme, over the raw bytes, in constant time.

Invariant: a check looks at `evidence` and the body only. Evidence is what the sender proved itself with, and never
holds a secret (a static secret only as its hash), so that a refused body can be kept and verified again.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from config import webhook_auth
from config.accounts import Account
from webhooks.inbound import Inbound

Evidence = dict[str, str]
IN_PATH = "path"
"""The piece of evidence that a secret in the URL is."""

_BEARER = "bearer "
_MOST_SIGNATURES = 20
_MOST_CHARACTERS = 8_000
_CLOCK_SKEW_SECONDS = 60


class VerificationError(Exception):
    """A request does not prove that it is the vendor's; `reason` is one stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Match:
    """Which secret matched: its place in the list, and the endpoint that it belongs to where that says something."""

    secret_index: int
    trigger: str | None = None


@dataclass(frozen=True)
class Scheme:
    """How the requests of one account are verified."""

    evidence: Callable[[Inbound], Evidence]
    """Take from a request what it proves itself with."""
    check: Callable[[Evidence, bytes, datetime], Match]
    """Return which secret matched, for a body received at that moment; raises VerificationError."""
    in_path: bool = False
    """Whether the secret is a part of the URL."""


def schemes_of(account: Account) -> tuple[Scheme, ...]:
    """Return how an account's requests are verified: by its URL secrets, and by its proofs for other URLs."""
    secrets: Mapping[str, list[SecretStr]] = getattr(account, "url_secrets", {})
    by_url = (url_secrets_scheme(secrets),) if secrets else ()
    return (*by_url, all_of([scheme_for(auth) for auth in account.proofs])) if account.proofs else by_url


def scheme_for(auth: Any) -> Scheme:
    """Return the scheme that a `webhook_auth` chooses."""
    return _BUILDERS[type(auth)](auth)


def hmac_scheme(auth: webhook_auth.HmacScheme) -> Scheme:
    """HMAC-SHA256, in hexadecimal or Base64, over the body or over `<timestamp>.<body>`."""

    def evidence(inbound: Inbound) -> Evidence:
        found = _single(inbound, auth.header)
        if auth.timestamp_header:
            found |= _single(inbound, auth.timestamp_header)
        return found

    def check(given: Evidence, body: bytes, received_at: datetime) -> Match:
        text, content, timestamp = _only(given, auth.header), body, None
        if auth.timestamp_header:
            timestamp = _only(given, auth.timestamp_header)
        elif auth.layout == "t_v1":
            timestamp, text = _t_v1(text)
        if not text.startswith(auth.prefix):
            raise VerificationError("signature_malformed")
        presented = _decoded(text.removeprefix(auth.prefix), auth.encoding)
        if timestamp is not None:
            _check_age(timestamp, received_at, auth.tolerance_seconds)
            content = timestamp.encode() + b"." + body
        return _match(presented, (hmac_sha256(key, content) for key in _keys(auth.secrets)))

    return Scheme(evidence, check)


def standard_webhooks_scheme(auth: webhook_auth.StandardWebhooksScheme) -> Scheme:
    """Standard Webhooks: `v1` signatures over `<id>.<timestamp>.<body>`; any of several in the header may match."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    keys = [webhook_auth.standard_webhooks_key(secret) for secret in auth.secrets]

    def evidence(inbound: Inbound) -> Evidence:
        return {name: value for header in names for name, value in _single(inbound, header).items()}

    def check(given: Evidence, body: bytes, received_at: datetime) -> Match:
        message_id, timestamp, signatures = (_only(given, name) for name in names)
        _check_age(timestamp, received_at, auth.tolerance_seconds)
        content = f"{message_id}.{timestamp}.".encode() + body
        expected = [hmac_sha256(key, content) for key in keys]
        for entry in signatures.split(" ")[:_MOST_SIGNATURES]:
            version, _, text = entry.partition(",")
            if version != "v1":
                continue
            with suppress(VerificationError):
                return _match(_decoded(text, "base64"), iter(expected))
        raise VerificationError("signature_mismatch")

    return Scheme(evidence, check)


def static_scheme(auth: webhook_auth.StaticScheme) -> Scheme:
    """The secret itself in a header, as a bearer token when the header is Authorization."""

    def evidence(inbound: Inbound) -> Evidence:
        return _of_header(inbound, auth.header, lambda value: _fingerprint(_bare(value, auth.header)))

    def check(given: Evidence, _body: bytes, _received_at: datetime) -> Match:
        return _match_fingerprint(_only(given, auth.header), auth.secrets)

    return Scheme(evidence, check)


def basic_scheme(auth: webhook_auth.BasicScheme) -> Scheme:
    """HTTP Basic with `user:password`."""

    def evidence(inbound: Inbound) -> Evidence:
        return _of_header(inbound, "authorization", lambda value: _fingerprint(_basic(value)))

    def check(given: Evidence, _body: bytes, _received_at: datetime) -> Match:
        return _match_fingerprint(_only(given, "authorization"), auth.secrets)

    return Scheme(evidence, check)


def url_secret_scheme(auth: webhook_auth.UrlSecretScheme) -> Scheme:
    """The secret as the last part of the URL."""
    return url_secrets_scheme({"": auth.secrets})


def url_secrets_scheme(secrets: Mapping[str, list[SecretStr]]) -> Scheme:
    """Secrets as the last part of the URL; which of them matches says which trigger it is."""
    flat = [(trigger, index, secret) for trigger, some in secrets.items() for index, secret in enumerate(some)]

    def evidence(inbound: Inbound) -> Evidence:
        return {IN_PATH: _fingerprint(inbound.path_secret)} if inbound.path_secret else {}

    def check(given: Evidence, _body: bytes, _received_at: datetime) -> Match:
        found = _match_fingerprint(_only(given, IN_PATH), [secret for _, _, secret in flat])
        trigger, index, _ = flat[found.secret_index]
        return Match(index, trigger or None)

    return Scheme(evidence, check, in_path=True)


def jwt_scheme(auth: webhook_auth.JwtScheme) -> Scheme:
    """A token signed with RS256 by one of the configured keys, with the claims that are demanded.

    The verdict is kept, not the token: with it whoever reads the quarantine could sign in. So this is the one scheme
    whose refused bodies cannot be verified again.
    """
    keys = [webhook_auth.rsa_keys(secret) for secret in auth.secrets]

    def evidence(inbound: Inbound) -> Evidence:
        return _of_header(
            inbound, auth.header, lambda value: _verdict(_bare(value, auth.header), keys, auth.claims, inbound)
        )

    def check(given: Evidence, _body: bytes, _received_at: datetime) -> Match:
        verdict = _only(given, auth.header)
        if not verdict.isdecimal():
            raise VerificationError(verdict)
        return Match(int(verdict))

    return Scheme(evidence, check)


def all_of(schemes: Sequence[Scheme]) -> Scheme:
    """Every one of several schemes; which secret matched is told of the first."""

    def evidence(inbound: Inbound) -> Evidence:
        return {name: value for scheme in schemes for name, value in scheme.evidence(inbound).items()}

    def check(given: Evidence, body: bytes, received_at: datetime) -> Match:
        matches = [scheme.check(given, body, received_at) for scheme in schemes]
        return matches[0]

    return Scheme(evidence, check, in_path=any(scheme.in_path for scheme in schemes))


_BUILDERS: dict[type, Callable[[Any], Scheme]] = {
    webhook_auth.HmacScheme: hmac_scheme,
    webhook_auth.StandardWebhooksScheme: standard_webhooks_scheme,
    webhook_auth.StaticScheme: static_scheme,
    webhook_auth.BasicScheme: basic_scheme,
    webhook_auth.UrlSecretScheme: url_secret_scheme,
    webhook_auth.JwtScheme: jwt_scheme,
}


def hmac_sha256(key: bytes, content: bytes) -> bytes:
    """Return the 32 bytes of the HMAC-SHA256."""
    return hmac.digest(key, content, hashlib.sha256)


def _single(inbound: Inbound, header: str) -> Evidence:
    """Take a header; one that was sent twice, or is longer than any credential, is told apart from one not sent."""
    return _of_header(inbound, header, lambda value: value)


def _of_header(inbound: Inbound, header: str, kept: Callable[[str], str]) -> Evidence:
    values = inbound.headers.get(header.lower(), ())
    if len(values) > 1:
        return {"doubled": header.lower()}
    if values and len(values[0]) > _MOST_CHARACTERS:
        return {"overlong": header.lower()}
    return {header.lower(): kept(values[0])} if values and values[0] else {}


def _only(given: Evidence, header: str) -> str:
    value = given.get(header.lower(), "")
    if not value:
        faults = (word for word in ("doubled", "overlong") if given.get(word) == header.lower())
        raise VerificationError(f"credential_{next(faults, 'missing')}")
    return value


def _decoded(text: str, encoding: str) -> bytes:
    """Decode a signature; only the one spelling that encoding the result gives again is taken."""
    try:
        found = bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
    except ValueError:
        raise VerificationError("signature_malformed") from None
    if text.lower() != found.hex() if encoding == "hex" else text != base64.b64encode(found).decode():
        raise VerificationError("signature_malformed")
    return found


def _t_v1(text: str) -> tuple[str, str]:
    parts = dict(part.strip().partition("=")[::2] for part in text.split(","))
    if not {"t", "v1"} <= parts.keys():
        raise VerificationError("signature_malformed")
    return parts["t"], parts["v1"]


def _bare(value: str, header: str) -> str:
    """Return a credential without the word Bearer, which stands before it in one header only."""
    is_bearer = header.lower() == "authorization" and value[: len(_BEARER)].lower() == _BEARER
    return value[len(_BEARER) :].strip() if is_bearer else value


def _match(presented: bytes, expected: Iterator[bytes]) -> Match:
    found: int | None = None
    for index, digest in enumerate(expected):  # all are compared, so that time does not tell which one matched
        if hmac.compare_digest(presented, digest) and found is None:
            found = index
    if found is None:
        raise VerificationError("signature_mismatch")
    return Match(found)


def _match_fingerprint(presented: str, secrets: list[SecretStr]) -> Match:
    try:
        return _match(presented.encode(), (_fingerprint(secret.get_secret_value()).encode() for secret in secrets))
    except VerificationError:
        raise VerificationError("credential_mismatch") from None


def _fingerprint(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _keys(secrets: list[SecretStr]) -> Iterator[bytes]:
    return (secret.get_secret_value().encode() for secret in secrets)


def _check_age(timestamp: str, received_at: datetime, tolerance_seconds: float) -> None:
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        raise VerificationError("timestamp_malformed")
    if abs(received_at.timestamp() - int(timestamp)) > tolerance_seconds:
        raise VerificationError("timestamp_outside_tolerance")


def _basic(value: str) -> str:
    kind, _, text = value.partition(" ")
    try:
        return base64.b64decode(text, validate=True).decode() if kind.lower() == "basic" else ""
    except ValueError:
        return ""


def _verdict(token: str, keys: list[list[Any]], claims: Mapping[str, str], inbound: Inbound) -> str:
    """Return the index of the secret that signed a token, or what is wrong with it."""
    import jwt  # noqa: PLC0415 - slow to load, and few accounts use this scheme

    for index, some in enumerate(keys):
        for key in some:
            try:
                said = jwt.decode(
                    token,
                    key,
                    algorithms=["RS256"],
                    options={"verify_aud": False, "verify_exp": False, "verify_nbf": False, "verify_iat": False},
                )
            except jwt.InvalidSignatureError:
                continue
            except jwt.PyJWTError:
                return "token_refused"
            return str(index) if _are_as_wanted(said, claims, inbound) else "claims_differ"
    return "signature_mismatch"


def _are_as_wanted(said: Mapping[str, Any], claims: Mapping[str, str], inbound: Inbound) -> bool:
    """Whether a token is valid at the moment of receipt, has the demanded claims, and names the user of X-User-Id."""
    now = inbound.received_at.timestamp()
    not_before, expires = said.get("nbf", now), said.get("exp", now)
    if not all(isinstance(bound, int | float) for bound in (not_before, expires)):
        return False
    user = inbound.header("x-user-id") if "user_id" in said else None
    return (
        not_before - _CLOCK_SKEW_SECONDS <= now <= expires + _CLOCK_SKEW_SECONDS
        and all(said.get(name) == value for name, value in claims.items())
        and user in {None, said.get("user_id")}
    )
