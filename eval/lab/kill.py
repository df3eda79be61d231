"""Kill writers at random moments and check the file. `python -m scodec.eval.lab.kill --kills 200`

A process keeps replacing one file with `files.atomic.write`, alternating between two contents, until it is killed
(SIGKILL). The file must then hold one of the two contents in full. Temporary files left behind are counted.
"""

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click

#: Large enough for a kill to hit the middle of a write.
CONTENTS = bytes([1]) * 300_000, bytes([2]) * 400_000
#: A process is killed within this many seconds of its first write; one write takes a few milliseconds.
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
    """Start a writer of `path` and kill it `life` seconds after its first write."""
    with subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        if not writer.stdout.readline():
            raise RuntimeError("the writer exited before it was killed")
        time.sleep(life)
        writer.kill()


def run(kills: int, seed: int, folder: Path) -> tuple[int, int]:
    """Kill `kills` writers of a file in an empty folder; returns the numbers of broken and of leftover files."""
    rng = random.Random(seed)
    path = folder / "file"
    broken = 0
    for _ in range(kills):
        kill(path, rng.uniform(0, LONGEST_LIFE))
        broken += path.read_bytes() not in CONTENTS
    return broken, len(list(folder.iterdir())) - 1


@click.command()
@click.option("--kills", type=click.IntRange(min=1), default=200, show_default=True, help="Processes to kill.")
@click.option("--seed", type=int, default=0, show_default=True, help="Random seed.")
def main(kills: int, seed: int) -> None:
    """Kill writers and print the outcome; exit code 1 if a file was broken."""
    with tempfile.TemporaryDirectory(dir=".") as folder:
        broken, left = run(kills, seed, Path(folder))
    click.echo("| kills | broken files | temporary files left |\n| --- | --- | --- |")
    click.echo(f"| {kills} | {broken} | {left} |")
    raise SystemExit(broken > 0)


if __name__ == "__main__":
    main()
