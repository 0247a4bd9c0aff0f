/* Runs a command and tells what it cost: `witness COMMAND [ARG]...` writes one line to descriptor 3, of

       nanoseconds   from just before the start to just after the end
       kibibytes     the most that one of its processes held in memory (VmHWM), of all that were waited for
       processes     that were started, this command's own included (threads count too)
       status        as wait(2) has it

   It is a program of its own and as small as can be: a process begins with the memory of the one that starts it, so
   the bench itself would be measured where it is the larger. Processes are counted by their numbers, which the kernel
   gives away one after the other: the bench has a PID namespace of its own, in which nothing else starts meanwhile. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

/* The number that the next process gets. */
static pid_t next_number(void)
{
    pid_t child = vfork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    return child;
}

int main(int count, char **words)
{
    pid_t child;
    int status;

    if (count < 2 || fcntl(3, F_SETFD, FD_CLOEXEC) < 0)
        return 125;
    /* What a command leaves behind comes to us, to be waited for and measured. */
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    long long began = now();
    int error = posix_spawn(&child, words[1], NULL, NULL, words + 1, environ);
    if (error) {
        fprintf(stderr, "witness: %s: %s\n", words[1], strerror(error));
        return 127;
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    long long took = now() - began;
    while (waitpid(-1, NULL, 0) > 0)
        ;
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    dprintf(3, "%lld %ld %d %d\n", took, used.ru_maxrss, next_number() - child, status);
    return 0;
}
