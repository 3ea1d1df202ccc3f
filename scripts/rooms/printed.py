"""What is printed or patterned: sheets with text, and strong patterns of the renderer's textures."""

from __future__ import annotations

import numpy as np
import textures
from PIL import Image, ImageDraw
from room import Builder

SHEET = (96, 136)
"""Width and height of a sheet's texture [px]."""
MARGIN = 8
LINE = 4
"""From one line of text to the next [px]."""
STRONG = (
    (textures.planks, 2.0),
    (textures.parquet, 1.0),
    (textures.tiles, 2.0),
    (textures.brick, 0.6),
    (textures.carpet, 1.0),
    (textures.terrazzo, 1.0),
    (textures.stripes, 2.0),
    (textures.ornament, 2.0),
    (textures.marble, 1.0),
    (textures.rug, 1.0),
    (textures.panelling, 0.6),
)
"""Patterns that are seen from afar, and how often each is taken."""
WHITE = (1, 1, 1)


def written(rng: np.random.Generator) -> np.ndarray:
    """A sheet with lines of text, figures and gaps, uint8 sRGB (136, 96, 3)."""
    sheet = Image.new("RGB", SHEET, _colour(rng, 225, 256))
    draw, ink, y = ImageDraw.Draw(sheet), _colour(rng, 0, 110), MARGIN
    while y < SHEET[1] - MARGIN:
        if rng.random() < 0.08:  # a figure
            height = int(rng.integers(12, 40))
            right, bottom = int(rng.integers(30, 88)), min(130, y + height)
            draw.rectangle((10, y, right, bottom), fill=_colour(rng, 40, 240))
            y += height + 5
            continue
        if rng.random() < 0.85:
            _line(rng, draw, y, ink)
        y += LINE
    return np.asarray(sheet)


def _colour(rng: np.random.Generator, low: int, high: int) -> tuple[int, ...]:
    return tuple(int(value) for value in rng.integers(low, high, 3))


def _line(rng: np.random.Generator, draw: ImageDraw.ImageDraw, y: int, ink: tuple[int, ...]) -> None:
    """Words of two pixels' height, up to where the line ends."""
    x, end = MARGIN, int(rng.integers(40, 90))
    while x < end:
        width = int(rng.integers(3, 12))
        draw.rectangle((x, y, min(x + width, end), y + 1), fill=ink)
        x += width + 2


def print_of(builder: Builder, text: float) -> int:
    """Texture of a printed thing: text with that chance, else a picture."""
    draw = written if builder.chance(text) else textures.picture
    return builder.s.texture(draw(builder.rng))


def strong_texture(builder: Builder) -> int:
    """Texture of a strong pattern."""
    return builder.s.texture(textures.pick(builder.rng, STRONG)[1])
