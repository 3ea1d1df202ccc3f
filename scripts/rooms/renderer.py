"""The renderer, which is not part of this repository: found, imported and checked before the first room is built."""

from __future__ import annotations

import ctypes
import importlib
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shares import RoomsError

if TYPE_CHECKING:
    import numpy as np

MODULES = ("room.py", "render.py", "scene.py", "textures.py", "pack.py")
PACK = ("furniture.npz", "models.json")
NEEDED = "numpy, pillow and pyoidn"


@dataclass(frozen=True)
class Renderer:
    """What turns rooms into pictures.

    Attributes:
        pack: The furniture models.
        library: librooms.so, which traces rays.
        denoise: Noisy linear light, albedo and normals, each float32 (H, W, 3) -> clean linear light (H, W, 3).
    """

    pack: Any
    library: Any
    denoise: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def open_renderer(folder: Path, library: Path, pack: Path) -> Renderer:
    """Make the renderer's modules importable, and load its library and furniture.

    Args:
        folder: Has its modules; goes to the end of `sys.path`, so that no name of ours is hidden.
        library: What its build.sh made.
        pack: Folder of the furniture.

    Raises:
        RoomsError: One of them is not there or cannot be loaded, or this Python lacks a package.
    """
    _expect(folder, MODULES, "the renderer")
    _expect(pack, PACK, "its furniture")
    hint = f"expected what {folder / 'build.sh'} makes, and Embree's folder in LD_LIBRARY_PATH"
    path = str(library.resolve())  # a bare name would be looked for among the system's libraries
    try:
        ctypes.CDLL(path)
    except OSError as error:
        raise RoomsError(f"--lib {library} cannot be loaded ({error}), {hint}") from error
    sys.path.append(str(folder))
    try:
        scene, furniture = importlib.import_module("scene"), importlib.import_module("pack")
        oidn = importlib.import_module("pyoidn.denoise")
    except (ImportError, SyntaxError) as error:
        raise RoomsError(f"{error}; expected {NEEDED} in {sys.executable}") from error
    try:
        loaded = scene.load(path)
    except AttributeError as error:
        raise RoomsError(f"--lib {library} is another library ({error}), {hint}") from error
    try:
        pieces = furniture.Pack(str(pack))
    except (EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise RoomsError(f"{pack} cannot be read ({error!r}), expected the renderer's furniture") from error
    return Renderer(
        pieces,
        loaded,
        lambda light, albedo, normal: oidn.denoise(light, albedo=albedo, normal=normal, hdr=True),
    )


def _expect(folder: Path, names: tuple[str, ...], what: str) -> None:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise RoomsError(f"{folder} has no {', '.join(missing)}, expected the folder of {what}")
