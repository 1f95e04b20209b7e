"""YAML 1.2 files as plain data that remembers its lines, with `${NAME}` filled in.

Invariant: a fault found anywhere in the data can be told with the line it stands on.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from config.faults import Fault

Location = tuple[int | str, ...]

_REFERENCE = re.compile(r"\$(?P<escaped>\$\{)|\$\{(?P<body>[^}]*)\}|(?P<open>\$\{)")
_SHORTEST_HIDDEN = 6  # shorter values would cut words apart, and are no secrets
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_DUPLICATE = re.compile(r'found duplicate key "(.*?)" with value')


@dataclass
class Document:
    """One YAML file: `data` is plain, `line` answers where a part of it stands."""

    name: str
    data: Any = None
    faults: list[Fault] = field(default_factory=list)
    unset: set[Location] = field(default_factory=set)
    """Where a variable had no value: what else is wrong with that place follows from it, and is not told."""
    _tree: Any = None
    _filled_in: dict[str, str] = field(default_factory=dict)

    def where(self, location: Sequence[int | str] = ()) -> str:
        """Return `file:line` of the deepest part of `location` that exists."""
        return f"{self.name}:{self.line(location)}"

    def line(self, location: Sequence[int | str]) -> int:
        """Return the 1-based line of the deepest part of `location` that exists."""
        line = 1
        for node, key in self._walk(location):
            line = (node.lc.key(key) if isinstance(node, CommentedMap) else node.lc.item(key))[0] + 1
        return line

    def place(self, location: Sequence[int | str]) -> Location:
        """Return the parts of `location` that exist, without what only the model knows: a union's branch, a lack."""
        return tuple(key for _, key in self._walk(location))

    def _walk(self, location: Sequence[int | str]) -> Iterator[tuple[Any, int | str]]:
        node = self._tree
        for key in location:
            if (isinstance(node, CommentedMap) and key in node) or (
                isinstance(node, CommentedSeq) and isinstance(key, int) and key < len(node)
            ):
                yield node, key
                node = node[key]

    def fault(self, location: Sequence[int | str], what: str) -> None:
        """Note that something is wrong at `location`; what came from a variable or a file is not quoted."""
        if self.place(location) in self.unset:
            return
        for value, reference in self._filled_in.items():
            what = what.replace(value, reference)
        self.faults.append(Fault(self.where(location), what))

    def lack(self, location: Location, what: str) -> str:
        """Note that a reference has no value, and return what stands in for it."""
        self.fault(location, what)
        self.unset.add(self.place(location))
        return ""

    def filled_in(self, value: str, reference: str) -> str:
        """Remember where a value came from, so that no fault quotes it; return it."""
        if len(value) >= _SHORTEST_HIDDEN:
            self._filled_in[value] = reference
        return value


def read_yaml(path: Path, name: str, variables: Mapping[str, str]) -> Document:
    """Read one file; what is wrong with it stands in the document's `faults`."""
    document = Document(name)
    try:
        document._tree = YAML(typ="rt", pure=True).load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        document.faults.append(Fault(name, "is not UTF-8 text"))
    except OSError as error:
        document.faults.append(Fault(name, f"cannot be read: {error.strerror} ({path})"))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        document.faults.append(Fault(f"{name}:{mark.line + 1 if mark else 1}", _told(error)))
    except (YAMLError, ValueError) as error:
        document.faults.append(Fault(name, f"not valid YAML: {' '.join(str(error).split())}"))
    except RecursionError:
        document.faults.append(Fault(name, "not valid YAML: nested too deeply"))
    try:
        document.data = _plain(document._tree, (), document, variables)
    except RecursionError:
        document.faults.append(Fault(name, "not valid YAML: nested too deeply, or a part that contains itself"))
    return document


def _told(error: MarkedYAMLError) -> str:
    """Return what is wrong with the YAML without the parser's quotations: they may be secrets."""
    what = " ".join(str(error.problem or error.context).split())
    if duplicate := _DUPLICATE.match(what):
        return f'the key "{duplicate[1]}" stands here twice'
    if "alias" in what or "anchor" in what:
        return "not valid YAML: a text that begins with * or & has to be quoted"
    return f"not valid YAML: {what}"


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
        if match["open"]:
            return document.lack(location, "${ without its } (write $${ for a plain ${)")
        name, has_default, default = match["body"].partition(":-")
        if name.startswith("file:"):
            return _secret_file(match["body"].removeprefix("file:"), location, document)
        if not _NAME.match(name):
            return document.lack(
                location, f"${{{match['body']}}} is not the name of a variable (write $${{ for a plain ${{)"
            )
        if value := variables.get(name):
            return document.filled_in(value, f"${{{name}}}")
        return default if has_default else document.lack(location, f"the environment variable {name} is not set")

    return _REFERENCE.sub(value_of, text)


def _secret_file(path: str, location: Location, document: Document) -> str:
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        return document.lack(location, f"the file {path} cannot be read: {reason}")
    if not value:
        return document.lack(location, f"the file {path} is empty")
    return document.filled_in(value, f"${{file:{path}}}")
