"""The optional dependencies: what each extra of the package is for, and a clear sentence where one is missing."""

from importlib.util import find_spec

from scodec.errors import Unsupported

#: Modules that each extra brings, as far as code asks for them (pyproject.toml has the packages).
EXTRAS = {
    "torch": ("torch",),
    "learned": ("compressai",),
    "train": ("yaml", "timm", "skimage", "scipy"),
    "eval": ("matplotlib", "bjontegaard", "pytorch_msssim", "skimage", "scipy", "ssimulacra2"),
    "onnx": ("onnx",),
    "jxl": ("pillow_jxl",),
    "lpips": ("lpips",),
    "ray": ("ray", "fsspec", "pyarrow"),
    "studio": ("gradio", "ssimulacra2"),
    "study": ("choix", "krippendorff", "matplotlib"),
    "tiff": ("tifffile", "imagecodecs"),
}


def require(extra: str, why: str = "") -> None:
    """Raise Unsupported, with the command that helps, unless all modules of an extra are installed. Imports nothing.

    why: what can't be done without, where the command doesn't say so.
    """
    missing = [module for module in EXTRAS[extra] if find_spec(module) is None]
    if missing:
        what = f"{why}: {', '.join(missing)}" if why else ", ".join(missing)
        raise Unsupported(f"{what} not installed: pip install 'scodec-image[{extra}]'")
