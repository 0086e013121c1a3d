"""Makes every picture of the README and of `docs/steps/` by running the program on its own demo: `python docs/make_pictures.py`.

Pictures come from the demo alone (a public-domain photo, rendered people, drawings), so they cannot lie and may be shared.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from pipeline.core import images
from pipeline.core.labels import CIHP_PALETTE

ROOT = Path(__file__).resolve().parents[1]
PICTURES = Path(__file__).parent / "pictures"
PERSON, GARMENT = "kofi", "sunrise_tee"
"""The pair that most steps are shown on."""
WITH_HAIR, SQUARE = "amara_half", "astronaut"
"""A matte is worth seeing on hair, a canvas on a photo of another shape."""
SHOWN = (
    ("kofi", "sunrise_tee"),
    ("nora", "knitted_crew"),
    ("amara", "flowered_dress"),
    ("kofi", "trousers"),
    ("amara_half", "checked_shirt"),
)
"""The pairs at the top of the README, above these on backgrounds."""
PLACED = (("nora", "knitted_crew", "room"), ("luca", "breton_top", "seaside"), ("amara", "flowered_dress", "street"))
HEIGHT = 360
GAP = 8
INSET = 0.34
"""Width of a garment laid into the corner of the picture of its wearer."""


def rgb(path: Path) -> np.ndarray:
    """A picture of any kind as (h, w, 3) uint8; transparency becomes a checkerboard."""
    if path.parent.name == "image-parse-v3" or "parse-agnostic" in path.parent.name:
        return np.array(CIHP_PALETTE, np.uint8)[images.read_labels(path)]
    rgba = images.read_rgba(path).astype(np.float32)
    rows, columns = np.indices(rgba.shape[:2]) // 16
    board = np.where(((rows + columns) % 2)[..., None] == 0, 225.0, 245.0)
    alpha = rgba[..., 3:] / 255
    return (rgba[..., :3] * alpha + board * (1 - alpha)).astype(np.uint8)


def strip(pictures: Iterable[np.ndarray], height: int = HEIGHT) -> np.ndarray:
    """Pictures side by side at one height on white."""
    scaled = [
        cv2.resize(each, (round(each.shape[1] * height / each.shape[0]), height), interpolation=cv2.INTER_AREA)
        for each in pictures
    ]
    gap = np.full((height, GAP, 3), 255, np.uint8)
    parts = [part for each in scaled for part in (each, gap)][:-1]
    return np.concatenate(parts, axis=1)


def stack(rows: list[np.ndarray]) -> np.ndarray:
    """Rows below each other, padded with white to one width."""
    width = max(row.shape[1] for row in rows)
    padded = [np.pad(row, ((0, GAP), (0, width - row.shape[1]), (0, 0)), constant_values=255) for row in rows]
    return np.concatenate(padded)[:-GAP]


def save(name: str, picture: np.ndarray) -> None:
    """A JPEG small enough for a repository."""
    (PICTURES / f"{name}.jpg").write_bytes(images.jpeg(picture, quality=85))


def run(folder: Path, *words: str) -> None:
    """The command line, in the demo folder."""
    subprocess.run([sys.executable, str(ROOT / "run.py"), *words], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def hands() -> np.ndarray:
    """Rendered hands as photographed, ruined by code, and pasted back: what the gate says of each is tested beside them."""
    sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "tests" / "compose")]
    from ruined_hands import doubled, drawn_anew, fused
    from test_hand_paste import hand_named, pasted

    rows = []
    for name, ways in (("m2_turned_left", (fused, doubled)), ("w1_half_right", (fused, doubled))):
        hand = hand_named(name)
        drawn = [drawn_anew(hand, way) for way in ways]
        cut = [part for after in drawn for part in (after, pasted(hand, after)[0])]
        rows.append(strip([_close(each, hand.points) for each in (hand.picture, *cut)], 230))
    return stack(rows)


def _close(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """A square round the hand."""
    middle, half = (points.min(0) + points.max(0)) / 2, 1.1 * float(np.ptp(points, axis=0).max())
    top, left = (max(0, int(middle[axis] - half)) for axis in (1, 0))
    return picture[top : top + int(2 * half), left : left + int(2 * half)]


def wearing(picture: np.ndarray, garment: np.ndarray) -> np.ndarray:
    """A picture with the photo of the garment in its upper right corner, (h, w, 3) uint8 each."""
    wide = round(INSET * picture.shape[1])
    small = cv2.resize(garment, (wide, round(wide * garment.shape[0] / garment.shape[1])), interpolation=cv2.INTER_AREA)
    framed = np.pad(small, ((0, GAP // 2), (GAP // 2, 0), (0, 0)), constant_values=255)
    shown = picture.copy()
    shown[: framed.shape[0], -framed.shape[1] :] = framed
    return shown


def one(folder: Path, stem: str) -> Path:
    """The only file of a name, whatever its suffix and sub-folder."""
    (found,) = folder.rglob(f"{stem}.*")
    return found


def main() -> None:
    """Run the demo and cut the pictures from it."""
    PICTURES.mkdir(exist_ok=True)
    save("hands", hands())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(folder, "demo")
        save_steps(folder)
        save_lookbook(folder)


def save_steps(folder: Path) -> None:
    """What each step makes, for `docs/steps/`."""
    inputs, out, test = folder / "inputs", folder / "outputs", folder / "outputs/vitonhd/test"
    canvas, photo = rgb(test / f"image/{PERSON}.jpg"), lambda person: rgb(one(inputs / "person", person))
    save("background", strip([photo(WITH_HAIR), rgb(out / f"matte/{WITH_HAIR}.png"), rgb(out / f"cutout/{WITH_HAIR}.png")]))
    found = [rgb(test / f"image/{SQUARE}.jpg"), rgb(test / f"openpose_img/{SQUARE}_rendered.png")]
    save("pose", strip([photo(SQUARE), *found]))
    save("densepose", strip([canvas, rgb(test / f"image-densepose/{PERSON}.jpg")]))
    parsed = [rgb(test / f"image-parse-v3/{PERSON}.png"), rgb(test / f"agnostic-mask/{PERSON}_mask.png")]
    save("parsing", strip([canvas, *parsed, rgb(test / f"agnostic-v3.2/{PERSON}.jpg")]))
    garments = (GARMENT, "breton_top")
    given = [rgb(one(inputs / "cloth", garment)) for garment in garments]
    made = [rgb(test / f"cloth/{garment}.jpg") for garment in garments]
    masks = [rgb(test / f"cloth-mask/{garment}.jpg") for garment in garments]
    save("cloth", strip([part for trio in zip(given, made, masks, strict=True) for part in trio], 300))
    save("tryon", strip([canvas, made[0], rgb(out / f"tryon/preview/{PERSON}__{GARMENT}.png")]))
    person, garment, _ = PLACED[0]
    save("compose", strip([final(folder, person, garment, each) for each in ("original", "room", "seaside")], 320))


def save_lookbook(folder: Path) -> None:
    """The README's picture: photos, the same people dressed, and some of them elsewhere and together."""
    inputs = folder / "inputs"
    photos = [rgb(one(inputs / "person", person)) for person, _ in SHOWN]
    dressed = [wearing(final(folder, *pair, "original"), rgb(one(inputs / "cloth", pair[1]))) for pair in SHOWN]
    placed = [final(folder, *each) for each in PLACED]
    save("lookbook", stack([strip(photos, 262), strip(dressed, 262), strip(placed, 222)]))


def final(folder: Path, person: str, garment: str, background: str) -> np.ndarray:
    """A finished picture, (h, w, 3) uint8."""
    return rgb(folder / f"outputs/final/preview/{person}__{garment}__{background}.png")


if __name__ == "__main__":
    main()
