"""Records: JSON files that say what an export or engine is and how well it agrees with PyTorch, read strictly."""

from __future__ import annotations

import json
from dataclasses import MISSING, asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from depthart_core.errors import BackendError
from depthart_core.model_files import write_atomically

T = TypeVar("T")


def read_record(path: Path, kind: type[T], cure: str) -> T:
    """The record in a file.

    Args:
        path: Of the record.
        kind: A dataclass whose field `format` names the format by its default; what else has a default may be missing.
        cure: What makes it anew, in words.

    Raises:
        BackendError: It is missing, unreadable, of another format, or damaged; with the cure.
    """
    try:
        values = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BackendError(f"there is no {path.absolute()}, without which nothing there is trusted; {cure}") from None
    except (OSError, ValueError) as error:
        raise BackendError(f"{path} cannot be read ({error}); {cure}") from error
    expected = getattr(kind, "format", None)
    got = values.get("format") if isinstance(values, dict) else type(values).__name__
    if got != expected:
        raise BackendError(f"{path} is not of the format {expected}, got {got!r}; {cure}")
    wrong = _damaged_fields(values, kind)
    if wrong:
        raise BackendError(f"{path} is damaged at {', '.join(wrong)}; {cure}")
    return kind(**values)


def write_record(path: Path, record: Any) -> None:
    """Write a dataclass that `read_record` reads, whole or not at all.

    Raises:
        OSError: The file cannot be written.
    """
    write_atomically(path, (json.dumps(asdict(record), indent=1) + "\n").encode())


def _damaged_fields(values: dict[str, Any], kind: Any) -> list[str]:
    """Fields that are missing, not understood or of a wrong type."""
    kinds = {
        item.name: str(item.type).split("[")[0]
        for item in fields(kind)
        if item.name in values or item.default_factory is MISSING
    }
    wrong = [name for name, word in kinds.items() if type(values.get(name)).__name__ != word]
    return wrong or sorted(values.keys() - kinds.keys())
