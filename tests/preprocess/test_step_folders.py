"""One folder per step: `step.py`, `embedded`, a file per real backend; heavy libraries stay inside the files of real models."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from pipeline.catalog import BACKENDS, resolve
from pipeline.core.step import StepBase

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "preprocess").rglob("*.py"))
STEPS = ("background", "pose", "densepose", "parsing", "agnostic", "cloth")
HEAVY = {
    *("torch", "torchvision", "transformers", "timm", "safetensors", "einops", "diffusers"),
    *("onnxruntime", "rembg", "mediapipe", "controlnet_aux", "detectron2", "densepose"),
}
BACKEND_MODULES = {target.partition(":")[0] for targets in BACKENDS.values() for target in targets.values()}
CHOICES = [(step, name, target) for step, targets in BACKENDS.items() for name, target in targets.items()]


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def opens_models(path: Path) -> bool:
    """Whether a file is that of a backend, or shows several backends how to open a network."""
    return module_name(path) in BACKEND_MODULES or "networks" in path.relative_to(ROOT).parts


def imported(tree: ast.AST, *, within_functions: bool) -> set[str]:
    """The first name of every absolute import; those within functions run only when the function is called."""
    found: set[str] = set()
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
        if within_functions or not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            waiting += ast.iter_child_nodes(node)
    return found


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_importing_a_module_of_preprocess_loads_no_heavy_library(path: Path):
    assert imported(ast.parse(path.read_text("utf-8")), within_functions=False).isdisjoint(HEAVY)


@pytest.mark.parametrize("path", [path for path in MODULES if not opens_models(path)], ids=module_name)
def test_only_backends_of_the_catalogue_and_networks_use_a_heavy_library(path: Path):
    assert imported(ast.parse(path.read_text("utf-8")), within_functions=True).isdisjoint(HEAVY)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import torch", {"torch"}),
        ("try:\n    from torch.nn import Module\nexcept ImportError:\n    import timm", {"torch", "timm"}),
        ("class A:\n    import torch", {"torch"}),
        ("def f():\n    import torch", set()),
        ("class A:\n    def f(self):\n        if self:\n            import torch", set()),
    ],
)
def test_the_check_sees_what_runs_on_import_and_nothing_else(source: str, found: set[str]):
    assert imported(ast.parse(source), within_functions=False) == found


@pytest.mark.parametrize("step", STEPS)
def test_a_step_s_folder_has_the_step_and_its_settings_in_step_py(step: str):
    module = importlib.import_module(f"preprocess.{step}.step")
    own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    assert any(issubclass(each, StepBase) for each in own)
    assert any(each.__name__.endswith("Config") for each in own)


@pytest.mark.parametrize("step", BACKENDS)
def test_a_step_s_protocol_of_backends_stands_in_step_py(step: str):
    module = importlib.import_module(f"preprocess.{step}.step")
    own = [each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__]
    assert any(each.__name__.endswith("Backend") and getattr(each, "_is_protocol", False) for each in own)


@pytest.mark.parametrize(("step", "name", "target"), CHOICES, ids=[f"{step}={name}" for step, name, _ in CHOICES])
def test_a_backend_s_file_is_named_as_on_the_command_line_or_for_its_family(step: str, name: str, target: str):
    file = target.partition(":")[0].removeprefix(f"preprocess.{step}.").partition(".")[0]
    weights = resolve(target).card.weights
    family = next((each for each in ("rembg", "adelaidet") if weights == (f"{each}-{name}",)), "")
    assert file == (family or name)
