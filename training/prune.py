"""Removal of the restorer's hidden channels that never fire: `python -m scodec.training.prune TARGET FOLDER...`.

Training leaves many: their ReLU (see `ResBlock`) gives zero for every photograph. Without them the pictures are the
same, and a convolution takes as much less time.
"""

import json
from pathlib import Path

import click
import torch
from torch import Tensor, nn

from scodec.errors import BadRequest
from scodec.files.folders import pictures
from scodec.models import weights
from scodec.models.blocks import ResBlock, Stage
from scodec.models.receiver.restorer import Restorer
from scodec.models.receiver.shared import CODERS
from scodec.tool import Tool
from scodec.training.data import pairs

#: A channel stays if in some batch it is positive at more than this share of the positions.
LEAST = 1e-4
#: Patches of a batch, their side in pixels, and number of batches.
BATCH, PATCH, BATCHES = 16, 192, 32


@click.command(cls=Tool)
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("folders", nargs=-1, required=True, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--source", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Weights to be pruned.")
@click.option("-j", "--workers", type=click.IntRange(min=1), default=2, help="Processes that encode training pairs.")
def main(target: Path, folders: tuple[Path, ...], source: Path | None, workers: int) -> None:
    """Write the restorer's weights, or those of SOURCE, to TARGET, less the channels that no picture in FOLDERS needs.

    The pairs made of the pictures are kept in a folder beside TARGET.
    """
    origin = source or weights.path("restorer")
    coded = pairs.load(pairs.prepare(pictures(folders), target.with_suffix(".pairs"), workers))
    network = weights.load(origin)
    large = [each for each in coded if min(each.y.shape) >= PATCH]
    if not isinstance(network, Restorer) or not large:
        raise BadRequest(f"give weights of a restorer, and pictures of at least {PATCH} x {PATCH} pixels")
    pool = pairs.pool(large)
    kept = {key: value for key, value in weights.facts(origin).items() if key not in ("network", "config", "id")}
    kept["recipe"] += "; then scodec.training.prune"
    weights.save(prune(network, pool), target, "restorer", **kept)
    click.echo(f"scodec: {target} ({json.dumps(json.loads(weights.facts(target)['config'])['hidden'])})", err=True)


@torch.inference_mode()
def prune(network: Restorer, pool: pairs.Pool) -> Restorer:
    """The restorer without the hidden channels that stay zero for patches of the pool."""
    fired = _fired(network, pool)
    kept = {block: torch.nonzero(share > LEAST)[:, 0] for block, share in fired.items()}
    kept |= {block: fired[block].argmax()[None] for block, channels in kept.items() if not len(channels)}
    state = network.state_dict()
    for name, block in network.named_modules():
        if isinstance(block, ResBlock):
            channels = kept[block]
            both = torch.cat([channels, block.conv1.out_channels + channels])  # gains and shifts
            for layer, rows in (("conv1", channels), ("film", both)):
                for tensor in (f"{name}.{layer}.weight", f"{name}.{layer}.bias"):
                    state[tensor] = state[tensor][rows]
            state[f"{name}.conv2.weight"] = state[f"{name}.conv2.weight"][:, channels]
    hidden = {
        look: [[len(kept[block]) for block in stage.blocks] for stage in part.modules() if isinstance(stage, Stage)]
        for look, part in (("faithful", network.faithful), ("natural", network.natural))
    }
    smaller = Restorer(**network.config | {"hidden": hidden})
    smaller.load_state_dict(state)
    return smaller.eval()


def _fired(network: Restorer, pool: pairs.Pool) -> dict[nn.Module, Tensor]:
    """For every hidden channel of each block, the share of positive samples in the batch that has most of them.

    Half of the batches describe to the network how the patches were coded; the others claim any coding, so that what
    serves codings that the pool lacks is kept.
    """
    fired: dict[nn.Module, Tensor] = {}

    def watch(block: nn.Module, inputs: tuple[Tensor, Tensor]) -> None:
        assert isinstance(block, ResBlock)
        share = (block.hidden(*inputs) > 0).float().mean((0, 2, 3))
        fired[block] = torch.maximum(fired.get(block, share), share)

    hooks = [block.register_forward_pre_hook(watch) for block in network.modules() if isinstance(block, ResBlock)]
    generator = torch.Generator().manual_seed(1)

    def any_of(low: int, high: int) -> Tensor:
        return torch.randint(low, high, (BATCH,), generator=generator)

    for number in range(BATCHES):
        batch = pool.draw(BATCH, PATCH, generator)
        coding = batch["coder"], batch["scale"], batch["quantizer"]
        if number % 2:
            coding = any_of(0, max(CODERS.values()) + 1), any_of(1, 5), any_of(0, 64)
        noise = 2 * torch.rand(batch["y_up"].shape, generator=generator) - 1
        network.faithful(batch["y_up"], *coding, torch.zeros_like(noise))
        network.natural(batch["y_up"], *coding, noise)
    for hook in hooks:
        hook.remove()
    return fired


if __name__ == "__main__":
    main()
