"""The whole inference against recorded runs of the published programs, from files to pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from PIL import Image

from tryon.engines.viton_hd import inference
from tryon.engines.viton_hd.architecture import OFFICIAL, SEED, Architecture
from tryon.engines.viton_hd.checkpoint import load_generator, load_segmenter, load_warper
from tryon.engines.viton_hd.conditions import one_hot, pictures, shown_garment
from tryon.engines.viton_hd.fitting import resized
from tryon.engines.viton_hd.inference import Garment, Person
from tryon.engines.viton_hd.labels import group_of

LIKE = torch.zeros(1)
A_CLASS_OF = np.array([list(group_of(False)).index(group) for group in range(7)], np.uint8)
"""A class of each of the seven groups; which one of several decides nothing behind the segmentation."""


@dataclass(frozen=True)
class Case:
    recording: str
    prefix: str
    architecture: Architecture
    keys: str


CASES = {
    "official": Case("e2e", "", replace(OFFICIAL, generator_width=8), "official"),
    "seed, garment shown": Case("seed_inference", "garment_fed/", replace(SEED, generator_width=8), "seed"),
    "seed, noise shown": Case("seed_inference", "as_published/", replace(SEED, generator_width=8), "seed"),
}


@pytest.fixture(scope="module", params=CASES.values(), ids=CASES.keys())
def run(request, records_of, made, weights_file, viton_hd_keys):
    return Run(request.param, *records_of(request.param.recording), made, weights_file, viton_hd_keys)


class Run:
    """A recorded run and our networks with its weights."""

    def __init__(self, case, arrays, config, made, weights_file, keys) -> None:
        self.case, self.arrays, self.config, self.made = case, arrays, config, made
        salt, architecture = config["salt"], case.architecture
        self.seg = load_segmenter(weights_file(f"{salt}/seg", keys[f"{case.keys}_seg"]), torch.float32, architecture)
        self.gmm = load_warper(weights_file(f"{salt}/gmm", keys[f"{case.keys}_gmm"]), torch.float32, architecture)
        self.alias = load_generator(weights_file(f"{salt}/alias", config["alias_key_shapes"]), torch.float32, architecture)

    def recorded(self, name: str) -> np.ndarray:
        return self.arrays[self.case.prefix + name]

    def picture(self, path: str, mode: str = "RGB") -> np.ndarray:
        return np.asarray(Image.open(io.BytesIO(self.arrays[f"file/{path}"].tobytes())).convert(mode))

    def names(self) -> list[tuple[str, str]]:
        return [tuple(pair.split()) for pair in self.config["pairs"]]

    def person(self) -> Person:
        height, width = self.case.architecture.size
        agnostics = []
        for number, (name, _) in enumerate(self.names()):
            changed = np.unpackbits(self.arrays[f"data/{number}/agnostic_changed_packed"]).reshape(height, width) > 0
            photo = resized(self.picture(f"test/image/{name}"), (height, width), Image.Resampling.BILINEAR)
            agnostics.append(np.where(changed[..., None], np.uint8(128), photo))
        poses = [self.picture(f"test/openpose-img/{name[:-4]}_rendered.png") for name, _ in self.names()]
        classes = [self.arrays[f"data/{number}/parse_agnostic_13"] for number in range(2)]
        return Person(pictures(agnostics, LIKE), pictures(poses, LIKE), one_hot(classes, LIKE))

    def garment(self) -> Garment:
        shown = [
            shown_garment(
                self.case.architecture,
                self.picture(f"test/cloth/{name}"),
                resized(
                    self.picture(f"test/cloth-mask/{name}", "L"),
                    self.picture(f"test/cloth/{name}").shape[:2],
                    Image.Resampling.NEAREST,
                )
                >= 128,
            )
            for _, name in self.names()
        ]
        masks = torch.from_numpy(np.stack([each.mask for each in shown]))[:, None].float()
        return Garment(pictures([each.cloth for each in shown], LIKE), masks)

    def noise(self) -> torch.Tensor:
        small = self.case.architecture.small
        if self.case.keys == "official":
            bits = np.unpackbits(self.arrays["noise_packed"])
            return torch.from_numpy(bits.astype(np.float32)).reshape(2, 1, *small)
        if self.case.prefix.startswith("garment"):
            return torch.zeros(2, 0, *small)
        bits = np.unpackbits(self.recorded("noise_packed")) if self.case.prefix + "noise_packed" in self.arrays else None
        assert bits is not None, sorted(self.arrays)
        return torch.from_numpy(bits.astype(np.float32)).reshape(2, 3, *small)


def far(found, recorded) -> float:
    return float(np.abs(np.asarray(found, np.float64) - recorded).max())


@pytest.mark.slow
@torch.inference_mode()
def test_every_stage_is_the_published_programs(run, recorded_noise):
    architecture, official = run.case.architecture, run.case.keys == "official"
    person, garment = run.person(), run.garment()
    inputs = inference.seg_inputs(architecture, person, garment, run.noise())
    step = 4 if official else 8
    if not run.case.prefix.startswith("as_published"):
        assert far(inputs[..., ::step, ::step], run.recorded("seg/input_s4" if official else "seg_input_s8")) < 1e-6
    scores = torch.sigmoid(run.seg(inputs))
    assert far(scores[..., ::step, ::step], run.recorded("seg/sigmoid_s4" if official else "seg_sigmoid_s8")) < 5e-4
    classes = inference.segment(architecture, run.seg, inputs)
    if official:  # from here on by the recorded labels, so that a pixel whose scores are a tie colours nothing
        assert (group_of(False)[classes.numpy()] == run.recorded("parse7")).mean() > 0.9999
        classes = torch.from_numpy(A_CLASS_OF[run.recorded("parse7")]).to(classes.dtype)
    placed = inference.place(
        architecture, run.gmm, inference.warp_person(architecture, person, classes),
        run.gmm.encode_garment(inference.warp_garment(architecture, garment)), garment,
    )  # fmt: skip
    shown = inference.warp_person(architecture, person, classes)
    assert far(shown[..., ::step, ::step], run.recorded("gmm/input_a_s4" if official else "gmm_input_a_s8")) < 1e-3
    assert far(placed.theta, run.recorded("gmm/theta" if official else "theta")) < (1e-6 if official else 3e-5)
    cloth = placed.cloth[..., 4::8, 4::8]
    assert (
        far(cloth, run.recorded("alias/warped_cloth_s8" if official else "warped_cloth_s8")) < 3e-3
    )  # edges, times the grid's rounding
    area = inference.misaligned(architecture, classes, placed.mask)
    assert far(area.sum((1, 2, 3)), run.recorded("alias/misalign_sum" if official else "misalign_sum")) < (0.1 if official else 5)
    guide = inference.guide_of(architecture, classes, area)
    assert_labels(run, classes, guide, official)
    for number in range(2):
        noise = recorded_noise(run.config["salt"], f"noise/{number}/")
        one = lambda x, number=number: x[number : number + 1]  # noqa: E731
        picture = inference.dress(
            run.alias, Person(one(person.agnostic), one(person.pose), one(person.classes)), one(placed.cloth),
            inference.Guide(one(guide.groups), one(guide.divided), one(guide.misaligned)), noise,
        )  # fmt: skip
        recorded = run.recorded("out_s" if official else "out_s4")[number]
        apart = np.abs(picture[0, :, ::4, ::4].numpy() - recorded)
        # The published grid is 6e-6 off (fp32): 3e-3 at the rim of a mask. The seed's whole label maps are not recorded, so that
        # there a label that is a tie colours its neighbours.
        if official:
            assert apart.max() < 5e-3 and apart.mean() < 5e-5
        assert (apart > 5e-3).mean() < 2e-3 and apart.mean() < 2e-4


def assert_labels(run, classes, guide, official) -> None:
    if official:
        assert far(guide.divided.sum((2, 3)), run.recorded("alias/div_sum")) < 0.1
        return
    recorded = run.recorded("parse7_after_subtraction_s2")
    ours = torch.where(guide.groups.amax(1) > 0.5, guide.groups.argmax(1), 255)[:, ::2, ::2].numpy()
    assert (ours == recorded).mean() > 0.9999
