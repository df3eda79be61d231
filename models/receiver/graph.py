"""The networks as ONNX graphs without weights: `python -m scodec.models.receiver.graph` writes models/graphs.

The tensors keep their names, so that the safetensors files supply them. To be run when a network's shape changes.
"""

import io
from importlib.resources import files
from pathlib import Path
from typing import Any

import click
import torch
from torch import Tensor, nn

from scodec.models import weights
from scodec.models.receiver.colorizer import Colorizer
from scodec.models.receiver.onnx import GRAPHS
from scodec.models.receiver.restorer import Restorer

#: The first version of the operators that has all we use.
OPSET = 17


def graph(name: str) -> bytes:
    """An ONNX model of the network, whose initializers are external tensors named as in the weights file."""
    import onnx
    from onnx.external_data_helper import set_external_data

    network = weights.load(GRAPHS[name][0])
    if isinstance(network, Restorer):
        network = getattr(network, name)
    inputs = _inputs(network)
    file: Any = io.BytesIO()
    torch.onnx.export(
        network, tuple(inputs.values()), file, input_names=list(inputs), output_names=["output"],
        dynamic_axes={key: {2: f"{key} rows", 3: f"{key} columns"} for key in inputs if inputs[key].ndim == 4},
        opset_version=OPSET, do_constant_folding=False, dynamo=False,
    )  # fmt: skip
    model = onnx.load_from_string(file.getvalue())
    names = network.state_dict().keys()
    for tensor in model.graph.initializer:
        if tensor.name in names:
            set_external_data(tensor, location="weights")
            tensor.ClearField("raw_data")
    model.graph.ClearField("value_info")
    for node in model.graph.node:
        node.ClearField("doc_string")
    return model.SerializeToString()


def _inputs(network: nn.Module) -> dict[str, Tensor]:
    """Example inputs by name."""
    y = torch.zeros(1, 1, 64, 96)
    if isinstance(network, Colorizer):
        return {"y": y, "hint": torch.zeros(1, 2, 32, 48), "numbers": torch.zeros(1, 3)}
    one = torch.ones(1, dtype=torch.int64)
    return {"y_up": y, "coder": one, "scale": one, "quantizer": one, "noise": y}


@click.command()
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path(str(files("scodec.models") / "graphs")),
    show_default="the package's folder", help="Where the graphs are written.",
)  # fmt: skip
def main(out: Path) -> None:
    """Write the graphs of all networks."""
    out.mkdir(parents=True, exist_ok=True)
    for name in GRAPHS:
        (out / f"{name}.onnx").write_bytes(graph(name))


if __name__ == "__main__":
    main()
