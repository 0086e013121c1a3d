"""`weights convert FILE` finds the engine by itself; a file of another model is named."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")

from pipeline import engine_of_file  # noqa: E402
from pipeline.catalog import ENGINES, resolve  # noqa: E402
from pipeline.cli.weights import app  # noqa: E402
from pipeline.core.errors import UsageError, WeightsError  # noqa: E402
from pipeline.core.weights.table import row  # noqa: E402
from pipeline.engine_of_file import file_kinds, reader_of, refuse_other_model  # noqa: E402
from tryon.engines.stableviton import folder  # noqa: E402
from tryon.recognise import FileKind  # noqa: E402

BY_NAME = {kind.name: kind for kind in file_kinds()}


def file_of(kind: FileKind, path: Path) -> Path:
    """A file with the tensors by which a kind is known, of the smallest shapes that do."""
    torch.save({name: torch.zeros(1, kind.inputs.get(name, 1)) for name in (*kind.has, *kind.inputs)}, path)
    return path


@pytest.mark.parametrize(
    ("kind", "name", "engine"),
    [
        ("stableviton", "VITONHD.ckpt", "stableviton"),
        ("stableviton", "VITONHD_1024.ckpt", "stableviton_1024"),
        ("sift_vton", "whatever.ckpt", "sift_vton"),
        ("dci_vton", "viton512.ckpt", "dci_vton"),
        ("dci_vton", "viton512_v2.ckpt", "dci_vton_v2"),
    ],
)
def test_a_file_finds_its_engine(tmp_path: Path, kind: str, name: str, engine: str):
    reader = reader_of(file_of(BY_NAME[kind], tmp_path / name))
    assert (reader.engine, reader.weights) == (engine, resolve(ENGINES[engine].engine).card.weights[0])
    assert callable(resolve(reader.convert))


def test_where_two_engines_share_a_network_and_the_name_does_not_tell_both_commands_are_given(tmp_path: Path):
    path = file_of(BY_NAME["stableviton"], tmp_path / "renamed.ckpt")
    with pytest.raises(UsageError, match="neither its name nor its size") as caught:
        reader_of(path)
    for engine in ("stableviton", "stableviton_1024"):
        assert f"python run.py weights convert {engine} {path}" in caught.value.remedy
        assert reader_of(path, engine).engine == engine


def test_a_file_whose_name_and_size_do_not_tell_is_known_by_its_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, found = file_of(BY_NAME["dci_vton"], tmp_path / "renamed.ckpt"), row("dci-vton").files[0].sha256[0]
    with pytest.raises(UsageError, match="for which engine: dci_vton, dci_vton_v2"):
        reader_of(path)
    monkeypatch.setattr(engine_of_file, "digest_of", lambda file: SimpleNamespace(sha256=found))
    assert reader_of(path).engine == "dci_vton"


def test_each_of_two_models_with_one_layout_is_converted_as_itself(tmp_path: Path):
    path = file_of(BY_NAME["dci_vton"], tmp_path / "renamed.ckpt")
    wanted = {engine: resolve(reader_of(path, engine).convert).keywords for engine in ("dci_vton", "dci_vton_v2")}
    assert wanted == {"dci_vton": {"variant": "v1"}, "dci_vton_v2": {"variant": "v2"}}


@pytest.mark.parametrize(("variant", "engine"), [("v1", "dci_vton"), ("v2", "dci_vton_v2")])
@pytest.mark.parametrize("kind", ["dci_vton", "paint_by_example"])
def test_a_variant_says_the_engine_also_of_a_file_without_its_vgg(tmp_path: Path, kind: str, variant: str, engine: str):
    path = file_of(BY_NAME[kind], tmp_path / "renamed.ckpt")
    for reader in (reader_of(path, variant=variant), reader_of(path, engine), reader_of(path, engine, variant)):
        assert reader.engine == engine and resolve(reader.convert).keywords == {"variant": variant}
    refuse_other_model(reader.weights, path)  # weights pull ROW --from FILE


def test_a_file_that_may_be_paint_by_examples_is_not_taken_without_being_told(tmp_path: Path):
    path = file_of(BY_NAME["paint_by_example"], tmp_path / "viton512.ckpt")
    with pytest.raises(WeightsError, match="or a DCI-VTON one saved without its VGG") as caught:
        reader_of(path)
    assert "weights convert --variant v1" in caught.value.remedy
    with pytest.raises(WeightsError, match="engine stableviton does not read it"):
        reader_of(path, "stableviton")


@pytest.mark.parametrize(
    ("kind", "engine", "variant", "said"),
    [
        ("dci_vton", "", "v3", "no such variant"),
        ("dci_vton", "dci_vton", "v2", "is engine dci_vton_v2, not dci_vton"),
        ("stableviton", "", "v1", "a StableVITON checkpoint, which has no such variant"),
    ],
)
def test_a_variant_that_does_not_fit_is_refused(tmp_path: Path, kind: str, engine: str, variant: str, said: str):
    with pytest.raises(UsageError, match=said):
        reader_of(file_of(BY_NAME[kind], tmp_path / "some.ckpt"), engine, variant)


def test_a_warping_network_goes_to_its_own_row_and_pf_afns_is_refused_there(tmp_path: Path):
    own, other = (file_of(BY_NAME[name], tmp_path / f"{name}.pth") for name in ("dci_vton_warp", "pf_afn_warp"))
    with pytest.raises(WeightsError, match="DCI-VTON's warping network; it is used as it is") as caught:
        reader_of(own)
    assert caught.value.remedy == f"python run.py weights pull dci-vton-warp --from {own}"
    refuse_other_model("dci-vton-warp", own)
    with pytest.raises(WeightsError, match="PF-AFN's own warping network"):
        refuse_other_model("dci-vton-warp", other)


@pytest.mark.parametrize("kind", [kind for kind in file_kinds() if not kind.engines], ids=lambda kind: kind.name)
@pytest.mark.parametrize("wanted", ["", "stableviton"])
def test_a_file_of_another_model_is_named_with_what_to_do(tmp_path: Path, kind: FileKind, wanted: str):
    with pytest.raises(WeightsError) as caught:
        reader_of(file_of(kind, tmp_path / "VITONHD.ckpt"), wanted)
    assert f"VITONHD.ckpt: this is {kind.about}" in caught.value.message
    assert caught.value.remedy == kind.advice


def test_a_file_of_another_engine_is_named_and_the_command_that_finds_it_is_given(tmp_path: Path):
    path = file_of(BY_NAME["sift_vton"], tmp_path / "model.ckpt")
    with pytest.raises(WeightsError, match="this is a SIFT-VTON checkpoint; engine stableviton does not read it") as caught:
        reader_of(path, "stableviton")
    assert caught.value.remedy == f"python run.py weights convert {path}"


def test_a_file_of_no_known_kind_is_refused_unless_an_engine_is_named(tmp_path: Path):
    torch.save({"weight": torch.ones(2)}, tmp_path / "other.ckpt")
    with pytest.raises(WeightsError, match="no known kind"):
        reader_of(tmp_path / "other.ckpt")
    assert reader_of(tmp_path / "other.ckpt", "stableviton").about == ""


@pytest.mark.parametrize("wanted", ["preview", "stabelviton"])
def test_an_engine_without_such_files_is_a_usage_error(tmp_path: Path, wanted: str):
    with pytest.raises(UsageError, match=f"no engine '{wanted}' whose weights can be converted"):
        reader_of(file_of(BY_NAME["sift_vton"], tmp_path / "model.ckpt"), wanted)


@pytest.mark.parametrize("named", [(), ("sift_vton",)])
def test_the_command_converts_beside_the_weights_of_the_engine_it_found(tmp_path: Path, monkeypatch, named: tuple[str, ...]):
    path, asked = file_of(BY_NAME["sift_vton"], tmp_path / "model.ckpt"), []
    monkeypatch.setattr(folder, "convert", lambda *places, **options: asked.append((places, options)))
    typed = CliRunner().invoke(app, ["convert", *named, str(path), "--weights", str(tmp_path / "weights"), "--dtype", "fp16"])
    assert typed.exit_code == 0, typed.exception
    assert asked == [((path, tmp_path / "weights/sift-vton/converted"), {"dtype": "fp16", "vae_file": None, "lean": False})]
    assert "a SIFT-VTON checkpoint, for engine sift_vton" in typed.output


def test_a_file_that_is_used_as_it_was_published_may_be_chosen_and_another_models_not(tmp_path: Path):
    """`weights use fashn-vton-1.5 FILE`: that no conversion exists is no reason to refuse it."""
    refuse_other_model("fashn-vton-1.5", file_of(BY_NAME["fashn_vton"], tmp_path / "mine.ckpt"))
    with pytest.raises(WeightsError, match="this is a SIFT-VTON checkpoint; engine fashn does not read it"):
        refuse_other_model("fashn-vton-1.5", file_of(BY_NAME["sift_vton"], tmp_path / "other.ckpt"))


def test_the_command_takes_one_file():
    typed = CliRunner().invoke(app, ["convert", "stableviton", "a.ckpt", "b.ckpt"])
    assert isinstance(typed.exception, UsageError)
