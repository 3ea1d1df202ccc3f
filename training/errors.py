"""The error of a training run."""

from __future__ import annotations

from depthart_core.errors import DepthartError


class TrainingError(DepthartError):
    """A training run that cannot begin or go on."""
