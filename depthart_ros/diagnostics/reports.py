"""What the node says of itself in messages: /diagnostics with verdicts, ~/statistics with the numbers alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue

from depthart_ros.diagnostics.verdicts import OK, Verdict


@dataclass(frozen=True)
class Report:
    """One status of a DiagnosticArray.

    Attributes:
        name: what is reported on, "depth" or a camera.
        verdict: on it.
        details: text by key.
        numbers: likewise; these alone go into the statistics.
    """

    name: str
    verdict: Verdict
    details: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)


def diagnostics_message(reports: Sequence[Report], *, stamp: Time, node: str) -> DiagnosticArray:
    """Return a status for each report, with its verdict, details and numbers.

    Args:
        reports: on the node and its cameras.
        stamp: of the message.
        node: its fully qualified name.
    """
    return _message(
        [_status(report, report.verdict, _texts(report) | report.numbers, node) for report in reports], stamp
    )


def statistics_message(reports: Sequence[Report], *, stamp: Time, node: str) -> DiagnosticArray:
    """Return a status for each report, with its numbers alone; the arguments are those of `diagnostics_message`."""
    verdict = Verdict(OK, "statistics")
    return _message([_status(report, verdict, report.numbers, node) for report in reports], stamp)


def _message(statuses: list[DiagnosticStatus], stamp: Time) -> DiagnosticArray:
    message = DiagnosticArray(status=statuses)
    message.header.stamp = stamp
    return message


def _texts(report: Report) -> dict[str, str]:
    verdict = report.verdict
    return {"state": verdict.state, "cause": verdict.cause, "cure": verdict.cure, **report.details}


def _status(report: Report, verdict: Verdict, values: Mapping[str, str], node: str) -> DiagnosticStatus:
    return DiagnosticStatus(
        level=bytes([verdict.level]),
        name=f"{node}: {report.name}",
        message=verdict.sentence,
        hardware_id=node,
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )
