"""Speaks texts with eSpeak NG: run as a program, because the library can crash and must not take us with it.

Reads one JSON string a line; answers each with its length in bytes (4, big-endian) and 16-bit little-endian PCM.
Arguments: voice, words a minute, pitch (0-100), pause between words (10 ms).
"""

import ctypes
import json
import struct
import sys

import espeakng_loader

_SYNCHRONOUS = 2
_UTF8 = 1
_RATE, _PITCH, _WORD_GAP = 1, 3, 7
_BY_CHARACTER = 1


def main() -> None:
    """Answer texts until the input ends. Exits with a message when the library refuses something."""
    voice, *parameters = sys.argv[1:]
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(_SYNCHRONOUS, 0, espeakng_loader.get_data_path().encode(), 0)
    if rate <= 0:
        sys.exit("eSpeak NG does not start")
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        sys.exit(f"eSpeak NG has no voice {voice}")
    for kind, value in zip((_RATE, _PITCH, _WORD_GAP), parameters, strict=True):
        library.espeak_SetParameter(kind, int(value), 0)
    heard: list[bytes] = []

    def collect(wave: int | None, count: int, _: int | None) -> int:
        if wave and count > 0:
            heard.append(ctypes.string_at(wave, 2 * count))
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(collect)
    library.espeak_SetSynthCallback(callback)
    out = sys.stdout.buffer
    out.write(struct.pack(">I", rate))
    out.flush()
    for line in sys.stdin:
        heard.clear()
        text = json.loads(line).encode() + b"\0"
        if library.espeak_Synth(text, len(text), 0, _BY_CHARACTER, 0, _UTF8, None, None) != 0:
            sys.exit("eSpeak NG refused a text")
        pcm = b"".join(heard)
        out.write(struct.pack(">I", len(pcm)) + pcm)
        out.flush()


if __name__ == "__main__":
    main()
