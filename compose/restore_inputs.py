"""What one pair is restored from: which artefacts, how they are decoded, and whether they fit each other."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compose.delivery import drawn_from
from compose.dressed_matte.before_after import BODY
from compose.gate.gate import SMALL_HEIGHT_PX, GateInputs
from compose.gate.silhouette import NOWHERE, Body
from compose.kept_parts import HANDS, OWN_LABELS, without_kept
from compose.mask_free import Places, drawn_size, learn, softness, uses_no_mask
from pipeline.core import images
from pipeline.core.arrays import RGB
from pipeline.core.errors import InputError
from pipeline.core.frame import Frame
from pipeline.core.hands.views import places
from pipeline.core.items import Pair, Person
from pipeline.core.keypoints import Keypoints, keypoints_from_json
from pipeline.core.labels import BARE_LABELS, Category, Joint
from pipeline.core.layout import (
    AGNOSTIC_MASK,
    CLOTH,
    CLOTH_MASK,
    CUTOUT,
    DENSEPOSE_IUV,
    FRAME,
    IMAGE,
    LANDMARKS,
    MATTE,
    PARSE,
    POSE_JSON,
    TRYON,
    Folder,
    Layout,
    PerEngine,
    Ref,
)
from pipeline.core.masks import Mask, labelled, worn_under


@dataclass(frozen=True, kw_only=True)
class RestoreInputs(GateInputs):
    """What one pair is made of, beside what the gate reads; at photo resolution.

    Args:
        pair: the item.
        photo: (h, w, 3) RGB uint8.
        matte: (h, w) uint8, 255 = person.
        cutout: (h, w, 4) RGBA uint8: the person before.
        drawn: what the dressed picture says of how it was drawn.
        whole: canvas-sized RGB uint8, the picture of an engine that uses no mask; `result` and `mask` were learned from it.
        softness: canvas pixels per pixel that such an engine drew.
    """

    pair: Pair
    photo: NDArray[np.uint8]
    matte: NDArray[np.uint8]
    cutout: NDArray[np.uint8]
    drawn: Mapping[str, Any] = field(default_factory=dict)
    whole: RGB | None = None
    softness: float = 1.0


def restored_from(pair: Pair, dressed: PerEngine = TRYON) -> tuple[Ref, ...]:
    """The photo, its frame and mattes, the mask, and the canvas before and after; `dressed` is the kind of the latter."""
    person = pair.person.id
    return (
        pair.person.source,
        FRAME.of(person),
        MATTE.of(person),
        CUTOUT.of(person),
        AGNOSTIC_MASK.of(person, pair.garment.category),
        IMAGE.of(person),
        dressed.of(pair.id, pair.engine),
    )


def judged_by(pair: Pair, keep: Sequence[str]) -> tuple[Ref, ...]:
    """What the quality gate holds the picture against, and body parts when hands are to be kept."""
    person = pair.person.id
    garment = (CLOTH.of(pair.garment.id), CLOTH_MASK.of(pair.garment.id))
    judged = (*garment, LANDMARKS.of(person), PARSE.of(person), POSE_JSON.of(person))
    return (*judged, *((DENSEPOSE_IUV.of(person),) if HANDS in keep else ()))


def read_inputs(
    pair: Pair, layout: Layout, keep: Sequence[str], max_megapixels: float, dressed: PerEngine = TRYON
) -> RestoreInputs:
    """Decode everything.

    Args:
        pair: the item.
        layout: where the artefacts are.
        keep: parts of the person that stay the photo's own; see `without_kept`.
        max_megapixels: photos above this are scaled down.
        dressed: the kind of artefact that shows the dressed person.

    Raises:
        InputError: artefacts that do not fit each other in size.
    """
    person, path = pair.person.id, layout.path
    frame = Frame.from_json(path(FRAME.of(person)).read_text("utf-8"))
    parts = _read_parts(pair.person, layout, keep)
    mask = parts.without(images.read_mask(path(AGNOSTIC_MASK.of(person, pair.garment.category))), keep)
    recipe = images.read_recipe(path(dressed.of(pair.id, pair.engine)))
    matte = images.read_grey(path(MATTE.of(person)))
    points = _points(pair, layout)
    inputs = RestoreInputs(
        pair=pair,
        photo=images.read_photo(path(pair.person.source), max_megapixels).rgb,
        frame=frame,
        matte=matte,
        cutout=images.read_rgba(path(CUTOUT.of(person))),
        mask=mask,
        canvas=images.read_rgb(path(IMAGE.of(person))),
        result=images.read_rgb(path(dressed.of(pair.id, pair.engine))),
        cloth=_cloth(pair, CLOTH, layout),
        cloth_mask=None if (garment := _cloth(pair, CLOTH_MASK, layout)) is None else garment[..., 0] > 127,
        face_oval=_face_oval(pair, layout),
        person=frame.to_canvas(matte, fill=0) >= BODY,
        worn=parts.worn(pair.garment.category, mask),
        bare=parts.bare(mask),
        hands=places(points, frame) if points else {},
        labels=parts.of_size(mask),
        body=body_of(points) if points else NOWHERE,
        drawn=drawn_from(recipe),
    )
    check_sizes(inputs)
    return _learned(inputs, drawn_size(recipe), parts, keep) if uses_no_mask(recipe) else inputs


def _learned(inputs: RestoreInputs, drawn: tuple[int, int] | None, parts: _Parts, keep: Sequence[str]) -> RestoreInputs:
    """The inputs with what an engine changed that uses no mask."""
    nothing = np.zeros(inputs.mask.shape, bool)
    person, worn = (nothing if each is None else each for each in (inputs.person, inputs.worn))
    learned = learn(inputs.canvas, inputs.result, Places(inputs.mask, parts.own(inputs.mask), person, worn), drawn)
    mask, soft = parts.without(learned.mask, keep), softness(inputs.canvas.shape, drawn)
    return replace(inputs, result=learned.result, mask=mask, whole=inputs.result, softness=soft, learned=True)


@dataclass(frozen=True)
class _Parts:
    """Labels of a person on the canvas, `Parse` and `BodyPart`, as far as they are known and wanted."""

    parse: NDArray[np.uint8] | None
    body: NDArray[np.uint8] | None

    def without(self, mask: Mask, keep: Sequence[str]) -> Mask:
        """A mask without what is to be kept."""
        return mask if not keep or self.parse is None else without_kept(mask, self.parse, keep, self.body)

    def of_size(self, mask: Mask) -> NDArray[np.uint8] | None:
        """The parse map; None without one of the mask's size."""
        return None if self.parse is None or self.parse.shape != mask.shape else self.parse

    def own(self, mask: Mask) -> Mask:
        """(h, w) bool: face, hair and hands, and what is worn beside clothes; nothing without a parse map of the mask's size."""
        if self.parse is None or self.parse.shape != mask.shape:
            return np.zeros(mask.shape, bool)
        return labelled(self.parse, OWN_LABELS)

    def worn(self, category: Category, mask: Mask) -> Mask | None:
        """What a garment replaces, of a dress the part in the mask; None without a parse map."""
        parse = self.parse
        if parse is None or parse.shape != mask.shape:  # the mask's step names a map of another size
            return None
        return worn_under(parse, category, mask)

    def bare(self, mask: Mask) -> Mask | None:
        """(h, w) bool: arms, hands and gloves; None without a parse map of the mask's size."""
        if self.parse is None or self.parse.shape != mask.shape:
            return None
        return labelled(self.parse, BARE_LABELS)


def _points(pair: Pair, layout: Layout) -> Keypoints | None:
    """The person's key-points on the canvas; None without them.

    A file that is no OpenPose JSON was refused by the step that draws masks from it; here it says nothing.
    """
    path = layout.path(POSE_JSON.of(pair.person.id))
    if not path.is_file():
        return None
    try:
        return keypoints_from_json(path.read_text("utf-8"), path.name)
    except InputError:
        return None


def body_of(points: Keypoints) -> Body:
    """Shoulders, neck, hips, arms and hands, where they were detected."""

    def places(*joints: Joint) -> NDArray[np.float32]:
        return np.array([points.xy(joint) if points.has(joint) else (np.nan, np.nan) for joint in joints], np.float32)

    arms = (
        places(Joint.RIGHT_SHOULDER, Joint.RIGHT_ELBOW, Joint.RIGHT_WRIST),
        places(Joint.LEFT_SHOULDER, Joint.LEFT_ELBOW, Joint.LEFT_WRIST),
    )
    hands = [hand[:, :2] for hand in (points.right_hand, points.left_hand) if (hand[:, 2] > 0).all()]
    return Body(
        shoulders=places(Joint.RIGHT_SHOULDER, Joint.LEFT_SHOULDER),
        spine=places(Joint.NECK, Joint.MID_HIP),
        arms=np.stack(arms),
        hands=tuple(hands),
    )


def _read_parts(person: Person, layout: Layout, keep: Sequence[str]) -> _Parts:
    parse, body = (layout.path(kind.of(person.id)) for kind in (PARSE, DENSEPOSE_IUV))
    labels = images.read_labels(parse) if parse.is_file() else None
    return _Parts(labels, images.read_arrays(body)["I"] if HANDS in keep and body.is_file() else None)


def _cloth(pair: Pair, kind: Folder, layout: Layout) -> NDArray[np.uint8] | None:
    path = layout.path(kind.of(pair.garment.id))
    return images.read_small(path, SMALL_HEIGHT_PX) if path.is_file() else None


def _face_oval(pair: Pair, layout: Layout) -> NDArray[np.float32] | None:
    path = layout.path(LANDMARKS.of(pair.person.id))
    return outline_of_face(path.read_text("utf-8")) if path.is_file() else None


def outline_of_face(landmarks: str) -> NDArray[np.float32] | None:
    """(n, 2) x, y in photo pixels from the raw landmarks' JSON, or None when no face was found."""
    oval = np.asarray(json.loads(landmarks).get("face_oval") or (), np.float32)
    return oval if oval.ndim == 2 and oval.shape[1] == 2 else None


def check_sizes(inputs: RestoreInputs) -> None:
    """Everything of the photo has its size, everything of the canvas the frame's.

    Raises:
        InputError: naming what does not fit.
    """
    frame = inputs.frame
    photo, canvas = (frame.photo_height, frame.photo_width), (frame.canvas_height, frame.canvas_width)
    expected = {"photo": photo, "matte": photo, "cutout": photo, "mask": canvas, "canvas": canvas, "result": canvas}
    for name, size in expected.items():
        found = getattr(inputs, name).shape[:2]
        if found != size:
            raise InputError(
                f"restore: {name} of {inputs.pair.id} is {found[1]}×{found[0]}, expected {size[1]}×{size[0]}",
                f"python run.py --from background --force --only {inputs.pair.person.id}",
            )
