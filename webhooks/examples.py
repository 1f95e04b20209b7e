"""Example payloads of every source, as files named `<event>.json` or `<event>__<variant>.json`.

Invariant: every example is a body as the vendor sends it, with invented people; commands, tests and the documentation
use the same ones.
"""

import json
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "sources"


def example_names(vendor: str) -> list[str]:
    """Return the names of a vendor's examples: `order.created`, `order.status_changed__canceled`."""
    return sorted(path.stem for path in (_FOLDER / vendor / "examples").glob("*.json"))


def load_example(vendor: str, name: str) -> Any:
    """Return one example's body."""
    return json.loads((_FOLDER / vendor / "examples" / f"{name}.json").read_text(encoding="utf-8"))
