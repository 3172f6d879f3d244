# SPDX-License-Identifier: BSD-3-Clause
"""The picture of the README and the manual, out of the figures that the manual's pages state.

    python benchmarks/draw_summary.py        # doc/benchmarks.csv -> doc/benchmarks.png

Nothing is measured here: each line of the table names the page that its figures are from.
"""

import argparse
import csv
from pathlib import Path

import matplotlib.pyplot as plt

DOC = Path(__file__).parent.parent / "doc"
PEERS = {"scikit-learn": ("#0072B2", "o"), "scikit-learn-intelex": ("#D55E00", "s")}


def ratios(path):
    """{(family, task): {peer: (low, high)}}, in the order of the file."""
    table = {}
    with path.open(newline="", encoding="utf-8") as lines:
        for line in csv.DictReader(lines):
            of_task = table.setdefault((line["family"], line["task"]), {})
            of_task[line["peer"]] = (float(line["low"]), float(line["high"]))
    return table


def draw(table, path):
    """A line for each task: the range of each peer's ratios, on a logarithmic axis."""
    figure, ax = plt.subplots(figsize=(8, 0.33 * len(table) + 1.2), layout="constrained")
    for place, of_task in enumerate(table.values()):
        for peer, (low, high) in of_task.items():
            color, marker = PEERS[peer]
            ax.plot([low, high], [place, place], color=color, linewidth=3, solid_capstyle="round")
            ax.plot((low * high) ** 0.5, place, marker, color=color, markersize=7)
    for peer, (color, marker) in PEERS.items():
        ax.plot([], [], marker, color=color, label=f"over {peer}")
    ax.axvline(1.0, color="grey", linestyle=":")
    ax.set_yticks(range(len(table)), [f"{family}: {task}" for family, task in table], fontsize=9)
    ax.set(ylim=(len(table) - 0.4, -0.6), xlabel="seconds of a fit by skdist / seconds of the peer")
    ax.set(xscale="log", xlim=(0.02, 15))
    ax.set_xticks([0.03, 0.1, 0.3, 1, 3, 10], ["0.03", "0.1", "0.3", "1", "3", "10"])
    ax.minorticks_off()
    ax.grid(axis="x", linewidth=0.4)
    figure.legend(loc="outside upper right", ncols=2, fontsize=9)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", type=Path, default=DOC / "benchmarks.csv")
    parser.add_argument("--out", type=Path, default=DOC / "benchmarks.png")
    arguments = parser.parse_args()
    draw(ratios(arguments.table), arguments.out)


if __name__ == "__main__":
    main()
