"""The environment of nodes that share images on one machine."""

import pytest

from depthart_ros.transport import local_transport


@pytest.mark.parametrize(
    ("distribution", "variable"),
    [("humble", "FASTRTPS_DEFAULT_PROFILES_FILE"), ("kilted", "FASTDDS_DEFAULT_PROFILES_FILE")],
)
def test_the_profile_is_named_as_the_distribution_reads_it(monkeypatch, distribution, variable):
    monkeypatch.setenv("ROS_DISTRO", distribution)
    assert local_transport("some/fastdds.xml")[variable] == "some/fastdds.xml"


def test_publishing_does_not_wait_unless_somebody_wants_it_to(monkeypatch):
    monkeypatch.delenv("RMW_FASTRTPS_PUBLICATION_MODE", raising=False)
    assert local_transport("")["RMW_FASTRTPS_PUBLICATION_MODE"] == "ASYNCHRONOUS"
    monkeypatch.setenv("RMW_FASTRTPS_PUBLICATION_MODE", "SYNCHRONOUS")
    assert local_transport("")["RMW_FASTRTPS_PUBLICATION_MODE"] == "SYNCHRONOUS"
