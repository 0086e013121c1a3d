"""The Part Grouping Network from an ONNX file: what it is shown, at which sizes, and how its answers are put together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
import stand_ins
from drawn_person import draw
from onnx import TensorProto, helper, numpy_helper

from pipeline.catalog import BACKENDS, resolve
from pipeline.core import layout
from pipeline.core.errors import WeightsError
from pipeline.core.items import Person
from pipeline.core.labels import Parse
from preprocess.networks.onnx_model import open_onnx
from preprocess.parsing.pgn import ROW, SCALES, Pgn, answer_of, shown
from preprocess.person.not_found import NotFound

FILE = "cihp_pgn.onnx"
RED, GREEN, BLUE = (250, 10, 10), (10, 250, 10), (10, 10, 250)


def scores_file(path, channels_last=True, edge=True):
    """One scale: red = upper clothes, green = face, blue = the arm of its side of the picture; grey = background.

    The network undoes the published input: blue first, mean (125.0, 114.4, 107.9). The side is the pixel's place in its row.
    """
    weigh = np.zeros((3, 20), np.float32)  # blue, green, red
    weigh[2, Parse.UPPER_CLOTHES] = weigh[1, Parse.FACE] = weigh[0, Parse.LEFT_ARM] = weigh[0, Parse.RIGHT_ARM] = 1
    bias = np.zeros(20, np.float32)
    bias[Parse.BACKGROUND] = 215
    sides = np.zeros(20, np.float32)
    sides[Parse.LEFT_ARM], sides[Parse.RIGHT_ARM] = 40, -40  # the person's left is the picture's right
    nodes = [
        *([] if channels_last else [helper.make_node("Transpose", ["picture"], ["last"], perm=[0, 2, 3, 1])]),
        helper.make_node("Add", ["picture" if channels_last else "last", "mean"], ["colours"]),
        helper.make_node("MatMul", ["colours", "weigh"], ["weighed"]),
        helper.make_node("Add", ["weighed", "bias"], ["plain"]),
        helper.make_node("ReduceSum", ["colours", "last_axis"], ["sum"], keepdims=1),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "one"], ["ones"]),
        helper.make_node("CumSum", ["ones", "row_axis"], ["place"]),
        helper.make_node("ReduceMax", ["place"], ["width"], axes=[2], keepdims=1),
        helper.make_node("Div", ["place", "width"], ["share"]),
        helper.make_node("Sub", ["share", "half"], ["side"]),
        helper.make_node("Mul", ["side", "sides"], ["leaning"]),
        helper.make_node("Add", ["plain", "leaning"], ["scores"]),
        helper.make_node("Sub", ["side", "zero"], ["edge"]),
    ]
    constants = {
        "mean": np.array([125.0, 114.4, 107.9], np.float32), "weigh": weigh, "bias": bias, "sides": sides,
        "zero": np.float32(0), "one": np.float32(1), "half": np.float32(0.5),
    }  # fmt: skip
    whole = {"last_axis": np.array([3], np.int64), "row_axis": np.array(2, np.int64)}
    shape = [1, "h", "w", 3] if channels_last else [1, 3, "h", "w"]
    outputs = {"scores": (1, "h", "w", 20)} | ({"edge": (1, "h", "w", 1)} if edge else {})
    return stand_ins.save_network(path, nodes, {"picture": shape}, outputs, constants | whole)


def whole_graph(path):
    """As the published program was converted: (h, w, 3) in, a label map and an edge map out."""
    nodes = [
        helper.make_node("Add", ["picture", "mean"], ["colours"]),
        helper.make_node("ArgMax", ["colours"], ["channel"], axis=2, keepdims=1),
        helper.make_node("Unsqueeze", ["channel", "first"], ["label"]),
        helper.make_node("ReduceMax", ["colours"], ["top"], axes=[2], keepdims=1),
        helper.make_node("Div", ["top", "full"], ["ratio"]),
        helper.make_node("Unsqueeze", ["ratio", "first"], ["edge"]),
    ]
    constants = {"mean": np.array([125.0, 114.4, 107.9], np.float32), "full": np.float32(255), "first": np.array([0], np.int64)}
    graph = helper.make_graph(
        nodes, "stand-in",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["h", "w", 3])],
        [
            helper.make_tensor_value_info("label", TensorProto.INT64, [1, "h", "w", 1]),
            helper.make_tensor_value_info("edge", TensorProto.FLOAT, [1, "h", "w", 1]),
        ],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version, model.doc_string = 8, "stand-in " * 400
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return path


def picture_of(colours, size=(24, 40)):
    """Vertical stripes of equal width."""
    return np.repeat(np.array(colours, np.uint8)[None], size[0], 0).repeat(size[1] // len(colours), 1)


@pytest.mark.parametrize("channels_last", [True, False])
def test_colours_come_blue_first_without_the_published_mean(tmp_path, channels_last):
    model = open_onnx(scores_file(tmp_path / FILE, channels_last), "cpu")
    labels = answer_of(model, picture_of([RED, GREEN, (60, 60, 60), RED])).labels
    assert [labels[12, column] for column in (5, 15, 25, 35)] == [Parse.UPPER_CLOTHES, Parse.FACE, 0, Parse.UPPER_CLOTHES]
    assert shown(np.full((1, 1, 3), (1, 2, 3), np.uint8))[0, 0] == pytest.approx([3 - 125.0, 2 - 114.4, 1 - 107.9])


def test_mirrored_answers_exchange_left_and_right(tmp_path):
    """A blue stripe on either side is the arm of that side, both ways round; without the exchange the answers would cancel."""
    model = open_onnx(scores_file(tmp_path / FILE), "cpu")
    labels = answer_of(model, picture_of([BLUE, RED, RED, BLUE])).labels
    assert (labels[12, 4], labels[12, 36]) == (Parse.RIGHT_ARM, Parse.LEFT_ARM)


class Recorder:
    """A model that remembers the sizes it was shown."""

    def __init__(self, model):
        self.model, self.sizes = model, []
        self.path, self.session = model.path, model.session

    def answer(self, given):
        self.sizes.append(given.shape[1:3])
        return self.model.answer(given)


def test_six_scales_and_their_mirror_are_shown_with_sizes_cut_off(tmp_path):
    seen = Recorder(open_onnx(scores_file(tmp_path / FILE), "cpu"))
    answer_of(seen, picture_of([RED, GREEN, BLUE], (25, 39)))
    expected = [(int(25 * scale), int(39 * scale)) for scale in SCALES]
    assert sorted(seen.sizes) == sorted(expected * 2)


def test_edges_are_the_sigmoid_of_the_larger_scales_mean_and_lie_where_they_were_found(tmp_path):
    model = open_onnx(scores_file(tmp_path / FILE), "cpu")
    edges = answer_of(model, picture_of([RED, GREEN])).edges
    assert edges.shape == (24, 40) and edges.dtype == np.uint8
    assert np.abs(edges.astype(int) - 127).max() <= 3, "the stand-in's slope and its mirror cancel"
    assert answer_of(open_onnx(scores_file(tmp_path / "plain.onnx", edge=False), "cpu"), picture_of([RED, GREEN])).edges is None


def test_a_whole_graph_is_asked_once_and_its_labels_are_taken(tmp_path):
    seen = Recorder(open_onnx(whole_graph(tmp_path / FILE), "cpu"))
    answer = answer_of(seen, picture_of([BLUE, GREEN]))
    assert len(seen.sizes) == 1 and answer.labels[3, 5] == 0 and answer.labels[3, 30] == 1, (
        "channel of the largest colour, blue first"
    )
    assert answer.edges.shape == (24, 40) and answer.edges.min() >= 245


def test_a_file_with_other_outputs_is_refused(tmp_path):
    nodes = [helper.make_node("Add", ["picture", "mean"], ["colours"])]
    constants = {"mean": np.zeros(3, np.float32)}
    path = stand_ins.save_network(tmp_path / FILE, nodes, {"picture": (1, "h", "w", 3)}, {"colours": (1, "h", "w", 3)}, constants)
    with pytest.raises(WeightsError, match="scores of 20 classes"):
        answer_of(open_onnx(path, "cpu"), picture_of([RED, BLUE]))


def test_the_backend_keeps_to_the_person_and_hands_its_edges_on(tmp_path, monkeypatch):
    stand_ins.accept(monkeypatch, ROW, FILE)
    scores_file(stand_ins.place(tmp_path, ROW, FILE))
    backend = resolve(BACKENDS["parsing"]["pgn"])(tmp_path)
    assert isinstance(backend, Pgn)
    view = draw().view
    person = view.person[::8, ::8]
    small = replace(view, image=np.full((*person.shape, 3), RED, np.uint8), matte=view.matte[::8, ::8])
    (parsed,) = backend.parse([small])
    assert not isinstance(parsed, NotFound)
    assert not parsed.labels[~small.person].any() and (parsed.labels[small.person] == Parse.UPPER_CLOTHES).all()
    assert parsed.edges.shape == parsed.labels.shape


def test_the_step_writes_the_edges_beside_the_parse_map(tmp_path):
    from drawn_person import write_person

    from pipeline.core.card import Card
    from pipeline.core.step import Context
    from preprocess.parsing.network_labels import Parsed
    from preprocess.parsing.step import ParsingConfig, ParsingStep

    class WithEdges:
        card, keeps_lists, keeps_edges, batch_size = Card(name="edged"), False, True, 1

        def load(self, device):
            """Nothing."""

        def parse(self, views):
            return [Parsed(np.uint8(5) * views[0].person, None, np.full(views[0].person.shape, 9, np.uint8))]

    item = Person("drawn", "")
    step = ParsingStep(ParsingConfig(), Context(write_person(tmp_path, item)), WithEdges())
    (made,) = step.run([step.read(item)])
    assert set(made.files) == set(step.writes(item)) and layout.PARSE_EDGES.of("drawn") in made.files
