"""The machine's own apt sources, in both formats of sources.list(5): the one-line style and deb822."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s*(?P<components>.*)")
_USABLE = ("http://", "https://", "file:/", "copy:/")


@dataclass(frozen=True)
class AptSource:
    """Binary packages of some suites at one address."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]


def parse_one_line(text: str) -> Iterator[AptSource]:
    """The sources of a `.list` file; `deb-src` and comments are passed over."""
    for raw in text.splitlines():
        found = _ONE_LINE.fullmatch(raw.split("#", 1)[0].strip())
        if found:
            yield AptSource(found["uri"], (found["suite"],), tuple(found["components"].split()))


def parse_deb822(text: str) -> Iterator[AptSource]:
    """The sources of a `.sources` file; stanzas that are disabled or of type deb-src only are passed over."""
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false", "0"):
            continue
        for uri in fields.get("uris", "").split():
            yield AptSource(uri, tuple(fields.get("suites", "").split()), tuple(fields.get("components", "").split()))


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line[0] in " \t":
            fields[name] = f"{fields.get(name, '')} {line.strip()}".strip()
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def read_sources(folder: Path) -> tuple[AptSource, ...]:
    """All sources under an apt configuration folder (`/etc/apt`), in apt's own order."""
    found: list[AptSource] = []
    main = folder / "sources.list"
    if main.is_file():
        found += parse_one_line(main.read_text(encoding="utf-8"))
    parts = folder / "sources.list.d"
    for part in sorted(parts.iterdir()) if parts.is_dir() else ():
        if part.suffix == ".list":
            found += parse_one_line(part.read_text(encoding="utf-8"))
        elif part.suffix == ".sources":
            found += parse_deb822(part.read_text(encoding="utf-8"))
    return tuple(found)


def suites_of(sources: Iterable[AptSource], codename: str) -> tuple[AptSource, ...]:
    """The sources that carry the release `codename` itself: `main` of it, of its updates, of its security suite."""
    kept = []
    for source in sources:
        suites = tuple(suite for suite in source.suites if suite.split("-")[0].split("/")[0] == codename)
        if suites and "main" in source.components and source.uri.startswith(_USABLE):
            kept.append(AptSource(source.uri, suites, ("main",)))
    return tuple(kept)


def mirror_of(sources: Iterable[AptSource], codename: str) -> str | None:
    """The address that carries the release itself (not only its security fixes): other suites are there too."""
    for source in suites_of(sources, codename):
        if codename in source.suites:
            return source.uri
    return None
