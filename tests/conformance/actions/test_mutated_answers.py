"""A vendor's answer gone wrong in any place: an action ends in an outcome that can be kept, or in an error of ours."""

import json
import random
from typing import Any

import httpx
import pytest

from tasks.actions.registry import ACTIONS
from tests.conformance.actions.conftest import Caller, Tried
from tests.conformance.actions.vendors.registry import CASES
from tests.support.mutating import mutated
from tests.support.sandbox import Sandbox
from worker.ledger.memory import Memory
from worker.ledger.storable import storable

VARIANTS = 25


def replayed(name: str, answers: list[dict[str, Any]], chance: random.Random, memory: Memory) -> Tried:
    """Run an action against its own earlier answers, one of them mutated; the last one repeats itself."""
    spoiled, asked = chance.randrange(len(answers)), iter(range(1_000))

    def answer(_request: httpx.Request) -> httpx.Response:
        number = min(next(asked), len(answers) - 1)
        body, status = answers[number]["body"], answers[number]["status"]
        body = mutated(body, chance) if number == spoiled else body
        return httpx.Response(status, stream=httpx.ByteStream(json.dumps(body).encode()))

    return Caller("http://127.0.0.1:9", memory, httpx.Client(transport=httpx.MockTransport(answer))).run(name)


@pytest.mark.parametrize("name", sorted(ACTIONS))
def test_no_answer_is_a_bug_of_ours(name: str, caller: Caller, sandbox: Sandbox, memory: Memory) -> None:
    """Keys missing, other types, nonsense: never another exception, never a result that the ledger refuses."""
    case = CASES[name.partition(".")[0]]
    case.prepare(sandbox)
    answers = [exchange["answer"] for exchange in caller.run(name).session.exchanges]
    assert answers

    for seed in range(VARIANTS):
        tried = replayed(name, answers, random.Random(seed), memory)
        if tried.outcome is not None:
            result = tried.outcome.result
            assert json.loads(json.dumps(storable(result))) == result, seed
