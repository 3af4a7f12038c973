"""A measured figure beside the one that is wanted, and the table they are printed in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row. ``is_met`` None: nothing is wanted of it, it explains the others."""

    what: str
    measured: str
    wanted: str = ""
    is_met: bool | None = None


def at_least(what: str, value: float, wanted: float, unit: str = "") -> Figure:
    """Return a figure that is good when it is large."""
    return Figure(
        what=what,
        measured=f"{value:,.0f}{unit}",
        wanted=f"≥ {wanted:,.0f}{unit}",
        is_met=value >= wanted,
    )


def at_most(what: str, value: float, wanted: float, unit: str) -> Figure:
    """Return a figure that is good when it is small."""
    return Figure(
        what=what,
        measured=f"{value:,.2f} {unit}",
        wanted=f"≤ {wanted:g} {unit}",
        is_met=value <= wanted,
    )


def latency(what: str, times_s: Sequence[float], *, p50_ms: float, p99_ms: float) -> Figure:
    """Return median and 99th percentile of ``times_s``."""
    half, most = percentile(times_s, 50) * 1_000, percentile(times_s, 99) * 1_000
    return Figure(
        what=what,
        measured=f"p50 {half:.2f} ms, p99 {most:.2f} ms",
        wanted=f"p50 ≤ {p50_ms:g} ms, p99 ≤ {p99_ms:g} ms",
        is_met=half <= p50_ms and most <= p99_ms,
    )


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that ``percent`` of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as a Markdown table."""
    rows = [("What", "Measured", "Wanted", "")]
    rows += [
        (figure.what, figure.measured, figure.wanted, _mark(figure.is_met)) for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _mark(is_met: bool | None) -> str:
    return {None: "", True: "met", False: "MISSED"}[is_met]
