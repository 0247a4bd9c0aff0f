/* What the bench of init mode runs as the command: it says when something comes to it.
 *
 *   prompted            on USR1 write the time (CLOCK_MONOTONIC, nanoseconds, 8 bytes) to descriptor 3; on TERM the same,
 *                       and end. At first it writes 0, when it is prepared.
 *   prompted orphans N  start N processes, each below one that has ended already, and end
 */
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void write_time(int is_first)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    uint64_t now = is_first ? 0 : (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
    if (write(3, &now, sizeof now) != sizeof now)
        _exit(9);
}

static int orphans(int count)
{
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            if (fork() == 0)
                _exit(0);
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "orphans") == 0)
        return orphans(atoi(argv[2]));
    sigset_t awaited;
    int came;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGUSR1);
    sigaddset(&awaited, SIGTERM);
    sigprocmask(SIG_BLOCK, &awaited, NULL);
    write_time(1);
    for (;;) {
        if (sigwait(&awaited, &came) != 0)
            continue;
        write_time(0);
        if (came == SIGTERM)
            return 0;
    }
}
