"""What the reference says is what the program does; an undocumented setting or command fails here."""

import re
from pathlib import Path

import msgspec
import pytest
import typer

from ivr.cli import app
from ivr.settings import Settings

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"


def settings_in_code() -> dict[str, object]:
    found: dict[str, object] = {}
    for section in msgspec.structs.fields(Settings):
        if section.name != "home":
            values = getattr(Settings(), section.name)
            found |= {f"[{section.name}] {f.name}": getattr(values, f.name) for f in msgspec.structs.fields(values)}
    return found


def settings_in_docs() -> dict[str, str]:
    rows = re.findall(
        r"^\| `(\[\w+\] \w+)` \| (.+?) \|", (DOCS / "reference" / "settings.md").read_text(), re.MULTILINE
    )
    return dict(rows)


def test_every_setting_is_documented_and_none_else() -> None:
    assert settings_in_docs().keys() == settings_in_code().keys()


@pytest.mark.parametrize(("name", "default"), sorted(settings_in_code().items()))
def test_the_documented_default_is_the_default(name: str, default: object) -> None:
    told = settings_in_docs()[name]
    if default == "":
        assert told.startswith("*(")
    elif isinstance(default, tuple):
        assert told == f"`{list(default)}`".replace("'", '"')
    else:
        assert told == f"`{str(default).lower() if isinstance(default, bool) else default}`"


def commands(group: typer.Typer, prefix: str = "hotline") -> list[str]:
    own = [command.name or getattr(command.callback, "__name__", "") for command in group.registered_commands]
    inner = [(child.name, child.typer_instance) for child in group.registered_groups]
    return [f"{prefix} {name}" for name in own] + [
        name for child, app in inner if app is not None for name in commands(app, f"{prefix} {child}")
    ]


def test_every_command_is_documented_and_none_else() -> None:
    page = (DOCS / "reference" / "commands.md").read_text()
    told = set(re.findall(r"^## `(hotline [a-z -]+?)(?: [A-Z][A-Za-z.|]*)?`$", page, re.MULTILINE))
    assert told == set(commands(app))


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *DOCS.rglob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (page.parent / link).exists(), f"{page.relative_to(ROOT)}: {link}"


def test_no_page_names_a_machine_of_ours() -> None:
    for page in [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")]:
        assert not re.search(r"/work/|/root/|/home/\w", page.read_text()), page


@pytest.mark.parametrize("picture", re.findall(r"docs/pictures/(\S+?)\.svg", (ROOT / "README.md").read_text()))
def test_a_picture_is_what_the_program_shows(picture: str) -> None:
    """Made anew by `python -m tests.console.make_pictures` when a screen was changed on purpose."""
    name = picture.removeprefix("desk-")
    taken = ROOT / "tests" / "console" / "__snapshots__" / "test_pictures" / f"test_screen[{name}-120x40].svg"
    assert (DOCS / "pictures" / f"{picture}.svg").read_text() == taken.read_text()
