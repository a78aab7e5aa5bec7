/* words.h -- words of plan files, by nn_border and ckks_key_kind. */
#ifndef NN_WORDS_H
#define NN_WORDS_H

extern const char *const nni_border_words[4];
extern const char *const nni_key_words[3];

#endif
