"""Reading SHHQ-1.0 (StyleGAN-Human, Fu et al. 2022): a folder of people without garments, for tests across data sets.

Facts: docs/facts/shhq_folder.md.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.core.errors import UsageError
from pipeline.core.labels import Category
from pipeline.datasets.tree import Kind, Published, Tree, folder_named, pictures_in

PEOPLE = ("no_segment", "raw", "SHHQ-1.0", "image", "images")
"""Folders of the whole photos, the published name first; `segments` has the ground cut away."""


def read_shhq(folder: Path) -> Tree:
    """Everybody in the folder; no garments and no pairs, which the user brings.

    Args:
        folder: the data set's root, or its folder of photos.

    Raises:
        UsageError: no pictures.
    """
    photos = folder_named(folder, PEOPLE) or folder
    people = tuple(
        Published(name=name, files={Kind.IMAGE: photos / name}, category=Category.UPPER, part="shhq")
        for name in pictures_in(photos)
    )
    if not people:
        raise UsageError(f"{photos}: no pictures in it", "point at the folder that holds no_segment/")
    return Tree(people, (), ())
