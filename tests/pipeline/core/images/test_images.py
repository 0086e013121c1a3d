"""Any picture a user may bring becomes upright 8-bit sRGB, or one clear line."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from pipeline.core import images
from pipeline.core.errors import InputError
from pipeline.core.images.icc import srgb_profile


def picture(height: int = 96, width: int = 128) -> np.ndarray:
    """A smooth gradient with a marked corner, so that rotations and swaps show."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x * 255 // width, y * 255 // height, np.full_like(x, 90)], -1).astype(np.uint8)
    rgb[:16, :16] = (250, 10, 10)
    return rgb


def save(image: Image.Image, path: Path, **options: object) -> Path:
    image.save(path, **options)
    return path


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_gives_the_upright_picture(tmp_path: Path, orientation: int):
    upright = Image.fromarray(picture())
    turns = {
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_90",
        7: "TRANSVERSE",
        8: "ROTATE_270",
    }
    stored = upright.transpose(Image.Transpose[turns[orientation]]) if orientation in turns else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = save(stored, tmp_path / "a.png", exif=exif)
    assert np.array_equal(images.read_photo(path).rgb, picture())


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA", "CMYK", "1", "I;16", "I", "F", "YCbCr", "LAB"])
def test_every_mode_becomes_rgb8(tmp_path: Path, mode: str):
    grey = Image.fromarray(picture()[..., 0])
    if mode in {"I;16", "I"}:
        image = Image.fromarray(picture()[..., 0].astype(np.uint16 if mode == "I;16" else np.int32) * 257)
    elif mode == "F":
        image = Image.fromarray(picture()[..., 0].astype(np.float32))
    else:
        image = (grey if mode in {"1"} else Image.fromarray(picture())).convert(mode)
    path = save(image, tmp_path / "a.tif")
    images.check_photo(path)
    rgb = images.read_photo(path).rgb
    assert rgb.shape == (96, 128, 3) and rgb.dtype == np.uint8
    assert rgb[50, 100].max() > 60 and rgb.std() > 10


def test_a_16_bit_png_is_scaled_and_not_clipped(tmp_path: Path):
    values = np.linspace(0, 65535, 128, dtype=np.uint16)[None].repeat(96, 0)
    path = save(Image.fromarray(values), tmp_path / "deep.png")
    assert np.abs(images.read_photo(path).rgb[0, :, 0].astype(int) - values[0] // 257).max() <= 1


def test_a_palette_with_transparency_and_la_keep_their_alpha(tmp_path: Path):
    alpha = np.full((96, 128), 255, np.uint8)
    alpha[:, :40] = 0
    rgba = Image.fromarray(np.dstack([picture(), alpha]))
    palette = rgba.convert("RGB").quantize(64)
    palette.info["transparency"] = 0
    for image, name in ((rgba.convert("LA"), "la.png"), (rgba, "rgba.webp")):
        photo = images.read_photo(save(image, tmp_path / name, **({"lossless": True} if name.endswith("webp") else {})))
        assert photo.alpha is not None and np.array_equal(photo.alpha, alpha)
        assert photo.rgb[:, :40].min() == 255
    assert images.read_photo(save(palette, tmp_path / "p.png", transparency=0)).rgb.shape == (96, 128, 3)


def test_an_opaque_alpha_channel_counts_as_none(tmp_path: Path):
    image = Image.fromarray(np.dstack([picture(), np.full((96, 128), 255, np.uint8)]))
    assert images.read_photo(save(image, tmp_path / "a.png")).alpha is None


def test_the_first_picture_of_an_animation_is_taken(tmp_path: Path):
    frames = [Image.fromarray(picture()), Image.fromarray(255 - picture())]
    for name in ("a.gif", "a.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=50)
        photo = images.read_photo(tmp_path / name)
        assert np.abs(photo.rgb.astype(int) - picture()).mean() < 12
        assert photo.frames == 2
    assert images.read_photo(save(frames[0], tmp_path / "one.gif")).frames == 1


def test_a_second_picture_that_a_camera_adds_is_no_animation(tmp_path: Path):
    frames = [Image.fromarray(picture()), Image.fromarray(picture()).resize((64, 64))]
    frames[0].save(tmp_path / "a.mpo", save_all=True, append_images=frames[1:])
    assert images.read_photo(tmp_path / "a.mpo").frames == 1


def test_display_p3_is_converted_to_srgb(tmp_path: Path):
    profile = ImageCms.ImageCmsProfile(io.BytesIO(display_p3()))
    image = Image.fromarray(np.full((96, 96, 3), (200, 60, 60), np.uint8))
    path = save(image, tmp_path / "p3.png", icc_profile=profile.tobytes())
    red, green, _ = (int(value) for value in images.read_photo(path).rgb[50, 50])
    assert red > 205 and green < 56  # the same colour needs more saturated numbers in the smaller gamut


def display_p3() -> bytes:
    """A matrix profile with Display-P3's primaries and a plain gamma of 2.2, written tag by tag."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    xyz = {"rXYZ": (0.51512, 0.2412, -0.00105), "gXYZ": (0.29198, 0.69225, 0.04189), "bXYZ": (0.1571, 0.06657, 0.78407)}
    tags = {
        name.encode(): b"XYZ \0\0\0\0" + b"".join(map(fixed, value))
        for name, value in {**xyz, "wtpt": (0.9642, 1.0, 0.8249)}.items()
    }
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    text = b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + b"\0" * 78 + b"\0\0\0"
    tags |= {b"rTRC": curve, b"gTRC": curve, b"bTRC": curve, b"desc": text, b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    table, body, offset = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        data += b"\0" * (-len(data) % 4)
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    head = (
        b"\0" * 8
        + b"\x02\x10\0\0mntrRGB XYZ "
        + b"\0" * 12
        + b"acsp"
        + b"\0" * 28
        + fixed(0.9642)
        + fixed(1.0)
        + fixed(0.8249)
        + b"\0" * 48
    )
    return struct.pack(">I", 128 + len(table) + len(body)) + head[4:128] + table + body


def test_a_broken_profile_does_not_lose_the_picture(tmp_path: Path):
    path = save(Image.fromarray(picture()), tmp_path / "a.png", icc_profile=b"not a profile")
    assert np.array_equal(images.read_photo(path).rgb, picture())


@pytest.mark.parametrize("name", ["a.heic", "a.avif"])
def test_heic_and_avif_are_read(tmp_path: Path, name: str):
    if name.endswith("heic"):
        import pillow_heif

        pillow_heif.register_heif_opener()
    path = save(Image.fromarray(picture()), tmp_path / name, quality=95)
    assert np.abs(images.read_photo(path).rgb.astype(int) - picture()).mean() < 6


def test_heic_without_its_plug_in_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import sys

    path = tmp_path / "a.heic"
    path.write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 200)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(InputError, match="pillow-heif") as caught:
        images.read_photo(path)
    assert "pip install" in caught.value.remedy


def test_a_png_named_jpg_is_read_by_its_content(tmp_path: Path):
    path = tmp_path / "a.jpg"
    path.write_bytes(images.png(picture()))
    assert np.array_equal(images.read_photo(path).rgb, picture())


READERS = (images.read_photo, images.check_photo)
"""What refuses a picture: a run, and an upload, which keeps no pixels."""


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<html>not found</html>", "not a picture"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "cannot be opened|not a picture|damaged"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", "not a picture"),
    ],
)
def test_a_file_that_is_no_picture_gets_one_line(tmp_path: Path, content: bytes, reason: str, read: Callable[[Path], object]):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason) as caught:
        read(path)
    assert "a.jpg" in caught.value.message and caught.value.remedy


@pytest.mark.parametrize("read", READERS)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "TIFF"])
@pytest.mark.parametrize("share", [0.4, 0.9])
def test_a_truncated_picture_is_refused_and_not_half_read(
    tmp_path: Path, kind: str, share: float, read: Callable[[Path], object]
):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (96, 128, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    path = tmp_path / "cut.jpg"
    path.write_bytes(buffer.getvalue()[: int(share * len(buffer.getvalue()))])
    with pytest.raises(InputError, match=r"cut\.jpg"):
        read(path)


def test_a_decompression_bomb_is_refused_before_its_pixels_are_decoded(tmp_path: Path):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path = tmp_path / "bomb.png"
    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    )
    with pytest.raises(InputError, match=r"bomb\.png: 900 megapixels, more than the 178 megapixels allowed"):
        images.read_photo(path)


def test_one_pixel_is_too_small_and_a_long_strip_is_not(tmp_path: Path):
    for read in READERS:
        with pytest.raises(InputError, match="1×1 is too small"):
            read(save(Image.new("RGB", (1, 1)), tmp_path / "dot.png"))
    assert images.read_photo(save(Image.new("RGB", (10000, 200)), tmp_path / "strip.png")).rgb.shape == (200, 10000, 3)


def test_an_unreadable_file_is_reported_by_name(tmp_path: Path):
    folder = tmp_path / "a.jpg"
    folder.mkdir()
    with pytest.raises(InputError, match="cannot be opened"):
        images.read_photo(folder)


def test_a_large_photo_is_scaled_for_work_and_says_from_what(tmp_path: Path):
    path = save(Image.new("RGB", (2000, 1000), (9, 9, 9)), tmp_path / "big.png")
    photo = images.read_photo(path, max_megapixels=0.5)
    assert photo.scaled_from == (1000, 2000)
    assert photo.rgb.shape[0] * photo.rgb.shape[1] <= 500_000 and photo.rgb.shape[1] == 2 * photo.rgb.shape[0]


def test_the_same_pixels_give_the_same_bytes_and_carry_their_recipe(tmp_path: Path):
    recipe = {"engine": "preview", "seed": 7, "name": "사람"}
    first, second = (images.png(picture(), recipe) for _ in range(2))
    assert first == second
    path = tmp_path / "a.png"
    path.write_bytes(first)
    assert images.read_recipe(path) == recipe


def test_label_maps_keep_their_numbers_in_palette_mode(tmp_path: Path):
    labels = (np.arange(96 * 128).reshape(96, 128) % 20).astype(np.uint8)
    path = tmp_path / "parse.png"
    path.write_bytes(images.labels_png(labels))
    assert np.array_equal(images.read_labels(path), labels)
    assert Image.open(path).mode == "P"


def test_a_colour_picture_is_no_label_map(tmp_path: Path):
    with pytest.raises(InputError, match="label numbers"):
        images.read_labels(save(Image.fromarray(picture()), tmp_path / "a.png"))


def test_jpeg_masks_are_read_with_a_threshold_at_128(tmp_path: Path):
    mask = np.zeros((96, 128), bool)
    mask[20:70, 30:90] = True
    path = tmp_path / "mask.jpg"
    path.write_bytes(images.jpeg(mask.astype(np.uint8) * 255, quality=60))
    assert np.array_equal(images.read_mask(path), mask)


FORMS = ("png", "jpeg", "webp")


def _finished(tmp_path: Path, form: str, recipe: dict | None) -> Path:
    rgb = np.random.default_rng(3).integers(0, 256, (70, 90, 3)).astype(np.uint8)
    path = tmp_path / f"final.{form}"
    path.write_bytes(images.finished(rgb, form, 90, recipe))
    assert path.read_bytes() == images.finished(rgb, form, 90, recipe)
    return path


@pytest.mark.parametrize("form", FORMS)
def test_a_finished_picture_carries_srgb_and_its_recipe_in_every_format(tmp_path: Path, form: str) -> None:
    recipe = {"scene": "zoë__tee__sea", "placements": [{"foot": [1.5, 2]}]}
    path = _finished(tmp_path, form, recipe)
    assert images.read_recipe(path) == recipe
    with Image.open(path) as image:
        assert image.format == form.upper()
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)


@pytest.mark.parametrize("form", FORMS)
def test_without_metadata_only_the_profile_is_left(tmp_path: Path, form: str) -> None:
    path = _finished(tmp_path, form, None)
    assert images.read_recipe(path) is None
    with Image.open(path) as image:
        assert "icc_profile" in image.info and not image.getexif() and not {"exif", "xmp", "lookbook"} & set(image.info)


def test_our_profile_is_srgb_and_leaves_our_own_pixels_alone(tmp_path: Path) -> None:
    rgb = np.random.default_rng(4).integers(0, 256, (70, 90, 3)).astype(np.uint8)
    ours = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    through = ImageCms.profileToProfile(Image.fromarray(rgb), ours, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert np.abs(np.asarray(through).astype(int) - rgb).max() <= 1
    path = tmp_path / "final.png"
    path.write_bytes(images.finished(rgb))
    assert (images.read_rgb(path) == rgb).all()


def test_a_jpeg_of_higher_quality_is_nearer_to_the_pixels(tmp_path: Path) -> None:
    rgb = np.random.default_rng(5).integers(0, 256, (70, 90, 3)).astype(np.uint8)
    far = []
    for quality in (30, 95):
        (tmp_path / "a.jpg").write_bytes(images.finished(rgb, "jpeg", quality))
        far.append(np.abs(images.read_rgb(tmp_path / "a.jpg").astype(int) - rgb).mean())
    assert far[1] < far[0] / 2


@pytest.mark.parametrize(("form", "most"), [("webp", 16383), ("jpeg", 65500)])
def test_a_picture_too_large_for_its_format_names_the_way_out(form: str, most: int) -> None:
    assert images.finished(np.zeros((2, most, 3), np.uint8), form)
    with pytest.raises(InputError, match=str(most)) as caught:
        images.finished(np.zeros((2, most + 1, 3), np.uint8), form)
    assert "compose.format=png" in caught.value.remedy


def test_somebody_else_s_comment_is_no_recipe(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0taken at dusk"
    Image.new("RGB", (70, 70)).save(tmp_path / "a.jpg", exif=exif.tobytes())
    assert images.read_recipe(tmp_path / "a.jpg") is None
