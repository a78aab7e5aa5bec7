/* worth.h -- by how much a plan must be better to be taken, and how precise
 * one has to be: what was chosen, and by which measurement. */
#ifndef NN_WORTH_H
#define NN_WORTH_H

/* Rotating inputs where sums take less memory: seconds by seconds.  Closer than
 * that the predictions do not know which is faster: they are within 0.90 to
 * 0.96 of what is measured (docs/performance.md). */
#define NNI_WORTH_BYTES 0.9
/* Beyond so many times the memory of the sums NNI_WORTH_MEMORY stands in its
 * place: a network of 64 to 512 channels would take 28 GiB instead of 18, for
 * 2 % of its time. */
#define NNI_MUCH 1.1
/* More digits, whose keys are larger: seconds by seconds.  For em and gm 2 and 3
 * digits are predicted within 2 % of each other: they must save more. */
#define NNI_WORTH_DIGITS 0.95
/* With so many digits or fewer the finest primes that are precise enough are
 * taken; with more, coarser ones may be faster.  A U-Net of depth 2 with border
 * zero takes 17 s instead of 20. */
#define NNI_WORTH_DIGITS_FEW 4
/* Twice the memory, where many images can be done in few large sets or many
 * small ones: seconds an image by those of the smaller plan.  With 1 the plans for
 * throughput have sets of 177 GiB (gm; 0.75: 6.2), 37 GiB (skin; 1.2) and 807
 * MiB (digits; 406) and are predicted to be at most 8 % faster an image (digits
 * 8, skin 2). */
#define NNI_WORTH_MEMORY 0.75

/* Keys are read stage by stage, once a set, where there are no more of them than
 * this part of a set's key switchings; else all are read once and stay.  Reading
 * a key takes about as long as using it once.  em: 15 keys, 1904 switchings. */
#define NNI_WORTH_KEYS 0.02

/* Seconds for a byte of the scratch file, written or read: 1 GB/s, which disks
 * of servers have and a system that keeps the file in memory exceeds. */
#define NNI_SCRATCH_SECONDS 1e-9

/* What the error of the logits may be of their size (rms): of a mask, whose
 * pixels may differ here and there; of classes, whose largest two seldom lie
 * close; of one logit, which may lie anywhere beside its threshold.  The plans
 * made so: em 0.0027 (masks differ on 0.035 to 0.048 % of pixels from the clear
 * twin's), gm 0.0052 (0.009 %), digits 0.0004 and skin 0.0001 (all classes
 * equal). */
#define NNI_ERROR_MASK    0.02
#define NNI_ERROR_CLASSES 0.002
#define NNI_ERROR_LOGIT   0.0005
/* Lanes round patterns, and are less precise than gaps: where a mask's error is
 * more than the first of its size, they must be so many times as fast.  gm, one
 * image: 6.2 s, 0.0077 and 0.015 % of masks' pixels (five slices) with lanes,
 * 11 s, 0.0052 without; of 64 to 512 channels they are three times as fast. */
#define NNI_ERROR_LANES   0.0064
#define NNI_WORTH_LANES   2

/* Where it is this much of their size, the result says nothing: a logit of that
 * size lies two standard deviations from 0, and most are smaller. */
#define NNI_ERROR_USELESS 0.5

#endif
