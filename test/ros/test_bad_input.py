"""Bad input over DDS: each is named in log and diagnostics, nothing wrong is published, and the node lives on."""

import math

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed: source ROS 2 or install the ros extra")

from diagnostic_msgs.msg import DiagnosticArray
from sensor_msgs.msg import CameraInfo, Image, PointCloud2

OUTPUTS = {
    "depth/relative": Image,
    "depth/image_rect": Image,
    "depth/camera_info": CameraInfo,
    "points": PointCloud2,
    "depth/image_color": Image,
}


@pytest.fixture
def scene(world, toy_model_path, rgb_message, info_message):
    return Scene(world, toy_model_path, rgb_message, info_message)


class Scene:
    """A running node with a scale, publishers for its inputs and listeners to everything it says."""

    def __init__(self, world, model, rgb_message, info_message):
        self.world, self.rgb_message, self.info_message = world, rgb_message, info_message
        self.images = world.peer.create_publisher(Image, "image", 1)
        self.infos = world.peer.create_publisher(CameraInfo, "camera_info", 1)
        for topic, kind in OUTPUTS.items():
            world.listen(topic, kind)
        world.listen("/diagnostics", DiagnosticArray)
        world.listen_to_log()
        self.node = world.depth_node(model=str(model), threads=1, scale=2.0)
        world.until(lambda: self.images.get_subscription_count() == self.infos.get_subscription_count() == 1)
        world.until(lambda: all(world.peer.count_publishers(topic) == 1 for topic in OUTPUTS))

    def show(self, *, image=None, info=None):
        """Publish one image, with good fields but for those given, and a camera_info likewise."""
        stamp = self.world.now()
        self.infos.publish(self.info_message(stamp, **(info or {})))
        self.images.publish(self.rgb_message(stamp, **(image or {})))

    def expect(self, sentence, *, state, image=None, info=None):
        """Show something bad until log and diagnostics have named it."""

        def named():
            return any(sentence in line for line in self.world.logs) and sentence in (self.world.status() or "")

        self.world.until(named, what=repr(sentence), meanwhile=lambda: self.show(image=image, info=info), every=0.2)
        assert self.world.values()["state"] == state

    def came(self):
        return {topic for topic in OUTPUTS if self.world.got[topic]}

    def forget(self):
        for topic in OUTPUTS:
            self.world.got[topic].clear()

    def recovers(self):
        """Show good input until every output came again."""
        self.forget()
        self.world.until(lambda: self.came() == set(OUTPUTS), what="outputs after it", meanwhile=self.show, every=0.2)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"data": bytes(100)}, "image: data holds 100 bytes; expected 9216 (step 192 x 48 rows of rgb8)"),
        ({"step": 191}, "image: step is 191; expected at least 192 for 64 px of rgb8"),
        ({"step": 193}, "image: data holds 9216 bytes; expected 9264 (step 193 x 48 rows of rgb8)"),
        ({"encoding": "rgb9"}, "image: encoding is 'rgb9'; expected one of rgb8, bgr8"),
        ({"width": 0, "height": 0, "step": 0, "data": b""}, "image: width is 0; expected at least 1 px"),
    ],
    ids=["truncated", "small step", "large step", "encoding", "0x0"],
)
def test_an_image_that_does_not_add_up_is_named_and_dropped_and_the_next_one_works(scene, fields, sentence):
    def bad(stamp, **_):
        message = good(stamp)
        for name, value in fields.items():
            setattr(message, name, value)
        return message

    good, scene.rgb_message = scene.rgb_message, bad
    scene.expect(sentence, state="frames are dropped")
    assert int(scene.world.values()["failed"]) >= 1
    assert scene.came() == set()
    scene.rgb_message = good
    scene.recovers()


def test_an_image_of_8k_by_8k_is_refused_in_one_sentence(scene):
    # Its header has to do: nobody should have to send 201 MB to test this.
    claimed = {"width": 64, "height": 48}
    good = scene.rgb_message

    def huge(stamp, **_):
        message = good(stamp, **claimed)
        message.width, message.height, message.step = 8192, 8192, 3 * 8192
        return message

    scene.rgb_message = huge
    scene.expect(
        "image: size is 8192x8192, 67108864 pixels; expected at most 16777216 (parameter max_pixels)",
        state="frames are dropped",
    )
    assert scene.came() == set()
    scene.rgb_message = good
    scene.recovers()


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"p": [0.0] * 12}, "camera_info: p is all zero; expected the matrix of a calibrated camera"),
        ({"p": [math.nan] * 12}, "camera_info: intrinsics: fx is nan; expected a finite focal length above 0 px"),
        (
            {"p": [0.0, 0.0, 9.0, 0.0, 0.0, 9.0, 9.0, 0.0, 0.0, 0.0, 1.0, 0.0]},
            "camera_info: intrinsics: fx is 0.0; expected",
        ),
        (
            {"width": 128, "height": 96},
            "camera_info: it is for images of 128x96; expected 64x48, the size of the image",
        ),
    ],
    ids=["P zero", "NaN", "fx zero", "another size"],
)
def test_a_camera_info_that_cannot_be_used_is_named_and_costs_cloud_and_camera_info_alone(scene, fields, sentence):
    scene.expect(sentence, state="no cloud", info=fields)
    scene.world.until(lambda: len(scene.came()) >= 3, what="the other outputs")  # they come after what is wrong is told
    assert scene.came() == {"depth/relative", "depth/image_rect", "depth/image_color"}
    scene.recovers()


def test_a_missing_camera_info_is_named_and_depth_comes_without_it(scene):
    stamp = scene.world.peer.get_clock().now
    sentence = "no camera_info came on /camera_info: 1 publisher(s), which sent none; see whether"
    scene.world.until(
        lambda: sentence in (scene.world.status() or "") and len(scene.came()) == 3,
        meanwhile=lambda: scene.images.publish(scene.rgb_message(stamp().to_msg())),
        every=0.2,
    )
    assert scene.came() == {"depth/relative", "depth/image_rect", "depth/image_color"}
    scene.world.until(
        lambda: any("no camera_info came" in line for line in scene.world.logs),
        what="the log",
        meanwhile=lambda: scene.images.publish(scene.rgb_message(stamp().to_msg())),
        every=0.2,
    )


def test_nothing_that_publishes_images_is_named_in_the_log_too(world, toy_model_path):
    world.listen_to_log()
    world.depth_node(model=str(toy_model_path), threads=1)
    sentence = "no image; nothing publishes /image; start the camera, or remap"
    world.until(lambda: any(sentence in line for line in world.logs), what="the cause in the log")


def test_an_empty_frame_id_is_named_once_and_kept(scene):
    good = scene.rgb_message
    scene.rgb_message = lambda stamp, **_: good(stamp, frame_id="")
    world = scene.world
    world.until(lambda: len(world.got["points"]) >= 3, meanwhile=scene.show, every=0.2)
    world.until(lambda: any("frame_id is empty" in line for line in world.logs), what="a warning")
    assert len([line for line in world.logs if "frame_id is empty" in line]) == 1
    assert world.got["points"][-1].header.frame_id == ""


class Doubtful:
    """A backend that gives a pixel without depth for pictures without blue, and leaves the rest to another one."""

    def __init__(self, backend):
        self.backend = backend
        self.input_size, self.heads, self.scales, self.anytime, self.precision = (
            backend.input_size, backend.heads, backend.scales, backend.anytime, backend.precision,
        )  # fmt: skip

    def infer(self, rgb, *, deadline=None):
        found = self.backend.infer(rgb, deadline=deadline)
        if not rgb[..., 2].any():
            found.depth[3, 4] = math.nan
        return found


def test_a_model_whose_depth_is_not_finite_is_to_blame_and_not_the_camera(scene):
    estimator = scene.node._estimator
    estimator.backend = Doubtful(estimator.backend)
    scene.expect(
        f"{estimator.name} gives depth from nan to nan; expected finite values",
        state="frames fail",
        image={"data": bytes([200, 100, 0]) * (64 * 48)},
    )
    assert not scene.came()
    scene.recovers()
