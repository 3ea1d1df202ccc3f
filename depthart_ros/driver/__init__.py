"""The driver of `depthart camera`: pictures from a webcam, a file or the package, published as a camera would."""
