"""serve_ask.py BUILD -- `volley ask` against `volley serve`: masks of gm on an
example slice and of a small network on a volume are byte for byte what `volley
evaluate` and `volley decrypt`, the steps of `volley run`, make of the same
encryption (another one has other noise, which may turn a pixel); over TLS and
with a token; keys that are gone; a server that goes away and comes back.  Ends
with "N passed, N failed[, N skipped]"."""
import contextlib
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

from serve_client import Client, Server, ended, judge, skip, volley

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.abspath(os.path.join(HERE, "..", ".."))
VOLLEY = os.path.abspath(os.path.join(
    sys.argv[1] if len(sys.argv) > 1 else "build", "volley"))
GM = os.path.join(ROOT, "unet", "models", "gm.safetensors")
MNIST = os.path.join(ROOT, "unet", "models", "mnist.safetensors")
SLICE = os.path.join(ROOT, "examples", "data", "9418-07-image.pgm")
TOKEN = "a-token-of-some-length"


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read()
    except OSError:
        return b""


def equal(name, a, b):
    judge(name, read(a) and read(a) == read(b), (len(read(a)), len(read(b))))


def call(name, *words, code=0, says=None, **more):
    ran = volley(VOLLEY, *words, XDG_DATA_HOME=os.path.abspath("home"),
                 **more)
    judge(name, ran[0] == code and (says is None
                                    or re.search(says, ran[1] + ran[2])), ran)
    return ran


@contextlib.contextmanager
def caught():
    """What is encrypted meanwhile, as the server has it, in caught.vct."""
    over = threading.Event()

    def watch():
        while not over.wait(0.002):
            for path in glob.glob("store/jobs/*/in.vct"):
                try:
                    os.link(path, "caught.vct")
                except OSError:
                    pass                # there already, or gone

    if os.path.exists("caught.vct"):
        os.unlink("caught.vct")
    thread = threading.Thread(target=watch)
    thread.start()
    yield
    over.set()
    thread.join()


def by_steps(model, home, got, want, image):
    """The same ciphertexts through the verbs that `run` is made of."""
    call("evaluate", "evaluate", model, "--plan", home + "/plan.json",
         "--keys", home + "/eval.keys", "caught.vct", "-o", "out.vct")
    call("decrypt", "decrypt", home + "/plan.json", "--key", home, "out.vct",
         "-o", want, "--force", "--overlay", image)
    equal(model + ": the mask of ask is that of run's steps", got, want)


def certificate():
    """Of localhost, signed by itself."""
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
         "tls.key", "-out", "tls.pem", "-days", "2", "-subj",
         "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1"], capture_output=True)
    return made.returncode == 0


def segmented(picture):
    """gm: one slice, over TLS where there is openssl."""
    tls = certificate()
    with open("token", "w") as f:
        f.write(TOKEN + "\n")
    more = ["--cert", "tls.pem", "--key", "tls.key"] if tls else []
    server = Server(VOLLEY, [GM, MNIST, "net=net"], "store", "--token",
                    "token", *more)
    url = "http%s://localhost:%d" % ("s" if tls else "", server.port)
    trust = ["--cacert", "tls.pem"] if tls else []
    keyed = ["--token", "token"]
    if tls:
        call("a certificate that nobody signed", "ask", url, SLICE, "-o",
             "no" + picture, *keyed, code=1, says="certificate|SSL")
        call("plain words to TLS", "ask", url.replace("https", "http"), SLICE,
             "-o", "no" + picture, *keyed, code=1)
    else:
        skip("TLS", "no openssl here")
    call("no token", "ask", url, SLICE, "-o", "no" + picture, *trust, code=1,
         says="wants a token: --token FILE")
    call("several networks", "ask", url, SLICE, "-o", "no" + picture, *trust,
         *keyed, code=2, says="--model takes one of gm, mnist, net")
    with caught():
        call("gm by ask", "ask", url, SLICE, "-o", "ask" + picture, "--model",
             "gm", "--overlay", *trust, *keyed, says="keys made in")
    home = [d for d, _, files in os.walk("home") if "secret.key" in files][0]
    by_steps(GM, home, "ask" + picture, "run" + picture, SLICE)
    equal("gm: so is the overlay", "ask-overlay" + picture.replace(
        "pgm", "ppm"), "run-overlay" + picture.replace("pgm", "ppm"))
    return server, url, [*trust, *keyed]


def volumes(url, more, ending):
    """A small network on a volume: --json, several images, a sheet."""
    with caught():
        ran = call("a volume by ask", "ask", url, "PSR.nii", "--model", "net",
                   "-o", "ask" + ending, "--json", "--keys", "kept", *more)
    told = json.loads(ran[1]) if ran[0] == 0 else {}
    judge("--json", told.get("model") == "net" and told["seconds"]["server"]
          > 0 and told["upload_bytes"] > told["download_bytes"] > 0, told)
    by_steps("net", "kept", "ask" + ending, "run" + ending, "PSR.nii")
    call("into a folder", "ask", url, "PSR.nii", "--model", "net", "-o",
         "masks/", "--keys", "kept", *more)
    equal("named after it", "masks/PSR-mask" + ending, "run" + ending)
    call("keys of another plan", "ask", url, SLICE, "--model", "gm", "-o",
         "no.pgm", "--keys", "kept", *more, code=1,
         says="these keys were made for the plan")


def proxied(server, more, ending):
    """Through nginx, by the text of chapter 17."""
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    if not os.path.exists(nginx) or "--cacert" not in more:
        skip("nginx in front", "no nginx or no openssl here")
        return
    with open(os.path.join(ROOT, "docs", "17-service.md")) as f:
        text = re.search(r"^    server \{\n.*?^    \}\n", f.read(),
                         re.S | re.M)[0]
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    here = os.getcwd()
    for old, new in (("listen 443", "listen 127.0.0.1:%d" % port),
                     ("server.example", "localhost"),
                     ("/etc/ssl/server", here + "/tls"),
                     ("127.0.0.1:8080", "127.0.0.1:%d" % server.port)):
        judge("the chapter has " + old, old in text)
        text = text.replace(old, new)
    with open("nginx.conf", "w") as f:
        f.write("daemon off; pid nginx.pid; error_log nginx.log;\n%s"
                "events {}\nhttp {\n%s%s}\n" % (
                    "user root;\n" if os.getuid() == 0 else "", "".join(
                        "%s_temp_path tmp-%s;\n" % (x, x) for x in (
                            "client_body", "proxy", "fastcgi", "uwsgi",
                            "scgi")), text))
    run = subprocess.Popen([nginx, "-p", here, "-c", here + "/nginx.conf"],
                           stderr=subprocess.DEVNULL)
    call("through nginx", "ask", "https://localhost:%d" % port, "PSR.nii",
         "--model", "net", "-o", "proxied" + ending, "--keys", "kept",
         "--wait", 60, *more)
    judge("gives a mask", read("proxied" + ending))
    run.terminate()
    run.wait(20)


def later():
    """A server that ends under a job, and keys that it no longer has."""
    server = Server(VOLLEY, [MNIST], "later")
    words = ["ask", server.url, "@many.txt", "-o", "late.csv", "--keys",
             "mine", "--wait", 120]
    with open("many.txt", "w") as f:
        f.write("digit.pgm\n" * 200)
    with open("digit.pgm", "wb") as f:
        f.write(b"P5\n28 28\n255\n" + bytes(i % 256 for i in range(784)))
    got = []
    one = threading.Thread(target=lambda: got.append(volley(VOLLEY, *words)))
    one.start()
    client = Client(server.port)
    for _ in range(2000):
        if any(" runs" in line for line in server.log):
            break
        time.sleep(0.02)
    server.kill()
    time.sleep(1)
    server = Server(VOLLEY, [MNIST], "later", port=server.port)
    one.join()
    judge("kill -9 under ask: it waits and has its result", got[0][0] == 0
          and "trying again" in got[0][2] and len(read("late.csv")) > 2000,
          got)
    notes = json.loads(read("mine/server.json"))
    client = Client(server.port)
    judge("its keys are known", client.json(
        "GET", "/v1/keys/" + notes["keys"])[0] == 200)
    client.call("DELETE", "/v1/keys/" + notes["keys"])
    call("keys that are gone are sent again", *words)
    notes = json.loads(read("mine/server.json"))
    call("--forget", *words, "--forget")
    judge("forgets", client.json("GET", "/v1/keys/" + notes["keys"])[0]
          == 404)
    judge("no job is kept", not os.listdir("later/jobs"))
    port = server.port
    server.end()
    call("a server that is away", *words[:-2], code=1, says="onnect")
    judge("nothing is left", not [f for d in ("mine", "home", "kept")
                                  for _, _, names in os.walk(d)
                                  for f in names if "tmp" in f
                                  or f.endswith(".vct")])
    return port


def main():
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        for verb, what in (("serve", "libmicrohttpd"), ("ask", "libcurl")):
            ran = volley(VOLLEY, verb, "http://127.0.0.1:1", "x")
            if "no " + what in ran[2]:
                skip("ask and serve", "no %s (make deps)" % what)
                return ended()
        png = "no libpng" not in volley(VOLLEY, "clear", MNIST, "none.pgm",
                                        "-o", "no.png")[2]
        subprocess.run([sys.executable, "-B",
                        os.path.join(HERE, "daily.py"), "make"], check=True)
        server, url, more = segmented(".png" if png else ".pgm")
        volumes(url, more, ".nii.gz" if png else ".nii")
        plain = Server(VOLLEY, ["net=net"], "behind", "--token", "token")
        proxied(plain, more, ".nii.gz" if png else ".nii")
        plain.end()
        judge("the server ends", server.end() == 0, server.log[-3:])
        judge("no id stands in its log", not re.search(
            r"[0-9a-f]{32}|" + TOKEN, "".join(server.log)), server.log)
        later()
    return ended()


if __name__ == "__main__":
    sys.exit(main())
