"""What exists, by name: steps, backends, engines, settings. Strings only, so that `--help` loads nothing heavy.

Adding an engine = a folder below `tryon/engines/` and one row of `ENGINES`.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.core.errors import UsageError, nearest

Target = str
"""`module:Class`."""

AUTO = "auto"
"""Wherever a backend or an engine is named: the first of the catalogue that can run here."""


@dataclass(frozen=True)
class StageEntry:
    """One class of a step: most steps are one class; a step whose artefacts can be edited separately is several.

    Args:
        target: the step class.
        section: its section of the settings.
        config: its settings model.
        backend: the kind of backend it is handed, or "" for none.
        megabytes: what one item adds to the outputs, for the estimate before a run.
        switch: the field of `Context` that turns it on; "" = always on.
        of_engines: the stage of an engine that it runs (`EngineEntry.stages`), for the pairs whose engine has it; "" = any pair.
    """

    target: Target
    section: str
    config: Target
    backend: str = ""
    megabytes: float = 0.5
    of_engines: str = ""
    switch: str = ""


@dataclass(frozen=True)
class EngineEntry:
    """One try-on engine.

    Args:
        engine: its class.
        config: its settings model; the engine's name is the section.
        files: the kinds of model files that it reads, or "" when it has none; see `tryon.recognise`.
        stages: what makes artefacts of the pair before its picture, by the name in `STEPS`; see `pipeline.core.pair_stage`.
    """

    engine: Target
    config: Target
    files: Target = ""
    stages: Mapping[str, Target] = field(default_factory=dict)


HAND_REPAIR = StageEntry(
    "tryon.hands.repair_step:HandRepairStep", "repair", "tryon.hands.config:RepairConfig", megabytes=1.0, switch="repair_hands"
)
"""Draws badly drawn hands once more; its model files are those of `HAND_REPAIR_CARD`."""
HAND_REPAIR_CARD: Target = "tryon.hands.config:card_of"

STEPS: dict[str, tuple[StageEntry, ...]] = {
    "background": (
        StageEntry(
            "preprocess.background.step:BackgroundStep", "background", "preprocess.background.step:BackgroundConfig", "background"
        ),
    ),
    "pose": (StageEntry("preprocess.pose.step:PoseStep", "pose", "preprocess.pose.step:PoseConfig", "pose"),),
    "densepose": (
        StageEntry(
            "preprocess.densepose.step:DenseposeStep", "densepose", "preprocess.densepose.step:DenseposeConfig", "densepose"
        ),
    ),
    "parsing": (
        StageEntry("preprocess.parsing.step:ParsingStep", "parsing", "preprocess.parsing.step:ParsingConfig", "parsing"),
        StageEntry("preprocess.agnostic.step:AgnosticStep", "agnostic", "preprocess.agnostic.step:AgnosticConfig"),
        StageEntry("preprocess.agnostic.picture:AgnosticPictureStep", "agnostic", "preprocess.agnostic.step:AgnosticConfig"),
    ),
    "cloth": (StageEntry("preprocess.cloth.step:ClothStep", "cloth", "preprocess.cloth.step:ClothConfig", "cloth"),),
    "tryon": (
        StageEntry(
            "tryon.pair_step:SegmentationStep", "tryon", "tryon.step:TryOnConfig", "engine", 0.1, of_engines="segmentation"
        ),
        StageEntry("tryon.pair_step:WarpStep", "tryon", "tryon.step:TryOnConfig", "engine", 1.0, of_engines="warp"),
        StageEntry(
            "tryon.pair_step:MisalignmentStep", "tryon", "tryon.step:TryOnConfig", "engine", 0.1, of_engines="misalignment"
        ),
        StageEntry("tryon.step:TryOnStep", "tryon", "tryon.step:TryOnConfig", "engine"),
        HAND_REPAIR,
    ),
    "compose": (
        StageEntry("compose.restore_step:RestoreStep", "restore", "compose.restore_step:RestoreConfig", "background"),
        StageEntry("compose.compose_step:ComposeStep", "compose", "compose.compose_step:ComposeConfig"),
    ),
}
"""The seven steps in their order; a step's number is its place, from 1."""

OUTFIT = StageEntry(
    "compose.outfit_step:OutfitStep", "restore", "compose.restore_step:RestoreConfig", "background", megabytes=3.0
)
"""Makes a person of what the first pass of an outfit gave; part of the step `tryon`."""

BACKENDS: dict[str, dict[str, Target]] = {
    "background": {
        "birefnet-portrait": "preprocess.background.rembg:BirefnetPortrait",
        "birefnet-general": "preprocess.background.rembg:BirefnetGeneral",
        "birefnet-general-lite": "preprocess.background.rembg:BirefnetGeneralLite",
        "isnet-general-use": "preprocess.background.rembg:IsnetGeneralUse",
        "u2net-human-seg": "preprocess.background.rembg:U2netHumanSeg",
        "u2net": "preprocess.background.rembg:U2net",
        "silueta": "preprocess.background.rembg:Silueta",
        "condinst": "preprocess.background.adelaidet:CondInst",
        "condinst-detectron2": "preprocess.background.adelaidet:CondInstDetectron",
        "blendmask": "preprocess.background.adelaidet:BlendMask",
        "blendmask-detectron2": "preprocess.background.adelaidet:BlendMaskDetectron",
        "embedded": "preprocess.background.embedded:EmbeddedMatte",
    },
    "pose": {
        "dwpose": "preprocess.pose.dwpose:DWPose",
        "openpose": "preprocess.pose.openpose:OpenPose",
        "embedded": "preprocess.pose.embedded:MediapipePose",
    },
    "densepose": {
        "detectron2": "preprocess.densepose.detectron2:DenseposeDetectron2",
        "torchscript": "preprocess.densepose.torchscript:DenseposeScript",
        "embedded": "preprocess.densepose.embedded:LandmarkBody",
    },
    "parsing": {
        "segformer": "preprocess.parsing.segformer:SegformerClothes",
        "schp": "preprocess.parsing.schp:Schp",
        "fashn": "preprocess.parsing.fashn:FashnParser",
        "pgn": "preprocess.parsing.pgn:Pgn",
        "embedded": "preprocess.parsing.embedded.parser:ColourParser",
    },
    "cloth": {
        "birefnet-general": "preprocess.cloth.rembg:BirefnetGeneral",
        "birefnet-general-lite": "preprocess.cloth.rembg:BirefnetGeneralLite",
        "isnet-general-use": "preprocess.cloth.rembg:IsnetGeneralUse",
        "u2net": "preprocess.cloth.rembg:U2net",
        "u2net-cloth-seg": "preprocess.cloth.rembg:ClothSeg",
        "embedded": "preprocess.cloth.embedded:PlainBackground",
    },
}
"""Per kind, in the order in which `auto` prefers them: real models first, embedded last."""

QUICK_CATEGORY: Target = "preprocess.cloth.quick_category:quick_category"
"""What guesses the category of a garment picture whose folder does not say."""

ENGINES: dict[str, EngineEntry] = {
    "fashn": EngineEntry(
        "tryon.engines.fashn.engine:FashnVtonEngine",
        "tryon.engines.fashn.config:FashnConfig",
        "tryon.engines.fashn.keys:KINDS",
    ),
    "stableviton": EngineEntry(
        "tryon.engines.stableviton.engine:StableVITON",
        "tryon.engines.stableviton.config:StableVITONConfig",
        "tryon.engines.stableviton.keys:KINDS",
    ),
    "stableviton_1024": EngineEntry(
        "tryon.engines.stableviton.engine:StableVITON1024",
        "tryon.engines.stableviton.config:StableVITONConfig",
        "tryon.engines.stableviton.keys:KINDS",
    ),
    "sift_vton": EngineEntry(
        "tryon.engines.stableviton.engine:SiftVTON",
        "tryon.engines.stableviton.config:StableVITONConfig",
        "tryon.engines.stableviton.keys:KINDS",
    ),
    "ootdiffusion_hd": EngineEntry(
        "tryon.engines.ootdiffusion.engine:OotdHalfBody",
        "tryon.engines.ootdiffusion.config:OotdConfig",
        "tryon.engines.ootdiffusion.keys:KINDS",
    ),
    "ootdiffusion_dc": EngineEntry(
        "tryon.engines.ootdiffusion.engine:OotdFullBody",
        "tryon.engines.ootdiffusion.config:OotdConfig",
        "tryon.engines.ootdiffusion.keys:KINDS",
    ),
    "dci_vton": EngineEntry(
        "tryon.engines.dci_vton.engine:DciVtonEngine",
        "tryon.engines.dci_vton.config:DciVtonConfig",
        "tryon.engines.dci_vton.keys:KINDS",
        {"warp": "tryon.engines.dci_vton.warp_stage:WarpStage"},
    ),
    "dci_vton_v2": EngineEntry(
        "tryon.engines.dci_vton.engine:DciVtonV2Engine",
        "tryon.engines.dci_vton.config:DciVtonConfig",
        "tryon.engines.dci_vton.keys:KINDS",
        {"warp": "tryon.engines.dci_vton.warp_stage:WarpStage"},
    ),
    "viton_hd": EngineEntry(
        "tryon.engines.viton_hd.engine:VitonHdEngine",
        "tryon.engines.viton_hd.config:VitonHdConfig",
        "tryon.engines.viton_hd.keys:KINDS",
        {
            "segmentation": "tryon.engines.viton_hd.stages:SegmentationStage",
            "warp": "tryon.engines.viton_hd.stages:PlacingStage",
            "misalignment": "tryon.engines.viton_hd.stages:MisalignmentStage",
        },
    ),
    "gs_viton": EngineEntry(
        "tryon.engines.viton_hd.engine:GsVitonEngine",
        "tryon.engines.viton_hd.config:GsVitonConfig",
        "tryon.engines.viton_hd.keys:KINDS",
        {
            "segmentation": "tryon.engines.viton_hd.gs_stages:GsSegmentationStage",
            "warp": "tryon.engines.viton_hd.gs_stages:GsPlacingStage",
            "misalignment": "tryon.engines.viton_hd.gs_stages:GsMisalignmentStage",
        },
    ),
    "preview": EngineEntry("tryon.engines.preview.engine:PreviewEngine", "tryon.engines.preview.config:PreviewConfig"),
}
"""In the order in which `auto` prefers them."""

TRAINERS: dict[str, Target] = {
    "dci-warp": "tryon.engines.dci_vton.training.warp_recipe:RECIPE",
    "dci-vton": "tryon.engines.dci_vton.training.vton_recipe:RECIPE",
    "stableviton": "tryon.engines.stableviton.training.recipe:RECIPE",
    "ootdiffusion": "tryon.engines.ootdiffusion.training.recipe:RECIPE",
    "vae-decoder": "tryon.engines.stableviton.training.vae_decoder:RECIPE",
    "viton-hd-seg": "tryon.engines.viton_hd.training.recipe:SEG",
    "viton-hd-gmm": "tryon.engines.viton_hd.training.recipe:GMM",
    "viton-hd-alias": "tryon.engines.viton_hd.training.recipe:ALIAS",
    "hand-lora": "tryon.hands.training.recipe:RECIPE",
}
"""What `train NAME` trains: a `Recipe` of `tryon/training/protocol.py` each."""

TRAINED_FILES: dict[str, str] = {"dci-warp": "dci-vton-warp"}
"""Training → row of the weights table, where engines read the published file as it is; of the others they read a folder."""

TRAINING: dict[str, Target] = {
    "options": "tryon.training.session:Options",
    "start": "tryon.training.session:start",
    "settings": "tryon.training.session:settings_of",
    "decided": "tryon.training.session:decided_by",
    "table": "tryon.training.logs.run_logs:read_table",
    "identify": "pipeline.engine_of_file:about_file",
    "list": "tryon.training.logs.runs:list_runs",
    "stop": "tryon.training.logs.runs:stop",
    "report": "tryon.training.logs.runs:report",
    "export": "tryon.training.logs.runs:export",
    "find": "tryon.training.logs.runs:find_run",
    "wanted": "tryon.training.logs.runs:Wanted",
    "prepare": "tryon.training.data.worn_garment:prepare",
    "warp": "tryon.engines.dci_vton.training.warp_tree:warp_tree",
    "place": "tryon.engines.viton_hd.training.placed_tree:place_tree",
    "widen": "tryon.engines.stableviton.training.prepare:write_start",
}
"""The training room's own commands."""


EVALUATION: Target = "tryon.evaluation.command:evaluate_folders"
COMPARISON: Target = "tryon.evaluation.comparison:compare"
"""What `evaluate` and `evaluate compare` call."""

HANDS: dict[str, Target] = {
    "report": "tryon.evaluation.hands:report_hands",
    "wanted": "tryon.hands.dataset:Wanted",
    "dataset": "tryon.hands.dataset:make_dataset",
    "masks": "tryon.hands.dataset:make_masks",
}
"""What the commands `hands …` call."""

ANATOMIES: dict[str, Target] = {
    "stableviton": "tryon.engines.stableviton.study:ANATOMY",
    "stableviton_1024": "tryon.engines.stableviton.study:ANATOMY_1024",
    "sift_vton": "tryon.engines.stableviton.study:ANATOMY_SIFT",
    "fashn": "tryon.engines.fashn.study:ANATOMY",
    "ootdiffusion_hd": "tryon.engines.ootdiffusion.study:ANATOMY_HD",
    "ootdiffusion_dc": "tryon.engines.ootdiffusion.study:ANATOMY_DC",
    "dci_vton": "tryon.engines.dci_vton.study:ANATOMY",
    "dci_vton_v2": "tryon.engines.dci_vton.study:ANATOMY_V2",
    "viton_hd": "tryon.engines.viton_hd.study:ANATOMY",
    "gs_viton": "tryon.engines.viton_hd.study:ANATOMY_GS",
}
"""What `study NAME` takes apart: an `Anatomy` of `tryon/study/protocol.py` each. An engine that is not here has no network."""

STUDY: Target = "tryon.study.command:study_engine"
"""What `study` calls."""


def resolve(target: Target) -> Any:
    """Import what a target names."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def backend_settings(words: Iterable[str]) -> tuple[str, ...]:
    """`--backend STEP=NAME` as settings: `pose=dwpose` → `backends.pose=dwpose`.

    Raises:
        UsageError: a word of another form, a step without backends, or a name it does not have; the remedy lists all of them.
    """
    return tuple(_backend_setting(word) for word in words)


def _backend_setting(word: str) -> str:
    step, equals, name = (part.strip() for part in word.partition("="))
    if not equals:
        raise UsageError(f"--backend {word}: the form is --backend STEP=NAME", _backends_known())
    if step not in BACKENDS:
        raise UsageError(f"--backend {word}: no step {step!r} with backends (--backend STEP=NAME)", _backends_known())
    if name not in {AUTO, *BACKENDS[step]}:
        raise UsageError(f"--backend {word}: {step} has no backend {name!r} (--backend STEP=NAME)", _backends_known(step))
    return f"backends.{step}={name}"


def _backends_known(step: str = "") -> str:
    """What may be written, a line per step."""
    lines = [f"{kind}={'|'.join((AUTO, *names))}" for kind, names in BACKENDS.items() if step in {"", kind}]
    return "--backend with one of:\n    " + "\n    ".join(lines)


def step_names(spec: str) -> list[str]:
    """`all`, `tryon`, `densepose,parsing`, `3`, `step3` → step names in running order, each once.

    Raises:
        UsageError: an unknown name or number.
    """
    order = list(STEPS)
    if spec.strip().lower() == "all":
        return order
    wanted = {_step_name(word.strip().lower()) for word in spec.split(",") if word.strip()}
    if not wanted:
        raise UsageError("--step names no step", f"known: all, {', '.join(order)}")
    return [name for name in order if name in wanted]


def _step_name(word: str) -> str:
    order = list(STEPS)
    if word in STEPS:
        return word
    digits = word.removeprefix("step").strip()
    if digits.isdigit():
        if 1 <= int(digits) <= len(order):
            return order[int(digits) - 1]
        numbered = ", ".join(f"{number} {name}" for number, name in enumerate(order, 1))
        raise UsageError(f"there is no step {digits}", f"known: {numbered}")
    raise UsageError(f"unknown step {word!r}", nearest(word, [*order, "all"]))


def step_range(first: str | None, last: str | None) -> list[str]:
    """The steps from one to another, both included; None = from the first, to the last."""
    order = list(STEPS)
    start = order.index(_step_name(first.lower())) if first else 0
    stop = order.index(_step_name(last.lower())) if last else len(order) - 1
    if start > stop:
        raise UsageError(f"--from {first} comes after --until {last}", f"the order is: {' '.join(order)}")
    return order[start : stop + 1]
