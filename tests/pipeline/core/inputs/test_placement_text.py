"""A placement file reads back as it was written."""

from __future__ import annotations

import tomllib

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.core.inputs.placement_file import PlacementSettings, ShadowSettings, Spot, read_placement_file
from pipeline.core.inputs.placement_text import to_toml

finite = st.floats(-3000, 3000).map(lambda value: round(value, 5))
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
shades = st.builds(
    ShadowSettings,
    on=st.booleans(),
    opacity=st.floats(0, 2).map(lambda v: round(v, 5)),
    direction=st.none() | st.lists(finite, min_size=2, max_size=2),
)
spots = st.builds(
    Spot,
    people=st.just(["*"]) | st.lists(names, min_size=1, max_size=3),
    foot=st.none() | st.lists(finite, min_size=2, max_size=2),
    height=st.none() | st.floats(0.01, 4000).map(lambda v: round(v, 5)),
    flip=st.booleans(),
    shadow=st.booleans() | shades,
    z=st.integers(-9, 9),
)
joining = st.builds(
    Spot,
    people=st.sampled_from(["ann", "bob"]).map(lambda name: [name]),
    wears=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
placement_settings = st.builds(
    PlacementSettings,
    horizon=st.none() | st.floats(0.01, 4000).map(lambda v: round(v, 5)),
    ground=st.sampled_from([None, "floor", "none"]),
    spots=st.lists(spots | joining, min_size=1, max_size=3),
)


@settings(max_examples=80, deadline=None)
@given(placement_settings)
def test_any_placement_file_reads_back_as_it_was_written(written: PlacementSettings):
    text = to_toml(written)
    tomllib.loads(text)
    again = read_placement_file(text, "a.toml")
    for before, after in zip(written.spots, again.spots, strict=True):
        assert in_one_form(before) == in_one_form(after)
    assert (again.horizon, again.ground) == (written.horizon, written.ground)


def in_one_form(spot: Spot) -> tuple:
    """A spot with its shadow in one form: switched off means off, whatever else it says."""
    shade = spot.shade if spot.shade.on else ShadowSettings(on=False)
    return spot.people, spot.wears, spot.foot, spot.height, spot.flip, spot.z, shade
