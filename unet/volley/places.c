/* places.c -- where the command writes results: never over what it reads,
 * whatever name or link leads there; else by the rules of ckks_file_check.  The
 * key folder's own notes are read and written by volley_read and volley_write.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "volley.h"

typedef struct place {
    dev_t device;
    ino_t number;
} place;

/* Of this process: what it reads, sorted when it is looked into. */
static struct {
    place *at;
    size_t count, room;
    bool sorted;
} places;

static int place_compare(const void *a, const void *b)
{
    const place *x = a, *y = b;

    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static int place_note(const char *path)
{
    struct stat st;

    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return VOLLEY_DONE;             /* whoever reads it says so          */
    if (places.count == places.room) {
        size_t room = 2 * places.room + 16;
        place *grown = realloc(places.at, room * sizeof *grown);

        if (grown == NULL)
            return volley_fail("no memory for %zu names", room);
        places.at = grown;
        places.room = room;
    }
    places.at[places.count++] = (place){ st.st_dev, st.st_ino };
    places.sorted = false;
    return VOLLEY_DONE;
}

static bool place_is_read(const char *path)
{
    struct stat st;
    place key;

    if (places.count == 0 || stat(path, &st) != 0)
        return false;
    if (!places.sorted)
        qsort(places.at, places.count, sizeof *places.at, place_compare);
    places.sorted = true;
    key = (place){ st.st_dev, st.st_ino };
    return bsearch(&key, places.at, places.count, sizeof key, place_compare)
           != NULL;
}

int volley_check_place(const char *path)
{
    int code = volley_check_ckks(ckks_file_check(path), NULL);

    if (code == VOLLEY_DONE && place_is_read(path))
        code = volley_fail("writing %s: this file is read too; name another",
                           path);
    return code;
}

/* What stands before a mark, which may be a file's own name. */
static int place_before(const char *word, const char *mark)
{
    const char *last = NULL;
    char *file;
    int code;

    for (const char *p = word; (p = strstr(p, mark)) != NULL; p++)
        last = p;
    if (last == NULL)
        return VOLLEY_DONE;
    file = malloc((size_t)(last - word) + 1);
    if (file == NULL)
        return volley_fail("no memory for a name");
    memcpy(file, word, (size_t)(last - word));
    file[last - word] = '\0';
    code = place_note(file);
    free(file);
    return code;
}

int volley_reads(const char *word)
{
    int code = place_note(word[0] == '@' ? word + 1 : word);

    if (code == VOLLEY_DONE)
        code = place_before(word, ":slice=");
    return code == VOLLEY_DONE ? place_before(word, ":volume=") : code;
}

/* The key folder is that of the key, or it. */
static int place_keys(const char *key)
{
    static const char *const in[] = { "secret.key", "eval.keys",
                                      "owner.json" };
    const char *slash = strrchr(key, '/');
    struct stat st;
    char *folder = volley_sibling(key, "", NULL);
    int code = folder != NULL ? place_note(key)
                              : volley_fail("no memory for a name");

    if (code == VOLLEY_DONE && (stat(key, &st) != 0 || !S_ISDIR(st.st_mode)))
        strcpy(folder + (slash != NULL ? slash - key + 1 : 0),
               slash != NULL ? "" : ".");
    for (size_t i = 0; i < sizeof in / sizeof in[0] && code == VOLLEY_DONE;
         i++) {
        char *path = volley_join(folder, in[i]);

        code = path != NULL ? place_note(path)
                            : volley_fail("no memory for a name");
        free(path);
    }
    free(folder);
    return code;
}

static int place_list(const char *const *word, int words)
{
    int code = VOLLEY_DONE;

    for (int i = 0; i < words && code == VOLLEY_DONE; i++)
        code = volley_reads(word[i]);
    return code;
}

static const volley_option places_out[] = { OPT_OUT, OPT_LOGITS, OPT_SHEET,
                                          OPT_PIXELS };

enum { PLACES_OUT = sizeof places_out / sizeof places_out[0] };

/* A folder is left to the verb: for some the result is one. */
int volley_check_outputs(const volley_args *a)
{
    int code = VOLLEY_DONE;

    for (int i = 0; i < PLACES_OUT && code == VOLLEY_DONE; i++) {
        const char *path = a->value[places_out[i]];
        struct stat st;

        if (path != NULL && (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)))
            code = volley_check_place(path);
        for (int k = 0; k < i && path != NULL && code == VOLLEY_DONE; k++)
            if (a->value[places_out[k]] != NULL
                && strcmp(a->value[places_out[k]], path) == 0)
                code = volley_usage("%s: two results of this name", path);
    }
    return code;
}

int volley_places(const volley_args *a)
{
    static const volley_option in[] = { OPT_KEYS, OPT_PLAN, OPT_MODEL,
                                        OPT_MACHINE, OPT_LABELS, OPT_TOKEN,
                                        OPT_CACERT };
    int code = place_list(a->word, a->words);

    if (code == VOLLEY_DONE && a->value[OPT_KEY] != NULL)
        code = place_keys(a->value[OPT_KEY]);

    for (size_t i = 0; i < sizeof in / sizeof in[0] && code == VOLLEY_DONE; i++)
        if (a->value[in[i]] != NULL)
            code = volley_reads(a->value[in[i]]);
    if (code == VOLLEY_DONE)
        code = place_list(a->overlay.word, a->overlay.words);
    if (code == VOLLEY_DONE)
        code = place_list(a->given.word, a->given.words);
    if (code == VOLLEY_DONE)
        code = place_list(a->truth.word, a->truth.words);
    return code == VOLLEY_DONE ? volley_check_outputs(a) : code;
}
