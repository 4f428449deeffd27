"""How preparing and running Asterisk may fail.

AsteriskConfError
├── SettingsInvalid       a setting cannot be used; names the setting and the mend
│   └── ValueRefused      a value would change the meaning of an Asterisk configuration file (a line break in it)
├── InstallFailed         no usable Asterisk, and none could be made; names the step and the mend
│   ├── MirrorUnknown     the machine's apt sources name no Debian mirror
│   ├── MirrorUnreachable the mirror does not answer; says what to do offline
│   └── PackageMissing    a package has another name today, or is gone
├── RenderFailed          the instance could not be written; the former one stands untouched
├── AsteriskNotRunning    nothing answers on the instance's control socket
├── BootFailed            Asterisk ended, or was not ready within its deadline
├── CommandFailed         a command was not answered within its deadline
├── PromptRefused         an announcement, or a value to be said in it, cannot be used; names both
├── SoundRefused          a recording cannot be used; names the file and the mend
└── SynthesisFailed       an announcement could not be turned into sound; names it
"""


class AsteriskConfError(Exception):
    """Root of this package's errors."""


class SettingsInvalid(AsteriskConfError):
    """A setting cannot be used; the text names it and the mend."""


class ValueRefused(SettingsInvalid):
    """A value would change the meaning of a configuration file."""


class InstallFailed(AsteriskConfError):
    """No usable Asterisk; nothing half installed is in place. Running it again goes on where it broke off."""


class MirrorUnknown(InstallFailed):
    """The machine's apt sources name no Debian mirror."""


class MirrorUnreachable(InstallFailed):
    """The mirror did not answer; the text says what can be done offline."""


class PackageMissing(InstallFailed):
    """The suite has no package of that name."""


class RenderFailed(AsteriskConfError):
    """The instance could not be written; the former configuration stands."""


class AsteriskNotRunning(AsteriskConfError):
    """Nothing answers on the instance's control socket."""


class BootFailed(AsteriskConfError):
    """Asterisk ended or was not ready in time; the text quotes its own complaint and names its log."""


class CommandFailed(AsteriskConfError):
    """A command-line command was not answered within its deadline."""


class SynthesisFailed(AsteriskConfError):
    """An announcement could not be turned into sound."""


class PromptRefused(AsteriskConfError):
    """An announcement's text, or a value to be said in it, cannot be used."""


class SoundRefused(AsteriskConfError):
    """A recording cannot be used."""
