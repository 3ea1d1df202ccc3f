"""What is asked of `depthart bag`, and where it writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from depthart_ros.bags.source import Source, Topics
from depthart_ros.parameters.settings import Settings


@dataclass(frozen=True)
class Job:
    """One bag to make of another.

    Attributes:
        source: to copy.
        topics: of the camera in it.
        settings: of the node.
        out: folder of the new bag.
        storage: of the new bag: "mcap" or "sqlite3".
        asked: outputs to make; none: what can be made of metres, else relative depth.
        namespace: before the names of their topics.
    """

    source: Source
    topics: Topics
    settings: Settings
    out: Path
    storage: str
    asked: Sequence[str] = ()
    namespace: str = ""

    @property
    def unfinished(self) -> Path:
        """Folder beside OUT for everything until that is finished, and for what an interrupted run keeps."""
        return self.out.with_name(f"{self.out.name}.unfinished")

    @property
    def answers(self) -> Path:
        """File of what the model said so far."""
        return self.unfinished / "answers"

    @property
    def made(self) -> Path:
        """The new bag while it is written: named as it will be, since its files are, in a folder of its own."""
        return self.unfinished / "bag" / self.out.name

    @property
    def replaced(self) -> Path:
        """Where a finished OUT goes before the new one takes its place."""
        return self.unfinished / "replaced"
