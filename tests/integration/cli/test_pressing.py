"""What people press by the command line, beside single deliveries: pauses, jobs, and the audit of all of it."""

from tests.integration.cli.test_commands import document, hookyard
from tests.support.shop import Shop


def test_a_pause_is_told_wherever_one_looks(shop: Shop) -> None:
    """`circuits` and `doctor` show who paused what and why; the second pause is refused, and resuming ends it."""
    document(shop, "pause", "account", "wa", "--comment", "key is being changed")

    [listed] = document(shop, "circuits")
    checked = hookyard("doctor", "--only", "paused account", environ=shop.environ)
    again = hookyard("pause", "account", "wa", environ=shop.environ)
    document(shop, "resume", "account", "wa", "--comment", "done")

    assert (listed["account"], listed["reason"]) == ("wa", "paused")
    assert "key is being changed" in listed["error"]
    assert (checked.returncode, "key is being changed" in checked.stdout) == (0, True)
    assert again.returncode == 1
    assert "already" in again.stderr
    assert document(shop, "circuits") == []
    said = [(row.action, row.target, row.details["comment"]) for row in shop.rows("SELECT * FROM audit ORDER BY id")]
    assert said == [("pause", "account/wa", "key is being changed"), ("resume", "account/wa", "done")]


def test_only_what_there_is_can_be_paused(shop: Shop) -> None:
    """A wrong name is told with the right one; what is not paused is not resumed."""
    wrong = hookyard("pause", "rule", "tell-buyer-shiped", environ=shop.environ)
    idle = hookyard("resume", "account", "wa", environ=shop.environ)

    assert (wrong.returncode, idle.returncode) == (1, 1)
    assert "tell-buyer-shipped" in wrong.stderr
    assert "is not paused" in idle.stderr
    assert shop.rows("SELECT 1 FROM audit") == []
