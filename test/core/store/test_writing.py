"""What was made is put in place whole or not at all."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from depthart_core import BackendError
from depthart_core.store.writing import check_writable, put_in_place


def filled(folder):
    folder.mkdir()
    (folder / "graph").touch()
    return folder


def test_an_older_export_stays_where_the_new_one_cannot_be_put(tmp_path):
    target = filled(tmp_path / "export")
    with pytest.raises(FileNotFoundError):
        put_in_place(tmp_path / ".export.absent.export", target)
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    assert (target / "graph").exists()


def test_what_a_killed_replacement_left_goes(tmp_path):
    filled(tmp_path / ".export.1.old")
    put_in_place(filled(tmp_path / ".export.2.export"), tmp_path / "export")
    assert [path.name for path in tmp_path.iterdir()] == ["export"]


def test_exports_that_are_done_at_once_replace_one_another(tmp_path):
    made = [filled(tmp_path / f".export.{n}.export") for n in range(60)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda folder: put_in_place(folder, tmp_path / "export"), made))
    assert [path.name for path in tmp_path.iterdir()] == ["export"]
    assert (tmp_path / "export" / "graph").exists()


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_built(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        BackendError,
        match=r"cannot be written \(Not a directory\); give a folder that can: depthart-build-trt MODEL --out DIR",
    ):
        check_writable(tmp_path / "file" / "folder")


def test_a_writable_folder_is_made_and_left_empty(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert list((tmp_path / "a" / "b").iterdir()) == []
