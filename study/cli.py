"""The commands `scodec study make`, `serve` and `report`."""

import os
from pathlib import Path

import click

from scodec.errors import BadRequest
from scodec.extras import require
from scodec.study.plan import QUESTIONS, Study, load

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group()
def study() -> None:
    """Ask people which pictures they prefer, and which they take for photographs (docs/study.md)."""


@study.command(short_help="Make a study of photographs.")
@click.argument("folder", type=FOLDER)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the study; must not exist.")
@click.option("--codecs", default="scodec,avif-iq", show_default=True, help="Names of `scodec eval`, comma-separated.")
@click.option("--bpp", "rates", default="0.06,0.1", show_default=True, help="Rates in bits per pixel, comma-separated.")
@click.option(
    "--question", type=click.Choice(QUESTIONS), default=QUESTIONS[0], show_default=True,
    help="Which of two pictures judges prefer, or which is closer to the original, which is shown then.",
)  # fmt: skip
@click.option(
    "--seed", default=0, show_default=True, help="Seed for the choice of pictures and trials and for their order."
)
@click.option("--pictures", "count", type=click.IntRange(min=1), help="That many pictures, chosen at random; or all.")
@click.option(
    "-j", "--workers", type=click.IntRange(min=1), default=os.cpu_count() or 1, show_default=True,
    help="Files in parallel.",
)  # fmt: skip
def make(
    folder: Path, out: Path, codecs: str, rates: str, question: str, seed: int, count: int | None, workers: int
) -> None:
    """Make a study of the photographs in FOLDER: coded by each codec at equal bytes, and decoded.

    A picture that fails is left out and named.
    """
    require("study")
    from scodec.study.make import make

    made, failed = make(folder, out, codecs.split(","), _numbers(rates), question, seed, count, workers)
    _summary(made)
    for reason in failed.values():
        click.echo(f"scodec: error: {reason}", err=True)
    if failed:
        click.echo(f"scodec: pictures that failed and are not in the study: {len(failed)}", err=True)
        raise click.exceptions.Exit(1)


@study.command(short_help="Serve the page on which judges answer.")
@click.argument("folder", metavar="STUDY", type=FOLDER)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 for all.")
@click.option("--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="0: any free one.")
def serve(folder: Path, host: str, port: int) -> None:
    """Serve the page of STUDY, on which judges answer; answers go to answers.sqlite in its folder."""
    require("studio")
    from scodec.studio.serve import study as page

    page(load(folder), host, port)


@study.command(short_help="Print what the answers say.")
@click.argument("folder", metavar="STUDY", type=FOLDER)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the files; STUDY/report if not given."
)
def report(folder: Path, out: Path | None) -> None:
    """Print what the answers to STUDY say; write report.json, judgements.csv and a plot."""
    require("study")
    from scodec.study.report import report

    click.echo(report(load(folder), folder / "report" if out is None else out))


def _numbers(text: str) -> list[float]:
    try:
        return [float(each) for each in text.split(",")]
    except ValueError as error:
        raise BadRequest(f"{text!r} is no list of rates: give numbers with commas between, such as 0.06,0.1") from error


def _summary(made: Study) -> None:
    """Print what is in a study: trials, and how well the codecs use their bytes."""
    pixels = {each.name: each.width * each.height for each in made.pictures}
    kinds = [trial.kind for trial in made.trials]
    pairs, checks = kinds.count("pair"), kinds.count("check")
    click.echo(f"pictures: {len(pixels)}, each shown to each judge alone; pairs: {pairs}; checks: {checks}")
    click.echo(f"{'codec':24}{'bpp':>8}{'versions':>10}{'left out':>10}{'bytes used':>12}")
    for codec in made.codecs:
        for bpp in made.rates:
            used = [
                8 * version.bytes / (bpp * pixels[version.picture])
                for version in made.versions
                if (version.codec, version.bpp) == (codec, bpp) and version.bytes is not None
            ]
            missed = sum((miss.codec, miss.bpp) == (codec, bpp) for miss in made.misses)
            share = f"{sum(used) / len(used):.1%}" if used else "-"
            click.echo(f"{codec:24}{bpp:8g}{len(used):10}{missed:10}{share:>12}")
    if made.misses:
        click.echo("left out: the codec's smallest file of the picture is larger than the rate allows")
