"""Writing into an instance's `hotline.toml`, what people wrote there left as it stands."""

import tempfile
from pathlib import Path

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from ivr.settings import FILE_NAME, SettingsError, load_settings


def put(home: Path, section: str, key: str, value: str) -> None:
    """Set `[section] key`, comments and order kept; the file is made where there is none. All or nothing.

    Raises `SettingsError` when the file, or what it would then say, cannot be read.
    """
    path = home / FILE_NAME
    try:
        tree = tomlkit.parse(path.read_text("utf-8") if path.exists() else "")
        table = tree.setdefault(section, tomlkit.table())
        if not isinstance(table, Table):
            raise SettingsError(f"{path}: `{section}` is no section; write it as [{section}]")
        table[key] = value
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as scratch:
            trial = Path(scratch)
            (trial / FILE_NAME).write_text(tomlkit.dumps(tree), "utf-8")
            load_settings(trial, {})
            (trial / FILE_NAME).replace(path)
    except TOMLKitError as error:
        raise SettingsError(f"{path}: {error}; mend the file or remove it to use the defaults") from error
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; make it writable") from error
