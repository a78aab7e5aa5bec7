"""Requests that nobody honest sends, for serve_load.py: each a function of a
generator that gives the bytes of one connection.  None may be answered with
2xx but those that say so, none with 5xx but 501 and 505, none with the path of
a file of the server or of another's job."""
import base64
import json
import re
import secrets

from serve_client import judge, raw

HEAD = b"Host: localhost\r\n"


def request(method, path, body=None, *headers):
    lines = b"".join(h + b"\r\n" for h in headers)
    if body is not None and b"ontent-Length" not in lines:
        lines += b"Content-Length: %d\r\n" % len(body)
    return b"%s %s HTTP/1.1\r\n%s%sConnection: close\r\n\r\n%s" % (
        method, path, HEAD, lines, body or b"")


class Attack:
    def __init__(self, draw, keys, job):
        self.draw, self.keys, self.job = draw, keys.encode(), job.encode()

    def some(self, n=16):
        return self.draw.randbytes(self.draw.randint(1, n))

    def ident(self):
        """One that is none: of the right form, near to one, or not at all."""
        d = self.draw
        x = bytearray(d.choice([self.keys, self.job]))
        kind = d.randrange(6)
        if kind == 0:
            return secrets.token_hex(16).encode()
        if kind == 1:
            x[d.randrange(32)] ^= 1
            return bytes(x) if bytes(x) not in (self.keys, self.job) else b"0"
        if kind == 2:
            return bytes(x).upper() + b"A"
        if kind == 3:
            return bytes(x)[:d.randrange(32)]
        if kind == 4:
            return bytes(x) + d.choice([b"%00", b".", b"%2e%2e", b"\\", b" "])
        return b"0" * d.choice([31, 33, 64, 4000])

    def path(self):
        kind = self.draw.choice([b"uploads", b"keys", b"jobs", b"models"])
        return b"/v1/%s/%s%s" % (kind, self.ident(), self.draw.choice(
            [b"", b"/", b"/result", b"/events", b"/finish", b"/0", b"/plan",
             b"/99999999999", b"/-1", b"/0x1", b"/..", b"?x=1"]))

    # ---- one connection each ----

    def others(self):
        return request(self.draw.choice([b"GET", b"DELETE"]), self.path())

    def others_pieces(self):
        return request(b"PUT", b"/v1/uploads/%s/%d" % (
            self.draw.choice([self.ident(), self.keys, self.job]),
            self.draw.randrange(5)), b"x" * self.draw.randrange(2000))

    def traversal(self):
        part = self.draw.choice([
            b"..", b"%2e%2e", b"..%2f..", b"%2e%2e%2f", b"..\\..", b"....//",
            b"%252e%252e", b"..;", b"\xc0\xae\xc0\xae", b".%00."])
        end = self.draw.choice([
            b"etc/passwd", b"item.json", b"eval.keys", b"proc/self/environ",
            b"%65tc/passwd", b"plans/mnist.plan", b"lock"])
        front = self.draw.choice([b"/", b"//", b"/v1/models/", b"/v1/jobs/",
                                  b"/v1/keys/" + self.keys + b"/", b""])
        return request(b"GET", front + b"/".join(
            [part] * self.draw.randint(1, 9)) + b"/" + end)

    def methods(self):
        how = self.draw.choice([b"PATCH", b"TRACE", b"CONNECT", b"PROPFIND",
                                b"get", b"PUT", b"POST", b"DELETE", b"G\0T",
                                b"X" * 3000, b""])
        return request(how, self.draw.choice([
            b"/v1/models", b"/", b"/v1/jobs/" + secrets.token_hex(16).encode(),
            b"/v1/models/mnist/plan", b"*"]))

    def lies(self):
        body = b'{"kind":"keys","model":"mnist","bytes":100}'
        said = self.draw.choice([
            b"0", b"1", b"9999999", b"-1", b"+5", b"0x10", b"1e3", b" 5 5",
            b"99999999999999999999999", b"18446744073709551615", b"", b"\xb2",
            b"42, 43"])
        return request(b"POST", b"/v1/uploads", body,
                       b"Content-Length: " + said)

    def chunked(self):
        front = self.draw.choice([
            b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked\r\n"
            b"Content-Length: 5", b"Transfer-Encoding: gzip, chunked",
            b"Transfer-Encoding : chunked", b"transfer-encoding:\tCHUNKED"])
        body = self.draw.choice([
            b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffff\r\nx", b"-1\r\n",
            b"5;x=%s\r\nhello\r\n0\r\n\r\n" % (b"y" * 5000), b"0\r\n\r\nGET "])
        return b"POST /v1/uploads HTTP/1.1\r\n%s%s\r\n\r\n%s" % (HEAD, front,
                                                               body)

    def wishes(self):
        d = self.draw
        numbers = [-1, 0, 1, 63, 1.5, 1e300, 2 ** 63, 2 ** 64, "100", None,
                   [], True, 10 ** 40]
        value = {"kind": d.choice(["keys", "job", "", 1, None, ["keys"]]),
                 "model": d.choice(["mnist", "../mnist", "", "x" * 70, 5,
                                    "mnist\0", "\x1b[2J"]),
                 "bytes": d.choice(numbers)}
        if d.random() < 0.5:
            value["keys"] = d.choice([self.ident().decode("latin1"), 7])
        text = json.dumps(value).encode()
        if d.random() < 0.3:
            text = d.choice([b"[" * 40000, b'{"kind":' * 2000, text[:-3],
                             text + text, b"\xff\xfe" + text, b"",
                             b'{"kind":"keys","kind":"job"}', b"null"])
        return request(b"POST", b"/v1/uploads", text)

    def digests(self):
        said = self.draw.choice([
            b"sha-256=:AAAA:", b"sha-256=:" + b"A" * 3000 + b":",
            b"sha-256=:" + base64.b64encode(self.draw.randbytes(33)) + b":",
            b"sha-256=", b"md5=:AA==:", b"\xff"])
        return request(b"PUT", b"/v1/uploads/%s/0" % self.ident(), b"x" * 64,
                       b"Content-Digest: " + said)

    def ranges(self):
        said = self.draw.choice([b"bytes=5-1", b"bytes=-0", b"bytes=-",
                                 b"bytes=0-0,2-3" + b",5-6" * 900, b"=0-1",
                                 b"bytes=99999999999-", b"lines=0-1",
                                 b"bytes=18446744073709551615-"])
        return request(b"GET", b"/v1/jobs/%s/result" % self.ident(), None,
                       b"Range: " + said)

    def big_heads(self):
        return b"GET /v1/models HTTP/1.1\r\n" + HEAD + self.draw.choice([
            b"X: " + b"a" * 200000 + b"\r\n\r\n",
            b"".join(b"X-%d: 1\r\n" % i for i in range(6000)) + b"\r\n",
            b"Authorization: Bearer " + b"t" * 60000 + b"\r\n\r\n",
            b"Cookie: " + self.draw.randbytes(3000).replace(b"\n", b"")
            + b"\r\n\r\n"])

    def long_path(self):
        return request(b"GET", b"/v1/" + b"a" * self.draw.choice(
            [200, 5000, 100000]))

    def pipelined(self):
        return b"".join(
            self.draw.choice([self.others, self.wishes, self.methods])()
            .replace(b"Connection: close\r\n", b"")
            for _ in range(self.draw.randint(2, 30)))

    def smuggled(self):
        inner = b"GET /v1/jobs/%s/result HTTP/1.1\r\n%s\r\n" % (self.ident(),
                                                               HEAD)
        return (b"POST /v1/uploads HTTP/1.1\r\n%sContent-Length: 4\r\nContent-"
                b"Length: %d\r\n\r\n" % (HEAD, len(inner)) + inner)

    def noise(self):
        return self.draw.randbytes(self.draw.choice([1, 50, 5000]))

    def fuzzed(self):
        x = bytearray(self.draw.choice(
            [self.others, self.wishes, self.ranges, self.lies])())
        for _ in range(self.draw.randint(1, 8)):
            at = self.draw.randrange(min(len(x), 300))
            if self.draw.random() < 0.5:
                x[at] = self.draw.randrange(256)
            else:
                x[at:at] = self.draw.choice([b"\r", b"\n", b"\0", b":", b" ",
                                             b"\r\n", b"\r\n\r\n", b"%"])
        return bytes(x)

    def cut(self):
        x = request(b"POST", b"/v1/uploads", b'{"kind":"keys"')
        return x[:self.draw.randrange(len(x))]

    def versions(self):
        return b"GET /v1/models HTTP/%s\r\n%s\r\n" % (self.draw.choice(
            [b"0.9", b"1.2", b"2.0", b"9.9", b"x", b"", b"1.1.1"]), HEAD)

    def origins(self):
        return request(self.draw.choice([b"OPTIONS", b"GET"]),
                       b"/v1/jobs/" + self.ident(), None, self.draw.choice(
                           [b"Origin: null", b"Origin: http://evil.example",
                            b"Origin: " + b"x" * 3000, b"Origin: \r\n X: 1"]))


# Kinds of which an answer of 2xx is right: a list of models, a preflight, an
# upload of a size that can be.
HARMLESS = {"methods", "big_heads", "versions", "origins", "wishes", "fuzzed",
            "lies", "pipelined"}
# After which the server rightly waits for more.
OPEN = {"big_heads", "cut", "noise", "pipelined", "smuggled"}
SECRET = re.compile(rb"root:|VVCT|VLLY|\"owner\"|PATH=")


def attack(server, keys, job, count, seed):
    """So many connections; the number of kinds."""
    import random

    draw = random.Random(seed)
    one = Attack(draw, keys, job)
    kinds = sorted(n for n in vars(Attack) if n[0] != "_" and n not in (
        "some", "ident", "path"))
    bad = []
    for i in range(count):
        kind = kinds[i % len(kinds)]
        sent = getattr(one, kind)()
        got = raw(server.port, sent, 0.1 if kind in OPEN else 1,
                  half=i // len(kinds) % 2 > 0)
        states = [int(s) for s in re.findall(rb"HTTP/1\.[01] (\d{3})", got)]
        if SECRET.search(got) or any(
                s >= 500 and s not in (501, 505)
                or (s < 300 and kind not in HARMLESS) for s in states):
            bad.append((kind, sent[:200], got[:200]))
        if server.run.poll() is not None:
            bad.append((kind, "the server ended", sent[:400]))
            break
    judge("%d hostile requests" % count, not bad,
          "%d: %s" % (len(bad), bad[:3]))
    return len(kinds)
