"""The checks of `python run.py doctor`: one line each, and a remedy where something is wrong.

`checks` is pure: it takes the facts of a `Machine`, which `pipeline.doctor.survey.survey` collects and tests invent.
Exit code: 2 when something must be corrected before a run, else 0.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from pipeline.core.errors import ExitCode
from pipeline.core.people_networks.door import ROW, Runtime, install_command
from pipeline.core.people_networks.files import WHEEL_MEGABYTES
from pipeline.core.weights.access import pull_command
from pipeline.core.weights.files import human_bytes
from pipeline.doctor.facts import REINSTALL, Check, Level, Machine, NumbaCache, Requirement
from pipeline.doctor.models import model_checks
from pipeline.doctor.opencv import WANTED, opencv_checks

LITTLE_BYTES = 200 << 20  # below this a run of one photo may fail
MODEST_BYTES = 2 << 30  # below this a folder of photos may fail
ROOMY_ADDRESS_SPACE_GB = 16  # below this a limit of the address space is worth a warning
OUR_NAMES = ("pipeline", "preprocess", "tryon", "compose")
OPTIONAL = {"pillow-heif": "HEIC and AVIF photos cannot be read"}
STARTS = {
    "numpy": "numpy", "cv2": WANTED, "PIL": "pillow", "pillow_heif": "pillow-heif",
    "pydantic": "pydantic", "mediapipe": "mediapipe", "ai_edge_litert": "ai-edge-litert",
    "torch": "torch", "torchvision": "torchvision",
}  # fmt: skip
"""Modules that are started, and the distribution of each."""
RUNTIMES = ("mediapipe", "ai-edge-litert")
"""Distributions of which one is enough for the networks that find people."""
NEVER_IMPORTED = ("jax", "jaxlib")
"""Asked for by mediapipe, imported by nothing: an environment may leave them out."""


def checks(machine: Machine) -> list[Check]:
    """All checks, in the order in which they should be read."""
    return [
        _python(machine.python),
        *(_package(machine, requirement) for requirement in machine.requirements),
        *(_extra(name, rules) for name, rules in machine.extras.items()),
        *(_start_failure(machine, module, error) for module, error in machine.import_errors.items()),
        *_obstacles(machine),
        *opencv_checks(machine.opencv, _rule_of(machine, WANTED)),
        *_our_names(machine),
        _numba(machine.numba),
        _gpu(machine),
        _outputs(machine),
        _disk(machine),
        *_address_space(machine),
        _workers(machine),
        _people(machine),
        *model_checks(machine),
        *_network(machine),
    ]


def exit_code(found: Sequence[Check]) -> int:
    """0, or 2 when something failed."""
    return int(ExitCode.USAGE if any(check.level is Level.FAIL for check in found) else ExitCode.DONE)


def report(found: Sequence[Check]) -> list[str]:
    """Lines for a terminal: one per check, the remedy indented below it, and a closing count."""
    width = max((len(check.name) for check in found), default=0)
    lines = []
    for check in found:
        lines.append(f"{check.level:<5} {check.name:<{width}}  {check.text}")
        if check.remedy:
            lines.append(f"{'':<5} {'':<{width}}  → {check.remedy}")
    counts = {level: sum(check.level is level for check in found) for level in Level}
    return [*lines, f"{counts[Level.OK]} fine, {counts[Level.WARN]} to look at, {counts[Level.FAIL]} to cure"]


def _python(rule: Requirement) -> Check:
    if rule.satisfied:
        return Check(Level.OK, "python", rule.version)
    remedy = "conda env create -f environment.yml, or create the virtual environment with python3.11"
    return Check(Level.FAIL, "python", f"{rule.version}, allowed: {rule.rule}", remedy)


def _package(machine: Machine, rule: Requirement) -> Check:
    if rule.satisfied:
        return Check(Level.OK, rule.package, rule.version)
    if rule.satisfied is None and rule.package in RUNTIMES and machine.people_runtime:
        return Check(Level.OK, rule.package, f"not installed; {machine.people_runtime} does its work")
    if rule.satisfied is None and rule.package in NEVER_IMPORTED:
        return Check(Level.OK, rule.package, "not installed; nothing imports it")
    level, loss = (Level.WARN, f": {OPTIONAL[rule.package]}") if rule.package in OPTIONAL else (Level.FAIL, "")
    if rule.satisfied is None:
        return Check(level, rule.package, f"not installed{loss}", REINSTALL)
    return Check(level, rule.package, f"{rule.version}, needed: {rule.rule}", f"pip install '{rule.package}{rule.rule}'")


def _extra(name: str, rules: Sequence[Requirement]) -> Check:
    """The check of a pip extra: absent is allowed, a wrong version is a warning."""
    install = f"pip install -e '.[{name}]'"
    if wrong := [f"{rule.package} {rule.version} (needed: {rule.rule})" for rule in rules if rule.satisfied is False]:
        return Check(Level.WARN, f"[{name}]", ", ".join(wrong), install)
    absent = [rule.package for rule in rules if rule.satisfied is None]
    if not absent:
        return Check(Level.OK, f"[{name}]", "complete")
    state = "not installed" if len(absent) == len(rules) else "incomplete"
    return Check(Level.OK, f"[{name}]", f"{state} ({', '.join(absent)}); optional: {install}")


_START_REMEDIES = (
    ("torchvision::nms", "pip uninstall torchvision, or install the torchvision that belongs to this torch, from the same index"),
    ("libGL|libgthread|libglib|libxcb|libX11", "sudo apt-get install libgl1 libglib2.0-0"),
    ("GLIBC", "use a newer system or conda: conda env create -f environment.yml"),
)


_OTHER_NUMPY = "numpy.core.multiarray|_ARRAY_API|compiled using NumPy|dtype size changed|ABI version"


def _start_failure(machine: Machine, module: str, error: str) -> Check:
    known = (cure for pattern, cure in _START_REMEDIES if re.search(pattern, error))
    package = STARTS.get(module, module)
    rule = _rule_of(machine, package)
    remedy = next(known, f"pip install --force-reinstall {package}")
    if module == "torchvision":
        # It makes every import of transformers and diffusers fail, although neither the base nor [diffusion] needs it.
        remedy = _START_REMEDIES[0][1]
    elif re.search(_OTHER_NUMPY, error):
        numpy = next((each.version for each in machine.requirements if each.package == "numpy"), "")
        wanted = f"'{package}{rule}'" if rule else package
        error = f"{error} (built for another numpy than {numpy})"
        remedy = f"pip install --force-reinstall --no-deps {wanted}"
    optional = module in {"torch", "torchvision", "pillow_heif"}
    return Check(Level.WARN if optional else Level.FAIL, f"import {module}", error, remedy)


def _rule_of(machine: Machine, package: str) -> str:
    """The project's rule for a base package, or ""."""
    return next((each.rule for each in machine.requirements if each.package == package), "")


def _our_names(machine: Machine) -> list[Check]:
    bad = []
    for name, place in machine.found.items():
        if place is None or not place.is_relative_to(machine.ours):
            text = f"Python finds another package of this name: {place}" if place else "not found"
            cure = f"run from {machine.ours}, take the other folder off PYTHONPATH, or {REINSTALL}"
            bad.append(Check(Level.FAIL, f"package {name}", text, cure))
    for name, rival in machine.rivals.items():
        text = f"the installed distribution {rival} has a package of this name too"
        bad.append(Check(Level.WARN, f"package {name}", text, f"pip uninstall {rival}, or use an environment of its own"))
    return bad or [Check(Level.OK, "packages", f"{', '.join(machine.found)} are ours")]


def _numba(state: NumbaCache) -> Check:
    name = "pymatting cache"
    if state is NumbaCache.COLD:
        text = f"{state}: the first run takes about 10 s longer, once"
        now = "python -c 'from pipeline.core.pixels import foreground; foreground.warm()'   does it now"
        return Check(Level.WARN, name, text, now)
    if state is NumbaCache.NOWHERE:
        text = f"{state}: edge colours are estimated more simply"
        return Check(Level.WARN, name, text, "export NUMBA_CACHE_DIR=FOLDER (writable)")
    return Check(Level.OK, name, str(state))


def _gpu(machine: Machine) -> Check:
    torch = machine.torch
    if torch is None:
        return Check(Level.OK, "gpu", "no torch: embedded backends and the preview run on the CPU")
    if torch.gpus:
        return Check(Level.OK, "gpu", f"{', '.join(torch.gpus)} (torch {torch.version})")
    if not machine.nvidia_card:
        return Check(Level.OK, "gpu", f"none; torch {torch.version} runs on the CPU")
    if torch.cuda_build:
        text = f"torch {torch.version} cannot use the NVIDIA card (built for CUDA {torch.cuda_build})"
        return Check(Level.WARN, "gpu", text, "nvidia-smi shows whether the driver answers and which CUDA it allows")
    text = f"there is an NVIDIA card, but torch {torch.version} is a CPU build"
    return Check(
        Level.WARN, "gpu", text, "pip install --force-reinstall torch --index-url https://download.pytorch.org/whl/cu128"
    )


def _outputs(machine: Machine) -> Check:
    if machine.outputs_problem:
        text = f"{machine.outputs} cannot be written: {machine.outputs_problem}"
        return Check(Level.FAIL, "outputs", text, "choose another folder: --outputs DIR")
    return Check(Level.OK, "outputs", f"{machine.outputs} can be written")


def _disk(machine: Machine) -> Check:
    text = f"{human_bytes(machine.free_bytes)} free for {machine.outputs}"
    if machine.free_bytes >= MODEST_BYTES:
        return Check(Level.OK, "disk", text)
    level = Level.FAIL if machine.free_bytes < LITTLE_BYTES else Level.WARN
    return Check(level, "disk", text, "free some space, or choose another folder: --outputs DIR")


def _obstacles(machine: Machine) -> list[Check]:
    """What would end every run; a damaged `cv2` only where its import has not said so already."""
    found = [each for each in machine.obstacles if not (each.name == "opencv" and "cv2" in machine.import_errors)]
    return [Check(Level.FAIL, each.name, each.text, each.remedy) for each in found]


def _address_space(machine: Machine) -> list[Check]:
    """A limit that is no obstacle yet may be one for a larger model or picture, and then ends the process without a word."""
    limit = machine.address_space_gb
    if limit == math.inf or any(each.name == "address space" for each in machine.obstacles):
        return []
    text = f"limited to {limit:.1f} GB (ulimit -v): large photos and models may be ended in mid-work"
    level = Level.WARN if limit < ROOMY_ADDRESS_SPACE_GB else Level.OK
    return [Check(level, "address space", text, "ulimit -v unlimited" if level is Level.WARN else "")]


def _workers(machine: Machine) -> Check:
    if machine.worker_problem:
        remedy = "work in one process: --workers 1"
        return Check(Level.WARN, "workers", f"worker processes cannot start: {machine.worker_problem}", remedy)
    return Check(Level.OK, "workers", "worker processes can start")


def _people(machine: Machine) -> Check:
    """The runtime of the networks that find people, and their files."""
    name, place = "people networks", machine.weights_root / ROW
    if machine.people_runtime is None:
        return Check(Level.FAIL, name, "neither mediapipe 0.10 nor ai-edge-litert is installed", install_command())
    if machine.people_runtime == Runtime.SOLUTIONS:
        return Check(Level.OK, name, "mediapipe 0.10 runs them, with its own files")
    if not machine.people_missing:
        return Check(Level.OK, name, f"LiteRT runs them; their files are here ({place}, or an installed mediapipe)")
    text = f"LiteRT runs them; {len(machine.people_missing)} of their files are not in {place}"
    pull = pull_command([ROW], machine.weights_root)
    if machine.offline:
        return Check(Level.WARN, name, f"{text}; {machine.offline} forbids the fetch", f"{pull} --from FILE")
    return Check(Level.WARN, name, f"{text}; the first run fetches them ({WHEEL_MEGABYTES} MB)", f"{pull}   does it now")


def _network(machine: Machine) -> list[Check]:
    if not machine.offline:
        return []
    return [Check(Level.OK, "network", f"{machine.offline} is set: nothing is downloaded")]
