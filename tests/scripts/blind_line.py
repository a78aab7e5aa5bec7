"""blind_line.py -- what tests of two processes of `volley blind` share: a small
network, a line between them that knows frames (unet/blind/wire.h, written here
anew) and does to them what a test says, and the processes.  With numpy."""
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time

import numpy as np

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
VOLLEY = os.path.join(BUILD, "volley")
UP, DOWN = 0, 1                         # from the client, from the server
HEADER, GREETING = 24, 32
NAMES = ["", "HELLO", "AGREE", "KEY", "BASE", "EXTEND", "UP", "DOWN", "TABLE",
         "MUX", "OUTPUT", "ALIVE", "BYE", "ERROR"]
BOUND = 20.0                            # seconds, on a busy machine
count = {"passed": 0, "failed": 0}


def judge(good, what, seen=""):
    count["passed" if good else "failed"] += 1
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


def ask(port):
    return start("ask", "127.0.0.1:%d" % port, "image.pgm", "-o", "mask.png")


def said(lines):
    """The lines that are no report of progress."""
    return [x for x in lines if x.startswith("volley")]


# ---- a session ----------------------------------------------------------------

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
