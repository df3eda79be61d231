"""Latents of the learned luma coder refined for one picture: stochastic Gumbel annealing.

After Yang, Bamler and Mandt 2020, "Improving Inference for Neural Image Compression", section 3.2: every latent is
drawn from its two neighbouring symbols, the surer the colder it gets, and gradients of the cost go through the draw.
"""

from functools import partial

import torch
from torch import Tensor

from scodec.models.luma.hyperprior import BIT, HYPER_BLOCK, LumaHyperprior, step
from scodec.models.luma.transforms import BLOCK

#: Steps of gradient descent, and its rate.
STEPS, RATE = 150, 0.015
#: Adam's epsilon, in bits a step of a latent: of gradients below it little is made. Most latents' gradients are noise,
#: and with the usual one they wander off.
EPSILON = 3.0
#: Temperatures at the start and at the end.
HOT, COLD = 0.5, 0.1


def anneal(network: LumaHyperprior, x_11HW: Tensor, y: Tensor, z: Tensor, quantizer: int) -> tuple[Tensor, Tensor]:
    """Latents and hyperlatents that cost less than y and z once they are rounded; the network is in evaluation mode.

    x: the luma in 0..1 that they stand for, or its upper left part where the rest is padding, whose error is no matter.
    The same luma gives the same latents: the draws are seeded.
    """
    quantizer_1 = torch.tensor([quantizer])
    y, z = (each.detach().clone().requires_grad_() for each in (y, z))
    optimizer = torch.optim.Adam([y, z], lr=RATE, eps=EPSILON)
    generator = torch.Generator().manual_seed(0)
    for number in range(STEPS):
        temperature = HOT * (COLD / HOT) ** (number / STEPS)
        output = network.coded(y, z, quantizer_1, partial(_drawn, temperature=temperature, generator=generator))
        bits = sum(-torch.log2(each).sum() for each in output["likelihoods"].values())
        loss = bits + _in_bits(output["x_hat"], x_11HW, quantizer)
        y.grad, z.grad = torch.autograd.grad(loss, (y, z))
        optimizer.step()
    return y.detach(), z.detach()


def cost(network: LumaHyperprior, x_11HW: Tensor, data: bytes, quantizer: int) -> float:
    """Bits of coded latents and, in bits, the error of the luma that they give."""
    height, width = (-(-side // HYPER_BLOCK) * HYPER_BLOCK // BLOCK for side in x_11HW.shape[2:])
    y_hat, _ = network.decompress(data, quantizer, height, width)
    x_hat = network.synthesis(y_hat, torch.tensor([quantizer]))
    return 8 * len(data) + float(_in_bits(x_hat, x_11HW, quantizer))


def _in_bits(x_hat: Tensor, x: Tensor, quantizer: int) -> Tensor:
    """What a squared error is worth (see `BIT`)."""
    error = (x_hat[:, :, : x.shape[2], : x.shape[3]] - x).square().sum()
    return error / (BIT * step(torch.tensor([quantizer])).square())[0]


def _drawn(v: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
    """A relaxed draw (Jang et al. 2017) of the symbols below and above, the likelier the nearer (Yang et al. 2020)."""
    low = v.detach().floor()
    up = (v - low).clamp(1e-4, 1 - 1e-4)
    odds = torch.atanh(up) - torch.atanh(1 - up)
    noise = torch.rand(v.shape, generator=generator).clamp(1e-6, 1 - 1e-6).logit()
    return low + torch.sigmoid((odds / temperature + noise) / temperature)
