"""Pictures: decoded, turned upright, brought into sRGB, made smaller, and written anew as WebP without any of their metadata."""

from __future__ import annotations

import io
import warnings
from typing import Final

from PIL import Image, ImageCms, ImageOps

from access.previews.orders import THUMBNAIL, Order, page_name
from access.previews.values import DAMAGED, TOO_LARGE, Form, Note, Preview, Unshowable
from repository.findings import N_

#: Width and height of the box that an image of each level fits in, pixels.
LEVELS: Final = (1400, 2800, 5600)
THUMBNAIL_SIZE: Final = 240
#: Larger pictures are not decoded.
MOST_PIXELS: Final = 240_000_000
MOST_FRAMES: Final = 2000
_FORMATS: Final = (
    "PNG", "JPEG", "GIF", "TIFF", "BMP", "DIB", "WEBP", "JPEG2000", "PPM", "ICO", "PCX", "TGA", "PSD", "AVIF", "SGI",
)  # fmt: skip
_SIXTEEN: Final = ("I;16", "I;16B", "I;16L", "I")


def render(order: Order) -> None:
    """Draws frames of a picture: pages of a TIFF, frames of a moving GIF."""
    # the limit is ours, below, and told in words
    Image.init()
    Image.MAX_IMAGE_PIXELS = None
    warnings.simplefilter("ignore")
    try:
        with Image.open(order.source, formats=[name for name in _FORMATS if name in Image.OPEN]) as picture:
            _render(order, picture)
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise Unshowable(DAMAGED, reason=str(error)[:120].replace(str(order.source), order.name)) from error


def _render(order: Order, picture: Image.Image) -> None:
    frames = min(_frames(picture), MOST_FRAMES)
    largest = max(picture.size)
    levels = 1 + sum(largest > box for box in LEVELS[:-1])
    notes = [Note(template=N_("{format}, {width} × {height} pixels"), parameters=_facts(picture))]
    _refuse_giant(picture)
    order.say(Preview(kind=order.kind, form=Form.IMAGE, pages=frames, levels=levels, notes=tuple(notes)))
    for number in range(order.first, min(order.first + order.count, frames + 1)):
        if frames > 1:
            picture.seek(number - 1)
            _refuse_giant(picture)
        box = LEVELS[min(order.level, levels) - 1]
        small = upright(picture, box)
        if number == 1 and order.level == 1:
            order.write(THUMBNAIL, thumbnail(small))
        order.write(page_name(number, "webp", order.level), webp(small))


def upright(picture: Image.Image, box: int) -> Image.Image:
    """The picture as a browser can show it, in a box of this size."""
    profile = picture.info.get("icc_profile")
    if picture.format in ("JPEG", "MPO"):
        # decodes at a half, a quarter or an eighth, which spares memory; it never becomes smaller than the box
        picture.draft(None, (box, box))
    made = ImageOps.exif_transpose(picture)
    assert made is not None
    if made.mode in _SIXTEEN:
        made = _eight_bits(made)
    if max(made.size) > 2 * box and made.mode not in ("P", "1"):
        made = made.reduce(max(made.size) // box)
    made = _in_srgb(made, profile)
    made.thumbnail((box, box), Image.Resampling.LANCZOS)
    return made


def webp(picture: Image.Image, quality: int = 82) -> bytes:
    """The picture as WebP, without metadata."""
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=quality, method=2)
    return stream.getvalue()


def thumbnail(picture: Image.Image) -> bytes:
    """A small one, as WebP."""
    small = picture.copy()
    small.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE), Image.Resampling.LANCZOS)
    return webp(small, quality=70)


def _frames(picture: Image.Image) -> int:
    try:
        return int(getattr(picture, "n_frames", 1))
    except (OSError, SyntaxError, ValueError, EOFError):
        # the first one may be whole though the chain behind it is broken
        return 1


def _facts(picture: Image.Image) -> dict[str, str]:
    return {"format": str(picture.format), "width": str(picture.width), "height": str(picture.height)}


def _refuse_giant(picture: Image.Image) -> None:
    pixels = picture.width * picture.height
    if pixels > MOST_PIXELS:
        raise Unshowable(TOO_LARGE, reason=f"{picture.width} × {picture.height}")


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Grey values of 16 bits stretched over the 8 that a browser shows."""
    wide = picture.convert("I")
    _, high = wide.getextrema()
    assert isinstance(high, int | float)
    # scans fill their 16 bits; measurements often do not, and would be black
    top = 65535.0 if high > 4095 else max(high, 1)
    return wide.point(lambda value: value * (255.0 / top)).convert("L")


def _in_srgb(picture: Image.Image, profile: object) -> Image.Image:
    if picture.mode == "P":
        picture = picture.convert("RGBA" if "transparency" in picture.info else "RGB")
    if picture.mode == "LA" or picture.mode == "PA":
        return picture.convert("RGBA")
    if isinstance(profile, bytes) and picture.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            converted = None
        if converted is not None:
            return converted
    return picture if picture.mode in ("RGB", "RGBA", "L") else picture.convert("RGB")
