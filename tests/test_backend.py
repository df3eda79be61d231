"""The networks on ONNX Runtime give the pictures that they give on torch, and the right one of both is taken."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import scodec
from scodec import decoder
from scodec.models import backend
from scodec.models.receiver import graph, onnx
from scodec.options import DecodeOptions

#: How files are encoded, and how they are decoded.
CASES: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({}, {}),
    ({"luma": "av1", "quality": 70}, {"look": "natural"}),
    ({"hints": 60, "scale": 1}, {"look": "natural", "tile": 72}),
    ({"hints": 60, "scale": 3}, {"look": 0.3}),
    ({"hints": "auto", "scale": 2}, {"look": 0.3}),
    ({"hints": "auto", "luma": "av1", "scale": 4}, {}),
    ({"luma": "hyperprior", "quality": 50}, {"color": False}),
)


def agree(one: Image.Image, other: Image.Image) -> bool:
    """Within one level in 99.9 % of the samples."""
    assert one.mode == other.mode and one.size == other.size
    return bool((np.abs(np.asarray(one).astype(int) - np.asarray(other)) <= 1).mean() >= 0.999)


@pytest.mark.parametrize("options, how", CASES)
def test_backends_agree(cat: np.ndarray, options: dict[str, Any], how: dict[str, Any]) -> None:
    data = scodec.encode(cat[60:211, 100:351], **options)
    pictures = [scodec.decode(data, backend=name, **how) for name in ("onnx", "torch")]
    assert agree(*pictures)


def test_backends_agree_on_a_picture_larger_than_the_colorizer_sees(cat: np.ndarray) -> None:
    large = Image.fromarray(cat).resize((702, 467), Image.Resampling.BICUBIC)
    for hints in (0, 80):
        data = scodec.encode(large, hints=hints)
        assert agree(*(scodec.decode(data, backend=name) for name in ("onnx", "torch")))


def test_backends_agree_on_previews_and_restored_photographs(small: np.ndarray) -> None:
    stream = decoder.parse(scodec.encode(small))
    assert agree(*(decoder.preview(stream, 2, DecodeOptions(backend=name)) for name in ("onnx", "torch")))
    one, other = (scodec.restore(small, samples=2, look="natural", backend=name) for name in ("onnx", "torch"))
    assert len(one) == len(other) == 2 and all(map(agree, one, other))


@pytest.mark.parametrize("name", onnx.GRAPHS)
def test_graphs_are_those_of_the_networks(name: str) -> None:
    """What `python -m scodec.models.receiver.graph` writes now; between versions of torch the bytes differ."""
    model = pytest.importorskip("onnx")
    path = Path(onnx.__file__).parent.parent / "graphs" / f"{name}.onnx"
    there, fresh = (model.load_from_string(each).graph for each in (path.read_bytes(), graph.graph(name)))
    shapes = [{tensor.name: list(tensor.dims) for tensor in each.initializer} for each in (there, fresh)]
    assert shapes[0] == shapes[1]
    assert [node.op_type for node in there.node] == [node.op_type for node in fresh.node]
    assert path.stat().st_size < 200_000, "a graph holds no weights"


def test_auto_takes_torch_for_what_only_torch_can_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_may_have_gpu", lambda: False)
    assert backend.resolve("auto") == backend.resolve("auto", "cpu", "float32") == "onnx"
    assert backend.resolve("auto", names=["edsr"]) == backend.resolve("auto", dtype="bfloat16") == "torch"
    assert backend.resolve("auto", device="cuda") == backend.resolve("torch") == "torch"
    monkeypatch.setattr(backend, "_may_have_gpu", lambda: True)
    assert backend.resolve("auto") == "torch" and backend.resolve("auto", "cpu") == backend.resolve("onnx") == "onnx"


@pytest.mark.parametrize("options", [{"device": "cuda"}, {"dtype": "bfloat16"}, {"receivers": ["edsr"]}])
def test_what_onnx_can_not_do_is_said(small: np.ndarray, options: dict[str, Any]) -> None:
    with pytest.raises(scodec.BadRequest, match="torch|CPU"):
        scodec.decode(scodec.encode(small), backend="onnx", **options)
