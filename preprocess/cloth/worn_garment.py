"""A garment picture with a wearer: detected by the pose model, cut out with colour models seeded by the body."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import Points
from pipeline.core.card import Card
from pipeline.core.labels import Category
from pipeline.core.people_networks import PACKAGES, people_networks
from pipeline.core.pixels.colour import to_lab
from preprocess.cloth.ground_colour import size_of
from preprocess.cloth.soft_edge import edge_alpha
from preprocess.cloth.wearer_signs import Wearer, wearer_signs

LOOK_SIDE = 640
"""Longer side at which a wearer is searched for."""
WORK_SIDE = 448
"""Longer side at which GrabCut runs; its time grows faster than the number of pixels."""
MIN_FACE_PX, MIN_SKIN_CHROMA = 30, 8.0
"""With fewer face pixels, or grey ones (a picture without colour), skin cannot be modelled."""
MIN_HEM_STEP = 3.0
"""Lab distance between a top and what is below it."""
NOSE = 0
SHOULDERS, ELBOWS, WRISTS, HIPS, KNEES, ANKLES, MOUTH = (11, 12), (13, 14), (15, 16), (23, 24), (25, 26), (27, 28), (9, 10)
"""Left and right numbers in mediapipe's 33 body landmarks."""


class WornGarment:
    """Finds a wearer and cuts out the garment."""

    card = Card(name="worn", version=2, packages=(PACKAGES,), seconds=0.05, approximate=True)

    def load(self, device: str) -> None:
        """Build the networks."""
        self._models = people_networks()

    def wearer(self, photo: NDArray[np.uint8]) -> Wearer | None:
        """(h, w, 3) RGB uint8 → a body in the picture and the signs that it wears the garment; None without a body."""
        scale = min(1.0, LOOK_SIDE / max(photo.shape[:2]))
        small = photo if scale == 1 else cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        seen = self._models.pose(small)
        if seen is None:
            return None
        signs = wearer_signs(small, seen, self._models.person_probability(small), self._models.faces(small))
        if not signs.worth_a_word:
            return None
        body: Points = seen.body * np.array([1 / scale, 1 / scale, 1 / scale, 1], np.float32)
        return Wearer(body, signs)

    def cut(self, photo: NDArray[np.uint8], body: Points, category: Category) -> NDArray[np.uint8]:
        """Cut the garment out, without its wearer.

        Args:
            photo: (h, w, 3) RGB uint8.
            body: (33, 4) float32 landmarks from `wearer`.
            category: which part of the outfit to cut out.

        Returns:
            (h, w) uint8 alpha of the garment.
        """
        height, width = photo.shape[:2]
        scale = min(1.0, WORK_SIDE / max(height, width))
        size = (max(8, round(width * scale)), max(8, round(height * scale)))
        small = cv2.resize(photo, size, interpolation=cv2.INTER_AREA)
        figure = self._models.person_probability(small) > 0.4
        garment = cut_from_body(small, figure, body[:, :2] * scale, category)
        soft = cv2.resize(garment.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
        outline = cv2.GaussianBlur(soft, (0, 0), 0.8 / scale) > 0.5
        alpha: NDArray[np.uint8] = np.round(255 * edge_alpha(photo, outline)).astype(np.uint8)
        return alpha


def cut_from_body(photo: NDArray[np.uint8], figure: masks.Mask, points: Points, category: Category) -> masks.Mask:
    """GrabCut (Rother et al. 2004) between the sure middle of the garment and head, skin, hands and the rest of the outfit.

    Args:
        photo: (h, w, 3) RGB uint8.
        figure: (h, w) bool, True = person.
        points: (33, 2) x, y of the body's landmarks.
        category: which part of the outfit to cut out.
    """
    labels = seeds(figure, points, category)
    if category is Category.UPPER:
        labels[hem_row(photo, points) :] = cv2.GC_BGD
    labels[looks_like_skin(photo, points) & (labels != cv2.GC_FGD)] = cv2.GC_BGD
    if not (labels == cv2.GC_FGD).any():
        return np.zeros(figure.shape, bool)
    cv2.setRNGSeed(0)
    cv2.grabCut(photo, labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    garment = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    return masks.largest(masks.fill_holes(masks.open_(garment, 2), 0.01 * garment.size))


def seeds(figure: masks.Mask, points: Points, category: Category) -> NDArray[np.uint8]:
    """(h, w) uint8 GrabCut labels: sure garment in its middle; sure background on head, hands and the rest of the outfit.

    Args:
        figure: (h, w) bool, True = person.
        points: (33, 2) x, y of the landmarks.
        category: which part of the outfit to cut out.
    """
    labels = np.where(figure, cv2.GC_PR_BGD, cv2.GC_BGD).astype(np.uint8)
    shoulder, hip = points[list(SHOULDERS)].mean(0), points[list(HIPS)].mean(0)
    torso = float(np.linalg.norm(hip - shoulder))
    top, bottom = _reach(shoulder, hip, points, category, torso)
    rows = np.arange(figure.shape[0])[:, None]
    inside = figure & (rows > top) & (rows < bottom)
    labels[inside] = cv2.GC_PR_FGD
    labels[figure & ~inside] = cv2.GC_BGD
    _fill(labels, _middle(points, category), cv2.GC_FGD)
    head = points[list(MOUTH)].mean(0)
    cv2.circle(labels, _pixel(head - (0, 0.15 * torso)), round(0.3 * torso), cv2.GC_BGD, -1)
    for wrist, elbow in zip(points[list(WRISTS)], points[list(ELBOWS)], strict=True):
        cv2.circle(labels, _pixel(wrist + 0.35 * (wrist - elbow)), round(0.15 * torso), cv2.GC_BGD, -1)
    labels[~figure] = cv2.GC_BGD
    return labels


def looks_like_skin(photo: NDArray[np.uint8], points: Points) -> masks.Mask:
    """(h, w) bool: pixels in the colour of the wearer's own face, in light and in shade."""
    head, shoulder = points[list(MOUTH)].mean(0), points[list(SHOULDERS)].mean(0)
    sample = np.zeros(photo.shape[:2], np.uint8)
    cv2.circle(sample, _pixel(points[NOSE]), max(2, round(0.3 * float(np.linalg.norm(shoulder - head)))), 255, -1)
    lab = to_lab(cv2.GaussianBlur(photo, (0, 0), 1.5))
    face = lab[sample > 0]
    if len(face) < MIN_FACE_PX:
        return np.zeros(photo.shape[:2], bool)
    lightness, *colour = np.median(face, axis=0)
    if np.hypot(*colour) < MIN_SKIN_CHROMA:
        return np.zeros(photo.shape[:2], bool)
    near: masks.Mask = (np.hypot(lab[..., 1] - colour[0], lab[..., 2] - colour[1]) < 9) & (np.abs(lab[..., 0] - lightness) < 35)
    return near


def hem_row(photo: NDArray[np.uint8], points: Points) -> int:
    """The row where a top ends: the clearest change of colour near the hips; the row of the hips when there is none."""
    hips = points[list(HIPS)]
    torso = float(np.linalg.norm(hips.mean(0) - points[list(SHOULDERS)].mean(0)))
    first, last = (max(0, int(hips[:, 1].mean() + share * torso)) for share in (-0.35, 0.15))
    left, right = max(0, int(hips[:, 0].min())), int(hips[:, 0].max()) + 1
    reach = max(3, round(0.06 * torso))
    strip = to_lab(photo[max(0, first - reach) : last + reach, left:right])
    if strip.shape[0] < 3 * reach or strip.shape[1] < 3:
        return last
    rows = np.median(strip, axis=1)
    change = [
        size_of(rows[row - reach : row].mean(0) - rows[row : row + reach].mean(0)) for row in range(reach, len(rows) - reach)
    ]
    best = int(np.argmax(change))
    return max(0, first - reach) + reach + best if change[best] > MIN_HEM_STEP else int(hips[:, 1].mean())


def _reach(shoulder: Points, hip: Points, points: Points, category: Category, torso: float) -> tuple[float, float]:
    """First and last row that the garment may cover."""
    ankles = float(points[list(ANKLES), 1].max() + 0.1 * torso)
    if category is Category.LOWER:
        return float(hip[1] - 0.25 * torso), ankles
    return float(shoulder[1] - 0.3 * torso), float(hip[1] + 0.08 * torso) if category is Category.UPPER else ankles


def _middle(points: Points, category: Category) -> Points:
    """A polygon that is surely garment: the shrunken torso, or the thighs."""
    upper, lower = (HIPS, KNEES) if category is Category.LOWER else (SHOULDERS, HIPS)
    corners = points[[upper[0], upper[1], lower[1], lower[0]]]
    centre = corners.mean(0)
    shape: Points = (centre + 0.55 * (corners - centre)).astype(np.float32)
    return shape


def _fill(labels: NDArray[np.uint8], shape: Points, value: int) -> None:
    cv2.fillConvexPoly(labels, np.round(shape).astype(np.int32), value)


def _pixel(point: Points) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
