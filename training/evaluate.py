"""Score a model on data sets: ``python -m training.evaluate MODEL --data NAME=PATH ...``.

The default is the paper's protocol: image and depth at 256x256 (the aspect is not kept, depth takes the nearest pixel),
iBims-1 at full size; one scale for each image, median(truth / prediction) over the valid pixels; errors of each image,
then their average. Size, cap and crop are those of the data set (training.data.source).

With --out DIR: table.md; NAME.csv with a line for every frame and alignment; NAME.sheet.jpg with the best, the median
and the worst frame; cumulative.png and error_by_depth.png; evaluate.txt with the command, which alone may replace them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from training.command import run_command
from training.data.sample import Sample
from training.data.source import DataSet
from training.scoring.arguments import (
    add_data_arguments,
    add_model_arguments,
    load_predictor,
    make_output,
    open_sets,
    settings_of,
)
from training.scoring.frames import ALIGNMENTS, Frame, Predictor, ScoringSettings, for_each_frame, judge, prepare
from training.scoring.metrics import ScoreError
from training.scoring.record import check_own, command_of, write_record
from training.scoring.report import (
    FrameScores,
    frame_scores,
    markdown_head,
    markdown_row,
    of_alignment,
    write_csv,
    write_curves,
)
from training.scoring.sheets import SheetRow, write_sheet


def evaluate(
    predict: Predictor,
    samples: Sequence[Sample],
    settings: ScoringSettings | None = None,
    *,
    name: str = "data",
    progress: bool = False,
) -> list[FrameScores]:
    """Score every frame that can be read and has a valid pixel, in every alignment.

    Args:
        predict: the model.
        samples: images with true depth.
        settings: by default the paper's.
        name: of the data set, in messages.
        progress: whether to show a progress bar.

    Raises:
        ScoreError: no frame can be scored, or a prediction cannot be aligned.
    """
    chosen = settings or ScoringSettings()

    def scores_of(frame: Frame) -> list[FrameScores]:
        return [frame_scores(judged) for judged in judge(predict(frame.sample.rgb), frame, chosen)]

    rows = for_each_frame(scores_of, samples, chosen, title=name, progress=progress)
    return [one for row in rows for one in row]


def sheet_rows(
    predict: Predictor, samples: Sequence[Sample], frames: Sequence[FrameScores], settings: ScoringSettings
) -> list[SheetRow]:
    """Rows of the best, the median and the worst frame by AbsRel, predicted once more; frames are of one alignment."""
    ranked = sorted(frames, key=lambda frame: frame.scores.abs_rel)
    chosen = {"best": ranked[0], "median": ranked[len(ranked) // 2], "worst": ranked[-1]}
    rows = []
    for title, one in chosen.items():
        frame = prepare(one.index, samples[one.index], settings)
        assert frame is not None, one.name
        [judged] = judge(predict(frame.sample.rgb), frame, replace(settings, alignments=(one.how,)))
        caption = f"{title}: {one.name}  {one.how}  AbsRel {judged.scores.abs_rel:.3f}   image | truth | depth"
        rows.append(SheetRow(caption, frame.sample.rgb, frame.sample.depth, judged.depth))
    return rows


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_model_arguments(parser)
    add_data_arguments(parser)
    add = parser.add_argument
    add("--align", nargs="+", action="extend", metavar="HOW", help=f"{', '.join(ALIGNMENTS)} (default: scale)")
    add("--scale", type=float, metavar="S", help="metres per unit of prediction, for --align none")
    add("--out", type=Path, metavar="DIR", help="write table, scores of each frame, pictures, curves and the command")
    return parser.parse_args(arguments)


def run(args: argparse.Namespace) -> None:
    """Score, print the model and every row when it is there, and write what was asked for.

    Raises:
        TrainingError: --out holds the results of another command.
    """
    jobs = [(data, settings_for(args, data)) for data in open_sets(args.data, args.limit)]
    parts = [f"{data.name}.{ending}" for data, _ in jobs for ending in ("csv", "sheet.jpg")]
    command = command_of(args)
    check_own(args.out, command, ["table.md", *parts, "cumulative.png", "error_by_depth.png"])
    make_output(args.out)
    model, predict = load_predictor(args)
    lines = [f"{model}\n", markdown_head()]
    curves: dict[str, list[FrameScores]] = {}
    print("\n".join(lines), flush=True)
    try:
        for data, settings in jobs:
            frames = evaluate(predict, data.samples, settings, name=data.name, progress=True)
            by_alignment = {how: of_alignment(frames, how) for how in settings.alignments}
            rows = [markdown_row(data.name, some, settings) for some in by_alignment.values()]
            print("\n".join(rows), flush=True)
            lines += rows
            curves |= {f"{data.name}, {how}": some for how, some in by_alignment.items()}
            if args.out:
                write_record(args.out, command)
                first = by_alignment[settings.alignments[0]]
                write_sheet(sheet_rows(predict, data.samples, first, settings), args.out / f"{data.name}.sheet.jpg")
                write_csv(frames, args.out / f"{data.name}.csv")
    finally:  # where a set fails those before it are not lost
        if args.out and curves:
            write_curves(curves, args.out)
            (args.out / "table.md").write_text("\n".join([*lines, ""]), encoding="utf-8")


def settings_for(args: argparse.Namespace, data: DataSet) -> ScoringSettings:
    """How the command line wants a data set scored.

    Raises:
        ScoreError: a scale is given that no alignment uses, or see ``ScoringSettings``.
        DataError: see ``settings_of``.
    """
    alignments = tuple(dict.fromkeys(args.align or ["scale"]))
    if args.scale is not None and "none" not in alignments:
        raise ScoreError(f"--scale {args.scale:g} is for --align none, got --align {' '.join(alignments)}")
    return replace(settings_of(args, data), alignments=alignments, metres_per_unit=args.scale)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; errors of the project are one sentence and status 1."""
    args = parse_arguments(arguments)
    return run_command("training.evaluate", lambda: run(args))


if __name__ == "__main__":
    sys.exit(main())
