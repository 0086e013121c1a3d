"""The placement editor writes the file the batch reads, shows what the batch will make, and can take every save back."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from desk import Desk, scenery
from measured import processor_seconds, slowness
from PIL import Image
from starlette.testclient import TestClient

from pipeline.api import run
from pipeline.core import images
from pipeline.core.inputs.placement_file import PlacementSettings, ShadowSettings, Spot
from pipeline.review.models import PagePlacement, PageShadow, PageSpot

WHOLE: dict[str, Any] = {
    "people": ["*"],
    "foot": None,
    "height": None,
    "flip": False,
    "shadow": True,
    "z": 0,
    "reflection": None,
    "wears": None,
}


def settings(horizon: float | None = None, **spot: Any) -> dict[str, Any]:
    return {"horizon": horizon, "ground": None, "spots": [WHOLE | spot]}


def placement_file(desk: Desk) -> Path:
    return desk.layout.inputs / "background" / "room.toml"


def test_without_a_file_everything_is_found_automatically(client: TestClient):
    shown = client.get("/api/placements/room").json()
    assert shown["placement_settings"] == settings() and shown["text"] == "" and shown["undo"] == 0
    assert shown["arrangement"]["size"] == [300, 420]
    assert abs(shown["arrangement"]["ground"] - 180) < 6
    (figure,) = shown["arrangement"]["figures"]
    assert figure["box"][3] == pytest.approx(figure["foot"][1] - 1, abs=0.6)


def test_the_page_learns_from_the_server_what_automatic_means(client: TestClient):
    told = client.get("/api/placements").json()
    assert told["automatic"] == settings()
    assert told["automatic_shadow"] == {"on": True, "opacity": 1.0, "direction": None}


def test_the_limits_of_the_page_leave_every_default_of_the_placement_file():
    assert PagePlacement().model_dump() == PlacementSettings().model_dump()
    for limited, whole in ((PagePlacement, PlacementSettings), (PageSpot, Spot), (PageShadow, ShadowSettings)):
        assert list(limited.model_fields) == list(whole.model_fields)


@pytest.mark.parametrize("spoilt", ["hight = 0.5\n", "[[[", "height = 'tall'\n"])
def test_a_spoilt_file_can_be_read_and_reset_and_brought_back(desk: Desk, client: TestClient, spoilt: str):
    placement_file(desk).write_text(spoilt)
    assert client.get("/api/placements/room").status_code == 422
    shown = client.get("/api/placements/room/file").json()
    assert (shown["file"], shown["text"]) == ("room.toml", spoilt)
    assert client.delete("/api/placements/room", params={"base": "another"}).status_code == 409
    reset = client.delete("/api/placements/room", params={"base": shown["version"]}).json()
    assert reset["text"] == "" and reset["undo"] == 1 and not placement_file(desk).exists()
    assert client.get("/api/placements/room").json()["placement_settings"] == settings()
    assert client.delete("/api/placements/original", params={"base": ""}).status_code == 404


def test_refreshing_a_picture_walks_through_no_folder(desk: Desk, client: TestClient, monkeypatch: pytest.MonkeyPatch):
    for folder in (desk.layout.inputs, *(path for path in desk.layout.inputs.rglob("*") if path.is_dir())):
        os.utime(folder, (1e9, 1e9))
    wanted = {"pair": "ann__tee", "placement_settings": settings(), "height": 64}
    client.post("/api/placements/room/arrangement", json=wanted)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rglob", lambda *_: pytest.fail("walked"))
        for what in ("arrangement", "picture"):
            assert client.post(f"/api/placements/room/{what}", json=wanted).status_code == 200
    desk.put("inputs:background/town.jpg", scenery())
    assert client.get("/api/placements/town").status_code == 200, "what is added is seen at once"
    placement_file(desk).write_text("height = 0.5\n")
    assert client.get("/api/placements/room").json()["placement_settings"]["spots"][0]["height"] == 0.5


@pytest.mark.proof
def test_ten_thousand_people_do_not_slow_a_refresh_down(desk: Desk, client: TestClient):
    first = desk.layout.inputs / "person" / "ann.jpg"
    for number in range(10_000):
        os.link(first, first.with_name(f"p{number:05}.jpg"))
    for folder in (desk.layout.inputs, *(path for path in desk.layout.inputs.rglob("*") if path.is_dir())):
        os.utime(folder, (1e9, 1e9))
    times = []
    for number in range(6):
        wanted = {"pair": "ann__tee", "placement_settings": settings(foot=[0.3 + number / 20, 0.95]), "height": 900}

        def refresh(wanted: dict = wanted) -> None:
            for what in ("arrangement", "picture"):
                assert client.post(f"/api/placements/room/{what}", json=wanted).status_code == 200

        times.append(processor_seconds(refresh))
    assert max(times[1:]) < 0.5 * slowness(), times


def test_the_picture_shows_the_person_where_the_arrangement_says(client: TestClient):
    wanted = {"pair": "ann__tee", "placement_settings": settings(foot=[0.25, 0.9], height=0.5, shadow=False), "height": 300}
    box = client.post("/api/placements/room/arrangement", json=wanted).json()["figures"][0]["box"]
    answer = client.post("/api/placements/room/picture", json=wanted)
    assert answer.headers["content-type"] == "image/jpeg"
    picture = np.asarray(Image.open(io.BytesIO(answer.content))).astype(int)
    assert picture.shape == (300, 420, 3)
    blue = picture[..., 2] - picture[..., 0] > 60
    rows, columns = np.flatnonzero(blue.any(1)), np.flatnonzero(blue.any(0))
    assert 105 - 30 < columns.mean() < 105 + 30 and box[1] < rows[0] < rows[-1] < box[3]
    assert (box[0], box[2]) == (pytest.approx(columns[0], abs=2), pytest.approx(columns[-1], abs=2))


def test_a_saved_placement_is_what_the_next_batch_picture_has(desk: Desk, client: TestClient):
    place = settings(
        horizon=0.55, foot=[0.3123, 0.93], height=0.6, flip=True, shadow={"on": True, "opacity": 0.5, "direction": [0.4, 0.1]}
    )
    saved = client.put("/api/placements/room?pair=ann__tee", json={"placement_settings": place}).json()
    assert saved["undo"] == 1 and placement_file(desk).read_text("utf-8") == saved["text"]
    assert saved["placement_settings"] == place
    figure = saved["arrangement"]["figures"][0]
    desk.final().unlink()
    request = replace(desk.request, steps=("compose",), only=("ann__tee", "room"))
    run(request)
    recipe = images.read_recipe(desk.final())
    assert recipe is not None
    (made,) = recipe["placements"]
    assert made["foot"] == pytest.approx(figure["foot"], abs=0.02) and made["height"] == pytest.approx(figure["height"], abs=0.02)
    assert made["foot"] == pytest.approx([0.3123 * 420, 0.93 * 300], abs=0.02)
    assert made["flip"] is True and made["shadow"] == {"opacity": 0.5, "direction": [0.4, 0.1]}
    assert recipe["ground_line"] == 0.55


def test_somebody_who_joins_is_saved_and_painted_by_the_next_run(desk: Desk, client: TestClient):
    group = settings()
    group["spots"] = [
        WHOLE | {"people": ["ann"], "foot": [0.3, 0.95]},
        WHOLE | {"people": ["bob"], "wears": "top", "foot": [0.7, 0.85]},
    ]
    saved = client.put("/api/placements/room?pair=ann__tee", json={"placement_settings": group}).json()
    assert saved["placement_settings"] == group
    assert [each["guest"] for each in saved["arrangement"]["figures"]] == ["", "bob__top"]
    desk.final().unlink()
    run(replace(desk.request, steps=("compose",), only=("ann__tee", "room")))
    recipe = images.read_recipe(desk.final())
    assert recipe is not None and recipe["guests"] == ["bob__top"]
    painted = [figure["foot"] for figure in saved["arrangement"]["figures"]]
    assert [each["foot"] for each in recipe["placements"]] == [pytest.approx(foot, abs=0.02) for foot in painted]


def test_a_foot_beyond_the_edge_is_written_in_pixels(desk: Desk, client: TestClient):
    client.put("/api/placements/room", json={"placement_settings": settings(foot=[-0.1, 306.5], height=280.0)})
    text = placement_file(desk).read_text("utf-8")
    assert "foot = [-0.1, 306.5]" in text and "height = 280.0" in text
    figure = client.get("/api/placements/room").json()["arrangement"]["figures"][0]
    assert figure["foot"] == [pytest.approx(-42, abs=0.01), 306.5]


def test_every_save_can_be_taken_back_in_order(desk: Desk, client: TestClient):
    placement_file(desk).write_text("# by hand\nheight = 0.5\n")
    client.put("/api/placements/room", json={"placement_settings": settings(height=0.6)})
    client.put("/api/placements/room", json={"placement_settings": settings(height=0.7)})
    assert client.post("/api/placements/room/undo").json()["placement_settings"] == settings(height=0.6)
    assert client.post("/api/placements/room/undo").json()["text"] == "# by hand\nheight = 0.5\n"
    assert placement_file(desk).read_text() == "# by hand\nheight = 0.5\n"
    assert client.post("/api/placements/room/undo").status_code == 409


def test_everything_automatic_takes_the_file_away_and_undo_brings_it_back(desk: Desk, client: TestClient):
    client.put("/api/placements/room", json={"placement_settings": settings(height=0.6)})
    client.put("/api/placements/room", json={"placement_settings": settings()})
    assert not placement_file(desk).exists()
    client.post("/api/placements/room/undo")
    assert "height = 0.6" in placement_file(desk).read_text()


def test_a_file_changed_meanwhile_is_not_overwritten(desk: Desk, client: TestClient):
    base = client.get("/api/placements/room").json()["version"]
    placement_file(desk).write_text("height = 0.5\n")
    refused = client.put("/api/placements/room", json={"placement_settings": settings(height=0.9), "base": base})
    assert refused.status_code == 409 and placement_file(desk).read_text() == "height = 0.5\n"


def test_other_people_s_places_stay_when_one_is_moved(desk: Desk, client: TestClient):
    both = {
        "horizon": None,
        "ground": None,
        "spots": [WHOLE | {"people": ["ann*"], "foot": [0.2, 0.9]}, WHOLE | {"people": ["bob"], "z": 3}],
    }
    client.put("/api/placements/room", json={"placement_settings": both})
    shown = client.get("/api/placements/room", params={"pair": "bob__tee"}).json()
    assert shown["placement_settings"] == both and [each["spot"] for each in shown["arrangement"]["figures"]] == [1]


def test_a_file_by_hand_that_does_not_fit_is_said_with_its_remedy(desk: Desk, client: TestClient):
    placement_file(desk).write_text("hight = 0.5\n")
    answer = client.get("/api/placements/room")
    assert answer.status_code == 422 and "did you mean height" in answer.json()["remedy"]
    assert answer.json()["message"].startswith("inputs/background/room.toml: unknown key")


@pytest.mark.parametrize(
    "wrong",
    [
        settings(horizon=0),
        settings(height=-1),
        settings(foot=[0.5]),
        settings(foot=[1e9, 0]),
        {"spots": []},
        settings(people=[]),
        settings(people=["a\nb"]),
        settings(shadow={"dark": 1}),
    ],
)
def test_settings_that_do_not_fit_are_refused_and_nothing_is_written(desk: Desk, client: TestClient, wrong: dict):
    for answer in (
        client.put("/api/placements/room", json={"placement_settings": wrong}),
        client.post("/api/placements/room/picture", json={"placement_settings": wrong}),
    ):
        assert answer.status_code == 422
    assert not placement_file(desk).exists()


def test_unknown_backgrounds_and_undressed_pairs_are_said(desk: Desk, client: TestClient):
    assert client.get("/api/placements/nowhere").status_code == 404
    assert client.get("/api/placements/original").status_code == 404
    assert client.get("/api/placements/room?pair=x__y").status_code == 404
    for path in (desk.layout.outputs / "dressed-cutout" / "preview").iterdir():
        path.unlink()
    answer = client.get("/api/placements/room?pair=ann__tee")
    assert answer.status_code == 409 and "--step all" in answer.json()["remedy"]


def test_a_preview_follows_a_person_who_was_dressed_anew(desk: Desk, client: TestClient):
    wanted = {"pair": "ann__tee", "placement_settings": settings(), "height": 200}
    before = client.post("/api/placements/room/picture", json=wanted).content
    red = desk.layout.outputs / "dressed-cutout" / "preview" / "ann__top.png"
    red.replace(red.with_name("ann__tee.png"))
    assert client.post("/api/placements/room/picture", json=wanted).content != before


def test_the_person_alone_is_cropped_to_the_body(client: TestClient):
    ghost = Image.open(io.BytesIO(client.get("/api/placements/room/person", params={"pair": "ann__tee", "height": 100}).content))
    assert ghost.mode == "RGBA" and ghost.height == 100
    alpha = np.asarray(ghost)[..., 3]
    assert alpha[0].max() > 100 and alpha[-1].max() > 100 and alpha[:, 0].max() > 60


def test_prepare_is_not_needed_again_for_each_request(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    client.get("/api/placements/room")
    monkeypatch.setattr("pipeline.review.workspace.prepare", lambda request: pytest.fail("read again"))
    assert client.get("/api/placements/room").status_code == 200
