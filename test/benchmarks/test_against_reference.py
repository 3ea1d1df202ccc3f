"""The comparison with the released code, which is not here: what it says then."""

import sys
from pathlib import Path

import pytest

from benchmarks.against_reference import main
from benchmarks.reference_sides import OPENVINO, REFERENCE, possible_sides


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ([], "needs a checkout of the released DepthART code"),
        (["--reference", "."], ". is no checkout of the released"),
    ],
)
def test_without_a_checkout_it_says_so_in_one_sentence(options, sentence, capsys):
    assert main(options) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("benchmarks.against_reference: ")
    assert sentence in line


def test_openvino_is_measured_where_it_is_installed(monkeypatch, tmp_path):
    monkeypatch.delitem(sys.modules, "openvino", raising=False)
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if not (Path(folder) / "openvino").exists()])
    assert possible_sides()[0] == REFERENCE
    assert OPENVINO not in possible_sides()
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert possible_sides()[-1] == OPENVINO
