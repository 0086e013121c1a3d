"""`python run.py demo`: a free photo, drawn garments and drawn backgrounds to try things with.

The photo is NASA's portrait of Eileen Collins (public domain). Everything else is drawn by this package from fixed seeds:
the files are the same on every machine.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module, resources
from pathlib import Path

from pipeline.core.errors import InputError
from pipeline.core.images import SUFFIXES
from pipeline.core.layout import BACKGROUND_INPUTS, CLOTH_INPUTS, PERSON_INPUTS
from pipeline.core.process import give_freed_memory_back

PORTRAIT = f"{PERSON_INPUTS}/astronaut.png"
DRAWN = {
    f"{CLOTH_INPUTS}/upper/breton_top.jpg": "tops:breton_top",
    f"{CLOTH_INPUTS}/upper/printed_tee.jpg": "tops:printed_tee",
    f"{CLOTH_INPUTS}/upper/knitted_crew.jpg": "tops:knitted_crew",
    f"{CLOTH_INPUTS}/upper/checked_shirt.jpg": "tops:checked_shirt",
    f"{BACKGROUND_INPUTS}/room.jpg": "living_room:room",
    f"{BACKGROUND_INPUTS}/seaside.jpg": "seaside:seaside",
}
DRAWN_FOR_FULL_BODY = {
    f"{CLOTH_INPUTS}/lower/trousers.jpg": "bottoms:trousers",
    f"{CLOTH_INPUTS}/dress/flowered_dress.jpg": "bottoms:dress",
}
FULL_BODY_ASPECT = 1.4
"""A photo at least this many times as high as wide probably shows a whole person."""
MAX_PHOTOS_OPENED = 20
"""At most this many photos are opened to find a full-body one."""
SEED = 20240229

_log = logging.getLogger("lookbook")


def fill_inputs(inputs: Path, full_body: bool | None = None) -> list[Path]:
    """Write the demo files into the inputs folder; a file that is already there is left alone.

    Args:
        inputs: the folder that holds `person/`, `cloth/` and `background/`; made when absent.
        full_body: whether trousers and a dress are wanted, which need a photo with legs; None looks for a tall photo
            in the person folder.

    Returns:
        The files written, in order.
    """
    wanted = dict(DRAWN)
    if has_full_body_photo(inputs / PERSON_INPUTS) if full_body is None else full_body:
        wanted |= DRAWN_FOR_FULL_BODY
    missing = [name for name in (PORTRAIT, *wanted) if not _exists(inputs / name)]
    large = [name for name in missing if name.startswith(BACKGROUND_INPUTS)]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        drawings = [(inputs / name, threads.submit(_bytes_of, wanted.get(name, ""))) for name in missing if name not in large]
        for path, drawing in drawings:
            _write(path, drawing.result())
    for name in large:  # one at a time: each takes 300 MB
        give_freed_memory_back()
        _write(inputs / name, _bytes_of(wanted[name]))
    return [inputs / name for name in missing]


def has_full_body_photo(folder: Path) -> bool:
    """Whether a tall photo lies among the first pictures of a folder."""
    photos = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    return any(_is_tall(path) for path in photos[:MAX_PHOTOS_OPENED])


def draw(entry: str, seed: int = SEED) -> bytes:
    """The JPEG bytes of one drawing.

    Args:
        entry: module and function, e.g. `tops:breton_top`; the function's name is part of the seed.
        seed: another seed draws another picture.
    """
    import numpy as np

    from pipeline.core.images import jpeg

    module, name = entry.split(":")
    drawing: Callable[[np.random.Generator], np.ndarray] = getattr(import_module(f"{__name__}.{module}"), name)
    return jpeg(drawing(np.random.default_rng([seed, *name.encode()])))


def _bytes_of(entry: str) -> bytes:
    return draw(entry) if entry else (resources.files("pipeline.demo") / "photos" / "astronaut.png").read_bytes()


def _exists(path: Path) -> bool:
    if path.exists() or path.is_symlink():
        _log.info("%s is there already and is left alone", path)
        return True
    return False


def _write(path: Path, content: bytes) -> None:
    """Write the whole file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def _is_tall(path: Path) -> bool:
    from pipeline.core.images import read_photo

    try:
        height, width = read_photo(path).rgb.shape[:2]
    except InputError:
        return False  # a damaged photo is reported by the run itself, not by the demo
    return bool(height >= FULL_BODY_ASPECT * width)
