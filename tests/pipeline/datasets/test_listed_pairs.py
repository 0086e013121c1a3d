"""Pair lists of published trees, in whatever form, and the project's own list that an import continues."""

import pytest
from published_trees import viton_hd
from test_datasets_in import everything_below, folders, import_tree

from pipeline.core.errors import UsageError
from pipeline.core.inputs.collection import discover
from pipeline.datasets.viton_hd_in import read_viton_hd

BOTH = ["00000_00__00001_00", "00001_00__00000_00"]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return viton_hd(tmp_path_factory.mktemp("listed") / "tree")


def with_list(published, tmp_path, content):
    """The published tree under another list."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/test").symlink_to(published / "test")
    (tmp_path / "tree/test_pairs.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    return tmp_path / "tree"


def project_pairs(tmp_path):
    found = discover(folders(tmp_path), lambda _: "preview")
    assert not found.problems
    return [pair.id for pair in found.pairs]


@pytest.mark.parametrize("content", [
    b"\xef\xbb\xbfimage\\00000_00.jpg\tcloth\\00001_00.jpg\r\nimage\\00001_00.jpg\tcloth\\00000_00.jpg\r\n",
    "00000_00.jpg,00001_00.jpg\n00001_00.jpg,00000_00.jpg\n".encode("utf-16"),
    "00000_00.png 00001_00.png unpaired\n00001_00.png 00000_00.png unpaired\n",
    "test/image/00000_00.jpg test/cloth/00001_00.jpg\n00001_00 00000_00\n",
])  # fmt: skip
def test_a_published_list_is_read_as_one_of_our_own(published, tmp_path, content):
    tree = read_viton_hd(with_list(published, tmp_path, content))
    assert tree.pairs == ((0, 1), (1, 0)) and not tree.problems


def test_a_missing_picture_in_a_list_of_many_costs_its_line(published, tmp_path):
    lost = "".join(f"{number:05}_00.jpg {number + 1:05}_00.jpg\n" for number in range(100, 130))
    with_list(published, tmp_path, f"00000_00.jpg 00001_00.jpg\n{lost}00001_00.jpg 00000_00.jpg\n")
    done = import_tree(tmp_path)
    assert done.exit_code == 3 and project_pairs(tmp_path) == BOTH
    assert "line 2: unknown person '00100_00.jpg' and unknown garment '00101_00.jpg'" in done.output
    assert "22 more lines that name no pair" in done.output


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("content", [
    "person;garment\r\nJörg;tee\r\n", "tee Jörg\n", "id\tgarment\tperson\n7\ttee.jpg\tJörg.jpg",
])  # fmt: skip
def test_an_import_continues_the_users_list_in_its_form(published, tmp_path, content, encoding):
    with_list(published, tmp_path, "00000_00.jpg 00001_00.jpg\n00001_00.jpg 00000_00.jpg\n")
    for name, source in (("person/Jörg.jpg", "image"), ("cloth/upper/tee.jpg", "cloth")):
        (tmp_path / "in" / name).parent.mkdir(parents=True)
        (tmp_path / "in" / name).write_bytes((published / "test" / source / "00000_00.jpg").read_bytes())
    mine = tmp_path / "in/pairs.txt"
    mine.write_bytes(before := content.encode(encoding))
    assert import_tree(tmp_path).exit_code == 0
    assert mine.read_bytes().startswith(before) and project_pairs(tmp_path) == ["Jörg__tee", *BOTH]
    after = everything_below(tmp_path / "in")
    import_tree(tmp_path)
    assert everything_below(tmp_path / "in") == after


def test_a_list_that_is_no_text_stops_the_import_before_anything_is_written(published, tmp_path):
    with_list(published, tmp_path, "00000_00.jpg 00001_00.jpg\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/pairs.txt").write_bytes(b"PK\x03\x04")
    with pytest.raises(UsageError, match="workbook"):
        import_tree(tmp_path)
    assert set(everything_below(tmp_path)) == {"in/pairs.txt", "tree/test_pairs.txt"}


def test_the_list_that_is_read_under_another_name_is_the_one_that_grows(published, tmp_path):
    with_list(published, tmp_path, "00000_00.jpg 00001_00.jpg\n00001_00.jpg 00000_00.jpg\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/Pairs.txt").write_text("# mine\n")
    import_tree(tmp_path)
    assert not (tmp_path / "in/pairs.txt").exists() and project_pairs(tmp_path) == BOTH
