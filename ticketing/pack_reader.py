"""Reads a pack's files into its structs and remembers the line of everything, so that every fault can name its place.

One reading collects all faults; nothing is raised before the end (`Faults.raise_if_any`).
"""

import csv
import difflib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, get_args, get_origin

import msgspec
import yaml

from ticketing.errors import SitePackBroken

_Part = TypeVar("_Part", bound=msgspec.Struct)
_Path: TypeAlias = tuple[str | int, ...]
_YAML_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Faults:
    """What is wrong with a pack so far."""

    def __init__(self) -> None:
        self._found: list[tuple[str, int, str]] = []

    def add(self, file: str, line: int, wrong: str, mend: str) -> None:
        """Note a fault of `file` at `line` (from 1)."""
        self._found.append((file, line, f"{file}:{line}: {wrong}; {mend}"))

    @property
    def lines(self) -> list[str]:
        """Every fault as a line, by file and line."""
        return [text for _, _, text in sorted(self._found)]

    def raise_if_any(self) -> None:
        """Raise `SitePackBroken` with every fault, if there is one."""
        if self._found:
            raise SitePackBroken(self.lines)


class Read(Generic[_Part]):
    """The parts of one file, each with the line it stands on."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._parts: list[tuple[int, _Part]] = []

    def add(self, line: int, part: _Part) -> None:
        """Append a part that stands on `line`."""
        self._parts.append((line, part))

    def __iter__(self) -> Iterator[tuple[int, _Part]]:
        return iter(self._parts)


class Document(Generic[_Part]):
    """One YAML document: the whole part, and the line of each path of keys in it."""

    def __init__(self, file: str, part: _Part, node: yaml.Node) -> None:
        self.file = file
        self.part = part
        self._node = node

    def line(self, *path: str | int) -> int:
        """The line of `path` (keys and indexes), or of the nearest thing above it that is there."""
        return _line_of(self._node, path)


def read_table(faults: Faults, folder: Path, name: str, kind: type[_Part]) -> Read[_Part]:
    """Read a CSV file with a header row; lists are separated by `|` inside a cell, an empty cell is None or no item."""
    read: Read[_Part] = Read(name)
    text = _text_of(faults, folder, name)
    if text is None:
        return read
    rows = csv.reader(text.splitlines(keepends=True))
    header = next(rows, [])
    types = {field.encode_name: field.type for field in msgspec.structs.fields(kind)}
    for column in header:
        if column not in types:
            faults.add(name, 1, f"unknown column {column!r}", _did_you_mean(column, list(types), "remove it"))
    missing = [column for column in types if column not in header]
    for column in missing:
        faults.add(name, 1, f"column {column!r} is missing", "add it to the header and to every row")
    if missing:
        return read
    for cells in rows:
        line = rows.line_num
        if len(cells) != len(header):
            faults.add(name, line, f"{len(cells)} cells where the header has {len(header)}", "check commas and quotes")
            continue
        values = {
            column: _cell(cell, types[column]) for column, cell in zip(header, cells, strict=True) if column in types
        }
        part = _Builder(faults, name, _always(line), strict=False).build(values, kind)
        if part is not None:
            read.add(line, part)
    return read


def read_json_lines(faults: Faults, folder: Path, name: str, kind: type[_Part]) -> Read[_Part]:
    """Read a file of one JSON object a line."""
    read: Read[_Part] = Read(name)
    text = _text_of(faults, folder, name)
    for line, record in enumerate((text or "").split("\n"), start=1):
        if not record.strip():
            continue
        try:
            values = json.loads(record)
        except json.JSONDecodeError as error:
            faults.add(name, line, f"not JSON ({error.msg} at column {error.colno})", "write one object a line")
            continue
        part = _Builder(faults, name, _always(line), strict=True).build(values, kind)
        if part is not None:
            read.add(line, part)
    return read


def read_yaml(faults: Faults, folder: Path, name: str, kind: type[_Part]) -> Document[_Part] | None:
    """Read a YAML file; None when it has faults of form (they are noted)."""
    text = _text_of(faults, folder, name)
    if text is None:
        return None
    loader = _YAML_LOADER(text)
    try:
        node = loader.get_single_node()
        values = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        wrong = getattr(error, "problem", None) or getattr(error, "reason", "unreadable")
        faults.add(name, mark.line + 1 if mark else 1, f"not YAML ({wrong})", "check indentation and quotes")
        return None
    finally:
        loader.dispose()
    if node is None:
        faults.add(name, 1, "the file is empty", "fill it in, or copy the embedded pack's")
        return None
    _note_repeated_keys(faults, name, node)
    part = _Builder(faults, name, lambda path: _line_of(node, path), strict=True).build(values, kind)
    return None if part is None else Document(name, part, node)


def _text_of(faults: Faults, folder: Path, name: str) -> str | None:
    try:
        return (folder / name).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        faults.add(name, 1, f"not UTF-8 (byte {error.start})", "save it as UTF-8")
    except OSError as error:
        faults.add(name, 1, f"cannot be read ({error.strerror})", "put it there or correct its name")
    return None


class _Builder:
    """Makes structs of plain values, noting every fault instead of stopping at the first."""

    def __init__(self, faults: Faults, file: str, line_of: Callable[[_Path], int], *, strict: bool) -> None:
        self._faults = faults
        self._file = file
        self._line_of = line_of
        self._strict = strict  # False: numbers and booleans are still text, as a CSV cell is

    def build(self, value: Any, kind: type[_Part]) -> _Part | None:
        """`value` as `kind`; None when it had faults."""
        try:
            return msgspec.convert(value, kind, strict=self._strict)
        except msgspec.ValidationError:
            self._explain(value, kind, ())
            return None

    def _explain(self, value: Any, kind: Any, path: _Path) -> None:
        """Find what `msgspec.convert` refused, all of it."""
        part = _struct_inside(kind)
        if part is None:
            try:
                msgspec.convert(value, kind, strict=self._strict)
            except msgspec.ValidationError as error:
                what = str(error).partition(" - at `")[0]
                where = ".".join(map(str, path))
                self._add(path, f"{where} is {value!r}: {what}", "correct it")
        elif kind is part or not isinstance(value, dict | list):
            self._explain_struct(value, kind, part, path)
        elif isinstance(value, list) and get_origin(kind) is tuple:
            for index, one in enumerate(value):
                self._explain(one, part, (*path, index))
        elif isinstance(value, dict) and get_origin(kind) is dict:
            for key, one in value.items():
                self._explain(one, part, (*path, key))
        else:
            self._explain_struct(value, kind, part, path)

    def _explain_struct(self, value: Any, kind: Any, part: type[msgspec.Struct], path: _Path) -> None:
        if value is None and type(None) in get_args(kind):
            return
        here = str(path[-1]) if path else "the document"
        if not isinstance(value, dict):
            wanted = "a list" if get_origin(kind) is tuple else "a mapping"
            self._add(path, f"{here} must be {wanted}, not {value!r}", "correct it")
            return
        fields = {field.encode_name: field for field in msgspec.structs.fields(part)}
        for key in value:
            if key not in fields:
                self._add((*path, key), f"unknown key {key!r}", _did_you_mean(str(key), list(fields), "remove it"))
        for key, field in fields.items():
            if key in value:
                self._explain(value[key], field.type, (*path, key))
            elif field.required:
                self._add(path, f"{here} lacks {key!r}", "add it")

    def _add(self, path: _Path, wrong: str, mend: str) -> None:
        self._faults.add(self._file, self._line_of(path), wrong, mend)


def _always(line: int) -> Callable[[_Path], int]:
    return lambda _: line


def _cell(text: str, kind: Any) -> Any:
    if get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    if get_origin(kind) is tuple:
        return text.split("|") if text else []
    return None if text == "" and type(None) in get_args(kind) else text


def _struct_inside(kind: Any) -> type[msgspec.Struct] | None:
    """The struct in `S`, `dict[str, S]`, `tuple[S, ...]` or `S | None`."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    for inner in get_args(kind):
        if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            return inner
    return None


def _line_of(node: yaml.Node, path: _Path) -> int:
    line = 1
    for step in path:
        below = _child(node, step)
        if below is None:
            break
        node, line = below
    return line


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        for key, below in node.value:
            if key.value == str(step):
                return below, key.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        below = node.value[step]
        return below, below.start_mark.line + 1
    return None


def _note_repeated_keys(faults: Faults, file: str, node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, below in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                faults.add(file, line, f"key {key.value!r} stands on line {seen[key.value]} already", "keep one")
            seen.setdefault(key.value, line)
            _note_repeated_keys(faults, file, below)
    elif isinstance(node, yaml.SequenceNode):
        for below in node.value:
            _note_repeated_keys(faults, file, below)


def _did_you_mean(word: str, known: list[str], otherwise: str) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise
