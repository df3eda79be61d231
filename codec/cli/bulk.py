"""The commands `scodec bulk encode` and `scodec bulk decode`."""

from time import perf_counter
from typing import Any

import click
from click.core import ParameterSource

from scodec.bulk import KINDS
from scodec.cli import batch
from scodec.cli.encode import STRIPS, Encode, strip_option
from scodec.cli.messages import note
from scodec.cli.options import finite, options
from scodec.extras import require
from scodec.options import DecodeOptions, EncodeOptions

Decorator = Any


@click.group()
def bulk() -> None:
    """Millions of pictures, on a Ray cluster or all cores of this machine (docs/scale.md).

    SOURCE and TARGET are folders, local or by fsspec URL (s3://bucket/folder): of pictures, of Parquet files or of
    WebDataset shards. A run that was cut short goes on where it stopped.
    """


def _shared(column: str) -> Decorator:
    """The options of both commands; column: where Parquet files have the pictures."""

    def decorate(command: Any) -> Any:
        for option in (
            click.option("--retry", is_flag=True, help="Do again what failed in an earlier run."),
            click.option(
                "--shard", type=click.IntRange(min=1), default=256, show_default=True, metavar="N",
                help="Pictures that a worker takes at a time, from folders of pictures.",
            ),
            click.option(
                "--column", default=column, show_default=True, help="Column of Parquet files that holds the pictures.",
            ),
            click.option(
                "--to", type=click.Choice(KINDS), help="How results are stored; by default as in SOURCE.",
            ),
            click.option(
                "--address", help="Address of a running Ray cluster; without it, Ray is started on this machine.",
            ),
            click.argument("target"),
            click.argument("source"),
        ):  # fmt: skip
            command = option(command)
        return command

    return decorate


@bulk.command(cls=Encode)
@_shared("bytes")
@options(EncodeOptions, skip=("target_bytes", "strip"))
@strip_option
@click.option("--target-size", type=click.IntRange(min=1), metavar="BYTES", help="Largest file allowed.")
@click.pass_context
def encode(
    ctx: click.Context, source: str, target: str, address: str | None, to: str | None, column: str, shard: int,
    retry: bool, strip: str | None, target_size: int | None, **chosen: Any,
) -> None:  # fmt: skip
    """Encode the pictures in SOURCE."""
    if target_size is not None and ctx.get_parameter_source("quality") != ParameterSource.DEFAULT:
        raise click.UsageError("--quality and --target-size exclude each other")
    wanted = EncodeOptions(**chosen, target_bytes=target_size, strip=STRIPS[strip] if strip else False)
    _run(wanted, source, target, to, column, shard, retry, address, 0)


@bulk.command()
@_shared("scz")
@options(DecodeOptions, color="--gray", receivers="--receiver", check="--ignore-crc")
@click.option(
    "--gpus", type=click.FloatRange(min=0), callback=finite, default=0.0,
    help="GPUs for each worker; 0.25 lets four share one.",
)  # fmt: skip
def decode(
    source: str, target: str, address: str | None, to: str | None, column: str, shard: int, retry: bool, gpus: float,
    **chosen: Any,
) -> None:  # fmt: skip
    """Decode the .scz files in SOURCE to PNG."""
    _run(DecodeOptions(**chosen), source, target, to, column, shard, retry, address, gpus)


def _run(
    wanted: EncodeOptions | DecodeOptions, source: str, target: str, to: str | None, column: str, shard: int,
    retry: bool, address: str | None, gpus: float,
) -> None:  # fmt: skip
    """Do what is to be done, and tell how it went; exit code 1 if a picture failed."""
    require("ray")
    from tqdm import tqdm

    from scodec.bulk import run

    prepared = run.prepare(wanted, source, target, to, column, shard, retry)
    batch.tell(prepared.passed_over)
    if prepared.done:
        note(f"done before: {prepared.done} of {prepared.done + prepared.units} files")
    if not prepared.shards:
        note("nothing to do")
        return
    begun = perf_counter()
    sums = dict.fromkeys(("pictures", "failed", "source_bytes", "bytes"), 0)
    with tqdm(total=len(prepared.shards), unit="shard", disable=None) as bar:
        for totals in run.totals(prepared, address, gpus):
            sums = {key: count + totals[key] for key, count in sums.items()}
            bar.update()
    seconds = perf_counter() - begun
    note(
        f"{sums['pictures']} pictures in {seconds:.0f} s ({sums['pictures'] / seconds:.1f} each second), "
        f"{sums['source_bytes']:,} bytes became {sums['bytes']:,}"
    )
    if sums["failed"]:
        note(f"{sums['failed']} pictures failed: their rows in {target}/_manifest say why")
        raise click.exceptions.Exit(1)
