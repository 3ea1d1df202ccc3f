"""Every parameter does what it says: one test of this folder bears its name; a new parameter without one fails."""

import re
from pathlib import Path

from depthart_ros.parameters.settings import SPECS

PROOF = re.compile(r'^@pytest\.mark\.proves\("([\w.]+)"\)\ndef test_', re.MULTILINE)


def test_every_parameter_has_one_proof_and_every_proof_a_parameter():
    files = Path(__file__).parent.glob("test_*.py")
    assert sorted(name for file in files for name in PROOF.findall(file.read_text())) == sorted(SPECS)
