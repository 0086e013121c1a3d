"""Seeds: stable, different where they must be."""

from __future__ import annotations

from pipeline.core.seeds import SEED_BITS, grain_seed, noise_seed


def test_a_seed_is_the_same_on_every_machine_and_run():
    assert noise_seed(0, "ann", "shirt") == 6788689132270572
    assert noise_seed(7, "앤", "sh-1", attempt=2) == noise_seed(7, "앤", "sh-1", attempt=2)


def test_the_grain_of_a_pair_and_of_a_scene_are_the_same_on_every_machine_and_run():
    assert grain_seed(0, "ann__shirt") == 48018973373771163
    assert grain_seed(7, "앤__sh-1__beach") == 17023458484613335


def test_every_part_of_the_identity_changes_the_seed():
    seeds = {
        noise_seed(*key) for key in [(0, "a", "b", 0), (1, "a", "b", 0), (0, "c", "b", 0), (0, "a", "c", 0), (0, "a", "b", 1)]
    }
    assert len(seeds) == 5


def test_names_that_read_the_same_when_joined_have_different_seeds():
    assert noise_seed(0, "a", "b1") != noise_seed(0, "ab", "1")
    assert noise_seed(0, "a,b", "c") != noise_seed(0, "a", "b,c")


def test_seeds_survive_readers_that_know_only_floats():
    assert all(int(float(seed)) == seed < 2**SEED_BITS for seed in (noise_seed(n, "p", "g") for n in range(200)))
