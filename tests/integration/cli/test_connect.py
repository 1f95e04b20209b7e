"""The command that says where each vendor has to post."""

from tests.integration.cli.test_commands import document, hookyard
from tests.support.shop import Shop

SECRET = "wabotick-incoming-url-secret"


def test_every_account_is_listed_with_how_it_stands(shop: Shop) -> None:
    """Nothing came yet, and no secret is shown."""
    found = document(shop, "connect")

    assert {one["account"]: one["state"] for one in found} == {"toko": "silent", "wa": "silent", "crm": "silent"}
    assert SECRET not in str(found)


def test_one_account_is_told_with_what_to_do(shop: Shop) -> None:
    """The addresses below the public one, masked; whole for whoever asks, which is written down."""
    shop.environ["HOOKYARD_PUBLIC_URL"] = "https://hooks.shop.example/"

    masked = document(shop, "connect", "wa")
    whole = document(shop, "connect", "wa", "--show-secrets", "--comment", "set up")

    assert masked["endpoints"][0]["url"] == "https://hooks.shop.example/webhooks/wa/••••••"
    assert whole["endpoints"][0]["url"] == f"https://hooks.shop.example/webhooks/wa/{SECRET}"
    assert masked["steps"]
    [entry] = shop.rows("SELECT * FROM audit")
    assert (entry.action, entry.target, entry.details["comment"]) == ("reveal", "connect/wa", "set up")


def test_for_people_it_says_the_steps(shop: Shop) -> None:
    """In the order in which they are done."""
    done = hookyard("connect", "toko", environ=shop.environ)

    assert done.returncode == 0
    assert "In the vendor's dashboard: Settings > Developers > Webhooks" in done.stdout
    assert "set HOOKYARD_PUBLIC_URL" in done.stdout
    assert "last received: never" in done.stdout


def test_an_unknown_account_and_secrets_of_all_are_refused(shop: Shop) -> None:
    """With what is meant."""
    for arguments, said in ((("tokoo",), 'did you mean "toko"'), (("--show-secrets",), "wants an ACCOUNT")):
        done = hookyard("connect", *arguments, environ=shop.environ)
        assert done.returncode == 1
        assert said in done.stderr
