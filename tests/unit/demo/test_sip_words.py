"""SIP messages, digest answers, µ-law and RTP events: the parts of a party that are pure."""

import asyncio
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ivr.demo.sip.message import SipMessage, SipSyntaxError, address_of, digest_answer, reply_to, user_of
from ivr.demo.sip.voice import Voice, decode_ulaw, encode_ulaw, read_wav
from tests.tones import loudest_hz, tone, write_wav
from tests.until import until

TOKENS = st.from_regex(r"[a-z][a-z0-9-]{0,15}", fullmatch=True)
VALUES = st.from_regex(r"[!-~]([ -~]{0,30}[!-~])?", fullmatch=True)
INVITE = (
    b"INVITE sip:12345@127.0.0.1:5060 SIP/2.0\r\n"
    b"v: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKabc;rport\r\n"
    b"Via: SIP/2.0/UDP 127.0.0.1:8;branch=z9hG4bKdef\r\n"
    b'f: "A B" <sip:13800000001@127.0.0.1>;tag=1\r\n'
    b"t: <sip:12345@127.0.0.1>\r\n"
    b"i: call-1\r\n"
    b"CSEQ: 7 INVITE\r\n"
    b"m: <sip:13800000001@127.0.0.1:9>\r\n"
    b"Subject: one\r\n two\r\n"
    b"l: 4\r\n\r\nbody"
)


def test_a_request_is_read_with_short_and_folded_headers() -> None:
    invite = SipMessage.parse(INVITE)
    assert (invite.method, invite.uri, invite.status) == ("INVITE", "sip:12345@127.0.0.1:5060", 0)
    assert invite.branch == "z9hG4bKabc"
    assert len(invite.all("via")) == 2
    assert invite.cseq == (7, "INVITE")
    assert invite.contact == "sip:13800000001@127.0.0.1:9"
    assert invite.one("subject") == "one two"
    assert user_of(invite.one("from")) == "13800000001"
    assert invite.body == "body"


def test_a_reply_repeats_what_it_answers_and_adds_our_tag() -> None:
    reply = reply_to(SipMessage.parse(INVITE), 180, tag="me", contact="sip:1001@127.0.0.1:5")
    for name in ("via", "from", "call-id", "cseq"):
        assert reply.all(name) == SipMessage.parse(INVITE).all(name)
    assert reply.one("to") == "<sip:12345@127.0.0.1>;tag=me"
    assert SipMessage.parse(reply.render()).status == 180


@given(st.lists(st.tuples(TOKENS.filter(lambda t: len(t) > 1 and t != "content-length"), VALUES)), st.text(max_size=50))
def test_what_is_written_is_read_again(headers: list[tuple[str, str]], body: str) -> None:
    message = SipMessage(headers=tuple(headers), body=body, method="OPTIONS", uri="sip:x")
    read = SipMessage.parse(message.render())
    assert read.headers[:-1] == message.headers
    assert (read.method, read.uri, read.body) == (message.method, message.uri, message.body)


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda noise: INVITE[:80] + noise))
def test_noise_is_refused_and_nothing_worse(noise: bytes) -> None:
    try:
        message = SipMessage.parse(noise)
        _ = message.branch, message.cseq, message.contact
    except SipSyntaxError:
        return


@pytest.mark.parametrize("value", ["<sip:a@b:1>;tag=2", '"x" <sip:a@b:1>', "sip:a@b:1;tag=2"])
def test_addresses_are_found_in_any_dress(value: str) -> None:
    assert address_of(value) == "sip:a@b:1"
    assert user_of(value) == "a"


def test_the_digest_of_rfc_2617_section_3_5() -> None:
    challenge = (
        'Digest realm="testrealm@host.com", qop="auth,auth-int", '
        'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    answer = digest_answer(
        challenge, method="GET", uri="/dir/index.html", user="Mufasa", password="Circle Of Life", nonce="0a4f113b"
    )
    assert 'response="6629fae49393a05397450978507c4ef1"' in answer
    assert 'opaque="5ccc069c403ebaf9f0171e9517f40e41"' in answer


def test_the_digest_without_qop_of_rfc_2069() -> None:
    challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"'
    answer = digest_answer(
        challenge, method="GET", uri="/dir/index.html", user="Mufasa", password="Circle Of Life", nonce="x"
    )
    assert 'response="670fd8c2df070c60b045671b8b24ff02"' in answer
    assert "qop" not in answer


@pytest.mark.parametrize("challenge", ["Basic", 'Digest realm="x"', 'Digest realm="x",nonce="y",algorithm=SHA-256'])
def test_a_challenge_that_cannot_be_answered_is_refused(challenge: str) -> None:
    with pytest.raises(SipSyntaxError):
        digest_answer(challenge, method="REGISTER", uri="sip:x", user="u", password="p", nonce="n")


def test_mu_law_is_that_of_g_711() -> None:
    """ITU-T G.711 table 2b: the ends, the first steps, and silence."""
    samples = np.array([0, 4, 8, 32635, 32767, -32635, -32768], np.int16)
    assert encode_ulaw(samples) == bytes([0xFF, 0xFE, 0xFE, 0x80, 0x80, 0x00, 0x00])
    assert decode_ulaw(bytes([0xFF, 0x7F, 0x80, 0x00])).tolist() == [0, 0, 32124, -32124]


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=50))
def test_mu_law_keeps_every_sample_within_its_step(values: list[int]) -> None:
    samples = np.array(values, np.int16)
    back = decode_ulaw(encode_ulaw(samples)).astype(int)
    clipped = np.clip(samples.astype(int), -32124, 32124)
    assert np.all(np.abs(back - clipped) <= (np.abs(clipped) + 132) / 32 + 1)


@pytest.mark.parametrize("rate", [8000, 16000])
def test_sounds_of_both_rates_keep_their_pitch_and_length(tmp_path: Path, rate: int) -> None:
    write_wav(tmp_path / "x.wav", tone(700, 500, rate), rate)
    samples = read_wav(tmp_path / "x.wav")
    assert len(samples) == 4000
    assert loudest_hz(samples) == pytest.approx(700, abs=2)


def test_what_lies_above_the_telephone_band_is_not_folded_into_it(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", tone(6000, 500, 16000), 16000)
    assert loudest_hz(read_wav(tmp_path / "x.wav")[100:-100]) is None


def test_another_rate_is_refused_by_name(tmp_path: Path) -> None:
    write_wav(tmp_path / "x.wav", tone(700, 100, 44100), 44100)
    with pytest.raises(ValueError, match=r"x\.wav: 1 channels, 16 bits, 44100 Hz"):
        read_wav(tmp_path / "x.wav")


class Ear(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.packets: list[tuple[int, int, int, int, bytes]] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        _, kind, sequence, stamp, _ = struct.unpack_from("!BBHII", data)
        self.packets.append((kind & 0x7F, kind >> 7, sequence, stamp, data[12:]))


async def test_a_key_is_an_event_of_rfc_4733() -> None:
    loop = asyncio.get_running_loop()
    ear = Ear()
    transport, _ = await loop.create_datagram_endpoint(lambda: ear, local_addr=("127.0.0.1", 0))
    voice = Voice()
    await voice.open()
    voice.meet(f"c=IN IP4 127.0.0.1\r\nm=audio {transport.get_extra_info('sockname')[1]} RTP/AVP 0 96\r\n"
               "a=rtpmap:96 telephone-event/8000\r\n")  # fmt: skip
    speaking = loop.create_task(voice.speak(), name="speak")
    assert await voice.press("#")
    await until(lambda: len([packet for packet in ear.packets if packet[0] == 96]) == 8, "every packet of the key")
    keys = [packet for packet in ear.packets if packet[0] == 96]
    assert [marker for _, marker, *_ in keys] == [1] + [0] * 7, "the marker begins it"
    assert {stamp for _, _, _, stamp, _ in keys} == {keys[0][3]}, "one time stamp"
    events = [struct.unpack("!BBH", payload) for *_, payload in keys]
    assert {event for event, _, _ in events} == {11}
    assert [bits >> 7 for _, bits, _ in events] == [0] * 5 + [1] * 3, "the end is said three times"
    assert [duration for *_, duration in events] == [160, 320, 480, 640, 800, 960, 960, 960]
    speaking.cancel()
    voice.close()
    transport.close()
    await asyncio.sleep(0)


async def test_no_telephone_has_that_key() -> None:
    with pytest.raises(ValueError, match="not a telephone key"):
        await Voice().press("x")
