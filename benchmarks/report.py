"""Format the table, and describe the machine."""

import os
import platform
import shutil
import subprocess
import sys
from datetime import date
from importlib import metadata
from pathlib import Path
from statistics import fmean, median, quantiles

import psutil
from rounds import Figures, Rounds, Skipped
from scenarios import Scenario, Target

_NAMES = (
    "httpx",
    "httpx2",
    "aiohttp",
    "httpx-aiohttp",
    "requests",
    "urllib3",
    "openapi-generator-cli",
    "pydantic",
    "attrs",
)


def ratios(rounds: Rounds, who: str, base: str, figure: str = "seconds") -> list[float]:
    """The ratio to the base in each round."""
    return [a[figure] / b[figure] for a, b in zip(rounds[who], rounds[base], strict=True)]


def middle(figures: list[Figures], figure: str = "seconds") -> float:
    """The median."""
    return median(each[figure] for each in figures)


def reached(target: Target, rounds: Rounds) -> float | None:
    """The value to compare with a target: a ratio of medians, or a median; None if not measured."""
    if not rounds.get(target.who) or (target.base and not rounds.get(target.base)):
        return None
    value = middle(rounds[target.who], target.figure)
    return value / middle(rounds[target.base], target.figure) if target.base else value


def table(scenario: Scenario, rounds: Rounds, skipped: Skipped) -> str:
    """A block of the table, in Markdown."""
    lines = []
    for who in dict.fromkeys([*scenario.who, *rounds, *skipped]):
        if who in skipped:
            lines.append(f"| {who} | | | | | | left out: {skipped[who]} |")
        elif who in rounds:
            lines.append(_row(scenario, rounds, who))
    return "\n".join([f"| **{scenario.name}**: {scenario.title} | | | | | | |", *lines])


def _row(scenario: Scenario, rounds: Rounds, who: str) -> str:
    figures = rounds[who]
    ratio = spread = memory = ""
    if scenario.base in rounds:
        each = ratios(rounds, who, scenario.base)
        low, _, high = quantiles(each, n=4, method="inclusive") if len(each) > 1 else (each[0],) * 3
        ratio = f"{middle(figures) / middle(rounds[scenario.base]):.2f}"
        spread = f"{low:.2f}-{high:.2f}"
    if "memory" in figures[0]:
        amount = middle(figures, "memory")
        memory = f"{amount / 1000:.0f} KB" if amount > 1000 else f"{amount:.2f}"
    # A mean, since the system's CPU clock is coarse compared with a round.
    busy = f"{fmean(each['relay'] for each in figures):.0%}" if "relay" in figures[0] else ""
    targets = "; ".join(_said(target, rounds) for target in scenario.targets if target.who == who)
    return f"| {who} | {ratio} | {spread} | {_seconds(middle(figures))} | {memory} | {busy} | {targets} |"


def _said(target: Target, rounds: Rounds) -> str:
    value = reached(target, rounds)
    if value is None:
        return ""
    limit, shown = (
        (f"{target.limit / 1000:.0f} KB", f"{value / 1000:.0f} KB")
        if target.limit > 1000
        else (f"{target.limit:.3g}", f"{value:.2f}")
    )
    of = f" × {target.base}" if target.base else " s" if target.figure == "seconds" else " of memory"
    return f"≤ {limit}{of}: {'met' if value <= target.limit else f'missed, {shown}'}"


def _seconds(value: float) -> str:
    return f"{value * 1e6:.0f} µs" if value < 1e-3 else f"{value * 1e3:.1f} ms" if value < 1 else f"{value:.2f} s"


HEAD = "| who | time ÷ base | middle half | median | memory | relay busy | target |\n|" + " --- |" * 7


def machine() -> str:
    """The machine, the versions, the day."""
    nginx = shutil.which("nginx", path=f"{os.environ['PATH']}{os.pathsep}/usr/sbin")
    said = subprocess.run([nginx, "-v"], capture_output=True, encoding="utf-8").stderr.strip() if nginx else ""
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in _NAMES)
    return "\n".join(
        [
            f"- {date.today():%Y-%m-%d}; load before it began: {load}",
            f"- {_processor()}, {psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB, "
            f"{platform.system()} {platform.release()}",
            f"- Python {platform.python_version()} ({sys.implementation.name}); {versions}",
            f"- relay: {said.rpartition(' ')[2] or 'a small one of our own'} for small bodies, "
            "a small one of our own for slow answers and large bodies",
        ]
    )


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text()
        return text.partition("model name")[2].partition(":")[2].partition("\n")[0].strip() or platform.processor()
    except OSError:
        return platform.processor()
