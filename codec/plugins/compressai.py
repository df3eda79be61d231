"""CompressAI plugin: scodec in its benchmark, the networks in its registry; docs/compressai.md.

    python -m scodec.plugins.compressai scodec FOLDER -q 20,40

is CompressAI's own `python -m compressai.utils.bench` with scodec among its codecs.
"""

import argparse
import sys
import time
from dataclasses import fields
from importlib.metadata import version

import numpy as np
from compressai.registry import register_module
from compressai.utils.bench import __main__ as bench
from compressai.utils.bench.codecs import Codec
from PIL import Image

from scodec.api import decode, encode
from scodec.errors import ScodecError, explain
from scodec.models.registry import NETWORKS
from scodec.options import EncodeOptions

#: Options of `scodec.encode` that the runner takes; the quality is its own.
OPTIONS = ("hints", "luma", "effort")


def hints(text: str) -> int | str:
    """The value of --hints. argparse names this function when it complains."""
    return text if text == "auto" else int(text)


class Scodec(Codec):
    """scodec, with the same figures as CompressAI's other codecs; rates are those of whole files."""

    @classmethod
    def setup_args(cls, parser: argparse.ArgumentParser) -> None:
        """Add the options of `scodec.encode` to the runner's own."""
        for each in fields(EncodeOptions):
            if each.name in OPTIONS:
                parser.add_argument(
                    f"--{each.name}",
                    type=hints if each.name == "hints" else str,
                    choices=each.metadata["choices"] or None,
                    default="auto" if each.name == "hints" else each.default,
                    help=f"{each.metadata['help'].replace('%', '%%')} (default: %(default)s)",
                )

    def _set_args(self, args: argparse.Namespace) -> argparse.Namespace:
        self.options = {name: getattr(args, name) for name in OPTIONS}
        return args

    @property
    def name(self) -> str:
        """With the options, which make curves of their own."""
        return f"scodec {self.options['luma']} {self.options['effort']} hints {self.options['hints']}"

    @property
    def description(self) -> str:
        return f"scodec. scodec-image version {version('scodec-image')}"

    def _run_impl(self, in_filepath: str, quality: int) -> tuple[dict[str, float], Image.Image]:
        decode(encode(np.zeros((64, 64, 3), np.uint8)))  # loads the networks once, which is not decoding
        # The samples alone, without an orientation or profile: the runner compares them as they are stored.
        picture = np.asarray(self._load_img(in_filepath))
        start = time.time()
        data = encode(picture, quality=quality, **self.options)
        encoded = time.time()
        rec = decode(data).convert("RGB")
        decoded = time.time()
        height, width = picture.shape[:2]
        figures = {
            "bpp": len(data) * 8 / (width * height),
            "encoding_time": encoded - start,
            "decoding_time": decoded - encoded,
        }
        return figures, rec


def main(argv: list[str]) -> None:
    """Run CompressAI's benchmark; errors that users may run into are one line."""
    try:
        bench.main(argv)
    except (ScodecError, OSError) as error:
        sys.exit(f"scodec: error: {explain(error)}")
    except AssertionError as error:
        if "ms-ssim" not in str(error):
            raise
        sys.exit("scodec: error: MS-SSIM needs pictures with sides of more than 160 pixels: give --metrics psnr-rgb")


bench.codecs.append(Scodec)
for name, network in NETWORKS.items():
    register_module(f"scodec-{name}")(network)

if __name__ == "__main__":
    main(sys.argv[1:])
