"""Plot the table: a bar for each library, with its time relative to the base's."""

from pathlib import Path

import matplotlib as mpl
import report
from rounds import Rounds
from scenarios import CALLS, OURS

mpl.use("Agg")
from matplotlib import pyplot


def draw(measured: dict[str, Rounds], into: Path) -> None:
    """Plot the measured scenarios."""
    drawn = [scenario for scenario in CALLS if measured.get(scenario.name)]
    figure, all_axes = pyplot.subplots(
        len(drawn), 1, figsize=(9, 2.1 * len(drawn)), layout="constrained", squeeze=False
    )
    for scenario, axes in zip(drawn, all_axes.flat, strict=True):
        rounds = measured[scenario.name]
        base = report.middle(rounds[scenario.base])
        times = {who: report.middle(figures) / base for who, figures in rounds.items()}
        colours = ["tab:orange" if who.startswith(OURS) else "tab:gray" for who in times]
        bars = axes.barh(list(times), list(times.values()), color=colours)
        axes.bar_label(bars, fmt="%.2f", padding=3)
        axes.invert_yaxis()
        axes.margins(x=0.1)
        axes.set_title(f"{scenario.name}: time ÷ {scenario.base}", loc="left", fontsize=10)
    figure.savefig(into, dpi=100)
