"""An engine of a Jetson Orin as it lies on the disk; its bytes are no engine."""

import hashlib
from dataclasses import asdict, replace

from depthart_core.model_files import fingerprint
from depthart_core.store import engines
from depthart_core.store.cache import weights_folder
from depthart_core.store.machine import Machine
from depthart_core.store.writing import write_engine

ORIN = Machine("tensorrt", "10.16.1", "Orin (nvgpu)", "8.7", "Linux-aarch64")
DATA = bytes(range(256)) * 8
RECORD = engines.EngineRecord(
    model="toy",
    weights_sha256="0" * 64,
    engine_sha256=hashlib.sha256(DATA).hexdigest(),
    engine_bytes=len(DATA),
    precision="fp16",
    float32=["norm", "softmax"],
    decode="expected",
    scales=3,
    of_scales=3,
    input_size=64,
    heads=False,
    machine=asdict(ORIN),
    workspace_mib=512,
    built="2026-11-25T12:00:00+00:00",
    versions={"torch": "2"},
    pictures=10,
    deviation={"depth": {"mean": 1e-3, "p99": 1e-2, "max": 0.1, "not_finite": 0.0}},
    limits={"mean": 5e-3, "p99": 5e-2, "stage": 3e-2},
)


def in_cache(model, machine=ORIN, **changes):
    """An engine where the one of a model belongs."""
    weights = fingerprint(model).sha256
    record = replace(RECORD, weights_sha256=weights, machine=asdict(machine), **changes)
    name = engines.engine_name("toy", record.precision, record.decode, record.scales, machine)
    path = weights_folder(weights) / name
    write_engine(path, DATA, record)
    return path
