"""Cures that are printed."""

import numpy as np

from depthart_core.errors import pip_install


def test_what_is_to_be_installed_leaves_a_numpy_1_as_it_is(monkeypatch):
    monkeypatch.setattr(np, "__version__", "1.26.4")
    assert pip_install("onnx", "onnxruntime") == "pip install 'numpy<2' onnx onnxruntime"
    monkeypatch.setattr(np, "__version__", "2.1.0")
    assert pip_install("onnx", "onnxruntime") == "pip install onnx onnxruntime"
