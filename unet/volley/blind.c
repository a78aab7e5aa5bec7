/* blind.c -- the verbs behind "blind": two parties, of which one has the image
 * and the other the network (docs/15-blind.md). */
#include <string.h>

#include "volley.h"

#ifdef VOLLEY_HAVE_BLIND
#include "blind/verbs.h"

#define IMAGES (OPT_BIT(OPT_OUT) | OPT_BIT(OPT_FIRST) | OPT_BIT(OPT_COUNT) \
                | OPT_BIT(OPT_FIT) | OPT_BIT(OPT_VALUES) \
                | OPT_BIT(OPT_WINDOW))

static const volley_verb blind_table[] = {
    { "blind serve", "MODEL --port P [--once]",
      "the network's side: listens, and answers clients one by one",
      "MODEL stays here.  A client learns the network's architecture, its\n"
      "scales, and labels of its images; who breaks the protocol on purpose\n"
      "may learn more, weights among them: serve whom you trust to keep it.\n"
      "The line must be authenticated: by default it is this machine's alone,\n"
      "through ssh -L or stunnel it reaches others.\n",
      OPT_EVERY | OPT_BIT(OPT_PORT) | OPT_BIT(OPT_HOST) | OPT_BIT(OPT_ONCE)
      | OPT_BIT(OPT_BITS) | OPT_BIT(OPT_LIMIT) | OPT_BIT(OPT_KERNEL)
      | OPT_BIT(OPT_PATIENCE) | OPT_BIT(OPT_WAIT) | OPT_BIT(OPT_TRANSFER),
      OPT_BIT(OPT_PORT), 1, 1, volley_run_blind_serve },
    { "blind ask", "HOST:PORT IMAGE... -o MASK",
      "the images' side: masks from a server that sees no image",
      "IMAGE as for encrypt; of a network of volumes a NIfTI file or a series\n"
      "of DICOM, one volume each.  MASK as for decrypt.  What it will cost is\n"
      "said before anything of an image is sent, masked.  Values beyond those\n"
      "that the network was calibrated for are clipped, which is said; where\n"
      "numbers leave their range on the way, the mask is refused.\n",
      OPT_EVERY | IMAGES | OPT_BIT(OPT_DRAW) | OPT_BIT(OPT_TRUTH)
      | OPT_BIT(OPT_LIMIT) | OPT_BIT(OPT_KERNEL) | OPT_BIT(OPT_PATIENCE),
      OPT_BIT(OPT_OUT), 2, -1, volley_run_blind_ask },
    { "blind plan", "MODEL",
      "what it will cost both sides, before a connection",
      "Step by step: bytes each way, headroom of convolutions; then seconds\n"
      "over three lines, and memory of each side.\n",
      OPT_EVERY | OPT_BIT(OPT_BITS) | OPT_BIT(OPT_TRANSFER), 0, 1, 1,
      volley_run_blind_plan },
    { "blind clear", "MODEL IMAGE... -o MASK",
      "the same integers in the clear, on one side",
      "What the two parties compute, but for roundings by chance; with\n"
      "--chance those as well, by odds alike.  --logits writes the scores, in\n"
      "units of the last place.\n",
      OPT_EVERY | IMAGES | OPT_BIT(OPT_DRAW) | OPT_BIT(OPT_TRUTH)
      | OPT_BIT(OPT_BITS) | OPT_BIT(OPT_LOGITS) | OPT_BIT(OPT_CHANCE),
      OPT_BIT(OPT_OUT), 2, -1,
      volley_run_blind_clear }
};

enum { BLIND_VERBS = sizeof blind_table / sizeof blind_table[0] };

static void blind_print(FILE *f)
{
    fputs("usage: volley blind VERB ...\n\n"
          "Two parties, connected, compute a mask: one has the image, the "
          "other the\nnetwork; neither shows it to the other.\n\n", f);
    for (int i = 0; i < BLIND_VERBS; i++)
        fprintf(f, "  %-11s  %s\n", blind_table[i].name,
                blind_table[i].summary);
    fputs("\nvolley blind VERB --help says how.\n", f);
}

int volley_help_blind(void)
{
    blind_print(stdout);
    return volley_flush();
}

int volley_run_blind(int argc, char **argv)
{
    if (argc < 1) {
        blind_print(stderr);
        return VOLLEY_USAGE;
    }
    for (int i = 0; i < BLIND_VERBS; i++)
        if (strcmp(argv[0], strchr(blind_table[i].name, ' ') + 1) == 0)
            return volley_run(&blind_table[i], argc - 1, argv + 1);
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)
        return volley_help_blind();
    return volley_usage("blind: unknown verb '%s'; see volley blind --help",
                        argv[0]);
}

#else

int volley_help_blind(void)
{
    return volley_fail("blind: this build has no GMP, which it needs");
}

int volley_run_blind(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return volley_help_blind();
}

#endif
