"""Parity: losses and gradients of the three trainings against those recorded from the published code, and as they were meant.

An entry of -1 says that no gradient arrives: the published code cuts what its discriminators say off the networks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from tryon.engines.viton_hd import inference
from tryon.engines.viton_hd.alias import Generator
from tryon.engines.viton_hd.architecture import SEED
from tryon.engines.viton_hd.inference import Garment, Person
from tryon.engines.viton_hd.keys import our_name
from tryon.engines.viton_hd.segmenter import Segmenter
from tryon.engines.viton_hd.spline import grid_of, warped
from tryon.engines.viton_hd.training import losses, modules
from tryon.engines.viton_hd.training.batches import planes_of
from tryon.engines.viton_hd.training.config import (
    AliasDiscriminator,
    AliasOptimiser,
    AliasTraining,
    GmmOptimiser,
    GmmTraining,
    SegTraining,
)
from tryon.engines.viton_hd.training.constraint import second_order
from tryon.engines.viton_hd.training.discriminator import Discriminator
from tryon.engines.viton_hd.training.judge_files import our_discriminator_state
from tryon.engines.viton_hd.training.modules import (
    DISCRIMINATOR,
    AliasBatch,
    AliasLoss,
    GmmBatch,
    GmmLoss,
    SegBatch,
    SegLoss,
)
from tryon.engines.viton_hd.training.spectral import with_spectral_norms
from tryon.engines.viton_hd.warper import Warper
from tryon.training.judges.vgg import FIRST_OF_LEVEL, build_distance, vgg_weights

LOSS, GRADIENT, AFTER_STEP = 1e-4, 5e-3, 1e-2
"""Relative; after a step small differences of gradients have become differences of their signs."""
SHOWN = replace(SEED, warp_resize="nearest")
VGG_WIDTHS = (64, 64, 128, 128, 256, 256, 256, 256, 512, 512, 512, 512, 512, 512, 512, 512)
VGG_PLACES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)


@pytest.fixture(autouse=True)
def _gradients():
    with torch.enable_grad():
        yield


@pytest.fixture(scope="module")
def train(records_of):
    return records_of("train")


class Drawn:
    """The recorded batch, from its name."""

    def __init__(self, made, salt: str, side: int, count: int) -> None:
        self.made, self.salt, self.side, self.count = made, salt, side, count

    def normal(self, name: str, channels: int, coarse: int) -> torch.Tensor:
        numbers = self.made.normals(self.salt, f"input/{name}", (self.count, channels, self.side // coarse, self.side // coarse))
        small = torch.from_numpy(numbers.astype(np.float32))
        return functional.interpolate(small, (self.side, self.side), mode="bilinear", align_corners=False)

    def picture(self, name: str) -> torch.Tensor:
        return torch.tanh(self.normal(name, 3, 8))

    @property
    def classes(self) -> torch.Tensor:
        return self.normal("labels", 13, 32).argmax(1)

    @property
    def person(self) -> Person:
        classes = self.classes
        left = torch.where(torch.isin(classes, torch.tensor([3, 5, 6])), 0, classes)
        planes = functional.one_hot(left, 13).permute(0, 3, 1, 2).float()
        return Person(self.picture("img_agnostic"), self.picture("pose"), planes)

    @property
    def garment(self) -> Garment:
        mask = torch.zeros(self.count, 1, self.side, self.side)
        mask[..., self.side // 8 : self.side - self.side // 8, self.side // 6 : int(self.side - self.side / 6)] = 1
        return Garment(self.picture("cloth"), mask)


def norm_of(loss: torch.Tensor, module: torch.nn.Module) -> float:
    """The gradient's length over all weights; -1 where none arrives."""
    weights = list(module.parameters())
    if not loss.requires_grad:
        return -1
    found = torch.autograd.grad(loss, weights, retain_graph=True, allow_unused=True)
    arrived = [each for each in found if each is not None]
    return float(torch.stack([each.square().sum() for each in arrived]).sum().sqrt()) if arrived else -1


def close(found, recorded, tolerance: float) -> None:
    assert float(found) == pytest.approx(float(recorded), rel=tolerance)


def discriminator_of(made, salt: str, shapes, *, squashed: bool) -> Discriminator:
    official = {key: torch.from_numpy(values) for key, values in made.fill(shapes, salt).items()}
    judge = Discriminator(official["layer0.0.weight"].shape[1], squashed=squashed)
    judge.load_state_dict(our_discriminator_state(official), strict=True)
    return judge


def test_the_constraint_is_the_published_one(train):
    arrays, _ = train
    for name in ("zero", "one_point_moved", "absolute_regular", "random"):
        lattice = torch.from_numpy(arrays[f"const/{name}/lattice"])
        theta = lattice.permute(0, 2, 1).reshape(len(lattice), -1)
        close(second_order(theta, first_alone=True), arrays[f"const/{name}/value"], 1e-5)
        one = second_order(theta[:1])
        close(second_order(torch.cat([theta[:1], theta[:1]])), one, 1e-6)  # as meant, every garment counts


def test_the_published_schedules_are_repeated_and_the_default_ones_fall_to_zero(train):
    arrays, _ = train
    crossed = {"falls": "crosswise"}
    generator = AliasOptimiser(**crossed, exchanged_rate=4e-4)
    judge = AliasDiscriminator(**crossed, exchanged_rate=1e-4)
    cumulative = GmmOptimiser(falls="cumulative")
    recorded = (("alias/lr_G_after_epoch", generator), ("alias/lr_D_after_epoch", judge), ("gmm/lr_per_epoch", cumulative))
    for name, optimiser in recorded:  # recorded behind an epoch: what the next one begins with
        np.testing.assert_allclose([optimiser.rate(epoch + 1, 1) for epoch in range(199)], arrays[name][:199], rtol=1e-4)
    for meant in (AliasOptimiser(), AliasDiscriminator(), GmmOptimiser()):
        rates = [meant.rate(epoch, 1) for epoch in range(201)]
        assert rates[0] == rates[50] == meant.learning_rate and rates[200] == 0 and rates == sorted(rates, reverse=True)


@pytest.fixture(scope="module")
def painting(made, train, viton_hd_keys):
    """The recorded batch and what makes a module for it."""
    arrays, config = train
    salt = config["salt"]
    drawn = Drawn(made, salt + "a", config["alias_S"], config["alias_B"])
    side = drawn.side
    warped_mask = torch.zeros(drawn.count, 1, side, side)
    warped_mask[..., : side // 2, side // 4 :] = 1
    guide = inference.guide_of(SEED, drawn.classes, inference.misaligned(SEED, drawn.classes, warped_mask))
    np.testing.assert_array_equal(guide.groups.sum(dim=(2, 3)), arrays["alias/parse_sum"])
    person = drawn.person
    batch = AliasBatch(
        shown=torch.cat([person.agnostic, person.pose, drawn.picture("warped_cloth")], dim=1),
        groups=guide.groups,
        divided=guide.divided,
        misaligned=guide.misaligned,
        image=drawn.picture("img"),
        seeds=(0,),
    )
    shapes = dict(zip([f"features.{place}" for place in VGG_PLACES], VGG_WIDTHS, strict=True))
    state, before = {}, 3
    for name, width in shapes.items():
        state[f"{name}.weight"] = torch.from_numpy(made.weight(salt + "/vgg", f"{name}.weight", (width, before, 3, 3)))
        state[f"{name}.bias"] = torch.from_numpy(made.weight(salt + "/vgg", f"{name}.bias", (width,)))
        before = width
    weights, _ = vgg_weights(state)
    vgg = build_distance(weights, FIRST_OF_LEVEL, caffe=False)

    def module(**settings) -> AliasLoss:
        shapes = config["alias_key_shapes"]
        official = {key: torch.from_numpy(values) for key, values in made.fill(shapes, salt + "/alias").items()}
        network = with_spectral_norms(Generator(replace(SEED, generator_width=config["ngf"])))
        network.load_state_dict({our_name("alias", key): tensor for key, tensor in official.items()}, strict=True)
        faults = settings.get("published_faults", False)
        judge = discriminator_of(made, salt + "/alias_d", viton_hd_keys["seed_alias_discriminator"], squashed=faults)
        return AliasLoss(network, judge, AliasTraining(variant="gs", **settings), vgg)

    return batch, module


def stepped(module, batch, rates, betas) -> dict[str, torch.Tensor]:
    """What a module says behind one step of Adam: on the network, then on its discriminator."""
    turns = [("", module.network.parameters(), rates[0], betas[0])]
    if len(rates) > 1:
        turns.append((DISCRIMINATOR, module.discriminator.parameters(), rates[1], betas[1]))
    for turn, weights, rate, beta in turns:
        optimiser = torch.optim.Adam(weights, rate, beta)
        (module(batch, turn) if turn else module(batch))["loss"].backward()
        optimiser.step()
    return module(batch)


def test_the_warps_parts_are_the_published_ones_at_the_recorded_offsets(made, train):
    """Pictures, grid and both parts of the loss."""
    arrays, config = train
    drawn = Drawn(made, config["salt"], 512, config["gmm_B"])
    garment, place = drawn.garment, (drawn.classes == 3)[:, None].float()
    theta = torch.from_numpy(arrays["gmm/theta"]).permute(0, 2, 1).reshape(len(place), -1)
    cloth, worn = warped(garment.cloth * garment.mask, grid_of(theta, SEED.size)), drawn.picture("img") * place
    np.testing.assert_allclose(cloth[..., ::16, ::16], arrays["gmm/warped_c_s16"], atol=1e-3)
    np.testing.assert_allclose(worn[..., ::16, ::16], arrays["gmm/im_c_s16"], atol=1e-5)
    close((cloth - worn).abs().mean(), arrays["gmm/loss_L1"], LOSS)
    close(0.04 * second_order(theta, first_alone=True), arrays["gmm/loss_const_weighted"], LOSS)


def warp_loss(made, config, shapes) -> tuple[GmmLoss, GmmBatch]:
    """The whole warp network with recorded weights, and its recorded batch."""
    drawn = Drawn(made, config["salt"], 512, config["gmm_B"])
    person, garment = drawn.person, drawn.garment
    place = inference.worn_place(SEED, drawn.classes)
    network = Warper(SEED)
    official = {key: torch.from_numpy(values) for key, values in made.fill(shapes, config["salt"] + "/gmm").items()}
    network.load_state_dict({our_name("gmm", key): each for key, each in official.items()}, strict=True)
    batch = GmmBatch(
        person=inference.shown_to_warp(SHOWN, person, place),
        garment=inference.warp_garment(SHOWN, garment),
        cloth=garment.cloth * garment.mask,
        worn=drawn.picture("img") * place,
    )
    return GmmLoss(network, GmmTraining(variant="gs", published_faults=True)), batch


@pytest.mark.proof
def test_the_warp_network_as_published(made, train, viton_hd_keys):
    """From pictures to losses, gradients, and the losses behind a step; about fifteen seconds."""
    arrays, config = train
    warp, batch = warp_loss(made, config, viton_hd_keys["seed_gmm"])
    parts = warp(batch)
    close(parts["cloth"], arrays["gmm/loss_L1"], LOSS)
    close(parts["constraint"], arrays["gmm/loss_const_weighted"], LOSS)
    close(norm_of(parts["cloth"], warp.network), arrays["gmm/grad_from_L1"], GRADIENT)
    close(norm_of(parts["constraint"], warp.network), arrays["gmm/grad_from_const"], GRADIENT)
    ((rate, betas),) = config["gmm_optimiser"]
    after = stepped(warp, batch, (rate,), (betas,))
    print({name: (float(value), arrays.get(f"gmm/after_step_{name}")) for name, value in after.items()})  # noqa: T201
    close(after["cloth"], arrays["gmm/after_step_L1"], AFTER_STEP)
    close(after["constraint"], arrays["gmm/after_step_const"], AFTER_STEP)


def seg_loss(made, config, shapes, judged, salt: str, *, faults: bool) -> tuple[SegLoss, SegBatch]:
    """The whole segmentation with recorded weights, and its recorded batch."""
    drawn = Drawn(made, config["salt"], 512, config["seg_B"])
    official = {key: torch.from_numpy(values) for key, values in made.fill(shapes, config["salt"] + "/seg").items()}
    network = Segmenter(SEED)
    network.load_state_dict({our_name("seg", key): each for key, each in official.items()}, strict=True)
    judge = discriminator_of(made, config["salt"] + salt, judged, squashed=faults)
    shown = inference.seg_inputs(SEED, drawn.person, drawn.garment, torch.empty(drawn.count, 1, *SEED.small))
    real = inference.bilinear(planes_of(drawn.classes), SEED.small)
    batch = SegBatch(shown=shown, classes=drawn.classes[:, ::2, ::2], real=real)
    return SegLoss(network, judge, SegTraining(variant="gs", published_faults=faults, classes=1)), batch


@pytest.mark.proof
def test_the_segmentation_as_published(made, train, viton_hd_keys):
    arrays, config = train
    judged = viton_hd_keys["seed_seg_discriminator"]
    seg, batch = seg_loss(made, config, viton_hd_keys["seed_seg"], judged, "/seg_d", faults=True)
    parts = seg(batch)
    print({name: float(value) for name, value in parts.items()})  # noqa: T201
    close(parts["adversarial"], arrays["seg/loss_GAN"], LOSS)
    close(parts["classes"], arrays["seg/loss_CE"], LOSS)
    assert norm_of(parts["adversarial"], seg.network) == arrays["seg/grad_G_from_GAN"] == -1
    close(norm_of(parts["classes"], seg.network), arrays["seg/grad_G_from_CE"], GRADIENT)
    told = seg(batch, DISCRIMINATOR)
    close(told["made"], arrays["seg/loss_D_fake"], LOSS)
    close(told["real"], losses.REAL_SHARE * arrays["seg/loss_D_real"], LOSS)
    close(norm_of(told["loss"], seg.discriminator), arrays["seg/grad_D"], GRADIENT)
    (rate, betas), (rate_d, betas_d) = config["seg_optimisers"]
    after = stepped(seg, batch, (rate, rate_d), (betas, betas_d))
    print({name: float(value) for name, value in after.items()})  # noqa: T201
    close(after["classes"], arrays["seg/after_step_CE"], AFTER_STEP)
    close(after["adversarial"], arrays["seg/after_step_GAN"], AFTER_STEP)


@pytest.mark.proof
def test_the_segmentation_as_meant(made, train, viton_hd_keys):
    arrays, config = train
    recorded = {name.removeprefix("seg_intended/"): value for name, value in arrays.items() if "seg_intended" in name}
    judged = viton_hd_keys["intended_seg_discriminator"]
    seg, batch = seg_loss(made, config, viton_hd_keys["seed_seg"], judged, "/seg_d32", faults=False)
    parts = seg(batch)
    close(parts["adversarial"], recorded["loss_GAN"], LOSS)
    close(parts["classes"], recorded["loss_CE_on_logits"], LOSS)
    close(norm_of(parts["adversarial"], seg.network), recorded["grad_G_from_GAN"], GRADIENT)
    close(norm_of(parts["classes"], seg.network), recorded["grad_G_from_CE_on_logits"], GRADIENT)
    told = seg(batch, DISCRIMINATOR)
    close(told["made"], recorded["loss_D_fake"], LOSS)
    close(told["real"], losses.REAL_SHARE * recorded["loss_D_real"], LOSS)
    close(norm_of(told["loss"], seg.discriminator), recorded["grad_D"], GRADIENT)


@pytest.fixture
def noise_calls(train, recorded_noise, monkeypatch):
    """Lets the generator draw the noise of recorded calls, one after the other."""

    def use(*calls: int) -> None:
        order = iter(calls)
        draw = lambda seeds, device: recorded_noise(train[1]["salt"], f"noise/{next(order)}/")  # noqa: E731
        monkeypatch.setattr(modules, "seeded_draw", draw)

    return use


@pytest.mark.slow
def test_the_generator_as_published(train, painting, noise_calls):
    arrays, config = train
    batch, module = painting
    alias = module(published_faults=True)
    noise_calls(0, 0, 2, 10, 10, 10)
    parts = alias(batch)
    close(parts["adversarial"], arrays["alias/loss_GAN"], LOSS)
    close(parts["vgg"], arrays["alias/loss_percept"], LOSS)
    assert norm_of(parts["adversarial"], alias.network) == arrays["alias/grad_G_from_GAN"] == -1
    assert "features" not in parts and arrays["alias/loss_FM"] == 0 and arrays["alias/grad_G_from_FM"] == -1
    close(norm_of(parts["vgg"], alias.network), arrays["alias/grad_G_from_percept"], GRADIENT)
    told = alias(batch, DISCRIMINATOR)
    close(told["made"], arrays["alias/loss_D_fake"], LOSS)
    close(told["real"], arrays["alias/loss_D_real_weighted"], LOSS)
    close(norm_of(told["loss"], alias.discriminator), arrays["alias/grad_D"], GRADIENT)
    with torch.no_grad():
        alias.paint(batch)  # the recording's third pass, which moved the spectral vectors once more
    (rate, betas), (rate_d, betas_d) = config["alias_optimisers"]
    after = stepped(alias, batch, (rate, rate_d), (betas, betas_d))
    close(after["vgg"], arrays["alias/after_step_percept"], AFTER_STEP)
    assert abs(float(after["adversarial"]) - arrays["alias/after_step_GAN"]) < AFTER_STEP


@pytest.mark.slow
def test_the_generator_as_meant(train, painting, noise_calls):
    arrays, _ = train
    batch, module = painting
    alias, recorded = module(), {name.removeprefix("alias_intended/"): value for name, value in arrays.items()}
    noise_calls(0, 1, 2)
    with torch.no_grad():  # the recording's first two passes
        alias.paint(batch), alias.paint(batch)
    made = alias.paint(batch)
    parts = modules.judged(alias.config, alias.discriminator.fixed, batch, made)
    close(parts["adversarial"], recorded["loss_GAN"], LOSS)
    close(parts["features"], recorded["loss_FM"], LOSS)
    close(norm_of(parts["adversarial"], alias.network), recorded["grad_G_from_GAN"], GRADIENT)
    close(norm_of(parts["features"], alias.network), recorded["grad_G_from_FM"], GRADIENT)
    shown, real = (torch.cat([batch.groups, each], dim=1) for each in (made.detach(), batch.image))
    told = modules.told(alias.discriminator, shown, real, "hinge", 0)
    close(told["made"], recorded["loss_D_fake"], LOSS)
    close(told["real"], losses.REAL_SHARE * recorded["loss_D_real"], LOSS)
    close(norm_of(told["made"] + told["real"], alias.discriminator), recorded["grad_D"], GRADIENT)


def test_the_fourth_runs_generator_asks_to_be_recognised(painting):
    """Its flag turns the sign of what the generator learns: pictures that a discriminator recognises cost nothing."""
    scores = [[torch.full((1, 1, 2, 2), -2.0)]]
    assert losses.fooled(scores, "hinge", as_real=False) == 0 and losses.fooled(scores, "hinge") == 2


def test_a_steep_discriminator_costs(painting):
    pictures = torch.randn(2, 3, 4, 4).requires_grad_()
    close(losses.steepness(pictures, [3 * pictures[:, :1]]), 0.5 * 9 / 16, 1e-5)
