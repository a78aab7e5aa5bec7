"""Writes and reads model files (docs/model.md), and measures their ranges.

    export.py MODEL.safetensors ...     sets what IMAGES says of the networks of these names

Needed before: net.py, border.py.
"""
import json
import struct
import sys

import numpy as np
import torch

import border
import data
import net

SLOTS = 16384           # slots of a ciphertext in the calibration
RING = 4                # outer ring in the calibration

ORIGIN = {
    "em": "Data: training stack of the ISBI 2012 challenge (ssTEM, Drosophila), slices 00..23; "
          "non-commercial use only, cite Cardona et al. 2010, PLoS Biol 8(10): e1000502. "
          "Command: unet/train/train.py em. Dice on slices 24..26: cells %.4f, membranes %.4f.",
    "gm": "Data: Spinal Cord Gray Matter Imaging Challenge 2018 (CC0 1.0) and one subject of "
          "sct_testing_data (MIT, (c) 2014 NeuroPoly). "
          "Command: unet/train/train.py gm. Dice on the 17 slices of subject 9418: %.4f.",
    "mnist": "Data: MNIST, Y. LeCun, C. Cortes, C. J. C. Burges, CC BY-SA 3.0; cite LeCun et al. 1998, "
             "Proc. IEEE 86(11):2278-2324. Command: unet/train/train.py mnist. "
             "Accuracy on images 0..7999 of the original test set: %.4f.",
    "skin": "Data: ISIC 2017, part 3 (CC0 1.0): 729 pictures, box average to 128x128; cite Codella et al. 2018, "
            "arXiv:1710.05006. Command: unet/train/train.py skin. On 242 other pictures: AUC %.4f, "
            "balanced accuracy %.4f. Research data, not for diagnosis.",
}

# What the images are that a network was trained on: object `images` of the model file.
IMAGES = {
    "em": {"modality": "transmission electron microscopy", "values": "full"},
    "gm": {"modality": "T2*-weighted MR of the spinal cord, axial", "plane": "axial", "spacing": [0.25, 0.25],
           "values": "percentiles", "low": 1.0, "high": 99.5},
    "skin": {"modality": "dermoscopic picture", "values": "full"},
}


def of_images(network):
    """The network with its images behind its input, if IMAGES has its name."""
    result = {}
    for key, value in network.items():
        if key != "images":
            result[key] = value
        if key == "input" and network["name"] in IMAGES:
            result["images"] = IMAGES[network["name"]]
    return result


def half(t):
    """Whether F16 holds a tensor to half a unit of its largest value's last place: of kernels, no vectors."""
    t = t.detach()
    return t.dim() > 1 and bool(((t.half().float() - t).abs() <= 2.0 ** -11 * t.abs().max()).all())


def save(path, network, origin, tensors, halves=False):
    """A safetensors file: header length, JSON header, F32 little-endian; with halves F16 of what it holds."""
    header, body = {}, b""
    header["__metadata__"] = {"format": "volley-1", "network": json.dumps(network), "origin": origin}
    for name, t in tensors.items():
        short = halves and half(t)
        raw = t.detach().numpy().astype("<f2" if short else "<f4").tobytes()
        header[name] = {"dtype": "F16" if short else "F32", "shape": list(t.shape),
                        "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + body)


def load(path):
    """(network, origin, tensors) of a model file; refuses what save() would not write."""
    with open(path, "rb") as f:
        raw = f.read()
    size = struct.unpack("<Q", raw[:8])[0]
    header, body, at, tensors = json.loads(raw[8:8 + size]), raw[8 + size:], 0, {}
    meta = header.pop("__metadata__")
    if meta["format"] != "volley-1":
        raise ValueError(path + ": not a volley-1 model")
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        kind = {"F32": "<f4", "F16": "<f2"}.get(entry["dtype"])
        if kind is None or begin != at or end - begin != int(kind[2]) * np.prod(entry["shape"]):
            raise ValueError(path + ": bad tensor " + name)
        values = np.frombuffer(body[begin:end], kind).astype(np.float32)
        tensors[name] = torch.from_numpy(values.reshape(entry["shape"]))
        at = end
    if at != len(body):
        raise ValueError(path + ": bytes after the last tensor")
    return json.loads(meta["network"]), meta["origin"], tensors


def ciphertexts(images, halo):
    """The images as the slots of ciphertexts, several to each where they fit."""
    x = data.reflect(images, halo)
    batch = SLOTS // (x.shape[2] // RING * (x.shape[3] // RING))
    x = torch.cat([x, x[:-len(x) % batch]])
    return [border.pack(x[k:k + batch], RING, SLOTS) for k in range(0, len(x), batch)]


def largest(layers, tensors, packed, pad):
    """The largest |value| over all slots of each tensor."""
    top = {}
    for x in packed:
        for key, v in net.forward(layers, tensors, x, pad).items():
            top[key] = max(top.get(key, 0.0), float(v.abs().max()))
    return top


def measured(model, x, pad, kept, real, top):
    """max, rms and gain of every tensor for the input x, and a line printed for each.

    real, top: the largest |value| of images and of extreme ones; kept(logit):
    the part of the result that counts.  The gain is measured with a small noise.
    """
    result = {}
    torch.manual_seed(0)
    with torch.no_grad():
        values = net.forward(*model, x, pad)
        for key, v in values.items():
            rms = float(v.square().mean().sqrt())
            noise = 1e-3 * rms * torch.randn(v.shape)
            moved = net.forward(*model, x, pad, change=(key, noise))["logit"]
            gain = float(kept(moved - values["logit"]).square().mean().sqrt()) / (1e-3 * rms)
            result[key] = {"max": round(max(real[key], top[key]), 6),
                           "rms": round(rms, 6), "gain": round(gain, 6)}
            print("%-12s max %8.3f  extreme images %8.3f  rms %7.3f  gain %7.4f"
                  % (key, real[key], top[key], rms, gain))
    return result


def ranges(task, model, images):
    """max, rms and gain of every tensor over all slots, garbage included.

    max covers the images and the extreme ones; rms the first ciphertexts;
    gain (change of the logit for noise of rms 1 here) the first one's kept part.
    """
    layers, tensors = model
    height, width = images.shape[2:]
    halo = task["halo"]
    h, w = height + 2 * halo, width + 2 * halo
    pad, batch = border.slots(w // RING), SLOTS // (h // RING * (w // RING))
    odd, packed = data.extremes(height, width), ciphertexts(images, halo)
    # each extreme image alone, and among the others and real ones
    hard = [y for x in odd for y in ciphertexts(x[None].repeat(batch, 1, 1, 1), halo)]
    if batch > 1:
        hard += ciphertexts(torch.stack([x for pair in zip(odd, images) for x in pair]), halo) \
            + ciphertexts(odd, halo)

    def kept(x):
        return border.unpack(x, batch, h, w)[..., halo:halo + height, halo:halo + width]

    with torch.no_grad():
        real, top = largest(layers, tensors, packed, pad), largest(layers, tensors, hard, pad)
    return measured(model, packed[0], pad, kept, real, top)


def export(path, name, task, model, root, result):
    """Calibrates a trained model on all training images and writes its file."""
    layers, tensors = model
    images = torch.cat([data.load(root, name, part)[0] for part in ("train", "val")])
    network = {"name": name, "border": task["border"]}
    if task["border"] == "wrap":
        network["ring"] = [task["ring"], task["ring"]]
    network["input"] = {"channels": 1, "height": images.shape[2], "width": images.shape[3],
                        "mul": data.MUL, "add": data.ADD}
    network["output"] = {"tensor": "logit", "threshold": 0.0, "foreground": task["foreground"]}
    network["layers"] = layers
    network["ranges"] = ranges(task, model, images)
    save(path, of_images(network), ORIGIN[name] % tuple(result), tensors)


def main():
    for path in sys.argv[1:]:
        network, origin, tensors = load(path)
        save(path, of_images(network), origin, tensors)


if __name__ == "__main__":
    main()
