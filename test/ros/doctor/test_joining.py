"""Whether ROS can be joined, and what the doctor says where it cannot."""

import os

import pytest

from depthart_ros.doctor.joining import check_joining, cure_of_joining


@pytest.fixture
def environment(tmp_path):
    """A function that returns an environment whose rclpy does as told."""

    def make(**functions):
        done = {"init": "pass", "create_node": "pass", "shutdown": "pass"} | functions
        lines = [f"def {name}(*names):\n    {body}\n" for name, body in done.items()]
        (tmp_path / "rclpy.py").write_text("import os, time\n" + "".join(lines))
        return os.environ | {"PYTHONPATH": str(tmp_path)}

    return make


def test_a_middleware_that_crashes_when_it_ends_has_been_joined(environment):
    assert not list(check_joining(environment(shutdown="os._exit(134)")))


def test_a_middleware_that_ends_the_process_before_is_wrong_whatever_its_status(environment):
    (finding,) = check_joining(environment(create_node="os._exit(0)"))
    assert (finding.about, finding.text) == ("topics", "ROS cannot be joined: status 0")
    (finding,) = check_joining(environment(create_node="print('no\\nnetwork at all\\n', flush=True); os._exit(134)"))
    assert finding.text == "ROS cannot be joined: network at all"
    assert finding.cure


def test_a_middleware_that_does_not_come_back_is_not_waited_for(environment):
    (finding,) = check_joining(environment(init="time.sleep(1000)"), patience=1.0)
    assert finding.text == "ROS cannot be joined: it takes more than 1 s"


LOGS, DOMAIN, LOOK = "export ROS_LOG_DIR=FOLDER", "export ROS_DOMAIN_ID=0", "look at what is set"


@pytest.mark.parametrize(
    ("given", "cure"),
    [
        ({}, LOOK),
        ({"ROS_DOMAIN_ID": ""}, LOOK),
        ({"ROS_DOMAIN_ID": "101", "ROS_LOG_DIR": "{folder}/not/there"}, LOOK),
        ({"ROS_DOMAIN_ID": "102"}, DOMAIN),
        ({"ROS_DOMAIN_ID": "-1"}, DOMAIN),
        ({"ROS_DOMAIN_ID": "here"}, DOMAIN),
        ({"ROS_LOG_DIR": "{folder}/file"}, LOGS),
        ({"ROS_LOG_DIR": "{folder}/file/log"}, LOGS),
        ({"ROS_HOME": "{folder}/file"}, LOGS),
        ({"ROS_HOME": "{folder}/file", "ROS_LOG_DIR": "{folder}"}, LOOK),
        ({"ROS_LOG_DIR": "~nobody_at_all/log"}, LOGS),
        ({"RMW_IMPLEMENTATION": "rmw_of_the_prefix", "AMENT_PREFIX_PATH": "{folder}"}, LOOK),
        ({"RMW_IMPLEMENTATION": "rmw_nobody", "AMENT_PREFIX_PATH": "{folder}"}, "unset RMW_IMPLEMENTATION, or install"),
    ],
)
def test_the_cure_goes_by_what_is_set(tmp_path, monkeypatch, given, cure):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").touch()
    index = tmp_path / "share" / "ament_index" / "resource_index" / "rmw_typesupport"
    index.mkdir(parents=True)
    (index / "rmw_of_the_prefix").touch()
    said = cure_of_joining({name: value.format(folder=tmp_path) for name, value in given.items()})
    assert said.startswith(cure)
    assert "; " not in said


def test_all_that_is_set_wrong_is_cured_at_once(tmp_path):
    (tmp_path / "file").touch()
    said = cure_of_joining({"ROS_DOMAIN_ID": "here", "ROS_LOG_DIR": str(tmp_path / "file")})
    assert LOGS in said
    assert DOMAIN in said


def test_the_home_folder_counts_where_nothing_names_one_for_logs(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("HOME", str(tmp_path / "file"))
    assert cure_of_joining({}).startswith(LOGS)
