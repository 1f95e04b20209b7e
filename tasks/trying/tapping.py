"""What a tap of an example may mean: each answer to each question that the rules ask, as the first tap and as a second.

Invariant: without a question a tap means nothing, as in the engine.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from config.load import Config

_FOUND = {"found_by": "message", "late": False, "ambiguous": False}


def meanings(config: Config) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Yield what a tap may be found to mean, and what to call that; the first means nothing."""
    yield "", None
    for name, answers in _questions(config).items():
        for answer in answers:
            said = _FOUND | {"question": name, "answer": answer}
            other = next((one for one in answers if one != answer), answer)
            yield f", tap {answer}", said | {"decided": False, "decision": answer}
            yield f", second tap {answer}", said | {"decided": True, "decision": other}


def _questions(config: Config) -> dict[str, tuple[str, ...]]:
    asked = ((rule, step.question) for rule in config.rules for step in rule.all_steps())
    return {question.name or rule.name: question.answers for rule, question in asked if question is not None}
