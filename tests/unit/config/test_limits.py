"""Which limits an account has: its own, else its vendor's, else the shipped ones; null lifts."""

from pathlib import Path

import pytest

from config.accounts import CalledAccount, Limits
from config.faults import ConfigError
from config.limits import SHIPPED
from config.load import load_accounts

ACCOUNT = """
accounts:
  crm: {vendor: proton, company: x, user_id: y, api_key: z, limits: {OWN},
        webhook_auth: {scheme: static, header: X-Secret, secrets: [a-long-secret]}}
limits: {VENDOR}
"""


def limits(folder: Path, own: str, vendor: str) -> Limits:
    """Return the limits of an account with such settings."""
    (folder / "accounts.yaml").write_text(ACCOUNT.replace("{OWN}", own).replace("{VENDOR}", vendor))
    return load_accounts(folder, {}).limits_of("crm")


@pytest.mark.parametrize(
    ("own", "vendor", "expected"),
    [
        ("{}", "{}", 5),
        ("{}", "{proton: {per_second: 7}}", 7),
        ("{per_second: 9}", "{proton: {per_second: 7}}", 9),
        ("{per_second: null}", "{proton: {per_second: 7}}", None),
        ("{per_hour: 10}", "{}", 5),
    ],
)
def test_the_nearest_setting_wins(tmp_path: Path, own: str, vendor: str, expected: float | None) -> None:
    """What is not named is taken from further away."""
    assert limits(tmp_path, own, vendor).per_second == expected


def test_limits_for_what_is_not_called_are_refused(tmp_path: Path) -> None:
    """A misspelt vendor is told with those that there are."""
    with pytest.raises(ConfigError) as raised:
        limits(tmp_path, "{}", "{protn: {per_second: 7}}")

    assert 'nothing is called at "protn"' in str(raised.value)
    assert "proton" in str(raised.value)


def test_every_vendor_that_is_called_has_shipped_limits() -> None:
    """A new vendor has to say how fast it may be called, if only in a comment."""
    called = {model.model_fields["vendor"].annotation.__args__[0] for model in CalledAccount.__subclasses__()}  # type: ignore[union-attr]

    assert set(SHIPPED) == called
