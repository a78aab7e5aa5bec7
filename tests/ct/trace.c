/* trace.c KERNEL RING LOG_N LISTING [kernel [PHASE]] -- the program walks
 * through its own machine code one instruction at a time, twice with different
 * secrets, and compares: which instructions, which addresses they read and
 * write, what they divide.  Shipped code on the machine itself: vectors of any
 * width.  "kernel": the kernel's functions only, or one phase of them.
 *
 * LISTING is what objdump -d says of this program, linked statically at a fixed
 * address.  Memory comes from one piece that every run takes anew, so that
 * equal work has equal addresses.  x86-64 and Linux only.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "owner.h"

enum { RUNS = 2, MOST_PHASES = 200, OPERANDS = 2, NONE = -1 };
enum { MOST_NOTES = 1 << 26, MOST_OPS = 1 << 20, MOST_NAMES = 1 << 14 };
enum { ARENA = 1 << 28, TRAP = 0x100 };

/* ---- the listing ----------------------------------------------------- */

typedef struct operand {
    int base, index;            /* places in gregset_t, or NONE              */
    uint64_t scale, disp;
} operand;

typedef struct op {
    int count;
    bool divides;
    operand mem[OPERANDS];
} op;

static struct {
    uint64_t first, end;
    uint32_t *number;           /* of the op at each address, or 0           */
    op *of;
    uint32_t count;
    uint64_t name_at[MOST_NAMES];
    char name[MOST_NAMES][64];
    int names;
} code;

static int register_place(const char *s, size_t n)
{
    static const struct { const char *name; int place; } all[] = {
        { "rax", REG_RAX }, { "rbx", REG_RBX }, { "rcx", REG_RCX },
        { "rdx", REG_RDX }, { "rsi", REG_RSI }, { "rdi", REG_RDI },
        { "rbp", REG_RBP }, { "rsp", REG_RSP }, { "r8", REG_R8 },
        { "r9", REG_R9 }, { "r10", REG_R10 }, { "r11", REG_R11 },
        { "r12", REG_R12 }, { "r13", REG_R13 }, { "r14", REG_R14 },
        { "r15", REG_R15 }
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strlen(all[i].name) == n && memcmp(all[i].name, s, n) == 0)
            return all[i].place;
    return NONE;
}

/* disp(base,index,scale), s at the parenthesis, which begins at `line` at the
 * earliest. */
static operand read_operand(const char *line, const char *s)
{
    operand o = { NONE, NONE, 1, 0 };
    const char *d = s;

    while (d > line && (isxdigit((unsigned char)d[-1]) || d[-1] == 'x'
                        || d[-1] == '-'))
        d--;
    if (d < s)
        o.disp = d[0] == '-' ? 0 - strtoull(d + 1, NULL, 16)
                             : strtoull(d, NULL, 16);
    for (int i = 0; *s != ')' && i < 3; i++) {
        const size_t n = strcspn(++s, ",)");

        if (i == 0 && n > 0)
            o.base = register_place(s + 1, n - 1);
        if (i == 1 && n > 0)    /* of a gather: see branches.py              */
            o.index = register_place(s + 1, n - 1);
        if (i == 2)
            o.scale = strtoull(s, NULL, 10);
        s += n;
    }
    return o;
}

static op read_op(char *text)
{
    op o = { .count = 0 };
    char *comment = strchr(text, '#');

    if (comment != NULL)
        *comment = '\0';
    o.divides = strncmp(text, "div", 3) == 0 || strncmp(text, "idiv", 4) == 0;
    if (strncmp(text, "lea", 3) == 0 || strncmp(text, "nop", 3) == 0)
        return o;
    for (char *s = text; (s = strchr(s, '(')) != NULL && o.count < OPERANDS;
         s++)
        if (strncmp(s, "(%rip", 5) != 0)
            o.mem[o.count++] = read_operand(text, s);
    return o;
}

static void read_line(char *line)
{
    char *end, *text;
    const uint64_t at = strtoull(line, &end, 16);

    if (end == line)
        return;
    if (end[0] == ' ' && end[1] == '<' && code.names < MOST_NAMES) {
        code.name_at[code.names] = at;
        snprintf(code.name[code.names++], sizeof code.name[0], "%.*s",
                 (int)strcspn(end + 2, ">"), end + 2);
    }
    if (*end != ':' || at < code.first || at >= code.end)
        return;
    text = end + 1 + strspn(end + 1, " \t");
    while (strncmp(text, "bnd ", 4) == 0 || strncmp(text, "rep", 3) == 0
           || strncmp(text, "cs ", 3) == 0 || strncmp(text, "data16 ", 7) == 0)
        text += strcspn(text, " ") + 1;
    code.of[code.count] = read_op(text);
    if (code.of[code.count].count > 0 || code.of[code.count].divides)
        code.number[at - code.first] = code.count++;
    if (code.count == MOST_OPS)
        exit(2);
}

static void *memory_of(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED)
        exit(2);
    return p;
}

extern char __executable_start[], etext[];

static void read_listing(const char *path)
{
    static char line[1024];
    FILE *f = fopen(path, "r");

    if (f == NULL)
        exit(2);
    code.first = (uint64_t)(uintptr_t)__executable_start;
    code.end = (uint64_t)(uintptr_t)etext;
    code.number = memory_of((code.end - code.first) * sizeof *code.number);
    code.of = memory_of(MOST_OPS * sizeof *code.of);
    code.count = 1;
    while (fgets(line, sizeof line, f) != NULL)
        read_line(line);
    fclose(f);
    if (code.count < 1000)
        exit(2);
}

static const char *name_of(uint64_t at)
{
    const char *name = "?";

    for (int i = 0; i < code.names && code.name_at[i] <= at; i++)
        name = code.name[i];
    return name;
}

/* ---- one instruction at a time --------------------------------------- */

static struct {
    int run, phase;
    bool in_phase;
    const char *only;           /* NULL: all phases                          */
    uint64_t *note;             /* of the first run                          */
    size_t count, steps;
    size_t begin[MOST_PHASES], end[MOST_PHASES];
    const char *name[MOST_PHASES];
    uint64_t differs[MOST_PHASES];      /* where, or 0                       */
    uint64_t rip;
} at;

static void note(uint64_t x)
{
    if (at.run == 0 && at.count < MOST_NOTES)
        at.note[at.count] = x;
    else if (at.differs[at.phase] == 0
             && (at.count >= at.end[at.phase] || at.note[at.count] != x))
        at.differs[at.phase] = at.rip;
    at.count++;
}

static uint64_t place(const greg_t *g, int i)
{
    return i == NONE ? 0 : (uint64_t)g[i];
}

static void on_trap(int sig, siginfo_t *info, void *context)
{
    const greg_t *g = ((ucontext_t *)context)->uc_mcontext.gregs;
    const op *o;

    (void)sig;
    (void)info;
    at.rip = (uint64_t)g[REG_RIP];
    at.steps++;
    note(at.rip);
    if (at.rip < code.first || at.rip >= code.end)
        return;
    o = &code.of[code.number[at.rip - code.first]];
    for (int i = 0; i < o->count; i++)
        note(place(g, o->mem[i].base)
             + place(g, o->mem[i].index) * o->mem[i].scale + o->mem[i].disp);
    if (o->divides) {
        note((uint64_t)g[REG_RAX]);
        note((uint64_t)g[REG_RDX]);
    }
}

/* Below the red zone. */
__attribute__((noinline)) static void trap_on(void)
{
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\torq %0, (%%rsp)\n\t"
                     "popfq\n\tlea 128(%%rsp), %%rsp"
                     : : "i"(TRAP) : "memory", "cc");
}

__attribute__((noinline)) static void trap_off(void)
{
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\tpushfq\n\tandq %0, (%%rsp)\n\t"
                     "popfq\n\tlea 128(%%rsp), %%rsp"
                     : : "i"(~TRAP) : "memory", "cc");
}

void phase_begin(const char *name)
{
    if (at.only != NULL && strcmp(at.only, name) != 0)
        return;
    if (at.phase == MOST_PHASES)
        exit(2);
    at.name[at.phase] = name;
    if (at.run == 0)
        at.begin[at.phase] = at.count;
    at.count = at.begin[at.phase];
    at.in_phase = true;
    trap_on();
}

void phase_end(void)
{
    if (!at.in_phase)
        return;
    trap_off();
    at.in_phase = false;
    if (at.run == 0)
        at.end[at.phase] = at.count;
    else if (at.count != at.end[at.phase] && at.differs[at.phase] == 0)
        at.differs[at.phase] = at.rip;
    at.phase++;
}

void measure_stop(void)
{
    if (at.in_phase)
        trap_off();
}

void measure_go(void)
{
    if (at.in_phase)
        trap_on();
}

/* ---- secrets: random, and in the second run a third of them at an edge  */

static uint64_t draw(uint64_t most)
{
    static uint64_t a[RUNS] = { 1, 77 };

    a[at.run] = a[at.run] * 6364136223846793005u + 1442695040888963407u;
    if (at.run == 1 && (a[1] >> 40) % 6 < 2)
        return (a[1] >> 40) % 6 == 0 ? 0 : most;
    return ((a[at.run] >> 32) * (a[at.run] >> 3 & 0xffffffff)) % (most + 1);
}

void secret_bytes(uint8_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (uint8_t)draw(255);
}

void secret_small(int8_t *x, size_t n, int max)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (int8_t)((int)draw((uint64_t)(2 * max)) - max);
}

void secret_words(uint64_t *x, size_t n, uint64_t p)
{
    for (size_t i = 0; i < n; i++)
        x[i] = draw(p - 1);
}

void published(void *x, size_t size)
{
    (void)x;
    (void)size;
}

/* ---- memory that is the same in each run ----------------------------- */

static struct {
    char *base;
    size_t used;
} arena;

static void *take(void *user, size_t size)
{
    void *p = arena.base + arena.used;

    (void)user;
    arena.used += (size + 63) / 64 * 64;
    return arena.used <= ARENA ? p : NULL;
}

static void give_back(void *user, void *p, size_t size)
{
    (void)user;
    (void)p;
    (void)size;
}

static int report(const char *kernel, const char *ring, size_t steps)
{
    int bad = 0;

    for (int i = 0; i < at.phase; i++)
        if (at.differs[i] != 0) {
            printf("  differs: %s, at 0x%llx in %s\n", at.name[i],
                   (unsigned long long)at.differs[i], name_of(at.differs[i]));
            bad++;
        }
    printf("%s, %s ring: %d of %d phases differ, %zu instructions a run\n",
           kernel, ring, bad, at.phase, steps);
    return bad > 0 || at.phase == 0 || at.count > MOST_NOTES;
}

int main(int argc, char **argv)
{
    static char stack[1 << 16];
    const stack_t other = { .ss_sp = stack, .ss_size = sizeof stack };
    struct sigaction act = { .sa_sigaction = on_trap,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK };
    const ckks_memory memory = { take, give_back, NULL };
    size_t begin, steps = 0;

    if (argc < 5)
        return 2;
    at.only = argc > 6 ? argv[6] : NULL;
    read_listing(argv[4]);
    at.note = memory_of(MOST_NOTES * sizeof *at.note);
    arena.base = memory_of(ARENA);
    owner_init(argv[1], strcmp(argv[2], "real") == 0, atoi(argv[3]), &memory);
    if (sigaltstack(&other, NULL) != 0 || sigaction(SIGTRAP, &act, NULL) != 0)
        return 2;
    begin = arena.used;
    for (at.run = 0; at.run < RUNS; at.run++) {
        arena.used = begin;
        at.phase = 0;
        at.steps = 0;
        owner_run_kernel(false);
        if (argc == 5)
            owner_run(false);
        steps = at.run == 0 ? at.steps : steps;
    }
    return report(argv[1], argv[2], steps);
}
