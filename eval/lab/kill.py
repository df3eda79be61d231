"""Writers that are killed at random moments. `python -m scodec.eval.lab.kill --kills 200`

A process replaces one file over and over by `files.atomic.write`, with one of two contents in turn, and is killed
(SIGKILL). Then the file must be one of the two, whole. Temporary files that a killed process leaves behind are counted.
"""

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

#: Large enough to be killed in the middle of.
CONTENTS = bytes([1]) * 300_000, bytes([2]) * 400_000
#: A process is killed within so many seconds of its first write; one write takes a few milliseconds.
LONGEST_LIFE = 0.05

_WRITER = """
import sys
from scodec.files import atomic
from scodec.eval.lab.kill import CONTENTS
for turn in range(10**9):
    atomic.write(sys.argv[1], CONTENTS[turn % 2], force=True)
    if turn == 0:
        print(flush=True)
"""


def kill(path: Path, life: float) -> None:
    """Start a writer of `path`, let it live for `life` seconds after its first write, kill it."""
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        if not writer.stdout.readline():
            raise RuntimeError("the writer ended on its own")
        time.sleep(life)
        writer.kill()


def run(kills: int, seed: int, folder: Path) -> tuple[int, int]:
    """Kill so many writers of a file in an empty folder: how often the file was broken, how many others are left."""
    rng = random.Random(seed)
    path = folder / "file"
    broken = 0
    for _ in range(kills):
        kill(path, rng.uniform(0, LONGEST_LIFE))
        broken += path.read_bytes() not in CONTENTS
    return broken, len(list(folder.iterdir())) - 1


@click.command()
@click.option("--kills", type=click.IntRange(min=1), default=200, show_default=True, help="Processes to kill.")
@click.option("--seed", type=int, default=0, show_default=True, help="Another one kills at other moments.")
def main(kills: int, seed: int) -> None:
    """Kill writers and print what they left; exit code 1 if a file was broken."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        broken, left = run(kills, seed, Path(folder))
    click.echo("| kills | broken files | temporary files left |\n| --- | --- | --- |")
    click.echo(f"| {kills} | {broken} | {left} |")
    raise SystemExit(broken > 0)


if __name__ == "__main__":
    main()
