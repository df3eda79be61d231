"""Refinement of the learned luma coder's latents for one picture, by stochastic Gumbel annealing.

After Yang, Bamler and Mandt 2020, "Improving Inference for Neural Image Compression", section 3.2: every latent is
sampled between the integers below and above it, with a relaxation that approaches a hard choice as the temperature
falls. The gradients of the rate-distortion cost pass through the samples.
"""

from functools import partial

import torch
from torch import Tensor

from scodec.models.luma.hyperprior import BIT, HYPER_BLOCK, LumaHyperprior
from scodec.models.luma.quantizer import step
from scodec.models.luma.transforms import BLOCK

#: Number of gradient steps, and the learning rate.
STEPS, RATE = 150, 0.015
#: Adam's epsilon, in bits per quantization step of a latent: smaller gradients have little effect. Most latents'
#: gradients are noise, and with the usual epsilon these latents drift away.
EPSILON = 3.0
#: Temperature at the start and at the end.
HOT, COLD = 0.5, 0.1


def anneal(network: LumaHyperprior, x_11HW: Tensor, y: Tensor, z: Tensor, quantizer: int) -> tuple[Tensor, Tensor]:
    """Refine latents y and hyperlatents z so that they cost less once rounded; the network must be in evaluation mode.

    x: the luma (0..1) that they encode, without any padding at its right and lower edges, whose error does not count.
    The same luma gives the same latents, since the random generator is seeded.
    """
    quantizer_1 = torch.tensor([quantizer])
    y, z = (each.detach().clone().requires_grad_() for each in (y, z))
    optimizer = torch.optim.Adam([y, z], lr=RATE, eps=EPSILON)
    generator = torch.Generator().manual_seed(0)
    for number in range(STEPS):
        temperature = HOT * (COLD / HOT) ** (number / STEPS)
        output = network.coded(y, z, quantizer_1, partial(_sampled, temperature=temperature, generator=generator))
        bits = sum(-torch.log2(each).sum() for each in output["likelihoods"].values())
        loss = bits + _in_bits(output["x_hat"], x_11HW, quantizer)
        y.grad, z.grad = torch.autograd.grad(loss, (y, z))
        optimizer.step()
    return y.detach(), z.detach()


def cost(network: LumaHyperprior, x_11HW: Tensor, data: bytes, quantizer: int) -> float:
    """Rate-distortion cost in bits: length of the coded latents plus squared error of the decoded luma (see `BIT`)."""
    height, width = (-(-side // HYPER_BLOCK) * HYPER_BLOCK // BLOCK for side in x_11HW.shape[2:])
    y_hat, _ = network.decompress(data, quantizer, height, width)
    x_hat = network.synthesis(y_hat, torch.tensor([quantizer]))
    return 8 * len(data) + float(_in_bits(x_hat, x_11HW, quantizer))


def _in_bits(x_hat: Tensor, x: Tensor, quantizer: int) -> Tensor:
    """Squared error of the part of x_hat that x covers, converted to bits (see `BIT`)."""
    error = (x_hat[:, :, : x.shape[2], : x.shape[3]] - x).square().sum()
    return error / (BIT * step(torch.tensor([quantizer])).square())[0]


def _sampled(v: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """Relaxed sample (Jang et al. 2017) of the integer below or above; the nearer is likelier (Yang et al. 2020)."""
    low = v.detach().floor()
    fraction = (v - low).clamp(1e-4, 1 - 1e-4)
    logit = torch.atanh(fraction) - torch.atanh(1 - fraction)
    noise = torch.rand(v.shape, generator=generator, dtype=torch.float32).clamp(1e-6, 1 - 1e-6).logit()
    return low + torch.sigmoid((logit / temperature + noise) / temperature)
