"""A server of docs/service.json in Python, which fails and lies on demand: what
`volley ask` must bear (ask.py).  Its jobs are run by `volley evaluate`.

`faults` is a dictionary {name: how often, or what}; each entry is used up or
stays until the test takes it away.  Nothing is kept on disk but ciphertexts.
"""
import http.server
import json
import os
import secrets
import subprocess
import threading
import time

PIECE = 1 << 16


class Fake(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, volley, folder, models):
        """models: {name: (model file, plan file)}"""
        super().__init__(("127.0.0.1", 0), Handler)
        self.volley, self.folder, self.models = volley, folder, models
        self.faults, self.seen = {}, []
        self.uploads, self.keys, self.jobs = {}, {}, {}
        self.plans = {}
        for name, (_, plan) in models.items():
            with open(plan, "rb") as f:
                self.plans[name] = f.read()
        self.url = "http://127.0.0.1:%d" % self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.02,),
                         daemon=True).start()

    def handle_error(self, request, client_address):
        pass                            # lines that were cut

    def fault(self, name):
        """Whether this fault is due now; numbers count down."""
        left = self.faults.get(name, 0)
        if isinstance(left, int) and not isinstance(left, bool) and left > 0:
            self.faults[name] = left - 1
        return left

    def fingerprint(self, name):
        told = subprocess.run([self.volley, "info", self.models[name][1],
                               "--json"], capture_output=True, text=True)
        return json.loads(told.stdout)["plan"]

    def path(self, ident):
        return os.path.join(self.folder, ident)

    def evaluate(self, ident):
        job = self.jobs[ident]
        model, plan = self.models[self.keys[job["keys"]]["model"]]
        ran = subprocess.run(
            [self.volley, "evaluate", model, "--plan", plan, "--keys",
             self.path(job["keys"]), self.path(job["upload"]), "-o",
             self.path(ident), "--threads", "1"], capture_output=True,
            text=True, stdin=subprocess.DEVNULL)
        if ran.returncode == 0:
            job["bytes"] = os.path.getsize(self.path(ident))
            job["state"] = "done"
        else:
            job["state"], job["error"] = "failed", ran.stderr[-200:].strip()

    def state(self, ident):
        job = self.jobs[ident]
        if self.fault("job fails"):
            job.update(state="failed", error="out of memory")
        return {"state": job["state"], "place": 0, "set": 1, "sets": 1,
                "layer": None, "level": 0, "done": 0.5, "left": 1.5,
                "bytes": job.get("bytes"), "error": job.get("error"),
                "expires": int(time.time()) + 3600}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def cut(self):
        """Ends the connection without another word."""
        self.close_connection = True
        self.wfile.flush()
        self.connection.close()

    def say(self, status, value=None, **headers):
        text = b"" if value is None else json.dumps(value).encode()
        if self.server.faults.get("text") and status < 300:
            text = self.server.faults["text"]
        self.send_response(status)
        for name, what in headers.items():
            self.send_header(name.replace("_", "-"), str(what))
        if status != 204:
            self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if status != 204:
            self.wfile.write(text)

    def refuse(self, status, error, **headers):
        self.say(status, {"error": error, "do": "do something else"},
                 **headers)

    def any(self):
        s = self.server
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        s.seen.append((self.command, self.path, len(self.body)))
        if s.fault("full"):
            return self.refuse(429, "busy", Retry_After=0)
        if s.fault("bad gateway"):
            return self.say(502)
        if s.faults.get("elsewhere"):
            return self.say(302, Location="http://127.0.0.1:1/")
        if s.faults.get("token") and self.headers.get("Authorization") \
                != "Bearer " + s.faults["token"]:
            return self.refuse(401, "no token")
        words = self.path.split("/")[1:]
        call = getattr(self, "%s_%s" % (self.command, words[1]), None) \
            if words[0] == "v1" and len(words) > 1 else None
        return call(*words[2:]) if call else self.refuse(404, "no such path")

    do_GET = do_PUT = do_POST = do_DELETE = any

    def GET_models(self, name=None, _=None):
        s = self.server
        if name is None:
            return self.say(200, {"models": [
                {"name": s.faults.get("named", n), "plan": s.fingerprint(n),
                 "later": [1]} for n in s.models]})
        text = s.faults.get("plan", s.plans[name])
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def POST_uploads(self, ident=None, _=None):
        s = self.server
        if ident is not None:
            return self.finish(ident)
        want = json.loads(self.body)
        if want["kind"] == "job" and (s.fault("no keys")
                                      or want["keys"] not in s.keys):
            s.keys.clear()
            return self.refuse(404, "no such keys")
        ident = secrets.token_hex(16)
        s.uploads[ident] = dict(want, have={})
        pieces = -(-want["bytes"] // PIECE)
        self.say(201, {"upload": ident, "piece_bytes": PIECE,
                       "pieces": pieces + s.faults.get("one more", 0)})

    def missing(self, u):
        all_ = range(-(-u["bytes"] // PIECE))
        return [k for k in all_ if k not in u["have"]][:1000]

    def GET_uploads(self, ident):
        u = self.server.uploads.get(ident)
        if u is None or self.server.fault("forgets"):
            self.server.uploads.pop(ident, None)
            return self.refuse(404, "no such upload")
        self.say(200, {"kind": u["kind"], "bytes": u["bytes"],
                       "piece_bytes": PIECE,
                       "pieces": -(-u["bytes"] // PIECE),
                       "missing": self.server.faults.get("missing",
                                                         self.missing(u))})

    def PUT_uploads(self, ident, k):
        s = self.server
        if s.fault("cut piece"):
            return self.cut()
        s.uploads[ident]["have"][int(k)] = self.body
        if s.fault("stop"):
            s.faults["full"] = 1 << 30
        self.say(204)
        return None

    def finish(self, ident):
        s = self.server
        u = s.uploads[ident]
        if s.fault("loses a piece"):
            u["have"].pop(0, None)
        if self.missing(u):
            return self.say(409, {"error": "pieces are missing",
                                  "missing": self.missing(u)})
        if "id" not in u:
            u["id"] = secrets.token_hex(16)
            path = s.path(u["id"] if u["kind"] == "keys" else ident)
            with open(path, "wb") as f:
                f.write(b"".join(u["have"][k] for k in sorted(u["have"])))
            if u["kind"] == "keys":
                s.keys[u["id"]] = {"model": u["model"], "bytes": u["bytes"]}
            else:
                s.jobs[u["id"]] = {"state": "running", "upload": ident,
                                   "keys": u["keys"]}
                threading.Thread(target=s.evaluate, args=(u["id"],)).start()
        if s.fault("cut finish"):
            return self.cut()
        if u["kind"] == "keys":
            return self.say(201, {"keys": u["id"],
                                  "expires": int(time.time()) + 9})
        return self.say(201, {"job": u["id"], "place": 0})

    def GET_keys(self, ident):
        keys = self.server.keys.get(ident)
        if keys is None:
            return self.refuse(404, "no such keys")
        return self.say(200, dict(keys, expires=1))

    def DELETE_keys(self, ident):
        self.server.keys.pop(ident, None)
        self.say(204)

    def DELETE_jobs(self, ident):
        self.server.jobs.pop(ident, None)
        self.say(204)

    def GET_jobs(self, ident, what=None):
        if ident not in self.server.jobs:
            return self.refuse(404, "no such job")
        if what is None:
            return self.say(200, self.server.state(ident))
        return self.events(ident) if what == "events" else self.result(ident)

    def events(self, ident):
        s = self.server
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        if s.faults.get("event"):
            self.wfile.write(s.faults["event"])
            return
        self.wfile.write(b": open\r\n\r\n")
        while True:
            state = s.state(ident)
            ended = state["state"] in ("done", "failed")
            self.wfile.write(b"event: %s\r\ndata: %s\r\n\r\n" % (
                b"end" if ended else b"state", json.dumps(state).encode()))
            self.wfile.flush()
            if ended or s.fault("cut events"):
                return
            self.wfile.write(b'event: progress\ndata: {"set":1,"sets":1,'
                             b'"layer":"conv","level":3,"done":0.25,'
                             b'"left":2}\n\n')
            time.sleep(0.05)

    def result(self, ident):
        s = self.server
        with open(s.path(ident), "rb") as f:
            data = f.read()
        at, status = 0, 200
        wanted = self.headers.get("Range")
        if wanted and not s.faults.get("no range"):
            at, status = int(wanted[6:].split("-")[0]), 206
        self.send_response(status)
        if status == 206:
            at = s.faults.get("other range", at)
            self.send_header("Content-Range", "bytes %d-%d/%d"
                             % (at, len(data) - 1, len(data)))
        data = data[at:] + b"x" * s.faults.get("longer", 0)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if s.fault("cut result"):
            self.wfile.write(data[:len(data) // 2])
            return self.cut()
        return self.wfile.write(data)
