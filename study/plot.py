"""The plot of a study: strengths with their intervals."""

from pathlib import Path

from matplotlib.figure import Figure

from scodec.study.findings import Row

#: Width that the codecs of one rate share, in distances between rates.
SPREAD = 0.5


def draw(rows: list[Row], folder: Path) -> None:
    """Draw the strengths of `findings` for each rate and all together, as strengths.png and .svg in a folder."""
    codecs = list(dict.fromkeys(row["codec"] for row in rows))
    rates = list(dict.fromkeys(row["bpp"] for row in rows))
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.subplots()
    for place, codec in enumerate(codecs):
        shift = SPREAD * ((place + 0.5) / len(codecs) - 0.5)
        own = [row for row in rows if row["codec"] == codec]
        values = [row["strength"] for row in own]
        reach = [[row["strength"] - row["low"] for row in own], [row["high"] - row["strength"] for row in own]]
        axes.errorbar(
            [rates.index(row["bpp"]) + shift for row in own], values, yerr=reach, fmt="o", capsize=4, label=codec
        )
    axes.set_xticks(range(len(rates)), ["all rates" if bpp is None else f"{bpp:g} bpp" for bpp in rates])
    axes.set_xlim(-0.5, len(rates) - 0.5)
    axes.set_ylabel("strength (log-odds), 95 % intervals")
    axes.axhline(0, color="0.8", linewidth=1, zorder=0)
    axes.grid(True, axis="y", alpha=0.3)
    axes.legend(fontsize=8)
    for suffix in ("png", "svg"):
        figure.savefig(folder / f"strengths.{suffix}", dpi=120)
