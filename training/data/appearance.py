"""Random cameras: optics, exposure, sensor noise, colour processing and compression.

The rooms are rendered clean and plain; real robots carry cheap cameras (Kinect v1, webcams) past things with print and
patterns on them. The order of the effects is that of a camera: surfaces, light, lens, exposure, colour processing,
noise, compression.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np

from training.data.detail import add_detail

LIGHT_SHARE = 0.4
LIGHT_SPREAD = 0.35
LIGHT_CELLS = (2, 6)
SHADOW_SHARE = 0.25
SHADOW_GAIN = (0.3, 0.85)
SHADOW_EDGE_PX = (1.0, 40.0)
BLUR_SHARE = 0.35
BLUR_SIGMA_PX = (0.3, 2.2)
SHAKE_SHARE = 0.3
SHAKE_LENGTH_PX = (2.0, 11.0)
COARSE_SHARE = 0.2
COARSE_SCALE = (0.4, 0.8)
SHARPEN_SHARE = 0.35
SHARPEN_AMOUNT = (0.3, 2.0)
SHARPEN_SIGMA_PX = (0.5, 1.5)
DETAIL_SHARE = 0.5
FILTER_SHARE = 0.35
FILTER_PX = (1, 3, 5)
FILTER_STRENGTH = (0.2, 0.8)
FILTER_MIX = 0.5
GAIN_SPREAD = 0.5
GAIN_RANGE = (0.4, 3.0)
GAMMA_SPREAD = 0.2
CONTRAST_SPREAD = 0.2
BLACK_LEVEL = (-0.06, 0.12)
BALANCE_SPREAD = 0.09
SATURATION = (0.3, 1.3)
GREY_SHARE = 0.05
VIGNETTE_SHARE = 0.3
VIGNETTE_STRENGTH = (0.1, 0.6)
NOISE_SHARE = 0.6
NOISE_READ = 0.02
NOISE_SHOT = 0.05
JPEG_SHARE = 0.5
JPEG_QUALITY = (25, 95)
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def change_appearance(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uint8 (H, W, 3) RGB as a random camera would have taken it."""
    if rng.random() < DETAIL_SHARE:
        rgb = add_detail(rgb, rng)
    if rng.random() < FILTER_SHARE:
        rgb = filter_randomly(rgb, rng)
    image = _colours(_lens(change_light(rgb, rng), rng), rng)
    if rng.random() < VIGNETTE_SHARE:
        image = image * _vignette(image.shape[:2], rng)[..., None]
    if rng.random() < NOISE_SHARE:
        image = _noise(image, rng)
    encoded = cv2.convertScaleAbs(np.maximum(image, 0.0), alpha=255.0)
    return _compress(encoded, rng) if rng.random() < JPEG_SHARE else encoded


def filter_randomly(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uint8 (H, W, 3) RGB, more or less of it replaced by what a random filter makes of it.

    The filter's weights are normal numbers, so is how far it mixes the channels; the mean of the picture stays, its
    spread does not grow. Shapes stay as they are, while colours and how fine everything looks change (random
    convolutions, arXiv 2007.13003).
    """
    side = int(rng.choice(FILTER_PX))
    kernel, mix = rng.normal(size=(side, side)), np.eye(3) + rng.normal(0, FILTER_MIX, (3, 3))
    kernel *= np.sign(kernel.sum())  # what is bright stays bright,
    mix *= np.sign(mix.sum(axis=1, keepdims=True))  # in every channel
    found = cv2.transform(cv2.filter2D(rgb.astype(np.float32), -1, kernel), mix)
    (mean, spread), (middle, width) = cv2.meanStdDev(rgb), cv2.meanStdDev(found)
    scale = spread.ravel() / np.maximum(width.ravel(), 1e-3)
    found = (found - middle.ravel()) * scale + mean.ravel()
    strength = rng.uniform(*FILTER_STRENGTH)
    return np.asarray(cv2.addWeighted(rgb, 1 - strength, found.astype(np.float32), strength, 0, dtype=cv2.CV_8U))


def change_light(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Uint8 (H, W, 3) RGB under light that is not even: pools of it, a shadow with a straight edge; each now and then.

    The brightness of a plain surface then says little about its depth.
    """
    if rng.random() < LIGHT_SHARE:
        rgb = _gained(rgb, _pools(rgb.shape[:2], rng))
    if rng.random() < SHADOW_SHARE:
        rgb = _gained(rgb, _shadow(rgb.shape[:2], rng))
    return rgb


def _gained(rgb: np.ndarray, gain: np.ndarray) -> np.ndarray:
    """Uint8 (H, W, 3) times float32 (H, W), saturated; the dtype stays."""
    return np.asarray(cv2.multiply(rgb, cv2.merge([gain] * 3), dtype=cv2.CV_8U))


def _pools(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(H, W) float32 gain that changes smoothly, as under several lamps."""
    rows, columns = rng.integers(*LIGHT_CELLS, size=2, endpoint=True)
    coarse = rng.normal(0, LIGHT_SPREAD, (rows, columns)).astype(np.float32)
    smooth = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.asarray(cv2.exp(smooth))


def _shadow(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(H, W) float32 gain: darker on one side of a line through the picture, sharply or softly."""
    height, width = shape
    angle, soft = rng.uniform(0, 2 * np.pi), rng.uniform(*SHADOW_EDGE_PX)
    x0, y0 = rng.uniform(0, width), rng.uniform(0, height)
    across = (np.arange(width, dtype=np.float32) - np.float32(x0)) * np.float32(np.cos(angle) / soft)
    along = (np.arange(height, dtype=np.float32) - np.float32(y0)) * np.float32(np.sin(angle) / soft)
    lit = np.clip(across[None, :] + along[:, None], -0.5, 0.5) + np.float32(0.5)
    dark = np.float32(rng.uniform(*SHADOW_GAIN))
    return np.asarray(dark + (1 - dark) * lit)


def _lens(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Out of focus, shaken, of a lower resolution or sharpened afterwards; each now and then."""
    if rng.random() < BLUR_SHARE:
        rgb = cv2.GaussianBlur(rgb, (0, 0), rng.uniform(*BLUR_SIGMA_PX))
    if rng.random() < SHAKE_SHARE:
        rgb = cv2.filter2D(rgb, -1, _shake_kernel(rng))
    if rng.random() < COARSE_SHARE:
        height, width = rgb.shape[:2]
        scale = rng.uniform(*COARSE_SCALE)
        small = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        rgb = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    if rng.random() < SHARPEN_SHARE:
        amount, soft = rng.uniform(*SHARPEN_AMOUNT), cv2.GaussianBlur(rgb, (0, 0), rng.uniform(*SHARPEN_SIGMA_PX))
        rgb = cv2.addWeighted(rgb, 1 + amount, soft, -amount, 0)
    return rgb


def _shake_kernel(rng: np.random.Generator) -> np.ndarray:
    """(k, k) kernel of a straight camera movement, of sum 1."""
    length, angle = rng.uniform(*SHAKE_LENGTH_PX), rng.uniform(0, np.pi)
    side = 2 * int(np.ceil(length / 2)) + 1
    steps = np.linspace(-length / 2, length / 2, 4 * side)
    kernel = np.zeros((side, side), np.float32)
    columns = np.rint(side // 2 + steps * np.cos(angle)).astype(int)
    rows = np.rint(side // 2 + steps * np.sin(angle)).astype(int)
    np.add.at(kernel, (rows, columns), 1.0)
    return kernel / kernel.sum()


def _colours(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Exposure, white balance, tone curve and saturation: float32 (H, W, 3), nominally [0, 1]."""
    image = cv2.LUT(rgb, _tone_curves(rng))
    saturation = 0.0 if rng.random() < GREY_SHARE else rng.uniform(*SATURATION)
    mix = np.float32(saturation) * np.eye(3, dtype=np.float32) + np.float32(1 - saturation) * LUMA
    return np.asarray(cv2.transform(image, mix))


def _tone_curves(rng: np.random.Generator) -> np.ndarray:
    """(1, 256, 3) float32: the response of each channel to an 8-bit value."""
    level = np.linspace(0, 1, 256)[:, None] ** np.exp(rng.normal(0, GAMMA_SPREAD))
    gain = np.clip(np.exp(rng.normal(0, GAIN_SPREAD)), *GAIN_RANGE)
    balance = np.exp(rng.normal(0, BALANCE_SPREAD, 3))
    exposed = np.minimum(level * gain * balance, 1.0)
    contrast = np.exp(rng.normal(0, CONTRAST_SPREAD))
    curve = (exposed - 0.5) * contrast + 0.5 + rng.uniform(*BLACK_LEVEL)
    return np.clip(curve, 0, 1).astype(np.float32)[None]


def _vignette(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """(H, W) float32 gain that falls off from the centre to the corners."""
    height, width = shape
    x = np.linspace(-1, 1, width, dtype=np.float32) ** 2
    y = np.linspace(-1, 1, height, dtype=np.float32) ** 2
    radius = (x[None, :] + y[:, None]) / 2
    return 1 - np.float32(rng.uniform(*VIGNETTE_STRENGTH)) * radius


def _noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Read noise plus shot noise that grows with the signal; fine, or in coarse grains."""
    height, width = image.shape[:2]
    fine = rng.random() < 0.5
    size = (height, width, 3) if fine else ((height + 1) // 2, (width + 1) // 2, 3)
    count = int(np.prod(size))
    first = rng.integers(max(1, len(_normal()) - count))
    grain = np.resize(_normal()[first : first + count], size)
    if not fine:
        grain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    read, shot = rng.uniform(0, NOISE_READ), rng.uniform(0, NOISE_SHOT)
    deviation = cv2.sqrt(np.maximum(image, 0) * np.float32(shot**2) + np.float32(read**2))
    return np.asarray(cv2.multiply(deviation, grain) + image)


@functools.cache
def _normal() -> np.ndarray:
    """Float32 normal numbers to take a stretch of: drawing new ones took a quarter of the augmentation's time."""
    return np.random.default_rng(0).standard_normal(1 << 22, dtype=np.float32)


def _compress(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG there and back (channel order does not matter to what it loses, but keep it right)."""
    quality = int(rng.integers(*JPEG_QUALITY))
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    ok, encoded = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert ok, rgb.shape
    return cv2.cvtColor(cv2.imdecode(encoded, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
