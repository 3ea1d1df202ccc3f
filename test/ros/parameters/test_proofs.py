"""Every parameter does what it says: a proof for each name of SPECS; a new parameter without one fails.

A proof compares what comes out with two values of its parameter. Those of a frame go through the pipeline in this
process, those of the node through a node over DDS.
"""

import copy
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from std_srvs.srv import Trigger

from depthart_core import DepthartError
from depthart_core.backends import tensorrt
from depthart_ros.diagnostics.problems import Problems
from depthart_ros.diagnostics.statistics import Statistics
from depthart_ros.loading import load_estimator
from depthart_ros.outputs.publishers import OUTPUTS, ROS_TYPES
from depthart_ros.outputs.snapshot import calibration_yaml
from depthart_ros.parameters.settings import SPECS, Settings
from depthart_ros.pipeline import Frame, Pipeline

PROOFS = {}


def proves(name):
    """Register the proof of a parameter."""

    def register(proof):
        assert name not in PROOFS, f"{name} has a proof already"
        PROOFS[name] = proof
        return proof

    return register


class Kept:
    """Outputs that keep what they get."""

    types = ROS_TYPES

    def __init__(self):
        self.messages = {}

    def listened(self):
        return frozenset(OUTPUTS)

    def publish(self, topic, message):
        self.messages[topic] = copy.deepcopy(message)
        return ""


class Bench:
    """Makes frames with the toy models, and nodes."""

    def __init__(self, world, models, rgb_message, info_message):
        self.world, (self.toy, self.heads) = world, models
        self.rgb_message, self.info_message = rgb_message, info_message

    def pipeline(self, **load):
        model = load.pop("model", self.heads)
        estimator = load_estimator(Settings(model=str(model), threads=1, **load))
        self.kept = Kept()
        return Pipeline(estimator, self.kept, Problems(print), Statistics())

    def frame(self, pipeline, *, stamp=None, image=None, calibrated=True, **settings):
        """Send one frame with these settings through a pipeline; returns the messages by topic."""
        stamp, self.kept.messages = stamp or Time(sec=1), {}
        message = image or self.rgb_message(stamp)
        info = self.info_message(stamp) if calibrated else None
        pipeline.process(Frame(message, info, Settings(**settings)))
        return self.kept.messages

    def out(self, topic, load=None, **settings):
        """The values of one output of one frame."""
        return values_of(self.frame(self.pipeline(**(load or {})), **settings)[topic])

    def node(self, **parameters):
        """Start a node that somebody listens to and wait until it hears."""
        world = self.world
        world.listen("/diagnostics", DiagnosticArray)
        world.listen("depth/relative", Image)
        self.images = world.peer.create_publisher(Image, "image", 1)
        return world.depth_node(**{"model": str(self.toy), "threads": 1} | parameters)

    def show(self, until, *, age=0):
        """Publish images of an age [s] until something is so."""

        def publish():
            stamp = self.world.peer.get_clock().now().to_msg()
            stamp.sec -= age
            self.images.publish(self.rgb_message(stamp))

        self.world.until(until, meanwhile=publish, every=0.3)

    def value(self, key):
        """A value of the newest diagnostics, "" before they came."""
        return self.world.values().get(key, "") if self.world.got["/diagnostics"] else ""


def values_of(message):
    kind = np.float32 if getattr(message, "encoding", "32FC1") == "32FC1" else np.uint8
    return np.frombuffer(message.data, kind).copy()


@pytest.fixture
def bench(world, toy_model_path, toy_heads_path, rgb_message, info_message):
    return Bench(world, (toy_model_path, toy_heads_path), rgb_message, info_message)


def test_every_parameter_has_a_proof_and_every_proof_a_parameter():
    assert set(PROOFS) == set(SPECS)


@pytest.mark.parametrize("name", SPECS)
def test_the_parameter_changes_what_it_says(name, bench):
    assert name in PROOFS, f"{name} has no proof in {__file__}"
    PROOFS[name](bench)


@proves("model")
def _(bench):
    assert load_estimator(Settings(model=str(bench.heads))).heads
    assert not load_estimator(Settings(model=str(bench.toy))).heads


@proves("backend")
def _(bench):
    assert "torch" in load_estimator(Settings(model=str(bench.toy), backend="torch")).name
    with pytest.raises(DepthartError, match="onnx"):
        load_estimator(Settings(model=str(bench.toy), backend="onnx"))


@proves("device")
def _(bench):
    assert "on cpu" in load_estimator(Settings(model=str(bench.toy))).name
    with pytest.raises(DepthartError, match="abacus"):
        load_estimator(Settings(model=str(bench.toy), device="abacus"))


@proves("build_engine")
def _(bench):
    """Asked to build a missing engine, it looks first whether it can be kept; not asked to, it never comes so far."""
    pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")
    pytest.importorskip("tensorrt_rtx", reason="TensorRT-RTX is not installed (extra `graphs`)")
    gpu = SimpleNamespace(name="a GPU that is not here", capability="8.6")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", "/dev/null/cache")
        patch.setattr(tensorrt, "open_device", lambda _: gpu)
        for build, told in ((False, "there is no engine of"), (True, "cannot be written")):
            settings = Settings(model=str(bench.toy), backend="tensorrt", device="cuda", build_engine=build)
            with pytest.raises(DepthartError, match=told):
                load_estimator(settings)


@proves("precision")
def _(bench):
    exact, half = (bench.out("depth/relative", {"precision": precision}) for precision in ("fp32", "bf16"))
    assert 0.0 < np.abs(half / exact - 1.0).mean() < 0.03


@proves("decode")
def _(bench):
    expected, argmax = (bench.out("depth/relative", {"decode": decode}) for decode in ("expected", "argmax"))
    assert not np.allclose(expected, argmax)


@proves("seed")
def _(bench):
    one, same, other = (bench.out("depth/relative", {"decode": "sample", "seed": seed}) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


@proves("threads")
def _(bench):
    import torch

    before = torch.get_num_threads()
    try:
        for threads in (1, 2):
            load_estimator(Settings(model=str(bench.toy), threads=threads, backend="torch"))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


@proves("max_scales")
def _(bench):
    assert [load_estimator(Settings(model=str(bench.toy), max_scales=scales)).scales for scales in (0, 1, 2)] == [
        3,
        1,
        2,
    ]


@proves("cameras")
def _(bench):
    bench.node(cameras=["front"])
    bench.world.until(lambda: bench.world.peer.count_publishers("/front/points") == 1)
    assert bench.world.peer.count_publishers("/points") == 0


@proves("process_all")
def _(bench):
    bench.node(process_all=True, max_age=1.0)
    bench.show(lambda: bench.world.got["depth/relative"], age=60)


@proves("autostart")
def _(bench):
    from depthart_ros.depth_node import DepthNode

    for value, label in ((False, "unconfigured"), (True, "active")):
        overrides = [Parameter("model", value=str(bench.toy)), Parameter("autostart", value=value)]
        node = DepthNode(context=bench.world.context, parameter_overrides=overrides)
        bench.world.add(node)
        node.autostart()
        assert node._label == label


@proves("image_transport")
def _(bench):
    bench.node(image_transport="compressed")
    bench.world.until(lambda: bench.world.peer.count_subscribers("/image/compressed") == 1)
    assert bench.world.peer.count_subscribers("/image") == 0


@proves("image_reliability")
def _(bench):
    bench.node(image_reliability="best_effort")
    found = bench.world.peer.get_subscriptions_info_by_topic
    bench.world.until(lambda: [info.qos_profile.reliability.name for info in found("/image")] == ["BEST_EFFORT"])


@proves("rectified")
def _(bench):
    pipeline = bench.pipeline()
    p, k = (bench.frame(pipeline, scale=1.0, rectified=value)["depth/camera_info"].p[0] for value in (True, False))
    assert (p, k) == (55.5, 60.5)


@proves("scale")
def _(bench):
    one, three = (bench.out("depth/image_rect", scale=scale, max_range=1e4, min_range=0.0) for scale in (1.0, 3.0))
    np.testing.assert_allclose(three, 3 * one, rtol=1e-5)


@proves("scale_source")
def _(bench):
    pipeline = bench.pipeline()
    bench.frame(pipeline, scale=2.0)
    assert pipeline.scale.metres_per_unit == 2.0
    bench.frame(pipeline, scale=2.0, scale_source="model")
    assert pipeline.scale.metres_per_unit != 2.0


@proves("scale_smoothing")
def _(bench):
    def second(smoothing):
        pipeline, found = bench.pipeline(), []
        for number, data in enumerate((bytes(9216), bytes([200]) * 9216)):
            image = bench.rgb_message(Time(sec=1 + number), data=data)
            settings = {"scale_source": "model", "scale_smoothing": smoothing}
            bench.frame(pipeline, stamp=Time(sec=1 + number), image=image, **settings)
            found.append(pipeline.scale.metres_per_unit)
        return found

    (first, alone), (same, smooth) = second(0.0), second(10.0)
    assert first == same
    assert abs(np.log(smooth / first)) < 0.2 * abs(np.log(alone / first))


@proves("min_range")
def _(bench):
    near, far = (bench.out("depth/image_rect", scale=1.0, min_range=value) for value in (0.0, 1.0))
    assert (near != -np.inf).all()
    np.testing.assert_array_equal(far == -np.inf, near < 1.0)
    assert (far == -np.inf).any()


@proves("max_range")
def _(bench):
    far, near = (bench.out("depth/image_rect", scale=1.0, max_range=value) for value in (1e4, 1.0))
    assert (far != np.inf).all()
    np.testing.assert_array_equal(near == np.inf, far > 1.0)
    assert (near == np.inf).any()


@proves("max_age")
def _(bench):
    node = bench.node(max_age=1.0)
    bench.show(lambda: int(bench.value("too_old") or 0) >= 1, age=60)
    assert not bench.world.got["depth/relative"]
    assert node.set_parameters([Parameter("max_age", value=0.0)])[0].successful
    bench.show(lambda: bench.world.got["depth/relative"], age=60)


@proves("deadline_ms")
def _(bench):
    node = bench.node()
    bench.show(lambda: bench.value("scales_last") == "3")
    assert node.set_parameters([Parameter("deadline_ms", value=0.001)])[0].successful
    bench.show(lambda: bench.value("scales_last") == "1")


@proves("max_pixels")
def _(bench):
    pipeline = bench.pipeline()
    bench.frame(pipeline, max_pixels=64 * 48)
    with pytest.raises(DepthartError, match="max_pixels"):
        bench.frame(pipeline, max_pixels=64 * 48 - 1)


@proves("points.stride")
def _(bench):
    pipeline = bench.pipeline()
    assert [bench.frame(pipeline, scale=1.0, points_stride=n)["points"].width for n in (1, 2, 3)] == [64, 32, 22]


@proves("color.map")
def _(bench):
    assert not np.array_equal(*(bench.out("depth/image_color", color_map=name) for name in ("turbo", "inferno")))


def changes_colour(bench, field, values, **scale):
    """Whether the colours differ with two values of one limit."""
    first, second = (bench.out("depth/image_color", **scale, **{field: value}) for value in values)
    return not np.array_equal(first, second)


@proves("color.min")
def _(bench):
    assert changes_colour(bench, "color_min", (0.3, 1.0), scale=1.0)
    assert not changes_colour(bench, "color_min", (0.3, 1.0))


@proves("color.max")
def _(bench):
    assert changes_colour(bench, "color_max", (10.0, 2.0), scale=1.0)
    assert not changes_colour(bench, "color_max", (10.0, 2.0))


@proves("color.relative_min")
def _(bench):
    assert changes_colour(bench, "color_relative_min", (0.25, 0.9))
    assert not changes_colour(bench, "color_relative_min", (0.25, 0.9), scale=1.0)


@proves("color.relative_max")
def _(bench):
    assert changes_colour(bench, "color_relative_max", (2.5, 1.1))
    assert not changes_colour(bench, "color_relative_max", (2.5, 1.1), scale=1.0)


def nan_share(bench, **settings):
    """Share of the depth image that the filters let not through."""
    return np.isnan(bench.out("depth/image_rect", scale=1.0, **settings)).mean()


@proves("edge_filter")
def _(bench):
    assert nan_share(bench) == 0 < nan_share(bench, edge_filter=0.001)


@proves("min_confidence")
def _(bench):
    middle = float(np.median(bench.out("depth/confidence")))
    assert nan_share(bench) == 0 < nan_share(bench, min_confidence=middle) < 1


def points_of(bench, **settings):
    """How many points a cloud has that are somewhere, and its message."""
    cloud = bench.frame(bench.pipeline(), scale=1.0, **settings)["points"]
    step = cloud.point_step // 4
    places = np.frombuffer(cloud.data, np.float32).reshape(-1, step)[:, :3]
    return int(np.isfinite(places).all(1).sum()), cloud


@proves("points.min_range")
def _(bench):
    everything, some = (points_of(bench, points_min_range=value)[0] for value in (0.0, 1.0))
    depth = bench.out("depth/image_rect", scale=1.0)
    assert everything == np.isfinite(depth).sum()
    assert some == (depth[np.isfinite(depth)] >= 1.0).sum() < everything


@proves("points.max_range")
def _(bench):
    everything, some = (points_of(bench, points_max_range=value)[0] for value in (1e4, 1.0))
    depth = bench.out("depth/image_rect", scale=1.0)
    assert some == (depth[np.isfinite(depth)] <= 1.0).sum() < everything


@proves("points.color")
def _(bench):
    with_color, without = (
        [field.name for field in points_of(bench, points_color=on)[1].fields] for on in (True, False)
    )
    assert (with_color, without) == (["x", "y", "z", "rgb"], ["x", "y", "z"])


@proves("points.max_rate")
def _(bench):
    def clouds(rate):
        pipeline, stamps = bench.pipeline(), [Time(sec=1, nanosec=100_000_000 * number) for number in range(10)]
        found = [bench.frame(pipeline, stamp=stamp, scale=1.0, points_max_rate=rate) for stamp in stamps]
        return sum("points" in messages for messages in found)

    assert clouds(0.0) == 10
    assert clouds(2.0) == 2


@proves("points.voxel_size")
def _(bench):
    organised, voxels = (points_of(bench, points_voxel_size=size)[1] for size in (0.0, 0.2))
    assert (organised.height, voxels.height) == (48, 1)
    assert 0 < voxels.width < organised.height * organised.width


@proves("depth.encoding")
def _(bench):
    pipeline = bench.pipeline()
    metres = values_of(bench.frame(pipeline, scale=1.0)["depth/image_rect"])
    image = bench.frame(pipeline, scale=1.0, depth_encoding="16UC1")["depth/image_rect"]
    finite = np.isfinite(metres)
    np.testing.assert_allclose(np.frombuffer(image.data, np.uint16)[finite], 1000 * metres[finite], atol=0.51)
    assert image.encoding == "16UC1"


@proves("color.legend")
def _(bench):
    def picture(legend):
        image = bench.rgb_message(Time(sec=1), width=320, height=240)
        pipeline = bench.pipeline()
        return values_of(bench.frame(pipeline, image=image, color_legend=legend)["depth/image_color"]).reshape(
            240, 320, 3
        )

    changed = (picture(False) != picture(True)).any((0, 2))
    assert changed[-1]
    assert not changed[:160].any()


@proves("rectify")
def _(bench):
    out = {value: bench.frame(bench.pipeline(), scale=1.0, rectify=value) for value in (False, True)}
    raw, undistorted = (out[value]["depth/camera_info"] for value in (False, True))
    assert (any(raw.d), any(undistorted.d)) == (True, False)
    assert undistorted.k[0] == raw.p[0] == undistorted.p[0]
    assert not np.array_equal(*(values_of(out[value]["depth/relative"]) for value in (False, True)))


@proves("fov_deg")
def _(bench):
    pipeline = bench.pipeline()
    assert "points" not in bench.frame(pipeline, scale=1.0, calibrated=False)
    found = bench.frame(pipeline, scale=1.0, calibrated=False, fov_deg=90.0)
    assert "points" in found
    assert found["depth/camera_info"].p[0] == pytest.approx(32.0)


@proves("camera_info_url")
def _(bench):
    with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
        file.write(calibration_yaml(bench.info_message(Time(sec=1))))
        file.flush()
        found = bench.frame(bench.pipeline(), scale=1.0, calibrated=False, camera_info_url=file.name)
    assert found["depth/camera_info"].p[0] == 55.5


@proves("snapshot_dir")
def _(bench):
    with tempfile.TemporaryDirectory() as folder:
        bench.node(snapshot_dir=folder)
        bench.show(lambda: bench.world.got["depth/relative"])
        client = bench.world.peer.create_client(Trigger, "/depth_node/save_snapshot")
        bench.world.until(client.service_is_ready)
        answer = client.call_async(Trigger.Request())
        bench.world.until(answer.done)
        assert [str(path) for path in Path(folder).iterdir()] == [answer.result().message.split()[1]]
