"""Building blocks shared by the networks."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from scodec.models.convolution import conv3x3

#: Channels of the condition embedding.
CONDITION = 32


class ResBlock(nn.Module):
    """Residual block of EDSR (Lim et al. 2017, section 3.1: no normalization) with feature-wise modulation.

    The condition scales and shifts the hidden features (FiLM, Perez et al. 2018), so one network serves every
    quality and scale:

        x --conv3x3--> * (1 + gain) + shift --ReLU--> conv3x3 --(+ x)-->
    """

    def __init__(self, channels: int, hidden: int, condition: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, hidden, 3, padding=1)
        self.conv2 = nn.Conv2d(hidden, channels, 3, padding=1)
        self.film = nn.Linear(condition, 2 * hidden)
        # Start close to the identity, so that deep stacks train at a high learning rate from the first step.
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)
        with torch.no_grad():
            self.conv2.weight.mul_(0.1)

    def hidden(self, x: Tensor, condition: Tensor) -> Tensor:
        """The hidden features, behind the ReLU."""
        gain, shift = self.film(condition).chunk(2, 1)
        if (
            len(condition) == 1 and not torch.onnx.is_in_onnx_export()
        ):  # fold this into the convolution: it saves a fifth
            weight = self.conv1.weight * (1 + gain).mT[:, :, None, None]
            return conv3x3(x, weight, self.conv1.bias * (1 + gain[0]) + shift[0]).relu_()
        features = conv3x3(x, self.conv1.weight, self.conv1.bias)
        return (features * (1 + gain)[:, :, None, None] + shift[:, :, None, None]).relu_()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return conv3x3(self.hidden(x, condition), self.conv2.weight, self.conv2.bias).add_(x)


class Stage(nn.Module):
    """A sequence of `ResBlock`s at one resolution.

    blocks: their number, or the hidden channels of each.
    """

    def __init__(self, channels: int, blocks: int | Sequence[int], condition: int) -> None:
        super().__init__()
        hidden = [channels] * blocks if isinstance(blocks, int) else blocks
        self.blocks = nn.ModuleList(ResBlock(channels, each, condition) for each in hidden)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x, condition)
        return x


def down(inputs: int, outputs: int) -> nn.Module:
    """Halve the resolution."""
    return nn.Conv2d(inputs, outputs, 2, stride=2)


def up(inputs: int, outputs: int) -> nn.Module:
    """Double the resolution (sub-pixel convolution, Shi et al. 2016)."""
    return nn.Sequential(nn.Conv2d(inputs, 4 * outputs, 1), nn.PixelShuffle(2))


def condition_mlp(inputs: int, outputs: int) -> nn.Module:
    """MLP that embeds the numbers on which a network is conditioned."""
    return nn.Sequential(nn.Linear(inputs, outputs), nn.SiLU(), nn.Linear(outputs, outputs), nn.SiLU())


class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015) of conditioned stages.

    Skip connections are added, not concatenated. The last convolution is initialized to zero. widths: channels of each
    level. blocks: blocks of each level, before and behind the lower levels alike. hidden: hidden channels of the blocks
    of every stage (encoder from the top, middle, decoder from the top), if they are not the level's.

    x -> head -> [stage] ----------------(+)-> [stage] -> tail
                   down -> [stage] -(+)-> [stage] -> up
                            down -> [bottom] -> up
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        conditions: int,
        widths: Sequence[int],
        blocks: Sequence[int],
        hidden: Sequence[Sequence[int]] | None = None,
    ) -> None:
        super().__init__()
        self.condition = condition_mlp(conditions, CONDITION)
        self.head = nn.Conv2d(inputs, widths[0], 3, padding=1)
        levels = range(len(widths) - 1)
        stages: Sequence[int | Sequence[int]] = hidden or [*blocks[:-1], blocks[-1], *blocks[:-1]]
        encoder, middle, decoder = stages[: len(levels)], stages[len(levels)], stages[len(levels) + 1 :]
        self.encoder = nn.ModuleList(Stage(widths[i], encoder[i], CONDITION) for i in levels)
        self.down = nn.ModuleList(down(widths[i], widths[i + 1]) for i in levels)
        self.middle = Stage(widths[-1], middle, CONDITION)
        self.up = nn.ModuleList(up(widths[i + 1], widths[i]) for i in levels)
        self.decoder = nn.ModuleList(Stage(widths[i], decoder[i], CONDITION) for i in levels)
        self.tail = nn.Conv2d(widths[0], outputs, 3, padding=1)
        for parameter in self.tail.parameters():
            nn.init.zeros_(parameter)

    def correction(self, x: Tensor, numbers: Tensor) -> Tensor:
        """Planes (B, inputs, H, W) and conditioning numbers (B, conditions) -> planes (B, outputs, H, W)."""
        condition = self.condition(numbers)
        x = self.head(x)
        skips = []
        for stage, shrink in zip(self.encoder, self.down, strict=True):
            x = stage(x, condition)
            skips.append(x)
            x = shrink(x)
        x = self.bottom(x, condition)
        for stage, grow, skip in reversed(list(zip(self.decoder, self.up, skips, strict=True))):
            x = stage(grow(x).add_(skip), condition)
        return self.tail(x)

    def bottom(self, x: Tensor, condition: Tensor) -> Tensor:
        """The stage at the lowest resolution."""
        return self.middle(x, condition)
