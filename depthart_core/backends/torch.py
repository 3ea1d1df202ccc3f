"""PyTorch: the reference that the other backends are compared with."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from depthart_core.backends.precision import DTYPES, forbid_tf32, multiplies_bfloat16, turn_to_precision
from depthart_core.backends.scale_times import DeadlineRun, ScaleTimes
from depthart_core.backends.torch_graph import GraphedModel
from depthart_core.checkpoint import load_model
from depthart_core.decoding import decoding
from depthart_core.errors import BackendError, running
from depthart_core.inference import BackendOptions, Inference
from depthart_core.model import DepthART, Prediction
from depthart_core.normalize import denormalize, normalize_image
from depthart_core.transformer import use_products
from depthart_core.winograd import use_winograd

_log = logging.getLogger(__name__)


class TorchBackend:
    """Runs a model eagerly; on CUDA as recorded graphs, unless codes are drawn at random.

    Args:
        model: In evaluation mode, on its device, in the precision of the options; its convolutions go to
            channels-last, which is faster.
        options: See `BackendOptions`.
        graphs: Whether to record graphs on CUDA, during which no other thread may use the GPU.
    """

    def __init__(self, model: DepthART, options: BackendOptions, *, graphs: bool = True) -> None:
        self.device = torch.device(options.device)
        self.model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.decoding = decoding(options.decode, seed=options.seed, device=options.device)
        self.input_size = model.config.tokenizer.input_size
        self.heads, self.anytime = model.config.heads, True
        self.precision = "fp32" if options.precision == "auto" else options.precision
        self.scale_times = ScaleTimes(options.count_scales(model.config.tokenizer.scales))
        self.scales = self.scale_times.scales
        recorded = graphs and self.device.type == "cuda" and options.decode != "sample"
        self.graphed = self._record() if recorded else None

    def _record(self) -> GraphedModel | None:
        """The model as graphs, or None where that fails: it runs eagerly then."""
        side = self.input_size
        image = torch.zeros(1, 3, side, side, device=self.device).contiguous(memory_format=torch.channels_last)
        try:
            return GraphedModel(self.model, self.decoding, scales=self.scales, image=image)
        except RuntimeError as error:
            _log.warning("no CUDA graph, the model runs eagerly: %s", str(error).partition("\n")[0])
            return None

    @torch.inference_mode()
    def infer(self, rgb: npt.NDArray[np.uint8], *, deadline: float | None = None) -> Inference:
        """uint8 (S, S, 3) RGB -> relative depth, confidence and scale; see `Backend.infer`."""
        with running(f"PyTorch {torch.__version__} cannot run the model", RuntimeError, MemoryError):
            return self._infer(rgb, deadline)

    def _infer(self, rgb: npt.NDArray[np.uint8], deadline: float | None) -> Inference:
        # A copy: torch takes no read-only memory (a ROS message) and no negative strides (a reversed channel order).
        picture = torch.from_numpy(np.array(rgb, order="C")).to(self.device).permute(2, 0, 1)[None]
        image = normalize_image(picture).contiguous(memory_format=torch.channels_last)
        run = DeadlineRun(self.scale_times, deadline)
        found = self._predict(image, run) if self.graphed is None else self.graphed.predict(image, run)
        outputs = {"depth": denormalize(found.depth, self.model.config)[:, 0]}
        if found.confidence is not None and found.size is not None:
            outputs |= {"confidence": found.confidence[:, 0].sigmoid(), "size": found.size}
        arrays = {name: values.cpu().float().numpy() for name, values in outputs.items()}
        run.finish()
        return Inference.of_outputs(arrays, run.done)

    def _predict(self, image: Tensor, run: DeadlineRun) -> Prediction:
        prefix, steps = self.model.prefix(image), []
        self._wait()
        run.begin()
        for step in self.model.rollout(prefix, self.decoding, max_scales=self.scales):
            steps.append(step)
            self._wait()
            if not run.another():
                break
        found: Prediction = self.model.conclude(prefix, steps)
        return found

    def _wait(self) -> None:
        """Let a GPU do what it was asked for, or the clock would tell how long asking takes."""
        if self.device.type == "cuda":
            torch.cuda.current_stream(self.device).synchronize()


def precision_on(asked: str, device: torch.device) -> str:
    """What a model is computed in on a device: one of `depthart_core.backends.precision.DTYPES`.

    Raises:
        BackendError: It makes no sense there.
    """
    if asked in ("auto", "fp32"):
        return "fp32"
    if asked == "fp16" and device.type == "cpu":
        raise BackendError("precision fp16 is for GPUs: a CPU computes in it slower than in float32; ask for fp32")
    if asked == "bf16" and not multiplies_bfloat16(device):
        _log.warning("%s has no units for bfloat16: precision bf16 is slower there than fp32", device)
    return asked


def prepare(model: DepthART, precision: str, device: torch.device) -> DepthART:
    """A model as it is run on a device: in a precision, with what is faster there.

    Args:
        model: In evaluation mode, float32; changed.
        precision: One of `depthart_core.backends.precision.DTYPES`.
        device: Where it goes.
    """
    exact = precision == "fp32"
    if device.type == "cpu" and exact:
        use_winograd(model.tokenizer)
    elif device.type == "cpu":
        use_products(model.transformer)
    elif exact and device.type == "cuda":
        forbid_tf32()  # float32 means float32, as in engines
    return turn_to_precision(model, precision, on_cpu=device.type == "cpu").to(device)


def load(model: str | Path, options: BackendOptions) -> TorchBackend:
    """Load a model for PyTorch.

    Two things are PyTorch's own and so hold for the whole process: `threads`, and on CUDA in float32 that nothing is
    computed in TF32.

    Raises:
        CheckpointError: The model is missing or damaged.
        BackendError: The device is unknown or absent, it does not compute in the precision, or max_scales are
            impossible.
    """
    options.demand_precision("torch", *DTYPES)
    loaded = load_model(model)
    options.count_scales(loaded.config.tokenizer.scales)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    try:
        probe = torch.zeros(1, device=options.device)
        probe.cpu()  # what runs there must come back, which "meta" cannot
        precision = precision_on(options.precision, probe.device)
        return TorchBackend(prepare(loaded, precision, probe.device), options)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise BackendError(f"device {options.device!r} cannot be used by torch: {reason}") from error
