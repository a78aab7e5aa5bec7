"""What a U-Net costs by base, depth, size and border: costs.py [VOLLEY].  The table of docs/own.md.

The network of `train.py segment` (module.py) with random weights, planned for
a full set on one thread.  Needs build/volley.
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
ROWS = [(4, 1, 64), (8, 1, 64), (8, 2, 64), (8, 2, 128), (8, 2, 256), (8, 2, 512), (16, 2, 128),
        (8, 3, 128), (16, 3, 128)]


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


def planned(volley, path):
    made = subprocess.run([volley, "plan", path, "--json"], capture_output=True, text=True)
    return json.loads(made.stdout) if made.returncode == 0 else made.stderr.strip()


def main(volley):
    path = os.path.join(tempfile.mkdtemp(), "m.safetensors")
    heads = ("base depth image border N", "images a set", "seconds a set", "seconds an image", "memory", "keys",
             "up, an image")
    heads = heads[0].split() + list(heads[1:])
    print("| %s |\n|%s" % (" | ".join(heads), "---|" * len(heads)))
    for base, depth, size in ROWS:
        for border in ("zero", "halo"):
            written(base, depth, border, size, path)
            p = planned(volley, path)
            if isinstance(p, str):
                print("| %d | %d | %dx%d | %s | %s |" % (base, depth, size, size, border, p))
                continue
            t, tiles = p["total"], -(-size // p["core_height"]) * -(-size // p["core_width"])
            images = p["batch"] / tiles
            print("| %d | %d | %dx%d | %s | 2^%d | %.3g | %.2g | %.2g | %.0f MiB | %.0f MiB | %.2g MiB |" % (
                base, depth, size, size, border, p["log_n"], images, t["seconds"], t["seconds"] / images,
                t["peak_bytes"] / 2 ** 20, t["evaluation_key_bytes"] / 2 ** 20, t["upload_bytes"] / 2 ** 20 / images),
                flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:] or [os.path.join(HERE, "..", "..", "build", "volley")])
