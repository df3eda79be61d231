"""Losses."""

import torch
from torch import Tensor

#: RGB change per unit of Cb and Cr (JFIF matrix): rows R, G, B.
RGB_OF_CHROMA = torch.tensor([[0.0, 1.402], [-0.344136, -0.714136], [1.772, 0.0]])


def rms(error: Tensor) -> Tensor:
    """Root mean square over each sample of a batch, then the mean.

    Between MSE, which the hardest pictures rule, and log-MSE (mean PSNR), which the emptiest patches rule.
    """
    return (error.float().square().mean((1, 2, 3)) + 1e-6).sqrt().mean()


def chroma_rms(error_B2HW: Tensor) -> Tensor:
    """`rms` of the RGB error that a chroma error causes when the luma is true."""
    return rms(torch.einsum("rc,bchw->brhw", RGB_OF_CHROMA.to(error_B2HW), error_B2HW))
