"""How image messages say that they hold depth."""

DEPTH_ENCODINGS = ("32FC1", "16UC1")
"""Encodings of depth images: metres, and millimetres."""


def is_depth(image_format: str) -> bool:
    """Whether the format of a CompressedImage names depth: "16UC1; png compressed", "32FC1; compressedDepth"."""
    return "compressedDepth" in image_format or image_format.partition(";")[0].strip() in DEPTH_ENCODINGS
