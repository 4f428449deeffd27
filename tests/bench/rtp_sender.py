"""Plays legs as RTP taps in real time, in a process of its own: `python -m tests.bench.rtp_sender PORT SECONDS WAV…`.

Each wav (16 kHz, mono) is one tap with its own source port. Prints the ports as JSON, waits for a line, prints the
monotonic time of the first packet, sends, ends.
"""

import json
import socket
import sys
import time
from pathlib import Path

from asr.recording import open_recording
from tests.unit.asr.packets import packets


def main() -> None:
    target = ("127.0.0.1", int(sys.argv[1]))
    count = int(float(sys.argv[2]) * 50)
    taps = []
    for name in sys.argv[3:]:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind(("127.0.0.1", 0))
        pcm = open_recording(Path(name)).read(0).astype("<i2").tobytes()
        taps.append((sock, packets((pcm * (1 + count * 640 // len(pcm)))[: count * 640])))
    sys.stdout.write(json.dumps([sock.getsockname()[1] for sock, _ in taps]) + "\n")
    sys.stdout.flush()
    sys.stdin.readline()
    begin = time.monotonic() + 0.1
    sys.stdout.write(f"{begin}\n")
    sys.stdout.flush()
    for number in range(count):
        time.sleep(max(0.0, begin + number * 0.02 - time.monotonic()))
        for sock, datagrams in taps:
            sock.sendto(datagrams[number], target)


if __name__ == "__main__":
    main()
