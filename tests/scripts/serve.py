"""serve.py BUILD -- `volley serve` over loopback with the smallest network:
the API, restarts (serve_store.py), what is refused, with which words, and that
a result is the command's, byte by byte.  Ends with "N passed, N failed".  Load and hostile clients:
serve_load.py, serve_hostile.py."""
import json
import os
import re
import shutil
import socket
import sys
import time

import serve_hand as hand
from serve_hand import (BOUND, IN, KEYS, MNIST, OUT, PIECE, PLAN, SECRET,
                        WORK, Server, half_piece, judge, refused, store,
                        volley)
from serve_store import restarts

NOBODY = "0123456789abcdef" * 2


# ---- the way ----------------------------------------------------------------

def whole_way():
    s = Server(store("a"), "--piece", PIECE)
    m = s.get("/v1/models")[1]["models"]
    judge(len(m) == 1 and m[0]["name"] == "mnist"
          and m[0]["plan_bytes"] == len(PLAN)
          and len(KEYS) == m[0]["keys_bytes"] and m[0]["seconds"] > 0
          and len(IN) <= m[0]["upload_bytes"] + 128
          and m[0]["images_a_set"] == 20, "models", m)
    got = s.get("/v1/models/mnist/plan")
    judge(json.loads(PLAN) == got[1] and got[2]["Content-Type"]
          == "application/json", "the plan is that of volley plan", got)
    keys = s.keys(KEYS)
    got = s.get("/v1/keys/" + keys)
    judge(got[1]["model"] == "mnist" and got[1]["bytes"] == len(KEYS)
          and abs(got[1]["expires"] - time.time() - 7 * 86400) < BOUND,
          "keys", got)
    job = s.job(keys, IN)
    events = s.events(job)
    names = [name for name, _ in events]
    judge(names[0] in ("state", "end") and names[-1] == "end"
          and names.count("end") == 1, "events", events)
    judge(events[-1][1]["state"] == "done" and events[-1][1]["bytes"]
          == len(OUT) and events[-1][1]["done"] == 1, "the end", events[-1])
    for name, x in events:
        judge(name != "progress" or (x["set"] == x["sets"] == 1
              and 0 <= x["done"] <= 1 and x["layer"]), "progress", x)
    got = s.get("/v1/jobs/%s/result" % job)
    judge(got[0] == 200 and got[1] == OUT, "the result is the command's")
    ranges(s, job)
    for kind, ident in ("jobs", job), ("keys", keys):
        path = "/v1/%s/%s" % (kind, ident)
        judge(s.ask("DELETE", path)[0] == 204, "DELETE " + kind)
        refused(s.get(path), 404, "no such", "what was deleted")
    judge(os.listdir(store("a/jobs")) == os.listdir(store("a/keys")) == [],
          "nothing is left")
    text = "".join(s.said)
    judge(keys not in text and job not in text and "127.0.0.1:" not in text
          and "job 1 done" in text, "no id in the log", text)
    judge(s.end() == 0, "SIGTERM: exit code 0")


def ranges(s, job):
    path, n = "/v1/jobs/%s/result" % job, len(OUT)
    for text, a, b in (("0-0", 0, 1), ("5-", 5, n), ("-7", n - 7, n),
                       ("3-99999999999", 3, n), ("-99999999999", 0, n)):
        got = s.get(path, Range="bytes=" + text)
        judge(got[0] == 206 and got[1] == OUT[a:b] and got[2]["Content-Range"]
              == "bytes %d-%d/%d" % (a, b - 1, n), "range " + text, got[2])
    for text in "5-3", "x", "1-2,4-5", "-", "1-2x":
        got = s.get(path, Range="bytes=" + text)
        judge(got[0] == 200 and got[1] == OUT, "no range: " + text, got[0])
    for text in "%d-" % n, "-0":
        refused(s.get(path, Range="bytes=" + text), 416, str(n), "range")
    tag = s.get(path)[2]["ETag"]
    judge(s.get(path, Range="bytes=1-2", If_Range=tag)[0] == 206
          and s.get(path, Range="bytes=1-2", If_Range='"x"')[0] == 200,
          "If-Range")


# ---- pieces -----------------------------------------------------------------

def pieces():
    s = Server(store("b"), "--piece", PIECE)
    cut = [KEYS[i:i + PIECE] for i in range(0, len(KEYS), PIECE)]
    wish = {"kind": "keys", "model": "mnist", "bytes": len(KEYS)}
    status, x, _ = s.begin(wish)
    up = x["upload"]
    judge(status == 201 and x["piece_bytes"] == PIECE
          and x["pieces"] == len(cut), "an upload begins", x)
    for k in range(1, len(cut)):
        judge(s.put(up, k, cut[k])[0] == 204, "piece %d" % k)
    got = refused(s.finish(up), 409, "1 of %d" % len(cut), "finish too soon")
    judge(got[1]["missing"] == [0], "which are missing", got)
    other = bytes(len(cut[2]))
    judge(s.put(up, 2, other)[0] == 204 and s.put(up, 2, cut[2])[0] == 204,
          "a piece again")
    line = half_piece(s, up, 3, other)          # never acknowledged
    refused(s.put(up, 1, cut[1][:-1]), 422, str(PIECE), "a short piece")
    refused(s.put(up, 1, cut[1] + b"x"), 413, str(PIECE), "a long piece")
    refused(s.put(up, len(cut), b"x"), 404, "piece", "no such piece")
    refused(s.put(up, 1, cut[1], Content_Digest=hand.digest(b"")), 422,
            "damaged", "another digest")
    refused(s.put(up, 1, cut[1], Content_Digest="sha-256=:AA:"), 400,
            "Content-Digest", "no digest")
    bad = bytearray(cut[0])
    bad[24] ^= 1
    refused(s.put(up, 0, bytes(bad)), 422, "another plan", "keys of a plan")
    judge(s.get("/v1/uploads/" + up)[1]["missing"] == [0], "still missing")
    first = half_piece(s, up, 0, cut[0])        # a line that hangs
    judge(s.put(up, 0, cut[0], Content_Digest=hand.digest(cut[0]))[0] == 204,
          "a piece past a line that hangs")
    got = s.finish(up)
    judge(got[0] == 201 and s.finish(up)[1] == got[1], "finish twice", got)
    first.sendall(bytes(PIECE // 2))            # too late to do harm
    first.settimeout(BOUND)
    judge(b" 404 " in first.recv(200), "what is late is refused")
    job = s.job(got[1]["keys"], IN)
    judge(s.wait(job, "done", "failed") == "done", "pieces make the file",
          s.get("/v1/jobs/" + job))
    line.close()
    first.close()
    refused(s.send(dict(wish), SECRET + bytes(len(KEYS) - len(SECRET))), 422,
            "kind 4", "a secret key is not taken")
    for n, status in (len(KEYS) + 1, 413), (len(KEYS) - 1, 422), (3, 422):
        refused(s.begin(dict(wish, bytes=n)), status, "%d" % n,
                "keys of %d bytes" % n)
    refused(s.begin(dict(wish, model="x")), 404, "'x'", "no such model")
    for body in "", "[]", "{", '{"kind":"keys"}', json.dumps(
            dict(wish, more=1)), json.dumps(dict(wish, bytes=-1)):
        refused(s.ask("POST", "/v1/uploads", body), 400, ".", "body " + body)
    got = s.begin(wish)[1]["upload"]
    judge(s.ask("DELETE", "/v1/uploads/" + got)[0] == 204
          and s.get("/v1/uploads/" + got)[0] == 404, "an upload is dropped")
    s.end()


# ---- who may ask ------------------------------------------------------------

def rights():
    one, two = "a" * 20, "b" * 16
    page = store("page")
    os.mkdir(page)
    for name, text in ("index.html", "<p>"), ("x.mjs", "1"), (".y.mjs", ""):
        with open(os.path.join(page, name), "w") as f:
            f.write(text)
    with open(os.path.join(page, "x.mjs.br"), "wb") as f:
        f.write(b"short")       # the server does not look into it
    with open(store("tokens"), "w") as f:
        f.write("# who may\n%s\n\n%s\r\n" % (one, two))
    cert, key, trust = hand.certificate(WORK)
    s = Server(store("d"), "--token", store("tokens"), "--page", page,
               "--cert", cert, "--key", key, "--origin", "null", "--origin",
               "https://a.example", "--queue", 1, tls=trust)
    got = refused(s.get("/v1/models"), 401, "needed", "no token")
    judge(got[2].get("WWW-Authenticate") == "Bearer", "401", got)
    refused(s.get("/v1/models", token="c" * 20), 401, "not known", "a token")
    keys = s.keys(KEYS, token=one)
    judge(s.get("/v1/keys/" + keys, token=one)[0] == 200, "one's own")
    refused(s.get("/v1/keys/" + keys, token=two), 404, "no such", "others'")
    refused(s.send({"kind": "job", "keys": keys}, IN, token=two), 404,
            "no such", "a job with others' keys")
    job = s.job(keys, IN, token=one)
    s.caught()
    s.job(keys, IN, token=one)
    got = refused(s.send({"kind": "job", "keys": keys}, IN, token=one), 429,
                  "1 jobs? wait", "a full queue")
    judge(int(got[2]["Retry-After"]) >= 1, "Retry-After", got)
    for path in "", "/events", "/result":
        refused(s.get("/v1/jobs/%s%s" % (job, path), token=two), 404,
                "no such", "others' job" + path)
    refused(s.ask("DELETE", "/v1/jobs/" + job, token=two), 404, "no such",
            "deleting others'")
    got = s.get("/")
    judge(got[0] == 200 and got[1] == b"<p>" and "script-src 'self' "
          "'wasm-unsafe-eval'" in got[2]["Content-Security-Policy"]
          and got[2]["X-Content-Type-Options"] == "nosniff"
          and got[2]["Content-Type"].startswith("text/html"), "page", got)
    judge(s.get("/x.mjs")[2]["Content-Type"].startswith("text/javascript")
          and s.get("/", If_None_Match=got[2]["ETag"])[0] == 304, "types")
    whole = s.get("/x.mjs", Accept_Encoding="gzip, brx, br;q=0")
    short = s.get("/x.mjs", Accept_Encoding="gzip, deflate, br")
    judge(whole[1] == b"1" and "Content-Encoding" not in whole[2], "not "
          "compressed", whole)
    judge(short[1] == b"short" and short[2]["Content-Encoding"] == "br"
          and short[2]["ETag"] != whole[2]["ETag"]
          and "Accept-Encoding" in short[2]["Vary"]
          and short[2]["Content-Type"].startswith("text/javascript"),
          "compressed", short)
    for path in ("/.y.mjs", "/x.mjs.br", "/../tokens", "/%2e%2e/tokens", "/page/x.mjs",
                 "//etc/passwd", "/index.html/", "/tokens"):
        refused(s.get(path), 404, "no such", "page " + path)
    got = s.ask("OPTIONS", "/v1/uploads", Origin="null")
    judge(got[0] == 204 and got[2]["Access-Control-Allow-Origin"] == "null"
          and "PUT" in got[2]["Access-Control-Allow-Methods"], "CORS", got)
    got = s.get("/v1/models", token=one, Origin="https://a.example")
    judge(got[2]["Access-Control-Allow-Origin"] == "https://a.example",
          "CORS", got)
    got = refused(s.get("/v1/models", token=one, Origin="https://b.example"),
                  403, "origin", "another origin")
    judge("Access-Control-Allow-Origin" not in got[2], "no CORS", got)
    judge(s.get("/v1/models", token=one,
                Origin="https://localhost:%d" % s.port)[0] == 200, "own page")
    s.end()


def limits():
    s = Server(store("e"), "--quota", "12M", "--json")
    for method, path, status in (
            ("GET", "/v1/", 404), ("GET", "/v1/jobs/", 404),
            ("GET", "/v1/jobs/" + NOBODY, 404),
            ("GET", "/v1/jobs/" + NOBODY.upper(), 404),
            ("GET", "/v1/jobs/..%2f..%2flock", 404),
            ("GET", "/v1/models%00/x", 404), ("GET", "/v1/%6dodels", 404),
            ("GET", "/v1/jobs/" + NOBODY + "/../../lock", 404),
            ("PUT", "/v1/uploads/" + NOBODY + "/00", 404),
            ("PUT", "/v1/uploads/" + NOBODY + "/0", 404),
            ("PUT", "/v1/models", 405), ("POST", "/", 405),
            ("HEAD", "/v1/jobs/%s/events" % NOBODY, 405)):
        got = s.ask(method, path)
        judge(got[0] == status, "%s %s" % (method, path), got)
    line = s.line()
    line.putrequest("POST", "/v1/uploads")
    line.putheader("Transfer-Encoding", "chunked")
    line.endheaders()
    line.send(b"2\r\n{}\r\n0\r\n\r\n")
    judge(line.getresponse().status == 411, "no length")
    line.close()
    refused(s.ask("POST", "/v1/uploads", b"x" * 5000), 413, "4096", "a body")
    wish = {"kind": "keys", "model": "mnist", "bytes": len(KEYS)}
    up = s.begin(wish)[1]["upload"]
    refused(s.begin(wish), 507, "full", "the quota")
    judge(s.put(up, 0, KEYS[:4 << 20])[0] == 204, "a piece")
    refused(s.put(up, 0, KEYS[:4 << 20]), 507, "full", "again, with no room")
    judge(s.ask("DELETE", "/v1/uploads/" + up)[0] == 204
          and s.begin(wish)[0] == 201, "room again")
    line = socket.create_connection(("127.0.0.1", s.port))
    line.sendall(b"POST /v1/uploads HTTP/1.1\r\nHost: x\r\nContent-Length: 2"
                 b"\r\nContent-Length: 75\r\n\r\n{}GET / HTTP/1.1\r\n"
                 b"Host: x\r\n\r\n")
    line.settimeout(BOUND)
    text = b"".join(iter(lambda: line.recv(4096), b""))
    judge(text.count(b"HTTP/1.1 ") == 1 and text.startswith(b"HTTP/1.1 400"),
          "two lengths", text)
    s.end()
    events = [json.loads(x) for x in s.run.stdout.read().splitlines()]
    judge(events and all("event" in x and "time" in x for x in events),
          "events as objects", events)
    for what, words, said in (
            ("no store", ("--port", 0), "--store"),
            ("half of TLS", ("--store", store("f"), "--port", 0, "--cert",
                             MNIST), "--key"),
            ("no certificate", ("--store", store("f"), "--port", 0, "--cert",
                                store("tokens"), "--key", store("tokens")),
             "listening"),
            ("a short token", ("--store", store("f"), "--port", 0, "--token",
                               os.path.join(WORK, "short")), "guessed"),
            ("an address", ("--store", store("f"), "--port", 0, "--bind",
                            "nowhere"), "nowhere"),
            ("a quota", ("--store", store("f"), "--port", 0, "--quota",
                         "much"), "much"),
            ("two of a name", (MNIST, "--store", store("f"), "--port", 0),
             "NAME=")):
        with open(os.path.join(WORK, "short"), "w") as f:
            f.write("short\n")
        got = volley("serve", MNIST, *words)
        judge(got[0] in (1, 2) and said in got[2]
              and len(got[2].splitlines()) == 1, what, got)
    s = Server(store("g"), models=("few=" + MNIST + ":"
                                   + os.path.join(WORK, "mnist.plan"), MNIST))
    names = [m["name"] for m in s.get("/v1/models")[1]["models"]]
    judge(names == ["few", "mnist"], "models with names and plans", names)
    s.end()


try:
    for part in whole_way, pieces, restarts, rights, limits:
        start = time.monotonic()
        part()
        print("  %s: %.1f s" % (part.__name__, time.monotonic() - start))
finally:
    shutil.rmtree(WORK, ignore_errors=True)
print("%d passed, %d failed" % (hand.count["passed"], hand.count["failed"]))
sys.exit(hand.count["failed"] > 0)
