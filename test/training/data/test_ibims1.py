import contextlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from training.data.ibims1 import open_ibims1
from training.data.sample import DataError, readable
from training.evaluate import main

HEIGHT, WIDTH = 6, 8
CALIB = np.array([[550.0, 0, 4.5], [0, 551.0, 2.5], [0, 0, 1]])


def arrays(metres):
    """Depth unknown in row 0, masked invalid in row 1, glass in row 2."""
    depth = np.full((HEIGHT, WIDTH), metres)
    invalid, transparent = np.ones((HEIGHT, WIDTH), np.uint8), np.ones((HEIGHT, WIDTH), np.uint8)
    depth[0], invalid[1], transparent[2] = 0, 0, 0
    return depth, invalid, transparent


@pytest.fixture
def mat(tmp_path):
    savemat = pytest.importorskip("scipy.io").savemat
    folder = tmp_path / "ibims1_core_mat"
    folder.mkdir()
    for n, name in enumerate(("office_01", "corridor_01")):
        depth, invalid, transparent = arrays(3.0 + n)
        rgb = np.full((HEIGHT, WIDTH, 3), (200, 10, 0), np.uint8)
        data = {"rgb": rgb, "depth": depth, "mask_invalid": invalid, "mask_transp": transparent, "calib": CALIB}
        savemat(folder / f"{name}.mat", {"data": data})
    return tmp_path


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "ibims1_core_raw"
    depth, invalid, transparent = arrays(3.0)
    pictures = {
        "rgb": np.full((HEIGHT, WIDTH, 3), (0, 10, 200), np.uint8),
        "depth": np.rint(depth / 50 * 65535).astype(np.uint16),
        "mask_invalid": invalid,
        "mask_transp": transparent,
    }
    for part, picture in pictures.items():
        (folder / part).mkdir(parents=True)
        cv2.imwrite(str(folder / part / "office_01.png"), picture)
    (folder / "calib").mkdir()
    (folder / "calib" / "office_01.txt").write_text("550.0,551.0,4.5,2.5\n")
    return tmp_path


@pytest.mark.parametrize("layout", ["mat", "raw"])
def test_relative_paths_are_read(layout, request, monkeypatch):
    monkeypatch.chdir(request.getfixturevalue(layout))
    assert len(open_ibims1(Path())) == len(open_ibims1(Path(f"ibims1_core_{layout}"))) >= 1
    monkeypatch.chdir(f"ibims1_core_{layout}")
    with pytest.raises(DataError) if layout == "mat" else contextlib.nullcontext():
        assert len(open_ibims1(Path())) == 1


@pytest.mark.parametrize("layout", ["mat", "raw"])
def test_depth_is_known_outside_both_masks(layout, request):
    root = request.getfixturevalue(layout)
    sample = [sample for sample in open_ibims1(root) if sample.name == "ibims1/office_01"][0]  # noqa: RUF015
    assert np.isnan(sample.depth[:3]).all()
    np.testing.assert_allclose(sample.depth[3:], 3.0, rtol=2e-4)
    assert sample.rgb[0, 0].tolist() == [200, 10, 0]
    camera = sample.intrinsics
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (550.0, 551.0, 3.5, 1.5)  # the files count from 1


def test_the_folder_itself_can_be_named(mat, raw):
    assert len(open_ibims1(mat / "ibims1_core_mat")) == 2
    assert len(open_ibims1(raw / "ibims1_core_raw")) == 1


def test_the_image_list_decides_the_order(mat):
    assert [sample.name for sample in open_ibims1(mat)] == ["ibims1/corridor_01", "ibims1/office_01"]
    (mat / "imagelist.txt").write_text("office_01\ncorridor_01\n")
    assert [sample.name for sample in open_ibims1(mat)] == ["ibims1/office_01", "ibims1/corridor_01"]


def test_a_camera_matrix_as_matlab_stores_it_is_understood(mat):
    from scipy.io import loadmat, savemat

    path = mat / "ibims1_core_mat" / "office_01.mat"
    data = loadmat(path, squeeze_me=True, struct_as_record=False)["data"]
    fields = {name: getattr(data, name) for name in ("rgb", "depth", "mask_invalid", "mask_transp")}
    savemat(path, {"data": fields | {"calib": CALIB.T}})
    assert open_ibims1(mat)[1].intrinsics.cx == 3.5


def test_another_layout_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"holds no frame of iBims-1, expected ibims1_core_mat/NAME.mat, or"):
        open_ibims1(tmp_path)


def test_a_corrupt_file_is_skipped_and_named(mat):
    path = mat / "ibims1_core_mat" / "office_01.mat"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.warns(UserWarning, match=r"skipped 1 of 2 samples: .*office_01.mat: .*expected a MATLAB file"):
        assert len(list(readable(open_ibims1(mat)))) == 1


def test_a_missing_mask_is_an_error_at_access(raw):
    (raw / "ibims1_core_raw" / "mask_transp" / "office_01.png").unlink()
    with pytest.raises(DataError, match=r"mask_transp/office_01.png cannot be read"):
        open_ibims1(raw)[0]


def test_it_is_scored_at_full_size_unless_another_is_asked_for(raw, shard_of, capsys):
    command = ["mean-map", "--data", f"ibims1={raw}", "--train", str(shard_of(1))]
    for options, size in (([], "full"), (["--size", "32"], "32x32")):
        assert main([*command, *options]) == 0
        assert f"| ibims1 | scale | 50 m | - | {size} | 1 |" in capsys.readouterr().out
