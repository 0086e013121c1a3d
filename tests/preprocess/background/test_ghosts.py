"""A network's limb that is half there sends the photo to the embedded matte; haze beside the person is cleared."""

import cv2
import numpy as np
import pytest

from pipeline.core.rect import Rect
from preprocess.background.ghosts import core_alpha, ghost_limb, without_haze
from preprocess.background.people import Selection
from preprocess.background.rembg import U2net
from preprocess.person.landmarks import Landmarks
from preprocess.person.not_found import NotFound

SIZE = (400, 300)
JOINTS = {11: (190, 110), 12: (110, 110), 13: (225, 170), 14: (75, 170), 15: (250, 230), 16: (50, 230)}
JOINTS |= {23: (175, 230), 24: (125, 230), 25: (175, 300), 26: (125, 300), 27: (175, 370), 28: (125, 370)}
BONES = ((11, 13), (13, 15), (12, 14), (14, 16), (23, 25), (25, 27), (24, 26), (26, 28))


def body(**hidden):
    points = np.zeros((33, 4), np.float32)
    for index, place in JOINTS.items():
        points[index] = (*place, 0, hidden.get(f"point_{index}", 0.95))
    return points


def drawn(*bones, value=255, width=22):
    alpha = np.zeros(SIZE, np.uint8)
    for a, b in bones:
        cv2.line(alpha, JOINTS[a], JOINTS[b], value, width)
    return alpha


TRUNK = cv2.fillPoly(np.zeros(SIZE, np.uint8), [np.array([JOINTS[i] for i in (11, 12, 24, 23)])], 255)
WHOLE = np.maximum(TRUNK, drawn(*BONES))


@pytest.mark.parametrize(("bones", "value", "limb"), [
    (((11, 13), (13, 15)), 110, "left arm"),
    (((14, 16),), 60, "right arm"),
    (((25, 27),), 0, "left leg"),
], ids=["a ghost of an arm", "a faint forearm", "a shin that is gone"])  # fmt: skip
def test_a_limb_of_alpha_between_is_a_ghost(bones, value, limb):
    network = np.maximum(TRUNK, drawn(*[each for each in BONES if each not in bones]))
    network = np.maximum(network, drawn(*bones, value=value))
    assert ghost_limb(network, WHOLE, body()) == limb


def test_a_whole_person_with_thin_soft_arms_has_no_ghost():
    thin = cv2.GaussianBlur(np.maximum(TRUNK, drawn(*BONES, width=16)), (0, 0), 1.5)
    assert ghost_limb(thin, WHOLE, body()) == ""


def test_an_arm_whose_joints_were_guessed_proves_nothing():
    network = np.maximum(TRUNK, drawn(*[each for each in BONES if 16 not in each]))
    assert ghost_limb(network, WHOLE, body(point_16=0.2)) == ""


def test_haze_away_from_the_person_is_cleared_and_hair_at_them_stays():
    hair = np.zeros(SIZE, np.uint8)
    hair[103:110, 130:170] = 70
    haze = np.zeros(SIZE, np.uint8)
    haze[40:80, 230:280] = 90
    cleared = without_haze(np.maximum(WHOLE, np.maximum(hair, haze)), WHOLE)
    assert np.array_equal(cleared, np.maximum(WHOLE, hair))


def test_core_alpha_is_the_mean_of_the_inside():
    assert core_alpha(np.full(SIZE, 51, np.uint8), WHOLE > 0) == pytest.approx(0.2)
    assert core_alpha(WHOLE, np.zeros(SIZE, bool)) == 1.0


# --- a network's window ------------------------------------------------------------------------------------------------


class Answers:
    """Instead of a network: the answers of its calls in turn, cut or not cut as asked for."""

    def __init__(self, *answers):
        self.answers, self.calls = list(answers), 0

    def __call__(self, photos):
        self.calls += 1
        return [self.answers[self.calls - 1](photo.shape[:2]) for photo in photos]


def share(alpha):
    return alpha.astype(np.float32) / 255


def matte_by(tmp_path, monkeypatch, *answers):
    """What becomes of the answers to one photo with a person on a wide wall: the matte, and the number of calls."""
    backend, rough = U2net(tmp_path), np.pad(WHOLE, ((0, 0), (600, 600)))
    network = Answers(*answers)
    monkeypatch.setattr(backend, "_network", network)
    monkeypatch.setattr(backend._embedded, "matte_of", lambda photo, selection: rough)
    points = body()
    points[:, 0] += 600
    landmarks = Landmarks(rough.shape, points, np.zeros((0, 2), np.float32), Rect(100, 640, 280, 220), 1)
    nobody = np.zeros(rough.shape, np.float32)
    selection = Selection(landmarks, share(rough), nobody, (0.1,), 0)
    (matte,) = backend.mattes_of([np.full((*rough.shape, 3), 90, np.uint8)], [selection])
    return matte, network.calls, rough


def centred(alpha, size):
    """The person of `WHOLE` in a window of this size that ends at the photo's lower edge and has them in its middle."""
    window = np.zeros(size, np.float32)
    rows, left = min(size[0], SIZE[0]), (size[1] - SIZE[1]) // 2
    if left < 0:
        return share(alpha)[-rows:, -left : -left + size[1]]
    window[-rows:, left : left + SIZE[1]] = share(alpha)[-rows:]
    return window


def test_a_window_that_shows_the_whole_person_is_not_asked_about_twice(tmp_path, monkeypatch):
    matte, calls, rough = matte_by(tmp_path, monkeypatch, lambda size: centred(WHOLE, size))
    assert calls == 1 and np.mean(matte[rough > 0] > 200) > 0.95


def test_a_window_that_hurts_gives_way_to_the_whole_photo(tmp_path, monkeypatch):
    half = np.where(np.arange(SIZE[1])[None, :] < 150, WHOLE, 90).astype(np.uint8) * (WHOLE > 0)
    matte, calls, rough = matte_by(
        tmp_path, monkeypatch, lambda size: centred(half, size), lambda size: centred(WHOLE, size)
    )  # fmt: skip
    assert calls == 2 and np.mean(matte[rough > 0] > 200) > 0.95


def test_the_window_stays_where_the_whole_photo_shows_less(tmp_path, monkeypatch):
    soft = np.where(WHOLE > 0, 240, 0).astype(np.uint8)
    matte, calls, rough = matte_by(
        tmp_path, monkeypatch, lambda size: centred(soft, size), lambda size: centred(WHOLE // 3, size)
    )
    assert calls == 2 and matte[rough > 0].min() >= 239


def test_a_ghost_arm_is_said_by_name(tmp_path, monkeypatch):
    ghost = np.maximum(np.maximum(TRUNK, drawn(BONES[0], *BONES[2:])), drawn(BONES[1], value=110))
    answer, _, _ = matte_by(tmp_path, monkeypatch, *[lambda size: centred(ghost, size)] * 2)
    assert answer == NotFound("u2net shows the left arm only half, or not at all")
