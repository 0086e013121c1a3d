"""The quality gate on the whole way of a picture, with an engine that draws by its seed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import seeded_engine
from workspaces import Workspace

from pipeline import catalog
from pipeline.api import Request, plan, prepare, run
from pipeline.core import images
from pipeline.core.flags import Flag
from pipeline.core.layout import DRESSED_CUTOUT, FINAL, LEDGER, TRYON, Layout
from pipeline.core.records.ledger import Ledger
from pipeline.core.score import PASS_SCORE, score_of
from pipeline.core.seeds import noise_seed

pytestmark = pytest.mark.slow
PAIR, ENGINE = "ann__tee", seeded_engine.NAME
SHADES = [seeded_engine.shade(noise_seed(0, "ann", "tee", attempt)) for attempt in range(8)]
"""How wrong the colours of each attempt are."""
ANY_SHAPE = ("restore.most_pieces=2", "restore.most_torn=100")
"""The engine draws where the body map is, in steps, and leaves the old sleeves; here only colours are judged."""


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.ENGINES, ENGINE, catalog.EngineEntry(seeded_engine.TARGET, seeded_engine.CONFIG))


def request(workspace: Workspace, **options: object) -> Request:
    return Request(
        steps=("tryon", "compose"),
        inputs=workspace.inputs,
        outputs=workspace.outputs,
        overrides=(f"run.engine={ENGINE}", *options.pop("overrides", ())),
        **options,
    )


def recipe(workspace: Workspace, ref: str) -> dict:
    found = images.read_recipe(workspace.outputs / ref)
    assert found is not None
    return found


def judged(workspace: Workspace) -> tuple[float, set[Flag]]:
    """Score and gate flags of the pair as the ledger has them."""
    ledger = Ledger(Layout(outputs=workspace.outputs).path(LEDGER), writable=False)
    try:
        (row,) = [row for row in ledger.outcomes("step = 'restore'") if f"/{ENGINE}/" in row.slot]
    finally:
        ledger.close()
    score = score_of(row.facts)
    assert score is not None
    return score, {notice.flag for notice in row.notices}


def test_the_example_is_worth_testing():
    assert SHADES[0] > 0 and 0 in SHADES, SHADES


def test_a_wrong_colour_is_flagged_drawn_again_and_the_recipe_names_seed_and_attempt(workspace: Workspace):
    good = SHADES.index(0)
    assert run(request(workspace, overrides=ANY_SHAPE)).exit_code == 0
    score, flags = judged(workspace)
    assert score < PASS_SCORE and Flag.COLOUR_OFF in flags
    (line,) = plan(request(workspace, overrides=ANY_SHAPE, retry_bad=good)).retries
    assert line.text == f"1 tryon: score below 0.50, up to {good} further attempt{'s' if good > 1 else ''}"
    assert run(request(workspace, overrides=ANY_SHAPE, retry_bad=good)).exit_code == 0
    score, flags = judged(workspace)
    assert score >= PASS_SCORE and Flag.COLOUR_OFF not in flags
    seed = noise_seed(0, "ann", "tee", good)
    for ref in (TRYON.of(PAIR, ENGINE), FINAL.of(f"{PAIR}__original", ENGINE), FINAL.of(f"{PAIR}__room", ENGINE)):
        assert (recipe(workspace, ref)["seed"], recipe(workspace, ref)["attempt"]) == (seed, good)
    before = workspace.files()
    assert (
        run(request(workspace, overrides=ANY_SHAPE)).made == 0
        and run(request(workspace, overrides=ANY_SHAPE, retry_bad=good)).made == 0
    )
    assert workspace.files() == before


def test_every_request_for_another_picture_draws_the_next_attempt_and_the_last_stays(workspace: Workspace):
    run(request(workspace))
    seen = [(workspace.outputs / TRYON.of(PAIR, ENGINE)).read_bytes()]
    for attempt in (1, 2):
        run(request(workspace, another=True, force=True, only=(PAIR,)))
        assert recipe(workspace, TRYON.of(PAIR, ENGINE))["attempt"] == attempt
        seen.append((workspace.outputs / TRYON.of(PAIR, ENGINE)).read_bytes())
    assert len(set(seen)) == 3
    assert run(request(workspace)).made == 0
    dressed = images.read_rgba(workspace.outputs / DRESSED_CUTOUT.of(PAIR, ENGINE))
    assert np.count_nonzero(dressed[..., 3]) > 1000


def test_a_look_at_the_plan_moves_no_pair_on(workspace: Workspace):
    run(request(workspace))
    lines = [line.text for line in plan(request(workspace, another=True)).lines()]
    assert any("attempt changed: 0 → 1" in line for line in lines)
    assert run(request(workspace)).made == 0


def test_the_preview_is_left_alone_by_a_request_for_another_picture(workspace: Workspace, tmp_path: Path):
    before = workspace.files()
    asked = request(workspace, another=True, overrides=("run.engine=preview",))
    assert any("has no seed: --another leaves" in note for note in prepare(asked).assembly.notes)
    assert run(asked).made == 0
    assert workspace.files() == before


def test_a_threshold_changes_flags_and_no_picture(workspace: Workspace):
    run(request(workspace))
    finals = {name: data for name, data in workspace.files().items() if name.startswith(("final", "dressed"))}
    summary = run(request(workspace, overrides=("restore.most_colour_difference=100",)))
    assert [stage.made for stage in summary.stages if stage.stage == "compose"] == [0]
    assert Flag.COLOUR_OFF not in judged(workspace)[1]
    assert {name: data for name, data in workspace.files().items() if name in finals} == finals
