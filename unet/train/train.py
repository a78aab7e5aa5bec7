"""Trains a network whose only non-linearity is the square, and exports it.

    train.py em|gm|mnist|skin --data ROOT --out MODEL.safetensors
    train.py segment --images DIR --masks DIR --out MODEL.safetensors    (more: train.py segment --help)

Deterministic: one thread, fixed seeds.  Needed before: segment.py, classify.py, own.py.
"""
import argparse
import sys

try:
    import torch
except ImportError:
    raise SystemExit("train.py needs PyTorch and numpy: make deps-train (Debian)")

import classify
import own
import segment

KINDS = {name: kind for kind in (segment, classify) for name in kind.TASKS}


def options(text, **more):
    """The options of train.py and compare.py, and one thread that repeats itself."""
    parse = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("name", choices=sorted(KINDS))
    parse.add_argument("--data", required=True)
    parse.add_argument("--steps", type=int)
    for key, keys in more.items():
        parse.add_argument("--" + key, **keys)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    return parse.parse_args()


def main():
    if sys.argv[1:2] == ["segment"]:
        return own.main(sys.argv[2:])
    args = options(__doc__, out={"required": True})
    kind = KINDS[args.name]
    model = kind.train(args.name, args.data, steps=args.steps)
    result = kind.test(args.name, args.data, model)
    print("test " + "  ".join("%s %.4f" % pair for pair in zip(kind.TASKS[args.name]["scores"], result)))
    kind.write(args.out, args.name, model, args.data, result)


if __name__ == "__main__":
    main()
