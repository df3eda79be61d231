"""The command `scodec eval`."""

import os
from pathlib import Path
from typing import Any

import click

from scodec.errors import BadRequest
from scodec.extras import require


class Evaluate(click.Command):
    """Names codecs and metrics at the end of its help, for which alone they are loaded."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        from scodec.eval.codecs import CODECS
        from scodec.metrics import METRICS

        for title, names in (("Codecs", CODECS), ("Metrics", METRICS)):
            with formatter.section(title):
                formatter.write_text(", ".join(names))


@click.command("eval", cls=Evaluate)
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Output folder for JSON, CSV and plots.")
@click.option("--codecs", help="Codecs to run, comma-separated; all by default.")
@click.option("--metrics", default="rgb_psnr,y_psnr,ms_ssim", show_default=True, help="Comma-separated metrics.")
@click.option(
    "--range", "limits", type=(float, float), default=(0.03, 0.2), show_default=True,
    help="Rates in bpp that the limited BD-rates cover.",
)  # fmt: skip
@click.option(
    "--reuse", type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="results.json of an earlier run, or records.jsonl of one that was cut short, whose anchor results are reused.",
)  # fmt: skip
@click.option(
    "-j", "--workers", type=click.IntRange(min=1), default=os.cpu_count() or 1, show_default=True,
    help="Pictures in parallel.",
)  # fmt: skip
def evaluate(
    folders: tuple[Path, ...],
    out: Path,
    codecs: str | None,
    metrics: str,
    limits: tuple[float, float],
    reuse: Path | None,
    workers: int,
) -> None:
    """Measure rate and distortion of scodec and the anchors on the pictures in FOLDERS.

    Writes results.json, results.csv and one plot per metric to OUT, and during the run records.jsonl. A picture that
    fails is left out and named. Prints BD-rates in percent (negative: scodec needs
    fewer bytes): of the mean curves and the median over pictures, both over the full overlap and limited to --range.
    """
    require("eval")
    if not 0 < limits[0] < limits[1]:
        raise BadRequest("--range takes two rates in bpp, the lower first")
    from scodec.eval import codecs as known
    from scodec.eval import rd
    from scodec.metrics import METRICS

    chosen = list(dict.fromkeys(codecs.split(","))) if codecs else list(known.CODECS)
    wanted = list(dict.fromkeys(metrics.split(",")))
    known.check(chosen)
    if unknown := [name for name in wanted if name not in METRICS]:
        raise BadRequest(f"unknown metric {unknown[0]!r}: choose from {', '.join(METRICS)}")
    if "lpips" in wanted:
        require("lpips", "metric lpips")
    reused = rd.anchors(reuse) if reuse else []
    paths = rd.pictures(list(folders))
    out.mkdir(parents=True, exist_ok=True)
    records, failed = rd.measure(paths, chosen, wanted, workers, reused, out / "records.jsonl")
    for path, reason in failed.items():
        click.echo(f"scodec: error: {reason if str(path) in reason else f'{path}: {reason}'}", err=True)
    if records:
        _report(records, limits, out)
    if failed:
        click.echo(f"scodec: {len(failed)} of {len(paths)} pictures failed and are in no result", err=True)
        raise click.exceptions.Exit(1)


def _report(records: list[dict[str, Any]], limits: tuple[float, float], out: Path) -> None:
    """Write results and plots, print the BD-rates."""
    from scodec.eval import plots, rd

    rates = rd.bd_rates(records, limits)
    rd.save(records, rates, limits, out)
    plots.draw(records, out)
    if rates:
        headings = ("BD-rate", "median", f"{limits[0]}-{limits[1]}", "median")
        click.echo(f"{'metric':12}{'codec':24}{'anchor':17}" + "".join(f"{heading:>10}" for heading in headings))
    for row in rates:
        figures = ["-" if row[figure] is None else f"{row[figure]:.1f}%" for figure in rd.FIGURES]
        click.echo(
            f"{row['metric']:12}{row['codec']:24}{row['anchor']:17}" + "".join(f"{text:>10}" for text in figures)
        )
