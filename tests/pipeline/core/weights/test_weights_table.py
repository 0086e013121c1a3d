"""The table of model files: complete, consistent, and true to the collected facts."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path

import pytest

from pipeline.catalog import BACKENDS, ENGINES, STEPS, resolve
from pipeline.core.errors import WeightsError
from pipeline.core.weights.table import Commercial, Weight, parse_row, parse_source, row, rows_for, table, used_by

SHARED = Path(__file__).resolve().parents[5] / "shared"
ROWS = list(table().values())
MEASURES = {"lpips", "fid", "clip", "dino"}
by_name = pytest.mark.parametrize("weight", ROWS, ids=lambda weight: weight.name)


@by_name
def test_every_row_can_be_fetched_or_shows_a_page(weight: Weight) -> None:
    assert weight.files
    assert weight.home.startswith("https://")


@by_name
def test_a_row_names_only_users_that_exist(weight: Weight) -> None:
    for user in weight.used_by:
        step, _, name = user.partition(":")
        known: Collection[str] = {"tryon": ENGINES, "training": ENGINES, "evaluation": MEASURES}.get(step, BACKENDS.get(step, ()))
        assert name in known or (not name and step in STEPS), user


@by_name
def test_what_to_use_instead_exists(weight: Weight) -> None:
    for kind, name in re.findall(
        r"(background|pose|densepose|parsing|cloth|tryon) (?:backend|engine) ([\w-]+)", weight.alternative
    ):
        assert name in {"tryon": ENGINES, **BACKENDS}[kind], weight.alternative


def test_every_model_of_the_catalogue_is_in_the_table_with_its_user() -> None:
    cards = {f"{kind}:{name}": resolve(target).card for kind, group in BACKENDS.items() for name, target in group.items()}
    cards |= {f"tryon:{name}": resolve(entry.engine).card for name, entry in ENGINES.items()}
    assert not [(user, name) for user, card in cards.items() for name in card.weights if user not in row(name).used_by]


@by_name
def test_hashes_and_sizes_have_their_form(weight: Weight) -> None:
    for file in weight.files:
        assert all(re.fullmatch(r"[0-9a-f]{64}", sha) for sha in file.sha256)
        assert re.fullmatch(r"([0-9a-f]{32})?", file.md5)
        assert file.size is None or (file.size > 0 and not file.about)


@by_name
def test_a_mirror_is_listed_only_where_a_hash_can_judge_it(weight: Weight) -> None:
    assert all(file.sha256 for file in weight.files if file.mirrors)


@by_name
def test_what_a_business_may_not_use_says_why_and_what_else(weight: Weight) -> None:
    assert bool(weight.condition) == (weight.commercial is Commercial.CONDITIONAL)
    assert bool(weight.alternative) == (weight.commercial is not Commercial.YES)
    for name in re.findall(r"\brow ([\w.-]+)", weight.alternative + " " + weight.notes + " " + weight.pickle):
        assert name in table(), name


def test_non_commercial_licences_are_never_called_free_for_business() -> None:
    doubtful = re.compile(r"\bNC\b|-nc-|non-commercial|research-only|NVIDIA Source", re.IGNORECASE)
    for weight in ROWS:
        if doubtful.search(f"{weight.licence} {weight.inherited}") and "without its human parser" not in weight.inherited:
            wrong = weight.commercial is Commercial.YES and "old copies" not in weight.inherited
            assert not wrong, weight.name


def test_removed_repositories_are_not_asked() -> None:
    sources = [source for weight in ROWS for file in weight.files for source in (file.source, *file.mirrors) if source]
    assert not [source for source in sources if source.repo.startswith("runwayml/") or "/latest/" in source.path]
    assert all(source.url().startswith("https://") or source.package for source in sources)


def test_the_published_stableviton_checkpoint_is_known_by_its_bytes() -> None:
    file = row("stableviton-vitonhd").files[0]
    assert file.size == 10198120487 and file.sha256[0].startswith("d4e44bc5") and file.sha256[0].endswith("a75688f")
    assert file.source and file.source.url() == (
        "https://huggingface.co/rlawjdghek/StableVITON/resolve/1c7d1931a3eb4296b4dff00370c1c2b8fb2f762d/ckpts/VITONHD.ckpt"
    )


def test_rembg_files_are_stored_under_the_session_name_rembg_looks_for() -> None:
    assert {row(name).files[0].name for name in ("rembg-birefnet-portrait", "rembg-u2net-human-seg")} == {
        "birefnet-portrait.onnx",
        "u2net_human_seg.onnx",
    }


def test_every_hash_and_size_stands_on_one_line_of_the_collected_facts() -> None:
    if not SHARED.is_dir():
        pytest.skip("no ../shared beside the project")
    lines = (SHARED / "spec" / "weights.md").read_text("utf-8").splitlines()
    checked = 0
    for file in (file for weight in ROWS for file in weight.files if not file.package):  # a wheel's were computed from it
        for sha in file.sha256:
            hits = [line for line in lines if sha in line]
            assert hits, f"{file.name}: {sha} is not on the page"
            assert file.size is None or any(str(file.size) in line for line in hits), file.name
            checked += 1
    assert checked > 70


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(WeightsError, match="stableviton-vitonhd") as caught:
        row("stableviton-vitonhdd")
    assert "weights list" in caught.value.remedy


def test_rows_are_found_by_who_uses_them() -> None:
    assert {weight.name for weight in used_by("pose:dwpose")} == {"dwpose"}
    assert used_by("pose:nobody") == ()


def test_an_engines_name_stands_for_all_rows_that_it_reads() -> None:
    shared = {"ootdiffusion-vae", "ootdiffusion-scheduler", "clip-vit-large-patch14"}
    assert set(rows_for("ootdiffusion_dc")) == shared | {"ootdiffusion-dc"}
    assert set(rows_for("ootdiffusion")) == shared | {"ootdiffusion-dc", "ootdiffusion-hd"}
    assert rows_for("ootdiffusion-hd") == ("ootdiffusion-hd",)
    assert rows_for("nobody") == ("nobody",)


def test_a_hub_address_may_point_to_another_hub_and_quotes_its_revision() -> None:
    source = parse_source("hf:spaces/a/b@refs/pr/3:dir/my file.ckpt")
    assert source.url("https://mirror.example/") == "https://mirror.example/spaces/a/b/resolve/refs%2Fpr%2F3/dir/my%20file.ckpt"
    assert parse_source("https://x.example/f").url("https://mirror.example") == "https://x.example/f"


def test_a_file_may_lie_in_a_wheel_of_the_package_index() -> None:
    source = parse_source("wheel:some-package==1.2:some/folder/a.tflite")
    assert (source.package, source.path, source.repo) == ("some-package==1.2", "some/folder/a.tflite", "")
    assert source.page == "https://pypi.org/project/some-package/1.2/"


@pytest.mark.parametrize("bad", ["wheel:package:path", "ftp://x/f", "hf:a/b:c", "/etc/passwd", ""])
def test_other_addresses_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="neither"):
        parse_source(bad)


@pytest.mark.parametrize("name", ["../escape.ckpt", "/etc/passwd"])
def test_a_row_cannot_write_outside_its_folder(name: str) -> None:
    fields = {"title": "t", "licence": "l", "inherited": "i", "commercial": "no", "used_by": [], "pickle": "none"}
    with pytest.raises(ValueError, match="leaves the folder"):
        parse_row("evil", {**fields, "files": [{"file": name}]})
    with pytest.raises(ValueError, match="unknown fields"):
        parse_row("typo", {**fields, "files": [{"file": "a", "sha265": []}]})
