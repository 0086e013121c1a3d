"""The collector of cycles is kept quiet only while nothing can be found, and a process ends without losing anything."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap

from pipeline.core.process import gc_paused, give_freed_memory_back


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
        from pipeline.core.process import exit_without_teardown, gc_freeze
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
        from pipeline.core.process import exit_without_teardown
        exit_without_teardown(3)
        sys.exit(4)
        """
    )
    assert ended.returncode == 4


def test_leaving_does_not_take_other_threads_work_away():
    ended = _ended(
        """
        import sys, threading, time
        from pipeline.core.process import exit_without_teardown, gc_freeze
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
