/* web_system.c -- what wasi-libc leaves out of POSIX: files in memory belong to
 * nobody, and there is one process.
 */
#include <sys/stat.h>
#include <sys/types.h>

int fchmod(int fd, mode_t mode);
pid_t getpid(void);

int fchmod(int fd, mode_t mode)
{
    (void)fd;
    (void)mode;
    return 0;
}

pid_t getpid(void)
{
    return 1;
}
