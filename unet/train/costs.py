"""What a U-Net costs by base, depth, size and border: costs.py [VOLLEY].  The table of docs/own.md.

The network of `train.py segment` (module.py) with random weights, planned for
one image and for MANY, on one thread.  Needs build/volley.
"""
import json
import os
import subprocess
import sys
import tempfile

import torch

import export as files
import module
import traced

HERE = os.path.dirname(os.path.abspath(__file__))
#       base, depth, size
MANY = 100
ROWS = [(4, 1, 64), (8, 1, 64), (8, 2, 64), (8, 2, 128), (8, 2, 256), (8, 2, 512), (16, 2, 128),
        (8, 3, 128), (16, 3, 128)]
ROW = "| %d | %d | %dx%d | %s | 2^%d, 2^%d | %.2g s | %.0f MiB | %.0f MiB | %d | %.2g s | %.0f MiB | %.2g MiB |"


def written(base, depth, border, size, path):
    """A model file of random weights, and of ranges as trained networks have them: costs hardly depend on either."""
    torch.manual_seed(0)
    net = module.UNet(1, 1, base, depth).eval().double()
    network, output, _ = traced.layers(net, torch.zeros(1, 1, size, size, dtype=torch.float64), border)
    ranges = {layer["name"]: {"max": 16.0, "rms": 1.0, "gain": 0.5} for layer in network.layers}
    ranges[output]["gain"] = 1.0
    files.save(path, {
        "name": "unet", "border": border, "output": {"tensor": output, "threshold": 0.0, "foreground": "foreground"},
        "input": {"channels": 1, "height": size, "width": size, "mul": 1 / 128, "add": -1.0},
        "layers": network.layers, "ranges": {"image": {"max": 1.0, "rms": 0.5, "gain": 0.5}, **ranges},
    }, "unet/train/costs.py", network.tensors)


def planned(volley, path, images):
    made = subprocess.run([volley, "plan", path, "--json", "--images", str(images)], capture_output=True, text=True)
    return json.loads(made.stdout) if made.returncode == 0 else made.stderr.strip()


def main(volley):
    path = os.path.join(tempfile.mkdtemp(), "m.safetensors")
    heads = ["base", "depth", "image", "border", "N", "one image", "memory", "keys", "images a set",
             "of %d, an image" % MANY, "memory", "up, an image"]
    print("| %s |\n|%s" % (" | ".join(heads), "---|" * len(heads)))
    for base, depth, size in ROWS:
        for border in ("zero", "halo"):
            written(base, depth, border, size, path)
            one, many = planned(volley, path, 1), planned(volley, path, MANY)
            if isinstance(one, str) or isinstance(many, str):
                print("| %d | %d | %dx%d | %s | %s |" % (base, depth, size, size, border,
                                                         one if isinstance(one, str) else many), flush=True)
                continue
            a, b, tiles = one["total"], many["total"], -(-size // many["core_height"]) * -(-size // many["core_width"])
            sets = -(-MANY * tiles // many["batch"])
            seconds = b["seconds"] + (sets - 1) * (b["seconds"] - b["fresh_seconds"])
            mib = [v / 2 ** 20 for v in (a["peak_bytes"], b["evaluation_key_bytes"], b["peak_bytes"],
                                         b["upload_bytes"] * sets / MANY)]
            print(ROW % (base, depth, size, size, border, one["log_n"], many["log_n"], a["seconds"], *mib[:2],
                         many["batch"] // tiles, seconds / MANY, *mib[2:]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:] or [os.path.join(HERE, "..", "..", "build", "volley")])
