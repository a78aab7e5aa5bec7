"""The square against ReLU: same network, data, steps and seeds; scores.

    compare.py em|gm --data ROOT [--steps N] [--seeds N]
"""
import argparse

import numpy as np
import torch

import train


def main():
    parse = argparse.ArgumentParser()
    parse.add_argument("name", choices=sorted(train.TASKS))
    parse.add_argument("--data", required=True)
    parse.add_argument("--steps", type=int)
    parse.add_argument("--seeds", type=int, default=3)
    args = parse.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    mean = {}
    for act in ("square", "relu"):
        rows = []
        for seed in range(1, args.seeds + 1):
            model = train.train(args.name, args.data, seed, act, args.steps, log=lambda line: None)
            rows.append(train.test(args.name, args.data, model))
            print(act, "seed", seed, *("%.4f" % s for s in rows[-1]), flush=True)
        mean[act] = np.mean(rows, 0)
        print(act, "mean  ", *("%.4f" % s for s in mean[act]), flush=True)
    print("square - relu", *("%+.4f" % d for d in mean["square"] - mean["relu"]))


if __name__ == "__main__":
    main()
