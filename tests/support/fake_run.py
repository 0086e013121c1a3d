"""Stands in for the command line in tests of the queue: prints events, and misbehaves when a word of its arguments says so."""

import json
import os
import signal
import sys
import time

words = " ".join(word for word in sys.argv[1:] if word.startswith("--only="))
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append(1))


def say(event: str, **facts: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


say("arguments", words=sys.argv[1:])
if "crash" in words:
    os.abort()
if "refuse" in words:
    say("error", message="inputs/person is empty", remedy="put photos there")
    sys.exit(2)
if "noise" in words:
    sys.stdout.write("a library says hello\n[1, 2]\n")
    sys.stderr.write("warning\n" * 50_000)
count = 400 if "slow" in words else 3
say("estimate", to_do=count, stages=[{"stage": "compose", "to_do": count, "seconds_each": 0.5}])
say("stage", stage="compose", to_do=count, done=40 if "found" in words else 0)
for number in range(count):
    if asked and "stubborn" not in words:
        sys.exit(130)
    time.sleep(0.05 if "slow" in words else 0.01)
    if "fail" in words and number == 1:
        say(
            "failed",
            stage="compose",
            item="ann__tee__sea",
            seconds=0.1,
            flags=[],
            message="no person found",
            remedy="crop closer",
        )
    else:
        say(
            "done",
            stage="compose",
            item=f"ann__tee__{'room' if number == 0 else number}",
            seconds=0.1,
            flags=[],
            message="",
            remedy="",
        )
say("finished", made=count, failed=0, interrupted=False, report="")
sys.exit(3 if "fail" in words else 0)
