"""From a room's number to the pictures, depth and cameras of its shard."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import render
from PIL import Image
from renderer import Renderer
from shares import KINDS
from views import OF_KIND, Kind, pick_views

VIEWS = (8, 14)
"""Wanted of a room, the upper end excluded."""
DRAW_SEED, ROOM_SEED = 11, 3
"""Beside the room's number: of kind, cameras and exposure, and of what the room holds."""
VERTICES = 3
"""Of a path of light."""
CLAMP = 12.0
"""Most light of a sample: fewer bright specks."""
LIGHTER = (1.4, 3.2)
"""Factor of the light of overexposed pictures."""
GAMMA = 2.2
QUALITY = 92
"""Of the JPEG."""

Sample = dict[str, bytes]
"""Content by suffix: jpg, png and json."""


def render_room(
    number: int, shares: Sequence[float], renderer: Renderer, samples_per_pixel: int
) -> tuple[str, list[Sample]]:
    """Build a room and take pictures of it; a function of its number, the shares and the code.

    Args:
        number: Of the room.
        shares: Chance of each of `KINDS`.
        renderer: See `renderer`.
        samples_per_pixel: Paths of light.

    Returns:
        Name of its kind, and its samples.
    """
    rng = np.random.default_rng([number, DRAW_SEED])
    name = str(rng.choice(KINDS, p=shares))
    kind = OF_KIND[name]
    rooms = kind.build([number, ROOM_SEED], renderer.pack)
    scene = rooms.s.finish(renderer.library)
    samples = []
    try:
        for view in pick_views(kind, rooms, scene, rng, int(rng.integers(*VIEWS))):
            seed = int(rng.integers(1 << 31))
            layers = scene.render(view.packed, render.SIZE, render.SIZE, samples_per_pixel, VERTICES, seed, CLAMP)
            depth = np.ascontiguousarray(layers[..., 3])
            picture = _develop(kind, rng, renderer, layers) if kind.accepts(depth[::2, ::2]) else None
            if picture is not None and render.entropy(picture) >= kind.entropy:
                about = {"room": number, "source": "rooms", "kind": name}
                samples.append(_encode(picture, depth, {**view.description, **about}))
    finally:
        scene.free()
    return name, samples


def _develop(kind: Kind, rng: np.random.Generator, renderer: Renderer, layers: np.ndarray) -> np.ndarray:
    """Picture, uint8 sRGB (H, W, 3), from the renderer's layers (H, W, 10): light, depth, albedo, normal."""
    light = renderer.denoise(*(np.ascontiguousarray(layers[..., i : i + 3]) for i in (0, 4, 7)))
    overexposed = kind.overexposed > 0 and rng.random() < kind.overexposed
    picture = render.develop(rng, np.maximum(light, 0))
    if not overexposed:
        return picture
    lighter = (picture.astype(np.float32) / 255) ** GAMMA * rng.uniform(*LIGHTER)
    return (np.clip(lighter, 0, 1) ** (1 / GAMMA) * 255 + 0.5).astype(np.uint8)


def _encode(picture: np.ndarray, depth: np.ndarray, description: dict[str, Any]) -> Sample:
    """Members of the shard; depth is in metres."""
    jpeg, png = io.BytesIO(), io.BytesIO()
    Image.fromarray(picture).save(jpeg, "jpeg", quality=QUALITY, subsampling=2)
    Image.fromarray(render.encode_depth(depth)).save(png, "png", compress_level=1)
    return {"jpg": jpeg.getvalue(), "png": png.getvalue(), "json": json.dumps(description).encode()}


def shard_of(number: int, folder: Path) -> Path:
    """Where a room's samples lie."""
    return folder / f"{number:06}.tar"


def write_shard(path: Path, samples: Sequence[Sample]) -> None:
    """Write a room's samples; the file is there only when it is complete.

    Raises:
        OSError: It cannot be written.
    """
    unfinished = path.with_name(f"{path.name}.part")
    with tarfile.open(unfinished, "w") as shard:
        for i, sample in enumerate(samples):
            for suffix, content in sample.items():
                member = tarfile.TarInfo(f"{path.stem}_{i:02}.{suffix}")
                member.size = len(content)
                shard.addfile(member, io.BytesIO(content))
    unfinished.replace(path)
