"""Draws the figures of `docs/ootdiffusion.md`: `python docs/make_ootdiffusion.py`.

Sizes of token maps come from the network itself, run on shapes without memory; a test holds the pictures against what this draws.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import torch

from tryon.engines.ootdiffusion.architecture import FULL, GARMENT_CHANNELS
from tryon.engines.ootdiffusion.encoding import latent_size
from tryon.networks.reference_attention import Taken, reference_tokens
from tryon.networks.sd1_unet import sd1_unet, time_shifts
from tryon.networks.unet_layers import Context, unet_stages

PICTURES = Path(__file__).parent / "pictures"
SIZE = (1024, 768)
GARMENT, PERSON, TEXT, PLAIN, NEW = "#fdf0dd", "#e2ecfb", "#e3f1e6", "#eef3f8", "#fbe6e6"
LEVELS = ("down 0", "down 0", "down 1", "down 1", "down 2", "down 2", "middle", *["up 1"] * 3, *["up 2"] * 3, *["up 3"] * 3)
STYLE = (
    "text { font: 12px sans-serif; fill: #24313f } .head { font-size: 14px; font-weight: bold } .small { font-size: 11px; "
    "fill: #4a5b6c } .arrow { fill: none; stroke: #5b7186; stroke-width: 1.4; marker-end: url(#end) } "
    ".line { fill: none; stroke: #5b7186; stroke-width: 1.2 } .faint { stroke-dasharray: 4 3 }"
)
END = (
    '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#5b7186"/></marker></defs>'
)


def figure(width: int, height: int, parts: Sequence[str]) -> str:
    """An SVG document."""
    view = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {view}>\n<style>{STYLE}</style>{END}'
    return "\n".join([head, f'<rect width="{width}" height="{height}" fill="#ffffff"/>', *parts, "</svg>", ""])


def words(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    """One line of text."""
    return f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'


def box(x: float, y: float, width: float, height: float, lines: Sequence[str], shade: str = PLAIN, dashed: bool = False) -> str:
    """A rectangle with its lines in the middle."""
    edge = ' stroke-dasharray="4 3"' if dashed else ""
    first = y + height / 2 + 4 - 7.5 * (len(lines) - 1)
    inside = [words(x + width / 2, first + 15 * number, line, anchor="middle") for number, line in enumerate(lines)]
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return "\n".join([f'<rect {place} rx="5" fill="{shade}" stroke="#9fb2c6"{edge}/>', *inside])


def arrow(*points: tuple[float, float], faint: bool = False) -> str:
    """A line through points, with its head at the last."""
    way = " L".join(f"{x:g} {y:g}" for x, y in points)
    return f'<path class="arrow{" faint" if faint else ""}" d="M{way}"/>'


def token_maps() -> list[tuple[int, int]]:
    """(tokens, channels) of the sixteen maps at `SIZE`, found by running the garment U-Net on shapes."""
    height, width = latent_size(SIZE)
    with torch.device("meta"):
        unet = sd1_unet(GARMENT_CHANNELS, FULL.level_channels, FULL.heads, FULL.context_dim)
        latent, prompt = torch.empty(1, GARMENT_CHANNELS, height, width), torch.empty(1, 2, FULL.context_dim)
        contexts = [None if stage.transformer is None else Context(prompt) for stage in unet_stages(unet)]
        found = reference_tokens(unet, latent, time_shifts(unet, torch.zeros(1)), contexts, Taken.BEFORE_NORM)
    return [(each.shape[1], each.shape[2]) for each in found]


def garment_figure() -> str:
    """What the garment U-Net returns, and where each map goes."""
    parts = [
        words(30, 28, "The garment U-Net returns sixteen token maps, once per garment", "head"),
        box(30, 48, 230, 40, ["garment latent, clean,", "timestep 0, not × 0.18215"], GARMENT),
        box(560, 48, 230, 40, ["noisy latent + masked person,", "at every step"], PERSON),
    ]
    maps, top, step = token_maps(), 112, 30
    for place, ((tokens, channels), level) in enumerate(zip(maps, LEVELS, strict=True)):
        y = top + place * step
        parts += [
            box(70, y, 150, 22, [f"{place}: {level}"], GARMENT),
            box(600, y, 150, 22, [f"{place}: {level}"], PERSON),
            arrow((220, y + 11), (600, y + 11)),
            words(410, y + 7, f"{tokens:,} tokens × {channels}", "small", "middle"),
        ]
    bottom = top + len(maps) * step
    parts += [
        arrow((145, 88), (145, top)),
        arrow((675, 88), (675, top)),
        box(70, bottom + 12, 150, 36, ["rest of the last block:", "never read"], "#f4f4f4", dashed=True),
        box(600, bottom + 12, 150, 36, ["noise, 4 channels"], PERSON),
        arrow((675, bottom - 8), (675, bottom + 12)),
        words(410, bottom + 26, "each map: keys and values of that block's self-attention", "small", "middle"),
        words(410, bottom + 42, f"16-bit, one picture: {sum(t * c for t, c in maps) * 2 / 2**20:.0f} MiB", "small", "middle"),
    ]
    return figure(820, bottom + 64, parts)


def block_figure() -> str:
    """One transformer block of the try-on U-Net: where the garment enters and where the prompt does."""
    parts = [
        words(30, 28, "One block of the try-on U-Net", "head"),
        box(30, 130, 120, 44, ["person's", "tokens (N)"], PERSON),
        box(240, 120, 190, 64, ["self-attention", "queries: N", "keys, values: N + N"], PLAIN),
        box(500, 120, 170, 64, ["cross-attention", "keys, values:", "2 or 4 tokens"], PLAIN),
        box(740, 130, 120, 44, ["feed-forward"], PLAIN),
        box(240, 48, 190, 40, ["garment's tokens (N)", "of the same place"], GARMENT),
        box(500, 48, 170, 40, ["context: a word,", "garment's CLIP vector"], TEXT),
        arrow((150, 152), (240, 152)),
        arrow((430, 152), (500, 152)),
        arrow((670, 152), (740, 152)),
        arrow((860, 152), (900, 152)),
        arrow((335, 88), (335, 120)),
        arrow((585, 88), (585, 120)),
        words(335, 206, "the garment's picture enters here", "small", "middle"),
        words(585, 206, "the prompt enters here, in both U-Nets", "small", "middle"),
        words(
            30,
            236,
            "No weight belongs to the joining: norm, queries, keys and values are the try-on U-Net's own self-attention.",
            "small",
        ),
    ]
    return figure(930, 254, parts)


def _unet(x: float, y: float, shade: str = PERSON) -> list[str]:
    """A small U-Net: encoder, middle, decoder, with its skip connections."""
    return [
        box(x, y, 70, 96, ["encoder"], shade),
        box(x + 86, y + 60, 60, 36, ["middle"], shade),
        box(x + 162, y, 70, 96, ["decoder"], shade),
        arrow((x + 70, y + 20), (x + 162, y + 20)),
        arrow((x + 70, y + 40), (x + 162, y + 40)),
        arrow((x + 70, y + 78), (x + 86, y + 78)),
        arrow((x + 146, y + 78), (x + 162, y + 78)),
    ]


def ways_figure() -> str:
    """ControlNet, reference network and IP-Adapter beside each other."""
    parts = [words(24, 28, "Three ways to show a network another picture", "head")]
    for column, (name, about) in enumerate(
        (
            ("ControlNet", "adds a residual to skip connections: place by place"),
            ("reference network", "longer keys and values in self-attention"),
            ("IP-Adapter", "a second cross-attention beside the text's"),
        )
    ):
        left = 24 + 300 * column
        parts += [words(left, 60, name, "head"), words(left, 78, about, "small"), *_unet(left + 10, 96)]
    parts += [
        *(box(34, 236, 70, 84, ["copied", "encoder"], NEW), box(130, 296, 130, 24, ["pose, edges, garment"], GARMENT)),
        *(arrow((104, 250), (110, 250), (110, 118)), arrow((104, 270), (116, 270), (116, 138)), arrow((130, 308), (104, 308))),
        words(34, 344, "361 M values new, one more encoder per step", "small"),
        *_unet(334, 236, GARMENT),
        *(arrow((370, 236), (370, 192)), arrow((450, 296), (450, 192)), arrow((530, 236), (530, 192))),
        words(334, 350, "860 M values (a whole U-Net), but run once per garment", "small"),
        *(
            box(634, 252, 232, 30, ["projector: 4 or 16 tokens"], NEW),
            box(634, 300, 232, 24, ["CLIP or DINOv2 of the picture"], GARMENT),
        ),
        *(
            arrow((750, 300), (750, 282)),
            arrow((670, 252), (670, 192)),
            arrow((750, 252), (750, 192)),
            arrow((830, 252), (830, 192)),
        ),
        words(634, 344, "22 M values new; a few tokens, so no fine print", "small"),
    ]
    return figure(920, 366, parts)


def guidance_figure() -> str:
    """Guidance as the sum of two answers."""
    origin, shown = (480.0, 200.0), (600.0, 120.0)

    def at(scale: float) -> tuple[float, float]:
        return tuple(a + scale * (b - a) for a, b in zip(origin, shown, strict=True))  # type: ignore[return-value]

    parts = [
        words(24, 28, "Guidance: two answers to the same noise", "head"),
        box(24, 60, 150, 44, ["noise, person,", "garment"], GARMENT),
        box(24, 150, 150, 44, ["noise, person,", "garment latent = 0"], PLAIN),
        box(230, 104, 100, 44, ["the same", "U-Nets"], PERSON),
        *(arrow((174, 82), (230, 116)), arrow((174, 172), (230, 138))),
        *(arrow((330, 116), (380, 92)), arrow((330, 138), (380, 172))),
        *(words(386, 92, "e₀, with"), words(386, 178, "e₁, without")),
        f'<circle cx="{origin[0]:g}" cy="{origin[1]:g}" r="3" fill="#5b7186"/>',
        words(origin[0] + 8, origin[1] + 14, "e₁ (s = 0)"),
        arrow(origin, at(2.0)),
    ]
    for scale, note in ((1.0, "s = 1: e₀, twice the work for nothing"), (1.5, "s = 1.5"), (2.0, "s = 2: advised")):
        x, y = at(scale)
        parts += [f'<circle cx="{x:g}" cy="{y:g}" r="3" fill="#24313f"/>', words(x + 10, y + 12, note)]
    parts.append(
        words(
            24,
            236,
            "e = e₁ + s · (e₀ − e₁): the further, the more garment, and the more errors of both answers are enlarged.",
            "small",
        )
    )
    return figure(900, 254, parts)


def sizes_figure() -> str:
    """The same weights on two grids."""
    parts = [words(24, 28, "One set of weights, two sizes: more places, not larger ones", "head")]
    for left, cells, (height, width) in ((24, 6, (512, 384)), (330, 12, (1024, 768))):
        rows, columns, cell = cells * 4 // 3, cells, 10
        corners = [(left + column * cell, 70 + row * cell) for row in range(rows) for column in range(columns)]
        grid = [f'<rect x="{x}" y="{y}" width="{cell}" height="{cell}" fill="{PERSON}" stroke="#9fb2c6"/>' for x, y in corners]
        kernel = f'x="{left + cell}" y="{70 + cell}" width="{3 * cell}" height="{3 * cell}"'
        latent = latent_size((height, width))
        parts += [
            words(left, 56, f"{height} × {width}: latent {latent[0]} × {latent[1]}, {latent[0] * latent[1]:,} tokens", "small"),
            *grid,
            f'<rect {kernel} fill="none" stroke="#b04a3a" stroke-width="2"/>',
        ]
    parts += [
        words(520, 100, "A kernel of 3 × 3 and a projection per token"),
        words(520, 118, "fit any grid: nothing is rescaled inside."),
        words(520, 142, "What changes: a thing spans twice as many"),
        words(520, 160, "places, attention mixes four times as many"),
        words(520, 178, "tokens. So a model must be trained at its"),
        words(520, 196, "size; the released ones were at 1024 × 768."),
    ]
    return figure(900, 250, parts)


FIGURES: dict[str, Callable[[], str]] = {
    "ootd_garment.svg": garment_figure,
    "ootd_block.svg": block_figure,
    "ootd_ways.svg": ways_figure,
    "ootd_guidance.svg": guidance_figure,
    "ootd_sizes.svg": sizes_figure,
}
"""File name → what draws it."""


def main() -> None:
    """Draw every figure."""
    for name, draw in FIGURES.items():
        (PICTURES / name).write_text(draw(), "utf-8")


if __name__ == "__main__":
    main()
