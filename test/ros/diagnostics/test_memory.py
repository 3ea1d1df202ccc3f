"""The memory of a process."""

import pytest

from depthart_ros.diagnostics.memory import resident_mib


def test_memory_is_that_of_this_process():
    held = bytearray(64 * 2**20)
    held[:: 2**12] = b"x" * (len(held) // 2**12)
    before = resident_mib()
    if before is None:
        pytest.skip("this system does not tell")
    assert before > 64
    del held
    assert resident_mib() < before - 32
