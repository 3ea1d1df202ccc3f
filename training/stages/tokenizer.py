"""The tokenizer stage: autoencoder and quantizer on depth maps."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from depthart_core.model import DepthART
from depthart_core.normalize import fill_unknown
from depthart_core.objective import weighted_mean
from training.distributed import all_gather, all_sum
from training.settings import StageSettings
from training.stages.stage import Part, Scalars, TrainingBatch, few_scales

COMMITMENT = 0.03
"""Weight of drawing the encoder to its codes (VQ-VAE's beta)."""

PLAIN_STEPS = 300
"""At the start, with noise in place of the quantizer: with random codes the encoder would learn to say nothing. There
are none where codes are kept."""

RESTART_STEPS = 50
"""Between two restarts of codes that nobody uses."""

RESOLUTIONS = 3
"""At which the steps of depth are compared, each half of the one before."""


class TokenizerStage:
    """Autoencoder and quantizer on depth maps; the image features that guide the decoder stay as they are."""

    def __init__(self, settings: StageSettings) -> None:
        self.settings = settings
        self.plain_steps = 0 if settings.keep_codes else PLAIN_STEPS
        self.memory: Scalars = {}
        self._rests: list[Tensor] = []  # of the batches of this step, where codes are to move after the last of them

    def groups(self, model: DepthART) -> list[tuple[list[nn.Parameter], float]]:
        """The whole tokenizer."""
        return [(list(model.tokenizer.parameters()), 1.0)]

    def loss(self, model: DepthART, batch: TrainingBatch, part: Part) -> tuple[Tensor, Scalars]:
        """Reconstruction with sharp edges, and codes near features near codes."""
        guidance, known, valid = _guidance(model, batch.image), batch.depth.nan_to_num(0.0), torch.isfinite(batch.depth)
        features = model.tokenizer.features(fill_unknown(batch.depth)).float()
        f_hats, rests, indices = _pyramid(model, features)
        self._restart(model, torch.cat(rests, 1).flatten(0, 1), torch.cat(indices, 1).flatten(), part)
        pull = torch.stack([functional.mse_loss(f_hat, features.detach()) for f_hat in f_hats]).mean()
        commit = functional.mse_loss(features, f_hats[-1].detach())
        picture = model.tokenizer.decode(self._decoded(features, f_hats, part), guidance)
        weights = self.weights(model, valid)
        totals = part.totals(weights)
        error = weighted_mean((picture.float() - known).abs(), valid, totals[0])
        edges = _gradient_error(picture.float() - known, weights[1:], totals[1:])
        power = features.square().mean()
        total = error + edges + pull + 0.1 * (power - 1.0).square()
        if part.step >= self.plain_steps:
            total = total + COMMITMENT * commit
        return total, {
            "error": error,
            "edges": edges,
            "vq": pull,
            "last": commit / power,
            "power": power,
            "used": (self.memory["used"] > 0).float().mean(),
        }

    def weights(self, model: DepthART, valid: Tensor) -> list[Tensor]:  # noqa: ARG002
        """Of the depth, and of its steps: see `_neighbours`."""
        return [valid, *_neighbours(valid)]

    def pictures(self, model: DepthART, batch: TrainingBatch) -> list[Tensor]:
        """What is left of the true depth in the tokens of the first scales."""
        guidance = _guidance(model, batch.image)
        f_hats = model.tokenizer.quantizer.quantize(model.tokenizer.features(fill_unknown(batch.depth))).f_hats
        return [model.tokenizer.decode(f_hat, guidance).mean(1, keepdim=True) for f_hat in f_hats]

    def _decoded(self, features: Tensor, f_hats: list[Tensor], part: Part) -> Tensor:
        """The last f_hat with the gradient handed straight to the encoder, or an earlier one without."""
        if part.step < self.plain_steps:
            return features + 0.4 * _noise(features, part)
        if scales := few_scales(len(f_hats) - 1, part.step):
            return f_hats[scales - 1].detach()
        return features + (f_hats[-1] - features).detach()

    @torch.no_grad()
    def _restart(self, model: DepthART, rests: Tensor, indices: Tensor, part: Part) -> None:
        """Move codes that were not chosen lately onto random rests of the step; at the start that is all of them.

        They move when the last batch of the step was quantized, so that all its batches have the same codes. All
        processes count the choices of all and draw the same rests, so that they keep one codebook.
        """
        codebook = model.tokenizer.quantizer.codebook
        used = self.memory.setdefault("used", torch.zeros(len(codebook), device=codebook.device))
        chosen = torch.ones_like(indices, dtype=used.dtype)
        used += all_sum(torch.zeros_like(used).index_add_(0, indices, chosen))
        if part.step % RESTART_STEPS or (part.step == 0 and self.settings.keep_codes):
            return
        self._rests.append(all_gather(rests))
        if sum(map(len, self._rests)) < part.count * len(rests):
            return
        candidates = torch.cat(self._rests)
        everything = torch.arange(len(codebook), device=codebook.device)
        dead = (used < 1).nonzero()[:, 0] if part.step > self.plain_steps else everything
        generator = torch.Generator().manual_seed(part.step)
        picks = torch.randint(len(candidates), (len(dead),), generator=generator).to(codebook.device)
        codebook[dead] = candidates[picks].to(codebook.dtype)
        used.zero_()
        self._rests.clear()


def _noise(features: Tensor, part: Part) -> Tensor:
    """Normal noise for features (B, ...): each picture of the training has its own, in whichever batch of a step."""
    size = len(features)
    first = (part.step * part.count + part.place) * size
    drawn = [torch.randn(features.shape[1:], generator=torch.Generator().manual_seed(first + i)) for i in range(size)]
    return torch.stack(drawn).to(features.device)


@torch.no_grad()
def _guidance(model: DepthART, image: Tensor) -> tuple[Tensor, ...]:
    """Image features that a guided decoder sees; none for another one, whatever the transformer sees."""
    if model.config.tokenizer.decoder != "guided":
        return ()
    assert model.image is not None, "a guided decoder has image features"
    features: tuple[Tensor, ...] = model.image.backbone.fine(image)
    return features


def _pyramid(model: DepthART, features: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Quantize with gradient to codebook and phi: f_hat, rest (B, L, C) and indices (B, L) of every scale."""
    quantizer = model.tokenizer.quantizer
    f_hat, f_hats, rests, indices = torch.zeros_like(features), [], [], []
    for k in range(len(model.config.tokenizer.scale_sizes)):
        rests.append(quantizer.pool((features - f_hat).detach(), k))
        indices.append(quantizer.nearest(rests[-1]))
        f_hat = f_hat + quantizer.contribution(k, quantizer.codes(indices[-1]))
        f_hats.append(f_hat)
    return f_hats, rests, indices


def _neighbours(valid: Tensor) -> list[Tensor]:
    """Which pixels and their neighbours below, then to the right, are both valid, at three resolutions."""
    pairs = []
    for _ in range(RESOLUTIONS):
        for dim in (2, 3):
            last = valid.shape[dim] - 1
            pairs.append(valid.narrow(dim, 1, last) & valid.narrow(dim, 0, last))
        valid = functional.avg_pool2d(valid.float(), 2) == 1.0
    return pairs


def _gradient_error(difference: Tensor, pairs: Sequence[Tensor], totals: Tensor) -> Tensor:
    """Mean absolute error of the steps between `_neighbours`, over their resolutions; totals of the pairs: (n,)."""
    steps = []
    for _ in range(RESOLUTIONS):
        steps += [difference.diff(dim=dim).abs() for dim in (2, 3)]
        difference = functional.avg_pool2d(difference, 2)
    return torch.stack([weighted_mean(*each) for each in zip(steps, pairs, totals, strict=True)]).mean()
