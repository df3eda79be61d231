"""A learned coder of luma: mean-scale hyperprior (Minnen et al. 2018) with a checkerboard context (He et al. 2021).

       x --g_a--> y --gain--> Q --> y_hat --inverse gain--> g_s --> x_hat
                  |           ^
                 h_a        mean, scale <-- entropy_parameters <-+-- context_prediction <-- every second y_hat
                  |                                              |
                  z --> Q --> z_hat -----------------------------+-- h_s

Analysis and synthesis start as a 16 x 16 DCT, which is a transform coder already, beside convolutions that start at
zero: a short training then goes where it pays. One model serves all rates: the gains are a step as a function of the
quantizer, with corrections for every channel (after Cui et al. 2021). What entropy decoding depends on is evaluated
exactly (models/exact.py).
"""

import math
import zlib
from typing import Any

import numpy as np
import torch
from compressai.ans import BufferedRansEncoder, RansDecoder
from compressai.entropy_models import EntropyBottleneck, EntropyModel, GaussianConditional
from compressai.models import CompressionModel
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models import exact
from scodec.models.blocks import CONDITION, Stage, condition_mlp, down, up

#: Side of the blocks, and of what a hyperlatent sees of the picture.
BLOCK, HYPER_BLOCK = 16, 64
#: Quantization step of the coefficients of an orthonormal transform of luma in 0..1, at quantizer 0 and 63.
FINEST, COARSEST = 3 / 255, 192 / 255
#: Standard deviations of the Gaussian tables, and between which logarithms, in fixed point, each is taken.
SCALES = np.exp(np.linspace(math.log(0.11), math.log(64), 64))
THRESHOLDS = np.rint(np.log(SCALES[:-1] * SCALES[1:]) / 2 * exact.UNIT).tolist()

# Shape suffixes: B batch, H and W height and width of the luma (multiples of 64), h and w those of y, 1/16.


def step(quantizer_B: Tensor) -> Tensor:
    """Quantization step at a quantizer of 0 to 63."""
    return FINEST * (COARSEST / FINEST) ** (quantizer_B.float() / 63)


class LumaHyperprior(CompressionModel):
    """See the module. channels: of y; hyper: of z; widths: of the convolutions at 1/4, 1/8 and 1/16 of the size."""

    def __init__(self, channels: int = 192, hyper: int = 64, widths: tuple[int, ...] = (64, 96, 128)) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"channels": channels, "hyper": hyper, "widths": list(widths)}
        self.condition = condition_mlp(2, CONDITION)
        self.g_a = Analysis(channels, widths)
        self.g_s = Synthesis(channels, widths)
        self.log_gain = nn.Parameter(torch.zeros(2, channels))
        self.log_inverse = nn.Parameter(torch.zeros(2, channels))
        self.h_a = nn.Sequential(
            nn.Conv2d(channels, 128, 3, padding=1), nn.ReLU(), nn.Conv2d(128, 96, 5, 2, 2), nn.ReLU(),
            nn.Conv2d(96, hyper, 5, 2, 2),
        )  # fmt: skip
        self.h_s = nn.Sequential(
            nn.Conv2d(hyper, 96, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2),
            nn.Conv2d(96, 128, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2),
            nn.Conv2d(128, 160, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.context_prediction = nn.Sequential(nn.Conv2d(channels, 160, 3, padding=1), nn.ReLU())
        self.entropy_parameters = nn.Sequential(
            nn.Conv2d(320, 256, 1), nn.ReLU(), nn.Conv2d(256, 256, 1), nn.ReLU(), nn.Conv2d(256, 2 * channels, 1)
        )
        self.entropy_bottleneck = EntropyBottleneck(hyper)
        self.gaussian_conditional = GaussianConditional(SCALES.tolist())

    def forward(self, x_B1HW: Tensor, quantizer_B: Tensor) -> dict[str, Any]:
        """Luma in 0..1 -> {"x_hat", "likelihoods": {"y", "z"}}."""
        condition = self._condition(quantizer_B)
        y = self.g_a(x_B1HW - 0.5, condition) * self._gain(self.log_gain, quantizer_B, -1)
        z = self.h_a(y)
        _, z_likelihoods = self.entropy_bottleneck(z.float())
        medians = self._medians()
        hyper = self.h_s(_rounded(z - medians) + medians)
        anchors = checkerboard(y.shape[2], y.shape[3], y.device)
        mean, log_scale = self._predicted(hyper, torch.zeros_like(hyper))
        y_anchors = (_rounded(y - mean) + mean) * anchors
        later_mean, later_log_scale = self._predicted(hyper, self.context_prediction(y_anchors))
        mean = torch.where(anchors > 0, mean, later_mean)
        log_scale = torch.where(anchors > 0, log_scale, later_log_scale)
        scale = log_scale.float().clamp(math.log(SCALES[0]) - 1, math.log(SCALES[-1])).exp()
        _, y_likelihoods = self.gaussian_conditional(y.float(), scale, mean.float())
        y_hat = (_rounded(y - mean) + mean) * self._gain(self.log_inverse, quantizer_B, 1)
        return {
            "x_hat": self.g_s(y_hat, condition) + 0.5,
            "likelihoods": {"y": y_likelihoods, "z": z_likelihoods},
        }

    def _predicted(self, hyper: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the scale, in steps."""
        mean, log_scale = self.entropy_parameters(torch.cat([hyper, context], 1)).chunk(2, 1)
        return mean, log_scale

    def update(self, *_: Any, **__: Any) -> bool:
        """Make the tables of entropy coding, once, after training; they come with the weights."""
        return super().update(torch.from_numpy(SCALES).float(), force=True)

    def compress(self, y: Tensor, quantizer: int) -> tuple[bytes, int]:
        """Latents of `analysis` (1, channels, h, w; h and w multiples of 4) -> bytes, and what `decompress` must find.

        The latter is a checksum of all symbols.
        """
        z = (self.h_a(y.float()) - self._medians()).round()
        writer, symbols = BufferedRansEncoder(), [z.int()]
        self._write(writer, z, self._channels(z), self.entropy_bottleneck)
        hyper = self._hyper(z)
        anchors = checkerboard(y.shape[2], y.shape[3], y.device).double()
        context = torch.zeros_like(hyper)
        for mask in (anchors, 1 - anchors):
            mean, index = self._exact_parameters(hyper, context)
            k = (y.double() - mean / exact.UNIT).round() * mask
            self._write(writer, k, index, self.gaussian_conditional, mask)
            symbols.append(k.int())
            context = exact.run(
                self.context_prediction, (k * exact.UNIT + mean).clamp(-exact.LARGEST, exact.LARGEST) * mask
            )
        return writer.flush(), checksum(symbols)

    def decompress(self, data: bytes, height: int, width: int) -> tuple[Tensor, int]:
        """The inverse: y_hat (1, channels, height, width) and the checksum of all symbols."""
        reader, device = RansDecoder(), self.log_gain.device
        reader.set_stream(data)
        z = torch.empty(1, self.config["hyper"], height // 4, width // 4, dtype=torch.float64, device=device)
        z = self._read(reader, z, self._channels(z), self.entropy_bottleneck)
        symbols = [z.int()]
        hyper = self._hyper(z)
        anchors = checkerboard(height, width, device).double()
        context, y_fixed = torch.zeros_like(hyper), torch.zeros(1, device=device, dtype=torch.float64)
        for mask in (anchors, 1 - anchors):
            mean, index = self._exact_parameters(hyper, context)
            k = self._read(reader, torch.zeros_like(mean), index, self.gaussian_conditional, mask)
            symbols.append(k.int())
            half = _joined(k, mean) * mask
            y_fixed = y_fixed + half
            context = exact.run(self.context_prediction, half)
        return (y_fixed / exact.UNIT).float(), checksum(symbols)

    def analysis(self, x_11HW: Tensor, quantizer: int) -> Tensor:
        """Luma in 0..1 -> y in quantization steps."""
        quantizer_1 = torch.tensor([quantizer], device=x_11HW.device)
        y = self.g_a(x_11HW - 0.5, self._condition(quantizer_1))
        return y * self._gain(self.log_gain, quantizer_1, -1)

    def synthesis(self, y_hat: Tensor, quantizer: int) -> Tensor:
        """y_hat in quantization steps -> luma, about 0..1."""
        quantizer_1 = torch.tensor([quantizer], device=y_hat.device)
        y_hat = y_hat * self._gain(self.log_inverse, quantizer_1, 1)
        return self.g_s(y_hat, self._condition(quantizer_1)) + 0.5

    def _medians(self) -> Tensor:
        return self.entropy_bottleneck.quantiles[:, :, 1][None, :, :, None].detach()

    def _hyper(self, z: Tensor) -> Tensor:
        """Symbols of z -> what h_s makes of z_hat, exactly."""
        fixed = z.double() * exact.UNIT + exact.to_fixed(self._medians())
        return exact.run(self.h_s, fixed.clamp(-exact.LARGEST, exact.LARGEST))

    def _exact_parameters(self, hyper: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
        """Mean in fixed point and position of the scale in the tables."""
        mean, log_scale = exact.run(self.entropy_parameters, torch.cat([hyper, context], 1)).chunk(2, 1)
        thresholds = torch.tensor(THRESHOLDS, device=log_scale.device, dtype=torch.float64)
        return mean, torch.bucketize(log_scale.contiguous(), thresholds)

    @staticmethod
    def _channels(z: Tensor) -> Tensor:
        """The table of every hyperlatent is that of its channel."""
        return torch.arange(z.shape[1], device=z.device)[None, :, None, None].expand(z.shape)

    @staticmethod
    def _write(writer: Any, symbols: Tensor, index: Tensor, model: EntropyModel, mask: Tensor | None = None) -> None:
        chosen = _chosen(symbols, mask)
        writer.encode_with_indexes(
            symbols[chosen].int().tolist(), index.expand_as(symbols)[chosen].int().tolist(), *_tables(model)
        )

    @staticmethod
    def _read(reader: Any, blank: Tensor, index: Tensor, model: EntropyModel, mask: Tensor | None = None) -> Tensor:
        chosen = _chosen(blank, mask)
        found = reader.decode_stream(index.expand_as(blank)[chosen].int().tolist(), *_tables(model))
        symbols = torch.zeros_like(blank)
        symbols[chosen] = torch.tensor(found, dtype=blank.dtype, device=blank.device)
        return symbols

    def _condition(self, quantizer_B: Tensor) -> Tensor:
        share = quantizer_B.float() / 63
        return self.condition(torch.stack([share, share**4], 1))

    @staticmethod
    def _gain(logs_2C: Tensor, quantizer_B: Tensor, sign: int) -> Tensor:
        share = quantizer_B.float()[:, None] / 63
        return (step(quantizer_B)[:, None] ** sign * (logs_2C[0] + logs_2C[1] * share).exp())[:, :, None, None]


class Analysis(nn.Module):
    """Luma around 0 (B, 1, H, W) -> y (B, channels, h, w)."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.linear = nn.Conv2d(1, channels, BLOCK, BLOCK, bias=False)
        self.linear.weight.data.copy_(dct(channels))
        self.head = nn.Conv2d(16, fine, 3, padding=1)
        self.stages = nn.ModuleList(
            [Stage(fine, 2, CONDITION), Stage(middle, 2, CONDITION), Stage(coarse, 1, CONDITION)]
        )
        self.down = nn.ModuleList([down(fine, middle), down(middle, coarse)])
        self.tail = zero(nn.Conv2d(coarse, channels, 1))

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        features = self.stages[0](self.head(F.pixel_unshuffle(x, 4)), condition)
        for shrink, stage in zip(self.down, self.stages[1:], strict=True):
            features = stage(shrink(features), condition)
        return self.linear(x) + self.tail(features)


class Synthesis(nn.Module):
    """y_hat (B, channels, h, w) -> luma around 0 (B, 1, H, W); the last stage also sees what the DCT alone gives."""

    def __init__(self, channels: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        fine, middle, coarse = widths
        self.linear = nn.ConvTranspose2d(channels, 1, BLOCK, BLOCK, bias=False)
        self.linear.weight.data.copy_(dct(channels))
        self.head = nn.Conv2d(channels, coarse, 1)
        self.seen = nn.Conv2d(16, fine, 3, padding=1)
        self.stages = nn.ModuleList(
            [Stage(coarse, 1, CONDITION), Stage(middle, 2, CONDITION), Stage(fine, 3, CONDITION)]
        )
        self.up = nn.ModuleList([up(coarse, middle), up(middle, fine)])
        self.tail = zero(nn.Conv2d(fine, 16, 3, padding=1))

    def forward(self, y_hat: Tensor, condition: Tensor) -> Tensor:
        plain = self.linear(y_hat)
        features = self.up[0](self.stages[0](self.head(y_hat), condition))
        features = self.up[1](self.stages[1](features, condition))
        features = self.stages[2](features + self.seen(F.pixel_unshuffle(plain, 4)), condition)
        return plain + F.pixel_shuffle(self.tail(features), 4)


def checkerboard(height: int, width: int, device: torch.device) -> Tensor:
    """1 where the anchors are, which are decoded first, 0 elsewhere (1, 1, height, width)."""
    rows, columns = torch.arange(height, device=device), torch.arange(width, device=device)
    return ((rows[:, None] + columns) % 2 == 0).float()[None, None]


def dct(channels: int) -> Tensor:
    """The orthonormal DCT-II of 16 x 16 blocks, its lowest frequencies first (channels, 1, 16, 16)."""
    at = np.arange(BLOCK)
    basis = np.cos(np.pi / BLOCK * (at + 0.5) * at[:, None]) * math.sqrt(2 / BLOCK)
    basis[0] /= math.sqrt(2)
    order = sorted(((u, v) for u in at for v in at), key=lambda uv: (uv[0] ** 2 + uv[1] ** 2, uv[0]))
    filters = [np.outer(basis[u], basis[v]) for u, v in order[:channels]]
    return torch.from_numpy(np.stack(filters)[:, None]).float()


def zero(layer: nn.Conv2d) -> nn.Conv2d:
    """A convolution that gives nothing until it is trained."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def checksum(symbols: list[Tensor]) -> int:
    """16 bits of the CRC-32 of all symbols: a decoder that read other ones says so."""
    content = b"".join(each.to("cpu", torch.int32).numpy().astype("<i4").tobytes() for each in symbols)
    return zlib.crc32(content) & 0xFFFF


def _chosen(symbols: Tensor, mask: Tensor | None) -> Tensor:
    return torch.ones_like(symbols, dtype=torch.bool) if mask is None else (mask > 0).expand_as(symbols)


def _joined(k: Tensor, mean: Tensor) -> Tensor:
    """Symbols and means in fixed point -> y_hat in fixed point."""
    return (k * exact.UNIT + mean).clamp(-exact.LARGEST, exact.LARGEST)


def _tables(model: EntropyModel) -> tuple[list, list, list]:
    return model.quantized_cdf.tolist(), model.cdf_length.flatten().tolist(), model.offset.flatten().tolist()


def _rounded(x: Tensor) -> Tensor:
    """Rounding whose gradient is the identity."""
    return x + (x.round() - x).detach()
