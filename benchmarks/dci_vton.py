"""How long DCI-VTON takes, the official way and ours, on one machine in one run.

    python -m benchmarks.dci_vton                       # 512x512: a few model calls, scaled to whole pictures
    python -m benchmarks.dci_vton --only warp           # the warping network alone: features and flow of a pair

    OMP_NUM_THREADS=1 python -m benchmarks.dci_vton --clock cpu      # on a machine shared with others

Needs torch, the engine and nothing else: weights and inputs are generated. The official algorithm is our own `reference` preset
with every exact saving and our norm switched off.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from benchmarks.generated import GeneratedWeights
from pipeline.core.machine.device import CPU
from tryon.engines.dci_vton import sampling
from tryon.engines.dci_vton.checkpoint import empty_network, fill_network
from tryon.engines.dci_vton.conditions import SIDE, DiffusionInputs
from tryon.engines.dci_vton.network import DciVton
from tryon.engines.dci_vton.presets import PRESETS, SamplingConfig
from tryon.engines.dci_vton.warping.network import Warper
from tryon.engines.dci_vton.warping.runtime import Warping
from tryon.networks.precision import choose_dtype
from tryon.networks.savings.swapping import use_library_norms
from tryon.networks.savings.switches import ALL, OFFICIAL, Savings
from tryon.networks.savings.time_table import TimeTable
from tryon.noise import SeededNoise
from tryon.system_memory import give_freed_memory_back, keep_freed_memory

CANVAS = (1024, 768)
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}
Clock = Callable[[], float]


@dataclass(frozen=True)
class Case:
    """One way to make a picture; `calls` model calls each."""

    name: str
    config: SamplingConfig
    savings: Savings
    calls: int


CASES = (
    Case("official", PRESETS["reference"], OFFICIAL, 101),
    Case("same 100 steps, exact, fp32", PRESETS["reference"], ALL, 101),
    Case("same 100 steps, bf16", replace(PRESETS["reference"], dtype="bf16"), ALL, 101),
    Case("balanced", PRESETS["balanced"], ALL, 20),
    Case("fast", PRESETS["fast"], ALL, 10),
)


@dataclass(frozen=True)
class Timing:
    """Seconds: of a model call, of what is done once per pair before and after, and of a garment's token."""

    call: float
    encode: float
    decode: float
    token: float

    def picture(self, calls: int) -> float:
        """A picture of a new pair with a new garment."""
        return calls * self.call + self.encode + self.decode + self.token


def generated_inputs(seed: int = 0) -> DiffusionInputs:
    """Noise pictures with a square hole."""
    random = np.random.default_rng(seed)
    person, inpaint, composite = (random.uniform(-1, 1, (3, SIDE, SIDE)).astype(np.float32) for _ in range(3))
    hole = np.zeros((SIDE, SIDE), bool)
    hole[SIDE // 4 : -SIDE // 4, SIDE // 4 : -SIDE // 4] = True
    return DiffusionInputs(person, inpaint, composite, hole)


def timed(work: Callable[[], object], clock: Clock, repeats: int) -> float:
    """Best seconds of a few runs."""
    best = float("inf")
    for _ in range(repeats):
        begun = clock()
        work()
        best = min(best, clock() - begun)
    return best


@torch.inference_mode()
def measure(network: DciVton, clock: Clock, repeats: int) -> Timing:
    """Time the parts of a picture as the engine runs them; what is packed once per run is packed before."""
    items, picture = [generated_inputs()], torch.randn(1, 3, 224, 224)
    times, encoded = TimeTable(network), sampling.encoded(network, items)
    conditions = sampling.drawn(network, items, encoded, [SeededNoise(0)])
    denoiser = sampling.Denoiser(network, conditions, network.garment_token(picture), times)
    denoiser(conditions.start, 991)
    sampling.decode(network, conditions.start, items, rounded=True)
    if network.savings.prepack_weights:
        give_freed_memory_back()
        keep_freed_memory()
    return Timing(
        call=timed(lambda: denoiser(conditions.start, 981), clock, repeats),
        encode=timed(lambda: sampling.encoded(network, items), clock, repeats),
        decode=timed(lambda: sampling.decode(network, conditions.start, items, rounded=True), clock, repeats),
        token=timed(lambda: network.garment_token(picture), clock, repeats),
    )


def network_of(case: Case) -> DciVton:
    """The full network with generated weights, in the case's number format."""
    dtype = choose_dtype(case.config.dtype, CPU)
    weights = GeneratedWeights(empty_network(savings=case.savings).state_dict())
    network = fill_network(weights, dtype, savings=case.savings)
    if case.savings == OFFICIAL:
        use_library_norms(network)
    return network


def run_cases(clock: Clock, repeats: int) -> None:
    """Measure and print; cases with one network are measured once."""
    print(
        f"{'case':30} {'dtype':9} {'call s':>8} {'encode':>8} {'decode':>8} {'token':>8} {'picture':>9} {'ratio':>7}", flush=True
    )
    timings: dict[tuple[torch.dtype, Savings], Timing] = {}
    official = 0.0
    for case in CASES:
        key = (choose_dtype(case.config.dtype, CPU), case.savings)
        if key not in timings:
            gc.collect()
            give_freed_memory_back()
            timings[key] = measure(network_of(case), clock, repeats)
        timing = timings[key]
        picture = timing.picture(case.calls)
        official = official or picture
        seconds = f"{timing.call:8.2f} {timing.encode:8.2f} {timing.decode:8.2f} {timing.token:8.2f} {picture:9.1f}"
        print(f"{case.name:30} {str(key[0])[6:]:9} {seconds} {official / picture:7.2f}", flush=True)


@torch.inference_mode()
def run_warp(clock: Clock, repeats: int) -> None:
    """The warping network: a person, a garment, and a pair of those."""
    torch.manual_seed(0)
    network = Warper().eval()  # as training begins: random weights, neutral norms
    warping, random = Warping(network, "cpu"), np.random.default_rng(0)
    densepose, cloth = (random.integers(0, 256, (*CANVAS, 3), dtype=np.uint8) for _ in range(2))
    parse, mask = random.integers(0, 20, CANVAS, dtype=np.uint8), np.ones(CANVAS, bool)
    person, garment = warping.encode_person(densepose, parse), warping.encode_garment(cloth, mask)
    warping.warp(person, garment)
    rows = {
        "person": lambda: warping.encode_person(densepose, parse),
        "garment": lambda: warping.encode_garment(cloth, mask),
        "flow": lambda: warping.network(garment.pyramid, person.pyramid),
        "pair, with the moved garment": lambda: warping.warp(person, garment),
    }
    for name, work in rows.items():
        print(f"warp: {name:30} {timed(work, clock, repeats):6.3f} s", flush=True)


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--only", choices=("warp", "pictures"), default="")
    options = parser.parse_args()
    clock = CLOCKS[options.clock]
    if options.only != "pictures":
        run_warp(clock, max(options.repeats, 3))
    if options.only != "warp":
        run_cases(clock, options.repeats)


if __name__ == "__main__":
    main()
