"""The square against ReLU: same network, data, steps and seeds; scores.

    compare.py em|gm|mnist|skin --data ROOT [--steps N] [--seeds N]
"""
import numpy as np

import train


def main():
    args = train.options(__doc__, seeds={"type": int, "default": 3})
    kind = train.KINDS[args.name]
    mean = {}
    for act in ("square", "relu"):
        rows = []
        for seed in range(1, args.seeds + 1):
            model = kind.train(args.name, args.data, seed, act, args.steps, log=lambda line: None)
            rows.append(kind.test(args.name, args.data, model))
            print(act, "seed", seed, *("%.4f" % s for s in rows[-1]), flush=True)
        mean[act] = np.mean(rows, 0)
        print(act, "mean  ", *("%.4f" % s for s in mean[act]), flush=True)
    print("square - relu", *("%+.4f" % d for d in mean["square"] - mean["relu"]))


if __name__ == "__main__":
    main()
