"""Standard Webhooks: the published and the computed vectors, positive and negative."""

from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from config.webhook_auth import StandardWebhooksScheme
from webhooks.inbound import Inbound
from webhooks.verification import Match, VerificationError, scheme_for

ONE = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TWO = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", '{"test": 2432232314}'
GOOD = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
NOISE = "Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="


def _verified(
    signature: str, secret: str = ONE, message_id: str = ID, at: str = AT, body: str = BODY, late: int = 0
) -> Match:
    scheme = scheme_for(StandardWebhooksScheme(scheme="standard_webhooks", secrets=[SecretStr(secret)]))
    names = {"webhook-id": message_id, "webhook-timestamp": at, "webhook-signature": signature}
    moment = datetime.fromtimestamp((int(at) if at.isdecimal() else 0) + late, UTC)
    headers = {name: (value,) for name, value in names.items() if value}
    inbound = Inbound("a", body.encode(), headers, "", None, None, moment)
    return scheme.check(scheme.evidence(inbound), inbound.body, moment)


@pytest.mark.parametrize(
    ("secret", "message_id", "at", "body", "signature"),
    [
        (ONE, ID, AT, BODY, GOOD),
        (ONE.removeprefix("whsec_"), ID, AT, BODY, GOOD),
        (
            TWO, "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", "1649367553",
            '{"email":"test@example.com","username":"test_user"}', "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        ),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", ID, AT, BODY, "v1,LVOXivKoo4FWasi/IaHvzhE/u+7/cu2AME+zS/nXqzk="),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwBr", ID, AT, BODY, "v1,yK2tMbA6BHPrMEJ1lLv7UlJJbgFoqGenJkiajZ29evg="),
        (ONE, "msg_utf8", AT, '{"name":"Łódź – ☕"}', "v1,IugBo3cX3aLmrzS8kUcaVXKbHPYi1DDYJDsB3b+Rw+E="),
        (ONE, "msg_empty", AT, "", "v1,za1CKH5Eq2VQZ+33R4AiRaBlqULcMRs1lL1rbBuq59U="),
    ],
)  # fmt: skip
def test_every_vector_matches(secret: str, message_id: str, at: str, body: str, signature: str) -> None:
    """Published and computed vectors, with and without prefix and padding of the secret."""
    assert _verified(signature, secret, message_id, at, body) == Match(0)


@pytest.mark.parametrize(
    "signature",
    [f"v1,{NOISE} v2,{NOISE} {GOOD} v1,{NOISE}", f"nonsense {GOOD}", f"v1 {GOOD}", f" {GOOD}", f"v1a,{NOISE} {GOOD}"],
)
def test_any_good_one_of_several_signatures_is_enough(signature: str) -> None:
    """Unknown versions and malformed entries are passed over, not failed on."""
    assert _verified(signature) == Match(0)


@pytest.mark.parametrize(
    "signature",
    [
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OA=",
        "v1,R3PTzyfHASBKHH98a7yexTwaJ4yNIcGhFQc1yuN+BPU=",
        GOOD.replace("v1,", "v2,"),
        "v1,",
        GOOD[:8],
        "nonsense",
        GOOD.removeprefix("v1,"),
        GOOD.replace(",", " "),
        f"v1,{NOISE} " * 30 + GOOD,
    ],
)
def test_a_wrong_signature_is_refused(signature: str) -> None:
    """The negative vectors, and a good one hidden behind more entries than anybody sends."""
    with pytest.raises(VerificationError, match="signature_mismatch"):
        _verified(signature)


@pytest.mark.parametrize(("late", "good"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_the_timestamp_may_be_five_minutes_off(late: int, *, good: bool) -> None:
    """300 s is within the tolerance, 301 s is not, in the past or in the future."""
    if good:
        assert _verified(GOOD, late=late)
    else:
        with pytest.raises(VerificationError, match="timestamp_outside_tolerance"):
            _verified(GOOD, late=late)


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ({"message_id": ""}, "credential_missing"),
        ({"at": ""}, "credential_missing"),
        ({"signature": ""}, "credential_missing"),
        ({"at": "hello"}, "timestamp_malformed"),
        ({"at": "1614265330.0"}, "timestamp_malformed"),
        ({"message_id": "msg_other"}, "signature_mismatch"),
        ({"body": BODY + " "}, "signature_mismatch"),
    ],
)
def test_every_part_of_what_is_signed_counts(names: dict[str, str], reason: str) -> None:
    """Id, timestamp, body and signature are all needed, and all as they were signed."""
    with pytest.raises(VerificationError, match=reason):
        _verified(**({"signature": GOOD} | names))
