"""serve_hand.py -- what serve.py and serve_store.py need: keys and images of
the smallest network, a server to be started, killed and asked, its processes."""
import base64
import hashlib
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
VOLLEY = os.path.join(BUILD, "volley")
MODELS = os.path.join(HERE, "..", "..", "unet", "models")
MNIST = os.path.abspath(os.path.join(MODELS, "mnist.safetensors"))
BOUND = 60                              # seconds, on a busy machine
ENV = dict(os.environ, OMP_NUM_THREADS="1")
count = {"passed": 0, "failed": 0}


def judge(good, what, seen=""):
    count["passed" if good else "failed"] += 1
    if not good:
        print("FAIL %s: %s" % (what, str(seen)[:600]), flush=True)
    return bool(good)


def volley(*words):
    """Exit code, standard output, standard error."""
    ran = subprocess.run([VOLLEY, *map(str, words)], capture_output=True,
                         text=True, timeout=BOUND, env=ENV,
                         stdin=subprocess.DEVNULL)
    return ran.returncode, ran.stdout, ran.stderr


def must(*words):
    code, out, err = volley(*words)
    if code != 0:
        raise SystemExit("volley %s: %s" % (words[0], err))
    return out


def material(folder):
    """Keys, inputs, and the result that the command gives, as bytes."""
    at = lambda name: os.path.join(folder, name)
    with open(at("a.pgm"), "wb") as f:
        f.write(b"P5\n28 28\n255\n" + bytes(i % 251 for i in range(784)))
    must("plan", MNIST, "-o", at("mnist.plan"))
    must("keygen", at("mnist.plan"), "--out", at("keys"))
    must("encrypt", at("mnist.plan"), "--key", at("keys"), at("a.pgm"), "-o",
         at("in.vct"))
    must("evaluate", MNIST, "--keys", at("keys/eval.keys"), at("in.vct"),
         "-o", at("out.vct"))
    names = ["mnist.plan", "keys/eval.keys", "keys/secret.key", "in.vct",
             "out.vct"]
    return [open(at(name), "rb").read() for name in names]


class Server:
    def __init__(self, store, *words, models=(MNIST,), tls=None):
        self.tls = tls
        self.run = subprocess.Popen(
            [VOLLEY, "serve", *models, "--store", store, "--port", "0",
             "--threads", "1", *map(str, words)], env=ENV, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.said = []
        self.port = None
        says = self.run.stdout if "--json" in words else self.run.stderr
        for line in says:
            self.said.append(line)
            found = re.search(r" port (\d+),", line)
            if found:
                self.port = int(found[1])
                break
        if self.port is None:
            raise SystemExit("no server: %s" % "".join(self.said))
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.run.stderr:
            self.said.append(line)

    def line(self):
        """A connection."""
        if self.tls:
            return http.client.HTTPSConnection(
                "localhost", self.port, timeout=BOUND, context=self.tls)
        return http.client.HTTPConnection("127.0.0.1", self.port,
                                          timeout=BOUND)

    def ask(self, method, path, body=None, token=None, **headers):
        """Status, what came (JSON read), headers."""
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        if token:
            headers["Authorization"] = "Bearer " + token
        line = self.line()
        line.request(method, path, body, headers)
        r = line.getresponse()
        data, head = r.read(), dict(r.getheaders())
        line.close()
        if data and head.get("Content-Type") == "application/json":
            data = json.loads(data)
        return r.status, data, head

    def get(self, path, **more):
        return self.ask("GET", path, **more)

    def begin(self, wish, **more):
        return self.ask("POST", "/v1/uploads", json.dumps(wish), **more)

    def put(self, upload, k, data, **more):
        return self.ask("PUT", "/v1/uploads/%s/%d" % (upload, k), data, **more)

    def finish(self, upload, **more):
        return self.ask("POST", "/v1/uploads/%s/finish" % upload, **more)

    def send(self, wish, data, **more):
        """All of an upload, last piece first; the answer to its end."""
        status, x, head = self.begin(dict(wish, bytes=len(data)), **more)
        if status != 201:
            return status, x, head
        for k in reversed(range(x["pieces"])):
            n = x["piece_bytes"]
            got = self.put(x["upload"], k, data[k * n:(k + 1) * n], **more)
            if got[0] != 204:
                return got
        return self.finish(x["upload"], **more)

    def keys(self, data, **more):
        return self.send({"kind": "keys", "model": "mnist"}, data,
                         **more)[1]["keys"]

    def job(self, keys, data, **more):
        return self.send({"kind": "job", "keys": keys}, data, **more)[1]["job"]

    def events(self, job, **more):
        """All events of a job until the stream ends: [(name, data)]."""
        text = self.get("/v1/jobs/%s/events" % job, **more)[1].decode()
        return [(name, json.loads(data)) for name, data in
                re.findall(r"event: (\w+)\ndata: (.*)\n", text)]

    def state(self, job):
        return self.get("/v1/jobs/" + job)[1].get("state")

    def wait(self, job, *states):
        end = time.monotonic() + BOUND
        while time.monotonic() < end and self.state(job) not in states:
            time.sleep(0.02)
        return self.state(job)

    def children(self):
        """Those that evaluate, stopped at once."""
        pid = self.run.pid
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return [int(x) for x in f.read().split()]

    def caught(self):
        """The process of the job that runs, held where it is."""
        end = time.monotonic() + BOUND
        while time.monotonic() < end:
            for child in self.children():
                os.kill(child, signal.SIGSTOP)
                return child
        return None

    def end(self, number=signal.SIGTERM):
        """Its exit code."""
        self.run.send_signal(number)
        return self.run.wait(BOUND)


def gone(pid):
    """Whether a process has ended, soon."""
    end = time.monotonic() + BOUND
    while time.monotonic() < end:
        try:
            with open("/proc/%d/stat" % pid) as f:
                if f.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.02)
    return False


def digest(data):
    return "sha-256=:%s:" % base64.b64encode(
        hashlib.sha256(data).digest()).decode()


def certificate(folder):
    """Files of a certificate for localhost and its key; a client's trust."""
    cert, key = os.path.join(folder, "c.pem"), os.path.join(folder, "k.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost", "-keyout", key, "-out",
                    cert], check=True, capture_output=True)
    return cert, key, ssl.create_default_context(cafile=cert)


if "no libmicrohttpd" in volley("serve", MNIST, "--port", 0)[2]:
    print("skip serve: built without libmicrohttpd (make deps)")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)
WORK = tempfile.mkdtemp()
PLAN, KEYS, SECRET, IN, OUT = material(WORK)
PIECE = 1 << 20                         # ten for the keys


def store(name):
    return os.path.join(WORK, name)


def refused(got, status, words, what):
    """An error in the user's words, with a way out."""
    judge(got[0] == status and set(got[1]) >= {"error", "do"}
          and re.search(words, got[1]["error"]) and got[1]["do"], what, got)
    return got


def half_piece(s, upload, k, data):
    """A connection in the middle of a piece."""
    line = socket.create_connection(("127.0.0.1", s.port))
    line.sendall(("PUT /v1/uploads/%s/%d HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: %d\r\n\r\n" % (upload, k, len(data)))
                 .encode() + data[:len(data) // 2])
    return line
