"""Writes and reads model files (docs/model.md).  Needed before: nothing."""
import json
import struct

import numpy as np
import torch

ORIGIN = {
    "mnist": "Data: MNIST, Y. LeCun, C. Cortes, C. J. C. Burges, CC BY-SA 3.0; cite LeCun et al. 1998, "
             "Proc. IEEE 86(11):2278-2324. Command: unet/train/train.py mnist. "
             "Accuracy on images 0..7999 of the original test set: %.4f.",
    "skin": "Data: ISIC 2017, part 3 (CC0 1.0): 729 pictures, box average to 128x128; cite Codella et al. 2018, "
            "arXiv:1710.05006. Command: unet/train/train.py skin. On 242 other pictures: AUC %.4f, "
            "balanced accuracy %.4f. Research data, not for diagnosis.",
}

# What the images are that a network was trained on: object `images` of the model file.
IMAGES = {
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
