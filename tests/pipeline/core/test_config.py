"""Settings come from defaults, file, environment and command line; a misspelt one never passes in silence."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import field_validator, model_validator

from pipeline.core.config import StepConfig, load_settings, to_toml
from pipeline.core.errors import ConfigError


class Parsing(StepConfig):
    dilate_px: int = 12
    """At 1024 px height."""
    recipe: str = "hr-viton"
    keep: str | None = None


SCHEMA = {"parsing": Parsing}


def load(tmp_path: Path, text: str = "", environment: dict[str, str] | None = None, overrides: tuple[str, ...] = ()) -> Parsing:
    file = tmp_path / "lookbook.toml"
    file.write_text(text)
    settings = load_settings(SCHEMA, file, environment or {}, overrides)["parsing"]
    assert isinstance(settings, Parsing)
    return settings


def test_command_line_beats_environment_beats_file_beats_default(tmp_path: Path):
    file, environment, override = "[parsing]\ndilate_px = 1\n", {"LOOKBOOK_PARSING_DILATE_PX": "2"}, ("parsing.dilate_px=3",)
    assert load(tmp_path).dilate_px == 12
    assert load(tmp_path, file).dilate_px == 1
    assert load(tmp_path, file, environment).dilate_px == 2
    assert load(tmp_path, file, environment, override).dilate_px == 3


def test_text_needs_no_quotes_on_the_command_line(tmp_path: Path):
    assert load(tmp_path, overrides=("parsing.recipe=viton-hd",)).recipe == "viton-hd"


@pytest.mark.parametrize(
    ("text", "overrides", "remedy"),
    [
        ("[parsing]\ndilate_p = 3\n", (), "parsing.dilate_px"),
        ("", ("parsing.dilate=3",), "parsing.dilate_px"),
        ("[parsin]\ndilate_px = 3\n", (), "parsing"),
        ("dilate_px = 3\n", (), "section"),
        ("[parsing\n", (), "config --init"),
        ("", ("dilate_px",), "--set compose.cast_shadow"),
        ("", ("parsing.dilate_px=wide",), "config --show"),
    ],
)
def test_a_mistake_is_an_error_that_names_the_nearest_thing(tmp_path: Path, text: str, overrides: tuple[str, ...], remedy: str):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, overrides=overrides)
    assert remedy in str(caught.value)


@pytest.mark.parametrize(
    "name", ["LOOKBOOK_PARSING_DILAT", "LOOKBOOK_HOME", "LOOKBOOK_", "LOOKBOOK_PARSING", "LOOKBOOK_PARSE_DILATE_PX"]
)
def test_an_unknown_environment_variable_is_warned_about_and_the_run_goes_on(tmp_path: Path, caplog, name: str):
    assert load(tmp_path, environment={name: "1", "LOOKBOOK_PARSING_RECIPE": "viton-hd"}).recipe == "viton-hd"
    (line,) = caplog.messages
    assert line.startswith(f"{name} is no setting") and "LOOKBOOK_PARSING_DILATE_PX" in line


def test_the_downloaders_variables_and_other_programs_are_passed_over_in_silence(tmp_path: Path, caplog):
    load(tmp_path, environment={"LOOKBOOK_OFFLINE": "1", "LOOKBOOK_MIRROR": "http://127.0.0.1", "HOME": "/"})
    assert not caplog.messages


def test_a_known_environment_variable_with_a_wrong_value_is_still_an_error(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"parsing\.dilate_px"):
        load(tmp_path, environment={"LOOKBOOK_PARSING_DILATE_PX": "wide"})


def test_a_section_whose_name_has_an_underscore_is_set_by_the_environment_too(tmp_path: Path):
    found = load_settings({"parsing_1024": Parsing, "parsing": Parsing}, None, {"LOOKBOOK_PARSING_1024_DILATE_PX": "7"})
    assert (found["parsing_1024"].dilate_px, found["parsing"].dilate_px) == (7, 12)


def test_the_written_file_reads_back_as_the_same_settings_with_comments(tmp_path: Path):
    settings = {"parsing": Parsing(dilate_px=5, recipe='a "quoted" ünïcode')}
    text = to_toml(settings)
    assert "# At 1024 px height." in text
    assert tomllib.loads(text)["parsing"]["dilate_px"] == 5
    assert load(tmp_path, text) == settings["parsing"]


def test_a_section_without_settings_says_so():
    class Empty(StepConfig):
        """No fields."""

    with pytest.raises(ConfigError) as caught:
        load_settings({"densepose": Empty}, None, {}, ("densepose.x=1",))
    assert "it has no settings" in str(caught.value) and "did you mean" not in str(caught.value)


class Fitting(StepConfig):
    low: int = 0
    high: int | str = 1

    @field_validator("low")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError(f"{value} is odd; even numbers only")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Fitting:
        if isinstance(self.high, int) and self.low > self.high:
            raise ValueError(f"low: {self.low} is above high, which is {self.high}")
        return self


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("parts.low=4", "parts: low: 4 is above high, which is 1"),
        ("parts.low=3", "parts.low = 3: 3 is odd; even numbers only"),
        ("parts.high=[1]", "parts.high = [1]: input should be a valid integer, or input should be a valid string"),
    ],
)
def test_a_value_that_does_not_fit_is_named_once_and_without_the_checkers_own_words(override: str, said: str):
    with pytest.raises(ConfigError) as refused:
        load_settings({"parts": Fitting}, environment={}, overrides=(override,))
    assert refused.value.message == said
