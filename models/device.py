"""Where networks run, in which number format, and how they are loaded once per process."""

import os
import threading

import torch

from scodec.errors import BadRequest

#: Held while networks are loaded.
loading = threading.Lock()
if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(before=loading.acquire, after_in_parent=loading.release, after_in_child=loading.release)
    # A forked child believes in the threads of torch's pool, which it has not got, and would wait for them for ever.
    os.register_at_fork(after_in_child=lambda: torch.set_num_threads(1))


def best_device(wanted: str = "auto") -> str:
    """The fastest device of this machine, or the wanted one. Raises BadRequest when that is not there."""
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(device for device, there in available.items() if there)
    if not available.get(wanted, False):
        raise BadRequest(f"there is no device {wanted!r} on this machine: leave it at auto, or take cpu")
    return wanted


def best_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it: the networks add small corrections, which it carries well enough."""
    if device.type == "cpu":
        can = torch.cpu.get_capabilities()
        return torch.bfloat16 if can.get("avx512_bf16") or can.get("amx_bf16") else torch.float32
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.bfloat16
    return torch.float32


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """The number format of torch's name, or the best one of a device for "auto"."""
    return best_dtype(device) if name == "auto" else getattr(torch, name)
