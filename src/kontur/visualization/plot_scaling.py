"""The scaling measurements as a plot: speed-up over workers, with Amdahl's model of each."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from matplotlib.figure import Figure

from kontur.modeling.scaling import Point, amdahl, fit_amdahl


def speed_ups(points: Sequence[Point]) -> dict[tuple[str, str], tuple[list[int], list[float]]]:
    """Return by work and kind the workers and the speed-up over one worker of the same kind."""
    rows = {}
    for key, group in groupby(points, key=lambda point: (point.work, point.kind)):
        found = list(group)
        rows[key] = [point.workers for point in found], [point.per_second / found[0].per_second for point in found]
    return rows


def plot_scaling(points: Sequence[Point]) -> Figure:
    """Draw measured points, and as dashed lines the model fitted to them."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot(xlabel="workers", ylabel="speed-up over one worker")
    most = max(point.workers for point in points)
    even = np.linspace(1, most, 50)
    axes.plot(even, even, color="0.8", label="ideal")
    for (work, kind), (workers, gain) in speed_ups(points).items():
        share = fit_amdahl(workers, gain)
        (line,) = axes.plot(workers, gain, "o", label=f"{work}, {kind} (Amdahl p = {share:.2f})")
        axes.plot(even, amdahl(share, even), "--", color=line.get_color(), linewidth=1)  # type: ignore[arg-type]
    axes.set_xticks(sorted({point.workers for point in points}))
    axes.set_ylim(bottom=0)
    axes.legend(fontsize="small")
    return figure
