/* worth.h -- by how much a plan must be better to be taken, and how precise
 * one has to be: what was chosen, and by which measurement. */
#ifndef NN_WORTH_H
#define NN_WORTH_H

/* Rotating inputs where sums take less memory: seconds by seconds.  Closer than
 * that the predictions do not know which is faster: they are within 0.90 to
 * 0.96 of what is measured (docs/performance.md). */
#define NNI_WORTH_BYTES 0.9
/* More digits, whose keys are larger: seconds by seconds.  They must save more
 * than predictions of one network's plans differ from each other. */
#define NNI_WORTH_DIGITS 0.95
/* Beyond that much of the best plan's time smaller digits do not make up for a
 * layout: from the fewest digits to the best number of them em, gm, digits and
 * skin gain less than a third. */
#define NNI_WORTH_LOOK 1.5
/* Twice the memory, where many images can be done in few large sets or many
 * small ones: seconds an image by those of the smaller plan.  Digits and skin
 * gain a third by their largest sets, others nothing (docs/study). */
#define NNI_WORTH_MEMORY 0.75

/* What the error of the logits may be of their size (rms): of a mask, whose
 * pixels may differ here and there (em at 0.02: masks differ on 0.02 % of
 * pixels from the clear twin's); of classes, whose largest two seldom lie
 * close; of one logit, which may lie anywhere beside its threshold. */
#define NNI_ERROR_MASK    0.02
#define NNI_ERROR_CLASSES 0.002
#define NNI_ERROR_LOGIT   0.0005
/* Where it is this much of their size, the result says nothing: a pixel whose
 * logit is of the usual size then has one standard deviation of error in two
 * to its threshold. */
#define NNI_ERROR_USELESS 0.5

#endif
