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
 * The interpreter is the `python3` beside this file (after links are resolved), else /usr/bin/python3
 * where this file is in /usr/local/bin, as Debian's pip has it. Never one from PATH.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

enum { FAILED = 125, NOT_EXECUTABLE = 126, STATE = 64 };

/* What Python runs: src/pydrop/by_pip.py, found beside this file. site is left out (-S: no .pth file is read), so the
 * folders where packages are have to be named. by_pip puts those that Python itself searches in front again. */
static const char PROGRAM[] =
    "import sys\n"
    "p,v=sys.argv.pop(1),'/python%d.%d/'%sys.version_info[:2]\n"
    "own,sys.path=sys.path,[p+l+v+k for l in('/lib','/lib64')for k in('site-packages','dist-packages')]\n"
    "if p!='/usr'and sys.base_prefix=='/usr':sys.path+=['/usr/lib/python3/dist-packages']\n"
    "try:\n"
    " from pydrop import by_pip\n"
    " by_pip.launched(own)\n"
    "except Exception as e:\n"
    " print('pydrop: unable to load itself:',e,file=sys.stderr)\n"
    " sys.exit(125)\n";

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
    if (errno == E2BIG)
        fail_too_long(start->words, start->list);
    fail("run", start->words[0], "install pydrop with the pip of the Python that is to run it");
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
    words[n++] = (char *)PROGRAM;
    words[n++] = (char *)prefix;
    words[n++] = state;
    words[n++] = argc > 0 ? argv[0] : (char *)"pydrop";
    for (int i = 1; i < argc; i++)
        words[n++] = argv[i];
    struct start start = {python, prefix, words, disguised(environment)};
    become(&start);
}
