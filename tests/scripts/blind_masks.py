"""blind_masks.py BUILD MODEL IMAGE... -- the masks of two parties against those
of the clear integers, on a trained network.

All images go through `volley blind serve` and `ask` in one session, and through
`blind clear`, to the nearest and some times by chance (--chance), whose scores
tell the error of rounding.  Fails if more than 0.1 % of the pixels of all images
differ, or if the two best scores of one that differs are more than 6 sd of that
error apart.  Two-dimensional networks without --fit.

BITS=16 in the environment says the bits, DRAWS=2 how often scores are drawn by
chance, KEEP=DIR keeps masks and scores (and takes up what lies there).  Some 40 s
an image of the networks of 64 to 512 channels, hence on demand; `blind.py` calls
it with the trained network gm and one image.
"""
import os
import re
import subprocess
import sys
import tempfile

import numpy as np

BITS, DRAWS = os.environ.get("BITS", "16"), int(os.environ.get("DRAWS", "2"))
SHARE, FAR = {"16": 1e-3}.get(BITS, 1e-4), 6


def volley(build, *words):
    return subprocess.run([os.path.join(build, "volley"), "blind", *words], check=True, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)


def session(build, model, images, out):
    """All images through two processes."""
    serve = subprocess.Popen([os.path.join(build, "volley"), "blind", "serve", model, "--port", "0", "--once", "--bits",
                              BITS], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    line = serve.stderr.readline()
    while line and not re.search(r"port \d+$", line.strip()):
        line = serve.stderr.readline()
    port = re.search(r"port (\d+)$", line.strip())
    if not port:
        raise SystemExit("blind_masks.py: the server said no port")
    volley(build, "ask", "127.0.0.1:" + port.group(1), *images, "-o", out + os.sep)
    serve.communicate()
    if serve.returncode:
        raise SystemExit("blind_masks.py: the server ended with %d" % serve.returncode)


def clear(build, model, images, folder, name, *words):
    """Scores float64 [images, classes, pixels] of `blind clear`; the masks stay in the folder."""
    scores = os.path.join(folder, name + ".f32")
    if not os.path.exists(scores):
        volley(build, "clear", model, *images, "-o", os.path.join(folder, name) + os.sep, "--bits", BITS,
               "--logits", scores, *words)
    return np.fromfile(scores, "<f4").astype(float)


def masks(folder):
    from PIL import Image
    names = sorted(os.listdir(folder))
    return names, np.stack([np.asarray(Image.open(os.path.join(folder, n))).ravel() for n in names])


def margins(score):
    """[images, pixels]: the best score less the next; of one class its size."""
    if score.shape[1] == 1:
        return abs(score[:, 0])
    best = np.sort(score, 1)
    return best[:, -1] - best[:, -2]


def judged(build, model, images, folder):
    """(pixels, those that differ, [(image, its share, sd, largest margin in sd)])"""
    if not os.path.exists(os.path.join(folder, "two")):
        session(build, model, images, os.path.join(folder, "two"))
    score = clear(build, model, images, folder, "near")
    names, near = masks(os.path.join(folder, "near"))
    again, two = masks(os.path.join(folder, "two"))
    if again != names or two.shape != near.shape:
        raise SystemExit("blind_masks.py: not the same masks: %s, %s" % (names[:3], again[:3]))
    score = score.reshape(len(names), -1, near.shape[1])
    error = [clear(build, model, images, folder, "chance%d" % k, "--chance", str(k)).reshape(score.shape) - score
             for k in range(1, DRAWS + 1)]
    sd = np.sqrt(np.mean(np.square(error), (0, 2, 3)))
    margin, differ, rows = margins(score), near != two, []
    order = np.argsort([os.path.basename(i) for i in images])       # masks by name, scores in the order given
    for at, k in enumerate(order):
        far = margin[k][differ[at]].max(initial=0)
        # the difference of two scores has sqrt(2) of the error of one
        rows.append((names[at], differ[at].mean(), sd[k], far / sd[k] / (1 if score.shape[1] == 1 else 2 ** 0.5)))
    return differ.size, int(differ.sum()), rows


def report(build, model, images, folder):
    """Whether all is as it must be; prints it."""
    pixels, differ, rows = judged(build, model, images, folder)
    for row in rows:
        print("     %-32s %7.4f %% differ, sd of scores %6.2f units, margins of up to %.2f sd" % (
            row[0], 100 * row[1], *row[2:]))
    good = differ <= SHARE * pixels and all(row[3] <= FAR for row in rows)
    far = max(row[3] for row in rows)
    print("%s %d images, %s bits: %d of %d pixels differ (%.4f %%, must %g %%), at margins of up to %.2f sd (must %d)"
          % ("ok  " if good else "FAIL", len(rows), BITS, differ, pixels, 100 * differ / pixels, 100 * SHARE, far, FAR))
    return good


def main(build, model, *images):
    if "KEEP" in os.environ:
        os.makedirs(os.environ["KEEP"], exist_ok=True)
        return report(build, model, images, os.environ["KEEP"])
    with tempfile.TemporaryDirectory() as folder:
        return report(build, model, images, folder)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(not main(*sys.argv[1:]))
