"""Sound and film: a viewing copy of modest size that every browser plays, made by FFmpeg without a network."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

from PIL import Image

from access.previews.orders import FILM, SOUND, THUMBNAIL, Order
from access.previews.rendering.pictures import thumbnail
from access.previews.values import DAMAGED, NO_PROGRAM, Form, Note, Preview, Unshowable
from repository.findings import N_

PROGRAM: Final = "ffmpeg"
#: Readers of containers that lead to no other file; playlists and their kin would.
_READERS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,wav,mp3,flac,ogg,aac,asf,flv,mpeg,mpegts,mpegvideo,aiff,amr,au,dv,w64,m4v,h264,hevc"
)
_GUARDED: Final = ("-hide_banner", "-loglevel", "error", "-protocol_whitelist", "file,pipe", "-format_whitelist", _READERS)
#: Pictures of a film are at most so wide, and so many a second.
_WIDTH: Final = 854
_RATE: Final = 25


def render(order: Order) -> None:
    """Makes the viewing copy, and of a film a small picture."""
    if shutil.which(PROGRAM) is None or shutil.which("ffprobe") is None:
        raise Unshowable(NO_PROGRAM, lasting=False, program="FFmpeg")
    about = _probe(order)
    streams = [stream for stream in about.get("streams", ()) if not stream.get("disposition", {}).get("attached_pic")]
    kinds = {stream.get("codec_type") for stream in streams}
    if "video" in kinds:
        _film(order)
        form = Form.FILM
    elif "audio" in kinds:
        _sound(order)
        form = Form.SOUND
    else:
        raise Unshowable(DAMAGED, reason="FFmpeg")
    notes = [Note(template=N_("A viewing copy in lower quality; the original stays in the archive."))]
    seconds = about.get("format", {}).get("duration")
    if seconds is not None:
        notes.append(Note(template=N_("Duration {duration}"), parameters={"duration": _clock(float(seconds))}))
    order.say(Preview(kind=order.kind, form=form, pages=1, notes=tuple(notes)))


def _probe(order: Order) -> dict[str, Any]:
    done = _run("ffprobe", *_GUARDED, "-of", "json", "-show_format", "-show_streams", str(order.source))
    if done.returncode:
        raise Unshowable(DAMAGED, reason="FFmpeg")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _film(order: Order) -> None:
    size = f"scale=w='trunc(min({_WIDTH},iw)/2)*2':h='trunc(ow/a/2)*2',fps='min({_RATE},source_fps)',format=yuv420p"
    _make(
        order, FILM, "-map", "0:v:0", "-map", "0:a:0?", "-vf", size,
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "29", "-profile:v", "main", "-g", "50",
        "-c:a", "aac", "-b:a", "64k", "-ac", "2",
    )  # fmt: skip
    still = Path.cwd() / "still.png"
    _run(PROGRAM, *_GUARDED, "-nostdin", "-y", "-i", str(order.target / FILM), "-frames:v", "1", str(still))
    if still.is_file():
        with Image.open(still, formats=("PNG",)) as picture:
            order.write(THUMBNAIL, thumbnail(picture.convert("RGB")))


def _sound(order: Order) -> None:
    _make(order, SOUND, "-map", "0:a:0", "-vn", "-c:a", "aac", "-b:a", "64k", "-ac", "2")


def _make(order: Order, name: str, *options: str) -> None:
    made = Path.cwd() / name
    before = (*_GUARDED, "-nostdin", "-y", "-threads", "2", "-i", str(order.source))
    after = ("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", "-threads", "2", "-movflags", "+faststart", str(made))
    done = _run(PROGRAM, *before, *options, *after)
    if done.returncode or not made.is_file() or made.stat().st_size == 0:
        raise Unshowable(DAMAGED, reason="FFmpeg")
    made.replace(order.target / name)


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)


def _clock(seconds: float) -> str:
    whole = int(seconds + 0.5)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"
