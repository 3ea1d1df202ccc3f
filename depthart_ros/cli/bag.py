"""`depthart bag`: a copy of a recording with the topics that the node would have published for it."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tqdm import tqdm

from depthart_core import BACKENDS, ConfigError, DepthEstimator
from depthart_ros.bags.answers import Answers, RememberingBackend
from depthart_ros.bags.frames import Tally, add_outputs
from depthart_ros.bags.job import Job
from depthart_ros.bags.opening import METADATA
from depthart_ros.bags.plan import TYPES, choose_outputs
from depthart_ros.bags.source import Source, choose_topics
from depthart_ros.bags.target import Target, put_in_place
from depthart_ros.errors import BagError
from depthart_ros.inputs.calibration_file import load_calibration
from depthart_ros.model_loading import identity, load_estimator
from depthart_ros.parameters.files import UNSET, add_options, cameras_in, read_given, settings_of
from depthart_ros.parameters.settings import OWN, SCALE_SOURCES, Settings
from depthart_ros.spin import INTERRUPTED

SUMMARY = "add depth, camera_info and cloud topics to a copy of a rosbag2 recording, without ROS"
FAILURES_SHOWN = 3


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("bag", type=Path, metavar="IN", help="rosbag2 folder, or its .mcap or .db3 file")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the new bag; an interrupted one goes on")
    parser.add_argument("--image", metavar="TOPIC", help="Image or CompressedImage (default: the only one)")
    parser.add_argument("--camera-info", metavar="TOPIC", help="CameraInfo (default: the one beside the images)")
    parser.add_argument(
        "--topics", nargs="+", choices=TYPES, metavar="NAME", help=f"of {', '.join(TYPES)} (default: what can be made)"
    )
    parser.add_argument("--namespace", default="", help="before the names of the added topics (default: none)")
    add_options(parser)
    parser.add_argument("--camera", metavar="NAME", help="of the parameter `cameras`: NAME.scale and so on count")
    parser.add_argument("--model", help="packaged name or model file: the parameter `model`")
    parser.add_argument("--backend", choices=BACKENDS, help="what runs the model: the parameter `backend`")
    metres = parser.add_mutually_exclusive_group()
    metres.add_argument(
        "--scale",
        type=float,
        help="metres per unit of relative depth: the parameter `scale`; 0: unknown, so neither metres nor a cloud",
    )
    metres.add_argument("--scale-source", choices=SCALE_SOURCES, help="`model`: its own guess for every frame")
    parser.add_argument("--storage", choices=("mcap", "sqlite3"), help="of OUT (default: that of IN)")
    parser.add_argument("--force", action="store_true", help="replace a finished OUT")


def run(args: argparse.Namespace) -> int:
    """Make the bag; returns 0, 1 where frames have no depth or what was asked for is empty, 130 where interrupted.

    Raises:
        ConfigError: an option or parameter that makes no sense.
        BagError: IN cannot be read or does not hold what is asked for, or OUT cannot be written.
        CheckpointError: the model is missing or damaged.
        BackendError: the backend or device is not there.
    """
    _check(args)
    settings = _settings(args)
    if settings.camera_info_url:
        load_calibration(settings.camera_info_url)  # so that a bad one is said now
    with Source(args.bag) as source:
        topics = choose_topics(source, image=args.image, info=args.camera_info)
        storage = args.storage or source.storage
        job = Job(source, topics, settings, args.out, storage, asked=args.topics or (), namespace=args.namespace)
        estimator = load_estimator(settings)
        notes: list[str] = []
        names = choose_outputs(job, heads=estimator.heads, say=notes.append)
        for note in notes:  # now, and at the end, where it is not out of sight
            print(note)
        with Answers(job.answers, identity(settings, estimator)) as answers:
            if len(answers):
                print(f"goes on: {len(answers)} answers of the model are there already")
            remembering = DepthEstimator(RememberingBackend(estimator.backend, answers), estimator.name)
            try:
                tally = _write(job, names, remembering)
            except KeyboardInterrupt:
                kept = f"{len(answers)} answers of the model are kept in {job.unfinished}"
                print(f"depthart bag: interrupted; {kept}: the same command goes on", file=sys.stderr)
                return INTERRUPTED
            shutil.rmtree(job.unfinished)
    return _report(args, tally, names, estimator.name, notes)


def _write(job: Job, names: Mapping[str, str], estimator: DepthEstimator) -> Tally:
    """Write the bag beside OUT and give it its name; nothing but the answers is left where that fails."""
    shutil.rmtree(job.made.parent, ignore_errors=True)
    added = {topic: TYPES[name] for name, topic in names.items()}
    try:
        with (
            tqdm(total=job.source.count(job.topics.image), unit="picture", file=sys.stderr) as bar,
            Target(job.made, storage=job.storage, source=job.source, added=added) as target,
        ):
            tally = add_outputs(job, names, target, estimator, warn=_warn, on_frame=bar.update)
            if tally.frames and not tally.done:
                raise BagError(f"none of the {tally.frames} images can be used: {next(iter(tally.failed))}")
    except BaseException:
        shutil.rmtree(job.made.parent, ignore_errors=True)
        raise
    put_in_place(job.made, job.out, aside=job.replaced)
    return tally


def _report(args: argparse.Namespace, tally: Tally, names: Mapping[str, str], model: str, notes: Sequence[str]) -> int:
    """Say what was made, by which model, and the notes on what was not; returns the exit status."""
    added = ", ".join(f"{tally.added[topic]} on {topic}" for topic in names.values() if tally.added[topic])
    print(f"{args.out}: {tally.kept} messages as they were, added {added} ({model})")
    for note in notes:
        print(note)
    empty = [topic for topic in names.values() if not tally.added[topic]]
    if empty:
        _warn(f"nothing on {', '.join(empty)}{tally.unfit and f': {tally.unfit}'}")
    failed = tally.failed.total()
    if failed:
        _warn(f"{failed} of {tally.frames} images have no depth:")
    for reason, count in tally.failed.most_common(FAILURES_SHOWN):
        print(f"  {count} x {reason}", file=sys.stderr)
    return int(bool(failed or (empty and args.topics)))


def _check(args: argparse.Namespace) -> None:
    """Refuse paths that would lose something.

    Raises:
        BagError: says which.
    """
    if not (args.bag.is_dir() or args.bag.is_file()):  # a pipe would keep us waiting
        wrong = "is no regular file" if args.bag.exists() else "does not exist"
        raise BagError(f"{args.bag} {wrong}; expected a rosbag2 folder, or its .mcap or .db3 file")
    if args.out.suffix in (".mcap", ".db3"):
        raise BagError(f"OUT is {args.out}, a file; expected the folder of a bag, such as {args.out.with_suffix('')}")
    bag, out = args.bag.resolve(), args.out.resolve()
    if out == bag or out in bag.parents or bag in out.parents:
        raise BagError(f"OUT {args.out} and IN {args.bag} lie within each other; expected two places")
    if not args.out.exists():
        return
    if not (args.out / METADATA).is_file():
        raise BagError(f"{args.out} is there and is no bag; expected a bag to replace or nothing")
    if not args.force:
        raise BagError(f"{args.out} is there and finished; choose another OUT, or replace it with --force")


def _settings(args: argparse.Namespace) -> Settings:
    """Return the parameters: the options win over --param, and that wins over the file.

    Raises:
        ConfigError: names the one that is wrong.
    """
    values = read_given(args.params_file, args.param, _warn)
    cameras = cameras_in(values)
    if args.camera is not None and args.camera not in cameras:
        expected = f"one of {', '.join(cameras)}" if cameras else "none, as the parameter `cameras` names none"
        raise ConfigError(f"--camera is {args.camera!r}; expected {expected}")
    own = [name for name, value in values.items() if name.partition(".")[0] in cameras and value not in UNSET]
    if own and args.camera is None:
        _warn(f"{', '.join(own)}: ignored; choose a camera with --camera")
    options = {"model": args.model, "backend": args.backend, "scale": args.scale, "scale_source": args.scale_source}
    if args.scale is not None:
        options["scale_source"] = "given"
    for name, value in options.items():
        if value is not None:
            values[f"{args.camera}.{name}" if args.camera and name in OWN else name] = value
    return settings_of(values, args.camera or "")


def _warn(sentence: str) -> None:
    tqdm.write(f"depthart bag: {sentence}", file=sys.stderr)
