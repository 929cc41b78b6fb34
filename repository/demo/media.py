"""Pictures, sound and film of the invented cases: drawn, sounded and filmed here, nobody's face and nobody's voice."""

from __future__ import annotations

import array
import io
import math
import random
import struct
import sys
import wave
from typing import Final

from PIL import Image, ImageDraw, ImageFont

_INK: Final = (40, 45, 70)
_RED: Final = (196, 40, 40)
_SEAL_LETTERS: Final = "YUNQI CITY"


def scan(number: str, dice: random.Random, *, paragraphs: int = 4) -> bytes:
    """A JPEG that looks like a scanned form: paper, ruled boxes, handwriting, a seal, and the number of the case."""
    width, height = 744, 1052
    page = Image.new("RGB", (width, height), (250, 248, 240))
    draw = ImageDraw.Draw(page)
    draw.text((60, 40), number, fill=_INK, font=ImageFont.load_default(22))
    top = 100
    for _ in range(paragraphs):
        rows = dice.randint(2, 5)
        for row in range(rows):
            y = top + row * 38
            draw.rectangle((60, y, width - 60, y + 38), outline=(120, 120, 120))
            draw.line((200, y, 200, y + 38), fill=(120, 120, 120))
            _strokes(draw, dice, 70, y + 12, 120)
            _strokes(draw, dice, 215, y + 12, dice.randint(150, 440), ink=(20, 30, 120))
        top += rows * 38 + 24
    seal(draw, width - 220, min(top, height - 220))
    return _jpeg(page.rotate(dice.uniform(-0.7, 0.7), fillcolor=(235, 233, 228)), quality=62)


def photograph(number: str, dice: random.Random) -> bytes:
    """A JPEG of an invented street: sky, hill, houses, a pavement."""
    width, height = 800, 600
    picture = Image.new("RGB", (width, height), (170 + dice.randint(-20, 20), 200, 225))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((-200, 260, 700, 800), fill=(90, 130 + dice.randint(-20, 20), 95))
    for house in range(6):
        left = house * 140 + dice.randint(-15, 15)
        roof = 300 - dice.randint(0, 130)
        draw.rectangle((left, roof, left + 120, 480), fill=tuple(dice.randint(120, 220) for _ in range(3)))
        for window in range(8):
            x, y = left + 12 + window % 2 * 54, roof + 16 + window // 2 * 40
            draw.rectangle((x, y, x + 34, y + 24), fill=(60, 70, 90))
    draw.rectangle((0, 480, width, height), fill=(110, 110, 112))
    draw.text((16, 570), number, fill=(255, 220, 60), font=ImageFont.load_default(18))
    return _jpeg(picture, quality=70)


def seal(draw: ImageDraw.ImageDraw, left: int, top: int) -> None:
    """A round red seal of an invented office."""
    draw.ellipse((left, top, left + 150, top + 150), outline=_RED, width=5)
    points = [
        (left + 75 + radius * math.sin(turn * math.pi / 5), top + 75 - radius * math.cos(turn * math.pi / 5))
        for turn in range(10)
        for radius in ((28, 11)[turn % 2],)
    ]
    draw.polygon(points, fill=_RED)
    draw.text((left + 32, top + 112), _SEAL_LETTERS, fill=_RED, font=ImageFont.load_default(15))


def _strokes(draw: ImageDraw.ImageDraw, dice: random.Random, x: int, y: int, length: int, ink: tuple[int, int, int] = _INK) -> None:
    for at in range(x, x + length, 18):
        points = [(at + int(13 * dice.random()), y + int(15 * dice.random())) for _ in range(5)]
        draw.line(points, fill=ink, width=2)


def _jpeg(picture: Image.Image, *, quality: int) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality, dpi=(150, 150))
    return stream.getvalue()


def recording(dice: random.Random, *, seconds: float = 3.0) -> bytes:
    """A WAV (8 kHz, 16 bit, one channel) that rises and falls like a voice behind a door."""
    rate = 8000
    pitch = dice.uniform(95, 180)
    samples = array.array("h")
    for index in range(int(rate * seconds)):
        at = index / rate
        loudness = max(0.0, math.sin(at * 5.1)) * (0.6 + 0.4 * math.sin(at * 1.3))
        tone = math.sin(2 * math.pi * pitch * at) + 0.4 * math.sin(4 * math.pi * pitch * at) + 0.05 * dice.uniform(-1, 1)
        samples.append(int(9000 * loudness * tone))
    if sys.byteorder == "big":
        samples.byteswap()
    stream = io.BytesIO()
    with wave.open(stream, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(samples.tobytes())
    return stream.getvalue()


def film(caption: str, dice: random.Random, *, frames: int = 16) -> bytes:
    """A short MP4 (AV1) of a cart that rolls over a pavement, with a caption as body-worn cameras burn it in.

    Pillow writes AV1 only as a moving AVIF picture; that is the same container (ISO/IEC 14496-12), so the boxes that say
    "picture" are made to say "film".
    """
    colour = tuple(dice.randint(60, 220) for _ in range(3))
    pictures = []
    for number in range(frames):
        picture = Image.new("RGB", (320, 180), (150, 180, 200))
        draw = ImageDraw.Draw(picture)
        draw.rectangle((0, 120, 320, 180), fill=(105, 105, 108))
        left = 10 + number * 220 // frames
        draw.rectangle((left, 95, left + 60, 130), fill=colour)
        draw.ellipse((left + 5, 122, left + 21, 138), fill=(30, 30, 30))
        draw.ellipse((left + 39, 122, left + 55, 138), fill=(30, 30, 30))
        draw.text((6, 6), f"{caption} {number:02d}", fill=(255, 255, 255), font=ImageFont.load_default(12))
        pictures.append(picture)
    stream = io.BytesIO()
    pictures[0].save(
        stream, "AVIF", save_all=True, append_images=pictures[1:], duration=250, quality=40, speed=10, max_threads=1, codec="aom"
    )
    return _as_film(stream.getvalue(), milliseconds=250 * frames)


_CONTAINERS: Final = frozenset({b"moov", b"trak", b"mdia", b"edts"})
_BRANDS: Final = (b"isom", b"iso6", b"mp41", b"mp42", b"av01")


def _as_film(avif: bytes, *, milliseconds: int) -> bytes:
    """The same file as MP4: brands and handler changed, the still-picture box made free space, times of writing taken out.

    Sizes and offsets stay as they are.
    """
    data = bytearray(avif)
    _patch(data, 0, len(data), milliseconds)
    return bytes(data)


def _patch(data: bytearray, start: int, end: int, milliseconds: int) -> None:
    at = start
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if kind == b"ftyp":
            brands = b"".join(_BRANDS * 8)[: size - 16]
            data[body : at + size] = b"isom" + struct.pack(">I", 0x200) + brands
        elif kind == b"meta":
            data[at + 4 : body] = b"free"
            data[body : at + size] = bytes(size - 8)
        elif kind in {b"mvhd", b"tkhd", b"mdhd"}:
            data[body + 4 : body + 20] = bytes(16)
            duration = body + (28 if kind == b"tkhd" else 24)
            struct.pack_into(">Q", data, duration, milliseconds)
        elif kind == b"elst":
            data[body + 3] = 0
        elif kind == b"hdlr":
            data[body + 8 : body + 12] = b"vide"
        elif kind in _CONTAINERS:
            _patch(data, body, at + size, milliseconds)
        at += size
