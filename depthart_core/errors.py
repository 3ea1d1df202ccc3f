"""Named errors: one sentence each, with what was got and what was expected."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

OUT_OF_MEMORY = "memory ran out: end other programs, or choose a smaller model, another precision or another device"
_MEMORY = re.compile(
    "bad_alloc|alloc(ation)?_failed|out of memory|not enough memory|"
    "(cannot|can't|could not|failed to|unable to) allocate",
    re.IGNORECASE,
)


class DepthartError(ValueError):
    """Base of every error this project raises on purpose."""


class ConfigError(DepthartError):
    """A model configuration that cannot be built."""


class CheckpointError(DepthartError):
    """A model file that is missing, damaged or of another layout."""


class AlignmentError(DepthartError):
    """Relative and true depth that cannot be aligned."""


class IntrinsicsError(DepthartError):
    """Camera intrinsics that describe no camera."""


class ImageError(DepthartError):
    """A picture of a wrong type, shape or size."""


class BackendError(DepthartError):
    """A backend, device or decoding choice that is unknown or not available."""


class MissingEngineError(BackendError):
    """No engine does what is asked for, which building one would cure."""


@contextmanager
def importing(what: str) -> Iterator[None]:
    """Make a BackendError of what importing an optional library raises.

    Args:
        what: needs the library; begins the sentence.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise BackendError(f"{what} needs the package {error.name}: {pip_install(str(error.name))}") from error
    except (ImportError, OSError) as error:  # installed, but not for this machine, or damaged
        raise BackendError(f"{what} cannot import its library: {str(error).partition(chr(10))[0]}") from error


@contextmanager
def running(what: str, *kinds: type[Exception], line: int = 0) -> Iterator[None]:
    """Make a BackendError of what a library raises while it runs a model; where memory ran out it says what helps.

    Args:
        what: Cannot run what; begins the sentence.
        kinds: Of errors that are the library's.
        line: Of the error's words, in which the reason stands.
    """
    try:
        yield
    except kinds as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[line]
        memory = isinstance(error, MemoryError) or _MEMORY.search(str(error))
        raise BackendError(f"{what}: {reason}{f'; {OUT_OF_MEMORY}' if memory else ''}") from error


def pip_install(*packages: str) -> str:
    """The command that installs packages; a NumPy 1 stays, for which apt's OpenCV and ROS's messages were compiled."""
    kept = ["'numpy<2'"] if np.__version__.startswith("1.") else []
    return " ".join(["pip install", *kept, *packages])
