#!/usr/bin/python3
"""blind_faults.py BUILD -- `volley blind serve` and `ask`, two processes, and
between them a line that fails.

A proxy knows frames (unet/blind/wire.h, written here anew) and does one thing
to one of them: cuts, doubles, exchanges, spoils, drips it, or kills a side
when it comes, in every phase of a session.  Both sides must end in bounded
time, with one line and a code that is not 0, and leave no mask.  Ends with
"N passed, N failed".
"""
import hashlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

try:
    import numpy as np
except ImportError:
    print("skip blind faults: no numpy (make deps)")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
VOLLEY = os.path.join(BUILD, "volley")
UP, DOWN = 0, 1                         # from the client, from the server
HEADER, GREETING = 24, 32
NAMES = ["", "HELLO", "AGREE", "KEY", "BASE", "EXTEND", "UP", "DOWN", "TABLE",
         "MUX", "OUTPUT", "ALIVE", "BYE", "ERROR"]
BOUND = 20.0                            # seconds, on a busy machine
passed = failed = 0


def judge(good, what, seen=""):
    global passed, failed
    passed += bool(good)
    failed += not good
    if not good:
        print("FAIL %s%s" % (what, ": " + str(seen)[:400] if seen else ""))
    return good


# ---- a small network ----------------------------------------------------------

def model(path, narrow=1):
    """ReLU, largest values, squares, a transposed convolution, three labels;
    calibrated for ranges that are too narrow by a factor."""
    rng = np.random.default_rng(3)
    side, tensors, layers, ranges = 8, {}, [], {"image": 1.0}

    def layer(op, name, inputs, biggest, **more):
        layers.append({"op": op, "name": name, "in": inputs, **more})
        ranges[name] = biggest / narrow

    def conv(op, name, source, shape, **more):
        w = rng.uniform(-0.5, 0.5, shape).astype(np.float32)
        tensors[name + ".weight"] = w
        out = shape[1] if op == "tconv" else shape[0]
        tensors[name + ".bias"] = np.zeros(out, np.float32)
        axis = (0, 2, 3) if op == "tconv" else (1, 2, 3)
        biggest = ranges[source] * float(np.abs(w).sum(axis=axis).max())
        layer(op, name, [source], biggest, weight=name + ".weight",
              bias=name + ".bias", **more)

    conv("conv", "c1", "image", (2, 1, 3, 3), kernel=3)
    layer("relu", "r1", ["c1"], ranges["c1"])
    layer("maxpool", "p1", ["r1"], ranges["c1"])
    conv("conv", "c2", "p1", (2, 2, 3, 3), kernel=3)
    layer("square", "s2", ["c2"], ranges["c2"] ** 2)
    conv("tconv", "u1", "s2", (2, 2, 2, 2))
    layer("concat", "k1", ["u1", "r1"], max(ranges["u1"], ranges["r1"]))
    conv("conv", "c3", "k1", (3, 4, 1, 1), kernel=1)
    network = {
        "name": "tiny", "border": "zero", "protocol": "blind",
        "input": {"channels": 1, "height": side, "width": side,
                  "mul": 1 / 128, "add": -1.0},
        "output": {"tensor": "c3", "labels": ["a", "b", "c"]},
        "layers": layers,
        "ranges": {k: {"max": v, "rms": v / 3} for k, v in ranges.items()}}
    last = network["ranges"]["c3"]
    last["labels"] = [{"max": last["max"], "margin": last["rms"]}] * 3
    head, data = {"__metadata__": {"format": "volley-1", "origin": "test",
                                   "network": json.dumps(network)}}, b""
    for name, t in tensors.items():
        head[name] = {"dtype": "F32", "shape": list(t.shape),
                      "data_offsets": [len(data), len(data) + t.nbytes]}
        data += t.tobytes()
    text = json.dumps(head).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def image(path):
    rng = np.random.default_rng(5)
    with open(path, "wb") as f:
        f.write(b"P5\n8 8\n255\n" + rng.integers(0, 256, 64, np.uint8)
                .tobytes())


# ---- frames ---------------------------------------------------------------------

def header(kind, layer, number, size, zero=0, spoil=0):
    b = struct.pack("<HHIQI", kind, layer, number, size, zero)
    check = struct.unpack("<I", hashlib.blake2b(b, digest_size=4).digest())[0]
    return b + struct.pack("<I", (check + spoil) % 2 ** 32)


def read(s, size):
    got = b""
    while len(got) < size:
        more = s.recv(min(size - len(got), 1 << 20))
        if not more:
            raise EOFError
        got += more
    return got


class Line:
    """A line to a server, with a client's end at self.port.

    fault(way, number, kind, layer, body) of each frame gives what is sent in
    its place, a list of bytes, or None: as it is.  It may call self.cut().
    greeting(way, bytes) gives another greeting.
    """

    def __init__(self, to, fault=None, greeting=None):
        self.to, self.fault, self.greeting = to, fault, greeting
        self.frames = ([], [])          # (kind, layer, size), each way
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ends = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.to))
        except OSError:
            return
        self.ends = [client, server]
        ways = [threading.Thread(target=self.way, args=w, daemon=True)
                for w in ((UP, client, server), (DOWN, server, client))]
        for w in ways:
            w.start()
        for w in ways:
            w.join()
        for s in self.ends:
            s.close()

    def way(self, way, source, to):
        try:
            b = read(source, GREETING)
            to.sendall(self.greeting(way, b) if self.greeting else b)
            while True:
                head = read(source, HEADER)
                kind, layer, number, size = struct.unpack("<HHIQ", head[:16])
                body = read(source, size)
                self.frames[way].append((kind, layer, size))
                instead = self.fault and self.fault(way, number, kind, layer,
                                                    body)
                for piece in [head + body] if instead is None else instead:
                    to.sendall(piece)
        except (OSError, EOFError):
            pass
        try:
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def cut(self):
        for s in self.ends:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.over.set()
        self.listener.close()
        self.cut()
        self.thread.join(10)


# ---- two processes -----------------------------------------------------------------

def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def start(*words):
    return subprocess.Popen([VOLLEY, "blind"] + [str(w) for w in words],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True)


def listening(port, process):
    """Waits until the port is taken, without a connection to it."""
    want = ":%04X 00000000:0000 0A" % port
    end = time.time() + 20
    if not os.path.exists("/proc/net/tcp"):
        time.sleep(2)
        return
    while time.time() < end and process.poll() is None:
        with open("/proc/net/tcp") as f:
            if want in f.read():
                return
        time.sleep(0.02)


def finish(process, seconds):
    """(code, lines of its errors, whether it ended in time)"""
    try:
        _, err = process.communicate(timeout=seconds)
        return process.returncode, err.splitlines(), True
    except subprocess.TimeoutExpired:
        process.kill()
        _, err = process.communicate()
        return None, err.splitlines(), False


class Run:
    """Both sides over a line; client and server: (code, lines, in time)."""

    def __init__(self, make_line=None, options=(),
                 network="model.safetensors"):
        port = free_port()
        self.server = start("serve", network, "--port", port,
                            "--once", *options)
        listening(port, self.server)
        self.line = Line(port)
        if make_line:
            make_line(self, self.line)
        if os.path.exists("mask.png"):
            os.unlink("mask.png")
        self.client = start("ask", "127.0.0.1:%d" % self.line.port,
                            "image.pgm", "-o", "mask.png", *options)
        begun = time.time()
        self.of_client = finish(self.client, BOUND)
        self.of_server = finish(self.server,
                                max(1, BOUND - (time.time() - begun)))
        self.seconds = time.time() - begun
        self.line.close()
        self.mask = os.path.exists("mask.png")


def said(lines):
    """The lines that are no report of progress."""
    return [x for x in lines if x.startswith("volley")]


def both_end(run, what, killed=None, client="", server=""):
    """Each side that was not killed ends in time, with one line, in which this
    is, and not 0."""
    for side, (code, lines, intime), want in (
            ("client", run.of_client, client), ("server", run.of_server,
                                                server)):
        if side == killed:
            continue
        if os.environ.get("BLIND_SHOW"):
            print("%s: the %s, %.1f s: %s" % (what, side, run.seconds,
                                              said(lines)))
        judge(intime and code not in (0, None) and code > 0
              and len(said(lines)) == 1 and want in said(lines)[0],
              "%s: the %s" % (what, side), (code, intime, lines))
    judge(not run.mask, what + ": a mask is left")


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


# ---- the faults ----------------------------------------------------------------------

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


def ask(port):
    return start("ask", "127.0.0.1:%d" % port, "image.pgm", "-o", "mask.png")


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
    return stunnel()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        skipped = main()
    print("%d passed, %d failed%s" % (passed, failed, ", %d skipped" % skipped
                                      if skipped else ""))
    sys.exit(failed > 0)
