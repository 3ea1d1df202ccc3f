"""What the two stages train and minimise."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthart_core.decoding import decoding
from depthart_core.efficientnet import FINE
from depthart_core.model import DepthART
from depthart_core.objective import LossWeights, loss
from training.recipe import StageSettings

Scalars = dict[str, Tensor]


class Stage(Protocol):
    """One stage of the training.

    Attributes:
        memory: What the stage remembers from step to step; it goes into the checkpoint.
    """

    memory: Scalars

    def groups(self, model: DepthART) -> list[tuple[list[nn.Parameter], float]]:
        """Trained parameters and their factor on the learning rate."""
        ...

    def loss(self, model: DepthART, image: Tensor, depth: Tensor, step: int) -> tuple[Tensor, Scalars]:
        """Loss of a batch and what to log.

        Args:
            model: What is trained.
            image: (B, 3, S, S) in [-1, 1].
            depth: (B, 1, S, S) in [-1, 1], normalised; NaN where unknown.
            step: Number of the optimiser step.
        """
        ...


class TokenizerStage:
    """Autoencoder and quantizer on depth maps; the image features that guide the decoder stay as they are.

    Args:
        settings: See `StageSettings`.
        commitment: Weight of drawing the encoder to its codes (VQ-VAE's beta).
        plain_steps: Steps at the start with noise in place of the quantizer: with random codes the encoder would
            learn to say nothing.
        truncated: Share of steps in which the decoder learns from the sum of the first scales alone, so that depth
            after few scales looks right as well.
        restart_every: Steps between two restarts of codes that nobody uses.
    """

    def __init__(
        self,
        settings: StageSettings,
        *,
        commitment: float = 0.03,
        plain_steps: int = 300,
        truncated: float = 0.3,
        restart_every: int = 50,
    ) -> None:
        self.settings = settings
        self.commitment, self.plain_steps = commitment, plain_steps
        self.truncated, self.restart_every = truncated, restart_every
        self.memory: Scalars = {}

    def groups(self, model: DepthART) -> list[tuple[list[nn.Parameter], float]]:
        """The whole tokenizer."""
        return [(list(model.tokenizer.parameters()), 1.0)]

    def loss(self, model: DepthART, image: Tensor, depth: Tensor, step: int) -> tuple[Tensor, Scalars]:
        """Reconstruction with sharp edges, and codes near features near codes."""
        with torch.no_grad():
            guidance = model.image.backbone.fine(image) if model.image is not None else ()
        known = depth.nan_to_num(0.0)
        features = model.tokenizer.features(known).float()
        f_hats, rests, indices = _pyramid(model, features)
        self._restart(model, torch.cat(rests, 1).flatten(0, 1), torch.cat(indices, 1).flatten(), step)
        pull = torch.stack([functional.mse_loss(f_hat, features.detach()) for f_hat in f_hats]).mean()
        commit = functional.mse_loss(features, f_hats[-1].detach())
        picture = model.tokenizer.decode(self._decoded(features, f_hats, step), guidance)
        valid = torch.isfinite(depth)
        error = (picture.float() - known).abs()[valid].mean()
        edges = _gradient_error(picture.float() - known, valid)
        power = features.square().mean()
        total = error + edges + pull + 0.1 * (power - 1.0).square()
        if step >= self.plain_steps:
            total = total + self.commitment * commit
        last = commit.detach() / power.detach()
        return total, {
            "error": error,
            "edges": edges,
            "vq": pull,
            "last": last,
            "power": power,
            "used": (self.memory["used"] > 0).float().mean(),
        }

    def _decoded(self, features: Tensor, f_hats: list[Tensor], step: int) -> Tensor:
        """The last f_hat with the gradient handed straight to the encoder, or an earlier one without."""
        generator = torch.Generator().manual_seed(step)
        if step < self.plain_steps:
            return features + 0.4 * torch.randn(features.shape, generator=generator).to(features.device)
        if torch.rand((), generator=generator) < self.truncated:
            k = int(torch.randint(len(f_hats), (), generator=generator))
            return f_hats[k].detach()
        return features + (f_hats[-1] - features).detach()

    @torch.no_grad()
    def _restart(self, model: DepthART, rests: Tensor, indices: Tensor, step: int) -> None:
        """Move codes that were not chosen lately onto random rests of this batch; at the start that is all of them."""
        codebook = model.tokenizer.quantizer.codebook
        used = self.memory.setdefault("used", torch.zeros(len(codebook), device=codebook.device))
        if step % self.restart_every == 0:
            generator = torch.Generator().manual_seed(step)
            everything = torch.arange(len(codebook), device=codebook.device)
            dead = (used < 1).nonzero()[:, 0] if step > self.plain_steps else everything
            picks = torch.randint(len(rests), (len(dead),), generator=generator).to(codebook.device)
            codebook[dead] = rests[picks].to(codebook.dtype)
            used.zero_()
        used.index_add_(0, indices, torch.ones_like(indices, dtype=used.dtype))


class TransformerStage:
    """Transformer, image tokens and (with the pixel term) decoder; encoder, codes and fine image features stay."""

    def __init__(self, settings: StageSettings, *, device: str = "cpu") -> None:
        self.settings = settings
        self.weights = LossWeights(settings.last_scale_weight, settings.pixel_weight)
        self.decoding = decoding(settings.rollout, device=device)
        self.memory: Scalars = {}

    def groups(self, model: DepthART) -> list[tuple[list[nn.Parameter], float]]:
        """Everything but the tokenizer and the fine features."""
        own = [*model.transformer.parameters(), *model.embed.parameters(), model.start, model.position]
        decoder = [*model.tokenizer.decoder.parameters(), *model.tokenizer.post_quant_conv.parameters()]
        groups = [(own, 1.0)]
        if self.settings.train_decoder:
            groups.append((decoder, self.settings.backbone_factor))
        if model.image is not None:
            backbone = list(model.image.backbone.stages[FINE:].parameters())
            inside = {id(parameter) for parameter in model.image.backbone.parameters()}
            own.extend(p for p in model.image.parameters() if id(p) not in inside)
            groups.append((backbone, self.settings.backbone_factor))
        return groups

    def loss(self, model: DepthART, image: Tensor, depth: Tensor, step: int) -> tuple[Tensor, Scalars]:  # noqa: ARG002
        """The objective of depthart_core.objective; `step` makes no difference."""
        result = loss(
            model,
            image,
            depth,
            objective=self.settings.objective,
            decoding=self.decoding,
            weights=self.weights,
        )
        scalars = {name: value.detach() for name, value in result._asdict().items() if name != "total"}
        return result.total, scalars


def make_stage(name: str, settings: StageSettings, *, device: str = "cpu") -> Stage:
    """The stage of that name for a model on that device."""
    return TokenizerStage(settings) if name == "tokenizer" else TransformerStage(settings, device=device)


def _pyramid(model: DepthART, features: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Quantize with gradient to codebook and phi: f_hat, rest (B, L, C) and indices (B, L) of every scale."""
    quantizer = model.tokenizer.quantizer
    f_hat, f_hats, rests, indices = torch.zeros_like(features), [], [], []
    for k in range(len(model.config.tokenizer.scale_sizes)):
        rests.append(quantizer.pool((features - f_hat).detach(), k))
        indices.append(quantizer.nearest(rests[-1]))
        f_hat = f_hat + quantizer.contribution(k, quantizer.codes(indices[-1])).float()
        f_hats.append(f_hat)
    return f_hats, rests, indices


def _gradient_error(difference: Tensor, valid: Tensor) -> Tensor:
    """Mean absolute error of the steps between neighbouring pixels that are both valid, over three resolutions."""
    errors = []
    for _ in range(3):
        for dim in (2, 3):
            pairs = valid.narrow(dim, 1, valid.shape[dim] - 1) & valid.narrow(dim, 0, valid.shape[dim] - 1)
            errors.append((difference.diff(dim=dim).abs() * pairs).sum() / pairs.sum().clamp_min(1))
        difference = functional.avg_pool2d(difference, 2)
        valid = functional.avg_pool2d(valid.float(), 2) == 1.0
    return torch.stack(errors).mean()
