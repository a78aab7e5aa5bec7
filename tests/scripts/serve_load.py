"""serve_load.py BUILD -- `volley serve` under load and through faults, on
loopback: 50 jobs of digits by 8 clients (`volley ask`), lines that are slow or
half closed, kill -9 in the middle of uploads and of jobs, a disk that is full,
a second server on the store, 1,000 hostile requests.  What was acknowledged is
there afterwards, nobody reads another's job, memory is bounded, the server
lives.  With CKKS_LONG=1 eight times as much.  Prints a table of figures; ends
with "N passed, N failed[, N skipped]"."""
import concurrent.futures
import csv
import os
import random
import socket
import subprocess
import sys
import tempfile
import time

import serve_hostile
from serve_client import Client, Server, ended, judge, skip, volley

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
VOLLEY = os.path.abspath(os.path.join(
    sys.argv[1] if len(sys.argv) > 1 else "build", "volley"))
MODEL = os.path.join(ROOT, "unet", "models", "mnist.safetensors")
LONG = bool(os.environ.get("CKKS_LONG"))
JOBS, CLIENTS = 400 if LONG else 50, 8
HOSTILE = 8000 if LONG else 1000
ROUNDS = 8 if LONG else 1
MEMORY = 96                             # MiB of the server itself, at most
table = []


def row(what, figure):
    table.append((what, figure))


def digit(draw):
    """28 x 28: a stroke or two of any shape."""
    pixel = bytearray(784)
    for _ in range(draw.randint(1, 3)):
        x, y = draw.uniform(6, 21), draw.uniform(4, 23)
        dx, dy = draw.uniform(-1, 1), draw.uniform(-1, 1)
        for _ in range(30):
            for a in (0, 1):
                for b in (0, 1):
                    if 0 <= x + a < 28 and 0 <= y + b < 28:
                        pixel[int(y + b) * 28 + int(x + a)] = 255
            x, y = x + dx, y + dy
            dx += draw.uniform(-.3, .3)
            dy += draw.uniform(-.3, .3)
    return b"P5\n28 28\n255\n" + bytes(pixel)


def logits(path):
    with open(path) as f:
        lines = list(csv.reader(f))[1:]
    return {os.path.basename(x[0]): [float(v) for v in x[3:]] for x in lines}


def same(got, want):
    """Logits but for noise, some hundredths: those of others differ by more
    than 1, and classes are theirs."""
    return len(got) > 0 and all(max(abs(a - b) for a, b in zip(
        got[n], want[n])) < 0.3 for n in got)


class World:
    """Images, the plan, keys and a request as files, and what is right."""

    def __init__(self, draw):
        os.mkdir("all")
        for i in range(2 * JOBS):
            with open("all/%03d.pgm" % i, "wb") as f:
                f.write(digit(draw))
        self.call("plan", MODEL, "-o", "mnist.plan")
        self.call("keygen", "mnist.plan", "--out", "keys")
        self.call("clear", MODEL, "--plan", "mnist.plan", "all", "-o",
                  "clear.csv")
        self.want = logits("clear.csv")
        self.call("encrypt", "mnist.plan", "--key", "keys", "all/000.pgm",
                  "-o", "one.vct")
        with open("many.txt", "w") as f:
            f.write("all/001.pgm\n" * 600)
        self.call("encrypt", "mnist.plan", "--key", "keys", "@many.txt",
                  "-o", "many.vct")
        self.keys, self.one, self.many = (
            open(p, "rb").read() for p in ("keys/eval.keys", "one.vct",
                                           "many.vct"))

    def call(self, *words):
        ran = volley(VOLLEY, *words)
        judge("volley " + words[0], ran[0] == 0, ran)
        return ran

    def right(self, data, name):
        """Whether a result decrypts to what the network gives in the clear."""
        with open("result.vct", "wb") as f:
            f.write(data or b"")
        ran = volley(VOLLEY, "decrypt", "mnist.plan", "--key", "keys",
                     "result.vct", "-o", "result.csv", "--force")
        judge(name, ran[0] == 0 and same(logits("result.csv"), self.want),
              ran)


# ---- load -------------------------------------------------------------------

def load(world):
    if "no libcurl" in volley(VOLLEY, "ask", "http://127.0.0.1:1", "x")[2]:
        skip("load", "no libcurl (make deps)")
        return
    server = Server(VOLLEY, [MODEL], "store", "--jobs", 2)
    first = server.memory()[0]
    start = time.monotonic()

    def ask(i):
        out = "out-%d.csv" % i
        ran = volley(VOLLEY, "ask", server.url, "all/%03d.pgm" % (2 * i),
                     "all/%03d.pgm" % (2 * i + 1), "--keys",
                     "client-%d" % (i % CLIENTS), "-o", out, "--wait", 600)
        return ran[0] == 0 and same(logits(out), world.want) \
            and len(logits(out)) == 2, ran

    def client(c):
        return [ask(i) for i in range(c, JOBS, CLIENTS)]

    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        answers = sum(pool.map(client, range(CLIENTS)), [])
    took = time.monotonic() - start
    bad = [ran for good, ran in answers if not good]
    judge("%d jobs by %d clients" % (JOBS, CLIENTS),
          len(answers) == JOBS and not bad, bad[:1])
    most = server.memory()[0]
    judge("memory under load", most < MEMORY, most)
    row("%d jobs by %d clients, all right" % (JOBS, CLIENTS),
        "%.1f s" % took)
    row("memory of the server, begun / most", "%.0f / %.0f MiB"
        % (first, most))
    judge("it ends by SIGTERM", server.end() == 0, server.log[-2:])


# ---- slow and half -----------------------------------------------------------

def slow(world):
    server = Server(VOLLEY, [MODEL], "slow")
    client = Client(server.port)
    begun = client.begin("keys", "mnist", len(world.keys))[1]
    head = b"PUT /v1/uploads/%s/%%d HTTP/1.1\r\nHost: x\r\nContent-Length: " \
        b"%d\r\n\r\n" % (begun["upload"].encode(), begun["piece_bytes"])
    lines = []
    for k in range(40):
        s = socket.create_connection(("127.0.0.1", server.port), 10)
        s.sendall(head % (k % 2) + b"x" * 1000)
        if k % 2:
            s.shutdown(socket.SHUT_WR)
        lines.append(s)
    for k in range(40):                 # heads that never end
        s = socket.create_connection(("127.0.0.1", server.port), 10)
        s.sendall(b"GET /v1/models HTTP/1.1\r\nX-Slow: ")
        lines.append(s)
    for turn in range(3):
        for s in lines[::4] + lines[40:]:
            try:
                s.sendall(b"y")
            except OSError:
                pass
        status, state = client.json("GET", "/v1/uploads/" + begun["upload"])
        judge("slow lines count as nothing", status == 200
              and state["missing"] == list(range(begun["pieces"])), state)
        time.sleep(0.2)
    keys = Client(server.port).send("keys", "mnist", world.keys)
    job = Client(server.port).send("job", keys, world.one)
    judge("a job beside 80 slow lines",
          Client(server.port).until(job)["state"] == "done")
    world.right(client.result(job), "is right")
    for s in lines:
        s.close()
    row("80 slow and half-closed lines: memory", "%.0f MiB"
        % server.memory()[0])
    judge("memory beside slow lines", server.memory()[0] < MEMORY)
    server.end()


# ---- kill -9 -----------------------------------------------------------------

def killed_upload(world):
    server = Server(VOLLEY, [MODEL], "killed", "--piece", "256K")
    client = Client(server.port)
    begun = client.begin("keys", "mnist", len(world.keys))[1]
    size, upload = begun["piece_bytes"], begun["upload"]
    draw, acknowledged = random.Random(2), set()
    order = list(range(begun["pieces"]))
    draw.shuffle(order)
    for turn in range(3):
        for k in order[turn * len(order) // 3:(turn + 1) * len(order) // 3]:
            status = client.call("PUT", "/v1/uploads/%s/%d" % (upload, k),
                                 world.keys[k * size:(k + 1) * size])[0]
            if status == 204:
                acknowledged.add(k)
        s = socket.create_connection(("127.0.0.1", server.port), 10)
        s.sendall(b"PUT /v1/uploads/%s/%d HTTP/1.1\r\nHost: x\r\nContent-"
                  b"Length: %d\r\n\r\n" % (upload.encode(), order[-1], size)
                  + b"z" * (size // 2))
        time.sleep(0.05)
        server.kill()
        s.close()
        server = Server(VOLLEY, [MODEL], "killed", "--piece", "256K")
        client = Client(server.port)
        status, state = client.json("GET", "/v1/uploads/" + upload)
        judge("kill -9 in an upload: pieces", status == 200 and set(
            range(begun["pieces"])) - set(state["missing"]) >= acknowledged,
            (status, state))
    for k in state["missing"]:
        client.call("PUT", "/v1/uploads/%s/%d" % (upload, k),
                    world.keys[k * size:(k + 1) * size])
    status, done = client.finish(upload)
    judge("kill -9 in an upload: keys", status == 201, done)
    return server, client, done["keys"]


def killed_job(world, server, client, keys):
    jobs = [client.send("job", keys, data)
            for data in (world.many, world.one)]
    client.until(jobs[0], ("running", "done"))
    for turn in range(2 * ROUNDS):
        time.sleep(0.3 * turn)
        children = server.children()
        server.kill()
        time.sleep(0.5)
        alive = [c for c in children if os.path.exists("/proc/%d" % c)
                 and "Z" not in open("/proc/%d/stat" % c).read().split()[2]]
        judge("kill -9: no process is left", not alive, alive)
        server = Server(VOLLEY, [MODEL], "killed", "--piece", "256K")
        client = Client(server.port)
        states = [client.state(j).get("state") for j in jobs]
        judge("kill -9 in a job: it is there", all(
            s in ("queued", "running", "done") for s in states), states)
    for job in jobs:
        judge("kill -9 in a job: done", client.until(job)["state"] == "done",
              client.state(job))
        world.right(client.result(job), "kill -9 in a job: right")
    judge("keys are kept", client.json("GET", "/v1/keys/" + keys)[0] == 200)
    row("kill -9 in uploads / in jobs: acknowledged and lost",
        "%d / %d times: none" % (3, 2 * ROUNDS))
    return server


def second(server):
    ran = volley(VOLLEY, "serve", MODEL, "--store", "killed", "--port", 0)
    judge("two servers on one store", ran[0] == 1
          and ran[2].count("\n") == 1 and "killed" in ran[2], ran)
    judge("the first one lives", Client(server.port).json(
        "GET", "/v1/models")[0] == 200)
    server.end()


# ---- a full disk --------------------------------------------------------------

def full(world):
    """A store of 40 MiB on a disk in memory, in a name space of its own."""
    os.mkdir("small")
    small = ["unshare", *([] if os.getuid() == 0 else ["-Ur"]), "-m", "sh",
             "-c", 'mount -t tmpfs -o size=40m tmpfs small && exec "$@"',
             "sh"]
    if subprocess.run([*small, "true"], capture_output=True).returncode:
        skip("full disk", "no tmpfs can be mounted here")
        return
    server = Server(VOLLEY, [MODEL], "small/store", "--quota", "1G",
                    before=small)
    inside = "/proc/%d/root%s/small" % (server.pid, os.getcwd())
    client = Client(server.port)
    keys = client.send("keys", "mnist", world.keys)
    status = 0
    for n in range(8):
        status, begun = client.begin("keys", "mnist", len(world.keys))
        if status != 201:
            break
    judge("a full disk: 507", status == 507 and begun["error"]
          and begun["do"], (status, begun))
    judge("a full disk: the server lives",
          client.json("GET", "/v1/keys/" + keys)[0] == 200)
    filler = open(inside + "/filler", "wb", buffering=0)
    state = {}
    for room in range(24):              # less and less, until it does not do
        try:
            filler.write(b"\0" * (1 << (20 if room < 20 else 16)))
        except OSError:
            break
    try:
        status, begun = client.begin("job", keys, len(world.many))
    except OSError as e:
        status, begun = 0, e
    judge("a full disk: a job", status in (201, 507), (status, begun))
    filler.close()
    os.unlink(inside + "/filler")
    for folder in os.listdir(inside + "/store/uploads"):
        client.call("DELETE", "/v1/uploads/" + folder)
    job = client.send("job", keys, world.many)
    with open(inside + "/filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"\0" * 4096)
        except OSError:
            pass
    state = client.until(job)
    judge("a disk that fills under a job: it says so", state["state"]
          == "failed" and state["error"], state)
    os.unlink(inside + "/filler")
    job = client.send("job", keys, world.one)
    judge("room again: a job", client.until(job)["state"] == "done",
          client.state(job))
    world.right(client.result(job), "room again: right")
    row("a full disk: uploads 507, a job fails with its reason; later",
        "all is well")
    server.end()


# ---- whose is what -------------------------------------------------------------

def owners(world):
    words = ["first-token-of-16", "second-token-of-16"]
    with open("tokens", "w") as f:
        f.write("\n".join(words) + "\n")
    server = Server(VOLLEY, [MODEL], "owned", "--token", "tokens")
    a, b = (Client(server.port, w) for w in words)
    keys = a.send("keys", "mnist", world.keys)
    job = a.send("job", keys, world.one)
    upload = a.begin("job", keys, 100000)[1]["upload"]
    for name, other in (("another token", b), ("no token",
                                               Client(server.port))):
        want = 401 if other.token is None else 404
        for method, path in (
                ("GET", "jobs/" + job), ("DELETE", "jobs/" + job),
                ("GET", "jobs/%s/result" % job), ("GET", "keys/" + keys),
                ("GET", "jobs/%s/events" % job), ("DELETE", "keys/" + keys),
                ("GET", "uploads/" + upload), ("DELETE", "uploads/" + upload),
                ("PUT", "uploads/%s/0" % upload),
                ("POST", "uploads/%s/finish" % upload)):
            body = b"x" * 100000 if method == "PUT" else \
                b"" if method == "POST" else None
            status = other.call(method, "/v1/" + path, body)[0]
            judge("%s: %s %s" % (name, method, path.split("/")[0]),
                  status == want, status)
        status = other.begin("job", keys, 1000)[0]
        judge("%s: a job with others' keys" % name, status == want, status)
    judge("the owner's are as they were", a.until(job)["state"] == "done"
          and a.json("GET", "/v1/keys/" + keys)[0] == 200)
    world.right(a.result(job), "and right")
    server.end()


def hostile(world):
    server = Server(VOLLEY, [MODEL], "hostile")
    client = Client(server.port)
    keys = client.send("keys", "mnist", world.keys)
    job = client.send("job", keys, world.one)
    client.until(job)
    before = server.memory()
    start = time.monotonic()
    kinds = serve_hostile.attack(server, keys, job, HOSTILE, 3)
    took = time.monotonic() - start
    judge("the server lives", server.run.poll() is None, server.log[-3:])
    state = client.state(job)
    judge("a job is as it was", state.get("state") == "done", state)
    world.right(client.result(job), "and right")
    judge("and another can be had", client.until(client.send(
        "job", keys, world.one))["state"] == "done")
    most, now = server.memory()
    judge("memory under attack", most < MEMORY, most)
    judge("nothing is kept of it", now < before[1] + 24, (before, now))
    row("%d hostile requests of %d kinds" % (HOSTILE, kinds),
        "%.1f s" % took)
    row("memory of the server: before, most, after", "%.0f, %.0f, %.0f MiB"
        % (before[1], most, now))
    server.end()


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        start = time.monotonic()
        world = World(random.Random(1))
        ran = volley(VOLLEY, "serve", MODEL, "--store", "s", "--port", "x")
        if "libmicrohttpd" in ran[2]:
            skip("serve", "no libmicrohttpd (make deps)")
            return ended()
        only = os.environ.get("ONLY_PART", "")
        for part in (load, slow, owners, hostile, full):
            if only in ("", part.__name__):
                part(world)
        if only in ("", "killed"):
            second(killed_job(world, *killed_upload(world)))
        row("all of it", "%.1f s" % (time.monotonic() - start))
    for what, figure in table:
        print("%-66s %s" % (what, figure))
    return ended()


if __name__ == "__main__":
    sys.exit(main())
