"""The one table of the node's parameters: defaults, descriptions, ranges; and how values are checked by it."""

from __future__ import annotations

import dataclasses
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from depthart_core import BACKENDS, DECODES, LARGEST_SEED, MOST_THREADS, PRECISIONS, ConfigError
from depthart_ros.inputs.encodings import DEPTH_ENCODINGS
from depthart_ros.outputs.colors import COLOR_MAPS
from depthart_ros.parameters.specs import Spec, dynamic, fixed

Value = bool | int | float | str | list[str]

RELIABILITIES = ("auto", "reliable", "best_effort")
SCALE_SOURCES = ("given", "model")
TRANSPORTS = ("raw", "compressed")
GROUPS = ("points", "color", "depth")
"""Groups of parameters, whose names stand before a dot."""
CAMERA_NAME = re.compile("[A-Za-z](_?[A-Za-z0-9])*")
PAIRS = (
    ("min_range", "max_range"),
    ("points_min_range", "points_max_range"),
    ("color_min", "color_max"),
    ("color_relative_min", "color_relative_max"),
)
"""Fields of Settings of which the first has to be below the second."""


@dataclass(frozen=True)
class Settings:
    """Every parameter of depth_node; the field `points_stride` is the parameter `points.stride`."""

    model: str = fixed(
        "nano", "Model: a packaged name, a .safetensors file, a folder of `depthart export`, or an .engine"
    )
    backend: str = fixed("auto", "What runs the model", choices=BACKENDS)
    device: str = fixed("auto", "cpu, cuda or cuda:N; auto: the first GPU if an engine was built for it, else the CPU")
    precision: str = fixed(
        "auto", "What most of the model is computed in; auto leaves the choice to the backend", choices=PRECISIONS
    )
    decode: str = fixed("expected", "How code vectors are chosen; sample is random", choices=DECODES)
    seed: int = fixed(0, "Seed of decode: sample", limits=(0, LARGEST_SEED))
    threads: int = fixed(0, "CPU threads of the backend; 0 leaves the choice to it", limits=(0, MOST_THREADS))
    build_engine: bool = fixed(
        False, "With backend tensorrt: build the engine at start where none fits, which takes minutes"
    )
    max_scales: int = fixed(
        0, "Decode at most so many of the model's scales, coarser and faster; 0: all of them", limits=(0, 64)
    )
    cameras: tuple[str, ...] = fixed(
        (),
        "Names of several cameras, with topics NAME/image, NAME/points and so on, and with dynamic parameters of their "
        "own where they differ, NAME.scale and so on; empty: one camera without a name",
    )
    process_all: bool = fixed(
        False, "Process every image in order, however late (for bags), instead of the newest; max_age is ignored then"
    )
    autostart: bool = fixed(True, "Configure and activate at start, without a lifecycle manager")
    image_transport: str = fixed(
        "raw", "Images come as Image on `image`, or as JPEG or PNG on `image/compressed`", choices=TRANSPORTS
    )
    image_reliability: str = fixed(
        "auto", "Reliability of the image subscription; auto follows the publishers", choices=RELIABILITIES
    )
    rectified: bool = dynamic(
        True, "Whether `image` is rectified: intrinsics come from P if it is, from K if it is raw"
    )
    rectify: bool = dynamic(
        False, "Undistort `image`, which is raw then whatever `rectified` says, and give depth of the rectified picture"
    )
    fov_deg: float = dynamic(
        0.0,
        "Horizontal field of view of a camera without calibrated camera_info and camera_info_url [deg]; 0: unknown",
        limits=(0.0, 179.0),
    )
    camera_info_url: str = dynamic(
        "",
        "Calibration of a camera without calibrated camera_info: path, file:// or package:// of the YAML of "
        "camera_calibration",
    )
    scale: float = dynamic(
        0.0, "Metres per unit of relative depth; 0 means unknown: no metres, no cloud", limits=(0.0, 10000.0)
    )
    scale_source: str = dynamic(
        "given",
        "Where metres come from: scale, or for every frame the model's own first guess (needs camera_info)",
        choices=SCALE_SOURCES,
    )
    scale_smoothing: float = dynamic(
        0.0,
        "Time constant that smooths the model's guess against flicker [s]; 0: every frame alone",
        limits=(0.0, 60.0),
    )
    min_range: float = dynamic(0.1, "Nearest depth reported [m]; nearer becomes -Inf", limits=(0.0, 10000.0))
    max_range: float = dynamic(100.0, "Farthest depth reported [m]; beyond becomes +Inf", limits=(0.0, 10000.0))
    edge_filter: float = dynamic(
        0.0,
        "Depth and cloud have NaN where 3x3 neighbours differ by more than this share of depth, against flying pixels, "
        "for example 0.1; 0: off",
        limits=(0.0, 10.0),
    )
    min_confidence: float = dynamic(
        0.0, "Depth and cloud have NaN where the model's confidence is less; 0: off", limits=(0.0, 1.0)
    )
    max_age: float = dynamic(1.0, "Frames with an older stamp are dropped [s]; 0 keeps all", limits=(0.0, 3600.0))
    deadline_ms: float = dynamic(
        0.0,
        "From the arrival of an image to its published depth [ms]: as many scales are decoded as fit, at least one; "
        "0: all of them (needs a backend that can stop early)",
        limits=(0.0, 60000.0),
    )
    max_pixels: int = dynamic(4096 * 4096, "Largest image accepted, width x height [px]", limits=(1, 2**28))
    points_stride: int = dynamic(1, "Every how many columns and rows become a point of the cloud", limits=(1, 64))
    points_min_range: float = dynamic(
        0.0, "Nearest depth that becomes a point [m]; within min_range to max_range", limits=(0.0, 10000.0)
    )
    points_max_range: float = dynamic(
        10000.0, "Farthest depth that becomes a point [m]; within min_range to max_range", limits=(0.0, 10000.0)
    )
    points_color: bool = dynamic(True, "Whether points have a colour besides x, y and z")
    points_max_rate: float = dynamic(
        0.0, "Clouds a second at most, by the stamps of the images [Hz]; 0: one for every frame", limits=(0.0, 1000.0)
    )
    points_voxel_size: float = dynamic(
        0.0,
        "Side of the cubes whose points become one, their mean, in a cloud without order [m]; 0: an organised cloud",
        limits=(0.0, 10.0),
    )
    depth_encoding: str = dynamic(
        "32FC1",
        "Of depth/image_rect: metres as float, or whole millimetres with 0 for what is no measurement (REP-118)",
        choices=DEPTH_ENCODINGS,
    )
    color_map: str = dynamic("turbo", "Colours of depth/image_color", choices=tuple(COLOR_MAPS))
    color_min: float = dynamic(0.3, "Depth at the near end of the colours [m]", limits=(0.0, 10000.0))
    color_max: float = dynamic(10.0, "Depth at the far end of the colours [m]", limits=(0.0, 10000.0))
    color_relative_min: float = dynamic(
        0.25, "Relative depth at the near end while the scale is unknown", limits=(0.0, 10000.0)
    )
    color_relative_max: float = dynamic(
        2.5, "Relative depth at the far end while the scale is unknown", limits=(0.0, 10000.0)
    )
    color_legend: bool = dynamic(
        True, "Whether a bar at the right edge of depth/image_color says which colour is which depth"
    )
    snapshot_dir: str = dynamic(
        "", "Folder of ~/save_snapshot; empty: depthart in $ROS_HOME, which is ~/.ros where it is not set"
    )

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Settings:
        """Return the settings of parameter values by parameter name.

        Raises:
            ConfigError: an unknown name, a value of a wrong type or out of range, or two that contradict each other.
        """
        unknown = values.keys() - SPECS.keys()
        if unknown:
            raise ConfigError(f"{', '.join(sorted(unknown))}: unknown parameter; expected one of {', '.join(SPECS)}")
        fields: dict[str, Any] = {_field_name(name): checked(name, value) for name, value in values.items()}
        if "model" in fields:
            fields["model"] = os.path.expanduser(fields["model"])  # noqa: PTH111 - a name has to stay one
        if "cameras" in fields:
            fields["cameras"] = tuple(fields["cameras"])
        return cls(**fields)

    def __post_init__(self) -> None:
        """Refuse pairs that contradict each other.

        Raises:
            ConfigError: a near end is not below its far end.
        """
        for near, far in PAIRS:
            low, high = getattr(self, near), getattr(self, far)
            if not low < high:
                raise ConfigError(
                    f"{parameter_name(near)} is {low:g} and {parameter_name(far)} is {high:g}; "
                    "expected the first below the second"
                )


def parameter_name(field_name: str) -> str:
    """Return the ROS name of a field of Settings: the GROUPS stand before a dot."""
    group, _, rest = field_name.partition("_")
    return f"{group}.{rest}" if group in GROUPS else field_name


def _field_name(name: str) -> str:
    return name.replace(".", "_")


SPECS: dict[str, Spec] = {parameter_name(item.name): item.metadata["spec"] for item in dataclasses.fields(Settings)}
DEFAULTS: dict[str, Value] = {
    parameter_name(name): list(value) if isinstance(value, tuple) else value
    for name, value in dataclasses.asdict(Settings()).items()
}


OWN: tuple[str, ...] = tuple(name for name, spec in SPECS.items() if spec.dynamic)
"""The parameters that a camera may have of its own."""


def checked(name: str, value: Any, *, known_as: str = "") -> Value:
    """Return a value for a parameter in its own type (a whole number does for a floating-point one).

    Args:
        name: of the parameter.
        value: to check.
        known_as: its name in SPECS where that is another one.

    Raises:
        ConfigError: the value has another type, is out of range or not among the choices.
    """
    spec, kind = SPECS[known_as or name], type(DEFAULTS[known_as or name])
    number_for_float = kind is float and type(value) is int
    if kind is list:
        return camera_names(name, value)
    if type(value) is not kind and not number_for_float:
        raise ConfigError(f"{name} is {value!r}; expected a value of type {TYPE_WORDS[kind]}")
    if spec.choices and value not in spec.choices:
        raise ConfigError(f"{name} is {value!r}; expected {spec.allowed}")
    if spec.limits and not (math.isfinite(value) and spec.limits[0] <= value <= spec.limits[1]):
        raise ConfigError(f"{name} is {value}; expected {spec.allowed}")
    return kind(value)


def camera_names(name: str, value: Any) -> list[str]:
    """Return the names of cameras, of which ROS gives no empty list; raise ConfigError where they cannot be such."""
    alone = isinstance(value, str | bool | int | float | Mapping)
    names = [] if alone else list(value or ())
    if alone or not all(isinstance(entry, str) for entry in names):
        raise ConfigError(f"{name} is {value!r}; expected a value of type {TYPE_WORDS[list]}")
    for entry in names:
        if not CAMERA_NAME.fullmatch(entry) or entry in GROUPS or names.count(entry) > 1:
            raise ConfigError(
                f"{name} is {names}; expected different names of letters, digits and single underscores, none of them "
                f"{' or '.join(GROUPS)}; got {entry!r}"
            )
    return names


TYPE_WORDS = {bool: "bool", int: "int", float: "double", str: "string", list: "string array"}
