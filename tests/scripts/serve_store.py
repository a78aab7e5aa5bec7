"""serve_store.py -- part of serve.py: what was acknowledged outlives the
server, also kill -9 in the middle of an upload and of a job; one server a store; jobs
that are cancelled, several at once, and that come of age."""
import json
import os
import signal
import time

import serve_hand as hand
from serve_hand import (IN, KEYS, MNIST, OUT, PIECE, Server, half_piece, judge,
                        refused, store, volley)


def restarts():
    s = Server(store("c"), "--piece", PIECE)
    up = s.begin({"kind": "keys", "model": "mnist",
                  "bytes": len(KEYS)})[1]["upload"]
    cut = [KEYS[i:i + PIECE] for i in range(0, len(KEYS), PIECE)]
    for k in 0, 4:
        s.put(up, k, cut[k])
    s.put(up, 4, cut[4])
    lines = [half_piece(s, up, k, bytes(PIECE)) for k in (4, 5)]
    time.sleep(0.1)
    s.end(signal.SIGKILL)
    s = Server(store("c"), "--piece", 2 * PIECE)
    got = s.get("/v1/uploads/" + up)[1]
    judge(got["piece_bytes"] == PIECE and got["missing"]
          == [1, 2, 3] + list(range(5, len(cut))), "kill -9 in an upload", got)
    for k in got["missing"]:
        s.put(up, k, cut[k])
    keys = s.finish(up)[1]["keys"]
    jobs = [s.job(keys, IN) for _ in range(3)]
    child = s.caught()
    judge(s.wait(jobs[0], "running") == "running", "it runs")
    judge([s.get("/v1/jobs/" + j)[1]["place"] for j in jobs] == [0, 1, 2],
          "places")
    refused(s.ask("DELETE", "/v1/keys/" + keys), 409, "3 jobs",
            "keys that are needed")
    s.end(signal.SIGKILL)
    os.kill(child, signal.SIGCONT)
    judge(hand.gone(child), "its processes end with it")
    s = Server(store("c"))
    for job in jobs:
        judge(s.wait(job, "done") == "done" and OUT == s.get(
            "/v1/jobs/%s/result" % job)[1], "kill -9 in a job: it runs again")
    job = s.job(keys, IN)
    child = s.caught()
    os.kill(child, signal.SIGCONT)
    judge(s.end() == 0 and hand.gone(child), "SIGTERM in a job")
    s = Server(store("c"))
    judge(s.wait(job, "done") == "done", "it ran again")
    judge(s.get("/v1/jobs/%s/result" % jobs[1])[1] == OUT, "results are kept")
    second = volley("serve", MNIST, "--store", store("c"), "--port", 0)
    judge(second[0] == 1 and len(second[2].splitlines()) == 1
          and "another server" in second[2], "one server a store", second)
    cancel(s, keys)
    s.end()
    ages(keys)
    for line in lines:
        line.close()


def cancel(s, keys):
    jobs = [s.job(keys, IN) for _ in range(2)]
    child = s.caught()
    s.wait(jobs[0], "running")
    line = s.line()
    line.request("GET", "/v1/jobs/%s/events" % jobs[0])
    r = line.getresponse()
    for job in reversed(jobs):
        judge(s.ask("DELETE", "/v1/jobs/" + job)[0] == 204, "cancelled")
        refused(s.get("/v1/jobs/" + job), 404, "no such", "it is gone")
    judge(hand.gone(child), "its process is killed")
    text = r.read().decode()
    judge(text.count("event: end") == 1 and "cancelled" in text,
          "who listened is told", text)
    line.close()
    bad = bytearray(IN)
    bad[len(IN) // 2] ^= 255
    job = s.job(keys, bytes(bad))
    end = s.events(job)[-1][1]
    judge(end["state"] == "failed" and "in.vct" in end["error"]
          and "/" not in end["error"], "a damaged input fails", end)
    refused(s.get("/v1/jobs/%s/result" % job), 409, "in.vct", "no result")
    refused(s.send({"kind": "job", "keys": keys}, b"VVCT" + IN[4:5]
                   + b"\2" + IN[6:]), 422, "no file", "a result as input")
    refused(s.send({"kind": "job", "keys": keys}, IN[:8] + bytes(16)
                   + IN[24:]), 422, "another plan", "inputs of a plan")
    refused(s.send({"kind": "job", "keys": keys}, IN[:40] + b"\xff" * 4
                   + IN[44:]), 422, "in.vct", "a head that lies")


def at_once(keys):
    """Two jobs of three; held where they are, and let go."""
    s = Server(store("c"), "--jobs", 2)
    jobs = [s.job(keys, IN) for _ in range(3)]
    end = time.monotonic() + hand.BOUND
    held = []
    while len(held) < 2 and time.monotonic() < end:
        for child in s.children():
            if child not in held:
                os.kill(child, signal.SIGSTOP)
                held.append(child)
    judge([s.state(j) for j in jobs] == ["running", "running", "queued"],
          "two jobs at once", [s.state(j) for j in jobs])
    for child in held:
        os.kill(child, signal.SIGCONT)
    judge([s.wait(j, "done", "failed") for j in jobs] == ["done"] * 3,
          "all of them")
    return s, jobs


def ages(keys):
    """What has not been used for a week goes, and nothing else."""
    s, jobs = at_once(keys)
    old, new = (s.begin({"kind": "keys", "model": "mnist",
                         "bytes": len(KEYS)})[1]["upload"] for _ in range(2))
    s.end()
    week = time.time() - 8 * 86400
    os.utime(store("c/keys/%s/item.json" % keys), (week, week))
    os.utime(store("c/uploads/%s/have" % old), (week, week))
    note = store("c/jobs/%s/end.json" % jobs[0])
    with open(note) as f:
        text = json.load(f)
    with open(note, "w") as f:
        json.dump(dict(text, ended=int(week)), f)
    s = Server(store("c"))
    end = time.monotonic() + hand.BOUND
    paths = ["/v1/keys/" + keys, "/v1/uploads/" + old, "/v1/jobs/" + jobs[0],
             "/v1/uploads/" + new, "/v1/jobs/" + jobs[1]]
    seen = []
    while seen[:3] != [404] * 3 and time.monotonic() < end:
        seen = [s.get(path)[0] for path in paths]
    judge(seen == [404, 404, 404, 200, 200], "what is old goes", seen)
    s.end()
