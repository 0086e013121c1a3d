"""The preview engine: geometry instead of a network. It needs no weights, so everybody can run everything, everywhere."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipeline.core.arrays import RGB, Points64
from pipeline.core.card import Resources
from pipeline.core.engine import (
    DressedPerson,
    EngineBase,
    EngineCard,
    GarmentInputs,
    PersonInputs,
    TryOnItem,
    try_on_engine,
)
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag, Notice
from pipeline.core.labels import Category
from pipeline.core.layout import AGNOSTIC_MASK, CLOTH_MASK, DENSEPOSE, IMAGE, PARSE, POSE_JSON
from pipeline.core.masks import erode
from pipeline.core.step import Context
from tryon.engines.preview.config import PreviewConfig
from tryon.engines.preview.fit.shape_notices import lower_shape_notices, top_shape_notices
from tryon.engines.preview.garment.lower_landmarks import lower_landmarks
from tryon.engines.preview.garment.top_landmarks import top_landmarks
from tryon.engines.preview.garment.traits import top_traits
from tryon.engines.preview.lower import LowerGarment, dress_lower
from tryon.engines.preview.paint.fill import fill_unknown
from tryon.engines.preview.person.body_parts import read_body_parts
from tryon.engines.preview.person.skeleton import complete_skeleton
from tryon.engines.preview.person.subject import Subject
from tryon.engines.preview.top import TopGarment, dress_top

CARD = EngineCard(
    name="preview",
    version=9,
    seconds=0.25,
    resources=Resources(memory_gb=0.35),
    approximate=True,
    seeded=False,
    categories=frozenset(Category),
    person=(IMAGE, AGNOSTIC_MASK, PARSE, POSE_JSON, DENSEPOSE),
    mask_rule="hr-viton",
)


@try_on_engine
class PreviewEngine(EngineBase):
    """Warps the garment's picture onto the body and shades it; deterministic, the seed changes nothing.

    Args:
        config: settings; recorded in fingerprints and recipes.
    """

    card = CARD
    batch_size = 1

    def __init__(self, config: PreviewConfig | None = None, context: Context | None = None) -> None:
        self.config = config or PreviewConfig()

    def load(self, device: str) -> None:
        """Nothing to bring up: it runs on the CPU whatever the device."""

    def encode(self, part: PersonInputs | GarmentInputs) -> Subject | TopGarment | LowerGarment:
        """Read a person's labels and skeleton, or find a garment's landmarks.

        Raises:
            InputError: no shoulders, no garment, or companions of different sizes.
        """
        return encode_person(part) if isinstance(part, PersonInputs) else encode_garment(part)

    def generate(self, items: Sequence[TryOnItem]) -> list[DressedPerson]:
        """Dress, and say where pose or cut make the picture weak."""
        return [
            DressedPerson(
                dress(item.person, item.garment, self.config),
                (*pose_notices(item.person), *shape_notices(item.person, item.garment)),
            )
            for item in items
        ]


def pose_notices(person: Subject) -> tuple[Notice, ...]:
    """What every picture of this person will be weak at, beyond what the steps before have said."""
    if person.category is Category.UPPER or not person.skeleton.has_raised_thigh:
        return ()
    return (Notice(Flag.LEGS_BENT, "a thigh points aside or at the camera"),)


def shape_notices(person: Subject, garment: TopGarment | LowerGarment) -> tuple[Notice, ...]:
    """What of the garment's shape the picture of this pair does not show."""
    if isinstance(garment, LowerGarment):
        return lower_shape_notices(person, garment.landmarks)
    return top_shape_notices(person, garment.landmarks, garment.traits)


def dress(person: Subject, garment: TopGarment | LowerGarment, config: PreviewConfig) -> RGB:
    """(h, w, 3) RGB uint8: one person in one garment; equal to the photo outside the mask."""
    if isinstance(garment, LowerGarment):
        return dress_lower(person, garment, config)
    return dress_top(person, garment, config)


def encode_person(inputs: PersonInputs) -> Subject:
    """Read what the preview needs of a person."""
    image, mask, parse, densepose = inputs.image(), inputs.agnostic_mask(), inputs.parse(), inputs.densepose()
    return Subject(image, mask, parse, read_body_parts(densepose), complete_skeleton(inputs.keypoints()), inputs.category)


def encode_garment(inputs: GarmentInputs) -> TopGarment | LowerGarment:
    """Find a garment's landmarks and let its colours run beyond its edge."""
    cloth, mask = inputs.cloth(), inputs.cloth_mask()
    if mask.shape != cloth.shape[:2]:
        raise InputError(f"preview: {inputs.garment.id}: cloth {cloth.shape[:2]} and mask {mask.shape} differ in size")
    bled = np.clip(fill_unknown(cloth, erode(mask, 2)), 0, 255).astype(np.uint8)
    if inputs.garment.category is Category.LOWER:
        lower = lower_landmarks(mask)
        _must_be_finite(inputs, [edge for half in lower.halves for edge in half])
        return LowerGarment(bled, lower)
    top = top_landmarks(cloth, mask)
    _must_be_finite(inputs, [top.edges.outline(), *(edge for each in top.sleeves if each for edge in (each.outer, each.inner))])
    return TopGarment(bled, top, top_traits(mask, top))


def _must_be_finite(inputs: GarmentInputs, edges: Sequence[Points64]) -> None:
    """No warp can be made of an outline in which a landmark was not found."""
    if not all(np.isfinite(edge).all() for edge in edges):
        path = inputs.layout.path(CLOTH_MASK.of(inputs.garment.id))
        raise InputError(
            f"preview: {inputs.garment.id}: no {inputs.garment.category.value} garment can be read from the outline in {path}",
            "look at the cloth mask, and retouch it or replace the garment's picture",
        )
