"""An export that several test files look at."""

import pytest


@pytest.fixture(scope="session")
def tiny_export(tiny_model_path, tmp_path_factory):
    """The stepped export of the tiny model; tests leave it as it is."""
    from depthart_core.export.onnx import export_model

    return export_model(tiny_model_path, tmp_path_factory.mktemp("tiny"))
