"""Batches shrink to what fits, find the largest that fits, and hold nothing of a failed one."""

from __future__ import annotations

import weakref

import pytest

torch = pytest.importorskip("torch")

from tryon.batching import GROW_AFTER, BatchSizer, OutOfMemoryError  # noqa: E402


def memory_for(fits: int, tried: list[int]):
    """A maker whose memory holds batches of up to `fits` numbers."""

    def make(batch):
        tried.append(len(batch))
        if len(batch) > fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return [each * 10 for each in batch]

    return make


def test_a_full_memory_halves_the_batch_and_loses_no_item():
    tried = []
    assert BatchSizer(memory_for(2, tried), 8).run(range(9)) == [each * 10 for each in range(9)]
    assert tried == [8, 4, 2, 2, 2, 2, 1]


@pytest.mark.parametrize("fits", range(1, 9))
def test_the_size_grows_to_the_largest_that_fits_and_tries_no_failed_one_again(fits):
    tried = []
    sizer = BatchSizer(memory_for(fits, tried), 8)
    assert sizer.run(range(400)) == [each * 10 for each in range(400)]
    assert sizer.size == fits
    failed = [size for size in tried if size > fits]
    assert len(failed) == len(set(failed))


def test_a_batch_grows_only_after_some_that_fit():
    tried = []
    BatchSizer(memory_for(6, tried), 8).run(range(40))
    assert tried[: 2 + GROW_AFTER] == [8, *[4] * GROW_AFTER, 6]


def test_a_size_that_failed_once_stays_out_of_reach_when_the_memory_is_free_again():
    tried, fits = [], iter([1, *[99] * 999])
    sizer = BatchSizer(lambda batch: memory_for(next(fits), tried)(batch), 8)
    sizer.run(range(400))
    assert sizer.size == 7 and tried.count(8) == 1


def test_nothing_of_a_failed_batch_is_held_when_its_memory_is_given_back():
    held = []

    def make(batch):
        activations = torch.zeros(1000)
        held.append(weakref.ref(activations))
        if len(batch) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return list(batch)

    alive = []
    sizer = BatchSizer(make, 4, release=lambda: alive.append([each() is not None for each in held]))
    assert sizer.run([1, 2, 3, 4]) == [1, 2, 3, 4]
    assert alive == [[False], [False, False]]


def test_nothing_of_a_single_item_that_does_not_fit_is_held_either():
    held = []

    def make(batch):
        activations = torch.zeros(1000)
        held.append(weakref.ref(activations))
        raise MemoryError

    with pytest.raises(OutOfMemoryError) as caught:
        BatchSizer(make, 1).run([1])
    assert held[0]() is None and caught.value.__cause__ is None


def test_one_picture_too_big_for_the_memory_says_so_and_what_its_caller_knows_to_do():
    def make(batch):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")

    with pytest.raises(OutOfMemoryError, match="single picture") as caught:
        BatchSizer(make, 2, remedy="--set leffa.height=512").run([1, 2])
    assert caught.value.remedy == "--set leffa.height=512"
    with pytest.raises(OutOfMemoryError) as caught:
        BatchSizer(make, 2).run([1, 2])
    assert "--set" not in str(caught.value)


def test_other_errors_are_not_mistaken_for_a_full_memory():
    def make(batch):
        raise RuntimeError("shapes differ")

    with pytest.raises(RuntimeError, match="shapes differ"):
        BatchSizer(make, 2).run([1, 2])
