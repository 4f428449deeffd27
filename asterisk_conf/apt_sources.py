"""The machine's own apt sources, in both formats of sources.list(5): the one-line style and deb822."""

import platform
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from asterisk_conf.errors import MirrorUnknown

_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s*(?P<components>.*)")
_MOVING = ("stable", "testing", "unstable", "sid")
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


def own_sources(folder: Path) -> tuple[AptSource, ...]:
    """What the machine's own release is fetched from: `main` of it, of its updates and its security suite.

    Raises MirrorUnknown where this is no Debian, or its sources under `folder` name no mirror.
    """
    release = platform.freedesktop_os_release()
    codename = release.get("VERSION_CODENAME", "")
    if release.get("ID") != "debian" or not codename:
        raise MirrorUnknown(f"this is {release.get('ID', 'an unknown system')}, not Debian: name a Debian mirror")
    kept = suites_of(read_sources(folder), codename)
    if not kept:
        raise MirrorUnknown(f"the apt sources in {folder} name no mirror of Debian {codename}: name a mirror")
    return kept


def own_mirror(folder: Path) -> str:
    """The address that carries the machine's release itself: other releases are there too. Raises MirrorUnknown."""
    for source in own_sources(folder):
        if any("-" not in suite and "/" not in suite for suite in source.suites):
            return source.uri
    raise MirrorUnknown(f"the apt sources in {folder} name only a mirror of updates: name a full mirror")


def suites_of(sources: Iterable[AptSource], codename: str) -> tuple[AptSource, ...]:
    """Those of `sources` that carry the release `codename`, cut down to its suites and to `main`."""
    kept = []
    for source in sources:
        suites = tuple(suite for suite in source.suites if suite.split("-")[0].split("/")[0] in (codename, *_MOVING))
        if suites and "main" in source.components and source.uri.startswith(_USABLE):
            kept.append(AptSource(source.uri, suites, ("main",)))
    return tuple(kept)
