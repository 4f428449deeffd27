"""The model folder's own README: what it was made from, how well it hears, and what it is not for."""

from importlib.resources import files
from typing import Any


def readme(scores: dict[str, Any], made: dict[str, Any]) -> str:
    """The text with the numbers measured, and those of the making."""
    found = scores["scores"]
    rows = [
        f"| {name} | {score['cer_percent']} % | {score['toneless_syllable_percent']} % |"
        for name, score in found.items()
    ]
    sounds = ", ".join(f"{name}: {count}" for name, count in scores["words_in_wordless_sound"].items())
    text = (files("asr.model.recipe") / "model-readme.md").read_text("utf-8")
    return text.format(
        invented=made["invented_voices"],
        hours=made["hours"],
        note=f" This one: {made['note']}." if "note" in made else "",
        voices=len(scores["held_out_voices"]),
        names=", ".join(scores["held_out_voices"]),
        hotline=scores["sentences"]["hotline"],
        general=scores["sentences"]["general"],
        rows="\n".join(rows),
        places=scores["places_right_percent"],
        wordless=sounds,
        rtf=scores["speed"]["rtf"],
        load=scores["speed"]["load_s"],
    )
