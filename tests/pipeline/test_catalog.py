"""Names typed on the command line: what is taken, and what a mistyped one is answered."""

from __future__ import annotations

import pytest

from pipeline.catalog import BACKENDS, backend_settings
from pipeline.core.errors import UsageError


@pytest.mark.parametrize("step", BACKENDS)
def test_every_backend_of_the_catalogue_and_auto_can_be_asked_for(step):
    words = [f"{step}={name}" for name in ("auto", *BACKENDS[step])]
    assert backend_settings(words) == tuple(f"backends.{word}" for word in words)


def test_spaces_round_the_sign_do_not_matter():
    assert backend_settings(["pose = embedded"]) == ("backends.pose=embedded",)


@pytest.mark.parametrize("word", ["x", "embedded", "nope=x", "compose=embedded", "=embedded"])
def test_a_backend_for_no_step_names_the_form_the_steps_and_their_backends(word):
    with pytest.raises(UsageError) as caught:
        backend_settings(["pose=embedded", word])
    said = str(caught.value)
    assert f"--backend {word}" in said and "--backend STEP=NAME" in said
    for step, names in BACKENDS.items():
        assert f"{step}={'|'.join(('auto', *names))}" in said


@pytest.mark.parametrize("word", ["pose=nope", "pose="])
def test_an_unknown_backend_of_a_step_names_the_form_and_that_step_s_backends(word):
    with pytest.raises(UsageError) as caught:
        backend_settings([word])
    said = str(caught.value)
    assert "--backend STEP=NAME" in said and "pose=auto|dwpose|openpose|embedded" in said and "schp" not in said
