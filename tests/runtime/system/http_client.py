"""Python's http.client, and bytes written by hand, against a gateway in front of an origin that tells
every request back: GET and POST /echo as they came, /chunked in chunks.

usage: http_client.py CASE HOST PORT
Exit status 0 where everything was as it should be; an assertion otherwise.
"""
import http.client
import socket
import sys
import time


def connection(address):
    return http.client.HTTPConnection(*address, timeout=20)


def ask(conn, method, target, body=None, headers={}, **options):
    conn.request(method, target, body=body, headers=headers, **options)
    answer = conn.getresponse()
    return answer, answer.read()


def read_answers(sock, count):
    """Splits what comes into answers by Content-Length; nothing may be left over."""
    data, answers = b"", []
    while len(answers) < count:
        head, mark, rest = data.partition(b"\r\n\r\n")
        length = 0
        if mark:
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
        if mark and len(rest) >= length:
            answers.append((head, rest[:length]))
            data = rest[length:]
            continue
        piece = sock.recv(65536)
        assert piece, "ended after %d answers" % len(answers)
        data += piece
    assert data == b"", data[:200]
    return answers


def pipelining(address):
    requests = b"".join(
        b"GET /echo?%d HTTP/1.1\r\nHost: a\r\nX-Delay-Ms: %d\r\n\r\n" % (i, (i * 7) % 5)
        for i in range(50))
    with socket.create_connection(address, timeout=20) as sock:
        sock.sendall(requests)
        for i, (head, body) in enumerate(read_answers(sock, 50)):
            assert head.startswith(b"HTTP/1.1 200 "), head
            assert body.startswith(b"GET /echo?%d HTTP" % i), (i, body[:40])


def pipelined_bodies(address):
    requests = b"".join(
        b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (i * 100) + b"%c" % (65 + i % 26) * (i * 100)
        for i in range(30))
    with socket.create_connection(address, timeout=20) as sock:
        sock.sendall(requests)
        for i, (_, body) in enumerate(read_answers(sock, 30)):
            assert body.endswith(b"\r\n\r\n" + b"%c" % (65 + i % 26) * (i * 100)), i


def keep_alive(address):
    conn = connection(address)
    ports = set()
    for i in range(200):
        answer, body = ask(conn, "GET", "/echo?%d" % i)
        assert answer.status == 200 and b"/echo?%d " % i in body
        ports.add(conn.sock.getsockname())
    assert len(ports) == 1, ports
    answer, _ = ask(conn, "GET", "/echo", headers={"Connection": "close"})
    assert answer.getheader("Connection") == "close" and conn.sock is None


def chunked_both_ways(address):
    conn = connection(address)
    for size in (1, 1000, 40_000, 300_000):
        pieces = [bytes([65 + i % 26]) * (size // 10 + 1) for i in range(10)]
        answer, body = ask(conn, "POST", "/chunked", body=iter(pieces),
                           headers={"Transfer-Encoding": "chunked"}, encode_chunked=True)
        assert answer.status == 200
        assert body.endswith(b"\r\n\r\n" + b"".join(pieces)), size


def trailers_and_extensions(address):
    with socket.create_connection(address, timeout=20) as sock:
        sock.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
                     b"Trailer: X-Sum\r\n\r\n4;name=value\r\nWiki\r\n5;q=\"a;b\"\r\npedia\r\n"
                     b"0\r\nX-Sum: 12\r\n\r\nGET /echo?after HTTP/1.1\r\nHost: a\r\n\r\n")
        first, second = read_answers(sock, 2)
        assert first[1].endswith(b"\r\n\r\nWikipedia") and b"X-Sum" not in first[1], first
        assert second[1].startswith(b"GET /echo?after HTTP/1.1\r\n"), second


def slow_body(address):
    with socket.create_connection(address, timeout=20) as sock:
        sock.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n")
        for _ in range(40):
            sock.sendall(b"s")
            time.sleep(0.005)
        (_, body), = read_answers(sock, 1)
        assert body.endswith(b"\r\n\r\n" + b"s" * 40)


def split_everywhere(address):
    request = (b"POST /echo?split HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
               b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    for step in (1, 3, 7):
        with socket.create_connection(address, timeout=20) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(request), step):
                sock.sendall(request[at:at + step])
            (_, body), = read_answers(sock, 1)
            assert body.endswith(b"\r\n\r\nabcde"), body


def header_edges(address):
    conn = connection(address)
    _, body = ask(conn, "GET", "/echo", headers={
        "X-Empty": "", "X-Spaces": "  in  the middle  ", "X-Long": "v" * 8000,
        "x-mixed-CASE": "Kept", "X-Bytes": b"caf\xe9", "X-Two": "1, 2"})
    assert b"\r\nX-Empty: \r\n" in body
    assert b"\r\nX-Spaces: in  the middle\r\n" in body
    assert b"\r\nX-Long: " + b"v" * 8000 + b"\r\n" in body
    assert b"\r\nx-mixed-CASE: Kept\r\n" in body
    assert b"\r\nX-Bytes: caf\xe9\r\n" in body
    with socket.create_connection(address, timeout=20) as sock:
        sock.sendall(b"GET /echo HTTP/1.1\r\nHost: a\r\nX-Two: 1\r\nX-Other: 0\r\nX-Two: 2\r\n\r\n")
        (_, body), = read_answers(sock, 1)
        assert body.index(b"X-Two: 1\r\n") < body.index(b"X-Two: 2\r\n")
    answer, _ = ask(connection(address), "GET", "/echo", headers={"X-Long": "v" * 20000})
    assert answer.status == 431, answer.status


def hop_by_hop(address):
    conn = connection(address)
    _, body = ask(conn, "GET", "/echo", headers={
        "Connection": "keep-alive, X-Hop", "Keep-Alive": "timeout=5", "X-Hop": "secret", "TE": "gzip",
        "Proxy-Connection": "keep-alive", "X-End": "stays", "Upgrade": "h2c"})
    for gone in (b"X-Hop", b"Keep-Alive:", b"\r\nTE:", b"Proxy-Connection", b"Upgrade"):
        assert gone not in body, (gone, body)
    assert b"\r\nX-End: stays\r\n" in body
    answer, _ = ask(conn, "POST", "/chunked", body=b"b" * 100_000)
    assert answer.getheader("X-Secret") is None and answer.getheader("Server") == "origin"


def forwarded(address):
    conn = connection(address)
    _, body = ask(conn, "GET", "/echo", headers={
        "Host": "shop.test", "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "evil.test", "Forwarded": "for=6.6.6.6"})
    assert b"6.6.6.6" not in body and b"evil.test" not in body and b"https" not in body, body
    assert b"\r\nX-Forwarded-For: 127.0.0.1\r\n" in body
    assert b"\r\nX-Forwarded-Proto: http\r\n" in body
    assert b"\r\nX-Forwarded-Host: shop.test\r\n" in body
    assert b"\r\nHost: shop.test\r\n" in body


def deadline(address):
    answer, body = ask(connection(address), "GET", "/silent",
                       headers={"X-Request-Timeout-Ms": "100"})
    assert answer.status == 504 and answer.getheader("X-Phoenix-Reason") == "deadline", body


def half_closed(address):
    with socket.create_connection(address, timeout=20) as sock:
        sock.sendall(b"GET /echo?half HTTP/1.1\r\nHost: a\r\nX-Delay-Ms: 50\r\n\r\n")
        sock.shutdown(socket.SHUT_WR)
        (_, body), = read_answers(sock, 1)
        assert b"/echo?half" in body and sock.recv(1) == b""


CASES = {case.__name__: case for case in (
    pipelining, pipelined_bodies, keep_alive, chunked_both_ways, trailers_and_extensions, slow_body,
    split_everywhere, header_edges, hop_by_hop, forwarded, deadline, half_closed)}

if __name__ == "__main__":
    CASES[sys.argv[1]]((sys.argv[2], int(sys.argv[3])))
