/* The launcher: what an image starts as `pydrop`, `pydropctl` or one of the names linked to them.
 *
 * It runs as root before anything else, so it trusts nothing that it was given. Python would read
 * PYTHONPATH, the dynamic linker LD_PRELOAD and LD_LIBRARY_PATH, glibc GCONV_PATH and LOCPATH, and
 * each of them may name a volume that the program's user can write. So the launcher is linked
 * statically, and starts the interpreter with an environment in which no variable has its own name:
 * each is passed on with a '!' in front, which no library looks for. Python takes it off again for
 * the program; nothing is lost, not even a name that a shell would drop.
 *
 * Three more things are gone once Python runs, and are handed over in one word, STATE:
 * - whether SIGPIPE and SIGXFSZ came ignored (CPython ignores both at its start);
 * - whether TERM, INT, HUP and QUIT came blocked. The launcher blocks them until Python has its handlers:
 *   as PID 1, a signal that arrives before would otherwise be lost, since the kernel drops what
 *   PID 1 neither handles nor blocks (signal(7), pid_namespaces(7));
 * - when the launcher began, for `pydropctl timeline`: the kernel's own note of it is in hundredths of a second.
 *
 * In init mode one process stays for as long as the container lives. The launcher parts from it here, before there is any
 * Python to copy: both processes start an interpreter at the same time, and the one that stays never holds what only a
 * start needs. Whether init mode is asked for is a guess from the options, the environment and the settings file's text,
 * which errs towards yes; the settings themselves are read later, and not here.
 *
 * The interpreter is the `python3` beside this file (after links are resolved), else /usr/bin/python3
 * where this file is in /usr/local/bin, as Debian's pip has it. Never one from PATH.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { FAILED = 125, NOT_EXECUTABLE = 126, LOOKED_AT = 65536, STATE = 64 };
static const char CONFIG[] = "/etc/pydrop.toml";

/* All that a start needs lies compiled in one file, what the process that stays needs in another, and in a third what
 * the other process needs by the name of an init. In each src/pydrop/boot_files.py comes first and finds its `file` and
 * `parts` here. Kept short, since Python compiles it at every start: its text for want of such a file (another
 * Python than the one that pydrop was installed with) is a string, which costs nothing until it is asked for.
 * site is left out (-S: no .pth file is read), so both name the folders where packages are. 524288 is O_CLOEXEC.
 * Collecting garbage would take 1 ms, and what a start leaves lying is gone with exec. */
#define BOOT(FILE, INSTEAD)                                                                                           \
    "import sys,gc,marshal,posix\n"                                                                                   \
    "gc.disable()\n"                                                                                                  \
    "try:\n"                                                                                                          \
    " file=posix.open(sys.argv[1]+'/lib/pydrop/'+sys.implementation.cache_tag+'" FILE "',524288)\n"                   \
    " code,parts,size=marshal.loads(posix.read(file,16384))\n"                                                        \
    " if posix.stat(file).st_size!=size:raise OSError\n"                                                              \
    "except(OSError,EOFError,ValueError,TypeError,MemoryError):code='''\n"                                            \
    "b=sys.argv.pop(1)\n"                                                                                             \
    "v='/python%d.%d/'%sys.version_info[:2]\n"                                                                        \
    "sys.path+=[b+l+v+k for l in('/lib','/lib64')for k in('site-packages','dist-packages')]\n"                        \
    "if b!='/usr' and sys.base_prefix=='/usr':sys.path+=['/usr/lib/python3/dist-packages']\n"                              \
    "try:\n"                                                                                                          \
    " from pydrop.entry import launched\n"                                                                            \
    "except Exception as e:\n"                                                                                        \
    " " INSTEAD "\n"                                                                                                  \
    " sys.exit(125)\n"                                                                                                \
    "launched()'''\n"                                                                                                 \
    "exec(code)\n"
/* The process that stays holds its tongue where the other one says the same. */
static const char MAKE_START[] = BOOT("", "print('pydrop: unable to load itself:',e,file=sys.stderr)");
static const char BE_NAMED[] = BOOT(".named", "print('pydrop: unable to load itself:',e,file=sys.stderr)");
static const char STAY[] = BOOT(".init", "pass");

__attribute__((noreturn)) static void fail(const char *what, const char *object, const char *remedy)
{
    fprintf(stderr, "pydrop: unable to %s %s: %s; %s\n", what, object, strerror(errno), remedy);
    _exit(FAILED);
}

/* Where this program's file is, links resolved; /proc may not be mounted. */
static void find_self(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (length > 0) {
        path[length] = 0;
        return;
    }
    const char *given = (const char *)getauxval(AT_EXECFN);
    if (!given || !realpath(given, path))
        fail("find", "its own file", "mount /proc");
}

static int comes_ignored(int signum)
{
    struct sigaction action;
    return sigaction(signum, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/* "PX:TIHQ:MICROSECONDS": one letter for what is so, '-' for what is not; and the monotonic clock. */
static void read_state(char state[STATE])
{
    static const int held[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    sigset_t hold, before;
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(state, STATE, "--:----:%lld", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    if (comes_ignored(SIGPIPE))
        state[0] = 'P';
    if (comes_ignored(SIGXFSZ))
        state[1] = 'X';
    sigemptyset(&hold);
    for (size_t i = 0; i < 4; i++)
        sigaddset(&hold, held[i]);
    sigprocmask(SIG_BLOCK, &hold, &before);
    for (size_t i = 0; i < 4; i++)
        if (sigismember(&before, held[i]))
            state[3 + i] = "TIHQ"[i];
}

/* As a set-uid file it would make root of whoever can start it: `pydrop --user root sh`. */
static void refuse_set_uid(void)
{
    if (getuid() == geteuid() && getgid() == getegid())
        return;
    errno = EPERM;
    fail("run", "as a set-uid or set-gid file", "take the bit away: chmod u-s,g-s");
}

/* Whether init mode is asked for, as far as can be told here. */
enum guess { NO, MAYBE, SURELY };

/* --init before the command. A word behind an option may be its value or the command. */
static enum guess asked_by_option(int argc, char **argv)
{
    int was_option = 0;
    for (int i = 1; i < argc; i++) {
        int is_option = argv[i][0] == '-';
        if (strcmp(argv[i], "--init") == 0)
            return SURELY;
        if (strncmp(argv[i], "--init=", 7) == 0)
            return MAYBE;
        int is_ours = argv[i][1] == '-'; /* `-c`: a word of the program's, where the settings file has a default-command */
        if (strcmp(argv[i], "--") == 0 || !(is_option || was_option) || (is_option && !was_option && !is_ours))
            return NO;
        was_option = is_option && !strchr(argv[i], '=');
    }
    return NO;
}

/* The value of a variable: the first that has the name, as for getenv(3). */
static const char *value_of(char **environment, const char *name)
{
    size_t length = strlen(name);
    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return *environment + length + 1;
    return "";
}

/* `init = true`, with blanks or without, and nothing behind it but a comment. */
static int says_yes(const char *line)
{
    line += strspn(line + 4, " \t") + 4;
    if (*line != '=')
        return 0;
    line += strspn(line + 1, " \t") + 1;
    return strncmp(line, "true", 4) == 0 && strchr(" \t\r\n#", line[4]) != NULL;
}

/* Whether a line of the settings file begins with the word. Only a regular file is read, and nothing is obeyed here. */
static enum guess asked_by_file(const char *path)
{
    static char text[LOOKED_AT + 1];
    struct stat status;
    /* Looked at first, since to open a device may set something off: a watchdog, a tape. */
    int is_file = stat(path, &status) == 0 && S_ISREG(status.st_mode);
    int file = is_file ? open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;
    if (file < 0)
        return NO;
    ssize_t length = fstat(file, &status) == 0 && S_ISREG(status.st_mode) ? read(file, text, LOOKED_AT) : 0;
    close(file);
    text[length > 0 ? length : 0] = 0;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += strspn(line, " \t\r\n\"'");
        if (strncmp(line, "init", 4) == 0)
            return says_yes(line) ? SURELY : MAYBE;
    }
    return NO;
}

/* What the variable's value means: no, yes, or what only the settings can tell. */
static enum guess meaning_of(const char *value)
{
    static const char *const no[] = {"", "0", "false", "no", "off"}, *const yes[] = {"1", "true", "yes", "on"};
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (strcasecmp(value, no[i]) == 0)
            return NO;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (strcasecmp(value, yes[i]) == 0)
            return SURELY;
    return MAYBE;
}

/* Whether this was called by one of the names. */
static int is_called(int argc, char **argv, const char *const *names)
{
    const char *called = argc > 0 ? argv[0] : "", *slash = strrchr(called, '/');
    for (; *names; names++)
        if (strcmp(slash ? slash + 1 : called, *names) == 0)
            return 1;
    return 0;
}

/* Of the names that pydrop has besides (src/pydrop/compat) some stay always, some never. */
static const char *const INITS[] = {"tini", "dumb-init", NULL};
static const char *const NO_INITS[] = {"pydropctl", "gosu", "su-exec", "s6-setuidgid", NULL};

/* An option says more than a variable, and that more than the file. */
static enum guess init_is_asked(int argc, char **argv, char **environment)
{
    if (is_called(argc, argv, INITS) || is_called(argc, argv, NO_INITS))
        return is_called(argc, argv, INITS) ? SURELY : NO;
    const char *variable = value_of(environment, "PYDROP_INIT"), *config = value_of(environment, "PYDROP_CONFIG");
    enum guess guess = asked_by_option(argc, argv);
    if (guess == NO)
        guess = meaning_of(variable);
    if (guess != NO)
        return guess;
    guess = asked_by_file(*config ? config : CONFIG);
    return guess == SURELY && *variable ? MAYBE : guess; /* the variable says no */
}

/* Neither end may have the number of a stream that came closed: the program must find it closed. */
static void make_pipe(int ends[2])
{
    int made = pipe(ends) == 0;
    for (int i = 0; made && i < 2; i++)
        if (ends[i] < 3) {
            int low = ends[i];
            made = (ends[i] = fcntl(low, F_DUPFD, 3)) >= 0;
            close(low);
        }
    if (!made)
        fail("make pipes for", "init mode", "allow more open files (docker: --ulimit nofile=...)");
}

/* What the two processes of init mode are to say to each other on, and what the one that makes the start had before. */
struct two {
    int asks[2], answers[2];
    uint64_t blocked;
    struct sigaction came;
};

/* From here on every signal is blocked, which is how it is to be in the process that stays; and SIGCHLD is not ignored
 * there, else it would never learn how the command ended. */
static void prepare_two(struct two *two)
{
    uint64_t all = ~UINT64_C(0); /* the kernel's own form: a libc leaves out what it uses itself, musl 34 too */
    struct sigaction usual = {.sa_handler = SIG_DFL};
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &two->blocked, sizeof all);
    sigaction(SIGCHLD, &usual, &two->came);
    make_pipe(two->asks);
    make_pipe(two->answers);
}

/* Each process finds in its STATE how to speak to the other: a letter, the other one's pid, the descriptor to read and
 * the one to write. */
static void know_other(char state[STATE], char letter, pid_t other, int from, int to)
{
    size_t length = strlen(state);
    snprintf(state + length, STATE - length, ":%c:%d:%d:%d", letter, (int)other, from, to);
}

static char **disguised(char **environment)
{
    size_t count = 0;
    while (environment[count])
        count++;
    char **list = calloc(count + 2, sizeof *list);
    if (!list)
        fail("copy", "the environment", "give the container more memory");
    list[count] = (char *)"LC_ALL=C"; /* else Python reads the files of a locale; in this one it takes UTF-8 too */
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(environment[i]) + 1;
        list[i] = malloc(size + 1);
        if (!list[i])
            fail("copy", "the environment", "give the container more memory");
        list[i][0] = '!';
        memcpy(list[i] + 1, environment[i], size);
    }
    return list;
}

/* PREFIX/bin/pydrop -> PREFIX, cut in place. */
static const char *prefix_of(char *path)
{
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (!slash) {
            errno = ENOENT;
            fail("find", "the folder above its own file", "install pydrop into PREFIX/bin");
        }
        *slash = 0;
    }
    return path;
}

/* What this becomes Python with. */
struct start {
    char *python;
    const char *prefix;
    char **words, **list;
    int stays; /* whether this is the process that stays in init mode */
};

/* The kernel takes 128 KiB for one string, with the '!' in front of a variable and the NUL behind it, and a part of the
 * stack's limit for all. The longest string is named by its beginning, without a value. */
__attribute__((noreturn)) static void fail_too_long(char **words, char **list)
{
    const char *longest = "";
    int is_variable = 0;
    for (char **word = words; *word; word++)
        if (strlen(*word) > strlen(longest))
            longest = *word;
    for (; *list; list++)
        if (strlen(*list) > strlen(longest))
            is_variable = 1, longest = *list + 1;
    int shown = is_variable ? (int)strcspn(longest, "=") : 0;
    fprintf(stderr,
            "pydrop: unable to run the command: Argument list too long; the kernel takes 131070 bytes for one variable or argument, and 2 MiB or less for all; "
            "shorten %s%.*s, which has %zu bytes, or mount its content as a file\n",
            is_variable ? "the variable " : "the longest argument", shown < 200 ? shown : 200, longest, strlen(longest));
    _exit(NOT_EXECUTABLE);
}

/* Become Python, or say why not. */
__attribute__((noreturn)) static void become(const struct start *start)
{
    start->words[0] = start->python;
    execve(start->python, start->words, start->list);
    if (errno == ENOENT && strcmp(start->prefix, "/usr/local") == 0) {
        start->words[0] = (char *)"/usr/bin/python3";
        execve(start->words[0], start->words, start->list);
    }
    if (start->stays) /* the other one says so */
        _exit(errno == E2BIG ? NOT_EXECUTABLE : FAILED);
    if (errno == E2BIG)
        fail_too_long(start->words, start->list);
    fail("run", start->words[0], "install pydrop with the pip of the Python that is to run it");
}

/* The process that makes the start, which has this memory until it is Python, while this process waits: nothing is
 * copied, and the start, for which somebody waits, comes first. A function of its own, since what lies in a register
 * would be lost where it returns a second time. Returns the child's pid. */
__attribute__((noinline)) static pid_t begin_child(const struct start *start, const struct two *two)
{
    pid_t child = vfork();
    if (child < 0)
        fail("fork for", "init mode", "allow more processes (docker: --pids-limit, --ulimit nproc=...)");
    if (child == 0) {
        close(two->asks[0]);
        close(two->answers[1]);
        sigaction(SIGCHLD, &two->came, NULL);
        syscall(SYS_rt_sigprocmask, SIG_SETMASK, &two->blocked, NULL, sizeof two->blocked);
        become(start);
    }
    return child;
}

/* The processor that a process runs on, field 39 of /proc/PID/stat (proc(5)); -1 where nobody says. */
static long processor_of(pid_t process)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)process);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
    if (file >= 0)
        close(file);
    text[length > 0 ? length : 0] = 0;
    const char *field = strrchr(text, ')'); /* the end of field 2, a name that may hold anything */
    for (int number = 2; field && number < 39; number++)
        field = strchr(field + 1, ' ');
    return field ? strtol(field + 1, NULL, 10) : -1;
}

/* Off the processor that the other process has begun on, where this is there too. A scheduler that knows of no
 * processors beside each other, as in many a virtual machine, leaves both on one for some milliseconds. The mask that is
 * put back is from now on one that was asked for, which a later change of the cpuset can only narrow
 * (sched_setaffinity(2)): so this is for a process that will surely stay, and never for the command. */
static void leave_processor_of(pid_t other)
{
    unsigned long before[16] = {0}, others[16]; /* 1024 processors; where there are more, this fails, and is not done */
    enum { BITS = 8 * sizeof *before };
    unsigned cpu = 0;
    long size = syscall(SYS_sched_getaffinity, 0, sizeof before, before);
    if (size <= 0 || syscall(SYS_getcpu, &cpu, NULL, NULL) != 0 || cpu / BITS >= 16 || processor_of(other) != (long)cpu)
        return;
    memcpy(others, before, sizeof before);
    others[cpu / BITS] &= ~(1UL << cpu % BITS);
    if (syscall(SYS_sched_setaffinity, 0, size, others) == 0)
        syscall(SYS_sched_setaffinity, 0, size, before);
}

/* Two processes from here on. Returns in the one that stays, whose words are to be `state` and `program`. */
static void begin_two(struct start *start, char state[STATE], char **program, int surely)
{
    struct two two;
    size_t usual = strlen(state);
    prepare_two(&two);
    know_other(state, 'C', getpid(), two.answers[0], two.asks[1]);
    pid_t child = begin_child(start, &two);
    close(two.asks[1]);
    close(two.answers[0]);
    state[usual] = 0;
    know_other(state, 'G', child, two.asks[0], two.answers[1]);
    *program = (char *)STAY;
    start->stays = 1;
    if (surely)
        leave_processor_of(child);
}

int main(int argc, char **argv, char **environment)
{
    char self[PATH_MAX], python[PATH_MAX + 16], state[STATE];
    refuse_set_uid();
    read_state(state);
    find_self(self);
    const char *prefix = prefix_of(self);
    snprintf(python, sizeof python, "%s/bin/python3", prefix);

    char **words = calloc((size_t)argc + 10, sizeof *words);
    if (!words)
        fail("copy", "the arguments", "give the container more memory");
    size_t n = 1; /* the first is the interpreter */
    words[n++] = (char *)"-I";
    words[n++] = (char *)"-S";
    words[n++] = (char *)"-B"; /* under an open umask anybody could write in a __pycache__ that is made here */
    words[n++] = (char *)"-c";
    char **program = &words[n++];
    *program = (char *)(is_called(argc, argv, INITS) ? BE_NAMED : MAKE_START);
    words[n++] = (char *)prefix;
    words[n++] = state;
    words[n++] = argc > 0 ? argv[0] : (char *)"pydrop";
    for (int i = 1; i < argc; i++)
        words[n++] = argv[i];
    struct start start = {python, prefix, words, disguised(environment), 0};
    enum guess guess = init_is_asked(argc, argv, environment);
    if (guess != NO)
        begin_two(&start, state, program, guess == SURELY);
    become(&start);
}
