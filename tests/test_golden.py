"""Golden files of released format versions: every later scodec must read them. Never regenerate one; only add new ones.

NAME.scz holds a crop of the cat, NAME.json what was parsed from it when it was written: exact values for everything
that is integer arithmetic or normative AV1 and VVC decoding, and a minimum PSNR for the output of the networks.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

import scodec
from scodec import decoder, luma, metadata
from scodec.colour import hints
from scodec.eval.lab.exactness import SETTINGS
from scodec.format import container
from scodec.luma import hyperprior, vvc
from scodec.metrics import rgb_psnr

FILES = sorted((Path(__file__).parent / "golden").glob("*.scz"))


def test_there_are_golden_files():
    names = {"luma", "hints", "gray", "scale4", "vvc", "vvc-chroma", "vvc-alpha", "av1-alpha", "hyperprior"}
    assert {file.stem for file in FILES} >= {f"v1-{name}" for name in names}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", ["v1-hyperprior", "v1-hyperprior-hints"])
def test_learned_luma_is_the_same_under_every_setting(name, setting):
    file = Path(__file__).parent / "golden" / f"{name}.scz"
    stream = container.parse(file.read_bytes())
    with SETTINGS[setting]():
        y_hat = hyperprior.latents(stream.luma, *stream.header.luma_size)
    expected = json.loads(file.with_suffix(".json").read_text())
    assert hashlib.sha256(y_hat.numpy().tobytes()).hexdigest() == expected["luma_sha256"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_golden(file, cat):
    expected = json.loads(file.with_suffix(".json").read_text())
    stream = container.parse(file.read_bytes())
    header = stream.header
    assert vars(header) | expected["header"] == vars(header)
    if header.luma == "hyperprior":  # only the latents are exact
        y = hyperprior.latents(stream.luma, *header.luma_size).numpy()
    else:
        y = luma.CODERS[header.luma].decode(stream.luma, *header.luma_size)
    assert hashlib.sha256(y.tobytes()).hexdigest() == expected["luma_sha256"]
    if header.chroma:
        chroma = vvc.decode_colour(stream.luma, *header.luma_size)[1]
        assert hashlib.sha256(chroma.tobytes()).hexdigest() == expected["chroma_sha256"]
    if header.alpha:
        assert hashlib.sha256(decoder.opacity(stream).tobytes()).hexdigest() == expected["alpha_sha256"]
        about = metadata.from_boxes(stream.boxes)
        assert (about.exif.hex(), about.xmp.decode()) == (expected["exif"], expected["xmp"])
    if expected["hints"]:
        grid = hints.decode(stream.hints, header.width, header.height)
        assert (grid.cell, round(grid.step, 4)) == (expected["hints"]["cell"], expected["hints"]["step"])
        assert np.abs(grid.grid - np.array(expected["hints"]["grid"])).max() < 0.01
    top, left, bottom, right = expected["crop"]
    original = cat[top:bottom, left:right]
    if header.gray:
        original = np.repeat(original[..., 1:2], 3, 2)
    visible = decoder.opacity(stream) == 255 if header.alpha else np.full(original.shape[:2], True)
    rebuilt = np.array(scodec.decode(file).convert("RGB"))
    assert rgb_psnr(original[None, visible], rebuilt[None, visible]) > expected["at_least_dB"]
