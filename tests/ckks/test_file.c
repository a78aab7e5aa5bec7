/* test_file.c -- whole files: complete or not there at all. */
#define _DEFAULT_SOURCE

#include "test.h"

#ifndef CKKS_MINIMAL

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A fresh folder; `path` gets the name of a file in it. */
static bool folder_make(char folder[64], char path[80])
{
    const char *base = getenv("TMPDIR");

    snprintf(folder, 64, "%.40s/ckks-XXXXXX",
             base != NULL && *base ? base : "/tmp");
    if (!CHECK(mkdtemp(folder) != NULL, "mkdtemp %s", folder))
        return false;
    snprintf(path, 80, "%s/object", folder);
    return true;
}

static int folder_count(const char *folder)
{
    DIR *d = opendir(folder);
    int n = 0;

    for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    if (d != NULL)
        closedir(d);
    return n;
}

static void folder_clear(const char *folder, const char *path)
{
    unlink(path);
    CHECK(rmdir(folder) == 0, "%s is not empty", folder);
}

static void check_content(const char *path, const uint8_t *want, size_t size)
{
    uint8_t *got = NULL;
    size_t n = 0;

    if (!CHECK_OK(ckks_file_read(&got, &n, path, SIZE_MAX)))
        return;
    CHECK(n == size && memcmp(got, want, size) == 0, "%zu bytes, want %zu", n,
          size);
    ckks_file_free(got, n);
}

TEST(file_round_trip)
{
    static uint8_t data[100000];
    static const size_t sizes[] = { 0, 1, 63, 64, 100000 };
    char folder[64], path[80];
    uint64_t rnd = 1;
    struct stat st;

    if (!folder_make(folder, path))
        return;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)test_word(&rnd);
    for (size_t i = 0; i < 5; i++) {
        unsigned mode = i % 2 ? 0600 : 0644;

        CHECK_OK(ckks_file_write(path, data, sizes[i], mode));
        check_content(path, data, sizes[i]);
        CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == mode,
              "mode %o, want %o", (unsigned)st.st_mode & 0777, mode);
        CHECK(folder_count(folder) == 1, "%d files", folder_count(folder));
    }
    folder_clear(folder, path);
}

/* The message names the function, the path and the reason. */
static void check_message(const char *name, const char *path,
                          const char *reason)
{
    const char *m = ckks_last_error();

    CHECK(strncmp(m, name, strlen(name)) == 0 && strstr(m, path) != NULL
          && strstr(m, reason) != NULL, "%s", m);
}

TEST(file_errors)
{
    char folder[64], path[80];
    uint8_t byte = 5, *out = &byte;
    size_t n = 77;

    if (!folder_make(folder, path))
        return;
    CHECK_STATUS(ckks_file_read(&out, &n, path, 100), CKKS_EIO);
    check_message("ckks_file_read: ", path, "No such file");
    CHECK_STATUS(ckks_file_read(&out, &n, folder, 100), CKKS_EIO);
    check_message("ckks_file_read: ", folder, "not a regular file");
    CHECK_OK(ckks_file_write(path, (const uint8_t *)"0123456789", 10, 0600));
    CHECK_STATUS(ckks_file_read(&out, &n, path, 9), CKKS_EIO);
    check_message("ckks_file_read: ", path, "10 bytes, more than the 9");
    CHECK(out == &byte && n == 77, "outputs changed");
    CHECK_STATUS(ckks_file_write(folder, &byte, 1, 0600), CKKS_EIO);
    check_message("ckks_file_write: ", folder, "directory");
    CHECK_STATUS(ckks_file_write("/no/such/folder/x", &byte, 1, 0600),
                 CKKS_EIO);
    check_message("ckks_file_write: ", "/no/such/folder/x", "No such file");
    CHECK_STATUS(ckks_file_write(NULL, &byte, 1, 0600), CKKS_EARG);
    CHECK_STATUS(ckks_file_write(path, NULL, 1, 0600), CKKS_EARG);
    CHECK_STATUS(ckks_file_write(path, &byte, 1, 01000), CKKS_EARG);
    CHECK_STATUS(ckks_file_read(NULL, &n, path, 9), CKKS_EARG);
    CHECK_STATUS(ckks_file_read(&out, NULL, path, 9), CKKS_EARG);
    CHECK_STATUS(ckks_file_read(&out, &n, NULL, 9), CKKS_EARG);
    ckks_file_free(NULL, 0);
    check_content(path, (const uint8_t *)"0123456789", 10);
    unlink(path);
    CHECK(mkfifo(path, 0600) == 0, "mkfifo %s", path);      /* nobody writes */
    CHECK_STATUS(ckks_file_read(&out, &n, path, 100), CKKS_EIO);
    check_message("ckks_file_read: ", path, "not a regular file");
    folder_clear(folder, path);
}

/* A disk that takes 1000 bytes: the old file stays, no other is left, and the
 * reason is told.  In a child, for the limit is the process's. */
TEST(file_write_fails_in_the_middle)
{
    static uint8_t data[10000];
    char folder[64], path[80];
    int state = -1;
    pid_t pid;

    if (!folder_make(folder, path))
        return;
    CHECK_OK(ckks_file_write(path, (const uint8_t *)"old", 3, 0600));
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        const struct rlimit limit = { 1000, 1000 };

        signal(SIGXFSZ, SIG_IGN);
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(9);
        if (ckks_file_write(path, data, sizeof data, 0600) != CKKS_EIO)
            _exit(1);
        _exit(strstr(ckks_last_error(), "too large") != NULL ? 0 : 2);
    }
    if (pid > 0)
        waitpid(pid, &state, 0);
    CHECK(WIFEXITED(state) && WEXITSTATUS(state) == 0, "child gave %d", state);
    CHECK(folder_count(folder) == 1, "%d files", folder_count(folder));
    check_content(path, (const uint8_t *)"old", 3);
    folder_clear(folder, path);
}

/* A link to a file, to nothing, to a folder: none is followed or replaced. */
TEST(file_links_are_refused)
{
    static const uint8_t byte = 7;
    char folder[64], path[80], other[80];
    struct stat st;

    if (!folder_make(folder, path))
        return;
    snprintf(other, sizeof other, "%s/other", folder);
    for (int i = 0; i < 3; i++) {
        ckks_file *f = NULL;

        CHECK(symlink(i == 2 ? folder : other, path) == 0, "symlink");
        CHECK_STATUS(ckks_file_write(path, &byte, 1, 0600), CKKS_EIO);
        check_message("ckks_file_write: ", path, "symbolic link; name the");
        CHECK_STATUS(ckks_file_check(path), CKKS_EIO);
        check_message("ckks_file_check: ", path, "symbolic link");
        CHECK_STATUS(ckks_file_open(&f, path, 0600), CKKS_EIO);
        CHECK(f == NULL, "out was written");
        CHECK(lstat(path, &st) == 0 && S_ISLNK(st.st_mode), "no link any more");
        unlink(path);
        CHECK_OK(ckks_file_check(path));
        CHECK_OK(ckks_file_write(other, &byte, 1, 0600));
    }
    check_content(other, &byte, 1);
    unlink(other);
    folder_clear(folder, path);
}

TEST(file_in_pieces)
{
    static const uint8_t data[] = "0123456789";
    char folder[64], path[80];
    ckks_file *f = NULL, *g = NULL;

    if (!folder_make(folder, path))
        return;
    CHECK_OK(ckks_file_open(&f, path, 0640));
    CHECK_OK(ckks_file_put(f, data, 4));
    CHECK_OK(ckks_file_put(f, NULL, 0));
    CHECK(access(path, F_OK) != 0, "half a file has the name");
    CHECK_OK(ckks_file_open(&g, path, 0600));       /* another beside it     */
    CHECK_OK(ckks_file_put(f, data + 4, 6));
    CHECK_OK(ckks_file_finish(&f));
    CHECK(f == NULL, "not cleared");
    check_content(path, data, 10);
    CHECK_OK(ckks_file_put(g, data, 3));
    ckks_file_clear(&g);
    ckks_file_clear(&g);
    ckks_file_clear(NULL);
    CHECK(folder_count(folder) == 1, "%d files", folder_count(folder));
    check_content(path, data, 10);
    CHECK_STATUS(ckks_file_open(NULL, path, 0600), CKKS_EARG);
    CHECK_STATUS(ckks_file_open(&f, NULL, 0600), CKKS_EARG);
    CHECK_STATUS(ckks_file_open(&f, path, 01000), CKKS_EARG);
    CHECK_STATUS(ckks_file_put(NULL, data, 1), CKKS_EARG);
    CHECK_STATUS(ckks_file_finish(NULL), CKKS_EARG);
    CHECK_STATUS(ckks_file_finish(&f), CKKS_EARG);
    CHECK_STATUS(ckks_file_check(NULL), CKKS_EARG);
    folder_clear(folder, path);
}

/* Bytes in the place of others, between two pieces and at both ends. */
TEST(file_put_at_a_place)
{
    static const uint8_t data[] = "0123456789";
    char folder[64], path[80];
    ckks_file *f = NULL;

    if (!folder_make(folder, path))
        return;
    CHECK_OK(ckks_file_open(&f, path, 0600));
    CHECK_STATUS(ckks_file_put_at(f, 0, data, 1), CKKS_EARG);
    CHECK_OK(ckks_file_put_at(f, 0, NULL, 0));
    CHECK_OK(ckks_file_put(f, data, 6));
    CHECK_STATUS(ckks_file_put_at(f, 5, data, 2), CKKS_EARG);
    CHECK_STATUS(ckks_file_put_at(f, 7, data, 0), CKKS_EARG);
    CHECK_STATUS(ckks_file_put_at(f, UINT64_MAX, data, 2), CKKS_EARG);
    CHECK_STATUS(ckks_file_put_at(f, 1, data, SIZE_MAX), CKKS_EARG);
    CHECK_STATUS(ckks_file_put_at(f, 0, NULL, 1), CKKS_EARG);
    CHECK_STATUS(ckks_file_put_at(NULL, 0, data, 1), CKKS_EARG);
    CHECK_OK(ckks_file_put_at(f, 0, data + 8, 2));
    CHECK_OK(ckks_file_put_at(f, 5, data, 1));
    CHECK_OK(ckks_file_put(f, data + 6, 4));
    CHECK_OK(ckks_file_put_at(f, 9, data + 1, 1));
    CHECK_OK(ckks_file_finish(&f));
    check_content(path, (const uint8_t *)"8923406781", 10);
    folder_clear(folder, path);
}

/* More than the table has room for: those in it go, and fail. */
TEST(file_abandon)
{
    enum { MANY = 70, ROOM = 64 };
    char folder[64], path[80], own[100];
    ckks_file *f[MANY] = {0};
    int left = 0;

    if (!folder_make(folder, path))
        return;
    for (int round = 0; round < 2; round++) {       /* places are given back */
        for (int i = 0; i < MANY; i++) {
            snprintf(own, sizeof own, "%s%d", path, i);
            CHECK_OK(ckks_file_open(&f[i], own, 0600));
        }
        CHECK(folder_count(folder) == MANY, "%d files", folder_count(folder));
        ckks_file_abandon();
        ckks_file_abandon();
        left = folder_count(folder);
        CHECK(left == MANY - ROOM, "%d files left of %d", left, MANY);
        CHECK_STATUS(ckks_file_finish(&f[0]), CKKS_EIO);
        for (int i = 0; i < MANY; i++)
            ckks_file_clear(&f[i]);
    }
    CHECK(folder_count(folder) == 0, "%d files", folder_count(folder));
    CHECK(rmdir(folder) == 0, "%s is not empty", folder);
}

#ifdef __linux__
#include <sys/syscall.h>

/* The C library's read and write are replaced by these in the whole test
 * binary: they can be interrupted, and take or give less than was asked for. */
static struct {
    size_t most;            /* bytes a call, 0 for no limit                  */
    int    interrupts;      /* calls still to be refused with EINTR          */
    int    left;            /* calls until none gives bytes any more, or -1  */
} pieces = { 0, 0, -1 };

/* The bytes of this call: 0 for none, -1 for an interrupted one. */
static ssize_t piece(size_t size)
{
    if (pieces.interrupts > 0) {
        pieces.interrupts--;
        errno = EINTR;
        return -1;
    }
    if (pieces.left == 0)
        return 0;
    pieces.left -= pieces.left > 0;
    return (ssize_t)(pieces.most > 0 && size > pieces.most ? pieces.most
                                                           : size);
}

ssize_t read(int fd, void *out, size_t size)
{
    ssize_t some = piece(size);

    if (some > 0)
        some = syscall(SYS_read, fd, out, (size_t)some);
    if (some > 0)
        TEST_INITIALISED(out, (size_t)some);
    return some;
}

ssize_t write(int fd, const void *in, size_t size)
{
    ssize_t some = piece(size);

    return some <= 0 ? some : syscall(SYS_write, fd, in, (size_t)some);
}

static void pieces_end(void)
{
    pieces.most = 0;
    pieces.interrupts = 0;
    pieces.left = -1;
}

/* Short and interrupted calls are continued; what ends early is an error. */
TEST(file_of_short_calls)
{
    uint8_t data[100], *got = NULL;
    char folder[64], path[80];
    size_t n = 0;

    if (!folder_make(folder, path))
        return;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + 1);
    pieces.most = 9;
    pieces.interrupts = 2;
    CHECK_OK(ckks_file_write(path, data, sizeof data, 0600));
    pieces.interrupts = 2;
    CHECK_OK(ckks_file_read(&got, &n, path, 100));
    CHECK(n == 100 && memcmp(got, data, n) == 0, "%zu bytes", n);
    ckks_file_free(got, n);
    got = NULL;
    for (int calls = 0; calls < 12; calls++) {
        pieces.left = calls;
        errno = EINTR;                  /* of before; it says nothing        */
        CHECK_STATUS(ckks_file_write(path, data, sizeof data, 0600), CKKS_EIO);
        pieces.left = calls;
        errno = EINTR;
        CHECK_STATUS(ckks_file_read(&got, &n, path, 100), CKKS_EIO);
        CHECK(got == NULL && n == 100, "outputs changed");
    }
    pieces_end();
    check_content(path, data, sizeof data);
    CHECK(folder_count(folder) == 1, "%d files", folder_count(folder));
    folder_clear(folder, path);
}

#endif
#endif
