"""One mask that the user edited or gave: what it means, what must be converted, and its flags.

Facts: docs/facts/given_masks.md#polarity.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag, Notice
from pipeline.core.images import MaskFile
from pipeline.core.items import Garment, Person
from pipeline.core.labels import Category, Parse
from pipeline.core.layout import AGNOSTIC, CLOTH, GIVEN_ORIGINALS, IMAGE, PARSE, Layout, Ref
from pipeline.core.mask_polarity import WORN, Polarity, agnostic_polarity, cloth_polarity, covered_share, left_outside
from pipeline.core.masks import Mask, erode
from pipeline.core.records.given import GivenMask
from pipeline.core.records.transaction import Records
from pipeline.running.mask_shape import box_likeness, rim_covered

LEAST_COVERED = 0.75
"""A given mask that covers less of the worn garment is flagged; rules cover all of it."""
MOST_OF_FACE = 0.3
"""A given mask that covers more of the face is flagged; no rule covers any of it."""
BOX_LIKE = 0.92
"""A given mask that fills so much of the smallest rectangle round it is a plain box; bodies fill at most 0.88."""
LEAST_RIM = 0.3
"""Share of the rim round the worn garment, on skin and background, that a given mask must cover: garment alone covers none."""
MOST_OUTSIDE = 0.1
"""A given cloth mask is flagged that leaves out more than this share of what stands out from the picture's ground."""
LEAST_GREY, GREY_REACH = 0.9, 24
"""Share of a mask's inside that must be within so many levels of grey in a grey picture that was given with it."""
MASK_EDGE = 0.01
"""Width of the edge, as a share of the height, where mask and grey picture may differ."""
SAME_SHAPE = 0.015
"""How far height / width may differ from the picture's."""


def judged(ref: Ref, item: Person | Garment, category: Category, records: Records, invert: bool, lines: list[str]) -> GivenMask:
    """Read one mask, convert it where that is needed and clear, and find its flags.

    Args:
        ref: the mask.
        item: whose it is.
        category: of the garment.
        records: opened for writing.
        invert: a mask whose meaning cannot be seen has black = yes.
        lines: takes what was converted.

    Raises:
        InputError: it is no mask.
    """
    layout, path = records.layout, records.layout.path(ref)
    file = images.read_mask_file(path)
    file, texts = _fitted(file, layout.path(IMAGE.of(item.id) if isinstance(item, Person) else CLOTH.of(item.id)))
    parse = partial(_labels, layout, item.id)
    if isinstance(item, Person):
        polarity = agnostic_polarity(file.mask, category, parse)
    else:
        polarity = cloth_polarity(file.mask, partial(images.read_rgb, layout.path(CLOTH.of(item.id))))
    inverted = polarity is Polarity.INVERTED or (invert and polarity is not Polarity.RIGHT)
    mask = ~file.mask if inverted else file.mask
    certain = file.certain or polarity is not Polarity.UNKNOWN or inverted
    if certain and (inverted or texts):
        texts += [Polarity.INVERTED.value + ", so it is inverted"] * inverted
        _rewrite(ref, mask, records)
        lines.append(f"{path}: {'; '.join(texts)}; the original is in {layout.path(GIVEN_ORIGINALS)}")
    content = records.contents.look_again(ref)
    assert content is not None
    if isinstance(item, Garment):
        return GivenMask(content, "", _cloth_notices(mask, item, images.read_rgb(layout.path(CLOTH.of(item.id)))))
    notices = (*_agnostic_notices(mask, category, parse()), *_mismatch_notices(mask, item, category, records))
    return GivenMask(content, f"{category.value}:", notices)


def _fitted(file: MaskFile, picture: Path) -> tuple[MaskFile, list[str]]:
    """The mask at its picture's size, where both have the same shape, and what was assumed so far."""
    texts = list(file.assumed)
    if not picture.is_file():
        return file, texts
    (height, width), (rows, columns) = images.picture_size(picture), file.mask.shape
    if (rows, columns) == (height, width) or abs(rows / columns - height / width) > SAME_SHAPE * height / width:
        return file, texts
    resized = cv2.resize(file.mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    return replace(file, mask=resized), [*texts, "resized to its picture's size"]


def _labels(layout: Layout, person: str) -> NDArray[np.uint8] | None:
    try:
        return images.read_labels(layout.path(PARSE.of(person)))
    except (InputError, OSError):
        return None


def _rewrite(ref: Ref, mask: Mask, records: Records) -> None:
    """Put the converted mask in the place of the given one, which is kept beside the ledger."""
    path = records.layout.path(ref)
    original = path.read_bytes()
    folder, name = ref.split("/")[-2:]
    data = images.mask_png(mask) if path.suffix == ".png" else images.jpeg(np.where(mask, 255, 0).astype(np.uint8))
    for place, content in ((f"{GIVEN_ORIGINALS}/{folder}/{name}", original), (ref, data)):
        staged = records.store.stage(place, content)
        records.store.replace(staged)
        records.store.settle_names([staged])
    records.contents.forget(ref)


def _agnostic_notices(mask: Mask, category: Category, parse: NDArray[np.uint8] | None) -> tuple[Notice, ...]:
    from preprocess.agnostic.step import share_notices

    notices = share_notices(category, mask)
    if parse is not None and parse.shape == mask.shape:
        notices += _place_notices(mask, category, parse)
    return tuple(notices or _shape_notices(mask, category, parse))


def _place_notices(mask: Mask, category: Category, parse: NDArray[np.uint8]) -> list[Notice]:
    """Flags of a mask that lies where it should not, or not where it should."""
    notices = []
    covered, face = covered_share(mask, WORN[category], parse), covered_share(mask, (Parse.FACE,), parse)
    if covered is not None and covered < LEAST_COVERED:
        notices.append(Notice(Flag.MASK_TOO_SMALL, f"{category.value}: it covers {covered:.0%} of the worn garment"))
    if face is not None and face > MOST_OF_FACE:
        notices.append(Notice(Flag.MASK_TOO_LARGE, f"{category.value}: it covers {face:.0%} of the face"))
    return notices


def _shape_notices(mask: Mask, category: Category, parse: NDArray[np.uint8] | None) -> list[Notice]:
    """Flags of a mask in the right place whose shape is none that a rule draws: a plain box, or the worn garment alone."""
    if box_likeness(mask) > BOX_LIKE:
        return [Notice(Flag.MASK_TOO_LARGE, f"{category.value}: it is a plain box, not the outline of somebody")]
    rim = None if parse is None or parse.shape != mask.shape else rim_covered(mask, category, parse)
    if rim is None or rim >= LEAST_RIM:
        return []
    return [Notice(Flag.MASK_TOO_SMALL, f"{category.value}: it is the worn garment alone, without room for another round it")]


def _mismatch_notices(mask: Mask, person: Person, category: Category, records: Records) -> tuple[Notice, ...]:
    """A grey picture that was given too shows what the mask covers; one of ours is made of the mask."""
    from preprocess.agnostic.picture import GREY

    ref = AGNOSTIC.of(person.id, category)
    path = records.layout.path(ref)
    inside = erode(mask, MASK_EDGE * len(mask))
    if not path.is_file() or not records.is_hand_edit(ref) or images.picture_size(path) != mask.shape or not inside.any():
        return ()
    off = np.abs(images.read_rgb(path).astype(np.int16) - GREY).max(2)
    share = float((off[inside] <= GREY_REACH).mean())
    if share >= LEAST_GREY:
        return ()
    detail = f"{category.value}: {share:.0%} of the mask is grey in {path.name}"
    return (Notice(Flag.AGNOSTIC_MISMATCH, detail),)


def _cloth_notices(mask: Mask, garment: Garment, picture: NDArray[np.uint8]) -> tuple[Notice, ...]:
    from preprocess.cloth.outline import category_doubt, outline_doubts
    from preprocess.cloth.turned import turned_by

    notices = []
    doubts = outline_doubts(mask, float(mask.mean()))
    if picture.shape[:2] == mask.shape and (outside := left_outside(mask, picture)) > MOST_OUTSIDE:
        doubts.append(f"{outside:.0%} of what stands out from the ground lies outside it")
    if doubts:
        notices.append(Notice(Flag.CLOTH_MASK_SUSPECT, "; ".join(doubts)))
    if turned := turned_by(mask, garment.category):
        notices.append(Notice(Flag.GARMENT_TURNED, turned))
    if garment.given and (doubt := category_doubt(mask, garment.category)):
        notices.append(Notice(Flag.CATEGORY_SUSPECT, f"in {garment.category.value}, but {doubt}"))
    return tuple(notices)
