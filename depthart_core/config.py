"""Configuration of a model: frozen dataclasses that travel inside every checkpoint."""

from __future__ import annotations

import json
import types
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeVar, get_type_hints

from depthart_core.errors import ConfigError

PREFIXES = ("tokenizer", "efficientnet_lite0")
NORMALIZATIONS = ("linear", "log")
DECODERS = ("var", "guided")

T = TypeVar("T")


@dataclass(frozen=True)
class TokenizerConfig:
    """The autoencoder and its residual quantizer.

    Attributes:
        scale_sizes: Side of the token map of every scale, coarse to fine; the last one is the feature side N.
        codebook_size: Number of codes V.
        code_channels: Channels C of a code.
        image_channels: Channels of the pictures it encodes (3: depth is copied to colour; 1: depth alone).
        patch: Side in pixels of the patch that enters the encoder as one pixel (1: none).
        channels: Channels of the encoder's first level.
        channel_multipliers: Channels of every level in units of `channels`; each further level halves the side.
        encoder_blocks: Residual blocks on each level of the encoder.
        attention: Self-attention on the lowest level and in the middle.
        decoder: "var" mirrors the encoder; "guided" sees image features as well.
        decoder_channels: Channels of the guided decoder's levels, coarse to fine (side N, 2N, ...).
        decoder_blocks: Residual blocks on each level of the decoder.
        quantizer_convs: Number of shared convolutions phi.
        quantizer_mix: Share of the convolution in phi.
    """

    scale_sizes: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16)
    codebook_size: int = 4096
    code_channels: int = 32
    image_channels: int = 3
    patch: int = 1
    channels: int = 160
    channel_multipliers: tuple[int, ...] = (1, 1, 2, 2, 4)
    encoder_blocks: int = 2
    attention: bool = True
    decoder: str = "var"
    decoder_channels: tuple[int, ...] = ()
    decoder_blocks: int = 3
    quantizer_convs: int = 4
    quantizer_mix: float = 0.5

    def __post_init__(self) -> None:
        """Check what can be wrong in a file.

        Raises:
            ConfigError: Names the field, its value and what was expected.
        """
        sizes = self.scale_sizes
        if not sizes or sizes[0] != 1 or any(a > b for a, b in pairwise(sizes)):
            raise ConfigError(f"scale_sizes must start with 1 and never fall, got {sizes}")
        _one_of("decoder", self.decoder, DECODERS)
        names = ("codebook_size", "code_channels", "image_channels", "patch", "encoder_blocks", "decoder_blocks")
        for name in (*names, "quantizer_convs", "quantizer_mix"):
            _positive(name, getattr(self, name))
        widths = [self.channels * multiplier for multiplier in self.channel_multipliers]
        if not widths or any(width <= 0 or width % 32 for width in (self.channels, *widths)):
            raise ConfigError(f"channels must be multiples of 32 on every level, got {self.channels} and {widths}")

    @property
    def scales(self) -> int:
        """Number of scales K."""
        return len(self.scale_sizes)

    @property
    def feature_size(self) -> int:
        """Side N of the feature map."""
        return self.scale_sizes[-1]

    @property
    def input_size(self) -> int:
        """Side S of the square picture, in pixels."""
        return int(self.feature_size * self.patch * 2 ** (len(self.channel_multipliers) - 1))

    @property
    def tokens(self) -> tuple[int, ...]:
        """Number of tokens of every scale."""
        return tuple(size * size for size in self.scale_sizes)

    @property
    def phi_indices(self) -> tuple[int, ...]:
        """Which shared convolution each scale uses: the one of n ticks nearest to the scale's place k / (K - 1).

        Of two equally near ones the later: ten scales and four ticks have such places, 2/9 and 7/9.
        """
        n, last = self.quantizer_convs, max(self.scales - 1, 1)
        first, span = Fraction(1, 3 * n), 1 - Fraction(2, 3 * n)
        ticks = [first + span * Fraction(i, max(n - 1, 1)) for i in range(n)]
        places = [Fraction(k, last) for k in range(self.scales)]
        return tuple(min(range(n), key=lambda i: (abs(ticks[i] - place), -i)) for place in places)


@dataclass(frozen=True)
class TransformerConfig:
    """The autoregressive transformer.

    Attributes:
        width: Channels D of a token.
        heads: Attention heads; the head size is width / heads.
        blocks: Number of blocks.
        mlp_ratio: Hidden width of the MLP in units of `width`.
        temperature: Divides the usual attention scale 1 / sqrt(head size).
    """

    width: int = 1024
    heads: int = 16
    blocks: int = 16
    mlp_ratio: int = 4
    temperature: float = 4.0

    def __post_init__(self) -> None:
        """Check what can be wrong in a file.

        Raises:
            ConfigError: Names the field, its value and what was expected.
        """
        for name in ("width", "heads", "blocks", "mlp_ratio", "temperature"):
            _positive(name, getattr(self, name))
        if self.width % self.heads:
            raise ConfigError(f"width must be a multiple of heads, got {self.width} and {self.heads}")

    @property
    def attention_scale(self) -> float:
        """Factor on the dot product of query and key."""
        return 1.0 / (float((self.width // self.heads) ** 0.5) * self.temperature)


@dataclass(frozen=True)
class ModelConfig:
    """A whole model.

    Attributes:
        tokenizer: See `TokenizerConfig`.
        transformer: See `TransformerConfig`.
        prefix: Where the image tokens come from: the frozen "tokenizer" or "efficientnet_lite0" features.
        normalization: How depth is mapped to [-1, 1]: "linear" (depth / 98 % quantile) or "log".
        log_range: With "log": the factor around the geometric mean that is mapped to +-1.
        heads: Whether it also predicts its scale in metres and the confidence of every pixel; a file may leave it out.
    """

    tokenizer: TokenizerConfig = field(default_factory=TokenizerConfig)
    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    prefix: str = "tokenizer"
    normalization: str = "linear"
    log_range: float = 10.0
    heads: bool = field(default=False, metadata={"optional": True})

    def __post_init__(self) -> None:
        """Check what can be wrong in a file.

        Raises:
            ConfigError: Names the field, its value and what was expected.
        """
        _one_of("prefix", self.prefix, PREFIXES)
        _one_of("normalization", self.normalization, NORMALIZATIONS)
        if not self.log_range > 1:
            raise ConfigError(f"log_range must be above 1, got {self.log_range}")
        if self.prefix == "tokenizer" and self.tokenizer.image_channels != 3:
            raise ConfigError(f"prefix 'tokenizer' needs image_channels 3, got {self.tokenizer.image_channels}")
        if self.tokenizer.decoder == "guided" and self.prefix == "tokenizer":
            raise ConfigError("decoder 'guided' needs image features, which prefix 'tokenizer' has not")
        side, features = self.tokenizer.input_size, self.tokenizer.feature_size
        if self.prefix == "efficientnet_lite0" and side != 16 * features:
            raise ConfigError(
                f"prefix {self.prefix!r} needs an input of 16 times the last scale, got {side}, {features}"
            )
        if self.prefix == "efficientnet_lite0" and features % 2:
            raise ConfigError(f"prefix {self.prefix!r} needs a last scale of even size, got {features}")
        levels = self.tokenizer.decoder_channels
        if self.tokenizer.decoder == "guided" and (len(levels) != 4 or min(levels) < 1):
            raise ConfigError(f"decoder 'guided' needs 4 decoder_channels above 0, got {list(levels)}")

    def to_json(self) -> str:
        """The configuration as one line of JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ModelConfig:
        """Read `to_json`'s output.

        Raises:
            ConfigError: Not JSON, an unknown or missing field, or a value that does not fit.
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise ConfigError(f"the model configuration is not JSON: {error}") from error
        return _build(cls, values, "config")


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ConfigError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")


def _positive(name: str, value: float) -> None:
    if not value > 0:
        raise ConfigError(f"{name} must be above 0, got {value}")


def _build(kind: type[T], values: Any, where: str) -> T:
    """Make a dataclass of nested JSON, strict about the names and types of its fields."""
    hints = get_type_hints(kind)
    needed = {item.name for item in fields(kind) if not item.metadata.get("optional")}  # type: ignore[arg-type]
    if not isinstance(values, dict) or not needed <= set(values) <= set(hints):
        got = sorted(values) if isinstance(values, dict) else values
        optional = sorted(set(hints) - needed)
        exactly, more = ("", f" and may have {optional}") if optional else ("exactly ", "")
        raise ConfigError(f"{where} must have {exactly}the fields {sorted(needed)}{more}, got {got}")
    return kind(**{name: _value(hints[name], value, f"{where}.{name}") for name, value in values.items()})


def _value(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint):
        return _build(hint, value, where)  # type: ignore[arg-type]
    if isinstance(hint, types.GenericAlias):
        if not isinstance(value, list) or not all(type(item) is int for item in value):
            raise ConfigError(f"{where} must be a list of whole numbers, got {value!r}")
        return tuple(value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint:
        raise ConfigError(f"{where} must be {hint.__name__}, got {value!r}")
    return value
