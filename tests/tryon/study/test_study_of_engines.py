"""The study of the real networks, with a fraction of their channels: tables, flow, extraction, report, errors."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
import torch
from tiny_engines import TINY_FASHN, tiny_ootd
from tiny_training import TENTH, write_start
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.generated import GeneratedWeights
from pipeline.catalog import ANATOMIES, ENGINES, resolve
from pipeline.core.errors import InputError, UsageError, WeightsError
from tryon.engines.fashn.study import FashnAnatomy
from tryon.engines.ootdiffusion.study import OotdAnatomy
from tryon.engines.ootdiffusion.words import FULL_BODY
from tryon.engines.stableviton.checkpoint import empty_network
from tryon.engines.stableviton.folder import convert
from tryon.engines.stableviton.study import StableVitonAnatomy
from tryon.networks.savings.switches import ALL
from tryon.study.boxes import flow_of
from tryon.study.command import StudyRequest, formats_of, study
from tryon.study.extraction import extract, joined
from tryon.study.measuring import simulated
from tryon.study.protocol import part_of
from tryon.study.table import rows_of

SIZE = (128, 64)
MADE = {
    "stableviton": StableVitonAnatomy(TENTH, size=SIZE),
    "fashn": FashnAnatomy(TINY_FASHN),
    "ootdiffusion_dc": OotdAnatomy("ootdiffusion_dc", FULL_BODY, tiny_ootd(), SIZE),
}


@pytest.fixture(scope="module", params=MADE)
def anatomy(request):
    return MADE[request.param]


@pytest.fixture(scope="module")
def traces():
    return {name: simulated(anatomy, anatomy.size) for name, anatomy in MADE.items()}


@pytest.fixture(scope="module", params=[pytest.param("stableviton", marks=pytest.mark.slow), "fashn", "ootdiffusion_dc"])
def report(request, tmp_path_factory):
    """Findings of an engine, and the folder that they were written to."""
    folder = tmp_path_factory.mktemp(request.param) / "made"
    return study(MADE[request.param], StudyRequest(report=folder)), folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_start(tmp_path_factory.mktemp("study") / "tenth.ckpt")


def test_every_engine_with_weights_can_be_studied():
    assert set(ANATOMIES) == {name for name, entry in ENGINES.items() if resolve(entry.engine).card.weights}
    for name, target in ANATOMIES.items():
        assert resolve(target).name == name


def test_every_tensor_has_one_part_and_every_part_a_tensor(anatomy):
    found = {part_of(name, anatomy.parts).name for name in anatomy.network().state_dict()}
    assert found == {part.name for part in anatomy.parts}


def test_every_weight_is_seen_and_the_arithmetic_is_that_of_pytorchs_counter(anatomy, traces):
    trace = traces[anatomy.name]
    flow = flow_of(trace, anatomy.stage)
    seen = set().union(*(box.weights for box in flow.boxes.values()))
    assert set(trace.sizes) - seen <= anatomy.spared
    inputs = {name: torch.empty(shape, device="meta") for name, shape in anatomy.inputs(anatomy.size).items()}
    network = anatomy.network()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        anatomy.run(network, inputs)
    assert sum(box.flops for box in flow.boxes.values()) == counter.get_total_flops() > 0


def test_what_has_no_say_is_what_the_engine_leaves_out(traces):
    anatomy, trace = MADE["stableviton"], traces["stableviton"]
    dead = sum(count for name, count in trace.dead_values().items() if name not in anatomy.spared)
    kept = sum(parameter.numel() for parameter in empty_network(TENTH, ALL).parameters())
    assert sum(trace.sizes.values()) - dead == kept
    flow = flow_of(trace, anatomy.stage)
    assert set(flow.boxes) - flow.living == {"control.down_blocks.2.tail", "control.down_blocks.3", "control.mid_block"}


def test_the_decoder_looks_at_the_garment_in_nine_places_from_coarse_to_fine(traces):
    arrows = flow_of(traces["stableviton"], MADE["stableviton"].stage).arrows
    looked_at = [source for block in range(9) for source, to in arrows if to == f"warp.{block}" and source.startswith("control.")]
    assert looked_at == [
        *("control.down_blocks.2", "control.down_blocks.2", "control.down_blocks.1", "control.down_blocks.1"),
        *("control.down_blocks.1", "control.down_blocks.0", "control.down_blocks.0", "control.down_blocks.0"),
        "control.garment_in",
    ]
    assert arrows["keep mask", "unet.conv_in"] == [(1, 1, 16, 8)]
    assert arrows["mapper", "unet.mid_block"] == [(1, TENTH.context_dim)]


def test_trained_values_are_those_of_the_training_room(traces):
    rows = rows_of(MADE["stableviton"], traces["stableviton"], None, None)
    trained, values = ({row.part.name: getattr(row, name) for row in rows} for name in ("trained", "values"))
    assert {name for name, count in trained.items() if count} == {
        *("mapper", "spatial encoder", "its garment convolution", "zero cross-attention")
    }
    assert trained["zero cross-attention"] == values["zero cross-attention"]


def test_a_report_has_a_page_a_picture_and_figures(report):
    found, folder = report
    anatomy = found.anatomy
    page = (folder / "study.md").read_text("utf-8")
    assert all(f"| {part.name} |" in page for part in anatomy.parts) and "Times were not measured" in page
    assert all(point.title in page for point in anatomy.points(anatomy.size))
    picture = ElementTree.fromstring((folder / "flow.svg").read_text("utf-8"))
    frames = picture.findall("{http://www.w3.org/2000/svg}rect")
    assert len(frames) == 1 + len(found.flow.boxes)
    figures = json.loads((folder / "study.json").read_text("utf-8"))
    assert sum(row["values"] for row in figures["parts"]) == sum(found.sizes.values())


def test_boxes_of_the_picture_do_not_cover_each_other(report):
    picture = ElementTree.fromstring((report[1] / "flow.svg").read_text("utf-8"))
    frames = [each.attrib for each in picture.findall("{http://www.w3.org/2000/svg}rect")[1:]]
    places = [tuple(int(frame[name]) for name in ("x", "y", "width", "height")) for frame in frames]
    for number, (x, y, width, height) in enumerate(places):
        assert x + width <= int(picture.attrib["width"]) and y + height <= int(picture.attrib["height"])
        assert not [1 for a, b, w, h in places[:number] if abs(a - x) < w and abs(b - y) < h]


def test_times_are_measured_with_drawn_weights():
    found = study(MADE["fashn"], StudyRequest(measure=True, device="cpu", dtype="fp32"))
    assert all(row.seconds is not None and row.seconds > 0 for row in found.rows)
    assert "fp32" in found.machine


def test_a_file_is_taken_apart_and_put_together_again(checkpoint, tmp_path):
    anatomy, folder = MADE["stableviton"], tmp_path / "parts"
    original = anatomy.read(checkpoint)
    extract(anatomy, original, folder)
    names = {"vae", "image_encoder", "mapper", "control", "warp", "unet"}
    assert {path.name for path in folder.iterdir()} == {f"{name}.safetensors" for name in names} | {"parts.json"}
    again = joined(folder)
    assert set(again) == set(anatomy.network().state_dict())
    assert all(torch.equal(tensor, original[name]) for name, tensor in again.items())


@pytest.mark.slow
def test_a_file_is_studied_extracted_and_the_extracted_folder_studied_again(checkpoint, tmp_path):
    lines: list[str] = []
    request = StudyRequest(weights=checkpoint, extract=tmp_path / "parts", measure=True, device="cpu", dtype="fp32")
    found = study(MADE["stableviton"], request, lines.append)
    assert found.stored is not None and found.stored["VAE decoder"].startswith("float32: ")
    assert len(lines) == 6 and all(row.seconds for row in found.rows)
    assert study(MADE["stableviton"], StudyRequest(weights=tmp_path / "parts")).stored == found.stored


def test_a_converted_folder_is_read_and_what_it_left_out_is_counted(checkpoint, tmp_path):
    anatomy = MADE["stableviton"]
    convert(checkpoint, tmp_path / "lean", dtype="bf16", lean=True, architecture=TENTH)
    stored = formats_of(anatomy, anatomy.read(tmp_path / "lean"))
    assert stored["its unused tail"].startswith("left out: ") and stored["VAE decoder"].startswith("bfloat16: ")
    with pytest.raises(WeightsError, match="left out"):
        study(anatomy, StudyRequest(weights=tmp_path / "lean", measure=True))


def test_weights_in_8_bits_are_not_taken_apart(tmp_path):
    state = empty_network(TENTH, ALL).state_dict()
    weights = {name: tensor.to(torch.int8) for name, tensor in state.items()}
    with pytest.raises(WeightsError, match="8 bits"):
        extract(MADE["stableviton"], weights, tmp_path / "parts")


def test_an_extraction_that_breaks_off_leaves_nothing(tmp_path, monkeypatch):
    def full(*given, **named):
        raise OSError(28, "No space left on device")

    anatomy = MADE["fashn"]
    weights = dict(GeneratedWeights(anatomy.network().state_dict()))
    monkeypatch.setattr("tryon.study.extraction.digest_of", full)
    with pytest.raises(OSError):
        extract(anatomy, weights, tmp_path / "parts")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("damage", ["cut", "gone", "manifest"])
def test_a_damaged_extraction_is_refused(tmp_path, damage):
    anatomy = MADE["fashn"]
    extract(anatomy, dict(GeneratedWeights(anatomy.network().state_dict())), tmp_path / "parts")
    file = tmp_path / "parts" / ("parts.json" if damage == "manifest" else "picture_out.safetensors")
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:-8])
    else:
        file.unlink()
    with pytest.raises(WeightsError, match="extract"):
        joined(tmp_path / "parts")


def test_what_cannot_be_done_is_refused_with_a_cure(checkpoint, tmp_path):
    with pytest.raises(UsageError, match="--from FILE"):
        study(MADE["stableviton"], StudyRequest(extract=tmp_path / "parts"))
    with pytest.raises(UsageError, match="works at"):
        study(MADE["fashn"], StudyRequest(size=SIZE))
    with pytest.raises(WeightsError, match="exists already"):
        study(MADE["stableviton"], StudyRequest(weights=checkpoint, extract=tmp_path))
    with pytest.raises(InputError, match="multiples of 64"):
        study(MADE["stableviton"], StudyRequest(size=(100, 64)))
    with pytest.raises(WeightsError, match="FASHN"):
        study(MADE["fashn"], StudyRequest(weights=checkpoint))
