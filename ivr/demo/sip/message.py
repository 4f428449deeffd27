"""SIP messages as text (RFC 3261 section 7) and the digest answer to a challenge (RFC 2617). Pure."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

_COMPACT = {
    "v": "via",
    "f": "from",
    "t": "to",
    "i": "call-id",
    "m": "contact",
    "c": "content-type",
    "l": "content-length",
}
_URI = re.compile(r"<([^>]+)>")
_USER = re.compile(r"sips?:([^@>;]+)@")
_QUOTED_OR_BARE = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')

REASONS = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    405: "Method Not Allowed",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    486: "Busy Here",
    487: "Request Terminated",
    603: "Decline",
}


class SipSyntaxError(ValueError):
    """The datagram is not a SIP message. Its text is not quoted: it may carry a citizen's number."""


@dataclass(frozen=True)
class SipMessage:
    """A request (`method` and `uri` set) or a response (`status` set); header names are lower case, order is kept."""

    headers: tuple[tuple[str, str], ...]
    body: str = ""
    method: str = ""
    uri: str = ""
    status: int = 0

    @classmethod
    def parse(cls, datagram: bytes) -> Self:
        """Read one datagram; raises SipSyntaxError."""
        try:
            head, _, body = datagram.decode().partition("\r\n\r\n")
        except UnicodeDecodeError as error:
            raise SipSyntaxError("not UTF-8") from error
        first, *lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
        headers = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon:
                raise SipSyntaxError("header line without a colon")
            name = name.strip().lower()
            headers.append((_COMPACT.get(name, name), value.strip()))
        words = first.split(" ", 2)
        if words[0] == "SIP/2.0" and len(words) > 1 and words[1].isdecimal():
            return cls(headers=tuple(headers), body=body, status=int(words[1]))
        if len(words) == 3 and words[2] == "SIP/2.0":
            return cls(headers=tuple(headers), body=body, method=words[0], uri=words[1])
        raise SipSyntaxError("neither a request line nor a status line")

    def render(self) -> bytes:
        """The datagram, with its Content-Length."""
        first = (
            f"SIP/2.0 {self.status} {REASONS.get(self.status, 'Other')}"
            if self.status
            else f"{self.method} {self.uri} SIP/2.0"
        )
        lines = [
            first,
            *(f"{name}: {value}" for name, value in self.headers),
            f"content-length: {len(self.body.encode())}",
        ]
        return ("\r\n".join(lines) + "\r\n\r\n" + self.body).encode()

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a header, in order."""
        return tuple(value for key, value in self.headers if key == name)

    def one(self, name: str) -> str:
        """The first value of a header; raises SipSyntaxError when it is missing."""
        for key, value in self.headers:
            if key == name:
                return value
        raise SipSyntaxError(f"no {name} header")

    @property
    def branch(self) -> str:
        """The transaction's id: the branch of the topmost Via."""
        found = re.search(r"branch=([^;,\s]+)", self.one("via"))
        if found is None:
            raise SipSyntaxError("Via without a branch")
        return found[1]

    @property
    def cseq(self) -> tuple[int, str]:
        """Sequence number and method."""
        number, _, method = self.one("cseq").partition(" ")
        if not number.isdecimal():
            raise SipSyntaxError("CSeq without a number")
        return int(number), method.strip()

    @property
    def contact(self) -> str:
        """The address later requests of this dialog go to."""
        return address_of(self.one("contact"))


def address_of(value: str) -> str:
    """The URI inside a From, To or Contact value."""
    found = _URI.search(value)
    return found[1] if found else value.partition(";")[0].strip()


def user_of(value: str) -> str:
    """The user part (the number) of a From, To or URI; empty when it has none."""
    found = _USER.search(value)
    return found[1] if found else ""


def reply_to(request: SipMessage, status: int, *, tag: str, contact: str, sdp: str = "") -> SipMessage:
    """A response to a request: its Via, From, To, Call-ID and CSeq copied, our tag added (RFC 3261 8.2.6.2)."""
    to = request.one("to")
    headers = [("via", via) for via in request.all("via")]
    headers += [
        ("from", request.one("from")),
        ("to", to if ";tag=" in to or status == 100 else f"{to};tag={tag}"),
        ("call-id", request.one("call-id")),
        ("cseq", request.one("cseq")),
        ("contact", f"<{contact}>"),
    ]
    if sdp:
        headers.append(("content-type", "application/sdp"))
    return SipMessage(headers=tuple(headers), body=sdp, status=status)


def digest_answer(challenge: str, *, method: str, uri: str, user: str, password: str, nonce: str) -> str:
    """The value of an Authorization header for a `Digest` challenge (MD5, with qop=auth where it is asked for).

    `nonce` is the client's own. Raises SipSyntaxError for a challenge it cannot answer.
    """
    given = {key.lower(): quoted or bare for key, quoted, bare in _QUOTED_OR_BARE.findall(challenge)}
    if "realm" not in given or "nonce" not in given:
        raise SipSyntaxError("digest challenge without realm or nonce")
    if given.get("algorithm", "MD5").upper() != "MD5":
        raise SipSyntaxError("digest challenge for an algorithm other than MD5")
    secret = _md5(f"{user}:{given['realm']}:{password}")
    request = _md5(f"{method}:{uri}")
    fields = {"username": user, "realm": given["realm"], "nonce": given["nonce"], "uri": uri}
    if "qop" in given:
        fields["response"] = _md5(f"{secret}:{given['nonce']}:00000001:{nonce}:auth:{request}")
        tail = f',qop=auth,nc=00000001,cnonce="{nonce}"'
    else:
        fields["response"] = _md5(f"{secret}:{given['nonce']}:{request}")
        tail = ""
    if "opaque" in given:
        fields["opaque"] = given["opaque"]
    return "Digest " + ",".join(f'{key}="{value}"' for key, value in fields.items()) + ",algorithm=MD5" + tail


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
