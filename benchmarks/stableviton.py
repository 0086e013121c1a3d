"""How long StableVITON takes, the official way and ours, on one machine in one run.

    python -m benchmarks.stableviton                    # 512x384, CPU or GPU, a few model calls, scaled to whole pictures
    python -m benchmarks.stableviton --size 1024 768 --batches 1 4 8
    python -m benchmarks.stableviton --whole            # samples whole pictures instead of scaling

    OMP_NUM_THREADS=1 python -m benchmarks.stableviton --clock cpu      # on a machine shared with others

Needs torch, the engine and nothing else: weights and inputs are generated. The official algorithm is our own `reference` preset
with every exact saving switched off, so that its cost can be checked: counted operations stand beside those of the analysis.
"""

from __future__ import annotations

import argparse
import gc
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.generated import generated_garment, generated_network, generated_person
from pipeline.core.engine import TryOnItem
from pipeline.core.machine.device import Device, choose_device
from tryon.batching import Limits
from tryon.engines.stableviton.architecture import FULL
from tryon.engines.stableviton.checkpoint import empty_network
from tryon.engines.stableviton.folder import Loaded
from tryon.engines.stableviton.network import StableViton
from tryon.engines.stableviton.presets import PRESETS, SamplingConfig
from tryon.engines.stableviton.runtime import CanvasGarment, CanvasPerson, Runtime
from tryon.engines.stableviton.variants import STABLEVITON
from tryon.networks.precision import choose_dtype
from tryon.networks.savings.swapping import use_library_norms
from tryon.networks.savings.switches import ALL, OFFICIAL, Savings
from tryon.system_memory import give_freed_memory_back

GFLOP_OF_THE_ANALYSIS = {
    (512, 384): {"control": 185.1, "unet": 895.5, "encode": 831.1, "decode": 1879.4, "clip": 162.1},
    (1024, 768): {"control": 1070.9, "unet": 5726.6, "encode": 3556.1, "decode": 7749.7, "clip": 162.1},
}
"""The official network, batch 1, a multiply-add counted as two operations."""

H200_ROOFLINE_TFLOPS = 790  # dense bf16 that large matrix products reach on an H200


Made = TypeVar("Made")


@dataclass(frozen=True)
class Case:
    """One way to make a picture."""

    name: str
    config: SamplingConfig
    savings: Savings
    calls: int  # model calls per picture


CASES = (
    Case("official", PRESETS["reference"], OFFICIAL, 51),
    Case("same 50 steps, exact, fp32", PRESETS["reference"], ALL, 51),
    Case("same 50 steps, bf16", replace(PRESETS["reference"], dtype="bf16"), ALL, 51),
    Case("best", PRESETS["best"], ALL, 49),
    Case("balanced", PRESETS["balanced"], ALL, 17),
    Case("fast", PRESETS["fast"], ALL, 8),
    Case("fast, deep reuse", replace(PRESETS["fast"], deep_every=2), ALL, 8),
    Case("fast, half merged", replace(PRESETS["fast"], token_merging=0.5), ALL, 8),
)


@dataclass(frozen=True)
class Timing:
    """Seconds on one machine."""

    call: float  # per model call of the batch
    person: float  # encoding, per person of the batch
    garment: float  # the same per garment, CLIP included
    decode: float  # per picture

    def picture(self, calls: int, batch: int = 1) -> float:
        """A picture of a new person in a new garment."""
        return calls * self.call / batch + self.person + self.garment + self.decode

    def pair(self, calls: int, batch: int = 1) -> float:
        """A further pair of a person and a garment that were seen before."""
        return calls * self.call / batch + self.decode


@dataclass(frozen=True)
class Stopwatch:
    """Best seconds of a few runs."""

    device: Device
    repeats: int
    clock: Callable[[], float]

    def __call__(self, work: Callable[[], Made]) -> tuple[float, Made]:
        """Time a piece of work; its seconds and what it made."""
        return min((self._once(work) for _ in range(self.repeats)), key=lambda run: run[0])

    def _once(self, work: Callable[[], Made]) -> tuple[float, Made]:
        self._wait()
        started = self.clock()
        made = work()
        self._wait()
        return self.clock() - started, made

    def _wait(self) -> None:
        if self.device.kind == "cuda":
            torch.cuda.synchronize()


CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}


def measure(network: StableViton, case: Case, size: tuple[int, int], batch: int, whole: bool, watch: Stopwatch) -> Timing:
    """Time the parts of a picture with a loaded network, as the engine runs them."""
    plms = case.config.solver == "plms"  # makes one call more than it has steps
    config = case.config if whole else replace(case.config, steps=1 if plms else 2)
    runtime = Runtime(Loaded(network, STABLEVITON, "generated"), config, size, Limits(watch.device, batch))

    def persons() -> list[CanvasPerson]:
        made = [CanvasPerson(generated_person(size), size) for _ in range(batch)]
        runtime.encode_parts(made, [])
        return made

    def garments() -> list[CanvasGarment]:
        made = [CanvasGarment(generated_garment(size)) for _ in range(batch)]
        runtime.encode_parts([], made)
        return made

    if case.savings.prepack_weights or watch.device.kind == "cuda":  # once per run: packing, choosing kernels
        first = CanvasPerson(generated_person(size), size), CanvasGarment(generated_garment(size))
        runtime.dress([TryOnItem(*first, seed) for seed in range(batch)])
    person_seconds, made_persons = watch(persons)
    garment_seconds, made_garments = watch(garments)
    items = [TryOnItem(*pair, seed) for seed, pair in enumerate(zip(made_persons, made_garments, strict=True))]
    seconds, sampled = watch(lambda: runtime.sample(items))
    return Timing(
        call=seconds / (config.steps + plms),
        person=person_seconds / batch,
        garment=garment_seconds / batch,
        decode=watch(lambda: runtime.decode(sampled))[0] / batch,
    )


def counted_gflop(size: tuple[int, int], savings: Savings) -> dict[str, float]:
    """Operations of each part in 1e9, counted on the meta device, so without computing anything."""
    network = empty_network(FULL, replace(savings, fused_attention=False))
    height, width = size[0] // 8, size[1] // 8
    with torch.device("meta"):
        stack, latent, picture = torch.empty(1, 13, height, width), torch.empty(1, 4, height, width), torch.empty(1, 3, *size)
        square = torch.empty(1, 3, 224, 224)
        shifts, contexts = network.time_shifts(torch.empty(1)), network.contexts(torch.empty(1, 1, FULL.context_dim))
        features = network.garment_features(stack, latent, shifts, contexts)
        parts: dict[str, Callable[[], object]] = {
            "control": lambda: network.garment_features(stack, latent, shifts, contexts),
            "unet": lambda: network.noise(stack, features, shifts, contexts),
            "encode": lambda: network.vae.encode(picture),
            "decode": lambda: network.vae.decode(latent),
            "clip": lambda: network.garment_token(square),
        }
        counted = {}
        for name, work in parts.items():
            with FlopCounterMode(display=False) as counter:
                work()
            counted[name] = counter.get_total_flops() / 1e9
    return counted


def print_operations(size: tuple[int, int]) -> None:
    """Counted operations beside those of the analysis."""
    analysis = GFLOP_OF_THE_ANALYSIS.get(size, {})
    official, ours = counted_gflop(size, OFFICIAL), counted_gflop(size, ALL)
    print(f"{'GFLOP at ' + str(size):24} {'analysis':>9} {'official':>9} {'ours':>9}")
    for part in official:
        print(f"{part:24} {analysis.get(part, float('nan')):9.1f} {official[part]:9.1f} {ours[part]:9.1f}")


def run_cases(names: list[str], size: tuple[int, int], batches: list[int], whole: bool, watch: Stopwatch) -> None:
    """Measure and print; a network is built once per number format and set of savings."""
    official, device = None, watch.device
    loaded: tuple[object, StableViton] | None = None
    print("first = a new person in a new garment; pair = both were seen before in the run; ratios to the official picture")
    print(
        "case                         dtype    batch   call s  person s garment s  decode s    first s  ratio     pair s  ratio"
    )
    for case in (case for case in CASES if case.name in names or not names):
        dtype = choose_dtype(case.config.dtype, device)
        if loaded is None or loaded[0] != (dtype, case.savings):
            loaded = None
            gc.collect()
            if case.savings.prepack_weights and device.kind == "cpu":
                give_freed_memory_back()  # as the engine does before it loads
            loaded = ((dtype, case.savings), generated_network(case.savings, dtype).to(device.name))
            if case.savings == OFFICIAL:
                use_library_norms(loaded[1])
        for batch in batches:
            timing = measure(loaded[1], case, size, batch, whole, watch)
            seconds, pair = timing.picture(case.calls, batch), timing.pair(case.calls, batch)
            official = seconds if official is None else official
            print(
                f"{case.name:28} {str(dtype).removeprefix('torch.'):8} {batch:5} {timing.call:8.3f} {timing.person:9.3f} "
                f"{timing.garment:9.3f} {timing.decode:9.3f} {seconds:10.2f} {official / seconds:6.2f} "
                f"{pair:10.2f} {official / pair:6.2f}",
                flush=True,
            )
            _print_device(case, timing, size, device, batch)


def _print_device(case: Case, timing: Timing, size: tuple[int, int], device: Device, batch: int) -> None:
    """What only a GPU or only a CPU has to say."""
    if device.kind != "cuda":
        print(f"{'':28} peak resident so far {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9:.2f} GB")
        return
    counted = counted_gflop(size, case.savings)
    share = (counted["control"] / case.config.control_every + counted["unet"]) * batch / timing.call / 1e3 / H200_ROOFLINE_TFLOPS
    decode_share = counted["decode"] / timing.decode / 1e3 / H200_ROOFLINE_TFLOPS
    peak = torch.cuda.max_memory_allocated() / 2**30
    torch.cuda.reset_peak_memory_stats()
    print(
        f"{'':28} {1 / timing.pair(case.calls, batch):.2f} pictures/s, roofline: calls {share:.0%}, decode {decode_share:.0%}, "
        f"peak {peak:.1f} GiB"
    )


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=2, default=(512, 384), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--cases", nargs="*", default=[], help=f"some of: {', '.join(case.name for case in CASES)}")
    parser.add_argument("--batches", type=int, nargs="+", default=[1])
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--clock", choices=CLOCKS, default="wall")
    parser.add_argument("--whole", action="store_true", help="sample whole pictures instead of a few calls")
    arguments = parser.parse_args()
    device, size = choose_device(arguments.device), tuple(arguments.size)
    print(f"{device.label or device.name}, torch {torch.__version__}, {torch.get_num_threads()} threads")
    with torch.inference_mode():
        print_operations(size)
        watch = Stopwatch(device, arguments.repeats, CLOCKS[arguments.clock])
        run_cases(arguments.cases, size, arguments.batches, arguments.whole, watch)


if __name__ == "__main__":
    main()
