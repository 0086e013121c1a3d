"""Further renderings of the body parts, in folders beside VITON-HD's own pictures.

Facts: docs/facts/densepose_picture.md#other-drawings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from pipeline.core import images
from pipeline.core import layout as places
from pipeline.core.errors import InputError
from pipeline.core.layout import Layout
from pipeline.datasets.transfer import Transfer
from preprocess.densepose.renderings import Rendering, render_as
from preprocess.person.body_parts import read_parts


def renderings_of(person: str, renderings: Sequence[str], layout: Layout, root: Path) -> Iterator[Transfer]:
    """One PNG per rendering: a JPEG would change the indices.

    Args:
        person: id.
        renderings: names of `Rendering`.
        layout: where the raw index is.
        root: the `test` or `train` folder of the tree.
    """
    source = layout.path(places.DENSEPOSE_IUV.of(person))
    for name in renderings:
        rendering = Rendering(name)
        target = root / f"image-densepose-{rendering.value}" / f"{person}.png"
        yield Transfer(target, source, partial(_png, source, rendering))


def _png(source: Path, rendering: Rendering) -> bytes:
    try:
        return images.png(render_as(read_parts(source), rendering))
    except InputError as problem:
        raise InputError(f"{source}: {problem.message}", problem.remedy) from None
