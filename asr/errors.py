"""How speech recognition may fail.

AsrError
├── ModelBroken        the model folder is missing, incomplete or refused by the engine; names the file and the mend
├── StreamUnknown      a stream was named that is not open
├── PipelineFull       no place for another stream
├── ServerUnavailable  a speech server on another machine does not answer (worth trying again)
├── FetchFailed        an official model could not be downloaded whole; says what to do without a network
└── RecordingUnreadable a recording is missing or of a format that is not read; names the file and the mend
"""


class AsrError(Exception):
    """Root of this package's errors."""


class ModelBroken(AsrError):
    """The model cannot be used; the text names what is wrong and how to mend it."""


class StreamUnknown(AsrError):
    """No open stream has that id."""


class PipelineFull(AsrError):
    """The configured number of streams is reached."""


class FetchFailed(AsrError):
    """A model could not be downloaded or is not what its maker says it is; what has come whole so far is kept."""


class RecordingUnreadable(AsrError):
    """The file cannot be read as a recording; the text names it and the mend."""


class ServerUnavailable(AsrError):
    """No speech server took the stream, or the one that had it went away. Worth trying again."""
