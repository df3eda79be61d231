"""PyInstaller's hook: the networks, the modules that are imported by name, and the version."""

from PyInstaller.utils.hooks import collect_data_files, collect_submodules, copy_metadata


def _needed(module: str) -> bool:
    """Whether a frozen program needs a module: training and evaluation are no work for one, and would bring much in."""
    left_out = (
        "scodec.training",
        "scodec.eval",
        "scodec.study",
        "scodec.studio",
        "scodec.plugins.compressai",
        "scodec.__pyinstaller",
    )
    return not module.startswith(left_out)


datas = collect_data_files("scodec", includes=["models/graphs/*.onnx", "models/weights/*.safetensors"]) + copy_metadata(
    "scodec-image"
)
hiddenimports = collect_submodules("scodec", filter=_needed)
