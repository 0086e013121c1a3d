"""The collector of cycles is kept quiet only while nothing can be found, and a process ends without losing anything."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap

import pytest

from pipeline.core.machine.process import gc_paused, give_freed_memory_back


def _ended(text: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True, timeout=60)


def test_the_collector_is_as_it_was_afterwards():
    with gc_paused():
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with gc_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_leaving_keeps_the_exit_code_the_output_and_what_was_to_be_done_at_the_end():
    ended = _ended(
        """
        import atexit, sys
        from pipeline.core.machine.process import exit_without_teardown, gc_freeze
        many = [[] for _ in range(300_000)]
        gc_freeze()
        atexit.register(lambda: sys.stdout.write("put away\\n"))
        sys.stdout.write("x" * 100_000 + "\\n")
        exit_without_teardown(3)
        """
    )
    assert ended.returncode == 3
    assert ended.stdout == "x" * 100_000 + "\nput away\n"


def test_a_small_process_ends_the_ordinary_way():
    ended = _ended(
        """
        import sys
        from pipeline.core.machine.process import exit_without_teardown
        exit_without_teardown(3)
        sys.exit(4)
        """
    )
    assert ended.returncode == 4


def test_leaving_does_not_take_other_threads_work_away():
    ended = _ended(
        """
        import sys, threading, time
        from pipeline.core.machine.process import exit_without_teardown, gc_freeze
        many = [[] for _ in range(300_000)]
        gc_freeze()
        threading.Thread(target=lambda: (time.sleep(0.3), sys.stdout.write("finished\\n"))).start()
        exit_without_teardown(0)
        """
    )
    assert ended.stdout == "finished\n"


def test_what_is_still_used_stays_when_freed_memory_is_given_back():
    kept = [bytes([number % 256]) * 1000 for number in range(0, 20_000, 2)]
    give_freed_memory_back()
    assert all(each == bytes([2 * number % 256]) * 1000 for number, each in enumerate(kept))


HEAPS_OF_THREADS = """
    import sys, threading
    from pathlib import Path
    from pipeline.core.machine.process import share_freed_memory
    if sys.argv[1] == "one heap":
        share_freed_memory()

    def reserved():
        return sum(line.split()[1] == "---p" for line in Path("/proc/self/maps").read_text().splitlines())

    before, all_there, counted = reserved(), threading.Barrier(5), threading.Event()

    def take():
        held = [bytearray(100_000) for _ in range(10)]
        all_there.wait()
        counted.wait()

    threads = [threading.Thread(target=take) for _ in range(4)]
    for each in threads:
        each.start()
    all_there.wait()
    sys.stdout.write(str(reserved() - before))
    counted.set()
"""
"""Counts what four threads reserve: a stack guard each, and for a heap of their own another piece each."""


@pytest.mark.skipif(sys.platform != "linux", reason="a setting of Linux' C library")
def test_threads_share_one_heap_so_that_what_one_freed_serves_the_others():
    code = textwrap.dedent(HEAPS_OF_THREADS)
    own, one = (
        int(subprocess.run([sys.executable, "-c", code, how], capture_output=True, text=True, timeout=60, check=True).stdout)
        for how in ("own heaps", "one heap")
    )
    assert own - one >= 3, (own, one)
