"""An instance's configuration from its settings: written aside, put in force in one step, secrets kept over runs."""

import hashlib
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, UndefinedError

from asterisk_conf.errors import RenderFailed, ValueRefused
from asterisk_conf.layout import Layout
from asterisk_conf.modules import present
from asterisk_conf.program import Program
from asterisk_conf.settings import AsteriskSettings

_SECRET_BYTES = 24
_TEMPLATES = Path(__file__).with_name("templates")
_DATA_LINKS = ("documentation", "rest-api")


class Secrets(msgspec.Struct, frozen=True, kw_only=True):
    """The instance's secrets; `agents` by extension."""

    ari: str
    ami: str
    agents: dict[str, str]

    def __repr__(self) -> str:
        """Without the secrets."""
        return "Secrets(…)"


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A configuration in force."""

    settings: AsteriskSettings
    layout: Layout
    secrets: Secrets = field(repr=False)


def escape(value: object) -> str:
    """A value as it may stand in an Asterisk configuration file: `;` begins a comment there unless escaped.

    Every other character, the backslash too, is taken as it is. Raises ValueRefused for line breaks and other control
    characters, which would begin a line of their own, and for blanks at either end, which would be cut off.
    """
    text = str(value)
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise ValueRefused(
            f"{text!r} has a line break or control character, which a configuration file cannot carry: remove it"
        )
    if text != text.strip():
        raise ValueRefused(f"{text!r} begins or ends with a blank, which a configuration file cannot carry: remove it")
    return text.replace(";", "\\;")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  these are not web pages; every value passes `finalize`
        finalize=escape,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = _quoted
    environment.filters["bracketed"] = _bracketed
    return environment


def _quoted(value: str) -> str:
    """A display name inside double quotes (RFC 3261, section 25.1, quoted-string), less what would end them."""
    return value.replace('"', "'").replace("\\", "/")


def _bracketed(host: str) -> str:
    """An address as it stands before a port: IPv6 goes in brackets (RFC 3986, section 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def render_texts(settings: AsteriskSettings, program: Program, keys: Secrets) -> dict[str, str]:
    """Every configuration file's text by its name. Raises ValueRefused, RenderFailed."""
    environment = _environment()
    texts = {}
    for template in sorted(environment.list_templates(extensions=["j2"])):
        try:
            texts[template.removesuffix(".j2")] = environment.get_template(template).render(
                settings=settings,
                layout=Layout(settings.instance),
                program=program,
                secrets=keys,
                modules=present(program.modules),
            )
        except UndefinedError as wrong:
            raise RenderFailed(f"template {template}: {wrong.message}") from wrong
    return texts


def render(settings: AsteriskSettings, program: Program) -> Rendered:
    """Bring the instance in line with `settings` and return it with its secrets.

    A running Asterisk notices only when it is restarted. Raises ValueRefused, RenderFailed; the former configuration
    then stands.
    """
    layout = Layout(settings.instance)
    try:
        for folder in (layout.home, *layout.folders(), settings.recordings):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            folder.chmod(0o700)
        for name in _DATA_LINKS:
            _link(program.data / name, layout.data / name)
        _link(layout.rendered, layout.sounds)
        keys = _keep_secrets(settings, layout)
        _put_in_force(layout, render_texts(settings, program, keys))
    except OSError as wrong:
        raise RenderFailed(f"the instance in {layout.home} could not be written: {wrong}") from wrong
    return Rendered(settings=settings, layout=layout, secrets=keys)


def load_secrets(instance: Path) -> Secrets:
    """The secrets of a rendered instance. Raises RenderFailed when there are none or they are spoilt."""
    path = Layout(instance).secrets
    try:
        return msgspec.json.decode(path.read_bytes(), type=Secrets)
    except FileNotFoundError as wrong:
        raise RenderFailed(f"{instance} has no secrets yet: render it") from wrong
    except msgspec.MsgspecError as wrong:
        raise RenderFailed(
            f"{path} cannot be read as secrets: restore it, or remove it to have new ones made"
        ) from wrong


def _keep_secrets(settings: AsteriskSettings, layout: Layout) -> Secrets:
    kept = load_secrets(settings.instance) if layout.secrets.exists() else None
    keys = _merged(settings, kept or Secrets(ari=_new(), ami=_new(), agents={}))
    if keys != kept:
        _write_private(layout.secrets, msgspec.json.format(msgspec.json.encode(keys), indent=1).decode() + "\n")
    layout.secrets.chmod(0o600)
    return keys


def _merged(settings: AsteriskSettings, kept: Secrets) -> Secrets:
    """The secrets there should be: what the settings give, else what was kept, else new ones."""
    return Secrets(
        ari=settings.ari_secret or kept.ari,
        ami=settings.ami_secret or kept.ami,
        agents={
            agent.extension: agent.secret or kept.agents.get(agent.extension) or _new() for agent in settings.agents
        },
    )


def _new() -> str:
    return secrets.token_urlsafe(_SECRET_BYTES)


def _write_private(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)


def _link(to: Path, at: Path) -> None:
    """Let `at` be a link to `to`, in one step."""
    aside = at.with_name(f".{at.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    aside.symlink_to(to)
    aside.replace(at)


def in_force(settings: AsteriskSettings, program: Program) -> bool:
    """Whether the configuration in force is what rendering would now write."""
    layout = Layout(settings.instance)
    keys = load_secrets(settings.instance)
    if keys != _merged(settings, keys):
        return False
    texts = render_texts(settings, program, keys)
    standing = {path.name: path.read_text(encoding="utf-8") for path in layout.conf.iterdir()}
    return texts == standing


def _digest(texts: dict[str, str]) -> str:
    return hashlib.sha256("\0".join(f"{name}\0{text}" for name, text in texts.items()).encode()).hexdigest()[:16]


def _put_in_force(layout: Layout, texts: dict[str, str]) -> None:
    generations = layout.home / "etc.d"
    generations.mkdir(mode=0o700, exist_ok=True)
    ready = generations / _digest(texts)
    aside = Path(tempfile.mkdtemp(dir=generations, prefix=".new-"))
    try:
        for name, text in texts.items():
            _write_private(aside / name, text)
        if ready.exists():
            shutil.rmtree(ready)
        aside.rename(ready)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    _link(ready, layout.conf)
    for old in generations.iterdir():
        if old != ready:
            shutil.rmtree(old)
