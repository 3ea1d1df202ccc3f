"""What the comparison of engines refuses before it measures for minutes."""

import pytest


@pytest.mark.parametrize("limit", ["0", "-1"])
def test_a_number_of_pictures_that_is_none_is_one_sentence(capsys, limit):
    pytest.importorskip("onnxruntime")
    from benchmarks.engines import main

    assert main(["--limit", limit]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line == f"benchmarks.engines: --limit {limit}: expected a number of frames from 1 up"
