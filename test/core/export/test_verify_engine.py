"""A compiled model is used only if it agrees with PyTorch; a refusal names figures, limits and the first stage."""

import numpy as np
import pytest

from depthart_core import BackendError
from depthart_core.checkpoint import load_model
from depthart_core.export.agreement import resize_pictures, structured_pictures, torch_outputs
from depthart_core.export.verify_engine import LIMITS, accept, first_deviating
from depthart_core.inference import BackendOptions

onnx = pytest.importorskip("onnx", reason="onnx is not installed (extra `onnx`)")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed (extra `onnx`)")
pytest.importorskip("onnxscript", reason="onnxscript is not installed (extra `onnx`)")

from benchmarks.refusal import GraphCandidate, spoiled  # noqa: E402

SIZE = 64
PICTURES = resize_pictures(structured_pictures(50, 2), SIZE)


@pytest.fixture(scope="module")
def expected(toy_heads_path):
    return torch_outputs(load_model(toy_heads_path), BackendOptions(), PICTURES, stages=True)


@pytest.fixture(scope="module")
def graph(toy_heads_path, exported_graph):
    return onnx.load(exported_graph(toy_heads_path, stages=True))


def judge(graph, expected, **options):
    return accept(lambda _: GraphCandidate(graph), expected, PICTURES, **{"limits": LIMITS["fp32"], **options})


def test_an_undamaged_graph_is_accepted_with_its_figures(graph, expected):
    accepted = judge(graph, expected)
    assert accepted.float32 == ()
    assert set(accepted.deviation) == {"depth", "confidence", "size"}
    assert 0 < accepted.deviation["depth"]["mean"] <= accepted.deviation["depth"]["p99"] < 1e-4
    assert accepted.deviation["depth"]["not_finite"] == 0


@pytest.mark.parametrize(
    ("part", "stage"),
    [
        ("fine_proj", r"prefix \(relative error"),
        ("transformer.head", r"scale 0 \(relative error"),
        ("phi.1", r"scale 1 \(relative error"),
        ("decoder.output", r"the decoder \(every stage before it is within"),
    ],
)
def test_a_damaged_graph_is_refused_with_the_first_wrong_stage(graph, expected, part, stage):
    with pytest.raises(
        BackendError,
        match=rf"the engine is refused as built: \w+ deviates from PyTorch by [\d.e+]+% \(\w+\), allowed is 0\.02%; "
        rf"the first stage that deviates is {stage}",
    ):
        judge(spoiled(graph, part), expected, attempts=((),))


def test_non_finite_values_are_refused_and_counted(graph, expected):
    with pytest.raises(
        BackendError,
        match=r"depth has 8192 non-finite values, allowed are 0; .* is scale 0 \(relative error inf",
    ):
        judge(spoiled(graph, "transformer.head", factor=np.nan), expected, attempts=((),))


def test_a_size_that_is_nan_is_cured_by_float32_islands_like_any_other_deviation(graph, expected):
    class Sizeless(GraphCandidate):
        def outputs(self, rgb):
            return {**super().outputs(rgb), "size": np.full((1, 2), np.nan, np.float32)}

    told = []
    accepted = accept(
        lambda kept: GraphCandidate(graph) if kept else Sizeless(graph),
        expected,
        PICTURES,
        limits=LIMITS["fp32"],
        report=told.append,
    )
    assert accepted.float32 == ("norm", "softmax")
    assert told[1].startswith("refused as built: size has 4 non-finite values, allowed are 0; ")


def test_float32_islands_cure_what_half_precision_breaks_and_the_verdict_says_what_was_kept(
    tiny_model_path, exported_graph
):
    """A library that computes half precision normalisations wrongly: their weights, and theirs alone, are off."""
    model = load_model(tiny_model_path)
    pictures = resize_pictures(structured_pictures(50, 2), model.config.tokenizer.input_size)
    expected = torch_outputs(model, BackendOptions(), pictures, stages=True)

    def make(islands):
        graph = onnx.load(exported_graph(tiny_model_path, precision="fp16", islands=islands, stages=True))
        norms = [item for item in graph.graph.initializer if "norm" in item.name]
        broken = any(item.data_type == onnx.TensorProto.FLOAT16 for item in norms)
        return GraphCandidate(spoiled(graph, "norm" if broken else "", factor=1.5))

    told = []
    accepted = accept(make, expected, pictures, limits=LIMITS["fp16"], report=told.append)
    assert accepted.float32 == ("norm", "softmax")
    [refusal] = [sentence for sentence in told if sentence.startswith("refused ")]
    assert refusal.startswith("refused as built: ")
    assert "the first stage that deviates is scale 0" in refusal


def test_a_graph_that_is_not_taken_as_built_is_tried_with_islands(graph, expected):
    def make(kept):
        if not kept:
            raise BackendError("the parser takes no such node")
        return GraphCandidate(graph)

    said = []
    accepted = accept(make, expected, PICTURES, limits=LIMITS["fp32"], report=said.append)
    assert accepted.float32 == ("norm", "softmax")
    assert said[0] == "refused as built: the parser takes no such node"


class Fused(GraphCandidate):
    """One that is wrong unless it shows its stages."""

    def outputs(self, rgb):
        return {name: values * 1.5 for name, values in super().outputs(rgb).items()}


def test_where_the_twin_that_shows_its_stages_agrees_no_stage_is_blamed(graph, expected):
    with pytest.raises(BackendError, match="one that shows its stages agrees, so the builder fuses wrongly across"):
        accept(lambda _: Fused(graph), expected, PICTURES, limits=LIMITS["fp32"], attempts=((),))


def test_stages_that_cannot_be_shown_end_no_attempt(graph, expected):
    class Blind(Fused):
        def stages(self, _):
            raise BackendError("no memory for a second engine")

    accepted = accept(
        lambda kept: GraphCandidate(graph) if kept else Blind(graph), expected, PICTURES, limits=LIMITS["fp32"]
    )
    assert accepted.float32 == ("norm", "softmax")


def test_what_no_island_changes_is_tried_twice_alone(expected):
    tried = []

    def make(kept):
        tried.append(kept)
        raise BackendError("the disk is full")

    with pytest.raises(BackendError, match=r"the engine is refused as built: the disk is full$"):
        accept(make, expected, PICTURES, limits=LIMITS["fp16"])
    assert len(tried) == 2


def test_when_no_island_helps_every_try_is_told(graph, expected):
    with pytest.raises(BackendError) as told:
        judge(spoiled(graph, "decoder.output"), expected)
    sentence = str(told.value)
    for kept in ("refused as built: ", "; and with norm, softmax in float32: ", "; and with norm, softmax, logits in"):
        assert kept in sentence
    assert "\n" not in sentence


def said(**arrays):
    return [{name: np.array(values, np.float32) for name, values in arrays.items()}]


def test_the_stage_of_the_worst_picture_is_named():
    expected = said(stage_prefix=[1.0], stage_scale_0=[1.0]) * 2
    found = [*said(stage_prefix=[1.0], stage_scale_0=[1.0]), *said(stage_prefix=[1.0], stage_scale_0=[1.5])]
    assert first_deviating(expected, found, 0.1) == "scale 0 (relative error 0.5, allowed 0.1)"


def test_without_pictures_nothing_is_made_or_accepted():
    made = []
    with pytest.raises(BackendError, match="there are no pictures to compare an engine with PyTorch on"):
        accept(made.append, [], [], limits=LIMITS["fp16"])
    assert not made


def test_the_limits_of_half_precision_are_those_that_were_promised():
    assert LIMITS["fp16"].mean == 0.005
    assert LIMITS["fp32"].mean < LIMITS["fp16"].mean <= LIMITS["bf16"].mean
