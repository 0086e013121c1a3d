"""Embedded backends beside real companions, for the same photos: `python docs/make_side_by_side.py TREE sheet.png`.

TREE is a VITON-HD tree whose parse maps, body parts and key-points were made by the real networks, in any spelling of its
folders. Each person gets a row of published companions, a row that the embedded backends made of the same photo, and with
`--weights DIR` a row by the real backends that can run here. Companions that are missing are made by the embedded steps. The
sheet shows other people's photos: look at it, never commit it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from make_pictures import ROOT, rgb, stack, strip

from pipeline.core import images, layout
from pipeline.core.labels import Category
from pipeline.core.layout import Layout
from pipeline.datasets.tree import Kind, Tree
from pipeline.datasets.viton_hd_in import read_viton_hd
from preprocess.person.body_parts import read_index

SHOWN = (
    layout.IMAGE,
    layout.POSE_IMAGE,
    layout.DENSEPOSE,
    layout.PARSE,
    layout.AGNOSTIC_MASK.folder(Category.UPPER),
    layout.AGNOSTIC.folder(Category.UPPER),
)
EMBEDDED = [
    word for kind in ("background", "pose", "densepose", "parsing", "cloth") for word in ("--backend", f"{kind}=embedded")
]


def made(home: Path, tree: Path, words: list[str], weights: Path | None = None) -> Layout:
    """A tree taken in, and whatever it lacks made by the steps."""
    home.mkdir()
    if weights:
        (home / "weights").symlink_to(weights.resolve())
    for command in (["import", "viton-hd", str(tree.resolve()), "--pairs", "none"], ["--until", "cloth", *words]):
        subprocess.run([sys.executable, str(ROOT / "run.py"), *command], cwd=home, stdout=subprocess.DEVNULL, check=False)
    return Layout(home / "inputs", home / "outputs")


def photos_only(tree: Tree, folder: Path) -> Path:
    """A tree of the same photos and garments with nothing else."""
    for name, kind, items in (("image", Kind.IMAGE, tree.people), ("cloth", Kind.CLOTH, tree.garments)):
        (folder / "test" / name).mkdir(parents=True)
        for item in items:
            (folder / "test" / name / item.name).symlink_to(item.files[kind].resolve())
    return folder


def row(places: Layout, person: str) -> np.ndarray:
    """One person's conditions; white where one is missing."""
    paths = [places.path(kind.of(person)) for kind in SHOWN]
    return strip([rgb(path) if path.is_file() else np.full((1024, 768, 3), 255, np.uint8) for path in paths])


def agreement(first: Layout, second: Layout, person: str) -> str:
    """How far two sets of conditions agree: body parts against background, labels of the person, agnostic masks."""
    index = [read_index(each.path(layout.DENSEPOSE_IUV.of(person))) > 0 for each in (first, second)]
    parse = [images.read_labels(each.path(layout.PARSE.of(person))) for each in (first, second)]
    masks = [images.read_mask(each.path(layout.AGNOSTIC_MASK.of(person, Category.UPPER))) for each in (first, second)]
    labelled = parse[0] > 0
    alike = np.mean(parse[0][labelled] == parse[1][labelled])
    return f"body IoU {overlap(*index):.2f}, labels {alike:.0%}, mask IoU {overlap(*masks):.2f}"


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two (h, w) bool masks."""
    return float(np.count_nonzero(first & second) / max(1, np.count_nonzero(first | second)))


def main() -> None:
    """Make the sheet and print how far the rows agree."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tree", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--weights", type=Path, help="a weights folder: a row by the real backends that can run here")
    options = parser.parse_args()
    tree = read_viton_hd(options.tree, "test", "none")
    with tempfile.TemporaryDirectory(prefix="lookbook-sheet-") as name:
        home = Path(name)
        photos = photos_only(tree, home / "photos")
        rows = {"companions": made(home / "published", options.tree, EMBEDDED)}
        rows["embedded"] = made(home / "embedded", photos, EMBEDDED)
        if options.weights:
            rows["real"] = made(home / "real", photos, [], options.weights)
        sheet = []
        for path in sorted((rows["companions"].outputs / layout.IMAGE.path).iterdir()):
            for kind, places in rows.items():
                sheet.append(row(places, path.stem))
                print(f"{path.stem} {kind}: {agreement(rows['companions'], places, path.stem)}")
        options.sheet.write_bytes(images.png(stack(sheet)))


if __name__ == "__main__":
    main()
