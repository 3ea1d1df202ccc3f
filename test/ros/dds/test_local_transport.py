"""The environment of nodes that share images on one machine."""

import pytest

from depthart_ros.dds.transport import local_transport


@pytest.mark.parametrize(
    ("distribution", "variable"),
    [("humble", "FASTRTPS_DEFAULT_PROFILES_FILE"), ("kilted", "FASTDDS_DEFAULT_PROFILES_FILE")],
)
def test_the_profile_is_named_as_the_distribution_reads_it(monkeypatch, distribution, variable):
    monkeypatch.setenv("ROS_DISTRO", distribution)
    assert local_transport("some/fastdds.xml")[variable] == "some/fastdds.xml"


def test_how_outputs_are_published_is_left_to_the_user(monkeypatch):
    monkeypatch.setenv("RMW_FASTRTPS_PUBLICATION_MODE", "ASYNCHRONOUS")
    assert "RMW_FASTRTPS_PUBLICATION_MODE" not in local_transport("")
