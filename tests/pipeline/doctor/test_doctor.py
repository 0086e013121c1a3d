"""The doctor checks machines that tests invent, and collects the facts of this one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_weights import BODY, tiny_table

from pipeline.core.card import Card
from pipeline.core.machine.start_checks import Obstacle
from pipeline.core.weights import status_of
from pipeline.core.weights import table as weights_table
from pipeline.core.weights.elsewhere import Elsewhere
from pipeline.doctor import survey as doctor_survey
from pipeline.doctor.checks import checks, exit_code, report
from pipeline.doctor.facts import Check, Level, Machine, NumbaCache, OpenCV, Requirement, Torch
from pipeline.doctor.survey import numba_cache, starts, survey

HOME = Path("/home/me/lookbook")
GOOD = Machine(
    python=Requirement("python", ">=3.11,<3.13", "3.11.7", satisfied=True),
    requirements=(Requirement("numpy", ">=1.26,<2", "1.26.4", satisfied=True),),
    ours=HOME,
    found={name: HOME / name for name in ("pipeline", "preprocess", "tryon", "compose")},
    free_bytes=50 << 30,
)


def bad(machine: Machine) -> list[Check]:
    """Everything that is not OK."""
    return [check for check in checks(machine) if check.level is not Level.OK]


def only(machine: Machine) -> Check:
    """The one thing that is not OK."""
    found = bad(machine)
    assert len(found) == 1, found
    return found[0]


def test_a_good_machine_has_nothing_to_cure() -> None:
    assert bad(GOOD) == [] and exit_code(checks(GOOD)) == 0
    assert report(checks(GOOD))[-1].endswith("0 to look at, 0 to cure")


def test_every_bad_line_carries_a_remedy() -> None:
    wreck = replace(
        GOOD,
        python=Requirement("python", ">=3.11,<3.13", "3.9.2", satisfied=False),
        requirements=(Requirement("numpy", ">=1.26,<2", "2.3.0", satisfied=False), Requirement("pymatting", ">=1.1.13")),
        extras={"diffusion": (Requirement("torch", ">=2.6", "1.13", satisfied=False),)},
        found={"compose": Path("/site-packages/compose"), "tryon": None},
        rivals={"pipeline": "some-pipeline"},
        import_errors={"cv2": "libGL.so.1: cannot open shared object file", "pymatting": "boom"},
        opencv={"opencv-contrib-python": OpenCV("4.11.0.86"), "opencv-python": OpenCV("4.8.1.78")},
        torch=Torch(version="2.6+cpu"),
        nvidia_card=True,
        outputs_problem="Read-only file system",
        free_bytes=10,
        numba=NumbaCache.COLD,
        broken_cards={"tryon:x": "No module named x"},
    )
    found = bad(wreck)
    assert len(found) == 15
    assert all(check.remedy for check in found)
    assert exit_code(found) == 2
    text = report(checks(wreck))
    assert sum("→" in line for line in text) == 15


def test_warnings_alone_do_not_fail() -> None:
    assert exit_code([Check(Level.WARN, "a", "b", "c"), Check(Level.OK, "a", "b")]) == 0


def test_a_wrong_version_names_what_is_needed() -> None:
    check = only(replace(GOOD, requirements=(Requirement("numpy", ">=1.26,<2", "2.3.0", satisfied=False),)))
    assert (check.level, check.text, check.remedy) == (Level.FAIL, "2.3.0, needed: >=1.26,<2", "pip install 'numpy>=1.26,<2'")


def test_without_the_heif_plug_in_everything_else_still_works() -> None:
    check = only(replace(GOOD, requirements=(Requirement("pillow-heif", ">=0.21"),)))
    assert check.level is Level.WARN and "HEIC and AVIF photos cannot be read" in check.text


def test_an_extra_that_is_not_wanted_is_no_fault() -> None:
    machine = replace(GOOD, extras={"pose": (Requirement("timm", ">=1.0"), Requirement("torchvision", ""))})
    assert bad(machine) == []
    line = next(check for check in checks(machine) if check.name == "[pose]")
    assert "not installed (timm, torchvision)" in line.text and "pip install -e '.[pose]'" in line.text


@pytest.mark.parametrize(
    ("module", "error", "level", "cure"),
    [
        ("torchvision", "operator torchvision::nms does not exist", Level.WARN, "pip uninstall torchvision"),
        ("transformers", "RuntimeError: operator torchvision::nms does not exist", Level.FAIL, "pip uninstall torchvision"),
        ("cv2", "libGL.so.1: cannot open shared object file", Level.FAIL, "apt-get install libgl1"),
        ("ai_edge_litert", "numpy.core.multiarray failed to import", Level.FAIL, "--force-reinstall --no-deps ai-edge-litert"),
        ("cv2", "AttributeError: _ARRAY_API not found", Level.FAIL, "--force-reinstall --no-deps opencv-contrib-python"),
        (
            "PIL",
            "numpy.dtype size changed",
            Level.FAIL,
            "--force-reinstall --no-deps pillow",
        ),
        ("mediapipe", "module compiled against ABI version 0x2000000", Level.FAIL, "--force-reinstall --no-deps mediapipe"),
        ("mediapipe", "something new", Level.FAIL, "pip install --force-reinstall mediapipe"),
        ("cv2", "something new", Level.FAIL, "pip install --force-reinstall opencv-contrib-python"),
    ],
)
def test_known_start_failures_have_their_own_cure(module: str, error: str, level: Level, cure: str) -> None:
    check = only(replace(GOOD, import_errors={module: error}))
    assert check.level is level and cure in check.remedy and error in check.text


def test_a_build_for_another_numpy_is_replaced_within_the_projects_own_rule() -> None:
    rules = (*GOOD.requirements, Requirement("mediapipe", "==0.10.14", "0.10.14", satisfied=True))
    check = only(replace(GOOD, requirements=rules, import_errors={"mediapipe": "_ARRAY_API not found"}))
    assert (
        check.remedy == "pip install --force-reinstall --no-deps 'mediapipe==0.10.14'"
        and "another numpy than 1.26.4" in check.text
    )


def test_a_foreign_package_of_our_name_is_found() -> None:
    found = {**GOOD.found, "compose": Path("/usr/lib/python3/site-packages/compose")}
    check = only(replace(GOOD, found=found))
    assert check.level is Level.FAIL and "/usr/lib/python3/site-packages/compose" in check.text


def test_what_mediapipe_asks_for_and_never_imports_may_be_left_out() -> None:
    absent = (Requirement("jax", "<0.4.27"), Requirement("jaxlib", "<0.4.27"))
    assert bad(replace(GOOD, requirements=absent)) == []
    other = Requirement("jax", "<0.4.27", "0.8.0", satisfied=False)
    assert only(replace(GOOD, requirements=(other,))).name == "jax"


def test_a_runtime_of_the_people_networks_is_not_missed_while_the_other_does_its_work() -> None:
    absent = (Requirement("mediapipe", "==0.10.14"),)
    assert bad(replace(GOOD, requirements=absent, people_runtime="litert")) == []
    assert [check.name for check in bad(replace(GOOD, requirements=absent, people_runtime=None))] == [
        "mediapipe",
        "people networks",
    ]


@pytest.mark.parametrize(
    ("torch", "card", "level", "words"),
    [
        (None, True, Level.OK, "no torch"),
        (Torch(version="2.6+cpu"), False, Level.OK, "runs on the CPU"),
        (Torch(version="2.6+cpu"), True, Level.WARN, "is a CPU build"),
        (Torch(version="2.6", cuda_build="12.8"), True, Level.WARN, "cannot use the NVIDIA card"),
        (Torch(version="2.6", cuda_build="12.8", gpus=("H100",)), True, Level.OK, "H100"),
    ],
)
def test_the_gpu_line_tells_the_cases_apart(torch: Torch | None, card: bool, level: Level, words: str) -> None:
    line = next(check for check in checks(replace(GOOD, torch=torch, nvidia_card=card)) if check.name == "gpu")
    assert line.level is level and words in line.text


def test_disk_space_warns_before_it_fails() -> None:
    assert only(replace(GOOD, free_bytes=1 << 30)).level is Level.WARN
    assert only(replace(GOOD, free_bytes=100 << 20)).level is Level.FAIL


def test_the_first_slow_load_of_the_colour_solver_is_announced() -> None:
    assert "10 s" in only(replace(GOOD, numba=NumbaCache.COLD)).text
    assert "NUMBA_CACHE_DIR" in only(replace(GOOD, numba=NumbaCache.NOWHERE)).remedy


def with_weights(root: Path, card: Card) -> Machine:
    rows = {name: status_of(name, root) for name in ("known", "unknown")}
    users = {"tryon:known": ("known",), "tryon:unknown": ("unknown",)}
    return replace(GOOD, weights_root=root, weights=rows, users=users, cards={"tryon:known": card})


def test_weights_are_told_per_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_table, "table", tiny_table)
    card = Card(name="known", weights=("known",), packages=("json",), extra="diffusion")
    machine = with_weights(tmp_path, card)
    lines = {check.name: check for check in checks(machine)}
    assert bad(machine) == [] and "tryon:unknown" not in lines
    assert lines["tryon:known"].remedy.startswith(f"python run.py weights pull known --weights {tmp_path}")

    file = tmp_path / "known" / "model.ckpt"
    file.parent.mkdir()
    file.write_bytes(BODY[:-1])
    broken = only(with_weights(tmp_path, card))
    assert "incomplete" in broken.text and broken.remedy == f"python run.py weights pull known --weights {tmp_path}"

    file.write_bytes(BODY)
    assert bad(with_weights(tmp_path, card)) == []
    lonely = only(with_weights(tmp_path, replace(card, packages=("no_such_library",))))
    assert "no_such_library is not installed" in lonely.text and lonely.remedy == "pip install -e '.[diffusion]'"


def test_models_that_are_not_here_are_one_short_line_per_step_with_the_command_that_gets_the_first(tmp_path: Path) -> None:
    cards = doctor_survey.catalogue_cards()[0]
    weights = {name: status_of(name, tmp_path) for card in cards.values() for name in card.weights}
    lines = [check for check in checks(replace(GOOD, weights_root=tmp_path, weights=weights, cards=cards)) if check.remedy]
    steps = list(dict.fromkeys(user.partition(":")[0] for user in cards if not user.startswith("tryon:")))
    assert [line.name for line in lines] == [*steps, *(user for user in cards if user.startswith("tryon:"))]
    for line in lines:
        first = next(card for user, card in cards.items() if user.startswith(line.name))
        assert line.remedy.startswith(f"python run.py weights pull {' '.join(first.weights)} --weights {tmp_path}")
        assert line.level is Level.OK and len(line.text) < 150
    texts = {line.name: line.text for line in lines}
    assert "the first choice for upper, lower, dress; business use: yes" in texts["tryon:fashn"]
    assert texts["tryon:stableviton"] == "optional, not here"


def test_one_missing_library_that_breaks_many_models_is_one_line() -> None:
    broken = {"pose:a": "No module named x", "cloth:b": "No module named x", "cloth:c": "No module named y"}
    found = bad(replace(GOOD, broken_cards=broken))
    assert [(check.level, "pose:a, cloth:b" in check.text, "cloth:c" in check.text) for check in found] == [
        (Level.FAIL, True, False),
        (Level.FAIL, False, True),
    ]


def test_a_library_that_kills_python_is_reported_not_suffered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "killer_library.py").write_text("import os; os._exit(139)")
    (tmp_path / "broken_library.py").write_text("print('noise'); raise RuntimeError('first line\\nlast line')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert starts(["json", "broken_library"]) == ({"broken_library": "last line"}, None)
    errors, torch = starts(["killer_library"])
    assert "exit 139" in errors["killer_library"] and torch is None


def test_a_package_of_which_only_a_folder_is_left_does_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gutted_library" / "data").mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert "only a folder" in starts(["gutted_library"])[0]["gutted_library"]


def test_a_package_whose_files_are_gone_is_told_though_its_version_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_survey, "STARTS", {"no_such_library": "no-such", "json": "json"})
    monkeypatch.setattr(doctor_survey, "installed_versions", lambda: {"no-such": "1.0"})
    assert survey(tmp_path, tmp_path).import_errors == {"no_such_library": "no-such 1.0 is listed, but its files are gone"}
    monkeypatch.setattr(doctor_survey, "installed_versions", dict)
    assert survey(tmp_path, tmp_path).import_errors == {}


def test_what_torch_says_is_brought_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "torch.py").write_text(
        "from types import SimpleNamespace as N\n__version__='9.9'\nversion=N(cuda='13.0')\n"
        "cuda=N(is_available=lambda: True, device_count=lambda: 1, get_device_name=lambda i: 'H999')\n"
        "backends=N(mps=N(is_available=lambda: False))\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert starts(["torch"]) == ({}, Torch(version="9.9", cuda_build="13.0", gpus=("H999",)))


@pytest.mark.parametrize(("kept", "state"), [(True, NumbaCache.WARM), (False, NumbaCache.COLD), (None, NumbaCache.NOWHERE)])
def test_compiled_code_is_looked_for_where_numba_keeps_it(monkeypatch: pytest.MonkeyPatch, kept: bool | None, state) -> None:
    monkeypatch.setattr(doctor_survey, "is_kept", lambda source, environment: kept)
    assert numba_cache() is state
    monkeypatch.setattr(doctor_survey, "solver_file", lambda: None)
    assert numba_cache() is NumbaCache.ABSENT


def test_this_machine_can_be_surveyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_survey, "STARTS", {"numpy": "numpy"})
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    machine = survey(tmp_path / "outputs", tmp_path / "weights")
    assert machine.python.satisfied and machine.outputs_problem == "" and machine.free_bytes > 0
    assert set(machine.found) == {"pipeline", "preprocess", "tryon", "compose"}
    assert all(place and place.is_relative_to(machine.ours) for place in machine.found.values())
    assert "tryon:stableviton" in machine.users and machine.offline == "HF_HUB_OFFLINE"
    names = [check.name for check in checks(machine)]
    assert {"python", "numpy", "gpu", "disk", "outputs", "network"} <= set(names)
    assert not (tmp_path / "outputs").exists()


def test_an_outputs_path_that_is_a_file_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_survey, "STARTS", {})
    (tmp_path / "outputs").write_text("")
    assert "is a file" in survey(tmp_path / "outputs", tmp_path).outputs_problem


def people_line(**facts: object) -> Check:
    return next(check for check in checks(replace(GOOD, **facts)) if check.name == "people networks")


def test_the_runtime_of_the_people_networks_and_their_files_have_a_line() -> None:
    assert people_line().level is Level.OK and "mediapipe" in people_line().text
    assert people_line(people_runtime="litert").level is Level.OK
    nothing = people_line(people_runtime=None)
    assert nothing.level is Level.FAIL and "ai-edge-litert" in nothing.remedy


def test_missing_people_files_are_fetched_by_the_first_run_or_brought() -> None:
    lacking = people_line(people_runtime="litert", people_missing=("people/a.tflite: missing",))
    assert lacking.level is Level.WARN and "36 MB" in lacking.text and "weights pull people" in lacking.remedy
    offline = people_line(people_runtime="litert", people_missing=("x",), offline="LOOKBOOK_OFFLINE")
    assert "LOOKBOOK_OFFLINE" in offline.text and "--from" in offline.remedy


# ---- what would end every run -------------------------------------------------------------------------------------------------


def test_an_obstacle_of_every_run_must_be_cured() -> None:
    (found,) = bad(
        replace(GOOD, obstacles=(Obstacle("address space", "limited to 1.5 GB", "ulimit -v unlimited"),), address_space_gb=1.5)
    )
    assert (found.level, found.name, found.remedy) == (Level.FAIL, "address space", "ulimit -v unlimited")


def test_a_damaged_opencv_is_told_once() -> None:
    shell = Obstacle("opencv", "an empty shell", "reinstall it")
    assert [check.name for check in bad(replace(GOOD, obstacles=(shell,)))] == ["opencv"]
    assert [check.name for check in bad(replace(GOOD, obstacles=(shell,), import_errors={"cv2": "gone"}))] == ["import cv2"]


@pytest.mark.parametrize(("gigabytes", "level"), [(4.0, Level.WARN), (64.0, Level.OK)])
def test_a_limit_of_the_address_space_is_told_and_a_tight_one_warned_about(gigabytes: float, level: Level) -> None:
    lines = {check.name: check for check in checks(replace(GOOD, address_space_gb=gigabytes))}
    assert lines["address space"].level is level and "address space" not in {check.name for check in checks(GOOD)}


def test_workers_that_do_not_start_are_a_warning_with_the_way_round() -> None:
    (found,) = bad(replace(GOOD, worker_problem="exit code 1 No module named pipeline"))
    assert found.level is Level.WARN and "No module named pipeline" in found.text and "--workers 1" in found.remedy


def test_a_misplaced_model_file_is_a_warning_with_the_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights_table, "table", tiny_table)
    (tmp_path / "VITON.ckpt").write_bytes(BODY)
    sighted = tuple(Elsewhere(tmp_path, {}).of("known"))
    (found,) = bad(replace(GOOD, weights_root=tmp_path, misplaced=sighted))
    assert found.level is Level.WARN and "VITON.ckpt" in found.text
    assert found.remedy == f"python run.py weights find known --weights {tmp_path} --move"
