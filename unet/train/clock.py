"""Seconds of PyTorch's forward of a model file on one image, one thread.

    clock.py MODEL.safetensors IMAGE.pgm|IMAGE.ppm [RUNS]

Prints minimum, median and maximum of the runs (15), in float, after two that
warm up.  What the encrypted network is compared with; for kernels of AVX2 alone:

    ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 clock.py ...

Needed before: reference.py.
"""
import sys
import time

import torch

import reference


def main(model, image, runs="15"):
    run = reference.forward(model, image, torch.float32)
    seconds = []
    for k in range(int(runs) + 2):
        start = time.perf_counter()
        run()
        if k >= 2:
            seconds.append(time.perf_counter() - start)
    seconds.sort()
    print("forward of %s: %.4f, %.4f, %.4f s (minimum, median, maximum of %s), one thread"
          % (model, seconds[0], seconds[len(seconds) // 2], seconds[-1], runs))


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(*sys.argv[1:])
