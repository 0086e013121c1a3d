"""Quality flags: what may be wrong with a picture that was made (docs/architecture.md#errors-and-flags).

The report shows the flags of each item. A flag on a good photo is a bug too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Flag(StrEnum):
    """The kinds of flags; `ABOUT` describes each and what to do."""

    SEVERAL_PEOPLE = "several-people"
    TORSO_CUT = "torso-cut"
    BACK_VIEW = "back-view"
    PROFILE_VIEW = "profile-view"
    ARMS_ACROSS_TORSO = "arms-across-torso"
    SMALL_PERSON = "small-person"
    PHOTO_TURNED = "photo-turned"
    PHOTO_DARK = "photo-dark"
    PHOTO_BLURRED = "photo-blurred"
    PHOTO_COLOURLESS = "photo-colourless"
    SECOND_PERSON = "second-person"
    THING_CUT_AWAY = "thing-cut-away"
    MATTE_DOUBTFUL = "matte-doubtful"
    WATERMARK = "watermark"
    SCALED_FOR_WORK = "scaled-for-work"
    FIRST_FRAME = "first-frame"
    MASK_TOO_SMALL = "mask-too-small"
    MASK_TOO_LARGE = "mask-too-large"
    AGNOSTIC_MISMATCH = "agnostic-mismatch"
    LEGS_NOT_VISIBLE = "legs-not-visible"
    GARMENTS_ALIKE = "garments-alike"
    LAYERS_WORN = "layers-worn"
    LEGS_BENT = "legs-bent"
    GARMENT_WORN = "garment-worn"
    WEARER_DOUBTFUL = "wearer-doubtful"
    SEVERAL_GARMENTS = "several-garments"
    GARMENT_CUT = "garment-cut"
    GARMENT_TURNED = "garment-turned"
    HANGER_REMOVED = "hanger-removed"
    PAPER_TAG = "paper-tag"
    MANNEQUIN_SEEN = "mannequin-seen"
    CLOTH_MASK_SUSPECT = "cloth-mask-suspect"
    CATEGORY_SUSPECT = "category-suspect"
    GARMENT_MISALIGNED = "garment-misaligned"
    PREVIEW_ONLY = "preview-only"
    SHAPE_NOT_SHOWN = "shape-not-shown"
    GARMENT_SHEER = "garment-sheer"
    RESULT_BLANK = "result-blank"
    OUTSIDE_CHANGED = "outside-changed"
    FACE_CHANGED = "face-changed"
    FACE_REDRAWN = "face-redrawn"
    HANDS_DIFFER = "hands-differ"
    COLOUR_OFF = "colour-off"
    BARELY_PAINTED = "barely-painted"
    EDGE_HALO = "edge-halo"
    OLD_GARMENT_LEFT = "old-garment-left"
    PAINTED_BESIDE = "painted-beside"
    GARMENT_INCOMPLETE = "garment-incomplete"
    GREY_LEFT = "grey-left"
    PAINT_RECTANGULAR = "paint-rectangular"
    RESULT_BLURRED = "result-blurred"
    OUTLINE_TORN = "outline-torn"
    SHOULDERS_BULGE = "shoulders-bulge"
    PART_LOST = "part-lost"
    BACKGROUND_LEFT = "background-left"
    HAND_REPAIRED = "hand-repaired"
    PERSON_CUT = "person-cut"
    PERSON_ENLARGED = "person-enlarged"
    CUT_SHOWS = "cut-shows"
    NO_GROUND = "no-ground"
    GROUP_UNEVEN = "group-uneven"
    EMBEDDED_USED = "embedded-used"
    SIZE_CUTS_PERSON = "size-cuts-person"
    SIZE_NOT_REACHED = "size-not-reached"
    EDITED_BY_HAND = "edited-by-hand"


ABOUT: dict[Flag, str] = {
    Flag.SEVERAL_PEOPLE: "several people: the largest is used; choose another with `person = 2` (from the left) in <photo>.toml",
    Flag.TORSO_CUT: "the torso is cut by the frame: shoulders or hips are outside the photo; use a photo that shows them",
    Flag.BACK_VIEW: "seen from behind: garments are drawn as front views; use a frontal photo",
    Flag.PROFILE_VIEW: "seen from the side: the garment is placed less exactly; a frontal photo gives a better picture",
    Flag.ARMS_ACROSS_TORSO: "an arm crosses the torso: check the mask and the hands",
    Flag.SMALL_PERSON: "the person is small in the photo: crop closer for more detail",
    Flag.PHOTO_TURNED: "the person lies or is upside down: turn the photo, a garment is placed on somebody upright",
    Flag.PHOTO_DARK: "the photo is dark: garment and person will not match in light; brighten it or use another",
    Flag.PHOTO_BLURRED: "the photo is blurred or was enlarged: edges and face stay soft; use a sharp one",
    Flag.PHOTO_COLOURLESS: "the photo has no colours: a garment in colour will not match it; use a photo in colour",
    Flag.SECOND_PERSON: "part of another person is in the photo and was cut away: check the matte, or crop the photo",
    Flag.THING_CUT_AWAY: "a bag or another thing in the hand is not in the cut-out: add it in the matte, or use another photo",
    Flag.MATTE_DOUBTFUL: "clothes and wall have one colour: check hems and sleeves in the matte, or use another photo",
    Flag.WATERMARK: "writing lies over the picture, a watermark perhaps: it would be worn and shown; use a picture without one",
    Flag.SCALED_FOR_WORK: "the photo is larger than the limit and was scaled down for work",
    Flag.FIRST_FRAME: "the file is an animation or has several pages: the first picture is used; save another as its own file",
    Flag.MASK_TOO_SMALL: "the area to repaint is unusually small: check the agnostic mask",
    Flag.MASK_TOO_LARGE: "the area to repaint is unusually large: check the agnostic mask",
    Flag.AGNOSTIC_MISMATCH: "mask and grey picture were given and differ: delete the wrong one, its step makes it anew",
    Flag.LEGS_NOT_VISIBLE: "the legs are not in the photo: lower garments and dresses need a full-body photo",
    Flag.GARMENTS_ALIKE: "upper and lower garment look alike, their border is taken from the body: check the agnostic mask",
    Flag.LAYERS_WORN: "a coat over another garment: agnostic.recipe = catvton-inner or catvton-outer replaces one; see the mask",
    Flag.LEGS_BENT: "sitting, or a leg raised: trousers and skirts are placed less exactly; use a photo of somebody standing",
    Flag.GARMENT_WORN: "somebody wears the garment: a flat lay is better; with engine fashn: --set fashn.garment_photo=worn",
    Flag.WEARER_DOUBTFUL: "somebody may wear the garment, or it is a print: it was cut as a flat one; check the cloth mask",
    Flag.SEVERAL_GARMENTS: "the garment's picture shows several pieces, of which the largest is worn: use a picture of one",
    Flag.GARMENT_CUT: "the garment is cut off by the edge of its picture: use one that shows it whole",
    Flag.GARMENT_TURNED: "the garment is upside down or lies on its side: turn its picture, or it is worn like that",
    Flag.HANGER_REMOVED: "a hanger was cut away: check the collar in the cloth mask; a picture without one is better",
    Flag.PAPER_TAG: "a paper tag seems to lie on the garment and would be worn: use a picture without it",
    Flag.MANNEQUIN_SEEN: "parts of a mannequin show: erase what is left of them in the cloth mask, or use a flat lay",
    Flag.CLOTH_MASK_SUSPECT: "the garment's outline looks wrong: use a plain background or a picture with transparency",
    Flag.CATEGORY_SUSPECT: "perhaps of another category: decide it with cloth/upper, cloth/lower, cloth/dress",
    Flag.GARMENT_MISALIGNED: "the warped garment misses much of where it belongs: check it; people with their arms down fit best",
    Flag.PREVIEW_ONLY: "geometric preview, not a try-on model's result",
    Flag.SHAPE_NOT_SHOWN: "the preview cannot show this garment's shape: judge colour and print by it, not the cut",
    Flag.GARMENT_SHEER: "parts of the garment are see-through and are shown opaque",
    Flag.RESULT_BLANK: "the try-on result is blank",
    Flag.OUTSIDE_CHANGED: "the photo changed outside the area to repaint: check the agnostic mask",
    Flag.FACE_CHANGED: 'the face is not the photo\'s any more: restore.keep = ["face"] keeps it, --retry-bad 2 tries other seeds',
    Flag.FACE_REDRAWN: "the engine drew another face; the photo's was kept: check neck and hair, --retry-bad 2 tries other seeds",
    Flag.HANDS_DIFFER: 'a hand is not the photo\'s any more: agnostic.keep = ["hands"] draws none, --retry-bad 2 draws again',
    Flag.COLOUR_OFF: "the garment is worn in other colours than its picture shows: --retry-bad 2 tries other seeds",
    Flag.BARELY_PAINTED: "hardly anything was repainted: check the agnostic mask and the garment's category",
    Flag.EDGE_HALO: "the old background shows in the new outline: check the matte",
    Flag.OLD_GARMENT_LEFT: "the old garment or its shape (hood, wide sleeve) shows: check the agnostic mask, or --retry-bad 2",
    Flag.PAINTED_BESIDE: "the garment is painted beside the person: check the agnostic mask, --retry-bad 2 tries other seeds",
    Flag.GARMENT_INCOMPLETE: "part of the garment is missing: --retry-bad 2 tries other seeds",
    Flag.GREY_LEFT: "part of the area to repaint stayed the agnostic picture's grey: --retry-bad 2 tries other seeds",
    Flag.PAINT_RECTANGULAR: "the painted area has a long straight side: the garment may be a rectangle or cut off",
    Flag.RESULT_BLURRED: "the garment is blurred: --retry-bad 2 tries other seeds",
    Flag.OUTLINE_TORN: "the new outline is ragged: look at sleeves, hem and collar; --retry-bad 2 tries other seeds",
    Flag.SHOULDERS_BULGE: "the garment sticks out at the shoulders: check the agnostic mask, --retry-bad 2 tries other seeds",
    Flag.PART_LOST: "part of a hand, a shoe or a thing that is held is gone or painted over: check agnostic mask and matte",
    Flag.BACKGROUND_LEFT: "a piece of the old background is left in the cut-out and shows on another one: check the matte",
    Flag.HAND_REPAIRED: "a hand was drawn once more by the hand repair: check it; without --repair-hands it is the engine's own",
    Flag.PERSON_CUT: "the person is cut by the photo's edge and was anchored to the background's edge",
    Flag.PERSON_ENLARGED: "the person was enlarged beyond the photo's resolution to fit the background",
    Flag.CUT_SHOWS: "a cut of the photo shows inside the picture: move the person to the edge in <background>.toml",
    Flag.NO_GROUND: 'nowhere to stand: in <background>.toml give a foot point or ground = "floor", or use another background',
    Flag.GROUP_UNEVEN: "people of one picture differ in size beyond perspective: check the heights in <background>.toml",
    Flag.EMBEDDED_USED: "the real model found no person or garment; the approximate embedded one was used: check the picture",
    Flag.SIZE_CUTS_PERSON: "a shape asked for cannot hold the whole person, who is cut there: choose a taller or wider one",
    Flag.SIZE_NOT_REACHED: "fewer pixels than a size needs, and nothing is enlarged: use a larger photo or background",
    Flag.EDITED_BY_HAND: "an artefact was edited or supplied by the user and is kept; --force replaces it",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One flag of one item, with the figures behind it.

    Args:
        flag: which.
        detail: the figures behind it, e.g. `2 people, areas 31 % and 12 %`.
    """

    flag: Flag
    detail: str = ""
