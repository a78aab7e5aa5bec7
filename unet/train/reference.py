"""PyTorch's answer for a model file and one image: what the C side must equal.

    reference.py MODEL.safetensors IMAGE.pgm|IMAGE.ppm OUT.f32

Writes the logits, float32 little-endian, channel by channel, row by row.  Runs the network the
file describes with its border, in double, rounded once at the end.  Needed
before: net.py, export.py.
"""
import sys

import torch

import border
import data
import export
import net

HALO = 24               # reflected pixels round the image for border "halo"


def forward(model, image, kind):
    """The network a file describes, set up for one image in numbers of this
    kind, one thread: a function of no arguments that gives the logits."""
    torch.set_num_threads(1)
    network, _, tensors = export.load(model)
    form = network["input"]
    pixels = data.read_pnm(image)
    height, width = pixels.shape[:2]
    x = torch.from_numpy(pixels.reshape(1, height, width, -1).transpose(0, 3, 1, 2).astype(float))
    x = (x * form["mul"] + form["add"]).to(kind)
    tensors = {name: t.to(kind) for name, t in tensors.items()}
    halo = HALO if network["border"] == "halo" else 0
    pad = {"wrap": border.wrap(network.get("ring", [4])[0]), "valid": border.valid}.get(network["border"], border.zero)

    def run():
        with torch.no_grad():
            values = net.forward(network["layers"], tensors, data.reflect(x, halo), pad)
        return values[network["output"]["tensor"]][0, :, halo:halo + height, halo:halo + width]

    return run


def main(model, image, out):
    y = forward(model, image, torch.float64)()
    with open(out, "wb") as f:
        f.write(y.contiguous().numpy().astype("<f4").tobytes())


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
