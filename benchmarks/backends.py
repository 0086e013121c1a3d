"""Seconds a photo of every preprocessing backend, without any download.

    python -m benchmarks.backends                      # one picture at a time on the CPU
    OMP_NUM_THREADS=1 python -m benchmarks.backends --clock cpu          # processor seconds, for a machine with other jobs
    python -m benchmarks.backends --device cuda        # as many pictures in one call as the backend wants

What stands behind a figure is printed beside it: the backend itself (embedded ones need no files); *full size*, the published
architecture with random weights, whose time is that of the real file; or *no network*, a network of the published inputs and
outputs that computes next to nothing, so that the figure is what the backend costs besides its network. The rest is said not
to be measured. The picture is NASA's portrait that comes with scikit-image, brought to 1024 × 768.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.machine import machine_line
from benchmarks.stand_in_files import accept, detectron2_file, onnx_file, segformer_folder
from pipeline.catalog import BACKENDS, resolve
from pipeline.core import layout
from pipeline.core.errors import LookbookError
from pipeline.core.items import Person
from pipeline.core.labels import Atr, Fashn, Lip
from pipeline.core.layout import Layout
from pipeline.core.step import Context, Step
from pipeline.demo import fill_inputs
from preprocess.background.embedded import EmbeddedMatte
from preprocess.background.people import Selection
from preprocess.background.people_finder import PeopleFinder
from preprocess.background.step import BackgroundConfig, BackgroundStep
from preprocess.person.landmarks import Landmarks
from preprocess.person.person_view import PersonView, read_view
from preprocess.pose.embedded import MediapipePose
from preprocess.pose.step import PoseConfig, PoseStep

SIZE = (1024, 768)  # (height, width) of the photo and the canvas, pixels
OWN, FULL, EMPTY = "the backend itself", "full size, random weights", "no network"
B2 = {"hidden_sizes": [64, 128, 320, 512], "depths": [3, 4, 6, 3], "num_attention_heads": [1, 2, 5, 8]}
B4 = {**B2, "depths": [3, 8, 27, 3]}
Call = Callable[[int], Any]
"""Runs a backend on so many pictures at once."""


@dataclass(frozen=True)
class Scene:
    """One photo and what the steps before know of it."""

    photo: np.ndarray
    selection: Selection
    landmarks: Landmarks
    view: PersonView


def make_scene(folder: Path) -> Scene:
    """The demo's portrait after the background and pose steps with embedded backends."""
    fill_inputs(folder / "inputs", full_body=False)
    [path] = (folder / "inputs/person").iterdir()
    Image.open(path).convert("RGB").resize((1024, 1024)).crop((128, 0, 896, 1024)).save(path)
    places, item = Layout(folder / "inputs", folder / "outputs"), Person("a", f"inputs:person/{path.name}")
    context = Context(places, device="cpu")
    for step in (
        BackgroundStep(BackgroundConfig(), context, EmbeddedMatte()),
        PoseStep(PoseConfig(), context, MediapipePose()),
    ):
        produce(step, item, places)
    photo = np.asarray(Image.open(path))
    selection = PeopleFinder().find(photo)
    assert selection is not None
    landmarks = Landmarks.from_json(places.path(layout.LANDMARKS.of("a")).read_text("utf-8"))
    return Scene(photo, selection, landmarks, read_view(places, item))


def produce(step: Step, item: Person, places: Layout) -> None:
    """Run one step on one item and put its files in place."""
    step.load()
    for ref, encode in step.run([step.read(item)])[0].files.items():
        places.path(ref).parent.mkdir(parents=True, exist_ok=True)
        places.path(ref).write_bytes(encode())


def make_files(weights: Path) -> dict[str, str]:
    """Stand-ins for the rows that can have one; backend name by kind → what stands behind its figure."""
    segformer_folder(weights / "segformer-clothes", len(Atr) - 1, (512, 512), B2)
    segformer_folder(weights / "fashn-human-parser", len(Fashn), (576, 384), B4)
    onnx_file(weights / "schp-onnx/parsing_atr.onnx", 512, len(Atr) - 1, outputs=3, shrink=4)
    onnx_file(weights / "schp-onnx/parsing_lip.onnx", 473, len(Lip), outputs=3, shrink=4)
    for name, side in (("u2net", 320), ("isnet-general-use", 1024), ("birefnet-portrait", 1024)):
        onnx_file(weights / f"rembg-{name}/{name}.onnx", side, 1, outputs=1)
    onnx_file(weights / "rembg-u2net-cloth-seg/u2net_cloth_seg.onnx", 768, 4, outputs=1)
    densepose = {}
    if not resolve(BACKENDS["densepose"]["detectron2"]).card.missing_packages():
        detectron2_file(weights / "densepose-detectron2-r50-s1x/model_final_162be9.pkl")
        densepose = {"densepose:detectron2": FULL}
    accept(weights)
    parsing = {"parsing:segformer": FULL, "parsing:fashn": FULL, "parsing:schp": EMPTY}
    mattes = {f"background:{name}": EMPTY for name in ("u2net", "isnet-general-use", "birefnet-portrait")}
    return densepose | parsing | mattes | {"cloth:u2net": EMPTY, "cloth:isnet-general-use": EMPTY, "cloth:u2net-cloth-seg": EMPTY}


def call_of(kind: str, backend: Any, scene: Scene) -> Call:
    """How a backend of this kind is asked."""
    calls: dict[str, Call] = {
        "background": lambda count: backend.mattes_of([scene.photo] * count, [scene.selection] * count),
        "pose": lambda count: [backend.keypoints(scene.photo, scene.landmarks) for _ in range(count)],
        "densepose": lambda count: backend.body_parts([scene.view] * count),
        "parsing": lambda count: backend.parse([scene.view] * count),
        "cloth": lambda count: [backend.cut(scene.photo) for _ in range(count)],
    }
    return calls[kind]


def seconds_of(call: Call, count: int, repeats: int, clock: Callable[[], float]) -> float:
    """Median seconds a picture, after one call to warm up."""
    call(count)
    taken = []
    for _ in range(repeats):
        begun = clock()
        call(count)
        taken.append((clock() - begun) / count)
    return statistics.median(taken)


def rows(scene: Scene, weights: Path, behind: dict[str, str], options: argparse.Namespace) -> Iterator[Sequence[str]]:
    """Kind, name, what stands behind the figure, pictures in one call, seconds a picture."""
    clock = time.process_time if options.clock == "cpu" else time.perf_counter
    for kind, names in BACKENDS.items():
        for name, target in names.items():
            what = OWN if name == "embedded" else behind.get(f"{kind}:{name}", "")
            if not what:
                yield kind, name, "-", "-", "not measured"
                continue
            made = resolve(target)
            backend = made(weights) if made.card.weights else made()
            try:
                backend.load(options.device)
            except LookbookError as problem:
                yield kind, name, what, "-", f"not measured: {problem.message}"
                continue
            count = getattr(backend, "batch_size", 1)
            seconds = seconds_of(call_of(kind, backend, scene), count, options.repeats, clock)
            yield kind, name, what, str(count), f"{seconds:.2f}" if seconds >= 0.05 else f"{seconds:.3f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="cpu: processor seconds of this process")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    print(f"{machine_line()}; device {options.device}, {options.clock} seconds, median of {options.repeats}\n")
    print("| kind | backend | what was run | in one call | seconds a picture |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="lookbook-benchmark-") as home:
        scene, weights = make_scene(Path(home)), Path(home) / "weights"
        for row in rows(scene, weights, make_files(weights), options):
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
