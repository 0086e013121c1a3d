"""People on a background: placed, lit, shadowed and painted in painter's order. Arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from compose.body import CutoutBody
from compose.layer import Layer, paint, warp_layer
from compose.layers_out import Stroke
from compose.placement import Placement
from compose.scenery.horizon import Ground
from compose.shading.grain import match_grain, match_softness
from compose.shading.harmonise import MEASURED_LIGHT, Harmoniser
from compose.shading.light import wrap_light
from compose.shading.reflection import Reflection, draw_reflection
from compose.shading.scene_light import STUDIO, SceneLight
from compose.shading.shadow import Contact, Shadow, ShadowLook, Stance, draw_shadow, occlude_feet
from pipeline.core.flags import Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How strongly a person is matched to a background; 0 switches a part off. `ComposeConfig.look` makes it.

    Args:
        colour: clamped colour transfer, 0..1.
        light_wrap: share of the background in the person's outermost rim, 0..1.
        contact_shadow: darkness under the soles, 0..1.
        cast_shadow: darkness of the cast shadow, 0..1.
        grain: share of the background's noise, 0..1.
        softness: share of the background's blur, 0..1.
        reflection: of the floor, 0..1, where a background says nothing else; None = never, whatever it says.
    """

    colour: float
    light_wrap: float
    contact_shadow: float
    cast_shadow: float
    grain: float
    softness: float
    reflection: float | None


PLAIN = Look(colour=0, light_wrap=0, contact_shadow=0, cast_shadow=0, grain=0, softness=0, reflection=None)
"""The person as cut out, nothing matched."""


@dataclass(frozen=True)
class Figure:
    """One person to paint.

    Args:
        cutout: (h, w, 4) uint8 RGBA, straight alpha, photo resolution.
        body: what the cut-out shows.
        placement: where.
        direction: of the cast shadow, as in `ShadowLook`.
        shadow: factor on both shadows' darkness.
        seed: of the grain.
        reflection: of the floor under this person; None = as the look says.
        light: of the whole scene, as it reaches this person.
        guest: `<person>__<garment>` of who joins, or "" for the picture's own person.
        notices: what may be wrong with the place.
    """

    cutout: NDArray[np.uint8]
    body: CutoutBody
    placement: Placement
    direction: tuple[float, float]
    shadow: float = 1.0
    seed: int = 0
    reflection: float | None = None
    light: SceneLight = STUDIO
    guest: str = ""
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True)
class Composite:
    """A finished picture and what it was made of.

    Args:
        rgb: (h, w, 3) uint8.
        strokes: everything painted, in painting order, colours as painted.
    """

    rgb: NDArray[np.uint8]
    strokes: tuple[Stroke, ...] = field(default=())

    @property
    def people(self) -> tuple[Layer, ...]:
        """The person layers."""
        return tuple(stroke for stroke in self.strokes if isinstance(stroke, Layer))

    @property
    def shadows(self) -> tuple[Shadow, ...]:
        """The shadow layers."""
        return tuple(stroke for stroke in self.strokes if isinstance(stroke, Shadow))


def compose_scene(background: NDArray[np.uint8], figures: Sequence[Figure], ground: Ground, look: Look) -> Composite:
    """Paint people onto a background, the farthest first.

    Args:
        background: (h, w, 3) RGB uint8; not changed.
        figures: in any order.
        ground: the background's ground line; above it no shadow falls.
        look: strengths.
    """
    canvas = background.copy()
    strokes: list[Stroke] = []
    for figure in sorted(figures, key=lambda each: (each.placement.z, each.placement.y)):
        person = warp_layer(figure.cutout, figure.placement.matrix(figure.body), (background.shape[0], background.shape[1]))
        if person is None:
            continue
        for below in (_shadow(person, figure, ground, look, canvas), _reflection(person, figure, look, canvas)):
            if below is not None:
                below.paint(canvas)
                strokes.append(below)
        lit = light_person(_grounded(person, figure, look), canvas, look, figure.seed, figure.light)
        paint(canvas, lit)
        strokes.append(lit)
    return Composite(canvas, tuple(strokes))


def light_person(
    person: Layer,
    background: NDArray[np.uint8],
    look: Look,
    seed: int,
    light: SceneLight = STUDIO,
    harmoniser: Harmoniser = MEASURED_LIGHT,
) -> Layer:
    """Match one layer to what is behind it and to the scene's light; the layer's place and size stay."""
    colour = harmoniser.harmonise(person, background, light, look.colour)
    soft = match_softness(Layer(person.top, person.left, colour, person.alpha), background, look.softness)
    wrapped = Layer(soft.top, soft.left, wrap_light(soft, background, look.light_wrap, light), soft.alpha)
    return Layer(wrapped.top, wrapped.left, match_grain(wrapped, background, look.grain, seed), wrapped.alpha)


def _grounded(person: Layer, figure: Figure, look: Look) -> Layer:
    stance = stand(figure.body, figure.placement)
    if stance is None:
        return person
    return replace(person, colour=occlude_feet(person, stance, min(look.contact_shadow * figure.shadow, 1.0)))


def _shadow(person: Layer, figure: Figure, ground: Ground, look: Look, canvas: NDArray[np.uint8]) -> Shadow | None:
    stance = stand(figure.body, figure.placement)
    if stance is None:
        return None
    size = (canvas.shape[0], canvas.shape[1])
    line = ground.line * size[0]
    row = min(line if ground.confidence > 0.3 else 0.0, stance.row - 0.02 * stance.height)
    contact, cast = look.contact_shadow * figure.shadow, look.cast_shadow * figure.shadow
    hardness, horizon = figure.light.source.hardness, ground.eye_level * size[0]
    return draw_shadow(person, stance, ShadowLook(figure.direction, contact, cast, row, hardness, horizon), size)


def _reflection(person: Layer, figure: Figure, look: Look, canvas: NDArray[np.uint8]) -> Reflection | None:
    strength = look.reflection if figure.reflection is None else figure.reflection
    stance = stand(figure.body, figure.placement) if look.reflection is not None and strength else None
    if stance is None or not strength:
        return None
    return draw_reflection(person, stance, strength, (canvas.shape[0], canvas.shape[1]))


def stand(body: CutoutBody, placement: Placement) -> Stance | None:
    """Feet, height and crotch in background pixels; None for a body whose feet are not seen."""
    if not body.feet:
        return None
    scale = placement.scale(body)
    points = np.array([[foot.x, foot.row] for foot in body.feet], np.float64)
    moved = cv2.transform(points[None], placement.matrix(body))[0]
    contacts = [Contact(float(x), float(y), foot.half_width * scale) for (x, y), foot in zip(moved, body.feet, strict=True)]
    crotch = placement.y - (body.bottom - body.crotch) * scale
    return Stance(tuple(sorted(contacts, key=lambda contact: contact.x)), placement.height, crotch)
