"""What the rules say to an event, in lines for people.

Invariant: every rule is told, with why it follows or why not.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from console.cli.output import shown


def said(found: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines."""
    event = found["event"]
    state = event["state"] or "never came in"
    yield f"{event['type']}  {event['subject'] or ''}  [{state}]  account {event['account']}"
    for fact in found["happened"][1:]:
        yield f"  led to {fact}"
    for note in found["notes"]:
        yield f"  {note}"
    for rule in found["rules"]:
        yield ""
        yield f"{rule['rule']}  ({rule['where']}): {'follows' if rule['matched'] else 'does not follow'}"
        yield f"  {rule['why']}" + (f" ({rule['on']})" if rule["on"] else "")
        for path, value in rule.get("saw", {}).items():
            yield f"    {path} = {'none' if value is None else shown(value)}"
        for step in rule.get("steps", ()):
            yield f"  step {step['step']}: {step['action']} at {step['account']}, due {shown(step['due_at'])}"
            yield f"    effect {step['effect_key'] or '-'}"
            yield f"    {step['error']}" if step["error"] else f"    {shown(step['parameters'])}"
            for why in step["held_by"]:
                yield f"    but: {why}"
