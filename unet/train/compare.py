"""The square against ReLU: same network, data, steps and seeds; scores.

    compare.py em|gm|mnist|skin --data ROOT [--steps N] [--seeds N]
"""
import sys

import numpy as np

import classify
import fit
import own
import presets
import train


def unet(name, root, seed, act, steps):
    """The test scores of a preset."""
    argv = presets.argv(name, root) + ["--seed", str(seed), "--activation", act, "--out", "none.pt"]
    p = own.prepared(own.options(argv + (["--steps", str(steps)] if steps else [])))
    net, _ = fit.train(p.part, p.held, p.s, log=lambda line: None)
    return fit.tested(net, p.s, p.tests, p.spec or {})[0]


def classifier(name, root, seed, act, steps):
    return classify.test(name, root, classify.train(name, root, seed, act, steps, log=lambda line: None))


def main(argv):
    args = train.options(__doc__, argv, [*presets.PRESETS, *classify.TASKS], seeds={"type": int, "default": 3})
    kind = unet if args.name in presets.PRESETS else classifier
    mean = {}
    for act in ("square", "relu"):
        rows = []
        for seed in range(1, args.seeds + 1):
            rows.append(kind(args.name, args.data, seed, act, args.steps))
            print(act, "seed", seed, *("%.4f" % s for s in rows[-1]), flush=True)
        mean[act] = np.mean(rows, 0)
        print(act, "mean  ", *("%.4f" % s for s in mean[act]), flush=True)
    print("square - relu", *("%+.4f" % d for d in mean["square"] - mean["relu"]))


if __name__ == "__main__":
    main(sys.argv[1:])
