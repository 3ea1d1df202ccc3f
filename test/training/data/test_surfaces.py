import numpy as np
import pytest

from depthart_core.geometry import Intrinsics, point_cloud
from training.data import augment as augmentation
from training.data import surfaces
from training.data.sample import Sample
from training.data.surfaces import cover_surfaces, find_surface

CAMERA = Intrinsics(128, 96, 100.0, 100.0, 63.5, 47.5)
WALL_M, FLOOR_M = 3.0, 0.5  # ahead of the camera, below it
SEEDS = range(30)


@pytest.fixture
def corner():
    """A grey picture of a floor that ends at a wall."""
    down = (np.arange(96) - CAMERA.cy) / CAMERA.fy
    floor = FLOOR_M / np.maximum(down, 1e-6)
    depth = np.repeat(np.minimum(floor, WALL_M)[:, None], 128, axis=1).astype(np.float32)
    return Sample("corner", np.full((96, 128, 3), 120, np.uint8), depth, CAMERA)


def wall_of(sample):
    return sample.depth == WALL_M


def test_a_surface_is_mostly_the_whole_wall_or_the_whole_floor(corner):
    """But for places at their edge, where a plane through both is found."""
    points, wall = point_cloud(corner.depth, CAMERA), wall_of(corner)
    found = [find_surface(points, np.random.default_rng(seed)) for seed in SEEDS]
    missed = [min(np.mean(s.on != wall), np.mean(s.on != ~wall)) for s in found if s is not None]
    assert len(missed) == len(found)
    assert np.mean(np.array(missed) < 0.05) >= 0.8


def test_both_are_found(corner):
    points = point_cloud(corner.depth, CAMERA)
    found = [find_surface(points, np.random.default_rng(seed)) for seed in SEEDS]
    upper = [bool(surface.on[0].all()) for surface in found if surface is not None]
    assert 0 < sum(upper) < len(upper)


@pytest.mark.parametrize("seed", SEEDS)
def test_places_on_a_surface_are_as_far_apart_as_its_points(corner, seed):
    points = point_cloud(corner.depth, CAMERA)
    surface = find_surface(points, np.random.default_rng(seed))
    assert surface is not None
    rows, columns = np.nonzero(surface.on)
    chosen = np.random.default_rng(0).integers(len(rows), size=(2, 200))
    first, second = ((rows[c], columns[c]) for c in chosen)
    expected = np.linalg.norm(points[first] - points[second], axis=-1)
    got = np.linalg.norm(surface.places[first] - surface.places[second], axis=-1)
    np.testing.assert_allclose(got, expected, atol=0.06)  # of the thickness


def test_patterns_change_most_pictures_and_leave_sample_and_shape(corner):
    changed = [(cover_surfaces(corner, np.random.default_rng(seed)) != corner.rgb).any(-1).mean() for seed in SEEDS]
    assert np.mean(np.array(changed) > 0.01) > 0.9
    assert np.ptp(changed) > 0.3  # sheets and whole surfaces
    assert (corner.rgb == 120).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_laid_where_depth_is_unknown(corner, seed):
    depth = np.where(wall_of(corner), np.nan, corner.depth).astype(np.float32)
    covered = cover_surfaces(Sample("half", corner.rgb, depth, CAMERA), np.random.default_rng(seed))
    assert covered.dtype == np.uint8
    assert (covered[wall_of(corner)] == 120).all()


def test_without_depth_the_picture_stays(corner):
    nothing = Sample("none", corner.rgb, np.full_like(corner.depth, np.nan), CAMERA)
    np.testing.assert_array_equal(cover_surfaces(nothing, np.random.default_rng(0)), corner.rgb)


def test_pictures_too_small_for_a_surface_stay():
    camera = Intrinsics(8, 6, 6.0, 6.0, 3.5, 2.5)
    small = Sample("small", np.full((6, 8, 3), 50, np.uint8), np.ones((6, 8), np.float32), camera)
    assert (cover_surfaces(small, np.random.default_rng(1)) == 50).all()


def test_texture_is_finer_farther_away(corner):
    """Along a row of the floor the texture passes in steps that grow with the depth of the row."""
    points = point_cloud(corner.depth, CAMERA)
    found = [find_surface(points, np.random.default_rng(seed)) for seed in SEEDS]
    floor = next(s for s in found if s is not None and s.on[-1].all())
    steps = np.linalg.norm(np.diff(floor.places, axis=1), axis=-1)
    near, far = steps[95].mean(), steps[75].mean()
    assert far / near == pytest.approx(corner.depth[75, 0] / corner.depth[95, 0], rel=0.02)


@pytest.mark.usefixtures("plain_camera")
def test_augmentation_covers_a_share_of_the_samples_and_leaves_depth(corner, monkeypatch):
    seen = {}
    for share in (0.0, 1.0):
        monkeypatch.setattr(augmentation, "SURFACE_SHARE", share)
        seen[share] = [augmentation.augment(corner, np.random.default_rng(seed)) for seed in SEEDS]
    for plain, covered in zip(seen[0.0], seen[1.0], strict=True):
        np.testing.assert_array_equal(plain.depth, covered.depth)
        assert np.abs(plain.rgb.astype(int) - 120).max() <= 1
    assert np.mean([(np.abs(covered.rgb.astype(int) - 120) > 1).any() for covered in seen[1.0]]) > 0.7


def test_sheets_lie_anywhere_on_a_surface(corner, monkeypatch):
    monkeypatch.setattr(surfaces, "SHEET_SHARE", 1.0)
    monkeypatch.setattr(surfaces, "SHEET_M", (0.2, 0.3))
    monkeypatch.setattr(surfaces, "MOST_SURFACES", 1)
    wall = Sample("wall", corner.rgb, np.full_like(corner.depth, 2.0), CAMERA)
    middles = []
    for seed in SEEDS:
        changed = (cover_surfaces(wall, np.random.default_rng(seed)) != 120).any(-1)
        if changed.any():
            middles.append([places.mean() for places in np.nonzero(changed)])
    assert len(middles) > len(SEEDS) / 2
    assert (np.std(middles, axis=0) > 10).all()  # of 96 rows and 128 columns


@pytest.mark.parametrize("tilt", [0.0, 1.0])
def test_a_far_surface_shows_no_texture_that_is_finer_than_its_pixels(monkeypatch, tilt):
    monkeypatch.setattr(surfaces, "SHEET_SHARE", 0.0)
    monkeypatch.setattr(surfaces, "MOST_SURFACES", 1)
    monkeypatch.setattr(surfaces, "REPEAT_M", (0.5, 0.5))
    slope = (np.arange(96) - CAMERA.cy)[:, None] / CAMERA.fy
    roughness = []
    for distance in (0.5, 8.0):
        depth = np.broadcast_to(distance / (1 + tilt * slope), (96, 128)).astype(np.float32)
        picture = Sample("plane", np.full((96, 128, 3), 120, np.uint8), depth, CAMERA)
        covered = [cover_surfaces(picture, np.random.default_rng(seed)).astype(float) for seed in SEEDS]
        roughness.append(max(np.mean([np.abs(np.diff(c, axis=axis)).mean() for c in covered]) for axis in (0, 1)))
    assert roughness[1] < roughness[0]


def test_texture_is_softened_by_its_steps_down_where_a_floor_is_seen_askew(monkeypatch):
    """Its rows lie four times as far apart as its columns, in the median; a wall at 1 m has both alike."""
    monkeypatch.setattr(surfaces, "SHEET_SHARE", 0.0)
    monkeypatch.setattr(surfaces, "MOST_SURFACES", 1)
    monkeypatch.setattr(surfaces, "REPEAT_M", (2.0, 2.0))
    down = np.maximum((np.arange(96) - CAMERA.cy) / CAMERA.fy, 0.03)[:, None]
    roughness = []
    for depth in (np.where(down > 0.03, 0.4 / down, np.nan), np.ones((96, 1))):
        whole = np.broadcast_to(depth, (96, 128)).astype(np.float32)
        picture = Sample("plane", np.full((96, 128, 3), 120, np.uint8), whole, CAMERA)
        covered = [cover_surfaces(picture, np.random.default_rng(seed))[55:].astype(float) for seed in range(60)]
        roughness.append(np.mean([np.abs(np.diff(c, axis=0)).mean() for c in covered]))
    floor, wall = roughness
    assert 0 < floor < 0.5 * wall
