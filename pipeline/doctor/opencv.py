"""The OpenCV distributions install into one folder `cv2`: the last one wins, and removing one takes files of the others."""

from __future__ import annotations

import csv
import importlib.metadata
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.doctor.facts import Check, Level, OpenCV

WANTED = "opencv-contrib-python"
OPENCV = (WANTED, "opencv-contrib-python-headless", "opencv-python", "opencv-python-headless")


def installed_opencv(path: Sequence[str] | None = None) -> dict[str, OpenCV]:
    """The installed OpenCV distributions by name, each with the state of its files.

    Args:
        path: folders to look in; default: this Python's.
    """
    found: dict[str, OpenCV] = {}
    for name in OPENCV:
        search = {"name": name} if path is None else {"name": name, "path": list(path)}
        for distribution in importlib.metadata.distributions(**search):
            found.setdefault(name, _state(distribution))
    return found


def _state(distribution: importlib.metadata.Distribution) -> OpenCV:
    """Held against its own list of files, read here: from Python 3.12 on `Distribution.files` leaves out what is gone.

    Of compiled Python no size is listed.
    """
    gone = changed = 0
    for path, _, size in csv.reader((distribution.read_text("RECORD") or "").splitlines()):
        if not size:
            continue
        try:
            changed += Path(str(distribution.locate_file(path))).stat().st_size != int(size)
        except OSError:
            gone += 1
    return OpenCV(distribution.version, gone, changed)


def opencv_checks(found: Mapping[str, OpenCV], rule: str) -> list[Check]:
    """One line where several distributions share the folder, or where files of the only one are gone or changed.

    Args:
        found: the distributions by name.
        rule: which versions of `WANTED` the project takes.
    """
    names = ", ".join(f"{name} {each.version}" for name, each in sorted(found.items()))
    cure = f"pip uninstall -y {' '.join(sorted(found))} && pip install '{WANTED}{rule}'"
    whole = [name for name, each in found.items() if each.whole]
    gone = {name: each.gone for name, each in found.items() if each.gone}
    if found and not whole:
        if gone:
            text = " and ".join(f"{count} files of {name} are gone" for name, count in gone.items())
            return [Check(Level.FAIL, "opencv", f"{text}: another OpenCV distribution was removed or laid over it", cure)]
        text = "belongs to neither" if len(found) > 1 else "was changed after its installation"
        return [Check(Level.WARN, "opencv", f"{names}: the folder cv2 {text}", cure)]
    if len(found) < 2:
        return []
    if len({".".join(each.version.split(".")[:3]) for each in found.values()}) > 1:
        return [Check(Level.WARN, "opencv", f"versions overwrite each other: {names}", cure)]
    text = f"{names} share one folder; cv2 is that of {whole[0]}, and removing either breaks it"
    return [Check(Level.OK, "opencv", text)]
