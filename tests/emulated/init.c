/* init.c -- the first and only process of an emulated machine: runs the
 * programs that /plan lists, one after the other, and switches off.
 *
 * A line of /plan is a program and its arguments, separated by blanks.  What
 * goes to the serial line: what the programs print, "end CODE PROGRAM ..."
 * after each, and last "all ended".  tests/scripts/emulated.sh reads it.
 */
#define _DEFAULT_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { MOST_WORDS = 32, LINE_BYTES = 1024, SIGNALLED = 256, NO_PROGRAM = 127 };

/* Bochs ends when this word comes to this port. */
enum { OFF_PORT = 0x8900 };
static const char OFF_WORD[] = "Shutdown";

static void open_serial(void)
{
    int fd;

    mkdir("/dev", 0755);
    mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    fd = open("/dev/ttyS0", O_RDWR);
    for (int to = 0; to <= 2; to++)
        dup2(fd, to);
    setvbuf(stdout, NULL, _IOLBF, 0);
}

/* The program's exit code, or SIGNALLED and the number of the signal. */
static int run(char *const *words)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        execv(words[0], words);
        _exit(NO_PROGRAM);
    }
    if (child < 0 || waitpid(child, &status, 0) != child)
        return NO_PROGRAM;
    return WIFEXITED(status) ? WEXITSTATUS(status)
                             : SIGNALLED + WTERMSIG(status);
}

static void run_line(const char *line)
{
    char copy[LINE_BYTES], *words[MOST_WORDS + 1];
    int count = 0;

    strcpy(copy, line);
    for (char *w = strtok(copy, " \n"); w != NULL && count < MOST_WORDS;
         w = strtok(NULL, " \n"))
        words[count++] = w;
    words[count] = NULL;
    if (count > 0)
        printf("end %d %s", run(words), line);
}

static void switch_off(void)
{
    tcdrain(STDOUT_FILENO);
    if (iopl(3) == 0)
        for (const char *c = OFF_WORD; *c != '\0'; c++)
            outb((unsigned char)*c, OFF_PORT);
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}

int main(void)
{
    char line[LINE_BYTES];
    FILE *plan;

    open_serial();
    plan = fopen("/plan", "r");
    while (plan != NULL && fgets(line, sizeof line, plan) != NULL)
        run_line(line);
    printf("all ended\n");
    switch_off();
}
