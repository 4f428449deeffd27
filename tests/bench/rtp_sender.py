"""Plays legs as RTP taps in real time, in a process of its own.

`python -m tests.bench.rtp_sender PORT SECONDS TAPS WAV…`: tap n has a source port of its own and plays wav n modulo
their number (16 kHz, mono) over and over, from n * 7 s on. Prints the ports as JSON, waits for a line, prints the
monotonic time of the first packet, sends, ends.
"""

import json
import socket
import struct
import sys
import time
from pathlib import Path

from asr.recording import open_recording

SHIFT_S = 7
"""How much later in its leg each tap begins than the one before, so that they do not all speak at once."""
_PACKETS_A_SECOND = 50


def payloads(wav: Path) -> list[bytes]:
    """A leg as the payloads of its packets: 20 ms each, big-endian."""
    pcm = open_recording(wav).read(0).astype(">i2").tobytes()
    return [pcm[at : at + 640] for at in range(0, len(pcm) // 640 * 640, 640)]


def main() -> None:
    target = ("127.0.0.1", int(sys.argv[1]))
    count = int(float(sys.argv[2]) * _PACKETS_A_SECOND)
    legs = [payloads(Path(name)) for name in sys.argv[4:]]
    taps = []
    for number in range(int(sys.argv[3])):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        taps.append((sock, legs[number % len(legs)], number * SHIFT_S * _PACKETS_A_SECOND))
    sys.stdout.write(json.dumps([sock.getsockname()[1] for sock, _, _ in taps]) + "\n")
    sys.stdout.flush()
    sys.stdin.readline()
    begin = time.monotonic() + 0.1
    sys.stdout.write(f"{begin}\n")
    sys.stdout.flush()
    for sent in range(count):
        time.sleep(max(0.0, begin + sent * 0.02 - time.monotonic()))
        header = struct.pack("!BBHII", 0x80, 118, sent & 0xFFFF, sent * 320 & 0xFFFFFFFF, 7)
        for sock, leg, offset in taps:
            sock.sendto(header + leg[(offset + sent) % len(leg)], target)


if __name__ == "__main__":
    main()
