#!/usr/bin/python3
"""blind_faults.py BUILD -- `volley blind serve` and `ask`, two processes, and
between them a line that fails.

A proxy (blind_line.py) does one thing to one frame: cuts, doubles, exchanges,
spoils, drips it, or kills a side when it comes, in every phase of a session.
Both sides must end in bounded time, with one line and a code that is not 0, and
leave no mask.  Ends with "N passed, N failed".
"""
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
except ImportError:
    print("skip blind faults: no numpy (make deps)")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from blind_line import (BOUND, DOWN, GREETING, HEADER, NAMES, UP, VOLLEY,
                        Line, Run, ask, both_end, count, finish, free_port,
                        header, image, judge, listening, model, read, said,
                        start)


# ---- the faults ----------------------------------------------------------------------

def at(way, kind, do):
    """A fault at the first frame of this kind."""
    done = []

    def make(run, line):
        def fault(w, number, k, layer, body):
            if w == way and k == kind and not done:
                done.append(True)
                return do(run, line, number, layer, body)
            return None
        line.fault = fault
    return make


def kill(which):
    def do(run, line, number, layer, body):
        (run.client if which == "client" else run.server).send_signal(
            signal.SIGKILL)
        return None
    return do


def cut(run, line, number, layer, body):
    line.cut()
    return []


def frame(kind, layer, number, body, **more):
    return header(kind, layer, number, len(body), **more) + body


def twice(run, line, number, layer, body, kind):
    return [frame(kind, layer, number, body)] * 2


def later(run, line, number, layer, body, kind):
    """Behind the next one of its direction."""
    kept, rest = frame(kind, layer, number, body), line.fault

    def fault(way, n, k, la, b):
        if n != number + 1 or k != kind:
            return None
        line.fault = rest
        return [frame(k, la, n, b), kept]
    line.fault = fault
    return []


def other(**change):
    """Other words in the header."""
    def do(run, line, number, layer, body, kind):
        h = {"kind": kind, "layer": layer, "number": number,
             "size": len(body)}
        for key, f in change.items():
            h[key] = f(h.get(key, 0))
        return [header(**h) + body]
    return do


def half(part):
    """Ends in the middle of the header, of what follows it."""
    def do(run, line, number, layer, body, kind):
        whole = frame(kind, layer, number, body)
        size = 11 if part == "header" else HEADER + len(body) // 2
        for s in line.ends:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for s, way in zip(line.ends[::-1], (UP, DOWN)):
            if kind in [f[0] for f in line.frames[way]]:
                s.sendall(whole[:size])
        time.sleep(0.2)
        line.cut()
        return []
    return do


def holds(make):
    """The same frame with other bytes in it."""
    def do(run, line, number, layer, body, kind):
        return [frame(kind, layer, number, make(body))]
    return do


def noise(run, line, number, layer, body, kind):
    return [np.random.default_rng(1).bytes(5000)]


def drip(run, line, number, layer, body, kind):
    """A byte a second: 20 times, longer than anybody waits here."""
    whole = frame(kind, layer, number, body)
    time.sleep(0.1)
    for way in (UP, DOWN):
        if kind in [f[0] for f in line.frames[way]]:
            to = line.ends[1 - way]
            for i in range(20):
                try:
                    to.sendall(whole[i:i + 1])
                except OSError:
                    break
                if line.over.wait(1):
                    break
    return []


def silent(run, line, number, layer, body, kind):
    line.over.wait(12)
    return []


def spoiled(way, name, what, do, client="", server="", options=()):
    kind = NAMES.index(name)
    run = Run(at(way, kind, lambda *a: do(*a, kind)), options)
    both_end(run, "%s %s %s" % ("up" if way == UP else "down", name, what),
             client=client, server=server)
    return run


ENDED = "the other side ended: "
CLOSED = "the other side has closed"


def frames():
    """One frame that is not as it should be: who gets it says why, and the
    other hears it."""
    for way, name, what, do, why in (
            (UP, "TABLE", "twice", twice, "frame number"),
            (DOWN, "MUX", "twice", twice, "frame number"),
            (UP, "KEY", "behind the next", later, "frame number"),
            (DOWN, "DOWN", "behind the next", later, "frame number"),
            (UP, "TABLE", "as another", other(kind=lambda x: 9),
             "sent MUX of step"),
            (DOWN, "DOWN", "of another step", other(layer=lambda x: x + 1),
             "sent DOWN of step 2"),
            (UP, "UP", "said to be longer", other(size=lambda x: x + 1),
             "bytes, want UP of step 1, 50176 bytes"),
            (UP, "EXTEND", "said to be empty", other(size=lambda x: 0),
             "0 bytes, want EXTEND"),
            (DOWN, "DOWN", "of 2^63 bytes", other(size=lambda x: 1 << 63),
             "9223372036854775808 bytes"),
            (DOWN, "HELLO", "of 5 MB", other(size=lambda x: 5000000),
             "5000000 bytes, want HELLO of step 0, 1 to 4194304 bytes"),
            (DOWN, "EXTEND", "with another checksum",
             other(spoil=lambda x: 1), "is no header"),
            (UP, "KEY", "replaced by noise", noise, "is no header"),
            (DOWN, "BASE", "of zeros", holds(lambda b: bytes(len(b))),
             "not in the group"),
            (UP, "BASE", "of ones", holds(lambda b: b"\xff" * len(b)),
             "not in the group"),
            (UP, "KEY", "of ones", holds(lambda b: b"\xff" * len(b)),
             "not below its prime"),
            (UP, "UP", "of ones", holds(lambda b: b"\xff" * len(b)),
             "not below its prime"),
            (DOWN, "DOWN", "of ones", holds(lambda b: b"\xff" * len(b)),
             "not below its prime")):
        to, from_ = ("server", "client") if way == UP else ("client", "server")
        spoiled(way, name, what, do, **{to: why, from_: ENDED})
    for part in ("header", "rest"):
        spoiled(UP, "TABLE", "half, its " + part, half(part), CLOSED, CLOSED)
        spoiled(DOWN, "DOWN", "half, its " + part, half(part), CLOSED, CLOSED)


def agreement():
    """Greetings, and a text that was changed on the way."""
    def greets(way, change):
        def make(run, line):
            line.greeting = lambda w, b: change(b) if w == way else b
        return Run(make)
    both_end(greets(DOWN, lambda b: b"SMTP 220" + b[8:]), "another program",
             client="no volley blind")
    both_end(greets(UP, lambda b: b[:8] + b"\2" + b[9:]), "another version",
             server="version 2 of the protocol, this one 1")
    both_end(greets(DOWN, lambda b: b[:11] + b"\1" + b[12:]), "another k",
             client="do not agree", server="do not agree")
    spoiled(DOWN, "HELLO", "with another name",
            holds(lambda b: b.replace(b"tiny", b"tinz")), "do not agree",
            "do not agree")
    spoiled(DOWN, "HELLO", "that is no text", holds(lambda b: b[:-1] + b"!"))


def narrow():
    """An image whose numbers leave their range is refused at its owner's; the
    server sees the session that it sees of any other."""
    model("narrow.safetensors", 16)
    runs = [Run(network=n) for n in ("model.safetensors",
                                     "narrow.safetensors")]
    code, lines, intime = runs[1].of_client
    judge(intime and code == 1 and len(said(lines)) == 1
          and "left the range" in said(lines)[0] and not runs[1].mask,
          "out of range: the client", (code, lines))
    judge(runs[1].of_server[0] == 0, "out of range: the server",
          runs[1].of_server)
    judge(runs[0].line.frames[UP] == runs[1].line.frames[UP],
          "out of range: the server sees it")


def time_out():
    """A side that waits in vain gives up."""
    both = ("--patience", "2")
    for way, name, do in ((UP, "TABLE", drip), (DOWN, "DOWN", silent)):
        run = spoiled(way, name, "slow", do, options=both)
        judge(run.seconds < 9, "%s slow: %.1f s" % (name, run.seconds))


def serving():
    """A server goes on after a client that died, and tells a second one."""
    port = free_port()
    server = start("serve", "model.safetensors", "--port", port)
    listening(port, server)
    taken = start("serve", "model.safetensors", "--port", port, "--once")
    code, lines, intime = finish(taken, BOUND)
    judge(intime and code == 1 and len(said(lines)) == 1
          and "in use" in said(lines)[0], "a port in use", lines)
    first = socket.create_connection(("127.0.0.1", port))
    read(first, GREETING)
    code, lines, intime = finish(ask(port), BOUND)
    judge(intime and code == 1 and len(said(lines)) == 1
          and "busy with another client" in said(lines)[0], "busy", lines)
    first.close()
    time.sleep(1)
    code, lines, _ = finish(ask(port), BOUND)
    judge(code == 0 and os.path.exists("mask.png"), "the next client", lines)
    children = "/proc/%d/task/%d/children" % (server.pid, server.pid)
    time.sleep(0.5)
    if os.path.exists(children):
        with open(children) as f:
            judge(not f.read().split(), "a process is left")
    server.send_signal(signal.SIGTERM)
    code, lines, intime = finish(server, BOUND)
    judge(intime and code == -signal.SIGTERM, "SIGTERM", code)
    code, lines, intime = finish(ask(port), BOUND)
    judge(intime and code == 1 and "refused" in " ".join(said(lines)),
          "nobody listens", lines)


def slow():
    """A client that sends just fast enough never to be called silent loses the
    only place when its time is over, and hears why; so does one that comes
    meanwhile, for how long it is taken."""
    port = free_port()
    server = start("serve", "model.safetensors", "--port", port, "--wait", 3)
    listening(port, server)
    line = Line(port)

    def fault(way, number, kind, layer, body):
        if way == UP and NAMES[kind] == "KEY":
            for i in range(2000):               # 2.5 kB a second
                if line.over.wait(0.02):
                    return []
                line.ends[1].sendall((header(kind, layer, number, len(body))
                                      + body)[50 * i:50 * i + 50])
        return None
    line.fault = fault
    first = ask(line.port)
    time.sleep(1.5)
    code, lines, intime = finish(ask(port), BOUND)
    judge(intime and code == 1 and len(said(lines)) == 1
          and re.search(r"busy with another client for \S+ .* so far; an image "
                        r"takes about .* here, and its client may take 3.* more",
                        said(lines)[0]), "busy, for how long", lines)
    code, lines, intime = finish(first, BOUND)
    judge(intime and code == 1 and len(said(lines)) == 1 and ENDED in
          said(lines)[0] and "waited for 3 seconds in all" in said(lines)[0],
          "a client that takes too long", lines)
    line.close()
    time.sleep(1)
    code, lines, _ = finish(ask(port), BOUND)
    judge(code == 0, "the one behind it", lines)
    server.send_signal(signal.SIGTERM)
    _, lines, _ = finish(server, BOUND)
    judge(len(said(lines)) == 1 and "the most it gets" in said(lines)[0],
          "what the server says of it", lines)


def stunnel():
    """Through TLS with a key that both have, as docs/15-blind.md says."""
    program = shutil.which("stunnel4") or shutil.which("stunnel")
    if not program:
        print("skip stunnel: not here (apt-get install stunnel4)")
        return 1
    port, secure, local = free_port(), free_port(), free_port()
    with open(os.open("key", os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
        f.write("volley:%s\n" % os.urandom(32).hex())
    for name, accept, connect, client in (
            ("server.conf", secure, port, ""),
            ("client.conf", local, secure, "client = yes\n")):
        with open(name, "w") as f:
            f.write("foreground = yes\npid =\n[volley]\n%saccept = "
                    "127.0.0.1:%d\nconnect = 127.0.0.1:%d\nciphers = PSK\n"
                    "PSKsecrets = key\n" % (client, accept, connect))
    server = start("serve", "model.safetensors", "--port", port, "--once")
    listening(port, server)
    both = [subprocess.Popen([program, c], stderr=subprocess.DEVNULL)
            for c in ("server.conf", "client.conf")]
    for p, q in zip((secure, local), both):
        listening(p, q)
    code, lines, _ = finish(ask(local), BOUND)
    judge(code == 0 and os.path.exists("mask.png"), "through stunnel", lines)
    code, lines, _ = finish(server, BOUND)
    judge(code == 0, "the server behind stunnel", lines)
    for p in both:
        p.terminate()
        p.wait()
    return 0


def phases():
    """Each side killed, and the line cut, at each kind of frame."""
    clean = Run()
    if not judge(clean.of_client[0] == 0 and clean.of_server[0] == 0
                 and clean.mask, "a clean session", (clean.of_client,
                                                     clean.of_server)):
        return False
    kinds = [(way, kind) for way in (UP, DOWN)
             for kind in sorted({f[0] for f in clean.line.frames[way]})
             if NAMES[kind] not in ("ALIVE", "BYE")]
    judge(len(kinds) >= 10, "phases", kinds)
    for way, kind in kinds:
        what = "%s %s" % ("up" if way == UP else "down", NAMES[kind])
        for which in ("client", "server"):
            run = Run(at(way, kind, kill(which)))
            both_end(run, "killed %s at %s" % (which, what), which)
        if way == UP:
            both_end(Run(at(way, kind, cut)), "cut at " + what)
    return True


def main():
    if subprocess.run([VOLLEY, "blind", "serve", "--help"],
                      capture_output=True, timeout=60).returncode:
        print("skip blind faults: a build without the two-party protocol")
        return 1
    model("model.safetensors")
    image("image.pgm")
    if not phases():
        return 0
    frames()
    agreement()
    narrow()
    time_out()
    serving()
    slow()
    return stunnel()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        skipped = main()
    print("%d passed, %d failed%s" % (
        count["passed"], count["failed"],
        ", %d skipped" % skipped if skipped else ""))
    sys.exit(count["failed"] > 0)
