"""How long FASHN VTON 1.5 takes at full size with generated weights: one guided step and one unguided, scaled to whole pictures.

    OMP_NUM_THREADS=1 python -m benchmarks.fashn --dtype bf16
    OMP_NUM_THREADS=1 python -m benchmarks.fashn --dtype fp32 --steps unguided      # the reference to hold it against

One number format a call, so that the memory printed is that format's own. Seconds of processors are the ones to compare on a
machine shared with others; with one thread they are the clock's on a quiet one.
"""

from __future__ import annotations

import argparse
import gc
import resource
import time
from collections.abc import Callable

import torch

from benchmarks.generated import GeneratedWeights
from benchmarks.machine import machine_line
from pipeline.core.machine.device import Device, choose_device
from tryon.engines.fashn.architecture import CATEGORIES, FULL
from tryon.engines.fashn.checkpoint import empty_network, fill_network
from tryon.engines.fashn.guidance import GuidedVelocity, ModulationTable
from tryon.engines.fashn.presets import PRESETS
from tryon.networks.layout import arrange
from tryon.networks.precision import fp32_products
from tryon.noise import SeededNoise
from tryon.system_memory import give_freed_memory_back

DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
TFLOP_OF_AN_ANSWER = 13.2
"""Of one picture; a guided step needs two answers (docs/facts/fashn_vton.md#network)."""


def velocity(dtype: torch.dtype, device: Device) -> GuidedVelocity:
    """The guided network of one picture, ready to be asked."""
    network = fill_network(GeneratedWeights(empty_network().state_dict()), dtype)
    arrange(network, device.name, network.savings)
    gc.collect()
    give_freed_memory_back()
    pictures = torch.stack([SeededNoise(seed).draw((4, *FULL.canvas)).clamp(-1, 1) for seed in (1, 2)]).to(device.name)
    table = ModulationTable(network)
    return GuidedVelocity(
        network.forward, table, PRESETS["balanced"].guidance_scale, pictures[:1], pictures[1:], [CATEGORIES - 3]
    )


def timed(call: Callable[[], torch.Tensor], device: Device) -> tuple[float, float]:
    """Seconds by the clock, and of all processors."""
    begun, used = time.perf_counter(), time.process_time()
    answer = call()
    if device.kind == "cuda":
        torch.cuda.synchronize()
    assert torch.isfinite(answer).all()
    return time.perf_counter() - begun, time.process_time() - used


@torch.inference_mode()
def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dtype", choices=DTYPES, default="bf16")
    parser.add_argument("--steps", nargs="+", choices=("unguided", "guided"), default=("unguided", "guided"))
    parser.add_argument("--device", default="auto")
    wanted = parser.parse_args()
    device = choose_device(wanted.device)
    print(f"{machine_line()}; torch {torch.__version__}, {torch.get_num_threads()} threads, {wanted.dtype}, {device.name}")
    noise = SeededNoise(0).draw((1, 3, *FULL.canvas)).to(device.name)
    used: dict[str, float] = {}
    with fp32_products(exact=wanted.dtype == "fp32"):
        asked = velocity(DTYPES[wanted.dtype], device)
        for name in wanted.steps:
            guided = name == "guided"
            clock, used[name] = timed(lambda guided=guided: asked(noise, 0.5, guided), device)
            rate = TFLOP_OF_AN_ANSWER * (1 + guided) / used[name] * 1000
            print(f"{name} step: {used[name]:.1f} s of processors ({clock:.1f} s by the clock), {rate:.0f} GFLOP/s", flush=True)
    if len(used) == 2:
        for name in ("fast", "balanced", "quality"):
            preset = PRESETS[name]
            whole = (preset.steps - preset.unguided_steps) * used["guided"] + preset.unguided_steps * used["unguided"]
            print(f"{name}: {preset.steps} steps, {whole / 60:.0f} min of processors a picture")
    print(f"most memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
