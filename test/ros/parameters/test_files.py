"""Parameter files, read as ROS would for one node."""

import os

import pytest

from depthart_core import ConfigError
from depthart_ros.parameters.files import read_assignment, read_given, read_parameters, settings_of

READ = {
    "2": 2,
    "+1": 1,
    "0x1F": 31,
    "0X1f": 31,
    "017": 15,
    "08": 8.0,
    "0o17": "0o17",
    "0b11": "0b11",
    "1_000": "1_000",
    "9223372036854775807": 2**63 - 1,
    "9223372036854775808": 2.0**63,
    "0777777777777777777777777": 777777777777777777777777.0,
    "9" * 400: "9" * 400,
    "9" * 5000: "9" * 5000,
    "0x1p3": 8.0,
    "!!float 2": 2,
    "1e-3": 0.001,
    "1e3": 1000.0,
    "1.": 1.0,
    ".5": 0.5,
    "1.5E+3": 1500.0,
    "inf": float("inf"),
    "-.inf": -float("inf"),
    "infinity": float("inf"),
    "true": True,
    "Yes": True,
    "off": False,
    "n": False,
    "TrUe": "TrUe",
    "'yes'": "yes",
    '"1"': "1",
    "!!str 5": "5",
    "nano": "nano",
    "2024-01-01": "2024-01-01",
    "12:30": "12:30",
    "null": "null",
    "~": "~",
    "=": "=",
    "[front, left]": ["front", "left"],
    "[1e3]": [1000.0],
}
"""What stands after NAME:= or NAME: and what it is to ROS."""


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
        pytest.param("#" * (1 << 20) + "\n", "cannot be read: it has more than 1048576 characters", id="too long"),
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


def test_unknown_names_of_a_file_are_left_out_with_a_warning_and_those_given_by_hand_are_kept(tmp_path):
    text = "{cameras: [front], scale: 2.0, front.scal: 1.0, robot_name: x, use_sim_time: true, qos_overrides: {a: b}}"
    (file := tmp_path / "file.yaml").write_text(f"/**:\n  ros__parameters: {text}\n")
    values = read_given(file, ["front.scale:=3.0", "stride:=2"], (said := []).append)
    assert said == [f"unknown parameters of {file} are ignored: front.scal (did you mean front.scale?), robot_name"]
    assert values.keys() == {"cameras", "scale", "front.scale", "use_sim_time", "qos_overrides.a", "stride"}
    with pytest.raises(ConfigError, match="stride: unknown parameter"):
        settings_of(values)


@pytest.mark.parametrize("value", [5, 1.5, True, "front", {"front": 1}])
def test_cameras_that_are_no_list_are_refused(value):
    with pytest.raises(ConfigError, match=r"^cameras is .*; expected a value of type string array"):
        settings_of({"cameras": value})


def test_what_ros_dumps_of_unset_parameters_is_unset():
    values = {"cameras": ["front"], "scale": 2.0, "front.scale": "null"}
    assert settings_of(values, "front").scale == 2.0
    assert settings_of({"cameras": "null"}).cameras == ()


def test_a_parameter_that_a_camera_cannot_have_of_its_own_is_refused_by_name():
    values = {"cameras": ["front"], "front.scale": 2.0}
    assert settings_of(values, "front").scale == 2.0
    with pytest.raises(ConfigError, match=r"^front\.model, front\.scal: unknown as a camera's own parameter"):
        settings_of(values | {"front.model": "nano", "front.scal": 1.0}, "front")


@pytest.mark.parametrize(("text", "expected"), READ.items())
def test_an_assignment_and_a_file_are_read_as_ros_reads_them(parameters, text, expected):
    name, read = read_assignment(f"a.b:={text}")
    from_file = parameters(f"/**:\n  ros__parameters:\n    a.b: {text}\n")["a.b"]
    assert (name, read, type(read)) == ("a.b", expected, type(expected))
    assert (from_file, type(from_file)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("scale: 2.0\n    cameras:\n", ("no value", 4)),
        ("scale: &s 2.0\n    max_range: *s\n", ("an alias", 4)),
        ("cameras: [front, 5]\n", ("a list of several types", 3)),
        ("other: [1, 2.0]\n", ("a list of several types", 3)),
    ],
)
def test_what_ros_refuses_in_a_file_is_refused_by_its_line(dds, domain, parameters, tmp_path, text, problem):
    import rclpy

    with pytest.raises(ConfigError, match="has {}, which ROS refuses, at line {};".format(*problem)):
        parameters(f"/**:\n  ros__parameters:\n    {text}")
    with pytest.raises(Exception, match="Couldn't parse params file"):
        rclpy.init(args=["--ros-args", "--params-file", str(tmp_path / "file.yaml")], context=rclpy.Context())


def test_blocks_and_names_that_look_like_values_are_read_as_ros_reads_them(parameters):
    assert parameters("/**:\n  ros__parameters:\n    on: {scale: 2.0}\n    1: a\n    model: |-\n      5\n") == {
        "on.scale": 2.0,
        "1": "a",
        "model": 5,
    }


@pytest.mark.parametrize("from_file", [False, True])
def test_ros_reads_them_so(dds, domain, tmp_path, from_file):
    import rclpy

    expected = dict(READ)
    if os.environ.get("ROS_DISTRO") == "humble":
        expected["!!str 5"] = 5  # its parser looks at no tag
    names = {f"p{number}": text for number, text in enumerate(READ)}
    lines = [f"    {name}: {text}\n" for name, text in names.items()]
    (file := tmp_path / "file.yaml").write_text(f"/**:\n  ros__parameters:\n{''.join(lines)}")
    given = [word for name, text in names.items() for word in ("-p", f"{name}:={text}")]
    rclpy.init(
        args=["--ros-args", *(("--params-file", str(file)) if from_file else given)],
        context=(context := rclpy.Context()),
    )
    node = rclpy.create_node("reader", context=context, automatically_declare_parameters_from_overrides=True)
    try:
        read = {text: node.get_parameter(name).value for name, text in names.items()}
    finally:
        node.destroy_node()
        context.shutdown()
    read = {text: list(value) if isinstance(READ[text], list) else value for text, value in read.items()}
    assert {text: (type(value), value) for text, value in read.items()} == {
        text: (type(value), value) for text, value in expected.items()
    }


@pytest.mark.parametrize("text", ["scale", "scale=2", ":=2", "scale:=", "scale:=[1"])
def test_an_assignment_of_another_form_is_refused(text):
    with pytest.raises(ConfigError, match="expected NAME:=VALUE"):
        read_assignment(text)
