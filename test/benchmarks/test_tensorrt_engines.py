"""What the trial on a GPU leaves where there is none."""

import pytest
import torch

from benchmarks.tensorrt_engines import main


def test_every_try_is_delivered_before_the_next(tmp_path, capsys):
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    main(["--precisions", "fp32", "--out", str(tmp_path / "engines.md")])
    assert [text.count("not done: ") for text in capsys.readouterr().out.split("# Engines on a GPU")] == [0, 1, 2]
    text = (tmp_path / "engines.md").read_text()
    assert "Command: `python -m benchmarks.tensorrt_engines --precisions fp32 --out engines.md`" in text
    assert text.count("not done: ") == 2
