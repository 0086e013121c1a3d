"""Which files are this engine's, and official names ↔ ours. Facts: docs/facts/viton_hd.md#files."""

from __future__ import annotations

import re

from tryon.recognise import FileKind

_ENGINES = ("viton_hd",)
_SEED_ENGINES = ("gs_viton",)
_SEG = ("conv1.0.weight", "up6.1.weight", "conv9.6.weight")
_GMM = ("extractionA.model.0.weight", "extractionB.model.0.weight", "regression.linear.weight")
_ALIAS = ("head_0.norm_0.conv_shared.0.weight", "G_middle_0.norm_s.conv_beta.weight", "conv_img.weight")
SEG_INPUT, GMM_INPUT, ALIAS_INPUT = "conv1.0.weight", "regression.conv.0.weight", "head_0.norm_0.conv_shared.0.weight"

KINDS: tuple[FileKind, ...] = (
    FileKind(name="viton_hd_seg", about="VITON-HD's segmentation network", has=_SEG, inputs={SEG_INPUT: 21}, engines=_ENGINES),
    FileKind(
        name="viton_hd_gmm", about="VITON-HD's geometric matching network", has=_GMM, inputs={GMM_INPUT: 192}, engines=_ENGINES
    ),
    FileKind(name="viton_hd_alias", about="VITON-HD's ALIAS generator", has=_ALIAS, inputs={ALIAS_INPUT: 8}, engines=_ENGINES),
    FileKind(
        name="gs_viton_seg", about="GS-VITON's segmentation network", has=_SEG, inputs={SEG_INPUT: 19}, engines=_SEED_ENGINES
    ),
    FileKind(
        name="gs_viton_gmm",
        about="GS-VITON's geometric matching network",
        has=_GMM,
        inputs={GMM_INPUT: 256},
        engines=_SEED_ENGINES,
    ),
    FileKind(
        name="gs_viton_alias", about="GS-VITON's ALIAS generator", has=_ALIAS, inputs={ALIAS_INPUT: 7}, engines=_SEED_ENGINES
    ),
)

_ROLES = {"s": "shortcut", "0": "first", "1": "second"}
_SEG_RULES = (
    (r"^conv([1-5])\.(0|3)\.", lambda m: f"down.{int(m[1]) - 1}.{_double(m[2])}."),
    (r"^up([6-9])\.1\.", lambda m: f"enlarge.{int(m[1]) - 6}."),
    (r"^conv9\.6\.", lambda m: "scores."),
    (r"^conv([6-9])\.(0|3)\.", lambda m: f"up.{int(m[1]) - 6}.{_double(m[2])}."),
)
_GMM_RULES = (
    (r"^extractionA\.model\.", lambda m: "person."),
    (r"^extractionB\.model\.", lambda m: "garment."),
    (r"^regression\.conv\.", lambda m: "regressor.convolutions."),
    (r"^regression\.linear\.", lambda m: "regressor.linear."),
)
_ALIAS_RULES = (
    (r"^conv_([0-7])\.", lambda m: f"inputs.{m[1]}."),
    (r"^conv_img\.", lambda m: "picture."),
    (r"^head_0\.", lambda m: "head."),
    (r"^G_middle_([01])\.", lambda m: f"blocks.{m[1]}."),
    (r"^up_([0-4])\.", lambda m: f"blocks.{int(m[1]) + 2}."),
    (r"\.norm_([s01])\.", lambda m: f".{_ROLES[m[1]]}_norm."),
    (r"\.conv_([s01])\.", lambda m: f".{_ROLES[m[1]]}."),
    (r"\.conv_shared\.0\.", lambda m: ".shared."),
    (r"\.conv_gamma\.", lambda m: ".scale."),
    (r"\.conv_beta\.", lambda m: ".shift."),
)
RULES = {"seg": _SEG_RULES, "gmm": _GMM_RULES, "alias": _ALIAS_RULES}
"""Of each network's file."""


def our_name(network: str, key: str) -> str:
    """Our name of an official key; a key that no rule knows stays as it is and is found to be unexpected.

    Args:
        network: seg, gmm or alias.
        key: the official name.
    """
    for pattern, replacement in RULES[network]:
        key = re.sub(pattern, replacement, key)
    return key


_OFFICIAL_ROLES = {"shortcut": "s", "first": "0", "second": "1"}
_SEG_BACK = (
    (r"^down\.([0-4])\.(first|second)\.", lambda m: f"conv{int(m[1]) + 1}.{_index(m[2])}."),
    (r"^enlarge\.([0-3])\.", lambda m: f"up{int(m[1]) + 6}.1."),
    (r"^up\.([0-3])\.(first|second)\.", lambda m: f"conv{int(m[1]) + 6}.{_index(m[2])}."),
    (r"^scores\.", lambda m: "conv9.6."),
)
_GMM_BACK = (
    (r"^person\.", lambda m: "extractionA.model."),
    (r"^garment\.", lambda m: "extractionB.model."),
    (r"^regressor\.convolutions\.", lambda m: "regression.conv."),
    (r"^regressor\.linear\.", lambda m: "regression.linear."),
)
_ALIAS_BACK = (
    (r"^inputs\.([0-7])\.", lambda m: f"conv_{m[1]}."),
    (r"^picture\.", lambda m: "conv_img."),
    (r"\.(shortcut|first|second)_norm\.", lambda m: f".norm_{_OFFICIAL_ROLES[m[1]]}."),
    (r"\.(shortcut|first|second)\.", lambda m: f".conv_{_OFFICIAL_ROLES[m[1]]}."),
    (r"\.shared\.", lambda m: ".conv_shared.0."),
    (r"\.scale\.", lambda m: ".conv_gamma."),
    (r"\.shift\.", lambda m: ".conv_beta."),
    (r"^head\.", lambda m: "head_0."),
    (r"^blocks\.([01])\.", lambda m: f"G_middle_{m[1]}."),
    (r"^blocks\.([2-6])\.", lambda m: f"up_{int(m[1]) - 2}."),
)
BACK = {"seg": _SEG_BACK, "gmm": _GMM_BACK, "alias": _ALIAS_BACK}
"""From our names to those of each network's file."""


def official_name(network: str, name: str) -> str:
    """The official key of a tensor of ours: what `our_name` came from.

    Args:
        network: seg, gmm or alias.
        name: ours.
    """
    for pattern, replacement in BACK[network]:
        name = re.sub(pattern, replacement, name)
    return name


def _index(double: str) -> str:
    return "0" if double == "first" else "3"


def _double(index: str) -> str:
    return "first" if index == "0" else "second"
