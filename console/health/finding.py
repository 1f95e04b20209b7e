"""What a look at one thing found, for `hookyard doctor` and for the first page alike.

Invariant: a finding is complete in itself: what is, since when, and what to do about it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Level(StrEnum):
    """How urgent a finding is."""

    GOOD = "good"
    ASIDE = "done"  # nobody has to look
    LOOK = "waits"  # works as it should, and somebody should know
    BAD = "bad"


@dataclass(frozen=True)
class Place:
    """Where in the console a finding is looked into: the page's endpoint, and what narrows it."""

    endpoint: str
    narrowed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    check: str
    level: Level
    fact: str
    """What is, in one line."""
    how: str = ""
    """The command that helps."""
    means: str = ""
    """What it means for the shop, and what to do, in a sentence or two."""
    since: datetime | None = None
    place: Place | None = None
    account: str = ""
    """The account it is about, where it is about one."""

    @property
    def ok(self) -> bool:
        """Whether nothing has to be done at once."""
        return self.level is not Level.BAD

    @property
    def what(self) -> str:
        """The fact, with the command that helps."""
        return f"{self.fact}: {self.how}" if self.how else self.fact
