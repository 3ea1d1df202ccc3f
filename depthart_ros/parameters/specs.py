"""What is known of a parameter besides its name and default, and fields that carry it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T", bool, int, float, str, tuple[str, ...])


@dataclass(frozen=True)
class Spec:
    """What is known of one parameter besides its name and default.

    Attributes:
        description: one line; it names the unit.
        limits: least and greatest value of a number.
        choices: every allowed value of a string; empty where any is.
        dynamic: whether it may be set while the node runs.
    """

    description: str
    limits: tuple[float, float] | None = None
    choices: tuple[str, ...] = ()
    dynamic: bool = False

    @property
    def allowed(self) -> str:
        """The allowed values in words, empty where there is nothing to say."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        return f"{self.limits[0]} to {self.limits[1]}" if self.limits else ""


def fixed(default: T, description: str, **known: Any) -> T:
    """A field for a parameter that is read once, when the node is configured."""
    return field(default=default, metadata={"spec": Spec(description, **known)})


def dynamic(default: T, description: str, **known: Any) -> T:
    """A field for a parameter that holds from the next frame on."""
    return field(default=default, metadata={"spec": Spec(description, dynamic=True, **known)})
