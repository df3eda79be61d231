"""Two pictures under one divider: the whole, reduced to the screen, and a part at full size."""

import io
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from PIL import Image

from scodec.studio.kept import keep
from scodec.studio.pages import Update

#: Longest side in pixels of what is shown as a whole, and side of the part at full size.
VIEW, PART = 1600, 800
Pair = tuple[np.ndarray, np.ndarray]


def flat(image: Image.Image) -> np.ndarray:
    """uint8 (H, W, 3), with white behind what is transparent."""
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return np.asarray(image.convert("RGB"))


def reduced(rgb: np.ndarray) -> np.ndarray:
    """A picture that fits into the screen."""
    image = Image.fromarray(rgb)
    image.thumbnail((VIEW, VIEW), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(image)


def fitted(rgb: np.ndarray, like: np.ndarray) -> np.ndarray:
    """A picture at the size of another."""
    return np.asarray(Image.fromarray(rgb).resize((like.shape[1], like.shape[0]), Image.Resampling.BICUBIC))


def part(rgb: np.ndarray, across: float, down: float) -> np.ndarray:
    """The part of a picture at a place, given in percent of the way from left and from above."""
    height, width = rgb.shape[:2]
    left, top = (round(max(0, side - PART) * way / 100) for side, way in ((width, across), (height, down)))
    return rgb[top : top + PART, left : left + PART]


@dataclass(frozen=True)
class Comparison:
    """The components of a comparison, and the pictures that it shows."""

    pair: gr.State
    whole: gr.ImageSlider
    closer: gr.Group
    detail: gr.ImageSlider

    @property
    def components(self) -> list[Any]:
        """What an event must have among its outputs to show another pair."""
        return [self.pair, self.whole, self.closer, self.detail]

    def show(self, left: np.ndarray, right: np.ndarray, names: tuple[str, str]) -> Update:
        """Show two pictures of one size, uint8 (H, W, 3)."""
        large = max(left.shape[:2]) > VIEW
        files = _file(reduced(left)), _file(reduced(right))
        return {
            self.pair: (left, right),
            self.whole: gr.ImageSlider(files, label=f"{names[0]} | {names[1]}", visible=True),
            self.closer: gr.Group(visible=large),
            self.detail: (_file(part(left, 50, 50)), _file(part(right, 50, 50))) if large else None,
        }

    def nothing(self) -> Update:
        """Show no pictures."""
        return {
            self.pair: None,
            self.whole: gr.ImageSlider(None, visible=False),
            self.closer: gr.Group(visible=False),
            self.detail: None,
        }


def comparison(name: str) -> Comparison:
    """Lay out a comparison in the page; name: begins the ids of its elements."""
    pair = gr.State(None)
    whole = gr.ImageSlider(format="png", label="", interactive=False, visible=False, elem_id=f"{name}-whole")
    divider = gr.Slider(0, 100, 50, step=1, label="Divider (arrow keys move it)", elem_id=f"{name}-divider")
    with gr.Group(visible=False) as closer:
        detail = gr.ImageSlider(format="png", label="A part at full size", interactive=False, elem_id=f"{name}-detail")
        with gr.Row():
            across = gr.Slider(0, 100, 50, step=5, label="From left to right, %")
            down = gr.Slider(0, 100, 50, step=5, label="From top to bottom, %")

    def moved(position: float) -> list[gr.ImageSlider]:
        return [gr.ImageSlider(slider_position=position)] * 2

    def elsewhere(shown: Pair | None, x: float, y: float) -> Any:
        return gr.skip() if shown is None else (_file(part(shown[0], x, y)), _file(part(shown[1], x, y)))

    divider.input(moved, divider, [whole, detail], show_progress="hidden")
    gr.on(
        [across.input, down.input], elsewhere, [pair, across, down], detail,
        show_progress="hidden", trigger_mode="always_last",
    )  # fmt: skip
    return Comparison(pair, whole, closer, detail)


def _file(rgb: np.ndarray) -> str:
    """A picture as a PNG file: large, but quickly written. The page is near."""
    stream = io.BytesIO()
    Image.fromarray(rgb).save(stream, "PNG", compress_level=1)
    return keep(stream.getvalue(), "picture.png")
