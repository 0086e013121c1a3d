"""How far each preset's pictures are from `reference`, for owners of the weights: PSNR, SSIM, LPIPS on the same seeds.

    python -m benchmarks.compare_presets OUTPUTS WEIGHTS [--pairs 16] [--presets balanced fast best] [--save FOLDER]

OUTPUTS is an outputs folder whose preprocessing is done (its `vitonhd/test_pairs.txt` lists the pairs), WEIGHTS a weights
folder with `stableviton-vitonhd`. Every preset is also run with `reference`'s own start code, because another start is another
picture: the column `start` says which of the two a row is. LPIPS is printed when the package `lpips` is installed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pipeline.core import images
from pipeline.core.engine import GarmentInputs, PersonInputs, TryOnItem
from pipeline.core.items import Garment, Person
from pipeline.core.labels import Category
from pipeline.core.layout import Layout
from pipeline.core.seeds import noise_seed
from pipeline.core.step import Context
from tryon.engines.stableviton.config import StableVITONConfig
from tryon.engines.stableviton.engine import StableVITON

Picture = NDArray[np.uint8]
PAIRS = "vitonhd/test_pairs.txt"


@dataclass(frozen=True)
class Scores:
    """Likeness to the reference picture, mean over pairs."""

    psnr: float  # dB
    ssim: float
    lpips: float | None


def read_pairs(layout: Layout, count: int) -> list[tuple[Person, Garment]]:
    """The first pairs of the tree's list; ids are file stems."""
    lines = layout.path(PAIRS).read_text("utf-8").splitlines()[:count]
    stems = [[Path(name).stem for name in line.split()] for line in lines if line.strip()]
    return [(Person(person, ""), Garment(garment, "")) for person, garment in stems]


def dress(config: StableVITONConfig, layout: Layout, pairs: Sequence[tuple[Person, Garment]], device: str) -> list[Picture]:
    """One picture per pair; the seed of a pair is the same in every call."""
    engine = StableVITON(config, Context(layout, device=device))
    engine.load(device)
    made: list[Picture] = []
    for person, garment in pairs:
        encoded = engine.encode(PersonInputs(person, Category.UPPER, layout)), engine.encode(GarmentInputs(garment, layout))
        (dressed,) = engine.generate([TryOnItem(*encoded, noise_seed(0, person.id, garment.id, 0))])
        made.append(dressed.picture)
    return made


def perceptual_distance() -> Callable[[Picture, Picture], float] | None:
    """LPIPS (AlexNet) where it is installed."""
    try:
        import lpips
    except ModuleNotFoundError:
        return None
    import torch

    model = lpips.LPIPS(net="alex", verbose=False)

    def distance(one: Picture, other: Picture) -> float:
        tensors = [torch.from_numpy(each).permute(2, 0, 1)[None].float() / 127.5 - 1 for each in (one, other)]
        with torch.no_grad():
            return float(model(*tensors))

    return distance


def score(made: Sequence[Picture], reference: Sequence[Picture], distance: Callable[[Picture, Picture], float] | None) -> Scores:
    """Mean likeness of pictures (h, w, 3) uint8 to their references."""
    both = list(zip(made, reference, strict=True))
    return Scores(
        psnr=float(np.mean([peak_signal_noise_ratio(theirs, ours) for ours, theirs in both])),
        ssim=float(np.mean([structural_similarity(theirs, ours, channel_axis=2) for ours, theirs in both])),
        lpips=float(np.mean([distance(ours, theirs) for ours, theirs in both])) if distance else None,
    )


def main() -> None:
    """Parse, dress, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outputs", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--presets", nargs="+", default=["balanced", "fast", "best"])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--save", type=Path, help="folder for the pictures, to look at")
    arguments = parser.parse_args()
    layout = Layout(outputs=arguments.outputs, weights=arguments.weights)
    pairs = read_pairs(layout, arguments.pairs)
    # Pasting would make everything outside the mask equal by construction and hide differences.
    reference = dress(StableVITONConfig(preset="reference", repaint=False), layout, pairs, arguments.device)
    _save(arguments.save, "reference", pairs, reference)
    distance = perceptual_distance()
    print(f"{'preset':12} {'start':9} {'PSNR dB':>8} {'SSIM':>7} {'LPIPS':>7}")
    for preset in arguments.presets:
        for start in ("agnostic", "person"):
            made = dress(StableVITONConfig(preset=preset, start=start, repaint=False), layout, pairs, arguments.device)
            _save(arguments.save, f"{preset}_{start}", pairs, made)
            found = score(made, reference, distance)
            shown = "-" if found.lpips is None else f"{found.lpips:.4f}"
            print(f"{preset:12} {start:9} {found.psnr:8.2f} {found.ssim:7.4f} {shown:>7}", flush=True)


def _save(folder: Path | None, name: str, pairs: Sequence[tuple[Person, Garment]], made: Sequence[Picture]) -> None:
    if folder is None:
        return
    (folder / name).mkdir(parents=True, exist_ok=True)
    for (person, garment), picture in zip(pairs, made, strict=True):
        (folder / name / f"{person.id}__{garment.id}.png").write_bytes(images.png(picture))


if __name__ == "__main__":
    main()
