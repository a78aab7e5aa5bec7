"""Trains a network whose only non-linearity is the square, and exports it.

    train.py segment --images DIR --masks DIR --out MODEL.safetensors    (more: train.py segment --help)
    train.py em|gm|hippocampus --data ROOT --out MODEL.safetensors [...] (segment with the options of presets.py)
    train.py mnist|skin --data ROOT --out MODEL.safetensors

Deterministic: one thread, fixed seeds.  Needed before: classify.py, own.py, presets.py.
"""
import argparse
import sys

try:
    import torch
except ImportError:
    raise SystemExit("train.py needs PyTorch and numpy: make deps-train (Debian)")

import classify
import own
import presets


def options(text, argv, names, **more):
    """--data, --steps and more, and one thread that repeats itself; what is left of a preset's options."""
    parse = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("name", choices=sorted(names))
    parse.add_argument("--data", required=True, metavar="ROOT", help="the folder that holds em, gm, mnist, skin")
    parse.add_argument("--steps", type=int)
    for key, keys in more.items():
        parse.add_argument("--" + key, **keys)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    return parse.parse_args(argv)


def preset(name, argv):
    """train.py segment for one of presets.py."""
    parse = argparse.ArgumentParser(prog="train.py " + name, add_help=False)
    parse.add_argument("--data", required=True, metavar="ROOT")
    args, rest = parse.parse_known_args(argv)
    own.main(presets.argv(name, args.data) + rest)


def main(argv):
    if argv[:1] == ["segment"]:
        return own.main(argv[1:])
    if argv and argv[0] in presets.PRESETS:
        return preset(argv[0], argv[1:])
    args = options(__doc__, argv, classify.TASKS, out={"required": True})
    model = classify.train(args.name, args.data, steps=args.steps)
    result = classify.test(args.name, args.data, model)
    print("test " + "  ".join("%s %.4f" % pair for pair in zip(classify.TASKS[args.name]["scores"], result)))
    classify.write(args.out, args.name, model, args.data, result)


if __name__ == "__main__":
    main(sys.argv[1:])
