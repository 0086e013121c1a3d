"""Logs: whole lines, cut to a step when a run goes on; TensorBoard's format; curves."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from pipeline.core import images
from tryon.training.data.ahead import ReadAhead
from tryon.training.logs.curves import draw_curves, smoothed
from tryon.training.logs.events import EventFile, crc32c
from tryon.training.logs.run_logs import LOG, Table, read_table


def test_lines_after_the_checkpoint_are_written_again(tmp_path):
    table = Table(tmp_path / LOG, ["loss"])
    table.cut(0)
    for step in (1, 2, 3):
        table.add(step, {"loss": step / 3})
    before = (tmp_path / LOG).read_bytes()
    resumed = Table(tmp_path / LOG, ["loss"])
    resumed.cut(1)
    for step in (2, 3):
        resumed.add(step, {"loss": step / 3})
    assert (tmp_path / LOG).read_bytes() == before


@pytest.mark.parametrize("tail", ["4,0.", "4", "4,0.5"])
def test_a_line_that_a_killed_run_left_unfinished_does_not_count(tmp_path, tail):
    (tmp_path / LOG).write_text(f"step,loss\n1,0.5\n{tail}", "utf-8")
    assert [row["step"] for row in read_table(tmp_path / LOG)] == ["1"]


def test_checksums_are_castagnolis():
    assert crc32c(b"123456789") == 0xE3069283  # the check value of RFC 3720
    assert crc32c(bytes(32)) == 0x8A9136AA  # its first example


def test_events_are_records_of_length_message_and_two_checksums(tmp_path):
    file = EventFile(tmp_path, 7)
    file.add(300, {"loss": 0.25, "rate": 1e-4})
    file.close()
    (path,) = tmp_path.iterdir()
    data, records = path.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        records.append(data[12 : 12 + length])
        for content, check in ((data[:8], data[8:12]), (records[-1], data[12 + length : 16 + length])):
            rest = crc32c(content)
            assert struct.pack("<I", ((rest >> 15 | rest << 17) + 0xA282EAD8) & 0xFFFFFFFF) == check
        data = data[16 + length :]
    assert len(records) == 2 and b"brain.Event:2" in records[0]
    assert b"\x10\xac\x02" in records[1]  # step 300 as field 2
    assert b"\x0a\x04loss\x15" + struct.pack("<f", 0.25) in records[1]


def test_the_mean_runs_over_what_is_there():
    assert smoothed(np.array([2.0, 4.0, 6.0, 8.0]), window=2).tolist() == [2.0, 3.0, 5.0, 7.0]


def test_curves_have_a_panel_per_column(tmp_path):
    assert draw_curves(tmp_path) is None
    table = Table(tmp_path / LOG, ["loss", "gradient"])
    table.cut(0)
    for step in range(1, 60):
        table.add(step, {"loss": 1 / step, "gradient": 2.0})
    (tmp_path / "c.png").write_bytes(draw_curves(tmp_path))
    picture = images.read_rgb(tmp_path / "c.png")
    assert picture.shape == (2 * 220, 960, 3)
    assert (picture != 255).any(axis=2).mean() > 0.005


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_reading_ahead_keeps_the_order(threads):
    ahead = ReadAhead(lambda number: number * number, range(20), threads, 4)
    assert list(ahead) == [number * number for number in range(20)]
    ahead.close()


def test_a_pair_that_cannot_be_read_is_an_error_where_it_is_needed():
    def read(number):
        if number == 3:
            raise ValueError("broken")
        return number

    seen = []
    with pytest.raises(ValueError, match="broken"):
        for number in ReadAhead(read, range(9), 2, 4):
            seen.append(number)
    assert seen == [0, 1, 2]
