"""A learned coder of luma: mean-scale hyperprior (Minnen et al. 2018) with a context in space (He et al. 2021) and
among groups of channels (He et al. 2022).

       x --g_a--> y --gain--> Q --> y_hat --inverse gain--> g_s --> x_hat
                  |           ^
                 h_a        mean, scale <-- entropy_parameters <-+-- context_prediction <-- y_hat so far
                  |                                              |
                  z --> Q --> z_hat -----------------------------+-- h_s

Analysis and synthesis start as a 16 x 16 DCT, which is a transform coder already, the latter beside convolutions that
start at zero: a short training then goes where it pays. One model serves all rates: the gains are a step as a function
of the quantizer, with corrections for every channel (after Cui et al. 2021). What entropy decoding depends on is
evaluated exactly (models/exact.py).
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
from scodec.models.luma.transforms import Analysis, Synthesis

#: Side of what a hyperlatent stands for, in pixels.
HYPER_BLOCK = 64
#: The quantizers fall into so many bands, each with tables of its own for z, whose bits weigh most at low rates.
BANDS = 4
#: Features that entropy parameters are made of.
HYPER_FEATURES, CONTEXT_FEATURES = 160, 96
#: Quantization step of the coefficients of an orthonormal transform of luma in 0..1, at quantizer 0 and 63.
FINEST, COARSEST = 3 / 255, 192 / 255
#: A bit costs as much as this many squared steps of error: what high-rate theory gives is ln 2 / 6 = 0.12 (a uniform
#: quantizer's error is a twelfth of the squared step, and falls by 6 dB a bit); dead zones ask for more.
BIT = 0.17
#: See `compress`.
PATIENCE = 0.2
#: In what order the latents of every 2 x 2 of a group are coded, numbered row by row: the first two are one half of a
#: checkerboard (He et al. 2021).
ORDER = (0, 3, 1, 2)
#: Knots of the gains' logarithms over the quantizers (see `_interpolated`).
KNOTS = 5
#: Standard deviations of the Gaussian tables, and between which logarithms, in fixed point, each is taken.
SCALES = np.exp(np.linspace(math.log(0.11), math.log(64), 64))
THRESHOLDS = np.rint(np.log(SCALES[:-1] * SCALES[1:]) / 2 * exact.UNIT).tolist()

#: Where latents are: channels, rows, columns.
Place = tuple[slice, slice, slice]
#: Cumulative frequencies of every table, its length, and its first symbol.
Tables = tuple[list[list[int]], list[int], list[int]]

# Shape suffixes: B batch, H and W height and width of the luma (multiples of 64), h and w those of y, 1/16.


def step(quantizer_B: Tensor) -> Tensor:
    """Quantization step at a quantizer of 0 to 63."""
    return FINEST * (COARSEST / FINEST) ** (quantizer_B.float() / 63)


def rounded(x: Tensor) -> Tensor:
    """Rounding whose gradient is the identity."""
    return x + (x.round() - x).detach()


class LumaHyperprior(CompressionModel):
    """See the module. groups: channels of y, group by group; hyper: of z; widths: of g_s at 1/4, 1/8 and 1/16 of the
    size."""

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
        """What `forward` gives, from the latents of `analysis` and `hyper_analysis`.

        rounded: stands for rounding. In training noise does where bits are counted (Ballé et al. 2017).
        """
        medians = self._medians(quantizer_B)
        z_hat = rounded(z - medians) + medians
        y_hat, mean, scale = self._predicted(y, self.h_s(_with_planes(z_hat, quantizer_B)), rounded)
        if self.training:
            y_likelihoods = self.gaussian_conditional(y.float(), scale.float(), mean.float())[1]
        else:  # in evaluation CompressAI's forward rounds by itself
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
        """Latents as they will be decoded, and the means and standard deviations they are coded with."""
        y_hat, means, scales, hyper_cells = y.new_zeros(len(y), 0, *y.shape[2:]), [], [], _cells(hyper)
        for group, context, parameters in zip(
            self.groups, self.context_prediction, self.entropy_parameters, strict=True
        ):
            cells = _cells(y[:, group])
            known, mean, log_scale = ([torch.zeros_like(cells[0])] * 4 for _ in range(3))
            for cell in ORDER:
                seen = _around(torch.cat([y_hat, _whole(known)], 1), cell)
                features = torch.cat([hyper_cells[cell], context(seen)], 1)
                mean[cell], log_scale[cell] = parameters(features).float().chunk(2, 1)
                known[cell] = rounded(cells[cell] - mean[cell]) + mean[cell]
            y_hat = torch.cat([y_hat, _whole(known)], 1)
            means.append(_whole(mean))
            scales.append(_whole(log_scale).clamp(math.log(SCALES[0]) - 1, math.log(SCALES[-1])).exp())
        return y_hat, torch.cat(means, 1), torch.cat(scales, 1)

    def update(self, *_: Any, **__: Any) -> bool:
        """Make the tables of entropy coding, once, after training; they come with the weights."""
        return super().update(torch.from_numpy(SCALES).float(), force=True)

    def compress(self, y: Tensor, z: Tensor, quantizer: int, patience: float = PATIENCE) -> tuple[bytes, int]:
        """Latents (1, channels, h, w; h and w multiples of 4), hyperlatents -> bytes, what `decompress` must find.

        The latter is a checksum of all symbols. patience: share of its bits that may be held against a symbol; 0 takes
        the nearest ones.
        """
        quantizer_1 = torch.tensor([quantizer], device=y.device)
        z = (z - self._medians(quantizer_1)).round()
        writer, found = BufferedRansEncoder(), [z]
        of_z, of_y = _tables(self.entropy_bottleneck), _tables(self.gaussian_conditional)

        def write(symbols: Tensor, index: Tensor, tables: Tables) -> None:
            writer.encode_with_indexes(symbols.int().tolist(), index.tolist(), *tables)

        def code(place: Place, mean: Tensor, index: Tensor) -> Tensor:
            k = _worthwhile(y[0][place] - (mean / exact.UNIT).float(), index, patience)
            write(k[index > 0], index[index > 0], of_y)
            found.append(k)
            return k

        write(z.flatten(), self._tables_of(z, quantizer).flatten(), of_z)
        self._walk(self._hyper(z, quantizer_1), code)
        return writer.flush(), checksum(found)

    def decompress(self, data: bytes, quantizer: int, height: int, width: int) -> tuple[Tensor, int]:
        """The inverse: y_hat (1, channels, height, width) and the checksum of all symbols."""
        device = self.log_gain.device
        quantizer_1 = torch.tensor([quantizer], device=device)
        reader, found = RansDecoder(), []
        of_z, of_y = _tables(self.entropy_bottleneck), _tables(self.gaussian_conditional)
        reader.set_stream(data + bytes(4 * self.groups[-1].stop * height * width + 4096))  # it never asks for the end

        def read(index: Tensor, tables: Tables) -> Tensor:
            symbols = reader.decode_stream(index.tolist(), *tables)
            return torch.tensor(symbols, dtype=torch.float64, device=device)

        def code(_: Place, __: Tensor, index: Tensor) -> Tensor:
            k = torch.zeros(index.shape, dtype=torch.float64, device=device)
            k[index > 0] = read(index[index > 0], of_y)
            found.append(k)
            return k

        z = torch.empty(1, self.config["hyper"], height // 4, width // 4, device=device)
        z = read(self._tables_of(z, quantizer).flatten(), of_z).view(z.shape)
        found.append(z)
        y_fixed = self._walk(self._hyper(z, quantizer_1), code)
        return (y_fixed / exact.UNIT).float(), checksum(found)

    def _walk(self, hyper: Tensor, code: Callable[[Place, Tensor, Tensor], Tensor]) -> Tensor:
        """All latents in fixed point, in the order in which they are coded.

        `code` writes or reads symbols: where they are in y[0], then of each of them the mean in fixed point and the
        number of the scale's table -> symbols. Those of table 0 are 0 and not coded.
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
                seen = exact.run(context, _around(y_fixed[:, : group.stop], cell))
                features = torch.cat([hyper[:, :, *place[1:]], seen], 1)
                mean, log_scale = exact.run(parameters, features)[0].chunk(2, 0)
                k = code(place, mean, torch.bucketize(log_scale.contiguous(), thresholds))
                y_fixed[0][place] = (k * exact.UNIT + mean).clamp(-exact.LARGEST, exact.LARGEST)
        return y_fixed

    def analysis(self, x_B1HW: Tensor, quantizer_B: Tensor) -> Tensor:
        """Luma in 0..1 -> y in quantization steps."""
        y = self.g_a(x_B1HW - 0.5)
        return y * self._gain(self.log_gain, quantizer_B, -1)

    def hyper_analysis(self, y: Tensor, quantizer_B: Tensor) -> Tensor:
        """y (B, channels, h, w; h and w multiples of 4) -> z (B, hyper, h/4, w/4) in quantization steps."""
        return self.h_a(_with_planes(y, quantizer_B)) * _interpolated(self.log_hyper_gain, quantizer_B).exp()

    def synthesis(self, y_hat: Tensor, quantizer_B: Tensor) -> Tensor:
        """y_hat in quantization steps -> luma, about 0..1."""
        y_hat = y_hat * self._gain(self.log_inverse, quantizer_B, 1)
        return self.g_s(y_hat, self._condition(quantizer_B)) + 0.5

    def _hyper_likelihoods(self, z: Tensor, quantizer_B: Tensor) -> Tensor:
        """Every sample by the tables of its band: those of the others see zeros."""
        band_B = _band(quantizer_B)
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
        return medians[_band(quantizer_B)][:, :, None, None]

    def _hyper(self, z: Tensor, quantizer_1: Tensor) -> Tensor:
        """Symbols of z -> what h_s makes of z_hat, exactly."""
        fixed = z.double() * exact.UNIT + exact.to_fixed(self._medians(quantizer_1))
        fixed = _with_planes(fixed.clamp(-exact.LARGEST, exact.LARGEST) / exact.UNIT, quantizer_1)
        return exact.run(self.h_s, exact.to_fixed(fixed))

    @staticmethod
    def _tables_of(z: Tensor, quantizer: int) -> Tensor:
        """The table of every hyperlatent is that of its channel, in its band."""
        first = quantizer * BANDS // 64 * z.shape[1]
        return torch.arange(first, first + z.shape[1], device=z.device)[None, :, None, None].expand(z.shape)

    def _condition(self, quantizer_B: Tensor) -> Tensor:
        share = _share(quantizer_B)
        return self.condition(torch.stack([share, share**4], 1))

    @staticmethod
    def _gain(logs: Tensor, quantizer_B: Tensor, sign: int) -> Tensor:
        return step(quantizer_B)[:, None, None, None] ** sign * _interpolated(logs, quantizer_B).exp()


def checksum(symbols: list[Tensor]) -> int:
    """16 bits of the CRC-32 of all symbols: a decoder that read other ones says so."""
    content = b"".join(each.to("cpu", torch.int32).numpy().astype("<i4").tobytes() for each in symbols)
    return zlib.crc32(content) & 0xFFFF


def _worthwhile(y: Tensor, index: Tensor, patience: float) -> Tensor:
    """Symbols of latents around 0, in steps: the nearest, or the next towards 0 where saved bits outweigh the error.

    The transform is nearly orthonormal, so that an error of a latent is one of the picture.
    """
    scale = torch.from_numpy(SCALES).float().to(y.device)[index]

    def cost(k: Tensor) -> Tensor:
        upper, lower = (torch.special.ndtr((half - k.abs()) / scale) for half in (0.5, -0.5))
        return (y - k).square() / BIT - patience * (upper - lower).clamp_min(1e-9).log2()

    nearest = y.round()
    smaller = nearest - nearest.sign()
    return torch.where(cost(smaller) < cost(nearest), smaller, nearest).double() * (index > 0)


def _cells(x: Tensor) -> tuple[Tensor, ...]:
    """Of every 2 x 2 (B, C, h, w) the four (B, C, h/2, w/2), row by row."""
    return F.pixel_unshuffle(x, 2).unflatten(1, (-1, 4)).unbind(2)


def _whole(cells: list[Tensor]) -> Tensor:
    """The inverse of `_cells`."""
    return F.pixel_shuffle(torch.stack(cells, 2).flatten(1, 2), 2)


def _around(x: Tensor, cell: int) -> Tensor:
    """Padded so that a 3 x 3 convolution in steps of two has the positions of a cell in its centre."""
    row, column = divmod(cell, 2)
    return F.pad(x, (1 - column, column, 1 - row, row))


def _interpolated(logs: Tensor, quantizer_B: Tensor) -> Tensor:
    """Of logs (knots, C) an offset, a slope and what the inner knots add, at the quantizers (B, C, 1, 1)."""
    share, last = _share(quantizer_B)[:, None], len(logs) - 1
    value = logs[0] + logs[1] * share
    for knot in range(1, last):
        value = value + logs[knot + 1] * (1 - (share * last - knot).abs()).clamp_min(0)
    return value[:, :, None, None]


def _with_planes(planes: Tensor, quantizer_B: Tensor) -> Tensor:
    """Planes and two more, which tell the quantizer."""
    share = _share(quantizer_B).to(planes.dtype)
    numbers = torch.stack([share, share * share * share * share], 1)[:, :, None, None]
    return torch.cat([planes, numbers.expand(-1, -1, *planes.shape[2:])], 1)


def _share(quantizer_B: Tensor) -> Tensor:
    return quantizer_B.float() / 63


def _band(quantizer_B: Tensor) -> Tensor:
    return quantizer_B * BANDS // 64


def _tables(model: EntropyModel) -> Tables:
    lengths = model.cdf_length.flatten().tolist()
    frequencies = [row[:length] for row, length in zip(model.quantized_cdf.tolist(), lengths, strict=True)]
    return frequencies, lengths, model.offset.flatten().tolist()
