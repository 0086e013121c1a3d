"""The embedded parser: colour models and places on the body, fitted to each photo, smoothed along the photo's edges.

Each label has a colour model (skin, hair, upper garment, lower garment, shoes) and a place (`label_places`). Scores are
likelihood × place. They are smoothed by a guided filter (cost-volume filtering, Rhemann et al. 2011), the models are fitted again
on their own result, and the highest score wins. Without a network: good where garment, skin and hair differ in colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import masks
from pipeline.core.arrays import Lab
from pipeline.core.card import Card, Resources
from pipeline.core.labels import SIDE_LABELS, Parse
from pipeline.core.masks import Mask
from pipeline.core.pixels.colour import to_lab
from preprocess.parsing.embedded.colour_models import Mixture, fit
from preprocess.parsing.embedded.fingers import with_fingers
from preprocess.parsing.embedded.headwear import find_hat
from preprocess.parsing.embedded.hem import straighten_hem
from preprocess.parsing.embedded.label_places import Penalty, Regions, penalties, regions_of
from preprocess.parsing.embedded.midriff import bare_midriff
from preprocess.parsing.embedded.outfit import settle_outfit
from preprocess.parsing.embedded.skin_model import skin_model
from preprocess.parsing.embedded.sleeves import ArmPixels, arm_pixels, sleeve_bonus
from preprocess.parsing.embedded.tidy_labels import tidy_labels
from preprocess.parsing.network_labels import Parsed
from preprocess.person.body import Joints
from preprocess.person.not_found import NotFound
from preprocess.person.person_view import PersonView

SHRINK = 0.5
"""Scores are computed at half the canvas; the guided filter and the enlargement of scores restore the edges."""
TRUST_IN_COLOUR = 0.55
"""Exponent of the likelihood: neighbouring pixels are not independent."""
SMOOTH_PX, SMOOTH_EPS = 5, 60.0
"""Radius at half size and regularisation of the guided filter."""
ROUNDS = 2
CHEST = 0.62
"""Along the body: a skirt may begin below it, so that the upper garment's colours are read above."""
CLEARLY = 0.7
"""A label with more than this probability has no rival."""
SPECK_SHARE = 0.0003
"""Islands below this share of the canvas are noise (250 px at 1024 × 768)."""

GROUPS: dict[str, tuple[Parse, ...]] = {
    "skin": (Parse.FACE, Parse.NECK, *(side.arm for side in SIDE_LABELS.values()), *(side.leg for side in SIDE_LABELS.values())),
    "hair": (Parse.HAIR,),
    "upper": (Parse.UPPER_CLOTHES,),
    "lower": (Parse.PANTS,),
    "shoes": tuple(side.shoe for side in SIDE_LABELS.values()),
}
COMPONENTS = {"skin": 2, "hair": 2, "upper": 5, "lower": 4, "shoes": 3}
ORDER = tuple(label for labels in GROUPS.values() for label in labels)

Scores = NDArray[np.float32]
"""(labels, h, w) float32 probabilities in the order of `ORDER`."""


class ColourParser:
    """Approximate parse maps without a network."""

    needs = Resources(memory_gb=0.3)
    card = Card(name="colour", version=4, packages=("cv2",), seconds=0.3, approximate=True, resources=needs)
    batch_size = 1
    keeps_lists = False
    keeps_edges = False

    def load(self, device: str) -> None:
        """There is no model to load."""

    def parse(self, views: Sequence[PersonView]) -> list[Parsed | NotFound]:
        """CIHP labels from picture, matte and joints."""
        return [Parsed(parse_person(view.image, view.person, view.body)) for view in views]


@dataclass(frozen=True)
class WorkingView:
    """One person at working size.

    Args:
        rgb: (h, w, 3) uint8.
        lab: (h, w, 3) float32.
        person: (h, w) bool.
        regions: the shapes of the body.
        places: penalty per label.

    What is computed per pixel of the person has length n, in the order of indexing with `person`.
    """

    rgb: NDArray[np.uint8]
    lab: Lab
    person: Mask
    regions: Regions
    places: dict[Parse, Penalty]

    @cached_property
    def colours(self) -> Lab:
        """(n, 3) float32."""
        return self.lab[self.person]

    @cached_property
    def penalties(self) -> NDArray[np.float32]:
        """(labels, n) float32 in the order of `ORDER`."""
        pixels = np.flatnonzero(self.person)
        return np.stack([self.places[label].ravel()[pixels] for label in ORDER])

    @cached_property
    def arms(self) -> list[ArmPixels]:
        """The pixels of both arms."""
        return arm_pixels(self.regions, self.person)

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """(n,) → (h, w): zero outside the person."""
        field = np.zeros(self.person.shape, values.dtype)
        field[self.person] = values
        return field


@dataclass(frozen=True)
class GroupColours:
    """The colours of one group of labels: the fitted model, and (n,) float32 its log-likelihood at the person's pixels."""

    model: Mixture
    nats: NDArray[np.float32]


def _compared(view: WorkingView, model: Mixture) -> GroupColours:
    return GroupColours(model, model.log_likelihood(view.colours))


Groups = dict[str, GroupColours]


def parse_person(image: NDArray[np.uint8], person: Mask, body: Joints) -> NDArray[np.uint8]:
    """Label every pixel of a person.

    Args:
        image: (h, w, 3) uint8 RGB.
        person: (h, w) bool, True = person.
        body: joints in pixels of `image`.

    Returns:
        (h, w) uint8 of `Parse`, `BACKGROUND` outside `person`.
    """
    if not person.any():
        return np.zeros(person.shape, np.uint8)
    view = _working_view(image, person, body)
    groups = _first_groups(view)
    view = _with_midriff(view, groups["skin"])
    for _ in range(ROUNDS):
        groups = _refit(view, groups, _scores(view, groups))
    scores = _smoothed(view, _scores(view, groups))
    labels = _enlarged(scores, person.shape)
    labels[~person] = Parse.BACKGROUND
    full = regions_of(body, (person.shape[0], person.shape[1]))
    labels = straighten_hem(labels, _for_upper(scores, person.shape), full)
    labels = tidy_labels(labels, full, SPECK_SHARE * person.size)
    labels = find_hat(labels, image, full)
    return with_fingers(settle_outfit(labels, image, full), image, body)


def _for_upper(scores: Scores, size: tuple[int, ...]) -> NDArray[np.float32]:
    """(h, w) float32 nats in favour of the upper garment, against the lower one."""
    upper, lower = (np.log(np.maximum(scores[ORDER.index(label)], 1e-3)) for label in (Parse.UPPER_CLOTHES, Parse.PANTS))
    large: NDArray[np.float32] = cv2.resize(upper - lower, (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
    return large


def _working_view(image: NDArray[np.uint8], person: Mask, body: Joints) -> WorkingView:
    height, width = person.shape
    size = (max(1, round(width * SHRINK)), max(1, round(height * SHRINK)))
    rgb = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(person.astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0
    regions = regions_of(body.resized(SHRINK), small.shape)
    return WorkingView(rgb, to_lab(cv2.medianBlur(rgb, 3)), small, regions, penalties(regions))


def _with_midriff(view: WorkingView, skin: GroupColours) -> WorkingView:
    """Give the neck label a place on a bare midriff too: in CIHP, 10 is all skin of the torso."""
    midriff = bare_midriff(view.regions, view.spread(skin.nats > -12.0))
    if not midriff.any():
        return view
    places = dict(view.places)
    places[Parse.NECK] = np.where(midriff, np.float32(0.5), places[Parse.NECK])
    below = view.regions.along > float(np.quantile(view.regions.along[midriff], 0.8))
    places[Parse.UPPER_CLOTHES] = (
        places[Parse.UPPER_CLOTHES] + midriff.astype(np.float32) + np.float32(4.0) * below.astype(np.float32)
    )
    places[Parse.PANTS] = np.where(below & view.regions.torso, np.float32(0.0), places[Parse.PANTS])
    return replace(view, places=places)


def _first_groups(view: WorkingView) -> Groups:
    """Colour models fitted on places that are nearly sure."""
    r, s = view.regions, view.regions.body.scale
    skin = _compared(view, skin_model(view.lab, view.person, view.regions))
    unlike_skin = view.spread(skin.nats < -13.0)
    arms = masks.dilate(r.any_arm, 0.03 * s)
    head = masks.dilate(r.skull, 0.06 * s)
    chest = r.torso & ~arms & ~head & (r.along > 0.12) & (r.along < CHEST)
    hips = (r.any_leg | (r.torso & (r.along > 1.03))) & ~arms & (r.along > 1.1)
    around = masks.dilate(r.skull, 0.12 * s) & ~masks.dilate(r.face, 0.02 * s) & (r.along < _mouth(r))
    feet = (r.feet["right"] | r.feet["left"]) & ~r.any_leg
    hair = _fit_seeds(view, around, unlike_skin, "hair")
    unlike_hair = view.spread(hair.nats < -12.0)
    return {
        "skin": skin,
        "upper": _fit_seeds(view, chest, unlike_skin, "upper", unlike_hair),
        "lower": _fit_seeds(view, hips, unlike_skin, "lower"),
        "hair": hair,
        "shoes": _fit_seeds(view, feet, unlike_skin, "shoes"),
    }


def _mouth(r: Regions) -> float:
    inside = r.along[r.face]
    return float(np.quantile(inside, 0.8)) if inside.size else -0.3


def _fit_seeds(view: WorkingView, place: Mask, unlike_skin: Mask, group: str, unlike_hair: Mask | None = None) -> GroupColours:
    """Fit on a place without its skin and hair, unless nearly all of it has that colour: then the garment has it."""
    chosen = place & view.person
    count = np.count_nonzero(chosen)
    for unlike in (unlike_skin, unlike_hair):
        if unlike is not None and np.count_nonzero(chosen & unlike) > 0.12 * count:
            chosen = chosen & unlike
    seeds = view.lab[chosen]
    if len(seeds) < 30:
        anything = np.array([[50, 0, 0]], np.float32), np.diag([900.0, 100, 100]).astype(np.float32)[None]
        return _compared(view, Mixture(np.ones(1, np.float32), *anything))
    return _compared(view, fit(seeds, COMPONENTS[group]))


def _scores(view: WorkingView, groups: Groups) -> NDArray[np.float32]:
    """(labels, n) float32: probability of each label at each pixel of the person, without its neighbours."""
    scores = np.empty(view.penalties.shape, np.float32)
    for group, labels in GROUPS.items():
        colour = TRUST_IN_COLOUR * groups[group].nats
        for row in _rows(labels):
            np.subtract(colour, view.penalties[row], out=scores[row])
    scores[ORDER.index(Parse.UPPER_CLOTHES)] += sleeve_bonus(view.arms, groups["upper"].nats - groups["skin"].nats)
    scores -= scores.max(0)
    np.exp(scores, out=scores)
    scores /= scores.sum(0)
    return scores


def _rows(labels: Sequence[Parse]) -> list[int]:
    return [ORDER.index(label) for label in labels]


def _smoothed(view: WorkingView, scores: NDArray[np.float32]) -> Scores:
    """Scores smoothed along the photo's edges."""
    smooth = masks.GuidedFilter(view.rgb, SMOOTH_PX, SMOOTH_EPS)
    return np.stack([smooth(view.spread(each)) for each in scores])


def _refit(view: WorkingView, groups: Groups, scores: NDArray[np.float32]) -> Groups:
    """Fit each model again on the pixels that it clearly won; a model with too few such pixels stays."""
    renewed = dict(groups)
    for group, labels in GROUPS.items():
        if group == "skin":
            continue
        seeds = view.colours[(scores[_rows(labels)] > CLEARLY).any(0)]
        if len(seeds) > 150:
            renewed[group] = _compared(view, fit(seeds, COMPONENTS[group]))
    return renewed


def _enlarged(scores: Scores, size: tuple[int, ...]) -> NDArray[np.uint8]:
    """The best label of scores at full size: enlarged labels would have jagged edges."""
    top = np.full(size, -1.0, np.float32)
    labels = np.zeros(size, np.uint8)
    for row, label in enumerate(ORDER):
        large = cv2.resize(scores[row], (size[1], size[0]), interpolation=cv2.INTER_LINEAR)
        np.copyto(labels, np.uint8(label), where=large > top)
        np.maximum(top, large, out=top)
    return labels
