"""A converted folder takes the place of the ten-gigabyte file it was made from, under the same identity."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil

import pytest
import torch
from typer.testing import CliRunner

from pipeline.choice import Chooser
from pipeline.cli.weights import app
from pipeline.core.errors import WeightsError
from pipeline.core.labels import Category
from pipeline.core.layout import Layout
from pipeline.core.step import Context
from pipeline.core.weights import access as weights
from pipeline.core.weights import converted as weights_converted
from pipeline.core.weights import table as weights_table
from pipeline.core.weights.access import available, converted_of, require, sha_of, status_of
from pipeline.core.weights.converted import converted_folder
from pipeline.core.weights.table import Weight, WeightFile
from pipeline.core.weights.verify import FileState
from tryon.engines.stableviton import folder as folders
from tryon.engines.stableviton.config import StableVITONConfig
from tryon.engines.stableviton.engine import SiftVTON, StableVITON, StableVITON1024
from tryon.engines.stableviton.folder import Loaded
from tryon.engines.stableviton.variants import STABLEVITON

pytestmark = pytest.mark.slow

ROW, FILE = "stableviton-vitonhd", "VITONHD.ckpt"
UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(scope="module")
def converted_once(official_state, tiny, tmp_path_factory):
    """A weights folder with a published file of the tiny network and its converted form."""
    root = tmp_path_factory.mktemp("weights")
    source = root / ROW / FILE
    source.parent.mkdir()
    torch.save(official_state, source)
    folders.convert(source, converted_folder(ROW, root), dtype="bf16", architecture=tiny)
    return root


@pytest.fixture
def root(converted_once, tmp_path):
    """Links to the same files: a test that changes one must remove it first."""
    return shutil.copytree(converted_once, tmp_path / "weights", copy_function=os.link)


def rewrite(path, content):
    path.unlink()
    path.write_bytes(content)


@pytest.fixture
def source(root):
    return root / ROW / FILE


@pytest.fixture
def published(converted_once, monkeypatch):
    """The table knows the tiny file's hash; gives that hash."""
    sha256 = hashlib.sha256((converted_once / ROW / FILE).read_bytes()).hexdigest()
    table_with(monkeypatch, (sha256,))
    return sha256


def table_with(monkeypatch, hashes):
    known = dict(weights_table.table())
    fields = {name: getattr(known[ROW], name) for name in Weight.__dataclass_fields__}
    row = Weight(**{**fields, "files": (WeightFile(FILE, sha256=hashes),), "editions": ""})
    monkeypatch.setattr(weights_table, "table", lambda: {**known, ROW: row})


def test_a_converted_folder_is_enough_for_the_engine_to_be_chosen(root, source, published):
    source.unlink()
    for wanted in ("auto", "stableviton"):
        choice = Chooser(root).engine(Category.UPPER, wanted)
        state = (choice.notes, choice.card.missing_packages(), [each.line() for each in status_of(ROW, root)])
        assert choice.card.name == "stableviton", state
    assert [finding.state for finding in status_of(ROW, root)] == [FileState.CONVERTED]
    assert sha_of(ROW, root) == published
    assert require(ROW, root) == converted_folder(ROW, root)


def test_the_identity_is_the_same_with_and_without_the_original(root, source, published, monkeypatch):
    identities = []
    monkeypatch.setattr("tryon.engines.stableviton.runtime.Runtime", lambda loaded, *rest: identities.append(loaded.identity))
    monkeypatch.setattr(folders, "load", lambda path, dtype: Loaded(None, STABLEVITON, path.name))
    engine = StableVITON(StableVITONConfig(), Context(Layout(weights=root)))
    engine.load("cpu")
    source.unlink()
    engine.load("cpu")
    assert identities == [published, published]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / UNET).unlink(),
        lambda folder: rewrite(folder / UNET, (folder / UNET).read_bytes()[:-1]),
        lambda folder: (folder / weights_converted.INDEX).unlink(),
        lambda folder: rewrite(folder / weights_converted.INDEX, b"{}"),
    ],
)
def test_an_incomplete_folder_stands_in_for_nothing(root, source, published, spoil):
    spoil(converted_folder(ROW, root))
    assert converted_of(ROW, root) is None
    source.unlink()
    assert not available(ROW, root)
    with pytest.raises(WeightsError, match=rf"{FILE}: missing"):
        require(ROW, root)


def test_a_damaged_folder_is_noticed_before_it_is_opened(root, source, published):
    path = converted_folder(ROW, root) / UNET
    content = bytearray(path.read_bytes())
    content[-1] ^= 255
    rewrite(path, content)
    assert converted_of(ROW, root) is None
    source.unlink()
    with pytest.raises(WeightsError, match=rf"converted form is damaged \({UNET}\)"):
        require(ROW, root)


def test_a_folder_is_hashed_while_it_is_made_and_not_again(converted_once, published, monkeypatch):
    read = []
    monkeypatch.setattr(weights_converted, "digest_of", lambda path: read.append(path))
    assert converted_of(ROW, converted_once) == converted_folder(ROW, converted_once)
    assert read == []


def test_a_folder_made_from_another_file_is_not_taken(root, source, monkeypatch):
    table_with(monkeypatch, ("b" * 64,))
    source.unlink()
    assert not available(ROW, root)


def test_a_file_without_published_hash_is_pinned_by_its_conversion(root, source, monkeypatch):
    table_with(monkeypatch, ())
    source.unlink()
    assert not available(ROW, root)
    assert "pinned on first use" in weights.adopt_converted(ROW, root)
    assert available(ROW, root) and weights.adopt_converted(ROW, root) == ""
    source.write_bytes(b"another edition " * 100)
    with pytest.raises(WeightsError, match="differs from the file pinned"):
        require(ROW, root)


def test_a_conversion_of_an_unknown_file_says_that_it_will_not_be_used(root, monkeypatch):
    table_with(monkeypatch, ("b" * 64,))
    assert "another file" in weights.adopt_converted(ROW, root)


def test_fp32_is_read_from_the_original_while_it_is_there(root, source, published, caplog):
    engine = StableVITON(StableVITONConfig(), Context(Layout(weights=root)))
    assert engine._weights_path("bf16") == converted_folder(ROW, root)
    assert engine._weights_path("fp32") == source
    source.unlink()
    with caplog.at_level(logging.WARNING, "lookbook"):
        assert engine._weights_path("fp32") == converted_folder(ROW, root)
    assert "rounded to bf16" in caplog.text


def test_weights_rounded_to_int8_serve_that_format_and_no_other(root, source, published):
    index = converted_folder(ROW, root) / weights_converted.INDEX
    rewrite(index, index.read_bytes().replace(b'"dtype": "bf16"', b'"dtype": "int8"'))
    engine = StableVITON(StableVITONConfig(), Context(Layout(weights=root)))
    assert engine._weights_path("bf16", "int8") == converted_folder(ROW, root)
    for other in ("full", "fp8"):
        assert engine._weights_path("bf16", other) == source
    source.unlink()
    assert engine._weights_path("bf16", "int8") == converted_folder(ROW, root)
    with pytest.raises(WeightsError, match=r"only weights in int8 are here .* stableviton\.weight_format is full") as refused:
        engine._weights_path("bf16", "full")
    assert "weight_format=int8" in refused.value.remedy


def test_the_list_says_converted(root, source, published):
    source.unlink()
    listed = CliRunner().invoke(app, ["list", ROW, "--weights", str(root)])
    assert "converted" in listed.output


@pytest.mark.parametrize("engine", [StableVITON, StableVITON1024, SiftVTON])
def test_every_model_of_the_family_is_one_file(engine):
    """Only those can have a converted form, and only then is `require` the file that gets opened."""
    assert len(weights_table.row(engine.card.weights[0]).files) == 1


def test_the_index_lists_what_lies_there(converted_once):
    folder = converted_folder(ROW, converted_once)
    listed = set(json.loads((folder / weights_converted.INDEX).read_text())["files"])
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    there = {path.relative_to(folder).as_posix() for path in files}
    assert there - listed == {weights_converted.INDEX} and listed <= there
