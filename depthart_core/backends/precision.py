"""Half precision written into a model: what its graph computes in which type is decided before it is exported.

Every convolution and linear layer computes in the precision; what lies between them takes what comes. In float32 stay
the quantizer (code search, codes, f_hat), the embedding of f_hat, the sum that runs through the transformer's blocks,
the heads of confidence and size, and the islands.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from depthart_core.errors import BackendError
from depthart_core.model import DepthART

DTYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
"""Precision -> type of the weights of convolutions and linear layers."""

NORM, SOFTMAX, LOGITS = "norm", "softmax", "logits"
ISLANDS = frozenset({NORM, SOFTMAX, LOGITS})
"""What can stay in float32 as well: normalisations, the softmax of attention, the layer that makes the logits."""

UNITS = {"avx512_bf16", "amx_bf16", "bf16"}
"""What Linux calls units that multiply bfloat16, on x86-64 and Arm."""

_FLOAT32 = 1  # TensorProto.FLOAT


def multiplies_bfloat16(device: torch.device, *, processor: Path = Path("/proc/cpuinfo")) -> bool:
    """Whether a device has units for bfloat16; a processor without them multiplies it ten times slower than float32.

    Args:
        device: CUDA or CPU; any other has none.
        processor: Linux's description of the processor.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu" or not processor.is_file():
        return False
    return not UNITS.isdisjoint(processor.read_text(encoding="utf-8").split())


def forbid_tf32() -> None:
    """Let the whole process compute float32 on GPUs in float32.

    PyTorch rounds it to TF32 in convolutions by itself, in matrix products where somebody asked for that, be it by
    TORCH_ALLOW_TF32_CUBLAS_OVERRIDE, which NVIDIA's containers set.
    """
    torch.backends.cudnn.allow_tf32 = False
    torch.set_float32_matmul_precision("highest")


def to_precision(model: DepthART, precision: str, *, islands: Collection[str] = ISLANDS) -> DepthART:
    """A copy of a model that computes in a precision, pictures and depth in float32; "fp32" gives the model itself.

    Args:
        model: In evaluation mode, float32.
        precision: One of `DTYPES`.
        islands: Some of `ISLANDS`. The softmax is decided by `attention`, where the graph is made.

    Raises:
        BackendError: An unknown precision or island.
    """
    return turn_to_precision(model if precision == "fp32" else copy.deepcopy(model), precision, islands=islands)


def turn_to_precision(
    model: DepthART, precision: str, *, islands: Collection[str] = ISLANDS, on_cpu: bool = False
) -> DepthART:
    """As `to_precision`, but the model itself is changed, so that no second one lies in memory.

    Args:
        model: See `to_precision`.
        precision: Likewise.
        islands: Likewise.
        on_cpu: Whether PyTorch will run it on a processor: GroupNorm then takes the precision as it comes, as it takes
            means and variances in float32 there whatever comes; on GPUs PyTorch keeps them in what came.

    Raises:
        BackendError: An unknown precision or island.
    """
    if precision not in DTYPES:
        raise BackendError(f"precision must be one of {', '.join(DTYPES)}, got {precision!r}")
    if unknown := sorted(set(islands) - ISLANDS):
        raise BackendError(f"islands must be of {', '.join(sorted(ISLANDS))}, got {', '.join(unknown)}")
    if precision == "fp32":
        return model
    layers = DTYPES[precision]
    norms = torch.float32 if NORM in islands else layers
    dtypes = {nn.Conv2d: layers, nn.Linear: layers, nn.LayerNorm: norms, nn.GroupNorm: layers if on_cpu else norms}
    left: list[nn.Module | None] = [model.tokenizer.quantizer, model.confidence_head]
    exact: list[nn.Module | None] = [model.embed, model.size_head]
    exact += [model.transformer.head] if LOGITS in islands else []
    _replace(model, dtypes, left, exact)
    model.tokenizer.decoder = _ToFloat32(model.tokenizer.decoder)  # type: ignore[assignment]
    return model


def attention(islands: Collection[str] = ISLANDS) -> Callable[..., Any]:
    """What scaled dot-product attention is in a graph: a translation for the exporter."""
    from onnxscript import opset18

    op: Any = opset18  # its types suit scripts alone

    def translate(
        query: Any, key: Any, value: Any, attn_mask: Any = None, dropout_p: float = 0.0, is_causal: bool = False,
        scale: float | None = None, enable_gqa: bool = False,
    ) -> Any:  # fmt: skip
        unused = (attn_mask, dropout_p, is_causal, enable_gqa)
        assert not any(unused), f"no model here has a mask, dropout or shared keys, got {unused}"
        factor = op.CastLike(op.Constant(value_float=scale or float(query.shape[3]) ** -0.5), query)
        scores = op.MatMul(op.Mul(query, factor), op.Transpose(key, perm=[0, 1, 3, 2]))
        scores = op.Cast(scores, to=_FLOAT32) if SOFTMAX in islands else scores
        return op.MatMul(op.CastLike(op.Softmax(scores, axis=-1), value), value)

    return translate


class _Typed(nn.Module):
    """A layer that computes in a type whatever it is given."""

    def __init__(self, layer: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.layer, self.dtype = layer.to(dtype), dtype

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.layer(x.to(self.dtype))
        return result


class _ToFloat32(nn.Module):
    """A decoder whose pictures are float32."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, f_hat: Tensor, guidance: tuple[Tensor, ...]) -> Tensor:
        result: Tensor = self.decoder(f_hat, guidance).float()
        return result


def _replace(
    parent: nn.Module,
    dtypes: Mapping[type[nn.Module], torch.dtype],
    left: list[nn.Module | None],
    exact: list[nn.Module | None],
) -> None:
    """Put typed layers in the place of those of a module, and of those within."""
    for name, layer in parent.named_children():
        if any(layer is part for part in left):
            continue
        if any(layer is part for part in exact):
            setattr(parent, name, _Typed(layer, torch.float32))
        elif dtype := next((dtype for kind, dtype in dtypes.items() if isinstance(layer, kind)), None):
            setattr(parent, name, _Typed(layer, dtype))
        else:
            _replace(layer, dtypes, left, exact)
