"""em and gm, small and large, hippocampus: what they say to train.py segment.  Needed before: nothing.

{data} is the folder that holds em/, gm/ and hippocampus/; options given behind them win.
em64 and gm64 are U-Nets of ReLU, 64-128-256-512 channels, for `volley blind`,
hippocampus one of volumes; with -squares behind it (and --squares-of) the same
turned into squares.
"""
import os

EM = ["--images", "{data}/em/train/*-image.pgm", "--masks", "{data}/em/train/*-label.pgm",
      "--test-images", "{data}/em/test/*-image.pgm", "--test-masks", "{data}/em/test/*-label.pgm",
      "--hold", "00,01,02", "--classes", "membrane,cell", "--both", "--modality", "transmission electron microscopy",
      "--values", "full", "--flips", "all", "--turn", "0", "--scale", "0", "--norm", "1", "--settle", "0.6",
      "--origin", "Data: training stack of the ISBI 2012 challenge (ssTEM, Drosophila), slices 00..23; "
                  "non-commercial use only, cite Cardona et al. 2010, PLoS Biol 8(10): e1000502. "
                  "Command: unet/train/train.py {name}"]
GM = ["--images", "{data}/gm/slices200/train/*-image.pgm", "--masks", "{data}/gm/slices200/train/*-gm.pgm",
      "--test-images", "{data}/gm/slices200/test/*-image.pgm", "--test-masks", "{data}/gm/slices200/test/*-gm.pgm",
      "--hold", "sct", "--classes", "background,grey matter", "--modality",
      "T2*-weighted MR of the spinal cord, axial", "--plane", "axial", "--spacing", "0.25", "--values", "percentiles",
      "--flips", "columns",
      "--origin", "Data: Spinal Cord Gray Matter Imaging Challenge 2018 (CC0 1.0) and one subject of "
                  "sct_testing_data (MIT, (c) 2014 NeuroPoly). Command: unet/train/train.py {name}"]
HIPPOCAMPUS = [
    "--images", "{data}/hippocampus/train/*-image.nii.gz", "--masks", "{data}/hippocampus/train/*-label.nii.gz",
    "--test-images", "{data}/hippocampus/test/*-image.nii.gz",
    "--test-masks", "{data}/hippocampus/test/*-label.nii.gz", "--classes", "background,anterior,posterior",
    "--modality", "MR of the brain, cut round one hippocampus", "--plane", "sagittal", "--values", "percentiles",
    "--origin", "Data: Medical Segmentation Decathlon, task 4, hippocampus (CC BY-SA 4.0, and so these weights); cite "
                "Simpson et al. 2019, arXiv:1902.09063, and Antonelli et al. 2022, Nat. Commun. 13:4128. "
                "Command: unet/train/train.py {name}"]

LARGE = ["--border", "zero", "--size", "200", "--base", "64", "--depth", "3", "--activation", "relu", "--protocol",
         "blind", "--half", "--bfloat16", "--crop", "104,200", "--batch", "1", "--rate", "0.002", "--norm", "1"]

PRESETS = {
    "em": EM + ["--border", "wrap", "--size", "512", "--crop", "256", "--batch", "2", "--steps", "1800",
                "--rate", "0.01"],
    "gm": GM + ["--crop", "96", "--batch", "8", "--steps", "2000", "--settle", "0.95", "--hard", "64"],
    "em64": EM + LARGE + ["--windows", "--steps", "1500"],
    "gm64": GM + LARGE + ["--steps", "1200", "--settle", "0.8"],
    "hippocampus": HIPPOCAMPUS + [
        "--protocol", "blind", "--dims", "3", "--size", "32x40x56", "--activation", "relu", "--pooling", "max",
        "--base", "16", "--depth", "2", "--batch", "2", "--steps", "400", "--bfloat16", "--half"],
}
TURNED = ["--activation", "square", "--steps", "1000", "--rate", "0.002", "--norm", "0.1", "--settle", "0.8"]
FEWER = {"em64": [], "gm64": ["--steps", "600"], "hippocampus": ["--steps", "200", "--hard", "16"]}
PRESETS.update((name + "-squares", PRESETS[name] + TURNED + fewer) for name, fewer in FEWER.items())


def argv(name, data):
    """The options of a preset."""
    return [text.format(data=data, name=name) for text in PRESETS[name]] + ["--name", name]
