"""The command `scodec`, a file for each subcommand. They import heavy modules late, so that --help answers at once."""

from scodec.cli.main import main

__all__ = ["main"]
