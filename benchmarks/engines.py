"""Forms and backends of one model on a CPU: ``python -m benchmarks.engines``.

A graph in parts, run scale by scale, against one graph with every scale unrolled, both in ONNX Runtime; with --int8
what benchmarks.int8 makes of the parts; all backends side by side; and with --data the accuracy of each. The one
graph, and parts that the cache lacks, are exported first, which takes a minute or two.

What reads data sets is imported where it is used: it loads PyTorch, and memory is measured of processes without it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.deliver import deliver
from depthart_core.backends.measuring import measure, peak_memory, subjects
from depthart_core.backends.onnx import WholeBackend, open_parts, open_session, session_options
from depthart_core.errors import BackendError, DepthartError
from depthart_core.estimator import DepthEstimator
from depthart_core.inference import Backend, BackendOptions
from depthart_core.markdown import table
from depthart_core.preprocess import to_input
from depthart_core.store import exports
from depthart_ros.cli.benchmark import PICTURE_SIZE, stages, summary
from depthart_ros.driver.sources import sample_pictures

CALIBRATION = 10  # pictures


def open_form(folder: Path, form: str, threads: int) -> Backend:
    """Open the graphs of a folder."""
    record = exports.read_record(folder)
    if form == "whole":
        return WholeBackend(open_session(folder / exports.WHOLE, session_options(threads)), record)
    return open_parts(folder, record, record.scales, threads=threads)


def export(model: str, form: str, out: Path | None) -> Path:
    """Return the folder of a new export in a form; into the cache where none is given."""
    from depthart_core.export.onnx import ExportOptions, export_model

    return export_model(model, out, ExportOptions(form=form), report=lambda text: print(text, file=sys.stderr)).path


def find_or_export(model: str) -> Path:
    """Return the folder of the cached export that backends run, made where there is none."""
    try:
        return exports.find_exports(model, BackendOptions(precision="fp32"), backend="onnx")[0]
    except BackendError:
        return export(model, "stepped", None)


def time_form(folder: Path, form: str, threads: int, repeats: int) -> tuple[float, list[float], int]:
    """Return seconds of loading, seconds a picture, and the largest resident bytes; in a process of its own."""
    rgb = to_input(sample_pictures(PICTURE_SIZE)[0], exports.read_record(folder).input_size)
    start = time.perf_counter()
    backend = open_form(folder, form, threads)
    loaded = time.perf_counter() - start
    seconds = []
    for _ in range(repeats + 3):
        start = time.perf_counter()
        backend.infer(rgb)
        seconds.append(time.perf_counter() - start)
    return loaded, seconds[3:], peak_memory()


def forms(folders: dict[str, tuple[Path, str]], threads: int, rounds: int) -> str:
    """Return a line for each form, measured in turns."""
    found: dict[str, list[tuple[float, list[float], int]]] = {name: [] for name in folders}
    context = multiprocessing.get_context("spawn")
    for _ in range(rounds):
        for name, (folder, form) in folders.items():
            with context.Pool(1) as pool:
                found[name].append(pool.apply(time_form, (folder, form, threads, 20)))
    rows = []
    for name, runs in found.items():
        seconds = [one for _, many, _ in runs for one in many]
        size = sum(file.stat().st_size for file in folders[name][0].iterdir())
        numbers = [statistics.median(seconds) * 1e3, min(seconds) * 1e3, size / 1e6]
        loaded, memory = statistics.median(run[0] for run in runs), max(run[2] for run in runs)
        rows.append([name, *(f"{number:.1f}" for number in numbers), f"{loaded:.2f}", f"{memory / 2**20:.0f}"])
    return table(["ONNX Runtime", "p50 ms", "least ms", "MB on disk", "load s", "peak MiB"], rows)


def accuracy(estimators: dict[str, Callable[[np.ndarray], object]], data: Path, limit: int | None) -> str:
    """Return a line for each estimator: AbsRel by the protocol of `training.evaluate`."""
    from training.data.rooms import open_rooms
    from training.evaluate import evaluate

    samples = open_rooms(data)[:limit]
    scores = {
        name: statistics.mean(one.scores.abs_rel for one in evaluate(estimator, samples))
        for name, estimator in estimators.items()
    }
    first = next(iter(scores.values()))
    rows = [[name, f"{score:.4f}", f"{score / first - 1.0:+.2%}"] for name, score in scores.items()]
    return table([f"{len(samples)} pictures of {data.name}", "AbsRel", "against the first"], rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print, and write where asked."""
    from training.scoring.arguments import check_limit

    parser = argparse.ArgumentParser(description="Forms and backends of one model on a CPU.")
    parser.add_argument("--model", default="nano")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--backends", nargs="+", action="extend")
    parser.add_argument("--int8", action="store_true", help="measure int8, too")
    parser.add_argument("--data", type=Path, help="shard of rooms to measure the accuracy on")
    parser.add_argument("--limit", type=int, help="only so many pictures of it")
    parser.add_argument("--out", type=Path, help="Markdown file to write as well")
    args = parser.parse_args(argv)
    args.backends = args.backends or ["torch", "onnx", "openvino"]
    try:
        check_limit(args.limit)
        lines = measured(args)
    except DepthartError as error:
        print(f"benchmarks.engines: {error}", file=sys.stderr)
        return 1
    deliver("Engines on a CPU", lines, program="benchmarks.engines", argv=argv, out=args.out)
    return 0


def measured(args: argparse.Namespace) -> list[str]:
    """Return the tables."""
    with tempfile.TemporaryDirectory(prefix="depthart-") as temporary:
        made = {"stepped": find_or_export(args.model), "whole": export(args.model, "whole", Path(temporary))}
        folders = {form: (folder, form) for form, folder in made.items()}
        integers = {}
        if args.int8:
            from benchmarks.int8 import quantized

            integers = quantized(folders["stepped"][0], Path(temporary), sample_pictures(PICTURE_SIZE)[:CALIBRATION])
            folders |= {f"stepped, {name}": (folder, "stepped") for name, folder in integers.items()}
        lines = [forms(folders, args.threads, args.rounds)]
        chosen = {
            name: {**one, "precision": "fp32"} for name, one in subjects(args.backends, threads=args.threads).items()
        }
        found, refused = measure(args.model, chosen, sample_pictures(PICTURE_SIZE), rounds=args.rounds)
        lines += [summary(found), stages(found), *(f"{name}: {reason}" for name, reason in refused.items())]
        if args.data is not None:
            estimators = {name: DepthEstimator.load(args.model, **chosen[name]) for name in found}
            for name, folder in integers.items():
                estimators[f"onnx, {name}"] = DepthEstimator(open_form(folder, "stepped", args.threads), name)
            lines.append(accuracy(estimators, args.data, args.limit))
    return lines


if __name__ == "__main__":
    sys.exit(main())
