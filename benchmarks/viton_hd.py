"""How long VITON-HD takes for a pair at 1024 × 768 with generated weights: the published sequence, and ours.

    OMP_NUM_THREADS=1 python -m benchmarks.viton_hd --form official      # fp32, every label convolution, nothing kept
    OMP_NUM_THREADS=1 python -m benchmarks.viton_hd --form exact         # fp32, label tables, the garment's features kept
    OMP_NUM_THREADS=1 python -m benchmarks.viton_hd --form bf16          # the same in bf16

Generated weights predict noise, whose windows all differ, so the generator is told a drawn person instead. One form a call.
Seconds of processors are the ones to compare on a machine shared with others.
"""

from __future__ import annotations

import argparse
import resource
import time

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.generated import GeneratedWeights
from benchmarks.machine import machine_line
from tryon.engines.viton_hd import inference
from tryon.engines.viton_hd.alias import Generator
from tryon.engines.viton_hd.architecture import OFFICIAL
from tryon.engines.viton_hd.inference import Garment, Person
from tryon.engines.viton_hd.noise import binary_planes, seeded_draw
from tryon.engines.viton_hd.segmenter import Segmenter
from tryon.engines.viton_hd.warper import Warper

CPU = torch.device("cpu")
HEIGHT, WIDTH = OFFICIAL.size


def network(kind: type[nn.Module], dtype: torch.dtype, channels_last: bool) -> nn.Module:
    """One of the three with generated weights."""
    made = kind(OFFICIAL).eval().requires_grad_(False)
    weights = GeneratedWeights(made.state_dict())
    made.load_state_dict({name: weights[name].abs() if name.endswith("running_var") else weights[name] for name in weights})
    layout = torch.channels_last if channels_last else torch.contiguous_format
    return made.to(dtype).to(memory_format=layout)  # type: ignore[call-overload,no-any-return]


def drawn_classes() -> Tensor:
    """(1, h, w) int64: a person from ellipses, as large as on a photo of the data set."""
    canvas = np.zeros((HEIGHT, WIDTH), np.uint8)
    for centre, axes, label in (
        *(((384, 600), (150, 320), 3), ((384, 960), (165, 200), 4), ((384, 205), (95, 130), 1), ((384, 225), (70, 92), 2)),
        *(((205, 600), (42, 250), 5), ((563, 600), (42, 250), 6)),
    ):
        cv2.ellipse(canvas, centre, axes, 0, 0, 360, label, -1)
    return torch.from_numpy(canvas.astype(np.int64))[None]


def conditions() -> tuple[Person, Garment]:
    """Smooth noise in the place of pictures."""
    random = torch.Generator().manual_seed(0)
    smooth = torch.nn.functional.interpolate(torch.randn(1, 9, 64, 48, generator=random).tanh(), OFFICIAL.size, mode="bilinear")
    mask = torch.zeros(1, 1, HEIGHT, WIDTH)
    mask[..., 200:850, 150:620] = 1
    classes = torch.nn.functional.one_hot(drawn_classes(), 13).permute(0, 3, 1, 2).float()
    return Person(smooth[:, :3], smooth[:, 3:6], classes), Garment(smooth[:, 6:], mask)


@torch.inference_mode()
def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--form", choices=("official", "exact", "bf16"), default="bf16")
    parser.add_argument("--runs", type=int, default=1)
    wanted = parser.parse_args()
    official, dtype = wanted.form == "official", torch.bfloat16 if wanted.form == "bf16" else torch.float32
    print(f"{machine_line()}; torch {torch.__version__}, {torch.get_num_threads()} threads, {wanted.form}")
    seg, gmm, alias = (network(kind, dtype, not official) for kind in (Segmenter, Warper, Generator))
    assert isinstance(seg, Segmenter) and isinstance(gmm, Warper) and isinstance(alias, Generator)
    person, garment = conditions()
    features = gmm.encode_garment(inference.warp_garment(OFFICIAL, garment).to(dtype))
    for _ in range(wanted.runs):
        clock, used = time.perf_counter(), time.process_time()
        noise = binary_planes([0], 1, OFFICIAL.small, CPU)
        predicted = inference.segment(OFFICIAL, seg, inference.seg_inputs(OFFICIAL, person, garment, noise))
        assert predicted.shape == (1, HEIGHT, WIDTH)
        classes, parts = drawn_classes(), [time.process_time()]
        if official:
            features = gmm.encode_garment(inference.warp_garment(OFFICIAL, garment).to(dtype))
        shown = inference.warp_person(OFFICIAL, person, classes)
        placed = inference.place(OFFICIAL, gmm, shown, features, garment)
        guide = inference.guide_of(OFFICIAL, classes, inference.misaligned(OFFICIAL, classes, placed.mask))
        parts.append(time.process_time())
        picture = inference.dress(alias, person, placed.cloth, guide, seeded_draw([0], CPU), tables=not official)
        assert torch.isfinite(picture).all()
        parts.append(time.process_time())
        seconds = [after - before for before, after in zip([used, *parts], parts, strict=False)]
        named = ", ".join(f"{name} {each:.1f}" for name, each in zip(("segmentation", "warp", "generator"), seconds, strict=True))
        print(
            f"a pair: {parts[-1] - used:.1f} s of processors ({time.perf_counter() - clock:.1f} by the clock): {named}",
            flush=True,
        )
    print(f"most memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
