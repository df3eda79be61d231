"""Learned luma coder: a mean-scale hyperprior (Minnen et al. 2018) with a spatial checkerboard context (He et al. 2021)
and a context across groups of channels (He et al. 2022).

       x --g_a--> y --gain--> Q --> y_hat --inverse gain--> g_s --> x_hat
                  |           ^
                 h_a        mean, scale <-- entropy_parameters <-+-- context_prediction <-- y_hat so far
                  |                                              |
                  z --> Q --> z_hat -----------------------------+-- h_s

Analysis and synthesis are initialized as a 16 x 16 DCT; the synthesis also has convolutions, which are initialized to
zero. The untrained model is thus a working transform coder already, and even a short training run improves on it. One
model covers all rates: the gains are the quantization step, a function of the quantizer, times learned corrections per
channel (after Cui et al. 2021). Everything that entropy decoding depends on is computed in exact arithmetic
(models/luma/exact.py).
"""

import math
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from compressai.ans import BufferedRansEncoder, RansDecoder
from compressai.entropy_models import EntropyBottleneck, EntropyModel, GaussianConditional
from compressai.models import CompressionModel
from torch import Tensor, nn
from torch.nn import functional as F

from scodec.models.blocks import CONDITION, condition_mlp
from scodec.models.luma import exact
from scodec.models.luma.quantizer import BANDS, KNOTS, band, interpolated, normalized, step, with_planes
from scodec.models.luma.transforms import Analysis, Synthesis

#: Side of the block that one hyperlatent covers, in pixels.
HYPER_BLOCK = 64
#: Channels of the features from which entropy_parameters predicts means and scales: of h_s, and of context_prediction.
HYPER_FEATURES, CONTEXT_FEATURES = 160, 96
#: Rate-distortion trade-off: one bit is worth a squared error of this many squared quantization steps, hence the cost
#: R + D / (BIT * step^2). High-rate theory gives ln 2 / 6 = 0.12 (the squared error of a uniform quantizer is a twelfth
#: of the squared step and falls by 6 dB per bit); dead zones require more.
BIT = 0.17
#: Default of the parameter `patience` of `compress`.
PATIENCE = 0.2
#: Coding order of the four positions in every 2 x 2 block of latents of a group, numbered row by row: the first two
#: positions form one half of a checkerboard (He et al. 2021).
ORDER = (0, 3, 1, 2)
#: Standard deviations of the Gaussian tables, and the thresholds between them: logarithms in fixed point.
SCALES = np.exp(np.linspace(math.log(0.11), math.log(64), 64))
THRESHOLDS = np.rint(np.log(SCALES[:-1] * SCALES[1:]) / 2 * exact.UNIT).tolist()

#: Position of latents in y: channels, rows, columns.
Place = tuple[slice, slice, slice]
#: For every table: its cumulative frequencies, their number, and its first symbol.
Tables = tuple[list[list[int]], list[int], list[int]]

# Shape suffixes: B batch, H and W height and width of the luma (multiples of 64), h and w those of y (1/16 of H and W).


def rounded(x: Tensor) -> Tensor:
    """Rounding with a straight-through gradient."""
    return x + (x.round() - x).detach()


class LumaHyperprior(CompressionModel):
    """The learned luma coder (see the module's description).

    groups: channels of each group of y; hyper: channels of z; widths: channels of g_s at 1/4, 1/8 and 1/16 of the size.
    """

    def __init__(
        self,
        groups: tuple[int, ...] = (6, 18, 24, 48, 96),
        hyper: int = 64,
        widths: tuple[int, ...] = (64, 96, 128),
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"groups": list(groups), "hyper": hyper, "widths": list(widths)}
        channels = sum(groups)
        self.groups = [slice(sum(groups[:i]), sum(groups[: i + 1])) for i in range(len(groups))]
        self.condition = condition_mlp(2, CONDITION)
        self.g_a = Analysis(channels)
        self.g_s = Synthesis(channels, widths)
        self.log_gain = nn.Parameter(torch.zeros(KNOTS, channels))
        self.log_inverse = nn.Parameter(torch.zeros(KNOTS, channels))
        self.log_hyper_gain = nn.Parameter(torch.zeros(KNOTS, hyper))
        self.h_a = nn.Sequential(
            nn.Conv2d(channels + 2, 128, 3, padding=1), nn.ReLU(),
            nn.Conv2d(128, 96, 3, 2, 1), nn.ReLU(),
            nn.Conv2d(96, hyper, 3, 2, 1),
        )  # fmt: skip
        self.h_s = nn.Sequential(
            nn.Conv2d(hyper + 2, 96, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2),
            nn.Conv2d(96, 128, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2),
            nn.Conv2d(128, HYPER_FEATURES, 3, padding=1), nn.ReLU(),
        )  # fmt: skip
        self.context_prediction = nn.ModuleList(
            nn.Sequential(nn.Conv2d(group.stop, CONTEXT_FEATURES, 3, 2), nn.ReLU()) for group in self.groups
        )
        self.entropy_parameters = nn.ModuleList(
            nn.Sequential(nn.Conv2d(HYPER_FEATURES + CONTEXT_FEATURES, 192, 1), nn.ReLU(), nn.Conv2d(192, 2 * size, 1))
            for size in groups
        )
        self.entropy_bottleneck = EntropyBottleneck(BANDS * hyper, init_scale=3.0)
        self.gaussian_conditional = GaussianConditional(SCALES.tolist())

    def forward(self, x_B1HW: Tensor, quantizer_B: Tensor) -> dict[str, Any]:
        """Luma in 0..1 -> {"x_hat", "likelihoods": {"y", "z"}}."""
        y = self.analysis(x_B1HW, quantizer_B)
        return self.coded(y, self.hyper_analysis(y, quantizer_B), quantizer_B)

    def coded(
        self, y: Tensor, z: Tensor, quantizer_B: Tensor, rounded: Callable[[Tensor], Tensor] = rounded
    ) -> dict[str, Any]:
        """The output of `forward`, from the latents that `analysis` and `hyper_analysis` return.

        rounded: rounding, or a substitute for it. In training mode the likelihoods are computed with additive noise in
        place of rounding (Ballé et al. 2017).
        """
        medians = self._medians(quantizer_B)
        z_hat = rounded(z - medians) + medians
        y_hat, mean, scale = self._predicted(y, self.h_s(with_planes(z_hat, quantizer_B)), rounded)
        if self.training:
            y_likelihoods = self.gaussian_conditional(y.float(), scale.float(), mean.float())[1]
        else:  # in evaluation mode CompressAI's forward would round by itself
            y_likelihoods = self.gaussian_conditional._likelihood(y_hat.float(), scale.float(), mean.float())
            y_likelihoods = self.gaussian_conditional.likelihood_lower_bound(y_likelihoods)
        z_likelihoods = self._hyper_likelihoods((z if self.training else z_hat).float(), quantizer_B)
        return {
            "x_hat": self.synthesis(y_hat, quantizer_B),
            "likelihoods": {"y": y_likelihoods, "z": z_likelihoods},
        }

    def _predicted(
        self, y: Tensor, hyper: Tensor, rounded: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """y_hat, and the predicted means and standard deviations of y."""
        y_hat, means, scales, hyper_cells = y.new_zeros(len(y), 0, *y.shape[2:]), [], [], _cells(hyper)
        for group, context, parameters in zip(
            self.groups, self.context_prediction, self.entropy_parameters, strict=True
        ):
            cells = _cells(y[:, group])
            decoded, mean, log_scale = ([torch.zeros_like(cells[0])] * 4 for _ in range(3))
            for cell in ORDER:
                neighbours = _around(torch.cat([y_hat, _whole(decoded)], 1), cell)
                features = torch.cat([hyper_cells[cell], context(neighbours)], 1)
                mean[cell], log_scale[cell] = parameters(features).float().chunk(2, 1)
                decoded[cell] = rounded(cells[cell] - mean[cell]) + mean[cell]
            y_hat = torch.cat([y_hat, _whole(decoded)], 1)
            means.append(_whole(mean))
            scales.append(_whole(log_scale).clamp(math.log(SCALES[0]) - 1, math.log(SCALES[-1])).exp())
        return y_hat, torch.cat(means, 1), torch.cat(scales, 1)

    def update(self, *_: Any, **__: Any) -> bool:
        """Build the entropy coding tables. Called once after training; the tables are stored with the weights."""
        return super().update(torch.from_numpy(SCALES).float(), force=True)

    def compress(self, y: Tensor, z: Tensor, quantizer: int, patience: float = PATIENCE) -> tuple[bytes, int]:
        """Latents (1, channels, h, w; h and w multiples of 4) and hyperlatents -> bytes and checksum of all symbols.

        `decompress` must arrive at the same checksum. patience: weight of a symbol's bits against its error when it is
        chosen (see `_rd_rounded`); with 0 every symbol is the nearest one.
        """
        quantizer_1 = torch.tensor([quantizer], device=y.device)
        z = (z - self._medians(quantizer_1)).round()
        writer, coded = BufferedRansEncoder(), [z]
        z_tables, y_tables = _tables(self.entropy_bottleneck), _tables(self.gaussian_conditional)

        def write(symbols: Tensor, index: Tensor, tables: Tables) -> None:
            writer.encode_with_indexes(symbols.int().tolist(), index.tolist(), *tables)

        def code(place: Place, mean: Tensor, index: Tensor) -> Tensor:
            symbols = _rd_rounded(y[0][place] - (mean / exact.UNIT).float(), index, patience)
            write(symbols[index > 0], index[index > 0], y_tables)
            coded.append(symbols)
            return symbols

        write(z.flatten(), self._z_table_index(z, quantizer).flatten(), z_tables)
        self._code_latents(self._hyper(z, quantizer_1), code)
        return writer.flush(), checksum(coded)

    def decompress(self, data: bytes, quantizer: int, height: int, width: int) -> tuple[Tensor, int]:
        """The inverse of `compress`: y_hat (1, channels, height, width) and the checksum of all symbols."""
        device = self.log_gain.device
        quantizer_1 = torch.tensor([quantizer], device=device)
        reader, decoded = RansDecoder(), []
        z_tables, y_tables = _tables(self.entropy_bottleneck), _tables(self.gaussian_conditional)
        # padded with zeros: the decoder does not check for the end of the data
        reader.set_stream(data + bytes(4 * self.groups[-1].stop * height * width + 4096))

        def read(index: Tensor, tables: Tables) -> Tensor:
            symbols = reader.decode_stream(index.tolist(), *tables)
            return torch.tensor(symbols, dtype=torch.float64, device=device)

        def code(_: Place, __: Tensor, index: Tensor) -> Tensor:
            symbols = torch.zeros(index.shape, dtype=torch.float64, device=device)
            symbols[index > 0] = read(index[index > 0], y_tables)
            decoded.append(symbols)
            return symbols

        z = torch.empty(1, self.config["hyper"], height // 4, width // 4, device=device)
        z = read(self._z_table_index(z, quantizer).flatten(), z_tables).view(z.shape)
        decoded.append(z)
        y_fixed = self._code_latents(self._hyper(z, quantizer_1), code)
        return (y_fixed / exact.UNIT).float(), checksum(decoded)

    def _code_latents(self, hyper: Tensor, code: Callable[[Place, Tensor, Tensor], Tensor]) -> Tensor:
        """Go through all latents in coding order; returns y_hat in fixed point.

        `code` writes or reads symbols: it gets their position in y[0], their means in fixed point and the indices of
        the tables for their scales, and returns the symbols. Symbols with table 0 are 0 and not coded.
        """
        y_fixed = hyper.new_zeros(1, self.groups[-1].stop, *hyper.shape[2:])
        thresholds = torch.tensor(THRESHOLDS, device=hyper.device, dtype=torch.float64)
        for group, context, parameters in zip(
            self.groups, self.context_prediction, self.entropy_parameters, strict=True
        ):
            assert isinstance(context, nn.Sequential) and isinstance(parameters, nn.Sequential)
            for cell in ORDER:
                row, column = divmod(cell, 2)
                place = group, slice(row, None, 2), slice(column, None, 2)
                context_features = exact.run(context, _around(y_fixed[:, : group.stop], cell))
                features = torch.cat([hyper[:, :, *place[1:]], context_features], 1)
                mean, log_scale = exact.run(parameters, features)[0].chunk(2, 0)
                symbols = code(place, mean, torch.bucketize(log_scale.contiguous(), thresholds))
                y_fixed[0][place] = (symbols * exact.UNIT + mean).clamp(-exact.LARGEST, exact.LARGEST)
        return y_fixed

    def analysis(self, x_B1HW: Tensor, quantizer_B: Tensor) -> Tensor:
        """Luma in 0..1 -> y in units of the quantization step."""
        y = self.g_a(x_B1HW - 0.5)
        return y * self._gain(self.log_gain, quantizer_B, -1)

    def hyper_analysis(self, y: Tensor, quantizer_B: Tensor) -> Tensor:
        """y (B, channels, h, w; h and w multiples of 4) -> z (B, hyper, h/4, w/4) in units of its quantization step."""
        return self.h_a(with_planes(y, quantizer_B)) * interpolated(self.log_hyper_gain, quantizer_B).exp()

    def synthesis(self, y_hat: Tensor, quantizer_B: Tensor) -> Tensor:
        """y_hat in units of the quantization step -> luma, about 0..1."""
        y_hat = y_hat * self._gain(self.log_inverse, quantizer_B, 1)
        return self.g_s(y_hat, self._condition(quantizer_B)) + 0.5

    def _hyper_likelihoods(self, z: Tensor, quantizer_B: Tensor) -> Tensor:
        """Likelihoods of z by the distributions of each sample's band; those of the other bands are given zeros."""
        band_B = band(quantizer_B)
        wide = F.one_hot(band_B, BANDS)[:, :, None, None, None] * z[:, None]
        if self.training:
            likelihoods = self.entropy_bottleneck(wide.flatten(1, 2))[1]
        else:
            values = wide.flatten(1, 2).transpose(0, 1)
            likelihoods = self.entropy_bottleneck._likelihood(values.flatten(1)[:, None])[0]
            likelihoods = self.entropy_bottleneck.likelihood_lower_bound(likelihoods)
            likelihoods = likelihoods.view(values.shape).transpose(0, 1)
        return likelihoods.reshape(wide.shape)[torch.arange(len(z), device=z.device), band_B]

    def _medians(self, quantizer_B: Tensor) -> Tensor:
        medians = self.entropy_bottleneck.quantiles[:, 0, 1].detach().view(BANDS, -1)
        return medians[band(quantizer_B)][:, :, None, None]

    def _hyper(self, z: Tensor, quantizer_1: Tensor) -> Tensor:
        """Symbols of z -> h_s(z_hat) in exact arithmetic."""
        fixed = z.double() * exact.UNIT + exact.to_fixed(self._medians(quantizer_1))
        fixed = with_planes(fixed.clamp(-exact.LARGEST, exact.LARGEST) / exact.UNIT, quantizer_1)
        return exact.run(self.h_s, exact.to_fixed(fixed))

    @staticmethod
    def _z_table_index(z: Tensor, quantizer: int) -> Tensor:
        """Index of every hyperlatent's table; there is one table per band and channel."""
        first = quantizer * BANDS // 64 * z.shape[1]
        return torch.arange(first, first + z.shape[1], device=z.device)[None, :, None, None].expand(z.shape)

    def _condition(self, quantizer_B: Tensor) -> Tensor:
        q = normalized(quantizer_B)
        return self.condition(torch.stack([q, q**4], 1))

    @staticmethod
    def _gain(logs: Tensor, quantizer_B: Tensor, sign: int) -> Tensor:
        return step(quantizer_B)[:, None, None, None] ** sign * interpolated(logs, quantizer_B).exp()


def checksum(symbols: list[Tensor]) -> int:
    """16 bits of the CRC-32 of all symbols, by which a decoder detects that it has read wrong ones."""
    content = b"".join(each.to("cpu", torch.int32).numpy().astype("<i4").tobytes() for each in symbols)
    return zlib.crc32(content) & 0xFFFF


def _rd_rounded(y: Tensor, index: Tensor, patience: float) -> Tensor:
    """Rate-distortion optimized rounding of latents less their means, in units of the quantization step.

    A symbol is the nearest integer, or the next one towards 0 if the bits saved outweigh the additional error. As the
    transform is nearly orthonormal, the squared error of a latent is also that of the picture.
    """
    scale = torch.from_numpy(SCALES).float().to(y.device)[index]

    def cost(k: Tensor) -> Tensor:
        upper, lower = (torch.special.ndtr((half - k.abs()) / scale) for half in (0.5, -0.5))
        return (y - k).square() / BIT - patience * (upper - lower).clamp_min(1e-9).log2()

    nearest = y.round()
    smaller = nearest - nearest.sign()
    return torch.where(cost(smaller) < cost(nearest), smaller, nearest).double() * (index > 0)


def _cells(x: Tensor) -> tuple[Tensor, ...]:
    """Split planes (B, C, h, w) by position in their 2 x 2 blocks, row by row: four planes (B, C, h/2, w/2)."""
    return F.pixel_unshuffle(x, 2).unflatten(1, (-1, 4)).unbind(2)


def _whole(cells: list[Tensor]) -> Tensor:
    """The inverse of `_cells`."""
    return F.pixel_shuffle(torch.stack(cells, 2).flatten(1, 2), 2)


def _around(x: Tensor, cell: int) -> Tensor:
    """Pad so that a 3 x 3 convolution of stride 2 is centred on position `cell` (0 to 3) of every 2 x 2 block."""
    row, column = divmod(cell, 2)
    return F.pad(x, (1 - column, column, 1 - row, row))


def _tables(model: EntropyModel) -> Tables:
    lengths = model.cdf_length.flatten().tolist()
    frequencies = [row[:length] for row, length in zip(model.quantized_cdf.tolist(), lengths, strict=True)]
    return frequencies, lengths, model.offset.flatten().tolist()
