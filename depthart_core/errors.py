"""Named errors: one sentence each, with what was got and what was expected."""


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
