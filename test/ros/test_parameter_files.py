"""Parameter files, read as ROS would for one node."""

import pytest

from depthart_core import ConfigError
from depthart_ros.parameter_files import read_assignment, read_parameters, settings_of


@pytest.fixture
def parameters(tmp_path):
    def read(text, node="/depth_node"):
        (tmp_path / "file.yaml").write_text(text)
        return read_parameters(tmp_path / "file.yaml", node)

    return read


@pytest.mark.parametrize(
    ("name", "node", "ours"),
    [
        ("/**", "/depth_node", True),
        ("/**", "/robot/front/depth_node", True),
        ("depth_node", "/depth_node", True),
        ("/depth_node", "/depth_node", True),
        ("/robot/depth_node", "/robot/depth_node", True),
        ("/*/depth_node", "/robot/depth_node", True),
        ("/**/depth_node", "/robot/front/depth_node", True),
        ("/**/depth_node", "/depth_node", True),
        ("depth_node", "/robot/depth_node", False),
        ("/*/depth_node", "/robot/front/depth_node", False),
        ("camera", "/depth_node", False),
    ],
)
def test_a_section_is_for_the_node_that_its_name_means(parameters, name, node, ours):
    text = f"{name}:\n  ros__parameters:\n    scale: 2.0\n/other:\n  ros__parameters:\n    scale: 3.0\n"
    if ours:
        assert parameters(text, node) == {"scale": 2.0}
    else:
        with pytest.raises(ConfigError, match=rf"sections for .*; expected one for {node}, such as /\*\*"):
            parameters(text, node)


def test_namespaces_may_be_nested_and_groups_of_parameters_are_joined_by_dots(parameters):
    text = (
        "robot:\n  depth_node:\n    ros__parameters:\n      points: {stride: 2}\n      color: {map: bone, min: 1.0}\n"
    )
    assert parameters(text, "/robot/depth_node") == {"points.stride": 2, "color.map": "bone", "color.min": 1.0}


def test_later_sections_win(parameters):
    text = "/**:\n  ros__parameters: {scale: 2.0, min_range: 0.5}\ndepth_node:\n  ros__parameters: {scale: 3.0}\n"
    assert parameters(text) == {"scale": 3.0, "min_range": 0.5}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("scale: 2.0\n", "has no ros__parameters; expected NODE: ros__parameters: NAME: VALUE"),
        ("- 1\n", "has no ros__parameters"),
        ("/**:\n  ros__parameters:\n  a: [1\n", "is no YAML at line"),
    ],
)
def test_what_is_no_parameter_file_is_refused(parameters, text, sentence):
    with pytest.raises(ConfigError, match=sentence):
        parameters(text)


def test_parameters_of_every_ros_node_are_no_settings():
    values = {"use_sim_time": True, "qos_overrides./image.subscription.reliability": "reliable", "scale": 2}
    assert settings_of(values).scale == 2.0


def test_an_unknown_parameter_is_refused_by_name():
    with pytest.raises(ConfigError, match="scael: unknown parameter"):
        settings_of({"scael": 2.0})


def test_a_parameter_that_a_camera_cannot_have_of_its_own_is_refused_by_name():
    values = {"cameras": ["front"], "front.scale": 2.0}
    assert settings_of(values, "front").scale == 2.0
    with pytest.raises(ConfigError, match=r"^front\.model, front\.scal: unknown as a camera's own parameter"):
        settings_of(values | {"front.model": "nano", "front.scal": 1.0}, "front")


@pytest.mark.parametrize(
    ("text", "expected"), [("scale:=2", ("scale", 2)), ("model:=nano", ("model", "nano")), ("a.b:=true", ("a.b", True))]
)
def test_an_assignment_is_read_as_ros_reads_it(text, expected):
    assert read_assignment(text) == expected


@pytest.mark.parametrize("text", ["scale", "scale=2", ":=2", "scale:=", "scale:=[1"])
def test_an_assignment_of_another_form_is_refused(text):
    with pytest.raises(ConfigError, match="expected NAME:=VALUE"):
        read_assignment(text)
