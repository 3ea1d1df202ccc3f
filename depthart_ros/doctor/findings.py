"""What was found: lines for a person, and what is wrong with its cure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

WIDTH = 12


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        about: its section, such as "model".
        text: what was found.
        cure: the command or step that helps; not empty where something is wrong.
    """

    about: str
    text: str
    cure: str = ""


def report(findings: Sequence[Finding]) -> str:
    """Return all findings by section, and at the end what is wrong and the cures."""
    lines = []
    for about, group in groupby(findings, key=lambda finding: finding.about):
        for place, finding in enumerate(group):
            mark = "WRONG: " if finding.cure else ""
            lines.append(f"{about if place == 0 else '':<{WIDTH}}{mark}{finding.text}")
    return "\n".join([*lines, "", *_conclusion([finding for finding in findings if finding.cure])])


def is_wrong(findings: Iterable[Finding]) -> bool:
    """Whether one of the findings is that something is wrong."""
    return any(finding.cure for finding in findings)


def _conclusion(wrong: Sequence[Finding]) -> list[str]:
    if not wrong:
        return ["nothing is wrong"]
    lines = [f"{len(wrong)} thing{'s are' if len(wrong) > 1 else ' is'} wrong:"]
    for number, finding in enumerate(wrong, 1):
        lines += [f"{number}. {finding.about}: {finding.text}", f"   cure: {finding.cure}"]
    return lines
