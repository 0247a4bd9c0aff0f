/* Prints what a program finds when it begins, as lines of NAME<TAB>VALUE with odd bytes as \xNN,
 * into the file that its first argument names. Static, so that no library changes anything before.
 * Everything is read before that file is opened. */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

static char found[1 << 20];
static size_t size;

static void add(char c)
{
    if (size < sizeof found)
        found[size++] = c;
}

static void add_bytes(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)bytes[i];
        if (c >= ' ' && c < 127 && c != '\\') {
            add((char)c);
        } else {
            char escaped[5];
            snprintf(escaped, sizeof escaped, "\\x%02x", c);
            for (int n = 0; n < 4; n++)
                add(escaped[n]);
        }
    }
}

static void say_bytes(const char *name, const char *bytes, size_t length)
{
    add_bytes(name, strlen(name));
    add('\t');
    add_bytes(bytes, length);
    add('\n');
}

static void say(const char *name, const char *format, ...)
{
    char text[8192];
    va_list values;
    va_start(values, format);
    vsnprintf(text, sizeof text, format, values);
    va_end(values);
    say_bytes(name, text, strlen(text));
}

static char content[1 << 20];

static size_t read_file(const char *path)
{
    size_t length = 0;
    ssize_t part;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    while ((part = read(file, content + length, sizeof content - 1 - length)) > 0)
        length += (size_t)part;
    close(file);
    content[length] = 0;
    return length;
}

/* The strings of /proc/self/environ or cmdline, one line each, in their order. */
static void say_strings(const char *name, const char *path)
{
    size_t length = read_file(path), from = 0;
    for (size_t i = 0; i < length; i++)
        if (content[i] == 0) {
            say_bytes(name, content + from, i - from);
            from = i + 1;
        }
}

/* All of /proc/self/status but what differs from one process to the next. */
static void say_status(void)
{
    static const char *const told[] = {
        "Umask", "Uid", "Gid", "Groups", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt",
        "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Cpus_allowed",
        "Speculation_Store_Bypass", "SpeculationIndirectBranch", "THP_enabled", "CoreDumping", "TracerPid", "Threads",
    };
    read_file("/proc/self/status");
    char *rest = content;
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *colon = strchr(line, ':');
        for (size_t i = 0; colon && i < sizeof told / sizeof *told; i++)
            if (strlen(told[i]) == (size_t)(colon - line) && strncmp(line, told[i], strlen(told[i])) == 0) {
                while (isspace((unsigned char)*++colon))
                    ;
                say(told[i], "%s", colon);
                break;
            }
    }
}

/* The fields of /proc/self/stat that are about job control: pgrp, session, tty and its foreground group. */
static void say_job(void)
{
    int ppid, pgrp, session, tty, foreground;
    read_file("/proc/self/stat");
    char *after = strrchr(content, ')');
    if (after && sscanf(after + 4, "%d %d %d %d %d", &ppid, &pgrp, &session, &tty, &foreground) == 5)
        say("job", "pid %d ppid %d pgrp %d session %d tty %d foreground %d", getpid(), ppid, pgrp, session, tty, foreground);
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
    return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static void say_descriptors(void)
{
    struct dirent **names;
    int count = scandir("/proc/self/fd", &names, NULL, by_number);
    for (int i = 0; i < count; i++) {
        char path[64], target[4096], name[32];
        int number = atoi(names[i]->d_name);
        struct stat status;
        if (names[i]->d_name[0] == '.' || fstat(number, &status) != 0)
            continue; /* the folder's own descriptor is closed by now */
        snprintf(path, sizeof path, "/proc/self/fd/%d", number);
        ssize_t length = readlink(path, target, sizeof target);
        snprintf(name, sizeof name, "descriptor %d", number);
        char *bracket = memchr(target, '[', length > 0 ? (size_t)length : 0);
        if (bracket && target[0] != '/')
            length = bracket - target; /* a pipe's or socket's number is another each time */
        say(name, "%.*s flags 0%o descriptor flags %d offset %lld", (int)length, target, fcntl(number, F_GETFL),
            fcntl(number, F_GETFD), (long long)lseek(number, 0, SEEK_CUR));
    }
}

static void say_signals(void)
{
    sigset_t mask;
    char blocked[65] = "", ignored[65] = "";
    sigprocmask(SIG_BLOCK, NULL, &mask);
    for (int number = 1; number <= 64; number++) {
        struct sigaction action;
        int known = sigaction(number, NULL, &action) == 0;
        ignored[number - 1] = !known ? '?' : action.sa_handler == SIG_IGN ? 'i' : action.sa_handler == SIG_DFL ? '-' : 'c';
        blocked[number - 1] = sigismember(&mask, number) == 1 ? 'b' : '-';
    }
    say("signals ignored", "%s", ignored);
    say("signals blocked", "%s", blocked);
}

static void say_limits(void)
{
    for (int number = 0; number < RLIM_NLIMITS; number++) {
        struct rlimit limit;
        char name[32];
        snprintf(name, sizeof name, "limit %d", number);
        if (getrlimit(number, &limit) == 0)
            say(name, "%llu %llu", (unsigned long long)limit.rlim_cur, (unsigned long long)limit.rlim_max);
    }
}

static void say_scheduling(void)
{
    struct sched_param parameter;
    errno = 0;
    say("niceness", "%d", getpriority(PRIO_PROCESS, 0));
    sched_getparam(0, &parameter);
    say("scheduling", "policy %d priority %d", sched_getscheduler(0), parameter.sched_priority);
    say("io priority", "%ld", syscall(SYS_ioprio_get, 1, 0));
    read_file("/proc/self/oom_score_adj");
    say("oom_score_adj", "%s", content);
    read_file("/proc/self/coredump_filter");
    say("coredump filter", "%s", content);
}

static void say_prctl(void)
{
    int death = -1, subreaper = -1;
    prctl(PR_GET_PDEATHSIG, &death);
    prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
    say("prctl", "dumpable %d keepcaps %d securebits %d timerslack %d death signal %d subreaper %d thp disabled %d mce %d",
        prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS), prctl(PR_GET_SECUREBITS), prctl(PR_GET_TIMERSLACK), death,
        subreaper, prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
    say("personality", "%x", personality(0xffffffff));
}

static void say_timers(void)
{
    static const int kinds[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
    for (int i = 0; i < 3; i++) {
        struct itimerval timer;
        char name[16];
        getitimer(kinds[i], &timer);
        snprintf(name, sizeof name, "timer %d", i);
        say(name, "%s every %ld s", timer.it_value.tv_sec || timer.it_value.tv_usec ? "runs" : "off",
            (long)timer.it_interval.tv_sec);
    }
}

static void say_place(const char *name, const char *link)
{
    char target[4096];
    ssize_t length = readlink(link, target, sizeof target);
    say_bytes(name, target, length > 0 ? (size_t)length : 0);
}

int main(int argc, char **argv)
{
    say_descriptors(); /* first: nothing of ours is open yet */
    say_signals();
    say_status();
    say_job();
    say_strings("environment", "/proc/self/environ");
    say_strings("argument", "/proc/self/cmdline");
    say_place("working folder", "/proc/self/cwd");
    say_place("root folder", "/proc/self/root");
    say_place("program", "/proc/self/exe");
    read_file("/proc/self/comm");
    say("comm", "%s", content);
    say_limits();
    say_scheduling();
    say_prctl();
    say_timers();

    int file = argc > 1 ? open(argv[1], O_WRONLY | O_TRUNC) : -1;
    if (file < 0)
        return 98;
    if (file <= 2)
        file = fcntl(file, F_DUPFD, 3); /* any number will do */
    return write(file, found, size) == (ssize_t)size ? 0 : 97;
}
