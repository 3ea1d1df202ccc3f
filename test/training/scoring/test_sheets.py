import os

import cv2
import numpy as np
import pytest

from training.data.sample import DataError
from training.scoring.sheets import SheetRow, colour_depth, write_sheet


@pytest.fixture
def row():
    depth = np.tile(np.linspace(1, 4, 64, dtype=np.float32), (48, 1))
    return SheetRow("a frame", np.full((48, 64, 3), 90, np.uint8), depth, depth)


def test_near_is_red_and_far_is_blue():
    near, far = colour_depth(np.array([[1.0, 4.0]], np.float32), 1.0, 4.0)[0].astype(int)
    assert near[2] > near[0]
    assert far[0] > far[2]


def test_unknown_depth_is_black():
    assert (colour_depth(np.array([[np.nan, 0.0]], np.float32), 1.0, 4.0) == 0).all()


def test_a_sheet_holds_three_pictures_a_row_whatever_their_sizes(row, tmp_path):
    square = SheetRow("square", np.zeros((300, 300, 3), np.uint8), np.ones((300, 300)), np.ones((300, 300)))
    write_sheet([row, square], tmp_path / "sheets" / "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheets" / "sheet.png"))
    assert sheet.shape[:2] == (256 * 48 // 64 + 256 + 2 * 22, 3 * 256)


def test_equal_depth_and_truth_look_equal(row, tmp_path):
    write_sheet([row], tmp_path / "sheet.png")
    sheet = cv2.imread(str(tmp_path / "sheet.png"))[-192:]
    np.testing.assert_array_equal(sheet[:, 256:512], sheet[:, 512:])


def test_a_sheet_is_written_where_names_are_no_utf8(row, tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9") / os.fsdecode(b"\xff.png")
    write_sheet([row], path)
    assert cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR).shape[1] == 3 * 256


def test_a_sheet_that_cannot_be_written_is_one_sentence(row, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"sheet.png cannot be written: (Not a directory|File exists)"):
        write_sheet([row], tmp_path / "file" / "sheet.png")


def test_a_sheet_without_rows_is_refused(tmp_path):
    with pytest.raises(DataError, match="no frame for the picture sheet"):
        write_sheet([], tmp_path / "sheet.png")


def test_a_sheet_of_an_unknown_format_is_refused(row, tmp_path):
    with pytest.raises(DataError, match=r"cannot write, expected a name that ends in .png or .jpg"):
        write_sheet([row], tmp_path / "sheet.xyz")
