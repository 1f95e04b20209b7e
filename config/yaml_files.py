"""YAML 1.2 files as plain data that remembers its lines, with `${NAME}` filled in.

Invariant: a fault found anywhere in the data can be told with the line it stands on.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from config.faults import Fault

Location = tuple[int | str, ...]

_REFERENCE = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?P<body>[^}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


@dataclass
class Document:
    """One YAML file: `data` is plain, `line` answers where a part of it stands."""

    name: str
    data: Any = None
    faults: list[Fault] = field(default_factory=list)
    _tree: Any = None

    def where(self, location: Sequence[int | str] = ()) -> str:
        """Return `file:line` of the deepest part of `location` that exists."""
        return f"{self.name}:{self.line(location)}"

    def line(self, location: Sequence[int | str]) -> int:
        """Return the 1-based line of the deepest part of `location` that exists."""
        node, line = self._tree, 1
        for key in location:
            if isinstance(node, CommentedMap) and key in node:
                line = node.lc.key(key)[0] + 1
            elif isinstance(node, CommentedSeq) and isinstance(key, int) and key < len(node):
                line = node.lc.item(key)[0] + 1
            else:
                continue  # a part that only the model knows, like the name of a union's branch
            node = node[key]
        return line

    def fault(self, location: Sequence[int | str], what: str) -> None:
        """Note that something is wrong at `location`."""
        self.faults.append(Fault(self.where(location), what))


def read_yaml(path: Path, name: str, variables: Mapping[str, str]) -> Document:
    """Read one file; what is wrong with it stands in the document's `faults`."""
    document = Document(name)
    try:
        document._tree = YAML(typ="rt", pure=True).load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        document.faults.append(Fault(name, "is not UTF-8 text"))
    except OSError as error:
        document.faults.append(Fault(name, f"cannot be read: {error.strerror}"))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(error.problem or error.context).split())
        document.faults.append(Fault(f"{name}:{mark.line + 1 if mark else 1}", f"not valid YAML: {what}"))
    except YAMLError as error:
        document.faults.append(Fault(name, f"not valid YAML: {' '.join(str(error).split())}"))
    document.data = _plain(document._tree, (), document, variables)
    return document


def _plain(node: Any, location: Location, document: Document, variables: Mapping[str, str]) -> Any:
    if isinstance(node, Mapping):
        return {str(key): _plain(value, (*location, key), document, variables) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value, (*location, index), document, variables) for index, value in enumerate(node)]
    if isinstance(node, str):
        return _fill_in(str(node), location, document, variables)
    return node


def _fill_in(text: str, location: Location, document: Document, variables: Mapping[str, str]) -> str:
    def value_of(match: re.Match[str]) -> str:
        if match["escaped"]:
            return "${"
        name, has_default, default = match["body"].partition(":-")
        if name.startswith("file:"):
            return _secret_file(match["body"].removeprefix("file:"), location, document)
        if not _NAME.match(name):
            document.fault(location, f"${{{match['body']}}} is not the name of a variable (write $${{ for a plain ${{)")
            return ""
        value = variables.get(name) or (default if has_default else None)
        if value is None:
            document.fault(location, f"the environment variable {name} is not set")
            return ""
        return value

    return _REFERENCE.sub(value_of, text)


def _secret_file(path: str, location: Location, document: Document) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        document.fault(location, f"the file {path} cannot be read: {reason}")
        return ""
