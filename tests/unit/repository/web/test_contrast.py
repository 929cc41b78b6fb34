"""The colours of the console can be told apart: contrast computed over the variables of the style sheet (WCAG 2.2)."""

import re
from pathlib import Path

import pytest

STYLES = Path(__file__).parents[4] / "repository/web/static/jingui.css"
VARIABLE = re.compile(r"--([\w-]+):\s*(#[0-9a-f]{6})\s*;", re.IGNORECASE)

GROUNDS = ("paper", "sheet", "quiet-back")
#: Text and what it stands on: 4.5 to 1 (1.4.3).
TEXTS = [
    *((ink, ground) for ink in ("ink", "faint", "bronze", "bronze-deep", "seal", "bad", "warn") for ground in ("paper", "sheet")),
    ("ink", "quiet-back"),
    ("faint", "quiet-back"),
    *((tone, f"{tone}-back") for tone in ("good", "bad", "warn", "busy", "quiet")),
    ("on-bronze", "bronze"),
    ("on-bronze", "bronze-deep"),
    ("on-seal", "seal"),
    ("ink", "warn-back"),
]
#: Parts that must be made out, edges of fields and marks of charts: 3 to 1 (1.4.11).
PARTS = [
    *(("edge", ground) for ground in ("paper", "sheet")),
    *(("busy", ground) for ground in ("paper", "sheet")),
    *((f"chart-{number}", "sheet") for number in (1, 2, 3, 4, 5, "rest")),
]


def colours(theme: str) -> dict[str, str]:
    text = STYLES.read_text(encoding="utf-8")
    light = dict(VARIABLE.findall(text[text.index(":root {") : text.index('[data-bs-theme="dark"] {')]))
    dark = text[text.index('[data-bs-theme="dark"] {') :]
    return light if theme == "light" else {**light, **dict(VARIABLE.findall(dark[: dark.index("}")]))}


def luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_formula_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_text_can_be_read(theme: str) -> None:
    found = colours(theme)
    assert len(found) > 25
    weak = {f"{ink} on {ground}": round(contrast(found[ink], found[ground]), 2) for ink, ground in TEXTS}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_edge_and_mark_can_be_made_out(theme: str) -> None:
    found = colours(theme)
    weak = {f"{part} on {ground}": round(contrast(found[part], found[ground]), 2) for part, ground in PARTS}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 3} == {}


def test_both_looks_have_the_same_colours() -> None:
    text = STYLES.read_text(encoding="utf-8")
    dark = text[text.index('[data-bs-theme="dark"] {') :]
    names = {name for name, _ in VARIABLE.findall(dark[: dark.index("}")])}
    assert names == set(colours("light"))
