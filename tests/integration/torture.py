"""Messages that torture a SIP stack: each case of RFC 4475, sections 3.1 to 3.4, in words of our own."""

from collections.abc import Iterator

_SDP = "v=0\r\no=mhandley 1 1 IN IP4 192.0.2.5\r\ns=-\r\nc=IN IP4 192.0.2.5\r\nt=0 0\r\nm=audio 49217 RTP/AVP 0 12\r\n"


def messages(server: str, sender: tuple[str, int]) -> Iterator[bytes]:
    """Every message, to `server` (host:port), whose answers go to `sender`."""
    via = f"SIP/2.0/UDP {sender[0]}:{sender[1]}"
    for number, (_, build) in enumerate(CASES):
        yield build.format(
            server=server, via=f"{via};branch=z9hG4bK.torture.{number}", call=f"torture.{number}", sdp=_SDP,
            length=len(_SDP), long="x" * 4000, many=";p" * 300,
        ).encode("utf-8", "surrogateescape").replace(b"\\x00", b"\0").replace(b"\\xff", b"\xff")  # fmt: skip


_HEAD = (
    "Via: {via}\r\nFrom: <sip:torturer@example.com>;tag=t\r\nTo: <sip:victim@{server}>\r\nCall-ID: {call}\r\n"
    "Max-Forwards: 70\r\nContact: <sip:torturer@192.0.2.5>\r\n"
)
_INVITE = "INVITE sip:victim@{server} SIP/2.0\r\n" + _HEAD + "CSeq: 1 INVITE\r\n"
_BODY = "Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{sdp}"
_NONE = "Content-Length: 0\r\n\r\n"

CASES: tuple[tuple[str, str], ...] = (
    (
        "3.1.1.1 folded lines, odd blanks and cases, short forms",
        "INVITE sip:victim@{server};unknownparam SIP/2.0\r\nTO :\r\n sip:victim@{server} ;   tag    = 19181833n\r\n"
        'from   : "J Doe \\\\\\""       <sip:jd@example.com>\r\n  ;\r\n  tag = 98asjd8\r\nMaX-fOrWaRdS: 0068\r\n'
        "i: {call}\r\nl   : {length}\r\ncseq: 0009\r\n  INVITE\r\nv  : {via}\r\ns :\r\n"
        "NewFangled:   new\r\n more of it\r\nOddHeader: ;;,,;;,;\r\nc: application/sdp\r\n"
        "m : <sip:jd@192.0.2.5;newparam>;loose;q=0.33\r\n\r\n{sdp}",
    ),
    (
        "3.1.1.2 every character a token may have",
        "!odd-Method0123456789_*+`.%indeed'~ sip:1_odd.URI~(to-be!sure)&isn't+it$/c?,/;;*:&it+has=1@{server}"
        " SIP/2.0\r\n"
        + _HEAD
        + "CSeq: 139122385 !odd-Method0123456789_*+`.%indeed'~\r\nextensionHeader-!.%*+_`'~:odd\r\n"
        + _NONE,
    ),
    (
        "3.1.1.3 percent as an escape",
        "INVITE sip:sips%3Auser%40example.com@{server} SIP/2.0\r\n" + _HEAD + "CSeq: 1 INVITE\r\n" + _BODY,
    ),
    (
        "3.1.1.4 escaped nulls",
        "REGISTER sip:{server} SIP/2.0\r\n"
        + _HEAD.replace("torturer@example", "null-%00-%00@example")
        + "CSeq: 1 REGISTER\r\nContact: <sip:%00@host5.example.com>\r\n"
        + _NONE,
    ),
    (
        "3.1.1.5 percent where it is no escape",
        "RE%47IST%45R sip:{server} SIP/2.0\r\n" + _HEAD + "CSeq: 1 RE%47IST%45R\r\n" + _NONE,
    ),
    (
        "3.1.1.6 no blank before <",
        "OPTIONS sip:victim@{server} SIP/2.0\r\n"
        + _HEAD.replace("From: <", "From: caller<")
        + "CSeq: 1 OPTIONS\r\n"
        + _NONE,
    ),
    (
        "3.1.1.7 long values",
        "INVITE sip:victim@{server} SIP/2.0\r\n"
        + _HEAD.replace("From: <", 'From: "{long}"<')
        + "Subject: {long}\r\nUnknown-{long}: y\r\nCSeq: 1 INVITE\r\n"
        + _BODY,
    ),
    (
        "3.1.1.8 bytes after the body's end",
        "REGISTER sip:{server} SIP/2.0\r\n" + _HEAD + "CSeq: 1 REGISTER\r\n" + _NONE + _INVITE + _BODY,
    ),
    (
        "3.1.1.9 semicolons in the user part",
        "OPTIONS sip:user;par=u%40example.net@{server} SIP/2.0\r\n" + _HEAD + "CSeq: 1 OPTIONS\r\n" + _NONE,
    ),
    (
        "3.1.1.10 odd transports in Via",
        "OPTIONS sip:victim@{server} SIP/2.0\r\n"
        + _HEAD
        + "Via: SIP/2.0/SCTP t1.example.com\r\nVia: SIP/2.0/TLS t2.example.com\r\nVia: SIP/2.0/UNKNOWN t3\r\n"
        "CSeq: 1 OPTIONS\r\n" + _NONE,
    ),
    (
        "3.1.1.11 a multipart body",
        _INVITE + "Content-Type: multipart/mixed;boundary=7a9\r\nContent-Length: 60\r\n\r\n--7a9\r\n"
        "Content-Type: text/plain\r\n\r\nHello\\x00\\xff\r\n--7a9--\r\n",
    ),
    ("3.1.1.12 an odd reason", "SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe\r\n" + _HEAD + "CSeq: 1 INVITE\r\n" + _NONE),
    ("3.1.1.13 no reason", "SIP/2.0 100 \r\n" + _HEAD + "CSeq: 1 INVITE\r\n" + _NONE),
    ("3.1.2.1 separators without values", _INVITE.replace("Via: {via}", "Via: {via};;,;,,") + _BODY),
    ("3.1.2.2 a length too great", _INVITE + _BODY.replace("{length}", "9999")),
    ("3.1.2.3 a negative length", _INVITE + _BODY.replace("{length}", "-999")),
    (
        "3.1.2.4 numbers that overflow",
        "REGISTER sip:{server} SIP/2.0\r\n"
        + _HEAD.replace("70", "300").replace(">\r\nCall", ">\r\nCall")
        + "CSeq: 36893488147419103232 REGISTER\r\nExpires: 1"
        + "0" * 100
        + "\r\n"
        "Contact: <sip:u@h.example.com>;expires=280297596632815\r\n" + _NONE,
    ),
    (
        "3.1.2.5 numbers that overflow in a response",
        "SIP/2.0 503 x\r\n"
        + _HEAD
        + "CSeq: 9292394834772304023312 OPTIONS\r\nRetry-After: 949302838503028349304023988\r\n"
        + _NONE,
    ),
    ("3.1.2.6 a quote that is not closed", _INVITE.replace("To: <", 'To: "Mr. J. User <') + _BODY),
    (
        "3.1.2.7 a Request-URI in <>",
        _INVITE.replace("INVITE sip:victim@{server} ", "INVITE <sip:victim@{server}> ") + _BODY,
    ),
    ("3.1.2.8 blanks in the Request-URI", _INVITE.replace("victim@{server} SIP", "victim@{server}; lr SIP") + _BODY),
    (
        "3.1.2.9 many blanks in the request line",
        _INVITE.replace("INVITE sip:victim@{server} SIP", "INVITE  sip:victim@{server}  SIP") + _BODY,
    ),
    ("3.1.2.10 blanks after the request line", _INVITE.replace("SIP/2.0\r\n", "SIP/2.0  \r\n", 1) + _BODY),
    (
        "3.1.2.11 escaped headers in the Request-URI",
        _INVITE.replace("victim@{server} SIP", "victim@{server}?Route=%3Csip:x.example.com%3E SIP") + _BODY,
    ),
    ("3.1.2.12 an odd time zone", _INVITE + "Date: Fri, 01 Jan 2010 16:00:00 EST\r\n" + _BODY),
    (
        "3.1.2.13 a name-addr without <>",
        _INVITE.replace("Contact: <sip:torturer@192.0.2.5>", "Contact: sip:u@example.com?Route=%3Csip:x%3E") + _BODY,
    ),
    ("3.1.2.14 blanks in an addr-spec", _INVITE.replace("To: <sip", 'To: "W" < sip') + _BODY),
    ("3.1.2.15 a display name that is no token", _INVITE.replace("From: <", "From: Bell, Alexander <") + _BODY),
    ("3.1.2.16 an unknown version", "OPTIONS sip:victim@{server} SIP/7.0\r\n" + _HEAD + "CSeq: 1 OPTIONS\r\n" + _NONE),
    (
        "3.1.2.17 a method that differs from CSeq's",
        "OPTIONS sip:victim@{server} SIP/2.0\r\n" + _HEAD + "CSeq: 8 INVITE\r\n" + _NONE,
    ),
    (
        "3.1.2.18 an unknown method that differs",
        "NEWMETHOD sip:victim@{server} SIP/2.0\r\n" + _HEAD + "CSeq: 8 INVITE\r\n" + _BODY,
    ),
    ("3.1.2.19 a status too great", "SIP/2.0 4294967301 better not break\r\n" + _HEAD + "CSeq: 1 INVITE\r\n" + _NONE),
    (
        "3.2.1 no transaction id",
        "OPTIONS sip:victim@{server} SIP/2.0\r\n"
        + _HEAD.replace("{via}", "{via}".replace("}", "}"), 1)
        + "CSeq: 1 OPTIONS\r\n"
        + _NONE,
    ),
    (
        "3.3.1 almost every header missing",
        "INVITE sip:victim@{server} SIP/2.0\r\nCSeq: 193942 INVITE\r\nVia: {via}\r\n\r\n",
    ),
    ("3.3.2 an unknown scheme", _INVITE.replace("INVITE sip:victim@{server}", "OPTIONS nobodyKnows:opaque") + _NONE),
    (
        "3.3.3 a scheme known but not here",
        _INVITE.replace("INVITE sip:victim@{server}", "OPTIONS soap.beep://192.0.2.103:3002") + _NONE,
    ),
    (
        "3.3.4 unknown schemes in To and From",
        _INVITE.replace("<sip:torturer", "<isbn:2983792873").replace("<sip:victim", "<http://x") + _BODY,
    ),
    (
        "3.3.5 extensions that are required",
        _INVITE + "Require: nothingSupportsThis, nothingSupportsThisEither\r\n" + _BODY,
    ),
    (
        "3.3.6 a body of an unknown type",
        _INVITE + "Content-Type: application/unknownformat\r\nContent-Length: 4\r\n\r\nodd\n",
    ),
    (
        "3.3.7 an unknown way to authorise",
        "REGISTER sip:{server} SIP/2.0\r\n"
        + _HEAD
        + "CSeq: 1 REGISTER\r\nAuthorization: NoOneKnows opaque-data=here\r\n"
        + _NONE,
    ),
    (
        "3.3.8 single headers more than once",
        _INVITE + "CSeq: 2 OPTIONS\r\nMax-Forwards: 5\r\nFrom: <sip:o@x>;tag=z\r\nCall-ID: other\r\n" + _BODY,
    ),
    ("3.3.9 two lengths", _INVITE + "Content-Length: 5\r\n" + _BODY),
    (
        "3.3.10 two bodies' worth of 200s",
        "SIP/2.0 200 OK\r\n" + _HEAD + "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nCSeq: 1 INVITE\r\n" + _BODY,
    ),
    ("3.3.11 Max-Forwards of 0", _INVITE.replace("70", "0") + _BODY),
    (
        "3.3.12 a REGISTER with a contact of headers",
        "REGISTER sip:{server} SIP/2.0\r\n"
        + _HEAD
        + "CSeq: 1 REGISTER\r\nContact: <sip:u@example.com?Route=%3Csip:sip.example.com%3E>\r\n"
        + _NONE,
    ),
    (
        "3.3.13 a REGISTER with parameters of its URI",
        "REGISTER sip:{server};unknown SIP/2.0\r\n"
        + _HEAD
        + "CSeq: 1 REGISTER\r\nContact: sip:u@example.com;unknownparam{many}\r\n"
        + _NONE,
    ),
    ("3.3.15 Accept that allows no SDP", _INVITE + "Accept: text/nobodyKnowsThis\r\n" + _NONE),
    (
        "3.4.1 an INVITE of RFC 2543",
        "INVITE sip:victim@{server} SIP/2.0\r\nVia: SIP/2.0/UDP iftgw.example.com\r\n"
        "From: <sip:+13035551111@ift.client.example.net;user=phone>\r\n"
        "To: sip:+16505552222@ss1.example.net\r\nCall-ID: {call}\r\nCSeq: 1 INVITE\r\n" + _BODY,
    ),
    ("bytes that are no message", "\\x00\\xff" * 100),
    ("nothing", "\r\n\r\n"),
)
