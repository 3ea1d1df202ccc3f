import numpy as np
import pytest

from training.data import appearance
from training.data.appearance import change_appearance, change_light, filter_randomly
from training.data.augment import Views, augment, random_view, render_view
from training.data.detail import MOST_PATCHES, PATTERNS, SIDE, add_detail
from training.data.sample import Sample

SEEDS = range(40)


def rays(camera, columns, rows):
    return np.stack([(columns - camera.cx) / camera.fx, (rows - camera.cy) / camera.fy])


def seen_before(sample, view, columns, rows):
    """Pixels of the old image that look along the rays of these pixels of the view."""
    lateral = view.turn.T @ rays(view.intrinsics, columns, rows)
    camera = sample.intrinsics
    return lateral[0] * camera.fx + camera.cx, lateral[1] * camera.fy + camera.cy


@pytest.mark.parametrize("seed", SEEDS)
def test_depth_stays_with_the_ray_that_the_intrinsics_state(ramp, seed):
    view = random_view(ramp.intrinsics, np.random.default_rng(seed))
    seen = render_view(ramp, view)
    rows, columns = np.mgrid[4:124:8, 4:124:8].reshape(2, -1)
    u, v = seen_before(ramp, view, columns, rows)
    expected = 1 + u / 64 + v / 128
    # The nearest pixel is at most half a pixel off in each direction.
    np.testing.assert_allclose(seen.depth[rows, columns], expected, atol=0.5 / 64 + 0.5 / 128 + 1e-3)


@pytest.mark.parametrize("seed", SEEDS)
def test_image_and_depth_stay_in_register(ramp, seed):
    seen = render_view(ramp, random_view(ramp.intrinsics, np.random.default_rng(seed)))
    inner = (slice(3, -3), slice(3, -3))
    difference = seen.rgb[..., 0][inner].astype(float) - 50 * seen.depth[inner]
    # One grey level of rounding and half a pixel of the nearest depth (0.6 levels).
    assert np.abs(difference).max() < 2.5


@pytest.mark.parametrize("seed", SEEDS)
def test_a_view_never_looks_past_the_old_image(ramp, seed):
    view = random_view(ramp.intrinsics, np.random.default_rng(seed))
    edges = np.array([-0.5, 127.5])
    u, v = seen_before(ramp, view, *(axis.ravel() for axis in np.meshgrid(edges, edges)))
    assert min(u.min(), v.min()) > -0.5 - 1e-6
    assert max(u.max(), v.max()) < 127.5 + 1e-6


def test_views_flip_and_turn_and_crop(ramp):
    views = [random_view(ramp.intrinsics, np.random.default_rng(seed)) for seed in range(300)]
    flipped = np.mean([np.linalg.det(view.turn) < 0 for view in views])
    zoom = np.array([view.intrinsics.fx / ramp.intrinsics.fx for view in views])
    assert 0.4 < flipped < 0.6
    assert zoom.min() >= 1
    assert zoom.max() < 3
    assert np.mean(zoom > 1.1) > 0.4


def test_a_recipe_says_how_far_views_go(ramp):
    mild = [random_view(ramp.intrinsics, np.random.default_rng(seed), Views(0.9, 0.0)) for seed in range(100)]
    turned = [random_view(ramp.intrinsics, np.random.default_rng(seed), Views(1.0, 1.0)) for seed in range(100)]
    assert all(abs(view.turn[0, 1]) == 0 for view in mild)
    assert max(view.intrinsics.fx / ramp.intrinsics.fx for view in mild) < 1 / 0.9 * np.exp(0.06)
    assert all(abs(view.turn[0, 1]) > 0 for view in turned)


@pytest.mark.parametrize("seed", range(8))
def test_the_same_seed_gives_the_same_sample(ramp, seed):
    first, second = (augment(ramp, np.random.default_rng(seed)) for _ in range(2))
    np.testing.assert_array_equal(first.rgb, second.rgb)
    np.testing.assert_array_equal(first.depth, second.depth)
    assert first.intrinsics == second.intrinsics


def test_another_seed_gives_another_sample(ramp):
    first, second = (augment(ramp, np.random.default_rng(seed)) for seed in (1, 2))
    assert (first.rgb != second.rgb).any()


def test_the_sample_given_is_left_as_it_was(ramp):
    rgb, depth = ramp.rgb.copy(), ramp.depth.copy()
    for seed in range(20):
        augment(ramp, np.random.default_rng(seed))
    np.testing.assert_array_equal(ramp.rgb, rgb)
    np.testing.assert_array_equal(ramp.depth, depth)


def test_unknown_depth_stays_unknown(ramp):
    depth = np.full_like(ramp.depth, np.nan)
    seen = augment(Sample("n", ramp.rgb, depth, ramp.intrinsics), np.random.default_rng(0))
    assert np.isnan(seen.depth).all()


def test_appearance_keeps_type_size_and_usually_the_picture():
    v, u = np.mgrid[:256, :256]
    rgb = np.stack([u, v, (u // 32 + v // 32) % 2 * 200], axis=-1).astype(np.uint8)
    likeness = []
    for seed in range(100):
        changed = change_appearance(rgb, np.random.default_rng(seed))
        assert changed.dtype == np.uint8
        assert changed.shape == rgb.shape
        likeness.append(np.corrcoef(changed.mean(-1).ravel(), rgb.mean(-1).ravel())[0, 1])
    assert np.quantile(likeness, 0.05) > 0.45


@pytest.mark.usefixtures("plain_camera")
def test_sharpening_alone_makes_edges_steeper_and_keeps_plain_areas(monkeypatch):
    monkeypatch.setattr(appearance, "SHARPEN_SHARE", 1.0)
    step = np.full((40, 60, 3), 90, np.uint8)
    step[:, 30:] = 150
    for seed in range(20):
        sharp = change_appearance(step, np.random.default_rng(seed)).astype(float)
        assert np.ptp(sharp[20, 27:33, 0]) > 65  # was 60
        np.testing.assert_allclose(sharp[:, :20], 90, atol=1)
        np.testing.assert_allclose(sharp[:, 40:], 150, atol=1)


@pytest.mark.usefixtures("plain_camera")
def test_appearance_passes_a_random_filter_now_and_then(monkeypatch):
    step = np.full((40, 60, 3), 90, np.uint8)
    step[:, 30:] = 150
    assert all((change_appearance(step, np.random.default_rng(seed)) == step).all() for seed in SEEDS)
    monkeypatch.setattr(appearance, "FILTER_SHARE", 1.0)
    assert any((change_appearance(step, np.random.default_rng(seed)) != step).any() for seed in SEEDS)


def test_a_random_filter_leaves_bright_what_is_bright_in_every_channel():
    rgb = np.full((16, 16, 3), 100, np.uint8)
    rgb[:, 8:] = 160
    for seed in range(500):
        filtered = filter_randomly(rgb, np.random.default_rng(seed)).astype(int)
        assert (filtered[:, 13] > filtered[:, 2]).all()


def test_a_random_filter_keeps_shapes_and_what_is_bright():
    rgb = np.full((64, 64, 3), (90, 110, 100), np.uint8)
    rgb[20:44, 20:44] = (150, 170, 160)
    for seed in SEEDS:
        filtered = filter_randomly(rgb, np.random.default_rng(seed))
        assert filtered.shape == rgb.shape
        assert filtered.dtype == np.uint8
        # What was even stays so, a margin beside edges apart, and the square is brighter than what is around it.
        inside, outside = filtered[24:40, 24:40].astype(int), filtered[4:12].astype(int)
        assert inside.std((0, 1)).max() < 1
        assert outside.std((0, 1)).max() < 1
        assert inside.mean() > outside.mean() + 3
        assert np.abs(filtered.mean((0, 1)) - rgb.mean((0, 1))).max() < 8
        assert np.all(filtered.std((0, 1)) < 1.1 * rgb.std((0, 1)) + 1)


def test_a_random_filter_changes_hues_and_how_fine_all_looks():
    coloured = np.full((64, 64, 3), 100, np.uint8)
    coloured[:, 32:] = 160
    coloured[:32, :, 0] = 40
    drawn = [filter_randomly(coloured, np.random.default_rng(seed)).astype(int) for seed in SEEDS]
    assert np.median([np.ptp(np.diff(each[4, 4]) - np.diff(coloured[4, 4].astype(int))) for each in drawn]) > 5
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    steps = [np.abs(np.diff(filter_randomly(noise, np.random.default_rng(seed)).astype(int), axis=1)) for seed in SEEDS]
    roughness = [step.mean() / np.abs(np.diff(noise.astype(int), axis=1)).mean() for step in steps]
    assert np.quantile(roughness, 0.75) > np.quantile(roughness, 0.25) * 1.2


def test_a_random_filter_leaves_a_plain_picture_plain():
    plain = np.full((8, 8, 3), (10, 20, 30), np.uint8)
    np.testing.assert_array_equal(filter_randomly(plain, np.random.default_rng(0)), plain)


def test_light_changes_from_place_to_place_and_often_stays():
    grey = np.full((96, 128, 3), 120, np.uint8)
    lit = [change_light(grey, np.random.default_rng(seed)) for seed in range(200)]
    ranges = np.array([float(np.ptp(picture)) for picture in lit])
    assert 0.3 < np.mean(ranges == 0) < 0.6  # neither pools nor a shadow
    assert np.quantile(ranges, 0.9) > 60
    assert all((picture == picture[..., :1]).all() for picture in lit)  # light has no colour here


def test_light_leaves_black_black_in_pictures_of_any_shape():
    picture = np.zeros((37, 61, 3), np.uint8)
    for seed in range(20):
        assert not change_light(picture, np.random.default_rng(seed)).any()
        assert change_light(picture, np.random.default_rng(seed)).shape == picture.shape


def test_detail_changes_patches_and_leaves_the_rest():
    picture = np.full((96, 128, 3), 120, np.uint8)
    changed = [(add_detail(picture, np.random.default_rng(seed)) != picture).any(-1).mean() for seed in range(100)]
    assert np.mean(np.array(changed) > 0) > 0.95
    assert max(changed) <= MOST_PATCHES * SIDE[1] ** 2
    assert 0.1 < np.median(changed) < 0.6
    assert (picture == 120).all()


@pytest.mark.parametrize("make", PATTERNS)
@pytest.mark.parametrize("shape", [(2, 2), (7, 80), (90, 31)])
def test_patterns_fill_patches_of_any_shape_with_fine_structure(ramp, make, shape):
    for seed in range(20):
        pattern = make(ramp.rgb, shape, np.random.default_rng(seed))
        assert pattern.shape == (*shape, 3)
        assert pattern.dtype == np.float32
        assert np.isfinite(pattern).all()
    if min(shape) > 6:
        assert np.ptp(pattern) > 10


def test_detail_fits_small_pictures():
    for seed in range(20):
        picture = np.full((37, 61, 3), 120, np.uint8)
        assert add_detail(picture, np.random.default_rng(seed)).shape == picture.shape
