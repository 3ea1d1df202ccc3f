"""What the measurement of several cameras says."""

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from benchmarks.cameras import Look, Shared, rows


def test_rates_are_those_of_the_whole_time_between_two_looks():
    def look(seconds, **counts):
        return Look(
            seconds,
            {
                name: {"received": str(2 * count), "processed": str(count), "processed_rate": "99.00"}
                for name, count in counts.items()
            },
        )

    shared = Shared(300.0, look(100.5, front=10, rear=5), look(120.5, front=70, rear=45))
    assert [row[:3] for row in rows(shared, ("front", "rear"))] == [["front", "6.00", "3.00"], ["rear", "4.00", "2.00"]]
    assert shared.last.fewest(("front", "rear")) == 45
    assert shared.last.fewest(("front", "rear", "left")) == 0
