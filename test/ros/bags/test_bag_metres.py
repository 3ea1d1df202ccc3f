"""`depthart bag`: scale, calibration and the cameras' own parameters."""

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags is not installed (extra `view`)")

from depthart_ros.cli.main import main
from depthart_ros.inputs.camera_model import intrinsics_from_fov
from depthart_ros.inputs.fallback_calibration import pinhole
from depthart_ros.outputs.snapshot import calibration_yaml

IMAGE, INFO = "/camera/image_raw", "/camera/camera_info"
ADDED = ("/depth/image_rect", "/depth/camera_info", "/points")


@pytest.mark.parametrize("options", [(), ("--scale", 0)])
def test_without_a_scale_depth_is_relative_and_that_is_said_before_and_after(
    bag, write_bag, recording, contents, capsys, options
):
    source = write_bag(recording(1))
    assert bag(source, out := source.with_name("out"), *options) == 0
    assert {entry[0] for entry in contents(out)} == {IMAGE, INFO, "/depth/relative"}
    said = (
        "without depth/image_rect, depth/camera_info, points: the scale is unknown, so there are neither metres nor a "
        "cloud; give --scale above 0, or --scale-source model"
    )
    first, _, last = capsys.readouterr().out.splitlines()
    assert first == last == said


def test_without_camera_info_there_are_metres_but_no_cloud_and_that_is_said(
    bag, write_bag, recording, contents, capsys
):
    source = write_bag([entry for entry in recording(1) if entry[0] == IMAGE])
    assert bag(source, out := source.with_name("out"), "--scale", 2) == 0
    assert {entry[0] for entry in contents(out)} == {IMAGE, "/depth/image_rect"}
    assert "without depth/camera_info, points: " in (said := capsys.readouterr().out)
    assert "name one with --camera-info, or give -p fov_deg:=DEGREES" in said


@pytest.mark.parametrize(("options", "said"), [((), 1), (("-p", "rectified:=false"), 0)])
def test_raw_images_of_a_bag_that_are_taken_for_rectified_ones_are_said_once(
    bag, write_bag, recording, capsys, options, said
):
    source = write_bag(recording())
    assert bag(source, source.with_name("out"), "--scale", 2, *options) == 0
    assert capsys.readouterr().err.count(f"{IMAGE} sounds like raw images, but `rectified` is true") == said


def test_a_guessed_scale_without_camera_info_leaves_relative_depth(bag, write_bag, recording, contents, capsys):
    source = write_bag([entry for entry in recording(1) if entry[0] == IMAGE])
    assert bag(source, out := source.with_name("out"), "--scale-source", "model") == 0
    assert {entry[0] for entry in contents(out)} == {IMAGE, "/depth/relative"}
    assert "its scale needs a camera_info" in capsys.readouterr().out


@pytest.mark.parametrize("metres", [("--scale", 2), ("--scale-source", "model")])
def test_a_field_of_view_stands_in_for_camera_info(bag, write_bag, recording, added, messages, metres):
    source = write_bag([entry for entry in recording(2) if entry[0] == IMAGE])
    out = source.with_name("out")
    assert bag(source, out, *metres, "-p", "fov_deg:=80.0") == 0
    [_, (_, depth)], [_, (_, info)], [_, (_, cloud)] = (added(out, topic) for topic in ADDED)
    height, width = messages.pixels(1).shape[:2]
    k = pinhole(intrinsics_from_fov(width, height, 80.0)).k
    np.testing.assert_array_equal(info.k, k)
    z = depth.data.view(np.float32).reshape(height, width)
    v, u = np.mgrid[:height, :width]
    expected = np.stack([(u - k[2]) * z / k[0], (v - k[5]) * z / k[4], z], axis=-1)
    points = cloud.data.view(np.float32).reshape(height, width, -1)[..., :3]
    np.testing.assert_allclose(points, expected, rtol=0, atol=1e-5)


def test_a_calibration_file_stands_in_for_camera_info_exactly(bag, write_bag, recording, contents, messages, tmp_path):
    with_info = write_bag(recording(2), name="with")
    without = write_bag([entry for entry in recording(2) if entry[0] == IMAGE], name="without")
    (tmp_path / "camera.yaml").write_bytes(calibration_yaml(messages.info(0)))
    for source, options in ((with_info, ()), (without, ("-p", f"camera_info_url:={tmp_path / 'camera.yaml'}"))):
        assert bag(source, source.with_name(f"{source.name}_out"), "--scale", 2, *options) == 0
    ours, theirs = (
        [entry for entry in contents(tmp_path / f"{name}_out") if entry[0] in ADDED] for name in ("without", "with")
    )
    assert ours == theirs


def scales(added, out):
    """Metres per unit of what two topics of a bag say."""
    relative, metric = (added(out, f"/{name}")[0][1] for name in ("depth/relative", "depth/image_rect"))
    return float(np.nanmedian(metric.data.view(np.float32) / relative.data.view(np.float32)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--camera", "front"), 3.0),
        (("--camera", "left"), 2.0),
        (("--camera", "front", "--scale", 4), 4.0),
        ((), 2.0),
    ],
)
def test_a_camera_has_its_own_parameters_and_without_one_they_are_named(
    bag, write_bag, recording, added, capsys, options, expected
):
    source = write_bag(recording(1))
    given = [word for text in ("cameras:=[front, left]", "scale:=2", "front.scale:=3.0") for word in ("-p", text)]
    given += ["-p", "min_range:=0", "--topics", "depth/relative", "depth/image_rect"]
    assert bag(source, out := source.with_name("out"), *given, *options) == 0
    assert scales(added, out) == pytest.approx(expected, rel=1e-4)
    sentence = "depthart bag: front.scale: ignored; choose a camera with --camera"
    assert (sentence in capsys.readouterr().err) == (not options)


def test_names_of_a_file_that_the_node_ignores_are_ignored_and_named(bag, write_bag, recording, capsys):
    source = write_bag(recording(1))
    (file := source.with_name("file.yaml")).write_text("/**:\n  ros__parameters: {scale: 1.0, robot_name: x}\n")
    assert bag(source, source.with_name("out"), "--params-file", file) == 0
    assert f"unknown parameters of {file} are ignored: robot_name\n" in capsys.readouterr().err


def test_a_filter_by_confidence_that_the_model_does_not_have_is_said(write_bag, recording, toy_model_path, capsys):
    source = write_bag(recording(1))
    options = ["--model", str(toy_model_path), "--backend", "torch", "--scale", "2", "-p", "min_confidence:=0.5"]
    assert main(["bag", str(source), str(source.with_name("out")), *options]) == 0
    assert "so min_confidence filters nothing" in capsys.readouterr().out


def test_the_camera_info_of_the_stamp_is_taken_wherever_it_stands(bag, write_bag, messages, added):
    infos = [messages.info(n, k=np.array([60.0 + n, 0, 31, 0, 61, 23, 0, 0, 1])) for n in range(2)]
    content = [
        (IMAGE, messages.image(0), 10),
        (INFO, infos[0], 20),
        (IMAGE, messages.image(1), 30),
        (INFO, infos[1], 40),
    ]
    source = write_bag(content)
    assert bag(source, out := source.with_name("out"), "--scale", 2) == 0
    assert [message.k[0] for _, message in added(out, "/depth/camera_info")] == [60.0, 61.0]
