"""Collects the facts of this machine for `checks`. What may crash runs in a child process; what is not found counts as absent."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.catalog import BACKENDS, ENGINES, Target, resolve
from pipeline.core.card import Card
from pipeline.core.console import Colour, Console
from pipeline.core.machine.compiled_code import is_kept
from pipeline.core.machine.start_checks import address_space_gb, obstacles
from pipeline.core.people_networks import runtime_here
from pipeline.core.people_networks.door import ROW as PEOPLE
from pipeline.core.people_networks.files import missing_files
from pipeline.core.pixels.foreground import solver_file
from pipeline.core.weights import status_of
from pipeline.core.weights.download import network_from
from pipeline.core.weights.elsewhere import Elsewhere
from pipeline.core.weights.table import table
from pipeline.doctor.checks import OUR_NAMES, STARTS, checks, exit_code, report
from pipeline.doctor.facts import Level, Machine, NumbaCache, Torch
from pipeline.doctor.opencv import OPENCV, installed_opencv
from pipeline.doctor.requirements import OURS, check_line, check_rule, installed_versions, lines_here, normal, project_rules
from pipeline.executors.worker_process import start_problem

CHILD_SECONDS = 180  # enough for mediapipe from a cold disk; a longer wait is reported as a failure
WANTED_EXTRAS = ("diffusion", "rembg", "pose", "densepose")

_CHILD = """
import importlib, json, sys
errors, torch_facts = {}, None
for name in sys.argv[1:]:
    try:
        module = importlib.import_module(name)
        if getattr(module, "__file__", None) is None:
            raise ImportError("only a folder is left of it: another package's removal took its code along")
    except BaseException as error:
        errors[name] = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        continue
    if name == "torch":
        gpus = [module.cuda.get_device_name(i) for i in range(module.cuda.device_count())] if module.cuda.is_available() else []
        gpus += ["Apple GPU"] if module.backends.mps.is_available() else []
        torch_facts = {"version": module.__version__, "cuda_build": module.version.cuda or "", "gpus": gpus}
sys.stdout.write("\\n" + json.dumps({"errors": errors, "torch": torch_facts}))
"""


def show(console: Console, outputs: Path, weights_root: Path) -> int:
    """Inspect this machine, print the checks, return the exit code."""
    found = checks(survey(outputs, weights_root))
    colours = {Level.OK: None, Level.WARN: Colour.WARN, Level.FAIL: Colour.BAD}
    for line in report(found):
        level = line.split(" ", 1)[0]
        console.say(line, colours[Level(level)] if level in set(Level) else None)
    for check in found:
        console.event("check", {"level": check.level, "name": check.name, "text": check.text, "remedy": check.remedy})
    return exit_code(found)


def survey(outputs: Path, weights_root: Path) -> Machine:
    """The facts of this machine. Takes some seconds: heavy libraries are started once in a child process."""
    versions = installed_versions()
    base, extras, python = project_rules()
    here = [name for name in STARTS if importlib.util.find_spec(name)]
    errors, torch = starts(here)
    cards, broken = catalogue_cards()
    places = Elsewhere(weights_root)
    return Machine(
        python=check_rule("python", python, {"python": ".".join(map(str, sys.version_info[:3]))}),
        requirements=tuple(check_line(line, versions) for line in lines_here(base)),
        extras={
            name: tuple(check_line(line, versions) for line in lines_here(extras.get(name, ()), name)) for name in WANTED_EXTRAS
        },
        ours=OURS,
        found={name: _folder_of(name) for name in OUR_NAMES},
        rivals=_rivals(),
        import_errors=_gone(set(STARTS) - set(here), versions) | errors,
        opencv=installed_opencv(),
        torch=torch,
        nvidia_card=shutil.which("nvidia-smi") is not None,
        outputs=outputs,
        outputs_problem=_write_problem(outputs),
        free_bytes=shutil.disk_usage(_existing(outputs)).free,
        numba=numba_cache(),
        weights_root=weights_root,
        weights={name: status_of(name, weights_root) for name in table()},
        users=_users(),
        cards=cards,
        broken_cards=broken,
        people_runtime=runtime_here(),
        people_missing=tuple(finding.line() for finding in missing_files(weights_root)),
        offline=network_from(os.environ).offline,
        obstacles=tuple(obstacles()),
        worker_problem=start_problem(),
        misplaced=tuple(sighting for name in table() for sighting in places.of(name)),
        address_space_gb=address_space_gb(),
    )


def _gone(absent: Iterable[str], versions: Mapping[str, str]) -> dict[str, str]:
    """Modules that Python does not find although their distribution is listed as installed."""
    owners = {name: OPENCV if name == "cv2" else (STARTS[name],) for name in absent}
    listed = {name: [f"{each} {versions[each]}" for each in owner if each in versions] for name, owner in owners.items()}
    return {name: f"{', '.join(found)} is listed, but its files are gone" for name, found in sorted(listed.items()) if found}


def starts(modules: Iterable[str]) -> tuple[dict[str, str], Torch | None]:
    """Import modules in a child process: the errors of those that fail, and the facts of torch."""
    names = list(modules)
    try:
        child = subprocess.run(
            [sys.executable, "-c", _CHILD, *names], capture_output=True, text=True, timeout=CHILD_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return {", ".join(names): f"still importing after {CHILD_SECONDS} s"}, None
    try:
        answer: dict[str, Any] = json.loads(child.stdout.rsplit("\n", 1)[-1])
    except ValueError:
        return {", ".join(names): f"Python stopped while importing (exit {child.returncode})"}, None
    facts = answer["torch"]
    torch = Torch(version=facts["version"], cuda_build=facts["cuda_build"], gpus=tuple(facts["gpus"])) if facts else None
    return answer["errors"], torch


def catalogue_cards() -> tuple[dict[str, Card], dict[str, str]]:
    """The cards of every backend and engine that uses weights, and the errors of those that cannot be imported."""
    offers: dict[str, Target] = {f"{kind}:{name}": target for kind, group in BACKENDS.items() for name, target in group.items()}
    offers |= {f"tryon:{name}": entry.engine for name, entry in ENGINES.items()}
    cards, broken = {}, {}
    for user, target in offers.items():
        try:
            card: Card = resolve(target).card
        except (ImportError, AttributeError, OSError) as error:
            broken[user] = str(error)
            continue
        if card.weights:
            cards[user] = card
    return cards, broken


def _users() -> dict[str, tuple[str, ...]]:
    users: dict[str, list[str]] = {}
    for weight in (weight for weight in table().values() if weight.name != PEOPLE):  # these have a check of their own
        for user in weight.used_by:
            users.setdefault(user, []).append(weight.name)
    return {user: tuple(rows) for user, rows in users.items()}


def _folder_of(name: str) -> Path | None:
    """The folder where Python finds a package."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        return None
    folders = list(spec.submodule_search_locations or [])
    place = folders[0] if folders else spec.origin
    return Path(place).resolve() if place else None


def _rivals() -> dict[str, str]:
    """Our package names that another installed distribution has too."""
    owners = importlib.metadata.packages_distributions()
    rivals = {name: [owner for owner in owners.get(name, ()) if normal(owner) != "lookbook"] for name in OUR_NAMES}
    return {name: others[0] for name, others in rivals.items() if others}


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    absolute = folder.absolute()
    return next(place for place in (absolute, *absolute.parents) if place.exists())


def _write_problem(folder: Path) -> str:
    """Why a folder cannot be written; empty = it can. A file is written to find out: permission bits are not reliable."""
    place = _existing(folder)
    if not place.is_dir():
        return f"{place} is a file"
    try:
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(b"0" * 4096)
    except OSError as error:
        return str(error.strerror or error)
    return ""


def numba_cache(environment: Mapping[str, str] = os.environ) -> NumbaCache:
    """Whether the compiled code of the colour solver is on disk for this Python, or could be."""
    source = solver_file()
    if source is None:
        return NumbaCache.ABSENT
    return {True: NumbaCache.WARM, False: NumbaCache.COLD, None: NumbaCache.NOWHERE}[is_kept(source, environment)]
