/* offer_text.h -- pieces of offers of the two-party protocol. */
#ifndef FUZZ_OFFER_TEXT_H
#define FUZZ_OFFER_TEXT_H

#define STEP(op, name, in, more) \
    "{\"op\":\"" op "\",\"name\":\"" name "\",\"in\":[" in "]," \
    "\"fraction\":8" more "}"
#define CONV(channels, taps, pad, size, stride) \
    ",\"channels\":" channels ",\"transposed\":false,\"kernel\":[" taps "]," \
    "\"before\":[" pad "],\"size\":[" size "],\"stride\":" stride "," \
    "\"shift\":10,\"log_sum\":30"
#define HEAD(dims, bits, size, halo) \
    "{\"format\":\"volley-blind-1\",\"name\":\"net\",\"dims\":" dims "," \
    "\"bits\":" bits ",\"input\":{\"channels\":1,\"size\":[" size "]," \
    "\"halo\":[" halo "],\"mul\":0.0078125,\"add\":-1,\"range\":1," \
    "\"fraction\":12},\"images\":{\"given\":true,\"modality\":\"MR\"," \
    "\"plane\":1,\"spacing_y\":0.5,\"spacing_x\":0.5,\"values\":1," \
    "\"low\":-100,\"high\":300},"
#define MASK "\"output\":{\"foreground\":\"cell\",\"labels\":[]},\"steps\":["
#define LABELS "\"output\":{\"foreground\":\"\",\"labels\":[\"a\",\"b\"," \
    "\"c\"]},\"steps\":["

/* What a server could say (offer.c); number 2 is of 20 bits, without squares. */
extern const char *const fuzz_offers[];

#endif
