"""The launch files: their arguments and what they include."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = ROOT / "launch" / "depth.launch.py"
EXAMPLES = sorted((ROOT / "launch" / "examples").glob("*.launch.py"))
ARGUMENTS = {
    "namespace", "params_file", "model", "backend", "image", "camera_info", "image_transport", "rectified", "scale",
    "scale_source", "deadline_ms", "cameras", "process_all", "rviz", "autostart", "use_sim_time", "log_level",
    "fixed_frame", "local_transport", "device", "precision", "max_scales", "build_engine", "rectify", "fov_deg",
    "camera_info_url",
}  # fmt: skip
PARAMETERS = ("model", "backend", "image_transport", "scale_source", "scale", "deadline_ms", "autostart",
              "process_all", "rectified", "cameras", "device", "precision", "max_scales", "build_engine", "rectify",
              "fov_deg", "camera_info_url")  # fmt: skip
files = pytest.mark.parametrize("file", [FILE, *EXAMPLES], ids=lambda file: file.name)
examples = pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.name)


def calls(file, name):
    """Every call of a function in a launch file, as (positional nodes, keywords)."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node.args, {word.arg: word.value for word in node.keywords}


def table(file):
    """The table of the arguments of depth.launch.py, by name: nodes of kind, default and description."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "ARGUMENTS":
            return {key.value: value.elts for key, value in zip(node.value.keys, node.value.values, strict=True)}
    return {}


def declared(file):
    """The keywords of every argument, by its name."""
    named = [
        (positional[0].value, keywords)
        for positional, keywords in calls(file, "DeclareLaunchArgument")
        if isinstance(positional[0], ast.Constant)
    ]
    listed = [
        (name, {"default_value": default, "description": description})
        for name, (_, default, description) in table(file).items()
    ]
    return dict(named + listed)


def used(file):
    """Every text of a launch file that stands outside of declarations."""
    tree = ast.parse(file.read_text())
    declaring = [
        node
        for node in ast.walk(tree)
        if (isinstance(node, ast.Call) and getattr(node.func, "id", "") == "DeclareLaunchArgument")
        or (isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "ARGUMENTS")
    ]
    left_out = {id(node) for part in declaring for node in ast.walk(part)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in left_out)
    return {node.value for node in texts if isinstance(node.value, str)}


def included(file):
    """The arguments given to depth.launch.py."""
    for _, keywords in calls(file, "IncludeLaunchDescription"):
        given = [ast.literal_eval(key) for key in keywords["launch_arguments"].func.value.keys]
        if any(name in ARGUMENTS for name in given):
            yield given


@pytest.fixture(scope="module")
def functions():
    """The functions of the launch file that need nothing of `launch`, by name."""
    tree = ast.parse(FILE.read_text())
    wanted = ("_inputs", "_of_camera", "_names", "_given", "_read", "_is_true", "_parameter_file")
    tree.body = [
        node
        for node in tree.body
        if isinstance(node, ast.Assign)
        or (isinstance(node, ast.FunctionDef) and node.name in wanted)
        or (isinstance(node, ast.ImportFrom) and node.module in ("__future__", "pathlib"))
    ]
    space = {}
    exec(compile(tree, str(FILE), "exec"), space)
    return space


@pytest.fixture
def inputs(functions):
    return functions["_inputs"]


def test_the_node_has_every_argument_with_a_default():
    found = declared(FILE)
    assert set(found) == ARGUMENTS
    assert all("default_value" in keywords for keywords in found.values())


@files
def test_every_argument_is_described(file):
    for name, keywords in declared(file).items():
        assert len(ast.literal_eval(keywords["description"])) > 10, name


@files
def test_every_argument_is_used(file):
    passed_on = {name for name, (kind, *_) in table(file).items() if kind.value}
    assert declared(file).keys() - passed_on <= used(file)


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_argument_is_a_parameter_of_the_node(name):
    from depthart_ros.parameters.settings import SPECS

    assert name in SPECS


@pytest.mark.parametrize("cameras", ["", "[]"])
def test_one_camera_has_its_topics_as_they_are_given(inputs, cameras):
    arguments = {"image": "/cam/image", "camera_info": "/cam/info", "cameras": cameras}
    assert inputs(arguments) == [("image", "/cam/image"), ("camera_info", "/cam/info")]


@pytest.mark.parametrize("cameras", ["front,left", "[front, left]", "['front', 'left']", '["front","left"]'])
def test_several_cameras_have_their_topics_below_their_names_or_where_they_stand_in_them(inputs, cameras):
    arguments = {"image": "/{camera}/image_raw", "camera_info": "camera_info", "cameras": cameras}
    assert inputs(arguments) == [
        ("front/image", "/front/image_raw"),
        ("front/camera_info", "front/camera_info"),
        ("left/image", "/left/image_raw"),
        ("left/camera_info", "left/camera_info"),
    ]


@pytest.mark.parametrize(("name", "value"), [("scale", "1,5"), ("max_scales", "2.5"), ("autostart", "yes")])
def test_an_argument_that_cannot_be_read_is_named(functions, name, value):
    with pytest.raises(ValueError, match=f"^{name}:={value}: "):
        functions["_given"](dict.fromkeys(ARGUMENTS, "") | {name: value})


@pytest.mark.parametrize("name", ["y", "n", "Y", "N"])
def test_the_name_of_a_camera_that_ros_reads_as_a_truth_value_is_refused(inputs, name):
    with pytest.raises(ValueError, match=f"^cameras:={name},e: ROS reads '{name}' as yes or no"):
        inputs({"image": "image", "camera_info": "camera_info", "cameras": f"{name},e"})


def test_one_topic_for_several_cameras_is_refused(inputs):
    with pytest.raises(ValueError, match=r"'/cam/image' is one topic for several cameras; expected \{camera\}"):
        inputs({"image": "/cam/image", "camera_info": "camera_info", "cameras": "front,left"})


@pytest.mark.parametrize("topic", ["image", "camera_info"])
def test_a_topic_of_several_cameras_without_their_names_is_refused(inputs, topic):
    arguments = {"image": "image", "camera_info": "camera_info", "cameras": ""}
    with pytest.raises(ValueError, match=r"'/\{camera\}/x' is a topic of several cameras; expected their names"):
        inputs(arguments | {topic: "/{camera}/x"})


def test_a_parameter_file_that_is_not_there_is_refused(functions, tmp_path, monkeypatch):
    read, existing = functions["_read"], functions["_parameter_file"]
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ValueError, match=r"^params_file:=~/depth\.yaml: expected the path of a file$"):
        read({"params_file": "~/depth.yaml"}, "params_file", existing)
    (tmp_path / "depth.yaml").touch()
    assert read({"params_file": "~/depth.yaml"}, "params_file", existing) == str(tmp_path / "depth.yaml")


def test_without_a_parameter_file_the_packaged_one_counts(functions, monkeypatch, tmp_path):
    monkeypatch.setitem(functions, "_config", lambda name: str(tmp_path / name))
    (tmp_path / "depth.yaml").touch()
    assert functions["_parameter_file"]("") == str(tmp_path / "depth.yaml")


def test_an_argument_reaches_the_node_and_an_empty_one_leaves_it_to_the_file(functions):
    given, empty = functions["_given"], dict.fromkeys(ARGUMENTS, "")
    assert given(empty) == {}
    texts = {"model": "toy", "backend": "onnx", "image_transport": "raw", "scale_source": "given"}
    texts |= {"device": "cuda:1", "precision": "fp16", "camera_info_url": "file:///camera.yaml"}
    truths = {"autostart": "true", "process_all": "True", "rectified": "false", "use_sim_time": "true"}
    truths |= {"build_engine": "1", "rectify": "true"}
    numbers = {"scale": "2", "deadline_ms": "50", "fov_deg": "70", "max_scales": "3"}
    found = given(empty | texts | truths | numbers | {"cameras": "front,left"})
    assert found == texts | {
        "autostart": True, "process_all": True, "rectified": False, "use_sim_time": True, "scale": 2.0,
        "deadline_ms": 50.0, "cameras": ["front", "left"], "build_engine": True, "rectify": True, "fov_deg": 70.0,
        "max_scales": 3,
    }  # fmt: skip
    assert set(found) == {*PARAMETERS, "use_sim_time"}


def test_there_is_an_example_of_each_use():
    assert {file.name.partition(".")[0] for file in EXAMPLES} == {
        "webcam", "realsense", "four_cameras", "bag", "nav2"
    }  # fmt: skip


@examples
def test_an_example_includes_the_node_with_arguments_that_it_has(file):
    (given,) = included(file)
    assert set(given) <= ARGUMENTS


@examples
def test_what_an_example_includes_stays_in_a_group_so_that_its_arguments_do_not_leak(file):
    grouped = [
        node
        for positional, _ in calls(file, "GroupAction")
        for node in ast.walk(positional[0])
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "IncludeLaunchDescription"
    ]
    assert len(grouped) == len(list(calls(file, "IncludeLaunchDescription")))


@examples
def test_an_example_says_how_it_is_started(file):
    assert f"`ros2 launch depthart_ros {file.name}" in ast.get_docstring(ast.parse(file.read_text()))


def test_the_camera_of_the_webcam_example_has_the_options_that_are_given():
    import argparse

    from depthart_ros.cli import camera

    (node,) = [keywords for _, keywords in calls(ROOT / "launch/examples/webcam.launch.py", "Node")]
    options = [
        text.value for text in ast.walk(node["arguments"]) if isinstance(text, ast.Constant) and text.value[:2] == "--"
    ]
    parser = argparse.ArgumentParser()
    camera.add_arguments(parser)
    assert set(options) <= set(parser._option_string_actions)


@pytest.mark.parametrize("name", ["webcam", "nav2"])
def test_an_example_for_any_camera_takes_raw_images_too(name):
    (given,) = included(ROOT / "launch" / "examples" / f"{name}.launch.py")
    assert {"rectified", "rectify"} <= set(given)
