"""Bad input over real HTTP: the right 4xx, JSON, no trace, nothing stored as an event, memory flat."""

import gzip
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.integration.receiver.conftest import LIMIT, Running, signature
from tests.support.shop import FLOW_SECRET, SIGNING_SECRET

BOMB = gzip.compress(b"0" * 10_000_000)
SIGNED = {  # refused although the signature is right
    "not JSON": (b"hello", 400),
    "empty": (b"", 400),
    "not UTF-8": (b'{"a": "\xff"}', 400),
    "UTF-16": ('{"event": "order.created"}'.encode("utf-16"), 400),
    "BOM": (b"\xef\xbb\xbf{}", 400),
    "NaN": (b'{"event": "order.created", "data": {"n": NaN}}', 400),
    "duplicate keys": (b'{"event": "a", "event": "b"}', 400),
    "9,000 levels deep": (b"[" * 9_000 + b"]" * 9_000, 400),
    "a huge exponent": (b'{"data": 1e999999999999999999999}', 400),
    "one byte too many": (b" " * (LIMIT + 1), 413),
}


def _is_ours(answer: httpx.Response) -> bool:
    text = json.dumps(answer.json())
    return set(answer.json()) == {"error", "message"} and "Traceback" not in text and 'File "' not in text


@pytest.mark.parametrize(("body", "status"), SIGNED.values(), ids=SIGNED.keys())
def test_a_signed_body_that_cannot_be_read_is_refused(running: Running, body: bytes, status: int) -> None:
    """400 for what is no strict JSON, 413 over the limit; never a 500."""
    answer = running.post_signed(body)

    assert answer.status_code == status
    assert _is_ours(answer)


def test_1e5_levels_are_refused_where_the_limit_lets_them_in(running: Running) -> None:
    """Depth is found by the parser, not by a crash; the form of the body does not matter."""
    for body in (b'{"a":' * 3_000 + b"1" + b"}" * 3_000, b"[" * (LIMIT - 1)):
        assert running.post_signed(body).status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/webhooks/nobody", 404),
        ("/webhooks/toko/secret", 404),
        ("/webhooks/wa", 404),
        ("/webhooks/wa/wrong-secret", 404),
        ("/webhooks/wa/" + "x" * 5_000, 404),
        ("/webhooks/%00", 404),
        ("/webhooks/wa/%00%ff", 404),
        ("/webhooks/", 404),
        ("//webhooks//toko", 404),
        ("/webhooks/toko/", 404),
        ("/nothing", 404),
        ("/webhooks/crm", 401),
        ("/webhooks/toko", 401),
    ],
)
def test_a_path_or_a_credential_that_is_none(running: Running, path: str, status: int) -> None:
    """404 for what is no endpoint and where the URL is the credential, 401 for a missing signature; no redirect."""
    answer = running.post(path, b"{}")

    assert answer.status_code == status
    assert _is_ours(answer)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_a_wrong_method_is_told_the_right_one(running: Running, method: str) -> None:
    """405 with Allow."""
    answer = httpx.request(method, f"{running.shop.receiver_url}/webhooks/toko")

    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        signature(b"{}").rstrip("="),
        "sha256=" + signature(b"{}"),
        signature(b"{} "),
        "é" * 44,
        "A" * 9_000,
    ],
)
def test_a_signature_in_a_wrong_encoding_is_refused(running: Running, text: str) -> None:
    """Not Base64, unpadded, prefixed, of another body, not ASCII, overlong: 401."""
    raw = text.encode("latin-1", "replace")
    head = b"POST /webhooks/toko HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n"

    answer = running.raw(head + b"X-Scalev-Hmac-Sha256: " + raw + b"\r\n\r\n{}")

    assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_signature_that_is_sent_twice_is_refused(running: Running) -> None:
    """Two headers, or one beside its spelling with underscores: which one counts is nobody's guess."""
    good = f"X-Scalev-Hmac-Sha256: {signature(b'{}')}\r\n".encode()
    head = b"POST /webhooks/toko HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n"

    assert b"credential_doubled" in running.raw(head + good + good + b"\r\n{}")
    assert b"credential_missing" in running.raw(head + good.replace(b"-", b"_") + b"\r\n{}")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, identity"])
def test_a_compressed_body_is_refused_unopened(running: Running, encoding: str) -> None:
    """A gzip bomb is 415: no body is ever inflated."""
    answer = running.post_signed(BOMB[:LIMIT], **{"Content-Encoding": encoding})

    assert answer.status_code == 415
    assert _is_ours(answer)


def _pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // 1_000):
        yield b" " * 1_000
    yield b" " * (size % 1_000)


def test_the_limit_holds_for_chunked_bodies_too(running: Running) -> None:
    """One byte over is 413 whether the length was stated or not; the limit itself is not over it."""
    url = f"{running.shop.receiver_url}/webhooks/toko"
    for size, status in ((LIMIT, 400), (LIMIT + 1, 413), (LIMIT * 5, 413)):
        headers = {"X-Scalev-Hmac-Sha256": signature(b" " * size)}

        assert httpx.post(url, content=_pieces(size), headers=headers).status_code == status
        assert httpx.post(url, content=b" " * size, headers=headers).status_code == status


@pytest.mark.parametrize("repeat", range(5))
def test_who_sends_too_much_hears_so(running: Running, repeat: int) -> None:
    """The answer comes when the body has been sent: a connection broken half-way would say nothing."""
    for size in (LIMIT + 1, LIMIT * 7):
        assert running.post("/webhooks/toko", b" " * (size + repeat)).status_code == 413


def test_a_body_far_over_the_limit_is_answered_before_it_is_read(running: Running) -> None:
    """A stated length over the limit is 413 at once; nobody has to send 10 GB to hear it."""
    head = b"POST /webhooks/toko HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", running.shop.receiver_port), timeout=60) as connection:
        connection.sendall(head + b"x" * 100)

        assert connection.recv(1_000).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"POST /webhooks/toko HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /webhooks/toko HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", 400),
        (b"POST /webhooks/toko HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 401),
        (b"POST /webhooks/\xff HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST /webhooks/toko HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 100_000 + b"\r\n\r\n", 431),
        (b"POST /webhooks/toko HTTP/1.1\r\nHost: x\r\n" + b"X-N: 1\r\n" * 300 + b"\r\n", 431),
        (b"nonsense\r\n\r\n", 400),
    ],
)
def test_broken_http_is_refused(running: Running, head: bytes, status: int) -> None:
    """Impossible lengths, broken chunks, huge headers: 4xx, and the next request is served."""
    answer = running.raw(head)

    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert httpx.get(f"{running.shop.receiver_url}/healthz").status_code == 200


def test_a_sender_that_hangs_up_early_leaves_nothing_behind(running: Running) -> None:
    """A body shorter than was stated is never taken for a whole one."""
    good = f"X-Scalev-Hmac-Sha256: {signature(b'{}')}\r\n".encode()
    head = b"POST /webhooks/toko HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n" + good

    assert not running.raw(head + b"\r\n{}", ends=True).startswith(b"HTTP/1.1 200")
    assert httpx.get(f"{running.shop.receiver_url}/healthz").status_code == 200


def test_bodies_that_never_end_hold_nobody_up(running: Running) -> None:
    """More stalled senders than there are threads: others are answered at once, the stalled ones get 408."""
    head = b"POST /webhooks/toko HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    address = ("127.0.0.1", running.shop.receiver_port)
    stalled = [socket.create_connection(address, timeout=60) for _ in range(40)]
    for connection in stalled:
        connection.sendall(head)

    assert running.post("/webhooks/nobody", b"{}").status_code == 404
    for connection in stalled:
        assert connection.recv(1_000).startswith(b"HTTP/1.1 408 ")
        connection.close()


def test_memory_is_flat_after_hundreds_of_bad_requests(running: Running) -> None:
    """Deep, large, compressed, wrongly signed, in parallel: the receiver keeps none of it."""

    def flood(count: int) -> None:
        with httpx.Client(base_url=running.shop.receiver_url, timeout=20) as client:
            for number in range(count):
                for body in (b"[" * LIMIT, b" " * LIMIT * 5, BOMB[:LIMIT], b'{"a": %d' % number):
                    for signed in ({}, {"X-Scalev-Hmac-Sha256": signature(body)}):
                        assert 400 <= client.post("/webhooks/toko", content=body, headers=signed).status_code < 500
                    assert client.post("/webhooks/wa/x", content=body).status_code in {404, 413}
                    assert client.post("/webhooks/toko", content=_pieces(LIMIT * 5)).status_code == 413

    def size() -> int:
        return sum(process.memory_info().rss for process in running.program.family())

    def floods(count: int) -> None:
        with ThreadPoolExecutor(4) as threads:
            list(threads.map(flood, [count] * 4))

    floods(4)
    before = size()
    floods(8)

    assert size() - before < 20_000_000


def test_after_all_this_nothing_was_stored_and_nothing_personal_was_logged(running: Running) -> None:
    """No event came of it, no answer was a 500, and the log holds neither bodies nor secrets nor foreign text."""
    assert running.shop.rows("SELECT 1 FROM events") == []
    for text in ("Traceback", "receiver.bug", "ledger.away", SIGNING_SECRET, FLOW_SECRET, "wrong-secret", "nobody"):
        assert text not in running.program.log
