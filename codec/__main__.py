"""`python -m scodec`: the same as the command `scodec`."""

from scodec.cli import main

main(prog_name="scodec")
