/* every.c -- runs a command again and again in this folder, each time with
 * another of its allocations (or of its calls for entropy) failing.
 *
 *     every SHIM MOST KIND OUTPUT... -- COMMAND...
 *
 * SHIM: fail.c, compiled.  MOST: as many failures, spread over all; 0: each.
 * KIND: memory, openmp (that of OpenMP's library counts too), fftw (that
 * library may end the process by SIGABRT, with a line) or entropy.
 * OUTPUT: a file the command writes; "~" in front: its bytes are random; "-":
 * what it prints is to be the same.
 *
 * The command has to end with exit code 0 and the outputs it makes without a
 * failure, or with 1, one line "volley: ..." on standard error besides those it
 * always writes there, and outputs that are each complete or as they were:
 * absent, or in every other run a file that was there before.  No other file
 * may be left.  Without entropy it must not end with 0.  Where OpenMP's library
 * ends the process its line is another one.
 *
 * Prints a line of counts, and up to five failures; exit code 1 if any.
 */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_OUTPUTS = 8, SHOWN = 5, SECONDS = 60 };
static const char old[] = "what was there before\n";

typedef struct bytes {
    char *data;
    size_t size;
} bytes;

typedef struct output {
    const char *name;
    bool random;
    bytes want;
} output;

static struct {
    const char *shim, *kind;
    char **command;
    output out[MAX_OUTPUTS];
    bool prints;                /* the same                                  */
    bytes printed, said;        /* without a failure; said: behind a newline */
    int outputs, files;         /* files: in the folder, outputs aside       */
    int refused, done, aborted, bad;
} run;

static _Noreturn void give_up(const char *what)
{
    perror(what);
    exit(2);
}

/* data NULL: there is no such file. */
static bytes read_all(const char *name)
{
    bytes b = { 0 };
    struct stat s;
    FILE *f = fopen(name, "rb");

    if (f == NULL)
        return b;
    if (fstat(fileno(f), &s) != 0)
        give_up(name);
    b.size = (size_t)s.st_size;
    b.data = calloc(1, b.size + 1);
    if (b.data == NULL || fread(b.data, 1, b.size, f) != b.size)
        give_up(name);
    fclose(f);
    return b;
}

static int count_files(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;

    if (d == NULL)
        return 0;
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        char path[600];
        struct stat s;

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (lstat(path, &s) == 0 && S_ISDIR(s.st_mode))
            n += count_files(path);
        else
            n++;
    }
    closedir(d);
    return n;
}

static int outputs_there(void)
{
    int n = 0;

    for (int i = 0; i < run.outputs; i++)
        n += access(run.out[i].name, F_OK) == 0;
    return n;
}

static void place_outputs(bool there)
{
    for (int i = 0; i < run.outputs; i++) {
        FILE *f;

        unlink(run.out[i].name);
        if (!there)
            continue;
        f = fopen(run.out[i].name, "wb");
        if (f == NULL || fputs(old, f) < 0 || fclose(f) != 0)
            give_up(run.out[i].name);
    }
}

static void to_file(int fd, const char *name)
{
    int f = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (f < 0 || dup2(f, fd) < 0)
        _exit(98);
    close(f);
}

/* With failure k, 0 for none: the wait status. */
static int execute(long k)
{
    int state = 0;
    pid_t pid = fork();

    if (pid < 0)
        give_up("fork");
    if (pid == 0) {
        char text[32];

        snprintf(text, sizeof text, "%ld", k);
        to_file(1, "../out");
        to_file(2, "../err");
        if (freopen("/dev/null", "rb", stdin) == NULL
            || setenv("OMP_NUM_THREADS", "1", 1) != 0
            || (k == 0 && setenv("FAIL_COUNT", "../count", 1) != 0)
            || setenv(strcmp(run.kind, "entropy") == 0 ? "FAIL_ENTROPY"
                                                       : "FAIL_AT", text, 1)
            || (strcmp(run.kind, "openmp") == 0
                && setenv("FAIL_OPENMP", "1", 1) != 0)
            || setenv("LD_PRELOAD", run.shim, 1) != 0)
            _exit(97);
        alarm(SECONDS);
        execv(run.command[0], run.command);
        _exit(96);
    }
    if (waitpid(pid, &state, 0) != pid)
        give_up("waitpid");
    return state;
}

/* ---- judging ------------------------------------------------------------ */

static bool same(const output *o, const bytes *got)
{
    return got->size == o->want.size
           && (o->random ? memcmp(got->data, o->want.data,
                                  got->size < 4 ? got->size : 4) == 0
                         : memcmp(got->data, o->want.data, got->size) == 0);
}

/* OpenMP's library has ended the process, by exit(1). */
static bool openmp_exited(void)
{
    bytes b = read_all("../err");
    bool yes = strcmp(run.kind, "openmp") == 0 && b.data != NULL
               && strstr(b.data, "libgomp: Out of memory") != NULL;

    free(b.data);
    return yes;
}

/* complete: every output must be there. */
static const char *judge_outputs(bool complete, bool there)
{
    const char *wrong = NULL;

    for (int i = 0; i < run.outputs; i++) {
        bytes b = read_all(run.out[i].name);

        if (b.data != NULL && same(&run.out[i], &b))
            ;
        else if (complete)
            wrong = "exit code 0, but another output";
        else if (b.data != NULL && !there)
            wrong = "an output that is not complete";
        else if (there && (b.data == NULL || strcmp(b.data, old) != 0))
            wrong = "what was there before has changed";
        free(b.data);
    }
    if (count_files(".") != run.files + outputs_there())
        wrong = "another file was left";
    return wrong;
}

/* A line that it also says when nothing fails. */
static bool usual(const char *line, size_t length)
{
    for (const char *s = run.said.data; (s = strstr(s, "\n")) != NULL; s++)
        if (strncmp(s + 1, line, length) == 0 && s[1 + length] == '\n')
            return true;
    return false;
}

static const char *judge_line(void)
{
    bytes b = read_all("../err");
    int lines = 0, ours = 0;
    const char *end;

    if (b.data == NULL)
        give_up("../err");
    for (const char *at = b.data; (end = strchr(at, '\n')) != NULL;
         at = end + 1) {
        if (usual(at, (size_t)(end - at)))
            continue;
        lines++;
        ours += strncmp(at, "volley: ", 8) == 0;
    }
    free(b.data);
    return (lines == 1 && ours == 1) || openmp_exited()
               ? NULL : "not one line \"volley: ...\"";
}

static bool same_print(void)
{
    bytes b = read_all("../out");
    bool ok = b.size == run.printed.size
              && memcmp(b.data, run.printed.data, b.size) == 0;

    free(b.data);
    return ok;
}

/* In whatever state that leaves the files. */
static bool fftw_aborted(int state)
{
    bytes b = read_all("../err");
    bool yes = strcmp(run.kind, "fftw") == 0 && WIFSIGNALED(state)
               && WTERMSIG(state) == SIGABRT && b.data != NULL
               && strstr(b.data, "fftw: ") != NULL;

    free(b.data);
    return yes;
}

static const char *judge(int state, bool there)
{
    const char *wrong;

    if (!WIFEXITED(state))
        return "it ended by a signal";
    if (WEXITSTATUS(state) == 0 && strcmp(run.kind, "entropy") == 0)
        return "exit code 0 without entropy";
    if (WEXITSTATUS(state) == 0 && run.prints && !same_print())
        return "exit code 0, but another text";
    if (WEXITSTATUS(state) == 0)
        return judge_outputs(true, there);
    if (WEXITSTATUS(state) != 1)
        return "an exit code that is not 0 or 1";
    wrong = judge_outputs(false, there);
    return wrong != NULL ? wrong : judge_line();
}

static void try_one(long k, bool there)
{
    const char *wrong;
    int state;

    place_outputs(there);
    state = execute(k);
    wrong = fftw_aborted(state) ? NULL : judge(state, there);
    if (wrong != NULL && run.bad++ < SHOWN) {
        bytes b = read_all("../err");

        printf("    failure %ld, wait status %#x: %s: %.200s\n", k,
               (unsigned)state, wrong, b.data != NULL ? b.data : "");
        free(b.data);
    } else if (wrong == NULL && WIFSIGNALED(state)) {
        run.aborted++;
    } else if (wrong == NULL && WEXITSTATUS(state) == 0) {
        run.done++;
    } else if (wrong == NULL) {
        run.refused++;
    }
    if ((wrong != NULL || WIFSIGNALED(state))
        && system("rm -f .*tmp-* *.tmp-* */*tmp-*") != 0)
        give_up("rm");
}

/* Without a failure: keeps the outputs, returns how many could fail. */
static long reference(void)
{
    long count[2] = { 0, 0 };
    bytes b;

    place_outputs(false);
    run.files = count_files(".");
    if (execute(0) != 0) {
        b = read_all("../err");
        printf("    it fails by itself: %.300s\n", b.data ? b.data : "");
        exit(1);
    }
    for (int i = 0; i < run.outputs; i++) {
        run.out[i].want = read_all(run.out[i].name);
        if (run.out[i].want.data == NULL) {
            printf("    it writes no %s\n", run.out[i].name);
            exit(1);
        }
    }
    run.printed = read_all("../out");
    b = read_all("../err");
    run.said.data = calloc(1, b.size + 2);
    if (run.said.data == NULL || b.data == NULL)
        give_up("../err");
    run.said.data[0] = '\n';
    memcpy(run.said.data + 1, b.data, b.size);
    free(b.data);
    b = read_all("../count");
    if (b.data == NULL || sscanf(b.data, "%ld %ld", &count[0], &count[1]) != 2)
        give_up("../count");
    free(b.data);
    return count[strcmp(run.kind, "entropy") == 0];
}

int main(int argc, char **argv)
{
    long total, most;
    int i = 4;

    if (argc < 6)
        return 2;
    run.shim = argv[1];
    most = atol(argv[2]);
    run.kind = argv[3];
    for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
        output *o = &run.out[run.outputs];

        if (strcmp(argv[i], "-") == 0) {
            run.prints = true;
            continue;
        }
        if (++run.outputs == MAX_OUTPUTS)
            return 2;
        o->random = argv[i][0] == '~';
        o->name = argv[i] + o->random;
    }
    run.command = argv + i + 1;
    total = reference();
    if (most == 0 || most > total)
        most = total;
    for (long n = 0; n < most; n++)
        try_one(most == 1 ? 1 : 1 + n * (total - 1) / (most - 1), n % 2 == 0);
    place_outputs(false);
    printf("%ld of %ld failures: %d refused, %d done all the same, ", most,
           total, run.refused, run.done);
    if (run.aborted > 0)
        printf("%d aborts by FFTW, ", run.aborted);
    printf("%d wrong\n", run.bad);
    return run.bad > 0 || most == 0;
}
