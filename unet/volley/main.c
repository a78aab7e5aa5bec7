/* main.c -- `volley`: encrypted networks on the command line. */
#include <string.h>

#include "volley.h"

/* More bits than an enum constant has. */
#define GOALS (OPT_BIT(OPT_AIM) | OPT_BIT(OPT_IMAGES))
#define AIMS  (GOALS | OPT_BIT(OPT_SECURITY) | OPT_BIT(OPT_LOG_N) \
               | OPT_BIT(OPT_RING) | OPT_BIT(OPT_SLOTS) | OPT_BIT(OPT_TILE) \
               | OPT_BIT(OPT_BATCH) | OPT_BIT(OPT_MEMORY))
#define PART  (OPT_BIT(OPT_FIRST) | OPT_BIT(OPT_COUNT) | OPT_BIT(OPT_FIT))
#define OWNER (OPT_BIT(OPT_SECURITY) | OPT_BIT(OPT_INSECURE) \
               | OPT_BIT(OPT_LIMIT))
#define RATED (OPT_BIT(OPT_SHEET) | OPT_BIT(OPT_LABELS) | OPT_BIT(OPT_TRUTH))
#define VALUES (OPT_BIT(OPT_VALUES) | OPT_BIT(OPT_WINDOW))

static const volley_verb verb_table[] = {
    { "plan", "MODEL [-o NAME.plan]",
      "what it will cost, before any key exists",
      "Layer by layer: level, scale, rotations, products, time, memory and\n"
      "error; then keys, upload and download.  The plan file is the public\n"
      "part (no weights): all the owner of the images needs.  Time and memory\n"
      "are for one thread, or --threads.  With --machine everything is chosen\n"
      "for that machine: both sides must then take this plan.\n",
      OPT_EVERY | AIMS | OPT_BIT(OPT_OUT) | OPT_BIT(OPT_MACHINE)
      | OPT_BIT(OPT_EXPLAIN), 0, 1, 1,
      volley_run_plan },
    { "keygen", "MODEL|PLAN --out DIR",
      "makes DIR/secret.key and DIR/eval.keys",
      "secret.key stays with the owner of the images (mode 0600), eval.keys\n"
      "goes to the server.  owner.json keeps the plan's fingerprint: encrypt\n"
      "and decrypt take no other plan.  A MODEL is planned by default, or by\n"
      "--aim and --images; then every other verb must be told the same, or the\n"
      "plan.  Keys for each person or request (--count N) bound what a leaked\n"
      "one opens: what was sent under it, no more.\n",
      OPT_EVERY | GOALS | OWNER | OPT_BIT(OPT_OUT) | OPT_BIT(OPT_FORCE)
      | OPT_BIT(OPT_TRUST) | OPT_BIT(OPT_FOLDERS),
      OPT_BIT(OPT_OUT), 1, 1, volley_run_keygen },
    { "encrypt", "MODEL|PLAN --key DIR/secret.key IMAGE... -o in.vct",
      "packs and encrypts images",
      "An IMAGE is a file: PGM, PPM, PNG, JPEG; NIfTI or DICOM, all slices of it\n"
      "(FILE:slice=K one, FILE:volume=V of a 4-D one); IDX with many images; all\n"
      "gzipped or not; a folder: its files of these kinds but IDX, sorted by\n"
      "name, or a series of DICOM; or @LIST: a file with a path a line.  Grey\n"
      "for models of 1 channel (also stored as colour), colour for 3.  A model\n"
      "with the border `halo` takes any size; others take one, or with --fit\n"
      "whole multiples of it, averaged down; at most 2^24 pixels.\n"
      "Slices are cut in the plane that the model is for, resampled to its\n"
      "spacing, and values become 0..255 by its rule, of a whole volume at once;\n"
      "--window LOW:HIGH or --values takes another rule.  What is resampled or\n"
      "odd is said, as are sets, bytes and (of a MODEL) seconds.\n"
      "The result tells the number of images and their sizes to everybody, no\n"
      "names, no places.  DIR/requests keeps what decrypt needs to recognise its\n"
      "result, to name it, and to put it back into a volume: for the owner.\n",
      OPT_EVERY | GOALS | OWNER | PART | VALUES | OPT_BIT(OPT_KEY)
      | OPT_BIT(OPT_OUT),
      OPT_BIT(OPT_KEY) | OPT_BIT(OPT_OUT), 2, -1, volley_run_encrypt },
    { "evaluate", "MODEL --keys DIR/eval.keys in.vct -o out.vct",
      "the server: runs the network, without the secret key",
      "Progress shows layer, level and the time left, by the built-in costs\n"
      "or --machine's.  --json also says what each layer took.  With --part\n"
      "several runs, or machines, share the sets (N may be more than there are:\n"
      "one set cannot be cut); join makes the whole of all parts.  In a build\n"
      "with MPI=1, under mpirun, the ranks share them, and rank 0 joins; -o then\n"
      "lies on a disk that all see.\n"
      "Finished sets are kept in OUT.partial, of ranks in OUT.set-NUMBER, until\n"
      "all are: the same command, after a cut, goes on with the next, to the\n"
      "same bytes.\n"
      "--progress json tells programs the same as the line of a terminal, one\n"
      "object a line on standard error: set (from 1) of sets, layer, level,\n"
      "done (0 to 1) of all sets, left in seconds.  A failure is still a line\n"
      "that begins with \"volley: \".\n",
      OPT_EVERY | GOALS | OPT_BIT(OPT_KEYS) | OPT_BIT(OPT_OUT) | OPT_BIT(OPT_PLAN)
      | OPT_BIT(OPT_MACHINE) | OPT_BIT(OPT_PART) | OPT_BIT(OPT_EXPLAIN),
      OPT_BIT(OPT_KEYS) | OPT_BIT(OPT_OUT), 2, 2, volley_run_evaluate },
    { "join", "PART... -o out.vct",
      "parts of one result, from evaluate --part, to the whole",
      "In any order, and all of them: to the bytes that one evaluation writes.\n"
      "Parts of two requests, plans, models or keys are refused, and so are\n"
      "damaged ones, and sets that are missing or there twice.  Needs no key, no\n"
      "model, and the memory of one ciphertext.  (decrypt takes parts, too.)\n",
      OPT_EVERY | OPT_BIT(OPT_OUT), OPT_BIT(OPT_OUT), 1, -1,
      volley_run_join },
    { "decrypt", "MODEL|PLAN --key DIR/secret.key out.vct... [-o RESULT]",
      "decrypts the results and writes masks or classes",
      "Masks: RESULT is a .pgm or .png file: 255 is foreground, 0 the rest; or\n"
      ".nii or .nii.gz, for slices of one volume: 1 is foreground, and it lies\n"
      "on the volume voxel by voxel.\n"
      "Several images give RESULT with -0, -1, ... before its extension.  -o\n"
      "DIR/ names masks after the images: of in/x.png DIR/x-mask.png (.pgm\n"
      "without PNG support; x-0-mask.png, ... if several are called x), of the\n"
      "slices of v.nii.gz DIR/v-mask.nii.gz; the\n"
      "names were kept by encrypt, in DIR/requests of the keys.  A table says\n"
      "which is whose.  --overlay also writes x-overlay (.png, or .ppm), and\n"
      "takes no other pictures than went in; --private x-probability.\n"
      "Of a network of several labels the numbers are the labels, from 0: in\n"
      "PNG those of a palette; --private writes one file for each.  --truth\n"
      "compares with masks that somebody drew: a picture for an image (0, and\n"
      "1 or 255; or the labels), a .nii for all slices of a volume.\n"
      "Classes: RESULT is a .csv file (image,class,score and all logits), and\n"
      "may be left out: the first 20 answers and a summary are printed.\n"
      "--images names the images that went in, in their order (--first,\n"
      "--count, --fit as for encrypt), --sheet draws them: the first 100, in\n"
      "red what --labels says is wrong; of masks at most 400, with outlines.\n"
      "Probabilities, scores and logits carry the noise of the ciphertext:\n"
      "whoever gets them together with it can compute the secret key.\n"
      "\n"
      "Who may see a mask: whoever you like, if the server computes what it is\n"
      "asked.  If it may send anything else: never the server, nor whoever\n"
      "talks to it.  From one mask of 512x512 pixels, of a result that it made\n"
      "up, it computes all 32,768 coefficients of the secret key.  Areas,\n"
      "classes, and that a result was refused, are answers too.  decrypt\n"
      "refuses what is no answer to a request of this key folder, a second\n"
      "answer, and the simplest forgeries; a careful forger passes.\n",
      OPT_EVERY | OWNER | PART | RATED | OPT_BIT(OPT_AIM) | OPT_BIT(OPT_KEY)
      | OPT_BIT(OPT_OUT) | OPT_BIT(OPT_OVERLAY) | OPT_BIT(OPT_GIVEN)
      | OPT_BIT(OPT_PRIVATE) | OPT_BIT(OPT_TRUST) | OPT_BIT(OPT_ANYWAY),
      OPT_BIT(OPT_KEY), 2, -1, volley_run_decrypt },
    { "clear", "MODEL IMAGE... [-o RESULT] [--float]",
      "the same network without encryption",
      "By default the cleartext twin: the plan's integer weights on the same\n"
      "packed slots.  --float takes the model's own weights.  IMAGE as for\n"
      "encrypt, RESULT as for decrypt.  --logits and --pixels write image after\n"
      "image (channels, height, width).  A MODEL for volley blind has floats\n"
      "only; if it has three dimensions an IMAGE is a whole volume of the\n"
      "model's size; with --fit others lie in the middle of zeros, or are cut.\n",
      OPT_EVERY | GOALS | PART | RATED | VALUES | OPT_BIT(OPT_OUT)
      | OPT_BIT(OPT_PLAN) | OPT_BIT(OPT_FLOAT) | OPT_BIT(OPT_LOGITS)
      | OPT_BIT(OPT_PIXELS) | OPT_BIT(OPT_DRAW), 0, 2, -1,
      volley_run_clear },
    { "run", "MODEL --keys DIR IMAGE... [-o RESULT]",
      "both sides at once, for trying out: encrypts to decrypts",
      "What encrypt, evaluate and decrypt do, on this machine, with the keys of\n"
      "keygen in DIR.  Nobody is kept from anything so: the secret key, the\n"
      "images and the network lie side by side.  IMAGE as for encrypt, RESULT\n"
      "as for decrypt: FILE.nii.gz for the slices of a volume.  Ciphertexts go\n"
      "through a folder in DIR, which is removed; a run that is cut begins\n"
      "anew, for hours of work take the three verbs.  --check also computes the\n"
      "same without encryption and counts what differs.\n",
      OPT_EVERY | GOALS | OWNER | PART | RATED | VALUES | OPT_BIT(OPT_HOME)
      | OPT_BIT(OPT_OUT) | OPT_BIT(OPT_PLAN) | OPT_BIT(OPT_DRAW)
      | OPT_BIT(OPT_CHECK), OPT_BIT(OPT_HOME), 2, -1, volley_run_run },
    { "ask", "URL IMAGE... [-o RESULT]",
      "the owner's side of a server: sends encrypted, fetches, decrypts",
      "URL is that of a volley serve, https://HOST[:PORT].  Its plan is looked at\n"
      "as keygen looks at one.  Keys are made once for each server and plan, in\n"
      "~/.local/share/volley or --keys DIR, and the evaluation keys sent once.\n"
      "IMAGE as for encrypt, RESULT as for decrypt.  What is cut is taken up\n"
      "again, and after --wait seconds left: keys that were sent in part go on\n"
      "with the next call, a job that was queued runs on, and --job ID (with\n"
      "images for --overlay and --sheet, or without) fetches it.  The server\n"
      "learns sizes, numbers and times, and no pixel.\n",
      OPT_EVERY | OWNER | PART | RATED | VALUES | OPT_BIT(OPT_HOME)
      | OPT_BIT(OPT_OUT) | OPT_BIT(OPT_DRAW) | OPT_BIT(OPT_TRUST), 0, 1, -1,
      volley_run_ask },
    { "demo", "[--out DIR]",
      "the whole way on the example images, with a report",
      "Writes input, truth, mask and overlay pictures and report.json to DIR\n"
      "(default build/demo), and the keys and ciphertexts it used.\n",
      OPT_EVERY | OPT_BIT(OPT_OUT) | OPT_BIT(OPT_MODEL) | OPT_BIT(OPT_DATA), 0, 0,
      0, volley_run_demo },
    { "info", "FILE",
      "what a file is: model, plan, ciphertexts or keys",
      "With --plan (a plan or a model) ciphertexts and keys are read whole\n"
      "and checked.\n",
      OPT_EVERY | OPT_BIT(OPT_PLAN), 0, 1, 1, volley_run_info },
    { "serve", "MODEL... --store DIR --port P",
      "evaluates for clients, over HTTP",
      "A MODEL is [NAME=]FILE[:PLAN]: called by its own name, planned by\n"
      "default, unless told.  Clients take the plan, send evaluation keys once\n"
      "and encrypted images again and again, watch the network run, and fetch\n"
      "the result; this server never has what decrypts (docs/17-service.md).\n"
      "Every job is a process of its own, whose memory is bounded by the plan.\n"
      "DIR keeps what was acknowledged: after a restart, however the server\n"
      "ended, uploads go on and jobs run again.  SIGTERM ends it.\n"
      "--token FILE has a token a line, at least 16 characters, each with a\n"
      "share of its own of --quota; what came with one answers to it alone.\n"
      "Without --cert and --key it must stand behind what has TLS, or on this\n"
      "machine.  A line an event goes to standard error, with --json as an\n"
      "object to standard output; no id is in them, and no address.\n",
      OPT_EVERY | OPT_BIT(OPT_PORT), OPT_BIT(OPT_PORT), 1, -1,
      volley_run_serve },
    { "calibrate", "[-o FILE]",
      "what operations cost on this machine, for --machine",
      "Measures what the planner wants to know, for --machine of plan and\n"
      "evaluate: 15 seconds, on one thread and a quiet machine, with the best\n"
      "kernel or CKKS_KERNEL's.  Without -o it goes to standard output.\n",
      OPT_EVERY | OPT_BIT(OPT_OUT), 0, 0, 0, volley_run_calibrate }
};

enum { VERBS = sizeof verb_table / sizeof verb_table[0] };

/* A screen of 24 lines and 80 columns. */
static void print_overview(FILE *f)
{
    fputs("volley segments and classifies images under encryption.\n\n", f);
    for (int i = 0; i < VERBS; i++)
        fprintf(f, "  %-9s  %s\n", verb_table[i].name, verb_table[i].summary);
    fputs("  blind      two parties, connected: one has the image, the other "
          "the network\n", f);
    fputs("\nvolley VERB --help says how, volley --version which.\n"
          "Exit code: 0 done, 1 refused or failed, 2 usage.\n\n"
          "Inputs are files or links to files.  An output appears whole or not "
          "at all; it\nreplaces a file, but no link, pipe, device or folder, "
          "and nothing that is read.\nA signal leaves no temporary file, but "
          "SIGKILL NAME.tmp-XXXXXX.\n", f);
}

/* One verb; evaluate shares its work with other ranks, if there are any. */
static int main_run(const volley_verb *verb, int argc, char **argv)
{
    if (verb->run != volley_run_evaluate)
        return volley_run(verb, argc, argv);
    volley_ranks_begin();
    return volley_ranks_end(volley_run(verb, argc, argv));
}

int main(int argc, char **argv)
{
    volley_signals();
    if (argc < 2) {
        print_overview(stderr);
        return VOLLEY_USAGE;
    }
    for (int i = 0; i < VERBS; i++)
        if (strcmp(argv[1], verb_table[i].name) == 0)
            return main_run(&verb_table[i], argc - 2, argv + 2);
    if (strcmp(argv[1], "blind") == 0)
        return volley_run_blind(argc - 2, argv + 2);
    if (strcmp(argv[1], "help") == 0 && argc > 2
        && strcmp(argv[2], "blind") == 0)
        return volley_help_blind();
    if (strcmp(argv[1], "help") == 0 && argc > 2)
        for (int i = 0; i < VERBS; i++)
            if (strcmp(argv[2], verb_table[i].name) == 0)
                return volley_help(&verb_table[i]);
    if (strcmp(argv[1], "help") == 0 && argc > 2)
        return volley_usage("help: unknown verb '%s'; see volley --help",
                            argv[2]);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0
        || strcmp(argv[1], "help") == 0) {
        print_overview(stdout);
        return volley_flush();
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("volley %s\n", CKKS_VERSION);
        return volley_flush();
    }
    return volley_usage("unknown verb '%s'; see volley --help", argv[1]);
}
