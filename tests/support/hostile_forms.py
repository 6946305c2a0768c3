# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Forms of answers that prove nothing about the request, and forms that prove a refusal."""

from __future__ import annotations

import functools
import gzip
import json
import socket
import time
import typing as t

from ansible_collections.thingspace.licensing.tests.support.hostile_server import Form, reset

HTML = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><h1>Your session has expired</h1></body></html>"
SLOW = 1.5
"""Seconds that a slow answer takes; tests allow less."""


def send(data: bytes) -> Form:
    """These bytes, and the end of the connection."""
    return lambda stream, _good: stream.sendall(data)


def _answer(status: int, body: bytes = b"", *headers: bytes) -> Form:
    """An answer after which the server closes the connection, and says so: otherwise, the next request may be lost."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return send(
        b"HTTP/1.1 %d X\r\n%bConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (status, lines, len(body), body)
    )


def _json(status: int, value: t.Any, *headers: bytes) -> Form:
    return _answer(status, json.dumps(value).encode(), *headers)


def around(head: bytes, change: t.Callable[[bytes], bytes] = bytes) -> Form:
    """The good body behind another head; C(%d) is its length."""

    def form(stream: socket.socket, good: bytes) -> None:
        body = change(good)
        stream.sendall((head % len(body) if b"%d" in head else head) + b"\r\n\r\n" + body)

    return form


def _with(**fields: t.Any) -> Form:
    """The good answer and further fields."""

    def change(good: bytes) -> bytes:
        value = json.loads(good)
        return json.dumps({**value, **fields} if isinstance(value, dict) else value).encode()

    return around(OK, change)


def _reset(stream: socket.socket, _good: bytes) -> None:
    reset(stream)


def _late(stream: socket.socket, good: bytes) -> None:
    time.sleep(SLOW)  # what is tested is that nobody waits for it
    around(OK)(stream, good)


def _drip(stream: socket.socket, good: bytes) -> None:
    stream.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n")
    for position in range(15):
        stream.sendall(good[position : position + 1])
        time.sleep(SLOW / 15)  # what is tested is that nobody waits for it


def _nested(layers: int, body: bytes) -> bytes:
    return functools.reduce(lambda data, _layer: gzip.compress(data), range(layers), body)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d"
NO_UTF8 = b"Location: http://h\xff\xfe/\xe4"
FAULT = {"fault": {"code": "900901", "message": "Invalid Credentials", "description": "Access failure"}}

BROKEN: dict[str, Form] = {
    "nothing": send(b""),
    "reset": _reset,
    "half a status line": send(b"HTTP/1.1 20"),
    "no HTTP": send(b"nonsense\r\n\r\n"),
    "a status that is no number": send(b"HTTP/1.1 abc OK\r\n\r\n"),
    "continue, then nothing": send(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "a length too long": around(b"HTTP/1.1 200 OK\r\nContent-Length: 9999"),
    "a body cut off by the end": around(b"HTTP/1.1 200 OK", lambda good: good[: len(good) // 2]),
    "a chunk cut off": around(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", lambda good: b"99\r\n" + good),
    "a chunk length that is none": around(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", lambda good: b"x\r\n" + good
    ),
    "no last chunk": around(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", lambda good: b"%x\r\n%b\r\n" % (len(good), good)
    ),
    "two lengths": around(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: %d"),
    "two lengths, the other way round": around(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nContent-Length: 3"),
    "a header of 70,000 bytes": send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"),
    "200 headers": send(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"),
    "gzip that is none": around(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d"),
    "gzip cut off": around(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d", lambda good: gzip.compress(good)[:-9]
    ),
    "an unknown compression": around(b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: %d"),
    "three layers of gzip": around(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip, gzip\r\nContent-Length: %d",
        lambda good: _nested(3, good),
    ),
    "a gzip bomb": around(
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d",
        lambda _good: gzip.compress(bytes(40 << 20), 1),
    ),
    "late": _late,
    "dripping": _drip,
}
"""Answers that are none, or not whole."""

TURNED = b"HTTP/1.1 401 Unauthorized\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def _whole(status: int, body: bytes, *headers: bytes) -> bytes:
    """An answer with the length of its body."""
    lines = b"".join(header + b"\r\n" for header in headers)
    return b"HTTP/1.1 %d X\r\n%bContent-Length: %d\r\n\r\n%b" % (status, lines, len(body), body)


RAGGED: dict[str, bytes] = {
    "half a status line": b"HTTP/1.1 401",
    "a status line alone": TURNED,
    "half a head": TURNED + b"Date: x",
    "a head without its end": b"HTTP/1.1 429 X\r\nRetry-After: 0\r\n",
    "a line that is no header": TURNED + b"foo bar baz\r\nContent-Length: 200\r\n\r\n{}",
    "a header without a name": TURNED + b" : x\r\nContent-Length: 2\r\n\r\n{}",
    "a header split by a carriage return": TURNED + b"X: y\rContent-Length: 200\r\n\r\n{}",
    "a folded header": TURNED + b"X: y\r\n z\r\nContent-Length: 2\r\n\r\n{}",
    "HTTP/0.9": b"HTTP/0.9 401 X\r\n\r\n{}",
    "HTTP/1.7": b"HTTP/1.7 429 X\r\nContent-Length: 0\r\n\r\n",
    "chunks without a last line": TURNED + CHUNKED + b"\r\n2\r\n{}\r\n0\r\n",
    "chunks with half a trailer": TURNED + CHUNKED + b"\r\n2\r\n{}\r\n0\r\nX: y\r\n",
    "a chunk length with a sign": TURNED + CHUNKED + b"\r\n+2\r\n{}\r\n0\r\n\r\n",
    "chunks and a length": TURNED + CHUNKED + b"Content-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "chunks twice": TURNED + CHUNKED + CHUNKED + b"\r\n2\r\n{}\r\n0\r\n\r\n",
    "another coding": TURNED + b"Transfer-Encoding: xchunked\r\n\r\n{}",
    "chunks of HTTP/1.0": b"HTTP/1.0 401 X\r\n" + CHUNKED + b"\r\n2\r\n{}\r\n0\r\n\r\n",
    "a length with a sign": TURNED + b"Content-Length: +2\r\n\r\n{}",
    "half a fault": b"HTTP/1.1 403 X\r\n\r\n<ams:fault><ams:code>900901</ams:code><ams:mess",
    "a fault without its end": b"HTTP/1.1 403 X\r\n\r\n<ams:fault><ams:code>900901</ams:code>",
    "half an error with its own length": TURNED + b'Content-Length: 20\r\n\r\n{"errorCode": "x.y", ',
    "half a page with its own length": b"HTTP/1.1 429 X\r\nContent-Length: 12\r\n\r\n<html><p>x<p",
    "half a sentence": b"HTTP/1.1 429 X\r\n\r\nToo many requ",
    "a chunk without its end": TURNED + CHUNKED + b"\r\n2\r\n{}XX0\r\n\r\n",
    "a chunk longer than it says": TURNED + CHUNKED + b'\r\n2\r\n{}, "requestId": "7"}\r\n0\r\n\r\n',
    "chunks of which one has no end": TURNED + CHUNKED + b"\r\n1\r\n{\r\n1\r\n}\n\n0\r\n\r\n",
    "a trailer instead of chunks": TURNED + CHUNKED + b"\r\nX: y\r\n\r\n",
    "401 without length and body": TURNED + b"Content-Type: application/json\r\n\r\n",
    "429 without length and body": b"HTTP/1.1 429 X\r\nRetry-After: 0\r\n\r\n",
    "429 of HTTP/1.0 without length and body": b"HTTP/1.0 429 X\r\nRetry-After: 0\r\n\r\n",
    "blanks without length": TURNED + b"\r\n\r\n \r\n",
    **{
        f"half an error behind {name}": _whole(401, start + b'{"errorCode": "SessionToken.Expired", ')
        for name, start in {
            "a byte order mark": b"\xef\xbb\xbf",
            "a blank and a byte order mark": b"\n\xef\xbb\xbf",
            "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf",
            "a form feed": b"\f",
            "a guard": b")]}',\n",
            "a call": b"answer(",
            "a sentence": b"Your session has expired: ",
        }.items()
    },
    "half an error in UTF-16": _whole(401, '{"errorCode": "SessionToken.Expired", '.encode("utf-16")),
    "half a list behind a call": _whole(429, b'answer(["a", "b'),
    "half a page behind a sentence": _whole(429, b"Too many requests: <html><p>x<p"),
    "half a text": _whole(429, b'"Too many requ'),
    **{
        f"a fault {name}": _whole(403, b"<fault><code>900901</code>" + rest)
        for name, rest in {
            "that ends in a comment": b"<!-- </fault>",
            "with an open element": b"<message>a</fault>",
            "that ends in CDATA": b"<![CDATA[</fault>",
            "that ends in an attribute": b"<message a='</fault>",
            "with another one behind it": b"</fault><fault></fault>",
            "with text behind it": b"</fault>x",
            "with an unknown entity": b"&x;</fault>",
        }.items()
    },
    "a fault in a fault without its end": _whole(403, b"<f:fault><f:fault><f:code>900901</f:code></f:fault>"),
    "a fault with a document type": _whole(
        403, b'<!DOCTYPE fault [<!ENTITY a "900901">]><fault><code>900901</code><message>&a;</message></fault>'
    ),
    "a fault in an unknown encoding": _whole(
        403, b"<?xml version='1.0' encoding='none-such'?><fault><code>900901</code></fault>"
    ),
    "a page that ends in a comment": _whole(429, b"<html><body><!-- </body></html>"),
    "a page that ends in a script": _whole(429, b"<html><script>document.write('</html>"),
    "a page in a page": _whole(429, b"<html><body><html></body></html>"),
    "a length of 0 and a body": TURNED + b'Content-Length: 0\r\n\r\n{"requestId": "7"}',
    "a length that is too short": TURNED + b'Content-Length: 2\r\n\r\n{}{"requestId": "7"}',
    "chunks and something behind them": TURNED + CHUNKED + b'\r\n2\r\n{}\r\n0\r\n\r\n{"requestId": "7"}',
    "another answer behind it": TURNED + b"Content-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
}
"""Answers with a status that refuses, but not whole or not well-formed."""

ODD: dict[str, Form] = {
    **{f"{status} with nothing": _answer(status) for status in (101, 200, 204, 206, 207, 226)},
    **{
        f"{status} with the good body": around(b"HTTP/1.1 %d X\r\nContent-Length: %%d" % status)
        for status in (206, 299)
    },
    **{
        f"200 {name}": _answer(200, body)
        for name, body in {
            "html": HTML,
            "null": b"null",
            "text": b"OK",
            "a number": b"1",
            "not UTF-8": b'{"requestId": "\xe4"}',
            "an empty object": b"{}",
            "an array": b"[]",
            "a result of the wrong type": b'{"requestId": 7, "deviceList": {}}',
        }.items()
    },
    "a code beside a result": _with(errorCode="INTERNAL", errorMessage="x"),
    "200 with 200 as its error code": _json(200, {"errorCode": "200", "errorMessage": "Success"}),
    "200 with success as its error code": _json(200, {"errorCode": "Success", "errorMessage": ""}),
    **{
        f"400 with a code and {name}": _json(400, {"errorCode": "X", "errorMessage": "partly", name: [{"id": "1"}]})
        for name in ("succeeded", "failed", "results")
    },
    "400 with a list in a field": _json(400, {"errorCode": "X", "details": {"devices": ["1"]}}),
    "400 of 2 MB": _json(400, {"errorCode": "X", "errorMessage": "y" * (2 << 20)}),
    "503 with blanks": _answer(503, b"<title>" + b" " * 19_000),
    "503 with half tags": _answer(503, b"<title" * 3_000),
    "a fault beside a result": _with(**FAULT),
    **{
        f"{status} to {name}": _answer(status, HTML, place)
        for status in (300, 301, 302, 303, 304, 307, 308)
        for name, place in {
            "elsewhere": b"Location: /elsewhere",
            "half an address": b"Location: http://[",
            "a port of 99999999": b"Location: http://a.test:99999999/",
            "bytes": NO_UTF8,
        }.items()
        if status in (302, 307) or name == "half an address"
    },
    **{f"{status} as a page": _answer(status, HTML) for status in (400, 403, 404, 408, 409, 425, 451, 499)},
    **{f"{status} with nothing": _answer(status) for status in (400, 403, 404, 408, 409, 499)},
    **{
        f"{status} beside a result": around(b"HTTP/1.1 %d X\r\nContent-Length: %%d" % status)
        for status in (400, 401, 403, 429)
    },
    "408 with a code": _json(408, {"errorCode": "TIMEOUT", "errorMessage": "x"}),
    "500 session token cache": _json(500, {"errorCode": "X", "errorMessage": "The session token cache failed"}),
    "503 as a page": _answer(503, HTML, b"Retry-After: Mon, 99999999999999999999 Jan 2026 00:00:00 GMT"),
    "504 unauthorized": _json(504, {"error": "unauthorized", "error_description": "UWS V1 REST accounts: [400]"}),
    "500 with a fault": _json(500, FAULT),
    "500 SessionToken.Expired": _json(500, {"errorCode": "REQUEST_FAILED.SessionToken.Expired", "errorMessage": "x"}),
    **{f"{status} with nothing, too": _answer(status) for status in (500, 502, 503, 504, 505, 511, 599)},
}
"""Whole answers that do not say what became of the request."""

GOOD: dict[str, Form] = {
    **{
        f"an error code {code!r}": _with(errorCode=code, errorMessage=None)
        for code in (None, "", "0", 0, "000", "200", 201, "OK", "200 OK", "Success")
    },
    "an empty fault": _with(fault=None, error=None),
    "two equal lengths": around(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX: y"),
    "gzip": around(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d", gzip.compress),
    "half a surrogate pair": _with(note="\ud800", requestId="1-\udfff-2"),
    "escape characters": _with(note="\x1b[31m", requestId="\x1b]0;x\x07 7"),
    "a body that ends with the connection": around(b"HTTP/1.1 200 OK"),
}
"""Answers that say that it was done."""

REFUSING: dict[str, Form] = {
    **{
        f"{status} with a code": _json(status, {"errorCode": "INPUT_INVALID.X", "errorMessage": "no"})
        for status in (400, 403, 404, 405, 413, 422)
    },
    "200 with a code alone": _json(200, {"errorCode": "INPUT_INVALID.X", "errorMessage": "no", "requestId": None}),
    "400 900906": _json(400, {"fault": {"code": "900906", "message": "No matching resource", "description": ""}}),
    "407": _answer(407, HTML),
    "413 as a page": _answer(413, HTML),
}
"""Answers that prove a refusal."""

PASSING: dict[str, Form] = {
    "429": _json(429, {"errorCode": "X", "errorMessage": "slow"}, b"Retry-After: 0"),
    "429 as a page": _answer(429, HTML, b"Retry-After: 0"),
    "429 with nonsense": _answer(429, b"", b"Retry-After: -1"),
    "expired session": _json(
        400, {"errorCode": "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired", "errorMessage": "x"}
    ),
    "expired token": _json(401, FAULT),
    "429 without a length": send(b"HTTP/1.0 429 X\r\nRetry-After: 0\r\n\r\n{}"),
    "429 in chunks": send(b"HTTP/1.1 429 X\r\nRetry-After: 0\r\n" + CHUNKED + b"\r\n2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n"),
    "an XML fault": _answer(
        401, b"<ams:fault xmlns:ams='x'><ams:code>900901</ams:code><ams:message>x</ams:message></ams:fault>\n"
    ),
}
"""Refusals after which the same request may be sent again at once."""

AT_ONCE = b"Retry-After: 0"
NGINX = (
    b"<html>\r\n<head><title>%b</title></head>\r\n<body>\r\n<center><h1>%b</h1></center>\r\n"
    b"<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>\r\n"
)
PADDING = b"<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n"
HAPROXY = b"<html><body><h1>429 Too Many Requests</h1>\nYou have sent too many requests.\n</body></html>\n"
SQUID = (
    b'<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 4.01//EN" "http://www.w3.org/TR/html4/strict.dtd">\n<html><head>\n'
    b'<meta type="copyright" content="Squid">\n<title>ERROR: Cache Access Denied</title>\n<style type="text/css"><!--\n'
    b" body > p { font: 1em }\n--></style>\n</head><body id=ERR_CACHE_ACCESS_DENIED>\n<p>Sorry<br>\n<p>Denied\n<hr>\n"
    b"</body></html>\n"
)
F5 = (
    b"<html><head><title>Request Rejected</title></head><body>The requested URL was rejected.<br><br>"
    b"Your support ID is: 7<br><br><a href='javascript:history.back();'>[Go Back]</a></body></html>"
)
CONDITIONAL = (
    b'<!DOCTYPE html>\n<!--[if lt IE 7]> <html class="ie6"> <![endif]-->\n<!--[if gt IE 8]><!--> <html lang="en"> '
    b"<!--<![endif]-->\n<head><script>if (1 < 2) { document.write('<html>') }</script></head><body>x</body></html>"
)
CAPITALS = b"<HTML><HEAD>\n<TITLE>Unauthorized</TITLE>\n</HEAD><BODY>\n<H1>Unauthorized</H1>\n<P>\n</BODY>\n</HTML>\n"
APIGEE = b'{"fault":{"faultstring":"Rate limit","detail":{"errorcode":"policies.ratelimit.QuotaViolation"}}}'
XML_FAULT = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<!-- x --><ams:fault xmlns:ams="http://a.test/x"><ams:code>900906</ams:code>'
    b"<ams:message>No <![CDATA[</ams:fault>]]></ams:message><ams:description/></ams:fault>\n"
)

AGAIN_BY_PROXIES: dict[str, bytes] = {
    "nginx 401": _whole(401, NGINX % ((b"401 Authorization Required",) * 2)),
    "nginx 401 with padding": _whole(401, NGINX % ((b"401 Authorization Required",) * 2) + PADDING * 6),
    "nginx 429": _whole(429, NGINX % ((b"429 Too Many Requests",) * 2), AT_ONCE, b"Connection: keep-alive"),
    "HAProxy 429": _whole(429, HAPROXY, AT_ONCE, b"cache-control: no-cache"),
    "HAProxy 429 of HTTP/1.0 without length": b"HTTP/1.0 429 X\r\nRetry-After: 0\r\n\r\n" + HAPROXY,
    "F5 401": _whole(401, F5),
    "F5 429 in chunks": b"HTTP/1.1 429 X\r\nRetry-After: 0\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (CHUNKED, len(F5), F5),
    "Apigee 429": _whole(429, APIGEE, AT_ONCE),
    "a page with conditional comments": _whole(429, CONDITIONAL, AT_ONCE),
    "a page in capital letters": _whole(401, CAPITALS),
    "a sentence": _whole(429, b"Too many requests", AT_ONCE, b"Content-Type: text/plain"),
    "a sentence in chunks": b"HTTP/1.1 429 X\r\nRetry-After: 0\r\n"
    + CHUNKED
    + b"\r\n4\r\nSlow\r\n2\r\nly\r\n0\r\n\r\n",
    "a JSON text": _whole(429, b'"Too many requests"', AT_ONCE),
    "401 with a length of 0": _whole(401, b""),
    "429 with a length of 0": _whole(429, b"", AT_ONCE),
    "401 with no chunk": TURNED + CHUNKED + b"\r\n0\r\n\r\n",
    "401 with a byte order mark": _whole(401, b"\xef\xbb\xbf" + json.dumps(FAULT).encode()),
    "a page with a byte order mark": _whole(401, b"\xef\xbb\xbf" + F5),
    "401 and a blank line behind it": _whole(401, json.dumps(FAULT).encode()) + b"\r\n",
    "401 with an empty object": TURNED + b"Content-Length: 2\r\n\r\n{}",
    "401 without length": TURNED + b"\r\n" + json.dumps(FAULT).encode(),
}
"""Refusals of common proxies and gateways after which the same request may be sent again."""

REFUSED_BY_PROXIES: dict[str, bytes] = {
    "nginx 405": _whole(405, NGINX % ((b"405 Not Allowed",) * 2), b"Connection: close"),
    "Squid 407": _whole(407, SQUID, b'Proxy-Authenticate: Basic realm="Squid"'),
    "Squid 407 of HTTP/1.0 without length": b"HTTP/1.0 407 X\r\nConnection: close\r\n\r\n" + SQUID,
    "Apigee 401": _whole(401, APIGEE, b"Content-Type: application/json"),
    "Apigee 403": _whole(403, APIGEE),
    "a gateway's 403 in XML": _whole(403, XML_FAULT),
    "a gateway's 403 in XML without length": b"HTTP/1.1 403 X\r\nConnection: close\r\n\r\n" + XML_FAULT,
}
"""Their refusals that are final."""
