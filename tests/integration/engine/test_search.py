"""What is found by what a person has at hand, by an index however much there is."""

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from console.stories.search import Hit, find
from tests.integration.cli.test_commands import document, hookyard
from tests.integration.engine.test_stories import shipped_and_told, story
from tests.support.shop import order_created, order_status_changed
from worker.ledger import stories
from worker.search_words import query_of

if TYPE_CHECKING:
    from tests.integration.engine.conftest import Works

ORDER = "order:250804QWERTY"


def found(works: "Works", wanted: str, most: int = 50) -> list[Hit]:
    """Look for something."""
    with works.engine.begin() as connection:
        return find(connection, works.config, wanted, most)


def test_an_order_is_found_by_whatever_is_known_of_it(works: "Works") -> None:
    """Its number in any case, its ids, the buyer's phone in any spelling, the name's beginning, the receipt."""
    works.receive(order_created())
    works.receive(order_status_changed("shipped", shipment_receipt="JX 77-1"))
    works.receive(order_created("250804OTHER1", destination_address={"name": "Siti", "phone": "6281298765432"}))
    ids = [row.id for row in works.shop.rows("SELECT id FROM events ORDER BY id LIMIT 1")]

    for wanted in (
        "250804QWERTY", "#250804qwerty", "250804QW", ORDER, "0812-3456-789", "+62 812 3456 789", "0812345", "budi con",
        "BUDI", "jx77-1", "JX 77-1", str(ids[0]), "0198a1b2-3c4d-7e5f-8a9b-0c1d2e3f4a5b",
    ):  # fmt: skip
        assert ORDER in [hit.subject for hit in found(works, wanted)], wanted
    assert [hit.subject for hit in found(works, "siti") if hit.subject.startswith("order")] == ["order:250804OTHER1"]


def test_a_message_is_found_by_the_vendor_s_id(works: "Works") -> None:
    """It leads to the delivery that sent it and to what it was about."""
    message_id = shipped_and_told(works)

    [hit] = found(works, message_id)

    assert (hit.subject, hit.delivery_id is not None) == (ORDER, True)
    assert [one.subject for one in found(works, str(hit.delivery_id))] == [ORDER]


def test_a_person_who_only_wrote_is_found(works: "Works") -> None:
    """No snapshot, only events."""
    works.receive({"chat_id": "6281298765432", "user_message": "Halo"}, "wa", trigger="incoming")

    assert [hit.subject for hit in found(works, "0812 9876 5432")] == ["phone:6281298765432"]


@pytest.mark.parametrize(
    "wanted", ["", " ", "#", "'", "\\", "a' | 'b", "!(x)", "\0", "x" * 100_000, "%", "*", ":*", "\ud800"]
)
def test_nothing_typed_is_refused(wanted: str, works: "Works") -> None:
    """It finds nothing, and breaks nothing."""
    works.receive(order_created())

    assert found(works, wanted) == []


def test_of_very_many_some_are_shown(works: "Works") -> None:
    """A bounded number, by the index; what fits exactly first."""
    with works.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO subjects (account, key, snapshot, known_at, complete, created_at, updated_at, words)"
                " SELECT 'toko', 'order:N' || i, '{}', '{}', true, now(), now(),"
                " array_to_tsvector(ARRAY['n' || i, 'budi', 'budi' || i]) FROM generate_series(1, 3000) i"
            )
        )

    assert len(found(works, "budi", 20)) == 20
    assert found(works, "n100")[0].subject == "order:N100"
    with works.engine.begin() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        plan = connection.scalars(
            text("EXPLAIN SELECT account, key FROM subjects WHERE words @@ CAST(:query AS tsquery) LIMIT 1000"),
            {"query": query_of("n100", "ID")},
        ).all()
    assert any("ix_subjects_words" in line for line in plan)


def test_the_subjects_heard_of_last_come_first(works: "Works") -> None:
    """Each once, with its newest event; narrowed to a kind, and paged."""
    for number in ("A-1001", "A-1002", "A-1003"):
        works.receive(order_created(number))
    works.receive(order_status_changed("shipped", "A-1001"))

    with works.engine.begin() as connection:
        orders = stories.recent(connection, "order", "", None, 2)
        older = stories.recent(connection, "order", "toko", orders.before, 2)
        nobody = stories.recent(connection, "container", "", None, 2)

    assert [row.key for row in orders.rows] == ["order:A-1001", "order:A-1003"]
    assert [row.key for row in older.rows] == ["order:A-1002"]
    assert (older.before, nobody.rows, nobody.before) == (None, [], None)


def test_the_commands_tell_and_find(works: "Works") -> None:
    """`find` lists, `story` tells by anything that is found once; both as one document with --json."""
    shipped_and_told(works)
    environ = works.shop.environ

    [hit] = [one for one in document(works.shop, "find", "250804qwerty") if one["subject"] == ORDER]
    told = document(works.shop, "story", "250804QWERTY")
    said = hookyard("story", ORDER, environ=environ).stdout
    nothing = hookyard("story", "nobody", environ=environ)

    assert (hit["account"], hit["title"]) == ("toko", "Order 250804QWERTY")
    assert [entry["text"] for entry in told["entries"]] == [entry.text for entry in story(works).entries]
    assert "Shipped, receipt JX1" in said
    assert "Times are those of Asia/Jakarta." in said
    assert (nothing.returncode, nothing.stderr.strip()) == (1, 'nothing fits "nobody"')
