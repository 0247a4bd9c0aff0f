/* What the tests of init mode run as the command. Usage: child WHAT [ARG]...
 *
 *   record        print each signal that comes, a line each; TERM ends it with 77
 *   stubborn      ignore TERM
 *   asleep        wait for a signal
 *   orphans N     start N processes that outlive it by nothing, each below one that is gone; exit 5
 *   reaped N      the same, but it waits until somebody has collected each
 *   daemon [x]    leave a process behind in a session of its own, which ignores TERM where x is given; exit 6
 *   group         ignore USR1, start a child that does not; exit 100 + the signal that ends it
 *   root          become root in all ids where the file is set-uid, say so, and wait
 *   eat           take memory until the kernel has had enough
 *   ready FD      write a line to the descriptor, then wait for TERM
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int record(void)
{
    sigset_t all;
    siginfo_t came;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    printf("ready\n");
    for (;;) {
        if (sigwaitinfo(&all, &came) < 0)
            continue;
        printf("%d\n", came.si_signo);
        if (came.si_signo == SIGTERM)
            return 77;
    }
}

static int orphans(int count)
{
    for (int i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            if (fork() == 0)
                _exit(3);
            _exit(0);
        }
        if (child < 0) {
            usleep(1000);
            i--;
        } else
            waitpid(child, NULL, 0);
    }
    return 5;
}

/* Within 10 s for each; 9 where one is still there. */
static int wait_until_reaped(int count)
{
    for (int i = 0; i < count; i++) {
        pid_t orphan = 0, child;
        int ends[2];
        if (pipe(ends) != 0 || (child = fork()) < 0)
            return 9;
        if (child == 0) {
            orphan = fork();
            if (orphan == 0)
                _exit(3);
            _exit(write(ends[1], &orphan, sizeof orphan) != sizeof orphan);
        }
        waitpid(child, NULL, 0);
        if (read(ends[0], &orphan, sizeof orphan) != sizeof orphan || orphan < 0)
            return 9;
        for (int tries = 0; kill(orphan, 0) == 0; tries++) {
            if (tries == 10000)
                return 9;
            usleep(1000);
        }
        close(ends[0]);
        close(ends[1]);
    }
    return 5;
}

static int leave_daemon(int stubborn)
{
    if (fork() == 0) {
        setsid();
        if (fork() != 0)
            _exit(0);
        prctl(PR_SET_NAME, "lingerer");
        if (stubborn)
            signal(SIGTERM, SIG_IGN);
        printf("ready\n");
        for (;;)
            pause();
    }
    wait(NULL);
    usleep(50000);
    return 6;
}

static int group(void)
{
    if (fork() == 0) {
        prctl(PR_SET_NAME, "second");
        for (;;)
            pause();
    }
    signal(SIGUSR1, SIG_IGN);
    printf("ready\n");
    int status;
    wait(&status);
    return WIFSIGNALED(status) ? 100 + WTERMSIG(status) : 1;
}

static void root(void)
{
    int failed = setresuid(0, 0, 0);
    printf("%d %d\n", failed, (int)getuid());
    for (;;)
        pause();
}

static void eat(void)
{
    for (;;) {
        char *more = malloc(1 << 20);
        if (more)
            memset(more, 1, 1 << 20);
    }
}

static int say_ready(int descriptor)
{
    if (write(descriptor, "\n", 1) != 1)
        return 9;
    close(descriptor);
    return record();
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    int number = argc > 2 ? atoi(argv[2]) : 0;
    setvbuf(stdout, NULL, _IONBF, 0);
    if (strcmp(what, "record") == 0)
        return record();
    if (strcmp(what, "orphans") == 0)
        return orphans(number);
    if (strcmp(what, "reaped") == 0)
        return wait_until_reaped(number);
    if (strcmp(what, "daemon") == 0)
        return leave_daemon(argc > 2);
    if (strcmp(what, "group") == 0)
        return group();
    if (strcmp(what, "root") == 0)
        root();
    if (strcmp(what, "eat") == 0)
        eat();
    if (strcmp(what, "ready") == 0)
        return say_ready(number);
    if (strcmp(what, "stubborn") == 0)
        signal(SIGTERM, SIG_IGN);
    printf("ready\n");
    for (;;)
        pause();
}
