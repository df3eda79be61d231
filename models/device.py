"""Choice of device and dtype for the networks, and the lock under which they are loaded once per process."""

import os
import threading

import torch

from scodec.errors import BadRequest

#: Lock held while networks are loaded.
loading = threading.Lock()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=loading.acquire, after_in_parent=loading.release, after_in_child=loading.release)
    # A forked child inherits torch's thread pool without its threads, and would wait for them forever: use one thread.
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


def best_device(wanted: str = "auto") -> str:
    """The fastest device of this machine ("auto"), or the requested one. Raises BadRequest if that is not available."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(device for device, usable in available.items() if usable)
    if not available.get(wanted, False):
        raise BadRequest(f"there is no device {wanted!r} on this machine: use auto or cpu")
    return wanted


def best_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware supports its arithmetic, otherwise float32.

    The networks only add small corrections to their inputs, for which bfloat16 is precise enough.
    """
    if device.type == "cpu":
        cpu = torch.cpu.get_capabilities()
        return torch.bfloat16 if cpu.get("avx512_bf16") or cpu.get("amx_bf16") else torch.float32
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float32


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """The torch dtype of this name, or `best_dtype` of the device for "auto"."""
    return best_dtype(device) if name == "auto" else getattr(torch, name)
