"""How long OOTDiffusion takes at full size with generated weights: the garment's pass, and one guided step.

    OMP_NUM_THREADS=1 python -m benchmarks.ootdiffusion --dtype bf16
    OMP_NUM_THREADS=1 python -m benchmarks.ootdiffusion --dtype fp32 --savings all official

The published way asks the garment's half of the joined tokens too, projects keys and values anew in every step and keeps nothing
between pictures. Seconds of processors are the ones to compare on a machine shared with others.
"""

from __future__ import annotations

import argparse
import gc
import resource
import time
from collections.abc import Callable
from typing import TypeVar

import torch

from benchmarks.generated import GeneratedWeights
from benchmarks.machine import machine_line
from tryon.engines.ootdiffusion.checkpoint import empty_network, fill_network
from tryon.engines.ootdiffusion.encoding import EncodedGarment, EncodedPerson, latent_size
from tryon.engines.ootdiffusion.network import OotDiffusion
from tryon.engines.ootdiffusion.presets import BALANCED
from tryon.engines.ootdiffusion.sampling import Batch, Denoiser, show_garment
from tryon.networks.precision import fp32_products
from tryon.networks.savings.swapping import use_library_norms
from tryon.networks.savings.switches import ALL, OFFICIAL
from tryon.networks.savings.time_table import TimeTable
from tryon.noise import SeededNoise
from tryon.system_memory import give_freed_memory_back

Made = TypeVar("Made")
DTYPES = {"bf16": torch.bfloat16, "fp32": torch.float32}
SAVINGS = {"all": ALL, "official": OFFICIAL}
TIMESTEPS = (999, 949)
"""The first call packs weights and tabulates times; the second is what every further one costs."""


def network_of(savings: str, dtype: torch.dtype) -> OotDiffusion:
    """Both U-Nets at full size."""
    network = fill_network(
        GeneratedWeights(empty_network(savings=SAVINGS[savings]).state_dict()), dtype, savings=SAVINGS[savings]
    )
    if savings == "official":
        use_library_norms(network)
    gc.collect()
    give_freed_memory_back()
    return network


def timed(call: Callable[[], Made]) -> tuple[Made, float, float]:
    """What it gives, seconds by the clock, and of all processors."""
    begun, used = time.perf_counter(), time.process_time()
    made = call()
    return made, time.perf_counter() - begun, time.process_time() - used


@torch.inference_mode()
def measure(savings: str, dtype: torch.dtype, size: tuple[int, int]) -> tuple[float, float]:
    """Seconds of processors of the garment's pass and of a step."""
    height, width = latent_size(size)
    network = network_of(savings, dtype)
    latents = [SeededNoise(seed).draw((1, 4, height, width)) for seed in range(4)]
    garment = EncodedGarment(latent=latents[0], context=SeededNoise(9).draw((1, 2, network.architecture.context_dim)))
    person = EncodedPerson(pictures=None, masked=latents[1], known=latents[2], repaint=torch.ones(1, 1, height, width))  # type: ignore[arg-type]
    tokens, clock, garment_seconds = timed(lambda: show_garment(network, garment, guided=True))
    print(f"{savings}: garment's pass {garment_seconds:.1f} s of processors ({clock:.1f} by the clock)", flush=True)
    denoiser = Denoiser(network, Batch([person], [garment], [tokens], []), BALANCED, TimeTable(network))
    step_seconds = 0.0
    for timestep in TIMESTEPS:
        answer, clock, step_seconds = timed(lambda timestep=timestep: denoiser(latents[3], timestep))
        assert torch.isfinite(answer).all()
        print(f"{savings}: step {step_seconds:.1f} s of processors ({clock:.1f} by the clock)", flush=True)
    return garment_seconds, step_seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dtype", choices=DTYPES, default="bf16")
    parser.add_argument("--savings", nargs="+", choices=SAVINGS, default=("all",))
    parser.add_argument("--height", type=int, default=1024)
    parser.add_argument("--width", type=int, default=768)
    wanted = parser.parse_args()
    size = (wanted.height, wanted.width)
    print(f"{machine_line()}; torch {torch.__version__}, {torch.get_num_threads()} threads, {wanted.dtype}, {size}")
    used: dict[str, tuple[float, float]] = {}
    with fp32_products(exact=wanted.dtype == "fp32"):
        for savings in wanted.savings:
            used[savings] = measure(savings, DTYPES[wanted.dtype], size)
    for savings, (garment, step) in used.items():
        print(f"{savings}: a picture of {BALANCED.steps} steps {(garment + BALANCED.steps * step) / 60:.1f} min of processors")
    if len(used) == 2:
        print(f"a step: {used['official'][1] / used['all'][1]:.2f} times as fast")
    print(f"most memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
