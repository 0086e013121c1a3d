"""Every folder name, suffix and mask polarity of the project; no other file spells one.

An artefact is named by a `Ref`: a POSIX path relative to the outputs folder (`vitonhd/test/image/ann.jpg`), or, for what the user
gave, relative to the inputs folder with the prefix `inputs:` (`inputs:person/beach/07.jpg`). Refs are plain strings because a
plan over ten thousand photos handles half a million of them. Masks on disk and in memory: 255 / True = repaint.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.core.labels import Category

Ref = str
INPUT_PREFIX = "inputs:"

CANVAS = (1024, 768)
"""(height, width) of every picture below `vitonhd/`."""

ORIGINAL = "original"
"""The background id that means: back into the person's own photo."""


@dataclass(frozen=True, slots=True)
class Folder:
    """One kind of artefact: where it lies and what its file names end with.

    Args:
        path: folder relative to the outputs folder.
        suffix: what follows the item's id in the file name, extension included.
        step: the step that makes it.
        about: one line for `docs/folders.md` and the report.
    """

    path: str
    suffix: str
    step: str
    about: str

    def of(self, item_id: str) -> Ref:
        """The artefact of one item."""
        return f"{self.path}/{item_id}{self.suffix}"


_TAILS = {Category.UPPER: "", Category.LOWER: "-lower", Category.DRESS: "-dress"}


@dataclass(frozen=True, slots=True)
class PerCategory:
    """A kind of artefact that exists once per garment category; `upper` keeps VITON-HD's own folder name."""

    path: str
    suffix: str
    step: str
    about: str

    def folder(self, category: Category) -> Folder:
        """The folder of one category: `agnostic-mask`, `agnostic-mask-lower`, `agnostic-mask-dress`."""
        about = self.about if category is Category.UPPER else f"{self.about} ({category.value} garments)"
        return Folder(self.path + _TAILS[category], self.suffix, self.step, about)

    def of(self, item_id: str, category: Category) -> Ref:
        """The artefact of one item for one category."""
        return f"{self.path}{_TAILS[category]}/{item_id}{self.suffix}"


@dataclass(frozen=True, slots=True)
class PerEngine:
    """A kind of artefact that exists once per try-on engine."""

    path: str
    suffix: str
    step: str
    about: str

    def of(self, item_id: str, engine: str) -> Ref:
        """The artefact of one item made by one engine."""
        return f"{self.path}/{engine}/{item_id}{self.suffix}"


PICTURE_SUFFIXES = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}
"""The formats a finished picture can have, and what its file name then ends with."""


@dataclass(frozen=True, slots=True)
class PerFormat(PerEngine):
    """A kind of artefact whose file format the user chooses; `suffix` is the default's."""

    def of(self, item_id: str, engine: str, form: str = "png") -> Ref:
        """The artefact of one item made by one engine, in one of the formats."""
        return f"{self.path}/{engine}/{item_id}{PICTURE_SUFFIXES[form]}"

    def forms(self, item_id: str, engine: str) -> tuple[Ref, ...]:
        """The artefact in every format."""
        return tuple(self.of(item_id, engine, form) for form in PICTURE_SUFFIXES)


TEST = "vitonhd/test"

CUTOUT = Folder("cutout", ".png", "background", "the person without background: RGBA, straight alpha, photo resolution")
MATTE = Folder("matte", ".png", "background", "soft alpha of the person: 8-bit grey, photo resolution, 255 = person")
LANDMARKS = Folder("landmarks", ".json", "background", "raw body and face landmarks, person box, people counted: photo pixels")
FRAME = Folder("frame", ".json", "pose", "the 3:4 window of the photo that became the canvas, with its exact inverse")
IMAGE = Folder(f"{TEST}/image", ".jpg", "pose", "the person on the canvas, RGB 1024×768")
POSE_JSON = Folder(f"{TEST}/openpose_json", "_keypoints.json", "pose", "BODY_25 and hands, OpenPose JSON, canvas pixels")
POSE_IMAGE = Folder(f"{TEST}/openpose_img", "_rendered.png", "pose", "the skeleton drawn on black")
DENSEPOSE = Folder(f"{TEST}/image-densepose", ".jpg", "densepose", "body parts in VITON-HD's colours on pure black, 4:4:4")
DENSEPOSE_IUV = Folder("densepose-iuv", ".npz", "densepose", "raw body-part index I and, where the backend has them, U and V")
PARSE = Folder(f"{TEST}/image-parse-v3", ".png", "parsing", "parse map: palette PNG, pixel value = CIHP id")
PARSE_LISTS = Folder("parse-lists", ".npz", "parsing", "LIP's and ATR's labels, where a backend has both (schp)")
PARSE_EDGES = Folder("parse-edges", ".png", "parsing", "outlines between parts, where a backend finds them (pgn): 8-bit grey")
PARSE_AGNOSTIC = PerCategory(f"{TEST}/image-parse-agnostic-v3.2", ".png", "parsing", "parse map without the garment to replace")
AGNOSTIC = PerCategory(f"{TEST}/agnostic-v3.2", ".jpg", "parsing", "the person with the area to repaint in grey 128")
AGNOSTIC_MASK = PerCategory(f"{TEST}/agnostic-mask", "_mask.png", "parsing", "white = the area to repaint")
CLOTH = Folder(f"{TEST}/cloth", ".jpg", "cloth", "the garment alone on VITON-HD's light grey, RGB 1024×768")
CLOTH_MASK = Folder(f"{TEST}/cloth-mask", ".jpg", "cloth", "white = garment")
TRYON = PerEngine("tryon", ".png", "tryon", "the dressed person on the canvas")
CLOTH_WARP = PerEngine(f"{TEST}/cloth-warp", ".png", "tryon", "the garment bent onto the person, where an engine warps it first")
CLOTH_WARP_MASK = PerEngine(f"{TEST}/cloth-warp-mask", ".png", "tryon", "where the bent garment is: 8-bit grey, soft")
CLOTH_FLOW = PerEngine("cloth-flow", ".png", "tryon", "the flow that bent the garment: hue = direction, strength = distance")
REPAIRED = PerEngine("hands-repaired", ".png", "tryon", "with `--repair-hands`: the dressed person with hands drawn once more")
PREDICTED_PARSE = PerEngine(
    f"{TEST}/predicted-parse",
    ".png",
    "tryon",
    "the parse map to come: where an engine expects the garment, palette PNG, CIHP labels",
)
MISALIGNED = PerEngine(
    f"{TEST}/misalignment", ".png", "tryon", "where the garment is expected and the bent one does not reach: 8-bit grey, soft"
)
ATTENTION = PerEngine("attention", ".png", "tryon", "where on the garment each patch looks, where an engine saves it")
SAMPLES = PerEngine("samples", ".png", "tryon", "several draws of a pair side by side, where an engine is asked for them")
OUTFIT = Folder("outfit", ".png", "tryon", "a person in the first garment of an outfit: the photo for its second pass")
DRESSED_CUTOUT = PerEngine("dressed-cutout", ".png", "compose", "the dressed person without background: RGBA, photo resolution")
FINAL = PerFormat("final", ".png", "compose", "the finished picture; `.jpg` or `.webp` with `compose.format`")
SIZES = PerFormat("sizes", ".png", "compose", "the finished picture in a further size: a folder per size of `compose.sizes`")
LAYERS = (
    PerEngine("layers", "-1-background.png", "compose", "with `--layers`: the background alone, RGBA"),
    PerEngine("layers", "-2-shadow.png", "compose", "with `--layers`: shadows and reflections alone, RGBA"),
    PerEngine("layers", "-3-person.png", "compose", "with `--layers`: everybody alone, RGBA"),
)
"""One over the other they give the finished picture."""

PER_ITEM = (
    *(CUTOUT, MATTE, LANDMARKS, FRAME, IMAGE, POSE_JSON, POSE_IMAGE),
    *(DENSEPOSE, DENSEPOSE_IUV, PARSE, PARSE_LISTS, PARSE_EDGES, CLOTH, CLOTH_MASK, OUTFIT),
)
PER_CATEGORY = (PARSE_AGNOSTIC, AGNOSTIC, AGNOSTIC_MASK)
PER_PAIR: dict[str, PerEngine] = {
    "predicted parse map": PREDICTED_PARSE,
    "warped cloth": CLOTH_WARP,
    "warped cloth mask": CLOTH_WARP_MASK,
    "misaligned area": MISALIGNED,
    "flow": CLOTH_FLOW,
}
"""What some engines make of a pair before they dress it (see `pair_stage`), by what it is called where a pair is shown."""
PER_ENGINE: tuple[PerEngine, ...] = (
    *(*PER_PAIR.values(), TRYON, REPAIRED, ATTENTION, SAMPLES),
    *(DRESSED_CUTOUT, FINAL, SIZES, *LAYERS),
)


def maker(ref: Ref) -> str:
    """The step that makes an artefact, or "" for an input; `vitonhd/test/image/ann.jpg` → `pose`."""
    folder = ref.rpartition("/")[0]
    for kind in PER_ITEM:
        if kind.path == folder:
            return kind.step
    others: tuple[PerCategory | PerEngine, ...] = (*PER_CATEGORY, *PER_ENGINE)
    return next((kind.step for kind in others if folder.startswith(kind.path)), "")


def make_again(ref: Ref) -> str:
    """The command that makes an artefact which is not there."""
    return f"python run.py --step {maker(ref)}"


PERSON_INPUTS = "person"
CLOTH_INPUTS = "cloth"
BACKGROUND_INPUTS = "background"
OLDER_BACKGROUND_INPUTS = "bg_images"
"""Optional, older form: backgrounds in the folder of this name count like those in `background/`."""
BACKGROUND_LIST = "backgrounds.txt"
"""Optional, older form: a background picture and its position file per line."""
POSITION_FILE = ".txt"
"""What position files end with; they may lie among the backgrounds of the older form."""
PAIR_FILES = ("pairs.txt", "pairs.csv")
PAIR_LISTS = {
    Category.UPPER: "vitonhd/test_pairs.txt",
    Category.LOWER: "vitonhd/test_pairs_lower.txt",
    Category.DRESS: "vitonhd/test_pairs_dress.txt",
}
CONTACT_SHEET = "report/sheet.pdf"
REPORT = "report/index.html"
REPORT_KEY = ".ledger/report-key"
THUMBNAILS = "report/thumbs"
LEDGER = ".ledger"
GARMENT_GUESSES = ".ledger/garment-guesses.json"
"""Categories guessed from garment pictures, with the stamps of the files they were guessed from."""
GIVEN_MASKS = ".ledger/given-masks.json"
"""Masks that the user edited or gave, by content, with their flags."""
GIVEN_ORIGINALS = ".ledger/given-masks"
"""Given masks as they were before they were converted."""
STEP_NAMES = ".ledger/step-names.txt"
"""Whose step names `--step` understands too, after the import of a folder of that program."""
ATTEMPTS = ".ledger/attempts.jsonl"
"""Pairs whose picture is not drawn from their first seed, and what other seeds gave."""
VERDICTS = "verdicts.jsonl"
"""What a person decided about finished pictures: one JSON object a line, the last one about a picture counts."""
REVIEW = ".review"
"""What the review page remembers: earlier placements, for undo."""
CONFIG_FILE = "lookbook.toml"
SETTINGS_SUFFIX = ".toml"
"""`<photo>.toml` says which person; `<background>.toml`, the placement file, says where people stand."""


def settings_file(source: Ref) -> Ref:
    """The optional settings file beside an input picture: `inputs:background/sea.jpg` → `inputs:background/sea.toml`."""
    head, _, name = source.rpartition("/")
    stem = name.rpartition(".")[0] or name
    return f"{head}/{stem}{SETTINGS_SUFFIX}" if head else stem + SETTINGS_SUFFIX


@dataclass(frozen=True)
class Layout:
    """Where the three data folders are; turns refs into paths.

    Args:
        inputs: photos, garments, backgrounds, pairs.
        outputs: everything we make.
        weights: model files.
    """

    inputs: Path = Path("inputs")
    outputs: Path = Path("outputs")
    weights: Path = Path("weights")

    def path(self, ref: Ref) -> Path:
        """The file a ref names."""
        if ref.startswith(INPUT_PREFIX):
            return self.inputs / ref[len(INPUT_PREFIX) :]
        return self.outputs / ref
