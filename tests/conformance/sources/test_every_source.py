"""What every source must do: a source inherits all of this by being in the registry."""

import json
import random
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sqlalchemy import Engine, text

from config.accounts import Account, AnyAccount
from config.subjects import FIELDS
from tests.conformance.sources.vendors.case import NOW, SECRETS
from tests.conformance.sources.vendors.registry import CASES
from tests.support.mutating import mutated
from webhooks import examples
from webhooks.inbound import Inbound
from webhooks.receiving import BATCH
from webhooks.registry import SOURCES
from webhooks.source import Identity, Source
from webhooks.strict_json import JsonError, parse_json
from webhooks.verification import Match, Scheme, VerificationError
from worker.reading import Stored, Understanding, UnreadableError
from worker.snapshots import Snapshot
from worker.states import Handling

EXAMPLES = [(vendor, name) for vendor in SOURCES for name in examples.example_names(vendor)]
each_example = pytest.mark.parametrize(("vendor", "name"), EXAMPLES)
each_vendor = pytest.mark.parametrize("vendor", SOURCES)


def _account(vendor: str) -> Account:
    account: Account = TypeAdapter[Any](AnyAccount).validate_python({"vendor": vendor, **CASES[vendor].account})
    return account


def _types(vendor: str) -> Mapping[str, Handling]:
    return {**SOURCES[vendor].event_types, **CASES[vendor].event_types}


def _inbound(vendor: str, name: str, body: bytes, secret: str = SECRETS[0], at: datetime = NOW) -> Inbound:
    case = CASES[vendor]
    headers, path = case.prove(body, secret, case.triggers.get(name.partition("__")[0], case.trigger), at)
    return Inbound("shop", body, {name: (value,) for name, value in headers.items()}, "", path, "127.0.0.1", at)


def _scheme(vendor: str, inbound: Inbound) -> Scheme:
    schemes = SOURCES[vendor].schemes(_account(vendor))
    return next(scheme for scheme in schemes if scheme.in_path == (inbound.path_secret is not None))


def _verified(vendor: str, inbound: Inbound) -> Match:
    scheme = _scheme(vendor, inbound)
    return scheme.check(scheme.evidence(inbound), inbound.body, inbound.received_at)


def _identified(vendor: str, inbound: Inbound, match: Match) -> Sequence[Identity]:
    return SOURCES[vendor].identify(inbound, parse_json(inbound.body, 64), match, _account(vendor))


def _understood(vendor: str, inbound: Inbound, identity: Identity, match: Match) -> Understanding:
    stored = Stored(
        account="shop", type=identity.type, body=inbound.body, content_type="application/json", query=inbound.query,
        headers={}, trigger=match.trigger, received_at=inbound.received_at, part=identity.part,
    )  # fmt: skip
    return SOURCES[vendor].read(stored, _account(vendor), "ID")


def _example(vendor: str, name: str) -> bytes:
    return json.dumps(examples.load_example(vendor, name)).encode()


def _whole_way(vendor: str, name: str, body: bytes) -> list[tuple[Identity, Understanding]]:
    """Return what a body holds: one event, or several."""
    inbound = _inbound(vendor, name, body)
    match = _verified(vendor, inbound)
    identities = _identified(vendor, inbound, match)
    assert identities
    assert len({identity.part for identity in identities}) == len(identities)
    return [(identity, _understood(vendor, inbound, identity, match)) for identity in identities]


@each_vendor
def test_the_registry_and_the_source_agree(vendor: str) -> None:
    """A source is registered under its vendor, says where it is documented, and prefixes its types."""
    source: Source = SOURCES[vendor]

    assert source.vendor == vendor
    assert source.documentation.startswith("https://")
    assert source.mismatch_status in {401, 404}
    assert all(type_.startswith(f"{vendor}.") for type_ in source.event_types)


@each_example
def test_an_example_identifies_and_reads_as_what_its_file_is_called(vendor: str, name: str) -> None:
    """The type is the file's name, is known to the source, and both readings of it agree."""
    found = _whole_way(vendor, name, _example(vendor, name))

    assert len({identity.dedupe_key for identity, _ in found}) == len(found)
    if name.partition("__")[0] != BATCH:
        assert {identity.type for identity, _ in found} == {f"{vendor}.{name.partition('__')[0]}"}
    for identity, understanding in found:
        assert identity.type == understanding.type
        assert identity.handling is understanding.handling is _types(vendor)[identity.type]
        assert 0 < len(identity.dedupe_key) <= 300
        assert understanding.occurred_at.tzinfo is not None


@each_vendor
def test_every_type_has_an_example_or_a_reason_not_to(vendor: str) -> None:
    """A new event type comes with an example; the exceptions are listed and are no longer than they must be."""
    shown = {f"{vendor}.{name.partition('__')[0]}" for name in examples.example_names(vendor)}
    excused = {type_ for some in CASES[vendor].without_example.values() for type_ in some}

    assert set(_types(vendor)) - shown == excused


@each_vendor
@pytest.mark.parametrize("index", range(len(SECRETS)))
def test_every_secret_of_a_rotation_is_accepted_and_told_apart(vendor: str, index: int) -> None:
    """During a rotation both secrets work, and which one matched is known."""
    name = examples.example_names(vendor)[0]

    assert _verified(vendor, _inbound(vendor, name, _example(vendor, name), SECRETS[index])).secret_index == index


@each_vendor
def test_a_wrong_secret_a_changed_body_and_no_proof_at_all_are_refused(vendor: str) -> None:
    """Nothing passes that the vendor did not send, and what is kept of it holds no secret."""
    name = examples.example_names(vendor)[0]
    good = _inbound(vendor, name, _example(vendor, name))
    wrong = _inbound(vendor, name, good.body, "another-secret")
    scheme = _scheme(vendor, good)
    without = Inbound("shop", good.body, {}, "", None, None, NOW)
    changed = (
        []
        if not CASES[vendor].signs_the_body
        else [Inbound("shop", good.body + b" ", good.headers, "", None, None, NOW)]
    )

    for inbound in (wrong, without, *changed):
        with pytest.raises(VerificationError):
            scheme.check(scheme.evidence(inbound), inbound.body, inbound.received_at)
    evidence = json.dumps(scheme.evidence(wrong))
    assert "another-secret" not in evidence


@each_example
def test_the_same_delivery_again_has_the_same_key(vendor: str, name: str) -> None:
    """A retry moments later, signed with another secret of the rotation, is a duplicate."""
    body = _example(vendor, name)
    first = _inbound(vendor, name, body)
    again = _inbound(vendor, name, body, SECRETS[1], NOW + timedelta(seconds=2))

    both = [_identified(vendor, inbound, _verified(vendor, inbound)) for inbound in (first, again)]

    assert len({tuple(identity.dedupe_key for identity in identities) for identities in both}) == 1


@each_vendor
def test_different_events_have_different_keys(vendor: str) -> None:
    """No two examples of different events are taken for one."""
    seen: dict[str, tuple[str, bytes]] = {}
    for name in examples.example_names(vendor):
        body = _example(vendor, name)
        example = examples.load_example(vendor, name)
        if isinstance(example, list):
            continue
        stated = {key: example.get(key) for key in ("unique_id", "id", "wa_message_id")}
        for identity, _ in _whole_way(vendor, name, body) if name.partition("__")[0] != BATCH else ():
            if not any(stated.values()):
                assert identity.dedupe_key not in seen, (name, seen.get(identity.dedupe_key))
            seen[identity.dedupe_key] = (name, body)


@each_example
def test_reading_is_pure(vendor: str, name: str) -> None:
    """The same stored event reads the same, whenever it is read."""
    body = _example(vendor, name)

    assert _whole_way(vendor, name, body) == _whole_way(vendor, name, body)


# Mutated examples.


@given(st.sampled_from(EXAMPLES), st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_mutated_example_reads_or_is_unreadable_and_what_it_gives_can_be_stored(
    ledger: Engine,
    example: tuple[str, str],
    chance: random.Random,
    truncated: bool,
) -> None:
    """Keys missing, other types, bodies cut short: never another error, never a value that the ledger refuses."""
    vendor, name = example
    body = json.dumps(mutated(examples.load_example(vendor, name), chance)).encode()
    body = body[: chance.randint(0, len(body))] if truncated else body
    try:
        found = _whole_way(vendor, name, body)
    except (JsonError, UnreadableError):
        return
    for identity, understanding in found:
        assert identity.type == understanding.type
        _check_it_can_be_stored(ledger, identity, understanding)


def _check_it_can_be_stored(ledger: Engine, identity: Identity, understanding: Understanding) -> None:
    snapshot = Snapshot()
    for patch in understanding.patches:
        snapshot = snapshot.merged(patch)
    assert set(understanding.facts(snapshot)) <= set(understanding.possible_facts)
    kept = {"data": understanding.data, "snapshot": snapshot.values, "known_at": snapshot.known_at}
    order = understanding.order and vars(understanding.order)
    with ledger.connect() as connection:
        connection.execute(
            text("SELECT CAST(:kept AS jsonb), CAST(:texts AS text[]), CAST(:times AS timestamptz[])"),
            {
                "kept": json.dumps(kept | {"order": order, "completion": str(understanding.completion)}),
                "texts": [identity.type, identity.dedupe_key, understanding.subject],
                "times": [identity.occurred_at or NOW, understanding.occurred_at],
            },
        )


@each_vendor
def test_a_body_that_is_no_object_is_kept_as_unknown(vendor: str) -> None:
    """A list, a number or null is stored and counted, never an error and never acted on as a known event."""
    for body in (b"[]", b"1", b"null", b'"text"', b'[{"event": "order.created"}]'):
        for identity, understanding in _whole_way(vendor, "none", body):
            assert identity.handling is understanding.handling is Handling.UNKNOWN
            assert (understanding.subject, understanding.patches) == (None, ())


@each_example
def test_a_snapshot_speaks_the_names_of_the_expression_language(vendor: str, name: str) -> None:
    """What a source writes into a snapshot is what rules may ask for, of a kind that they may name."""
    found = _whole_way(vendor, name, _example(vendor, name))
    for patch in (patch for _, understanding in found for patch in understanding.patches):
        assert set(patch.values) <= set(FIELDS[patch.subject.partition(":")[0]])
