"""blind.py BUILD -- `volley blind`: two processes over loopback, networks of
random weights (blind_net.py) in four variants, of 2 and 3 dimensions: the mask
against that of one process in the clear, bytes against the plan; several images,
clients one after the other, what is refused on either side, always in one line.
Ends with "N passed, N failed"; without numpy a line says that it was left out."""
import gzip
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
except ImportError:
    print("skip blind: no numpy (make deps)")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

HERE = os.path.dirname(os.path.abspath(__file__))
VOLLEY = os.path.abspath(os.path.join(sys.argv[1] if len(sys.argv) > 1 else "build", "volley"))
VARIANTS = [("relu", "max", 32), ("relu", "mean", 16), ("hybrid", "mean", 20), ("square", "mean", 16)]
count = {"passed": 0, "failed": 0}


def judge(name, good, text=""):
    count["passed" if good else "failed"] += 1
    print("%s %s" % ("ok  " if good else "FAIL", name) + ("" if good else ": %s" % (text,)), flush=True)


def volley(*words):
    ran = subprocess.run([VOLLEY, "blind", *map(str, words)], capture_output=True, text=True, timeout=100,
                         stdin=subprocess.DEVNULL)
    return ran.returncode, ran.stdout, ran.stderr


def complaint(text):
    """The one line that begins with "volley: " and is no warning."""
    lines = [s for s in text.splitlines() if s.startswith("volley: ") and not s.startswith("volley: warning: ")]
    return lines[0] if len(lines) == 1 else ""


def refused(name, ran, words, code=1):
    line = complaint(ran[2])
    judge(name, ran[0] == code and re.search(words, line) and not ran[1]
          and not re.search(r"\b(ckks|nni?|unet|uni|blind)_\w+: ", line), ran)


class Server:
    """One that listens at a port that the system chose."""

    def __init__(self, model, *words, once=True):
        self.run = subprocess.Popen([VOLLEY, "blind", "serve", model, "--port", "0", *(["--once"] if once else []),
                                     *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = ""
        while "port " not in self.said:
            line = self.run.stderr.readline()
            if not line:
                raise RuntimeError(self.said)
            self.said += line
        self.at = "127.0.0.1:" + re.search(r"port (\d+)$", self.said, re.M).group(1)

    def end(self):
        out, err = self.run.communicate(timeout=120)
        return self.run.returncode, out, self.said + err


def net(folder, name, dims, act, pool, base=8, side=None, depth=3):
    model, image = (os.path.join(folder, name + end) for end in (".st", ".pgm" if dims == 2 else ".nii"))
    subprocess.run([sys.executable, os.path.join(HERE, "blind_net.py"), model, image, str(dims),
                    str(side or (40 if dims == 2 else 16)), str(base), act, pool, str(depth)], check=True)
    return model, image


def labels(path):
    """Of a PGM or PNG written as labels, or a volume of bytes."""
    data = open(path, "rb").read()
    if path.endswith(".pgm"):
        return np.frombuffer(data, np.uint8)[-np.prod([int(x) for x in data.split()[1:3]]):]
    return np.frombuffer(data, np.uint8, offset=352)


def changed(model, out, change):
    """The model file with another network text."""
    data = open(model, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + size])
    text = json.loads(head["__metadata__"]["network"])
    change(text)
    head["__metadata__"]["network"] = json.dumps(text)
    new = json.dumps(head).encode()
    with open(out, "wb") as f:
        f.write(struct.pack("<Q", len(new)) + new + data[8 + size:])
    return out


def compare(name, mask, clear, scores, classes):
    """Pixels may differ where the two best scores are nearly one: their margin is
    one of the smallest fiftieth of all."""
    a, b = labels(mask), labels(clear)
    score = np.fromfile(scores, np.float32).reshape(classes, -1)
    if classes == 3:                            # a volume's axes may run the other way
        side = round(b.size ** (1 / 3))
        score = score.reshape(3, side, side, side)
        for axes in [[i + 1 for i in range(3) if k >> i & 1] for k in range(8)]:
            if np.array_equal(np.flip(score, axes).argmax(0).ravel(), b):
                score = np.flip(score, axes)
                break
        score = score.reshape(3, -1)
    judge("%s: labels are those of the largest scores" % name, np.array_equal(score.argmax(0), b))
    score = np.sort(score, axis=0)
    margin = score[-1] - score[-2]
    differ = margin[a != b]
    near = np.quantile(margin, 0.05)
    judge("%s: the mask is that of the clear (%d of %d pixels differ, margin at most %.0f, median %.0f)"
          % (name, (a != b).sum(), a.size, differ.max(initial=0), np.median(margin)),
          a.size == b.size and np.all(differ <= near), (differ.max(initial=0), near))


def check_variant(folder, dims, act, pool, bits):
    name = "%dd %s %s %d" % (dims, act, pool, bits)
    model, image = net(folder, "v", dims, act, pool, base=4, depth=2, side=24 if dims == 2 else 12)
    mask, clear = (os.path.join(folder, s + (".pgm" if dims == 2 else ".nii")) for s in ("mask", "clear"))
    scores = os.path.join(folder, "scores")
    server = Server(model, "--bits", bits, "--json")
    code, out, err = volley("ask", server.at, image, "-o", mask, "--json")
    served = server.end()
    judge("%s: both go well" % name, code == 0 and served[0] == 0, (err, served))
    if code != 0 or served[0] != 0:
        return
    ask, serve = json.loads(out), json.loads(served[1])
    plan = json.loads(volley("plan", model, "--bits", bits, "--json")[1])
    judge("%s: bytes as planned" % name,
          ask["sent_bytes"] == serve["received_bytes"] == plan["bytes_up"]
          and ask["received_bytes"] == serve["sent_bytes"] == plan["bytes_down"], (ask, plan["bytes_up"]))
    judge("%s: memory within what was said" % name,
          ask["peak_rss_mib"] * 2 ** 20 <= plan["client_bytes"]
          and serve["peak_rss_mib"] * 2 ** 20 <= plan["server_bytes"],
          (ask["peak_rss_mib"], plan["client_bytes"] / 2 ** 20, serve["peak_rss_mib"], plan["server_bytes"] / 2 ** 20))
    ran = volley("clear", model, image, "-o", clear, "--bits", bits, "--logits", scores)
    judge("%s: clear" % name, ran[0] == 0, ran)
    if ran[0] == 0:
        compare(name, mask, clear, scores, dims)
    if bits == 32:
        plain = os.path.join(folder, "float" + mask[-4:])
        subprocess.run([VOLLEY, "clear", model, image, "-o", plain, "--float"], capture_output=True)
        differ = np.count_nonzero(labels(plain) != labels(mask))
        judge("%s: and of the float network, but for %d" % (name, differ), differ <= 2)


def check_transfers(folder):
    """Each depth of transfers: announced by the server, its bytes those of its plan, which names the others."""
    model, image = net(folder, "t", 2, "relu", "max", base=2, depth=1, side=16)
    mask, seen = os.path.join(folder, "depth.pgm"), {}
    for k in (1, 2, 4):
        server = Server(model, "--transfer", k)
        code, out, err = volley("ask", server.at, image, "-o", mask, "--json")
        plan = json.loads(volley("plan", model, "--transfer", k, "--json")[1])
        ask = json.loads(out) if code == 0 else {}
        judge("--transfer %d: bytes as planned" % k, server.end()[0] == 0 and plan["transfer"] == k
              and ask["sent_bytes"] == plan["bytes_up"] and ask["received_bytes"] == plan["bytes_down"], (err, plan))
        seen[k] = [plan["bytes_up"], plan["bytes_down"]]
        judge("--transfer %d: the plan has all three" % k,
              [x["transfer"] for x in plan["transfers"]] == [1, 2, 4]
              and [x["bytes_down"] for x in plan["transfers"] if x["transfer"] == k] == [seen[k][1]], plan["transfers"])
    judge("the deeper, the fewer bytes", seen[4][1] < seen[2][1] < seen[1][1] and seen[4][0] < seen[2][0] < seen[1][0],
          seen)
    judge("the plan prints them", "with --transfer 4: " in volley("plan", model)[1])
    for verb in ("plan", "serve"):
        judge("%s --transfer 3" % verb, volley(verb, model, "--transfer", "3", *["--port", "0"][:2 * (verb == "serve")])[0] == 2)


def check_sessions(folder):
    model, image = net(folder, "s", 2, "relu", "max", base=2, depth=1, side=16)
    other = os.path.join(folder, "other.pgm")
    with open(image, "rb") as f, open(other, "wb") as g:
        data = f.read()
        g.write(data[:-256] + data[-256:][::-1])
    server = Server(model, once=False)
    masks = os.path.join(folder, "masks") + "/"
    code, out, err = volley("ask", server.at, image, other, "-o", masks)
    judge("two images in one session", code == 0 and "2 images" in out
          and sorted(os.listdir(masks)) == ["other-mask.png", "s-mask.png"], (out, err))
    one, two = (json.loads(volley("ask", server.at, *[image] * n, "-o", masks, "--json")[1]) for n in (1, 2))
    plan = json.loads(volley("plan", model, "--json")[1])
    judge("a second image costs what the steps do",
          two["sent_bytes"] - one["sent_bytes"] == sum(s["bytes_up"] for s in plan["steps"])
          and two["received_bytes"] - one["received_bytes"] == sum(s["bytes_down"] for s in plan["steps"]),
          (one["sent_bytes"], two["sent_bytes"]))
    judge("what it costs is said before",
          re.search(r"two axes, 16x16 pixels, 16 bits; the server learns", err)
          and re.search(r"2 images, about .* up, .* down; at most .* of memory", err), err)
    ran = volley("ask", server.at, image, "-o", os.path.join(folder, "m.pgm"))
    judge("a second client after the first", ran[0] == 0, ran)
    port = server.at.split(":")[1]
    refused("a port in use", volley("serve", model, "--port", port), port)
    wide = os.path.join(folder, "wide.pgm")
    with open(wide, "wb") as f:
        f.write(b"P5\n32 32\n255\n" + bytes(range(256)) * 4)
    mask = os.path.join(folder, "no.pgm")
    refused("an image of another size", volley("ask", server.at, wide, "-o", mask), "32x32")
    ran = volley("ask", server.at, wide, "-o", mask, "--fit")
    judge("averaged down with --fit", ran[0] == 0, ran)
    os.remove(mask)
    refused("a client with too little memory", volley("ask", server.at, image, "-o", mask, "--memory", 16),
            "of memory, there is 16 MiB")
    judge("no mask of what was refused", not os.path.exists(mask))
    ran = volley("ask", server.at, image, "-o", mask, "--kernel", "portable")
    judge("the server still serves; with the portable AES", ran[0] == 0, ran)
    server.run.send_signal(signal.SIGTERM)
    ended = server.end()
    judge("SIGTERM ends a server", ended[0] == -signal.SIGTERM, ended)
    refused("nobody listens", volley("ask", server.at, image, "-o", mask), "127.0.0.1:" + port)


def check_volumes(folder):
    """Several in one session, written behind it: each file has the mask of its own volume."""
    model, image = net(folder, "t", 3, "relu", "mean", base=2, depth=1, side=8)
    other = os.path.join(folder, "u.nii")
    with open(image, "rb") as f, open(other, "wb") as g:
        data = f.read()
        g.write(data[:352] + bytes(255 - x for x in data[352:]))
    got, want = (os.path.join(folder, name) + "/" for name in ("got", "want"))
    server = Server(model)
    ran = volley("ask", server.at, image, other, "-o", got)
    judge("two volumes in one session", ran[0] == 0 and server.end()[0] == 0, ran)
    ran = volley("clear", model, image, other, "-o", want)
    judge("two volumes in the clear", ran[0] == 0, ran)
    names = sorted(os.listdir(want))
    judge("two volumes, two files of .nii.gz", len(names) == 2 and sorted(os.listdir(got)) == names, names)
    both = [[np.frombuffer(gzip.open(folder + name).read(), np.uint8, offset=352) for folder in (got, want)]
            for name in names]
    judge("each has the mask of its own volume",
          len(both) == 2 and all(np.mean(a != b) < 0.01 for a, b in both)
          and np.mean(both[0][0] != both[1][0]) > 0.02,
          [np.mean(a != b) for a, b in both] + [np.mean(both[0][0] != both[1][0])])


def check_ranges(folder):
    model, image = net(folder, "r", 2, "relu", "mean", base=2, depth=1, side=16)

    def narrow(text):
        for name, entry in text["ranges"].items():
            if name != "image":
                entry["max"] /= 64
        for entry in text["ranges"]["logit"]["labels"]:
            entry["max"] /= 64

    def dim(text):
        text["ranges"]["image"]["max"] = 0.5

    bad = changed(model, os.path.join(folder, "narrow.st"), narrow)
    mask = os.path.join(folder, "out.pgm")
    refused("clear: out of range", volley("clear", bad, image, "-o", mask), "left the range")
    server = Server(bad)
    refused("numbers that leave their range", volley("ask", server.at, image, "-o", mask), "refused")
    judge("the server ends as after any other image", server.end()[0] == 0)
    judge("no mask of what left its range", not os.path.exists(mask))
    server = Server(changed(model, os.path.join(folder, "dim.st"), dim))
    ran = volley("ask", server.at, image, "-o", mask)
    judge("pixels are clipped, which is said", ran[0] == 0 and "were clipped" in ran[2], ran)
    server.end()


def check_refused(folder):
    model, image = net(folder, "q", 2, "square", "mean", base=2, depth=1, side=16)
    mask = os.path.join(folder, "never.pgm")
    refused("squares of 32 bits", volley("plan", model, "--bits", 32), "enc0a.act")
    refused("a width that is none", volley("plan", model, "--bits", 17), "16, 20 or 32", code=2)
    refused("a model of border wrap",
            volley("serve", os.path.join(HERE, "../../unet/models/em.safetensors"), "--port", 0), "wrap")
    refused("no model", volley("serve", image, "--port", 0), "not a model")
    refused("no such model", volley("plan", os.path.join(folder, "none")), "none")
    refused("a server with too little memory", volley("serve", model, "--port", 0, "--memory", 16), "of memory")
    refused("no port", volley("serve", model), "port", code=2)
    refused("no such port", volley("serve", model, "--port", 70000), "65535", code=2)
    refused("no such verb", volley("listen"), "listen", code=2)
    refused("no address", volley("ask", "nowhere", image, "-o", mask), "HOST:PORT")
    refused("no such kernel", volley("serve", model, "--port", 0, "--kernel", "none"), "none")
    judge("--help", volley("--help")[0] == 0 and volley("ask", "--help")[0] == 0)
    judge("plan says headroom, lines and memory",
          re.search(r"enc0a .* bits\n(.*\n)*.*100 Mbit/s, 20 ms: about .*\nmemory: ", volley("plan", model)[1]))


def check_trained():
    """A trained network: where its mask differs from that of the clear, scores are as near as roundings make them."""
    images = [os.path.join(HERE, "../../examples/data/9418-%02d-image.pgm" % k) for k in (9,)]
    model = os.path.join(HERE, "../../unet/models/gm.safetensors")
    ran = subprocess.run([sys.executable, os.path.join(HERE, "blind_masks.py"), os.path.dirname(VOLLEY), model,
                          *images], capture_output=True, text=True)
    judge("gm: " + ran.stdout.strip().split("\n")[-1][5:], ran.returncode == 0, (ran.stdout, ran.stderr))


def main():
    start = time.time()
    with tempfile.TemporaryDirectory() as folder:
        check_refused(folder)
        check_transfers(folder)
        check_sessions(folder)
        check_volumes(folder)
        check_ranges(folder)
        check_trained()
        for dims in 2, 3:
            for variant in VARIANTS:
                check_variant(folder, dims, *variant)
    print("%.0f s" % (time.time() - start), file=sys.stderr)
    print("%d passed, %d failed" % (count["passed"], count["failed"]))
    sys.exit(count["failed"] > 0)


main()
