import pickle
import struct
import warnings
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest

from training.data.bag import open_bag
from training.data.bag_messages import stamp_of
from training.data.loader import batches
from training.data.sample import DataError, readable

pytest.importorskip("rosbags")

HEIGHT, WIDTH = 6, 8
START = 1_700_000_000 * 10**9
IMAGE, DEPTH, INFO = "/camera/color/image_raw", "/camera/aligned_depth/image_raw", "/camera/color/camera_info"
RAW, COMPRESSED, CAMERA = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage", "sensor_msgs/msg/CameraInfo"


class Messages:
    """Builds messages of a camera with stamps in milliseconds after START; None leaves the stamp 0."""

    def __init__(self):
        from rosbags.typesys import Stores, get_typestore

        self.store = get_typestore(Stores.ROS2_HUMBLE)

    def header(self, ms):
        seconds, nanoseconds = (0, 0) if ms is None else divmod(START + ms * 10**6, 10**9)
        time = self.store.types["builtin_interfaces/msg/Time"](seconds, nanoseconds)
        return self.store.types["std_msgs/msg/Header"](time, "camera")

    def image(self, ms, values, encoding, *, padding=0):
        """Rows of ``values`` followed by ``padding`` bytes each."""
        height, width = values.shape[:2]
        rows = np.ascontiguousarray(values).view(np.uint8).reshape(height, -1)
        data = np.pad(rows, ((0, 0), (0, padding)), constant_values=77)
        kind = self.store.types[RAW]
        return RAW, kind(self.header(ms), height, width, encoding, 0, data.shape[1], data.reshape(-1))

    def compressed(self, ms, content, form):
        return COMPRESSED, self.store.types[COMPRESSED](self.header(ms), form, np.frombuffer(content, np.uint8))

    def info(self, ms, *, width=WIDTH):
        region = self.store.types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
        k = np.array([50.0, 0, 4, 0, 51, 3, 0, 0, 1])
        p = np.array([60.0, 0, 5, 0, 0, 61, 2, 0, 0, 0, 1, 0])
        kind = self.store.types[CAMERA]
        return CAMERA, kind(
            self.header(ms), HEIGHT, width, "plumb_bob", np.zeros(5), k, np.eye(3).ravel(), p, 0, 0, region
        )


@pytest.fixture(scope="module")
def messages():
    return Messages()


def red(value=200):
    return np.full((HEIGHT, WIDTH, 3), (value, 0, 0), np.uint8)


def millimetres(value):
    depth = np.full((HEIGHT, WIDTH), value, np.uint16)
    depth[0] = 0
    return depth


def recording(messages):
    """Three pictures 33 ms apart with depth 5 ms later, and a fourth without depth."""
    for n in range(3):
        yield IMAGE, messages.image(33 * n, red(100 + n), "rgb8")
        yield DEPTH, messages.image(33 * n + 5, millimetres(1000 * (n + 1)), "16UC1")
    yield IMAGE, messages.image(900, red(), "rgb8")
    yield INFO, messages.info(0)


@pytest.fixture(params=["mcap", "sqlite3"])
def storage(request):
    return request.param


@pytest.fixture
def write_bag(tmp_path, messages):
    def write(content, storage="mcap", name="run"):
        from rosbags.rosbag2 import StoragePlugin, Writer

        plugin = StoragePlugin.MCAP if storage == "mcap" else StoragePlugin.SQLITE3
        with Writer(tmp_path / name, version=8, storage_plugin=plugin) as writer:
            topics = {}
            for n, (topic, (kind, message)) in enumerate(content):
                if topic not in topics:
                    topics[topic] = writer.add_connection(topic, kind, typestore=messages.store)
                # Received in order, later than stamped, and never together.
                writer.write(topics[topic], START + n * 10**7, messages.store.serialize_cdr(message, kind))
        return tmp_path / name

    return write


def test_pictures_and_depth_are_paired_by_stamp(write_bag, messages, storage):
    frames = open_bag(write_bag(recording(messages), storage))
    assert [frame.name for frame in frames] == [f"run/{START + 33 * 10**6 * n}" for n in range(3)]
    assert [round(float(np.nanmax(frame.depth)), 6) for frame in frames] == [1, 2, 3]
    assert [int(frame.rgb[0, 0, 0]) for frame in frames] == [100, 101, 102]


def test_threads_read_one_bag_at_once(write_bag, messages, storage):
    frames = open_bag(write_bag(recording(messages), storage))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda n: frames[n % 3].name, range(60)))
    assert found == [frames[n % 3].name for n in range(60)]


def test_a_single_file_of_a_bag_opens_too(write_bag, messages, storage):
    folder = write_bag(recording(messages), storage)
    [file] = [path for path in folder.iterdir() if path.suffix in (".mcap", ".db3")]
    assert len(open_bag(file)) == 3


def test_messages_without_a_stamp_are_paired_and_read_by_when_they_were_received(write_bag, messages, storage):
    content = one_frame(messages, messages.image(None, red(), "rgb8"), messages.image(None, millimetres(2000), "16UC1"))
    [frame] = open_bag(write_bag(content, storage))
    assert frame.name == f"run/{START}"
    assert frame.rgb[0, 0].tolist() == [200, 0, 0]
    np.testing.assert_allclose(frame.depth[1:], 2)


def test_millimetres_become_metres_and_zero_becomes_nan(write_bag, messages):
    depth = open_bag(write_bag(recording(messages)))[1].depth
    assert np.isnan(depth[0]).all()
    np.testing.assert_allclose(depth[1:], 2)


def test_depth_of_a_big_endian_machine_is_the_same(write_bag, messages):
    kind, depth = messages.image(0, millimetres(2000).byteswap(), "16UC1")
    depth.is_bigendian = 1
    [frame] = open_bag(write_bag(one_frame(messages, messages.image(0, red(), "rgb8"), (kind, depth))))
    np.testing.assert_allclose(frame.depth[1:], 2)


def test_intrinsics_come_from_k_of_raw_and_p_of_rectified_pictures(write_bag, messages):
    camera = open_bag(write_bag(recording(messages)))[0].intrinsics
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (50, 51, 4, 3)
    rect = ((topic.replace("image_raw", "image_rect"), message) for topic, message in recording(messages))
    path = write_bag(rect, name="rect")
    camera = open_bag(path)[0].intrinsics
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (60, 61, 5, 2)
    assert open_bag(path, rectified="false")[0].intrinsics.fx == 50
    assert open_bag(write_bag(recording(messages), name="said"), rectified="true")[0].intrinsics.fx == 60
    with pytest.raises(DataError, match="rectified=maybe, expected true or false"):
        open_bag(path, rectified="maybe")


def test_p_counts_where_it_is_known_and_the_pictures_are_not_called_raw(write_bag, messages):
    direct = ((topic.replace("/image_raw", "/image_direct"), message) for topic, message in recording(messages))
    assert open_bag(write_bag(direct))[0].intrinsics.fx == 60
    unknown = [(topic, message) for topic, message in recording(messages)]
    unknown[-1][1][1].p[:] = 0
    renamed = [(topic.replace("/image_raw", "/image_direct"), message) for topic, message in unknown]
    assert open_bag(write_bag(renamed, name="unknown"))[0].intrinsics.fx == 50


def test_a_part_of_the_sensor_is_read_as_the_node_reads_it(write_bag, messages):
    kind, info = messages.info(0)
    info.width, info.height, info.roi.width, info.roi.height, info.roi.x_offset = (
        2 * WIDTH,
        2 * HEIGHT,
        WIDTH,
        HEIGHT,
        2,
    )
    camera = open_bag(write_bag([*[item for item in recording(messages) if item[0] != INFO], (INFO, (kind, info))]))[0]
    assert (camera.intrinsics.fx, camera.intrinsics.cx, camera.intrinsics.cy) == (50, 2, 3)


def test_of_raw_and_compressed_pictures_of_one_camera_the_raw_ones_are_taken(write_bag, messages):
    data = cv2.imencode(".png", red()[..., ::-1])[1].tobytes()
    extra = [(f"{IMAGE}/compressed", messages.compressed(33 * n, data, "rgb8; png compressed bgr8")) for n in range(3)]
    frames = open_bag(write_bag([*recording(messages), *extra]))
    assert [int(frame.rgb[0, 0, 0]) for frame in frames] == [100, 101, 102]
    chosen = open_bag(write_bag([*recording(messages), *extra], name="chosen"), image=f"{IMAGE}/compressed")
    assert chosen[0].rgb[0, 0, 0] == 200


def test_another_camera_info_than_that_beside_the_picture_can_be_chosen(write_bag, messages):
    kind, other = messages.info(0)
    other.k[0] = 70
    bag = write_bag([*recording(messages), ("/calibrated/camera_info", (kind, other))])
    assert open_bag(bag)[0].intrinsics.fx == 50
    assert open_bag(bag, info="/calibrated/camera_info")[0].intrinsics.fx == 70
    with pytest.raises(DataError, match=rf"info=/none is none of its info topics; .* /calibrated/camera_info, {INFO}"):
        open_bag(bag, info="/none")


def one_frame(messages, image, depth):
    return [(IMAGE, image), (DEPTH, depth), (INFO, messages.info(0))]


@pytest.mark.parametrize("padding", [0, 8])
@pytest.mark.parametrize(
    ("encoding", "channels"),
    [
        ("bgr8", (0, 0, 200)), ("rgba8", (200, 0, 0, 9)), ("mono8", (60,)),
        ("8UC3", (0, 0, 200)), ("8UC4", (0, 0, 200, 9)), ("8UC1", (60,)),
    ],
)  # fmt: skip
def test_encodings_and_padded_rows_give_the_same_colours(write_bag, messages, encoding, channels, padding):
    values = np.full((HEIGHT, WIDTH, len(channels)), channels, np.uint8).squeeze()
    depth = messages.image(0, np.full((HEIGHT, WIDTH), 2.5, np.float32), "32FC1", padding=padding)
    content = one_frame(messages, messages.image(0, values, encoding, padding=padding), depth)
    [frame] = open_bag(write_bag(content))
    assert frame.rgb[-1, -1].tolist() == ([60] * 3 if len(channels) == 1 else [200, 0, 0])
    assert (frame.depth == 2.5).all()


def test_a_bayer_picture_of_one_colour_comes_out_in_it(write_bag, messages):
    mosaic = np.zeros((HEIGHT, WIDTH), np.uint8)
    mosaic[::2, ::2] = 180
    content = one_frame(messages, messages.image(0, mosaic, "bayer_rggb8"), messages.image(0, millimetres(9), "16UC1"))
    assert open_bag(write_bag(content))[0].rgb[3, 3].tolist() == [180, 0, 0]


@pytest.mark.parametrize("form", ["bayer_rggb8; png compressed ", "bayer_rggb8; jpeg compressed bayer_rggb8"])
def test_a_compressed_mosaic_is_the_picture_of_the_raw_one(write_bag, messages, form):
    mosaic = np.full((HEIGHT, WIDTH), 180, np.uint8) if "jpeg" in form else np.zeros((HEIGHT, WIDTH), np.uint8)
    mosaic[::2, ::2] = 180
    data = cv2.imencode(".jpg" if "jpeg" in form else ".png", mosaic)[1].tobytes()
    depth = messages.image(0, millimetres(9), "16UC1")
    [frame] = open_bag(write_bag(one_frame(messages, messages.compressed(0, data, form), depth)))
    expected = [180, 180, 180] if "jpeg" in form else [180, 0, 0]
    np.testing.assert_allclose(frame.rgb[3, 3], expected, atol=3)


def test_the_order_of_colours_follows_the_format_of_compressed_pictures(write_bag, messages):
    picture = cv2.imencode(".png", red())[1].tobytes()  # as image_transport writes it where it is told rgb8
    image = messages.compressed(0, picture, "rgb8; png compressed rgb8")
    content = one_frame(messages, image, messages.image(0, millimetres(9), "16UC1"))
    assert open_bag(write_bag(content))[0].rgb[0, 0].tolist() == [200, 0, 0]


def test_depth_that_is_saturated_is_unknown(write_bag, messages):
    depth = millimetres(2000)
    depth[-1] = 65535
    image = messages.image(0, red(), "rgb8")
    [frame] = open_bag(write_bag(one_frame(messages, image, messages.image(0, depth, "16UC1"))))
    assert np.isnan(frame.depth[-1]).all()
    np.testing.assert_allclose(frame.depth[1:-1], 2)


def test_compressed_pictures_and_compressed_depth_are_read(write_bag, messages):
    picture = cv2.imencode(".png", red()[..., ::-1])[1].tobytes()
    depth = bytes(12) + cv2.imencode(".png", millimetres(1500))[1].tobytes()
    content = one_frame(
        messages,
        messages.compressed(0, picture, "rgb8; png compressed bgr8"),
        messages.compressed(0, depth, "16UC1; compressedDepth png"),
    )
    [frame] = open_bag(write_bag(content))
    assert frame.rgb[0, 0].tolist() == [200, 0, 0]
    np.testing.assert_allclose(frame.depth[1:], 1.5)


def test_depth_in_rvl_is_named_when_the_bag_is_opened(write_bag, messages):
    depth = messages.compressed(0, bytes(40), "16UC1; compressedDepth rvl")
    content = one_frame(messages, messages.image(0, red(), "rgb8"), depth)
    with pytest.raises(DataError, match=r"RVL is not read here, record compressedDepth as PNG"):
        open_bag(write_bag(content))


def test_a_topic_that_cannot_be_read_hides_no_other_and_is_not_looked_at_where_both_are_named(write_bag, messages):
    other = ("/other/depth", messages.compressed(0, bytes(40), "16UC1; compressedDepth rvl"))
    bag = write_bag([*recording(messages), other])
    with pytest.warns(UserWarning, match="left out /other/depth: .*RVL"):
        assert len(open_bag(bag)) == 3
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(open_bag(bag, image=IMAGE, depth=DEPTH)) == 3
    with pytest.raises(
        DataError, match=rf"depth=/other/depth is none .* one of {DEPTH}, .*cannot be read: /other.*RVL"
    ):
        open_bag(bag, image=IMAGE, depth="/other/depth")


def test_a_message_too_short_for_a_header_is_named():
    with pytest.raises(DataError, match="a message of 5 bytes, expected a header of at least 12"):
        stamp_of(b"\0\1\0\0\0")


def test_compressed_float_depth_is_inverted_as_its_header_says(write_bag, messages):
    a, b, metres = 1000.0, 20.0, 2.0
    steps = np.full((HEIGHT, WIDTH), round(a / metres + b), np.uint16)
    steps[0] = 0
    depth = struct.pack("<iff", 0, a, b) + cv2.imencode(".png", steps)[1].tobytes()
    content = one_frame(
        messages, messages.image(0, red(), "rgb8"), messages.compressed(0, depth, "32FC1; compressedDepth png")
    )
    [frame] = open_bag(write_bag(content))
    assert np.isnan(frame.depth[0]).all()
    np.testing.assert_allclose(frame.depth[1:], metres)


def test_the_topic_has_to_be_named_where_there_are_several(write_bag, messages):
    extra = ("/infra/image_raw", messages.image(0, np.zeros((HEIGHT, WIDTH), np.uint8), "mono8"))
    bag = write_bag([*recording(messages), extra])
    with pytest.raises(DataError, match=rf"image topics: {IMAGE}, /infra/image_raw; .*PATH\?image=/topic&depth=/topic"):
        open_bag(bag)
    assert len(open_bag(bag, image=IMAGE)) == 3
    with pytest.raises(DataError, match=rf"depth={IMAGE} is none of its depth topics; expected one of {DEPTH}"):
        open_bag(bag, image=IMAGE, depth=IMAGE)


def test_a_bag_without_depth_says_so(write_bag, messages):
    content = [entry for entry in recording(messages) if entry[0] != DEPTH]
    with pytest.raises(DataError, match="depth topics: none; expected one of none"):
        open_bag(write_bag(content))


def test_stamps_farther_apart_than_the_tolerance_make_no_pair(write_bag, messages):
    bag = write_bag(recording(messages))
    with pytest.raises(DataError, match=r"no stamps of .* within 0.001 s"):
        open_bag(bag, tolerance="0.001")
    with pytest.raises(DataError, match=r"expected tolerance=SECONDS"):
        open_bag(bag, tolerance="short")


def test_depth_that_is_not_registered_to_the_picture_is_an_error(write_bag, messages):
    small = messages.image(0, np.ones((3, 4), np.uint16), "16UC1")
    frames = open_bag(write_bag(one_frame(messages, messages.image(0, red(), "rgb8"), small)))
    with pytest.raises(DataError, match=rf"{DEPTH} is \(3, 4\), expected \(6, 8\) as {INFO}"):
        frames[0]


def test_a_corrupt_message_is_skipped_and_named(write_bag, messages):
    content = list(recording(messages))
    content[3][1][1].data = content[3][1][1].data[:10]
    with pytest.warns(UserWarning, match=r"skipped 1 of 3 .*step is 16 with 10 bytes of data, expected rows of"):
        assert len(list(readable(open_bag(write_bag(content))))) == 2


def test_a_recording_cut_short_says_what_helps(write_bag, messages):
    [file] = write_bag(recording(messages)).glob("*.mcap")
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(DataError, match=r"run.mcap: ReaderError.*mcap recover"):
        open_bag(file)


def test_frames_travel_into_another_process(write_bag, messages, storage):
    frames = open_bag(write_bag(recording(messages), storage))
    first = frames[0]
    again = pickle.loads(pickle.dumps(frames[:1]))
    assert (again[0].rgb == first.rgb).all()


def test_worker_processes_read_the_same_while_this_one_has_the_bag_open(write_bag, messages, storage):
    frames = open_bag(write_bag(recording(messages), storage))
    here, there = (
        [next(loaded) for _ in range(2)]
        for loaded in (batches(frames, 3, workers=workers, views=None, size=8) for workers in (0, 1))
    )
    for ours, theirs in zip(here, there, strict=True):
        assert ours.names == theirs.names
        assert (ours.rgb == theirs.rgb).all()
