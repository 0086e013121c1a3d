"""Whether DCI-VTON's warping network learns: a small one, by the published losses, follows thin-plate splines never seen before.

    OMP_NUM_THREADS=2 python -m benchmarks.warper_learns                # 600 steps of 2 pairs, then its errors
    OMP_NUM_THREADS=2 python -m benchmarks.warper_learns --steps 100

The command is `train dci-warp` with its own loop, losses and files; no flow is shown to it. VGG-19's part is off, as without its
file. Garments and bends of the pairs that are measured are others than those of the pairs that are trained on. Errors are mean
distances, inside the worn garment, between the place of the flat garment that the flow names and the true one, in pixels of
256 × 192.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch

from benchmarks.bent_garments import SIZE, TESTED, Bend, BentPair, bent_pair, write_bent_tree
from benchmarks.machine import machine_line
from pipeline.core.arrays import Float
from pipeline.core.labels import DENSEPOSE_COLOURS
from tryon.engines.dci_vton.training.warp_recipe import WarpRecipe
from tryon.engines.dci_vton.warp_conditions import warp_inputs
from tryon.engines.dci_vton.warping.network import Warper
from tryon.training import checkpoint as checkpoints
from tryon.training.session import Options, start

CHANNELS, WIDTH, BETWEEN = (8, 12, 16, 16, 16), 12, (16, 16, 12)
"""Published are (64, 128, 256, 256, 256), 256 and (128, 64, 32)."""
RECIPE = WarpRecipe(CHANNELS, WIDTH, BETWEEN)
PAIRS, BATCH, RATE = 48, 2, 3e-3
"""Pairs to learn from, pairs per step, and the learning rate, which falls by steps in the second half."""
QUIET = ("loop.measure_every=0", "loop.validate_every=0", "loop.draw_every=0", "loop.save_every=100000", "data.threads=1")


def learn(folder: Path, steps: int, say: Callable[[str], None]) -> Warper:
    """Train on drawn pairs in a folder, and give the network as it dresses.

    Args:
        folder: for tree and run.
        steps: of `BATCH` pairs, rounded down to whole epochs.
        say: shows a line.
    """
    tree = write_bent_tree(folder / "tree", Bend(), PAIRS, 1)
    epochs = max(1, steps * BATCH // PAIRS)
    sized = (f"loop.epochs={epochs}", f"loop.batch={BATCH}", f"optimiser.learning_rate={RATE}", "loop.log_every=50")
    falling = (f"optimiser.constant_epochs={epochs // 2}", f"optimiser.decay_epochs={epochs - epochs // 2}")
    options = Options(data=tree, runs=folder / "runs", run="one", device="cpu", overrides=(*QUIET, *sized, *falling))
    assert start(RECIPE, options, say) == 0
    newest = checkpoints.newest(folder / "runs" / "one" / checkpoints.FOLDER)
    assert newest is not None
    warper = Warper(CHANNELS, WIDTH, BETWEEN)
    warper.load_state_dict(newest.tensors("weights"))
    return warper.eval()


@torch.no_grad()
def flow_of(warper: Warper, pair: BentPair) -> Float:
    """(256, 192, 2) float32: the place (x, y) of the flat garment, in pixels, that each place shows by the network."""
    colours = np.asarray(DENSEPOSE_COLOURS, np.uint8)[pair.parts]
    seen = warp_inputs(pair.cloth, pair.cloth_mask, colours, pair.parse_agnostic, SIZE)
    cloth, groups, densepose = (torch.from_numpy(each)[None] for each in (seen.cloth, seen.groups, seen.densepose))
    grid = warper(warper.encode_garment(cloth), warper.encode_person(groups, densepose))[0].permute(1, 2, 0).numpy()
    places: Float = ((grid + 1) * np.array(SIZE[::-1], np.float32) - 1) / 2
    return places


def unmoved() -> Float:
    """(256, 192, 2) float32: every place shows the same place of the flat garment."""
    return np.stack(np.meshgrid(np.arange(SIZE[1]), np.arange(SIZE[0])), -1).astype(np.float32)


def end_point_error(pairs: Iterable[BentPair], flow: Callable[[BentPair], Float]) -> float:
    """Mean over pairs of the mean distance to the true flow inside the worn garment, in pixels."""
    apart = [np.linalg.norm(flow(pair) - pair.flow, axis=-1)[pair.worn].mean() for pair in pairs]
    return float(np.mean(apart))


def main() -> None:
    """Learn and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--steps", type=int, default=600)
    wanted = parser.parse_args()
    print(f"{machine_line()}; torch {torch.__version__}, {torch.get_num_threads()} threads", flush=True)
    unseen = [bent_pair(TESTED + number, Bend()) for number in range(16)]
    torch.manual_seed(0)
    untrained = Warper(CHANNELS, WIDTH, BETWEEN).eval()
    print(f"garments left as they are: {end_point_error(unseen, lambda pair: unmoved()):.2f} px")
    print(f"network without training: {end_point_error(unseen, lambda pair: flow_of(untrained, pair)):.2f} px", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        clock, used = time.perf_counter(), time.process_time()
        warper = learn(Path(folder), wanted.steps, lambda line: print(f"  {line}", flush=True))
        seconds, cpu = time.perf_counter() - clock, time.process_time() - used
    print(f"trained {seconds:.0f} s by the clock, {cpu:.0f} s of processors")
    for name, pairs in (("pairs never seen", unseen), ("pairs learnt from", [bent_pair(n, Bend()) for n in range(16)])):
        print(f"{name}: {end_point_error(pairs, lambda pair: flow_of(warper, pair)):.2f} px")


if __name__ == "__main__":
    main()
