/* child.c -- a job's process: `volley evaluate`, by the program that runs, in
 * the job's folder, so that a crash, a hostile file or a want of memory ends
 * one job.  It says on its standard error how far it is, one JSON object a
 * line; any other line is why it failed.
 */
#if !defined(_DEFAULT_SOURCE)
#define _DEFAULT_SOURCE
#endif
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "format/members.h"
#include "serve.h"

#define CHILD_MIB 1048576.0

struct serve_child {
    pid_t pid;
    int fd;                     /* its standard error                        */
    serve_item *job;
    bool over;                  /* it was killed for its memory              */
    size_t size;
    char line[1024];            /* not yet whole                             */
    char error[400];            /* the last line that is no object           */
};

/* ---- limits -------------------------------------------------------------- */

static void child_limit(int what, double most)
{
    struct rlimit r;

    if (!(most < 0x1p62))
        return;
    r.rlim_cur = r.rlim_max = (rlim_t)most;
    (void)setrlimit(what, &r);
}

/* Memory that is used, at most: the plan's peak and a quarter, the program and
 * its libraries.  It is looked at once a second. */
static double child_memory(const serve_model *m)
{
    return m->plan->peak_bytes * 1.25 + 64 * CHILD_MIB;
}

/* Addresses that are reserved, at most: a wall behind that.  nn_pages takes half
 * of it; the other half is left for the rest, which has a stack and a heap of
 * malloc for each thread. */
static double child_addresses(const serve *s, const serve_model *m)
{
    return 2 * (child_memory(m) + (192 + 80 * s->threads) * CHILD_MIB);
}

/* Seconds of the processor: far more than the plan says.  A file: the result,
 * and what is kept of it. */
static void child_limits(const serve *s, const serve_model *m,
                         const serve_item *x)
{
    const double mib = CHILD_MIB;

    child_limit(RLIMIT_AS, child_addresses(s, m));
    child_limit(RLIMIT_CPU, 600 + 20 * m->plan->seconds * s->threads
                                    * (double)x->sets);
    child_limit(RLIMIT_FSIZE, 16 * mib + (double)m->cost.download
                                             * (double)x->sets);
    child_limit(RLIMIT_CORE, 0);
}

/* ---- its beginning ------------------------------------------------------- */

static void child_no(int out)
{
    static const char text[] = "volley: it cannot be started\n";

    (void)!write(out, text, sizeof text - 1);
    _exit(1);
}

/* Between fork and the new program; it never comes back. */
static void child_run(const serve *s, const serve_model *m,
                      const serve_item *x, int out, pid_t parent)
{
    static char keys[SERVE_ROOM], threads[16], folder[SERVE_ROOM];
    char *const argv[] = {
        "volley", "evaluate", m->path, "--plan", m->plan_path, "--keys", keys,
        "in.vct", "-o", "out.vct", "--progress", "json", "--threads", threads,
        NULL
    };
    const int none = open("/dev/null", O_RDWR);

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);     /* not to outlive the server */
    if (getppid() != parent || none < 0
        || chdir(serve_path(folder, SERVE_JOB, x->id, NULL)) != 0)
        child_no(out);
    for (int i = 1; i < NSIG; i++)
        (void)signal(i, SIG_DFL);
    (void)dup2(none, STDIN_FILENO);
    (void)dup2(none, STDOUT_FILENO);
    (void)dup2(out, STDERR_FILENO);
    for (int fd = 3; fd < 1024; fd++)           /* the server has no others  */
        (void)close(fd);
    snprintf(keys, sizeof keys, "../../keys/%s/eval.keys", x->keys);
    snprintf(threads, sizeof threads, "%d", s->threads);
    (void)setenv("MALLOC_ARENA_MAX", "2", 1);
    (void)setpriority(PRIO_PROCESS, 0, 5);
    child_limits(s, m, x);
    (void)execv("/proc/self/exe", argv);
    child_no(STDERR_FILENO);
}

/* What an evaluation that was killed left of files it had not named yet. */
static void child_tidy(const serve_item *x)
{
    char folder[SERVE_ROOM];
    DIR *d = opendir(serve_path(folder, SERVE_JOB, x->id, NULL));

    if (d == NULL)
        return;
    for (const struct dirent *f; (f = readdir(d)) != NULL;)
        if (strstr(f->d_name, ".tmp-") != NULL)
            (void)unlinkat(dirfd(d), f->d_name, 0);
    (void)closedir(d);
}

int serve_child_start(serve *s, serve_item *x)
{
    const serve_model *m = serve_model_find(s, x->model);
    const pid_t parent = getpid();
    serve_child *c = calloc(1, sizeof *c);
    int slot = 0, pipe_of[2];

    if (m == NULL || memcmp(m->name_of_plan, x->plan, UNET_ID) != 0) {
        free(c);
        serve_job_end(s, x, "its model is served no longer by the same plan");
        return 1;
    }
    if (c == NULL || pipe(pipe_of) != 0) {
        free(c);
        return 1;
    }
    child_tidy(x);
    fflush(stdout);
    fflush(stderr);
    c->pid = fork();
    if (c->pid == 0)
        child_run(s, m, x, pipe_of[1], parent);
    (void)close(pipe_of[1]);
    if (c->pid < 0) {
        (void)close(pipe_of[0]);
        free(c);
        return 1;
    }
    (void)fcntl(pipe_of[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(pipe_of[0], F_SETFL, O_NONBLOCK);
    c->fd = pipe_of[0];
    c->job = x;
    x->users++;
    while (s->child[slot] != NULL)
        slot++;
    s->child[slot] = c;
    return 0;
}

int serve_child_fd(const serve_child *c)
{
    return c == NULL ? -1 : c->fd;
}

/* ---- what it says -------------------------------------------------------- */

static bool child_progress(serve_progress *out, const char *line, size_t size)
{
    static const char *const known[] = { "set", "sets", "layer", "level",
                                         "done", "left", NULL };
    nni_json doc = {0};
    nni_members m;
    serve_progress p = {0};

    if (nni_json_load(&doc, "progress", (const uint8_t *)line, size)
        != CKKS_OK)
        return false;
    m = (nni_members){ &doc, &doc.node[0], "progress", "line", CKKS_OK };
    nni_members_known(&m, known);
    p.set = nni_member_int(&m, "set", 1, 1 << 30);
    p.sets = nni_member_int(&m, "sets", 1, 1 << 30);
    nni_member_name(&m, "layer", p.layer);
    p.level = nni_member_int(&m, "level", 0, 1000);
    p.done = nni_member_double(&m, "done", 1.000001);
    p.left = nni_member_double(&m, "left", 1e12);
    nni_json_clear(&doc);
    if (m.st == CKKS_OK)
        *out = p;
    return m.st == CKKS_OK;
}

/* Every name of a folder goes: only those of files say something to a
 * client. */
static void child_plain(char *out, size_t size, const char *line)
{
    size_t n = 0;

    while (*line != '\0' && n + 1 < size) {
        const size_t word = strcspn(line, " ");
        size_t from = 0;

        for (size_t i = 0; i + 1 < word; i++)
            if (line[i] == '/')
                from = i + 1;
        for (size_t i = from; i < word && n + 1 < size; i++)
            out[n++] = line[i];
        line += word;
        if (*line == ' ' && n + 1 < size)
            out[n++] = *line++;
    }
    out[n] = '\0';
}

static void child_line(serve *s, serve_child *c)
{
    static const char own[] = "volley: ", warning[] = "volley: warning: ";

    c->line[c->size] = '\0';
    if (c->line[0] == '{') {
        if (child_progress(&c->job->progress, c->line, c->size)) {
            c->job->moved++;
            serve_tell(s, c->job);
        }
    } else if (strncmp(c->line, own, sizeof own - 1) == 0
               && strncmp(c->line, warning, sizeof warning - 1) != 0) {
        child_plain(c->error, sizeof c->error, c->line + sizeof own - 1);
    }
    c->size = 0;
}

/* ---- its end ------------------------------------------------------------- */

static const char *child_why(const serve_child *c, int status, char *room,
                             size_t size)
{
    if (WIFEXITED(status) && c->error[0] != '\0')
        return c->error;
    if (c->over) {
        snprintf(room, size, "it needed more memory than the plan says");
        return room;
    }
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        snprintf(room, size, "it took far longer than the plan says");
    else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        snprintf(room, size, "the server's system ended it, most likely for "
                 "want of memory");
    else if (WIFSIGNALED(status))
        snprintf(room, size, "it ended by signal %d", WTERMSIG(status));
    else
        snprintf(room, size, "it ended with code %d and said nothing",
                 WEXITSTATUS(status));
    return room;
}

static void child_end(serve *s, int slot)
{
    serve_child *c = s->child[slot];
    serve_item *x = c->job;
    char why[128], path[SERVE_ROOM];
    struct stat st;
    int status = 0;

    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    (void)close(c->fd);
    s->child[slot] = NULL;
    if (!x->gone) {
        const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0
                          && stat(serve_path(path, SERVE_JOB, x->id,
                                             "out.vct"), &st) == 0;

        x->result = well ? (uint64_t)st.st_size : 0;
        serve_job_end(s, x, well ? NULL
                                 : child_why(c, status, why, sizeof why));
    }
    if (x->gone) {                  /* what it wrote while it was killed     */
        snprintf(path, sizeof path, "trash/%s", x->id);
        serve_remove(path);
    }
    serve_release(x);
    free(c);
    serve_schedule(s);
}

void serve_child_look(serve *s, int slot)
{
    serve_child *c = s->child[slot];
    char room[4096];
    ssize_t n;

    while ((n = read(c->fd, room, sizeof room)) > 0)
        for (ssize_t i = 0; i < n; i++)
            if (room[i] == '\n')
                child_line(s, c);
            else if (c->size + 1 < sizeof c->line)
                c->line[c->size++] = room[i];
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (c->size > 0)
        child_line(s, c);
    child_end(s, slot);
}

/* Bytes of memory that a process has now. */
static double child_resident(pid_t pid)
{
    char path[64];
    unsigned long long size, pages = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    f = fopen(path, "re");
    if (f == NULL)
        return 0;
    if (fscanf(f, "%llu %llu", &size, &pages) != 2)
        pages = 0;
    (void)fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

void serve_children_watch(serve *s)
{
    for (int slot = 0; slot < s->jobs; slot++) {
        serve_child *c = s->child[slot];
        const serve_model *m = c == NULL ? NULL
                               : serve_model_find(s, c->job->model);

        if (m == NULL || child_resident(c->pid) <= child_memory(m))
            continue;
        c->over = true;
        (void)kill(c->pid, SIGKILL);
    }
}

void serve_child_cancel(serve *s, const serve_item *x)
{
    for (int slot = 0; slot < s->jobs; slot++)
        if (s->child[slot] != NULL && s->child[slot]->job == x)
            (void)kill(s->child[slot]->pid, SIGKILL);
}

/* Finished sets stay in the job's folder: the next run goes on with them. */
void serve_children_stop(serve *s)
{
    const double start = volley_clock();
    bool left = true;

    for (int slot = 0; slot < s->jobs; slot++)
        if (s->child[slot] != NULL)
            (void)kill(s->child[slot]->pid, SIGTERM);
    while (left) {
        const struct timespec turn = { 0, 20000000 };
        const bool late = volley_clock() - start > 5;

        left = false;
        for (int slot = 0; slot < s->jobs; slot++) {
            serve_child *c = s->child[slot];

            if (c == NULL)
                continue;
            if (late)
                (void)kill(c->pid, SIGKILL);
            if (waitpid(c->pid, NULL, WNOHANG) == 0) {
                left = true;
                continue;
            }
            (void)close(c->fd);
            c->job->state = SERVE_QUEUED;
            serve_release(c->job);
            free(c);
            s->child[slot] = NULL;
        }
        if (left)
            (void)nanosleep(&turn, NULL);
    }
}
