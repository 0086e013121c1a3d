"""All measures of a set of pairs: each number has its convention in its name, its interval, and how many pairs it is of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pipeline.core import images
from pipeline.core.arrays import RGB
from pipeline.core.errors import UsageError
from pipeline.core.masks import Mask
from tryon.evaluation import distances, intervals, similarity
from tryon.evaluation.gathering import EvaluatedPair
from tryon.evaluation.networks import CLIP, DINO, FID_CLEAN, FID_PYTORCH, LPIPS_ROWS, Networks

ASPECT_TOLERANCE = 0.01
LPIPS_128 = (128, 128)


class Setting(StrEnum):
    """Whether the garment of each pair is the one that the person wears in the photo."""

    PAIRED = "paired"
    UNPAIRED = "unpaired"


@dataclass(frozen=True, slots=True)
class Number:
    """One measure: its value, 95 % interval, and the number of pairs or pictures."""

    value: float
    low: float
    high: float
    n: int


@dataclass
class Measured:
    """What was measured of one variant of the results.

    Args:
        per_pair: measure → one value per pair, NaN where it does not apply.
        numbers: measure → its number.
    """

    per_pair: dict[str, list[float]] = field(default_factory=dict)
    numbers: dict[str, Number] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pictures:
    """One pair in pixels, all of the result's size.

    Args:
        result, truth: (h, w, 3) RGB uint8.
        hole: (h, w) bool, True = repainting was allowed; None = not known.
        cloth: the garment's picture in its own size, or None.
        resized: the photo had another size.
    """

    result: RGB
    truth: RGB
    hole: Mask | None
    cloth: RGB | None
    resized: bool

    def repainted(self) -> Pictures:
        """With the photo outside the hole."""
        assert self.hole is not None
        merged = np.where(self.hole[..., None], self.result, self.truth)
        return Pictures(merged, self.truth, self.hole, self.cloth, self.resized)


def read_pictures(pair: EvaluatedPair) -> Pictures:
    """Decode a pair; the photo is brought to the result's size by Lanczos in memory, never written again.

    Raises:
        UsageError: the two have other shapes.
    """
    result, truth = (images.read_photo(path, min_side=1).rgb for path in (pair.result, pair.truth))
    size = (result.shape[0], result.shape[1])
    if abs(size[0] / size[1] * truth.shape[1] / truth.shape[0] - 1) > ASPECT_TOLERANCE:
        told = f"{pair.result} is {size[0]}×{size[1]}, {pair.truth} is {truth.shape[0]}×{truth.shape[1]} (height × width)"
        raise UsageError(f"evaluate: {told}: another shape", "hold results against the canvases they were made from")
    resized = truth.shape[:2] != size
    if resized:
        truth = np.asarray(Image.fromarray(truth).resize(size[::-1], Image.Resampling.LANCZOS), np.uint8)
    hole = None
    if pair.mask is not None:
        mask = Image.fromarray(images.read_mask(pair.mask).astype(np.uint8))
        hole = np.asarray(mask.resize(size[::-1], Image.Resampling.NEAREST)) > 0
    cloth = images.read_photo(pair.cloth, min_side=1).rgb if pair.cloth is not None else None
    return Pictures(result, truth, hole, cloth, resized)


def pair_values(shown: Pictures, setting: Setting, networks: Networks) -> dict[str, float]:
    """The measures of one pair; in the unpaired setting only those that need no true result."""
    values: dict[str, float] = {}
    if shown.hole is not None:
        apart = np.abs(shown.result.astype(np.int16) - shown.truth)[~shown.hole]
        values["psnr_outside_mask"] = similarity.psnr(shown.result, shown.truth, ~shown.hole)
        values["max_difference_outside_mask"] = float(apart.max()) if apart.size else float("nan")
        values["changed_share_outside_mask"] = float((apart.max(-1) > 0).mean()) if apart.size else float("nan")
    if setting is Setting.PAIRED:
        values |= _paired_values(shown, networks)
    if shown.cloth is not None:
        for name, embed in (("clip_i_vit_l14", networks.clip()), ("dino_v2_vit_b14", networks.dino())):
            if embed is not None:
                values[name] = float(embed(_garment_crop(shown)) @ embed(shown.cloth))
    return values


def _paired_values(shown: Pictures, networks: Networks) -> dict[str, float]:
    a, b = shown.result, shown.truth
    values = {"ssim_rgb_full": similarity.ssim_rgb_full(a, b), "ssim_rgb_valid": similarity.ssim_rgb_valid(a, b)}
    values |= {"ssim_grey": similarity.ssim_grey(a, b), "psnr_all": similarity.psnr(a, b)}
    if shown.hole is not None:
        values["delta_e_mean_colour_mask"] = similarity.delta_e_mean_colour(a, b, shown.hole)
        values["delta_e_pixels_mask"] = similarity.delta_e_pixels(a, b, shown.hole)
    for net in LPIPS_ROWS:
        distance = networks.lpips(net)
        if distance is not None:
            values[f"lpips_{net}_full"] = distance(a, b)
            if net == "alex":
                values["lpips_alex_128"] = distance(_small(a), _small(b))
    return values


def _small(picture: RGB) -> RGB:
    return np.asarray(Image.fromarray(picture).resize(LPIPS_128, Image.Resampling.BILINEAR), np.uint8)


def _garment_crop(shown: Pictures) -> RGB:
    """The box round the hole, or the whole result."""
    if shown.hole is None or not shown.hole.any():
        return shown.result
    rows, columns = np.flatnonzero(shown.hole.any(1)), np.flatnonzero(shown.hole.any(0))
    return shown.result[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


@dataclass
class SetFeatures:
    """Features of both sets, gathered picture by picture: by name of the network's entrance."""

    results: dict[str, list[NDArray[np.float32]]] = field(default_factory=dict)
    truths: dict[str, list[NDArray[np.float32]]] = field(default_factory=dict)

    def add(self, result: RGB, truth: RGB | None, networks: Networks) -> None:
        """One result, and its photo where that was not added before."""
        for picture, into in ((result, self.results), (truth, self.truths)):
            if picture is None:
                continue
            if clean := networks.fid_clean():
                into.setdefault("clean", []).append(clean(picture))
            if both := networks.fid_pytorch():
                pooled, scores = both(picture)
                into.setdefault("pytorch", []).append(pooled)
                into.setdefault("scores", []).append(scores)


def measure(
    pairs: Sequence[EvaluatedPair], setting: Setting, networks: Networks, say: Callable[[int], None] = lambda done: None
) -> tuple[dict[str, Measured], dict[str, int]]:
    """Measure every pair, as it is and with the photo outside the mask where masks are known.

    Args:
        pairs: what to measure.
        setting: paired or unpaired.
        networks: those that are here.
        say: called with the number of pairs done.

    Returns:
        Variant (`raw`, `repainted`) → what was measured; and facts: how many photos were resized, the size in pixels.
    """
    variants = {"raw": SetFeatures()}
    if all(pair.mask is not None for pair in pairs):
        variants["repainted"] = SetFeatures()
    values: dict[str, list[dict[str, float]]] = {name: [] for name in variants}
    seen: set[str] = set()
    sizes: set[tuple[int, ...]] = set()
    resized = 0
    for done, pair in enumerate(pairs, 1):
        shown = read_pictures(pair)
        resized, sizes = resized + shown.resized, sizes | {shown.result.shape[:2]}
        for name, features in variants.items():
            own = shown if name == "raw" else shown.repainted()
            values[name].append(pair_values(own, setting, networks))
            features.add(own.result, own.truth if pair.person not in seen else None, networks)
        seen.add(pair.person)
        say(done)
    people = [pair.person for pair in pairs]
    measured = {name: _numbers(values[name], people, features) for name, features in variants.items()}
    height, width = max(sizes)
    return measured, {"resized": resized, "sizes": len(sizes), "height": height, "width": width}


def _numbers(values: Sequence[dict[str, float]], people: Sequence[str], features: SetFeatures) -> Measured:
    found = Measured()
    for name in dict.fromkeys(key for each in values for key in each):
        column = np.array([each.get(name, float("nan")) for each in values])
        found.per_pair[name] = column.tolist()
        finite = column[np.isfinite(column)]
        low, high = intervals.bootstrap_over_people(column, people)
        infinite = bool(np.isinf(column).any()) and not len(finite)
        value = float("inf") if infinite else float(finite.mean()) if len(finite) else float("nan")
        found.numbers[name] = Number(value, low, high, len(finite))
    for entrance in ("clean", "pytorch"):
        if entrance in features.results:
            found.numbers |= _set_numbers(entrance, features)
    if "scores" in features.results:
        scores = np.stack(features.results["scores"])
        nothing = float("nan")
        found.numbers["is_fid_inception_1_split"] = Number(distances.inception_score(scores), nothing, nothing, len(scores))
        if len(scores) >= 100:
            ten = distances.inception_score(scores, splits=10)
            found.numbers["is_fid_inception_10_splits"] = Number(ten, nothing, nothing, len(scores))
    return found


def _set_numbers(entrance: str, features: SetFeatures) -> dict[str, Number]:
    x, y = (np.stack(each[entrance]).astype(np.float64) for each in (features.results, features.truths))
    numbers = {}
    if min(len(x), len(y)) >= 4:
        value = distances.kid(x, y)
        low, high = intervals.half_sample_interval(distances.kid, x, y, value)
        scale = distances.KID_SCALE
        numbers[f"kid_x1000_{entrance}"] = Number(scale * value, scale * low, scale * high, len(x))
    if min(len(x), len(y)) >= distances.LEAST_FOR_FID:
        value = distances.fid(x, y)
        low, high = intervals.half_sample_interval(distances.fid, x, y, value, halves=10)
        numbers[f"fid_{entrance}"] = Number(value, low, high, len(x))
    return numbers


WANTED: dict[str, str] = {
    **{f"lpips_{net}_full": row for net, (row, *_) in LPIPS_ROWS.items()},
    "lpips_alex_128": LPIPS_ROWS["alex"][0],
    "fid_clean": FID_CLEAN,
    "kid_x1000_clean": FID_CLEAN,
    "fid_pytorch": FID_PYTORCH,
    "kid_x1000_pytorch": FID_PYTORCH,
    "is_fid_inception_1_split": FID_PYTORCH,
    "clip_i_vit_l14": CLIP,
    "dino_v2_vit_b14": DINO,
}
"""Measures that need a network, and its row of the weights table."""


def not_computed(found: Measured, setting: Setting, networks: Networks, has_cloth: bool) -> dict[str, str]:
    """Measures that are missing, each with the reason."""
    reasons: dict[str, str] = {}
    for name, row in WANTED.items():
        if name in found.numbers or (setting is Setting.UNPAIRED and name.startswith("lpips")):
            continue
        if row in networks.lacking:
            reasons[name] = f"weights are missing: {networks.lacking[row]}"
        elif name.startswith("fid"):
            reasons[name] = f"fewer than {distances.LEAST_FOR_FID} pictures: it would say more about their number"
        elif name.startswith(("clip", "dino")):
            reasons[name] = "no garment pictures were given (--cloth DIR)" if not has_cloth else "no garment picture fits"
        else:
            reasons[name] = "too few pictures"
    return reasons
