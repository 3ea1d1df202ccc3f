"""Our model files: safetensors with the configuration inside, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from depthart_core.errors import CheckpointError
from depthart_core.model import DepthART
from depthart_core.model_files import FORMAT, model_path, read_config, write_atomically


def save_model(model: DepthART, path: Path, *, dtype: torch.dtype = torch.float32) -> None:
    """Write a model, whole or not at all: a file that was there survives a full disk.

    Args:
        model: What to save.
        path: Where.
        dtype: How weights are stored; they are computed with in float32 unless asked otherwise.

    Raises:
        CheckpointError: A weight is beyond what `dtype` holds.
        OSError: The file cannot be written.
    """
    state = model.state_dict()
    tensors = {name: value.detach().to("cpu", dtype).contiguous() for name, value in state.items()}
    for name, value in tensors.items():
        if torch.isinf(value).any() and not torch.isinf(state[name]).any():
            reached, most = state[name].abs().max(), torch.finfo(dtype).max
            raise CheckpointError(f"{path}: {name} reaches {reached:g}, {dtype} ends at {most:g}")
    data = save(tensors, {"format": FORMAT, "config": model.config.to_json()})
    write_atomically(path, data)


def load_model(model: str | Path) -> DepthART:
    """Read a model in float32, on the CPU, in evaluation mode.

    Raises:
        CheckpointError: Missing, damaged, another format, keys and shapes that do not fit the configuration, or
            weights that are not finite.
    """
    path = model_path(model)
    metadata, tensors = read_tensors(path)
    config = read_config(path, metadata)
    with torch.device("meta"):
        result = DepthART(config)
    expected = {name: tuple(value.shape) for name, value in result.state_dict().items()}
    check_tensors(path, tensors, expected)
    wrong = [name for name, value in tensors.items() if not torch.isfinite(torch.stack(value.aminmax())).all()]
    if wrong:
        raise CheckpointError(f"{path} has weights that are not finite numbers: {', '.join(wrong[:8])}")
    result.load_state_dict({name: value.float() for name, value in tensors.items()}, assign=True)
    return result.eval().requires_grad_(False)


def read_tensors(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Metadata and tensors of a safetensors file.

    Raises:
        CheckpointError: Unreadable or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata, names = file.metadata() or {}, list(file.keys())
        return metadata, {name: _read_tensor(path, name) for name in names}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file: {error}") from error


def _read_tensor(path: Path, name: str) -> Tensor:
    """One tensor, in memory of its own: the file's pages, which an open file keeps, would count beside every copy."""
    with safe_open(path, framework="pt") as file:
        tensor: Tensor = file.get_tensor(name)
        return tensor.clone()


def check_tensors(path: Path, tensors: Mapping[str, Tensor], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Demand exactly these names and shapes.

    Raises:
        CheckpointError: Names what is missing, extra or misshapen.
    """
    wrong = [name for name in tensors if name in expected and tuple(tensors[name].shape) != expected[name]]
    problems = [
        *_first("missing", [name for name in expected if name not in tensors]),
        *_first("not understood", [name for name in tensors if name not in expected]),
        *_first("of another shape", [f"{name} {tuple(tensors[name].shape)} not {expected[name]}" for name in wrong]),
    ]
    if problems:
        raise CheckpointError(f"{path} does not fit its configuration: {'; '.join(problems)}")


def _first(kind: str, names: list[str]) -> list[str]:
    """One phrase for what is wrong in one way, with at most 8 names; none where nothing is."""
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return [f"{kind}: {', '.join(names[:8])}{more}"] if names else []
