"""The comparison with the released code, which is not here: what it says then."""

import pytest

from benchmarks.against_reference import main


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
