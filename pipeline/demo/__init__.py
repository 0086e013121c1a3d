"""`python run.py demo`: free photos and rendered people, garments and backgrounds to try things with.

The portrait is NASA's of Eileen Collins (public domain). The other people, and one garment, are rendered and CC0
(`photos/README.md`). The rest is drawn by this package from fixed seeds: the files are the same on every machine.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Container
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module, resources
from pathlib import Path

from pipeline.core.images import SUFFIXES
from pipeline.core.inputs.pairs import has_pair_file
from pipeline.core.layout import BACKGROUND_INPUTS, CLOTH_INPUTS, PAIR_FILES, PERSON_INPUTS, Layout
from pipeline.core.machine.process import give_freed_memory_back
from pipeline.core.records.whole_file import write_whole
from pipeline.demo.choice import GROUP_BACKGROUND, group_file, pairs_file

PORTRAIT = f"{PERSON_INPUTS}/astronaut.png"
PHOTOGRAPHED = (
    f"{PERSON_INPUTS}/nora.jpg",
    f"{PERSON_INPUTS}/kofi.jpg",
    f"{PERSON_INPUTS}/amara.jpg",
    f"{PERSON_INPUTS}/amara_half.jpg",
    f"{PERSON_INPUTS}/luca.jpg",
    f"{CLOTH_INPUTS}/upper/sunrise_tee.jpg",
)
"""The files of `photos/` beside the portrait."""
DRAWN = {
    f"{CLOTH_INPUTS}/upper/breton_top.jpg": "tops:breton_top",
    f"{CLOTH_INPUTS}/upper/printed_tee.jpg": "tops:printed_tee",
    f"{CLOTH_INPUTS}/upper/knitted_crew.jpg": "tops:knitted_crew",
    f"{CLOTH_INPUTS}/upper/checked_shirt.jpg": "tops:checked_shirt",
    f"{BACKGROUND_INPUTS}/room.jpg": "living_room:room",
    f"{BACKGROUND_INPUTS}/seaside.jpg": "seaside:seaside",
    f"{BACKGROUND_INPUTS}/street.jpg": "street:street",
}
DRAWN_FOR_FULL_BODY = {
    f"{CLOTH_INPUTS}/lower/trousers.jpg": "bottoms:trousers",
    f"{CLOTH_INPUTS}/dress/flowered_dress.jpg": "bottoms:dress",
}
SEED = 20240229

_log = logging.getLogger("lookbook")


def fill_inputs(inputs: Path, full_body: bool = True) -> list[Path]:
    """Write the demo files into the inputs folder; a file that is already there is left alone.

    The demo's choice of pairs comes only into a folder without people, garments and pair list of the user's own: a pair list
    would leave out whatever it does not name.

    Args:
        inputs: the folder that holds `person/`, `cloth/` and `background/`; made when absent.
        full_body: everything; False = the portrait alone, the drawn tops and the backgrounds.

    Returns:
        The files written, in order.
    """
    photos = dict.fromkeys((PORTRAIT, *(PHOTOGRAPHED if full_body else ())), "")
    wanted = photos | DRAWN | (DRAWN_FOR_FULL_BODY if full_body else {})
    with_choice = full_body and not _has_own(inputs, wanted)
    missing = [name for name in wanted if not _exists(inputs / name)]
    large = [name for name in missing if name.startswith(BACKGROUND_INPUTS)]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:
        drawings = [(inputs / name, threads.submit(_bytes_of, name, wanted[name])) for name in missing if name not in large]
        for path, drawing in drawings:
            write_whole(path, drawing.result())
    for name in large:  # one at a time: each takes 300 MB
        give_freed_memory_back()
        write_whole(inputs / name, _bytes_of(name, wanted[name]))
    return [inputs / name for name in missing] + (_write_choice(inputs) if with_choice else [])


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


def _bytes_of(name: str, entry: str) -> bytes:
    """A drawing where the entry names one, else the photo of that name in the package."""
    if ":" in entry:
        return draw(entry)
    return (resources.files("pipeline.demo") / "photos" / Path(name).name).read_bytes()


def _has_own(inputs: Path, wanted: Container[str]) -> bool:
    """Whether the folder holds a pair list, or a person or garment that is not the demo's."""
    if has_pair_file(Layout(inputs)):
        return True
    found = (path for kind in (PERSON_INPUTS, CLOTH_INPUTS) for path in (inputs / kind).rglob("*"))
    return any(path.suffix.lower() in SUFFIXES and path.relative_to(inputs).as_posix() not in wanted for path in found)


def _write_choice(inputs: Path) -> list[Path]:
    """Who wears what, and who stands together."""
    texts = {PAIR_FILES[0]: pairs_file(), f"{BACKGROUND_INPUTS}/{GROUP_BACKGROUND}.toml": group_file()}
    missing = [name for name in texts if not _exists(inputs / name)]
    for name in missing:
        write_whole(inputs / name, texts[name])
    return [inputs / name for name in missing]


def _exists(path: Path) -> bool:
    if path.exists() or path.is_symlink():
        _log.info("%s is there already and is left alone", path)
        return True
    return False
