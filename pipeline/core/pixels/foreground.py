"""Foreground colours: the colours of the person alone in pixels that mix person and background.

Only the soft band of a matte changes. The solver is the multilevel method of Germer et al. 2020 (pymatting); where it cannot be
loaded, two passes of blur fusion (Forte 2021) are used. Large photos are solved at a smaller size, and the result is applied at
their own resolution.
"""

from __future__ import annotations

import functools
import importlib.util
import logging
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Float
from pipeline.core.machine.compiled_code import compile_apart, compiling_apart, is_kept
from pipeline.core.masks import box_of, bytes_of

Solver = Callable[[Float, Float], tuple[Float, Float]]

WORK_SIDE_PX = 1280
"""Long side at which the solver runs; the colours of both layers vary slowly, so a larger size gains nothing."""
MARGIN_PX = 3
"""How far outside the matte colours are still filled in, so that resampling a cut-out never mixes background colours in."""
CONTEXT_PX = 24
"""Margin of pure person and pure background around the band, from which the solver takes both colours."""
SLOW_LOAD_SECONDS = 2.0
MULTILEVEL = "pymatting.foreground.estimate_foreground_ml"

_log = logging.getLogger("lookbook")
_solving = threading.Lock()  # numba's default threading layer aborts the process when two threads enter it


def cutout(photo: RGB, alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The person without background.

    Args:
        photo: (h, w, 3) uint8 RGB.
        alpha: (h, w) uint8 soft matte, 255 = person.

    Returns:
        (h, w, 4) uint8 straight (not premultiplied) RGBA; black farther than `MARGIN_PX` from the person.
    """
    near = _grown(alpha, MARGIN_PX)
    coloured = cv2.merge([*cv2.split(estimate_foreground(photo, alpha)), alpha])
    result: NDArray[np.uint8] = cv2.copyTo(coloured, near)
    return result


def estimate_foreground(photo: RGB, alpha: NDArray[np.uint8], work_side_px: int = WORK_SIDE_PX) -> RGB:
    """The colours of the person alone, without the background's share of mixed pixels.

    Args:
        photo: (h, w, 3) uint8 RGB.
        alpha: (h, w) uint8 soft matte, 255 = person.
        work_side_px: long side at which the solver runs.

    Returns:
        (h, w, 3) uint8 RGB; equal to the photo wherever `alpha` is 255, and farther than `MARGIN_PX` outside the matte.
    """
    band = soft_band(alpha)
    box = box_of(band)
    result = photo.copy()
    if box is None:
        return result
    window = box.window(alpha.shape, CONTEXT_PX)
    piece, matte, inside = photo[window], alpha[window], np.nonzero(band[window])
    fore, back = _layers(piece, matte, work_side_px)
    result[window][inside] = _fused(piece[inside], matte[inside], fore[inside], back[inside])
    return result


def soft_band(alpha: NDArray[np.uint8], margin_px: int = MARGIN_PX) -> NDArray[np.bool_]:
    """(h, w) bool: the mixed pixels and a margin outside them; never a pixel with alpha 255."""
    band: NDArray[np.bool_] = _grown(alpha, margin_px).view(bool) & (alpha < 255)
    return band


def _grown(alpha: NDArray[np.uint8], margin_px: int) -> NDArray[np.uint8]:
    """(h, w) uint8 0 or 1: where the matte is not empty, and a margin."""
    grown: NDArray[np.uint8] = cv2.dilate(bytes_of(alpha > 0), np.ones((2 * margin_px + 1,) * 2, np.uint8))
    return grown


def _layers(piece: RGB, matte: NDArray[np.uint8], work_side_px: int) -> tuple[RGB, RGB]:
    """(h, w, 3) uint8 colours of person and background, solved at a long side of at most `work_side_px`."""
    height, width = matte.shape
    factor = min(1.0, work_side_px / max(height, width))
    size = (max(8, round(width * factor)), max(8, round(height * factor)))
    small = cv2.resize(piece, size, interpolation=cv2.INTER_AREA) if factor < 1 else piece
    soft = cv2.resize(matte, size, interpolation=cv2.INTER_AREA) if factor < 1 else matte
    with _solving:
        layers = _solver()((small / np.float32(255)).astype(np.float32), (soft / np.float32(255)).astype(np.float32))
    fore, back = (np.clip(layer * 255 + 0.5, 0, 255).astype(np.uint8) for layer in layers)
    if factor < 1:
        fore, back = (cv2.resize(layer, (width, height), interpolation=cv2.INTER_LINEAR) for layer in (fore, back))
    return fore, back


def _fused(colour: RGB, matte: NDArray[np.uint8], fore: RGB, back: RGB) -> RGB:
    """Add to the person its share of what both layers do not explain (update of blur fusion). All (n, 3) or (n,) uint8."""
    share = (matte / np.float32(255))[:, None]
    rest = colour - share * fore - (1 - share) * back
    fused: RGB = np.clip(fore + share * rest + 0.5, 0, 255).astype(np.uint8)
    return fused


def warm() -> str:
    """Load the colour solver before the first picture; returns its name, `multilevel` or `blur fusion`."""
    return "multilevel" if _solver() is not blur_fusion else "blur fusion"


def compiling_meanwhile() -> AbstractContextManager[None]:
    """Compile the colour solver in a process of its own while the block does something else, if it is not compiled yet."""
    file = solver_file()
    return nullcontext() if file is None else compiling_apart(MULTILEVEL, file)


@functools.cache
def _solver() -> Solver:
    notice = threading.Timer(SLOW_LOAD_SECONDS, _log.info, ["compiling colour estimation, once on this machine, about 10 s"])
    notice.daemon = True
    file = solver_file()
    if file is not None and is_kept(file) is False:
        notice.start()
    try:
        return _load_multilevel()
    except (ImportError, OSError, RuntimeError, AttributeError) as problem:
        # numba raises RuntimeError when it finds no folder for its cache; compiling in every run would cost more than it gains
        _log.warning("colour estimation by blur fusion, edges are a little less clean: pymatting cannot be used (%s)", problem)
        return blur_fusion
    finally:
        notice.cancel()


def solver_file() -> Path | None:
    """The file of pymatting that holds the multilevel solver; None = it is not installed."""
    package = importlib.util.find_spec("pymatting")
    if package is None or not package.submodule_search_locations:
        return None
    return Path(package.submodule_search_locations[0]) / "foreground" / "estimate_foreground_ml.py"


def _load_multilevel() -> Solver:
    """Load one file of pymatting by itself: importing the package compiles ten modules in 20-40 s, this one takes 4 s, apart."""
    if MULTILEVEL in sys.modules:
        return _with_background(sys.modules[MULTILEVEL])
    path = solver_file()
    if path is None:
        raise ImportError("pymatting is not installed")
    spec = importlib.util.spec_from_file_location(MULTILEVEL, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is missing")
    module = importlib.util.module_from_spec(spec)
    compile_apart(MULTILEVEL, path)
    sys.modules[MULTILEVEL] = module  # numba's cache looks its functions up by this name in every later run
    try:
        spec.loader.exec_module(module)
    except BaseException:  # raised again, after the half-loaded module is removed
        sys.modules.pop(MULTILEVEL, None)
        raise
    return _with_background(module)


def _with_background(module: ModuleType) -> Solver:
    from numba import set_num_threads

    estimate: Callable[..., tuple[Any, Any]] = module.estimate_foreground_ml

    def solve(image: Float, alpha: Float) -> tuple[Float, Float]:
        # Its loops are short and synchronise at every level: two threads took ten times as long as one.
        set_num_threads(1)
        return estimate(image, alpha, return_background=True)

    return solve


def blur_fusion(image: Float, alpha: Float) -> tuple[Float, Float]:
    """Foreground and background colours from two passes of local means, first wide, then narrow.

    Facts: docs/facts/mattes.md#edge-colours.

    Args:
        image: (h, w, 3) float32 in [0, 1].
        alpha: (h, w) float32 in [0, 1].

    Returns:
        (h, w, 3) float32 foreground and background in [0, 1].
    """
    share = alpha[..., None]
    fore, back = image, image
    for side_px in (90, 6):
        box = (side_px, side_px)
        weight = cv2.blur(alpha, box)[..., None]
        mean_f = cv2.blur(fore * share, box) / np.maximum(weight, 1e-5)
        back = cv2.blur(back * (1 - share), box) / np.maximum(1 - weight, 1e-5)
        fore = np.clip(mean_f + share * (image - share * mean_f - (1 - share) * back), 0, 1)
    return fore.astype(np.float32), np.clip(back, 0, 1).astype(np.float32)
