"""The lines of all children on one stream, each with the name of its service before it.

Invariant: a stream that nobody reads any more stops the writing, never the supervision.
"""

import io
import os
from collections import deque
from collections.abc import Iterable
from typing import TextIO

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
_LONGEST_LINE = 64 * 1024
SUPERVISOR = "up"


class Output:
    """Writes lines with an aligned prefix; coloured on a terminal unless NO_COLOR is set."""

    def __init__(self, stream: TextIO, names: Iterable[str], *, colour: bool | None = None) -> None:
        """Prepare for the services of these names."""
        everyone = [SUPERVISOR, *names]
        if colour is None:
            colour = stream.isatty() and not os.environ.get("NO_COLOR")
        if isinstance(stream, io.TextIOWrapper):  # no character of a child may be an error of ours
            stream.reconfigure(errors="backslashreplace")
        self._stream: TextIO | None = stream
        width = max(map(len, everyone))
        self._prefixes = {name: f"{name:<{width}} | " for name in everyone}
        if colour:
            for number, name in enumerate(everyone):
                self._prefixes[name] = f"\x1b[{_COLOURS[number % len(_COLOURS)]}m{self._prefixes[name]}\x1b[0m"

    def say(self, text: str) -> None:
        """Write a line of the supervisor itself."""
        self.write(SUPERVISOR, [text])

    def write(self, name: str, lines: Iterable[str]) -> None:
        """Write lines of one service."""
        if self._stream is None:
            return
        try:
            for line in lines:
                self._stream.write(f"{self._prefixes[name]}{line}\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None


class Lines:
    """Cuts what a pipe gives into lines, and remembers the last ones."""

    def __init__(self, remembered: int = 15) -> None:
        """Remember so many lines."""
        self.last: deque[str] = deque(maxlen=remembered)
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that `data` completes; no data means the end, and completes what is left."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if self._rest and (not data or len(self._rest) > _LONGEST_LINE):
            whole.append(self._rest)
            self._rest = b""
        lines = [line.rstrip(b"\r").decode("utf-8", "replace") for line in whole]
        self.last.extend(lines)
        return lines
