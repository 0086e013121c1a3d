"""The matte without downloads: the networks' person probabilities, GrabCut, guided filter.

Facts: docs/facts/embedded_methods.md#matte.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import RGB, Float
from pipeline.core.card import Card, Resources
from pipeline.core.people_networks import PACKAGES
from pipeline.core.rect import Rect, Window
from preprocess.background.alike_wall import settle_alike
from preprocess.background.edge_band import EdgeConfig, refine_band, sure_inside
from preprocess.background.feet import foot_shadows, surely_shoes
from preprocess.background.gaps import open_gaps
from preprocess.background.grabcut import MattingConfig, bone_mask, segment
from preprocess.background.guided_matte import GuidedConfig, soften
from preprocess.background.people import Selection
from preprocess.background.people_finder import PeopleFinder
from preprocess.person.not_found import NotFound

WORK_SIDE_PX = 1024
"""Long side of the person's window for the guided filter."""
MARGIN = 0.12
"""Margin of the person's window, as a share of the box's longer side."""
GRAB_SIDE_PX = 512
POSSIBLE = 0.15
MOUTH = [9, 10]
"""Both corners in MediaPipe's order."""
SEED = 20240229


class EmbeddedMatte:
    """Separates one person from the background with the base packages alone."""

    card = Card(name="embedded", version=2, packages=(PACKAGES,), seconds=0.5, resources=Resources(memory_gb=0.9))
    batch_size = 1

    def __init__(self, config: MattingConfig | None = None) -> None:
        self._config = config or MattingConfig()
        self._people = PeopleFinder()

    def load(self, device: str) -> None:
        """Build the networks; they run on the CPU, whatever the device."""
        _ = self._people.models

    def matte_in(self, photo: RGB, box: Rect[float]) -> NDArray[np.uint8]:
        """(h, w, 3) RGB uint8 → (h, w) uint8 matte of the person in `box`, accurate to a few pixels; the edge is not refined."""
        probability: NDArray[np.uint8] = np.round(255 * self._people.look_at(photo, box)).astype(np.uint8)
        return probability

    def mattes_of(self, photos: Sequence[RGB], selections: Sequence[Selection]) -> list[NDArray[np.uint8] | NotFound]:
        """(h, w) uint8 soft alpha of the selected person in each (h, w, 3) RGB uint8 photo, without other people."""
        return [self.matte_of(photo, selection) for photo, selection in zip(photos, selections, strict=True)]

    def matte_of(self, photo: NDArray[np.uint8], selection: Selection) -> NDArray[np.uint8]:
        """(h, w, 3) RGB uint8 → (h, w) uint8 soft alpha of the selected person, without other people."""
        rows, columns = _window(selection, photo.shape[:2])
        guide = photo[rows, columns]
        factor = min(1.0, WORK_SIDE_PX / max(guide.shape[:2]))
        size = (max(16, round(guide.shape[1] * factor)), max(16, round(guide.shape[0] * factor)))
        work = cv2.resize(guide, size, interpolation=cv2.INTER_AREA) if factor < 1 else guide
        mask, kept = self._segment(work, selection, (rows, columns))
        alpha = np.zeros(photo.shape[:2], np.uint8)
        refined = np.maximum(refine_band(work, mask, EdgeConfig()), kept)
        alpha[rows, columns] = soften(work, refined, guide, GuidedConfig())
        return alpha

    def _segment(self, work: RGB, selection: Selection, window: Window) -> tuple[masks.Mask, Float]:
        """(h, w) bool: GrabCut at half the working size or less, smoothed by enlarging; (h, w) float32: what no colour takes."""
        factor = min(1.0, GRAB_SIDE_PX / max(work.shape[:2]))
        half = (max(8, round(work.shape[1] * factor)), max(8, round(work.shape[0] * factor)))
        probability, others = (_cut(each, window, selection, half) for each in (selection.probability, selection.others))
        small = cv2.resize(work, half, interpolation=cv2.INTER_AREA)
        body = selection.landmarks.body.copy()
        scale = half[1] / (window[0].stop - window[0].start)
        body[:, :2] = (body[:, :2] - (window[1].start, window[0].start)) * scale
        thickness = self._config.bone_px * max(half) / 1024
        shoes = surely_shoes(body, probability)
        bones = bone_mask(body, (half[1], half[0]), thickness) | shoes
        mask = settle_alike(small, segment(small, probability, bones, others, SEED, self._config), probability, others)
        mask = open_gaps(small, mask & ~foot_shadows(small, mask, probability, body), probability, body)
        size = (work.shape[1], work.shape[0])
        whole, seen = _enlarged(mask, size), cv2.resize(probability, size, interpolation=cv2.INTER_LINEAR)
        inside = sure_inside(whole, seen, float(body[MOUTH, 1].max()) * size[1] / half[1], EdgeConfig())
        return whole, np.maximum(inside, _enlarged(shoes, size))


def _enlarged(mask: masks.Mask, size: tuple[int, int]) -> masks.Mask:
    """A mask at (width, height) `size`, without steps."""
    large = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    smooth: masks.Mask = cv2.GaussianBlur(large, (0, 0), 1.2) > 0.5
    return smooth


def _window(selection: Selection, size: tuple[int, ...]) -> Window:
    """Whatever may be the person, with a margin, in photo pixels; GrabCut must see the background's colours too."""
    scale = selection.landmarks.photo_size[0] / selection.probability.shape[0]
    found = masks.box_of(selection.probability > POSSIBLE)
    box = selection.landmarks.box if found is None else found.scaled(scale)
    margin = MARGIN * box.longer_side
    return box.window_around(size, margin, margin)


def _cut(image: NDArray[np.float32], window: Window, selection: Selection, size: tuple[int, int]) -> NDArray[np.float32]:
    """The window of a picture that lies at the selection's working size, at (width, height) `size`."""
    rows, columns = window
    scale = image.shape[0] / selection.landmarks.photo_size[0]
    to_x, to_y = (columns.stop - columns.start) * scale / size[0], (rows.stop - rows.start) * scale / size[1]
    matrix = np.array(
        [
            [to_x, 0, columns.start * scale + (to_x - 1) / 2],
            [0, to_y, rows.start * scale + (to_y - 1) / 2],
        ]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut: NDArray[np.float32] = cv2.warpAffine(image, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return cut
