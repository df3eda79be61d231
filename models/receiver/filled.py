"""The networks as complete ONNX files, graph and weights in one, for other programs: a page in a browser, say.

Weights stay float16 as in the safetensors files, which halves the size. A Cast behind each gives the graph its float32;
ONNX Runtime does these casts once, when it loads the file.
"""

from importlib.resources import files

import numpy as np

from scodec.extras import require
from scodec.models import weights
from scodec.models.receiver.onnx import GRAPHS


def filled(name: str) -> bytes:
    """The ONNX file of a graph of `GRAPHS`. Raises Unsupported without the package onnx or without weights."""
    require("onnx", "ONNX files can't be written")
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from safetensors.numpy import load_file

    file, prefix = GRAPHS[name]
    identity = weights.facts(file)["id"]
    tensors = load_file(weights.path(file))
    model = onnx.load_from_string((files("scodec.models") / "graphs" / f"{name}.onnx").read_bytes())
    initializers, casts = [], []
    for there in model.graph.initializer:
        value = tensors.get(prefix + there.name)
        if value is None:
            initializers.append(there)
            continue
        stored = there.name if value.dtype == np.float32 else f"{there.name} as stored"
        initializers.append(numpy_helper.from_array(value, stored))
        if stored != there.name:
            casts.append(helper.make_node("Cast", [stored], [there.name], to=TensorProto.FLOAT))
    nodes = list(model.graph.node)
    for field, content in (("initializer", initializers), ("node", [*casts, *nodes])):
        model.graph.ClearField(field)
        getattr(model.graph, field).extend(content)
    helper.set_model_props(model, {"id": identity})
    onnx.checker.check_model(model)
    return model.SerializeToString()
