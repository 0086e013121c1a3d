"""What weights in 8 bits save, cost and move: full-size StableVITON with generated weights, one format after the other.

    OMP_NUM_THREADS=1 python -m benchmarks.weight_formats
    python -m benchmarks.weight_formats --size 1024 768 --formats full int8
    python -m benchmarks.weight_formats --write FOLDER      # what `weights convert` writes in each number format, and its bytes
    python -m benchmarks.weight_formats --load FOLDER/int8  # one picture with it, and the peak of resident memory

Distances are relative, to the noise and the garment's token that the first format of the list predicts.
"""

from __future__ import annotations

import argparse
import gc
import resource
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.generated import GeneratedWeights, generated_garment, generated_network, generated_person
from pipeline.core.engine import TryOnItem
from pipeline.core.machine.device import Device, choose_device
from tryon.batching import Limits
from tryon.engines.stableviton.architecture import FULL
from tryon.engines.stableviton.checkpoint import empty_network
from tryon.engines.stableviton.denoiser import Batch, Denoiser
from tryon.engines.stableviton.encoding import encode_garment, encode_person
from tryon.engines.stableviton.folder import PARTS, WITH_QUERIES, Index, load, write_folder
from tryon.engines.stableviton.network import StableViton
from tryon.engines.stableviton.presets import BALANCED
from tryon.engines.stableviton.runtime import CanvasGarment, CanvasPerson, Runtime
from tryon.engines.stableviton.sampling import draw_conditions
from tryon.engines.stableviton.variants import STABLEVITON
from tryon.networks.layout import arrange
from tryon.networks.precision import choose_dtype
from tryon.networks.savings.quantised import EIGHT_BITS, FULL_FORMAT, check_weight_format, weight_format_of
from tryon.networks.savings.switches import ALL
from tryon.networks.savings.time_table import TimeTable
from tryon.noise import SeededNoise
from tryon.system_memory import give_freed_memory_back, keep_freed_memory

TIMESTEPS = (981, 501, 21)
"""The first of them is called once more before, to pack and to choose kernels."""


def network_in(weight_format: str, device: Device) -> tuple[StableViton, float]:
    """The network on a device, and the bytes of its weights in 1e9."""
    give_freed_memory_back()
    network = generated_network(ALL, choose_dtype(BALANCED.dtype, device))
    check_weight_format(weight_format, device.kind)
    network.use_weight_format(weight_format)
    arrange(network, device.name, network.savings)
    return network, sum(weight.nbytes for weight in network.parameters()) / 1e9


def predict(network: StableViton, size: tuple[int, int]) -> tuple[list[Tensor], Tensor, float]:
    """Noise at each timestep, the garment's token, and seconds of processor time of a model call."""
    person = encode_person(network, generated_person(size), with_image=False)
    garment = encode_garment(network, generated_garment(size), size)
    batch = Batch([person], [garment], [SeededNoise(0)])
    _, conditions = draw_conditions(batch, BALANCED, network.device)
    denoiser = Denoiser(network, batch, conditions, BALANCED, TimeTable(network))
    latents = batch.draw().to(network.device)
    denoiser(latents, TIMESTEPS[0])
    keep_freed_memory()  # as the engine does after its first batch
    started = time.process_time()
    noises = [denoiser(latents, timestep).cpu() for timestep in TIMESTEPS]
    return noises, garment.token.float().cpu(), (time.process_time() - started) / len(TIMESTEPS)


def write_folders(folder: Path) -> None:
    """Write what a conversion writes, of generated weights, and print the bytes of the weight files."""
    for dtype, lean in (("bf16", False), ("bf16", True), ("int8", True)):
        name = f"{dtype}-lean" if lean and dtype != "int8" else dtype
        savings = ALL if lean else WITH_QUERIES
        weights = GeneratedWeights(empty_network(FULL, savings).state_dict())
        index = Index(architecture=FULL, variant=STABLEVITON.name, dtype=dtype, source_sha256="0" * 64)
        write_folder(folder / name, weights, index, savings)
        sizes = {part: (folder / name / part / file).stat().st_size for part, file in PARTS.items()}
        print(
            f"{name}: {sum(sizes.values()) / 1e9:.3f} GB,",
            {part: round(size / 1e6, 1) for part, size in sizes.items()},
            flush=True,
        )


def load_folder(folder: Path, device: Device, size: tuple[int, int]) -> None:
    """Dress one person with a folder, and print seconds and the peak of resident memory."""
    give_freed_memory_back()
    loaded = load(folder, choose_dtype(BALANCED.dtype, device))
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    config = replace(BALANCED, steps=2, weight_format=weight_format_of(loaded.network))
    runtime = Runtime(loaded, config, size, Limits(device))
    started = time.process_time()
    runtime.dress([TryOnItem(CanvasPerson(generated_person(size), size), CanvasGarment(generated_garment(size)), 0)])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(f"{folder}: {held:.2f} GB at most while loading, {peak:.2f} GB with a picture of 2 calls, ", end="")
    print(f"{time.process_time() - started:.1f} s for it")


def relative(ours: Tensor, first: Tensor) -> float:
    """Distance as a share."""
    return float((ours - first).norm() / first.norm())


def main() -> None:
    """Parse and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, nargs=2, default=(512, 384), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--formats", nargs="+", default=[FULL_FORMAT, *EIGHT_BITS], choices=[FULL_FORMAT, *EIGHT_BITS])
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="only write converted folders")
    parser.add_argument("--load", type=Path, metavar="FOLDER", help="only dress with a converted folder")
    arguments = parser.parse_args()
    device, size, first = choose_device(arguments.device), tuple(arguments.size), None
    print(f"{device.label or device.name}, torch {torch.__version__}, {torch.get_num_threads()} threads, {size}")
    if arguments.write or arguments.load:
        write_folders(arguments.write) if arguments.write else load_folder(arguments.load, device, size)
        return
    with torch.inference_mode():
        for weight_format in arguments.formats:
            gc.collect()
            network, gigabytes = network_in(weight_format, device)
            noises, token, seconds = predict(network, size)
            first = first or (noises, token)
            moved = ", ".join(f"{relative(*pair):.4f}" for pair in zip(noises, first[0], strict=True))
            print(f"{weight_format}: weights {gigabytes:.3f} GB, {seconds:.2f} s a call, ", end="")
            print(f"noise at {TIMESTEPS} moves by {moved}, the token by {relative(token, first[1]):.4f}", flush=True)
            del network


if __name__ == "__main__":
    main()
