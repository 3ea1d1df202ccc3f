"""What the node says of itself in messages: /diagnostics with verdicts, ~/statistics with the numbers alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from depthart_ros.diagnostics.statistics import StatisticsSnapshot
from depthart_ros.diagnostics.verdicts import OK, Verdict

if TYPE_CHECKING:
    from builtin_interfaces.msg import Time
    from diagnostic_msgs.msg import DiagnosticArray


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


def fill_diagnostics(target: DiagnosticArray, reports: Sequence[Report], *, stamp: Time, node: str) -> DiagnosticArray:
    """Fill an empty DiagnosticArray with a status for each report, and return it."""
    target.header.stamp = stamp
    target.status = [
        _status(report.name, report.verdict, {**_words(report.verdict), **report.details, **report.numbers}, node)
        for report in reports
    ]
    return target


def fill_statistics(target: DiagnosticArray, reports: Sequence[Report], *, stamp: Time, node: str) -> DiagnosticArray:
    """Fill an empty DiagnosticArray with the numbers of each report, and return it."""
    target.header.stamp = stamp
    target.status = [_status(report.name, Verdict(OK, "statistics"), report.numbers, node) for report in reports]
    return target


def _words(verdict: Verdict) -> dict[str, str]:
    return {"state": verdict.state, "cause": verdict.cause, "cure": verdict.cure}


def _status(name: str, verdict: Verdict, values: Mapping[str, str], node: str) -> object:
    from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

    return DiagnosticStatus(
        level=bytes([verdict.level]),
        name=f"{node}: {name}",
        message=verdict.sentence,
        hardware_id=node,
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )


def values_of(snapshot: StatisticsSnapshot) -> dict[str, str]:
    """Return counters, rates [1/s], latencies and numbers of scales as key-value pairs, for example `infer_p95_ms`."""
    values = {name: str(count) for name, count in snapshot.counters.items()}
    values |= {f"{name}_rate": f"{rate:.2f}" for name, rate in snapshot.rates.items()}
    for stage, latencies in snapshot.latencies_ms.items():
        values |= {f"{stage}_p{percentile}_ms": f"{latency:.3f}" for percentile, latency in latencies.items()}
    if snapshot.scales:
        counts = sorted(Counter(snapshot.scales).items())
        values["scales_last"] = str(snapshot.scales[-1])
        values["scales_mean"] = f"{sum(snapshot.scales) / len(snapshot.scales):.2f}"
        values |= {f"scales_{scales}_frames": str(count) for scales, count in counts}
    return values


def resident_mib(pid: int | str = "self") -> float | None:
    """Memory of a process, by default this one, that is not swapped out [MiB]; None where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    if not status.is_file():
        return None
    lines = status.read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), None)
