/* pydrop as one static file: an image starts it as `pydrop`, `pydropctl` or one of the names linked to them.
 *
 * It runs as root before anything else, and it is the interpreter too: CPython and pydrop's modules are linked in.
 * So nothing is looked up anywhere. No variable of the environment is obeyed, by the C library neither: it gets another
 * environment before anything reads it, and pydrop is told the real one (module.c). No file is read: there is no path of
 * modules, no pyvenv.cfg (cpython_parts.c), no locale, no time zone, no bytecode.
 *
 * As the pip way's launcher does, this notes what would be lost: whether SIGPIPE and SIGXFSZ came ignored, whether TERM,
 * INT, HUP and QUIT came blocked. These four are blocked until Python has its handlers: as PID 1, a signal that arrives
 * before would be lost, since the kernel drops what PID 1 neither handles nor blocks (signal(7), pid_namespaces(7)).
 * No setting's name is known here, and nothing is forked.
 */
#define _GNU_SOURCE
#include <Python.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>
#include <unistd.h>

#include "onefile.h"

enum { FAILED = 125 };
struct came came;

__attribute__((noreturn)) static void fail(const char *what, const char *why, const char *remedy)
{
    fprintf(stderr, "pydrop: unable to %s: %s; %s\n", what, why, remedy);
    _exit(FAILED);
}

/* As a set-uid file it would make root of whoever can start it: `pydrop --user root sh`. */
static void refuse_set_uid(void)
{
    if (getuid() != geteuid() || getgid() != getegid())
        fail("run as a set-uid or set-gid file", strerror(EPERM), "take the bit away: chmod u-s,g-s");
}

static int comes_ignored(int signum)
{
    struct sigaction action;
    return sigaction(signum, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void note_signals(void)
{
    static const int held[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    sigset_t hold, before;
    came.ignored[0] = comes_ignored(SIGPIPE);
    came.ignored[1] = comes_ignored(SIGXFSZ);
    sigemptyset(&hold);
    for (size_t i = 0; i < 4; i++)
        sigaddset(&hold, held[i]);
    sigprocmask(SIG_BLOCK, &hold, &before);
    for (size_t i = 0; i < 4; i++)
        came.blocked[i] = sigismember(&before, held[i]);
}

/* The one variable keeps musl from /etc/localtime, which CPython's module `time` would have it read. */
static void note_start(int argc, char **argv, char **environment)
{
    static char *own[] = {(char *)"TZ=UTC0", NULL};
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    came.argc = argc;
    came.argv = argv;
    came.environment = environment;
    came.began = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    environ = own;
}

/* Where this file is, links resolved; /proc may not be mounted. */
static void find_self(char path[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (length > 0) {
        path[length] = 0;
        return;
    }
    const char *given = (const char *)getauxval(AT_EXECFN);
    if (!given || !realpath(given, path))
        fail("find its own file", strerror(errno), "mount /proc");
}

static void require(PyStatus status)
{
    if (PyStatus_Exception(status))
        fail("begin", status.err_msg ? status.err_msg : "the interpreter fails", "give the container more memory");
}

/* Bytes that are no UTF-8 are kept (surrogateescape), whatever the locale's name is. */
static void prepare_interpreter(void)
{
    PyPreConfig config;
    PyPreConfig_InitIsolatedConfig(&config);
    config.utf8_mode = 1;
    require(Py_PreInitialize(&config));
    if (DUMPED)
        PyObject_SetArenaAllocator(&(PyObjectArenaAllocator){NULL, take_arena, give_arena});
}

/* Isolated: no environment, no site, nothing written, no signal touched, and no place that modules come from. Below the
 * prefixes nothing can lie; an empty one would be the working folder. */
static void begin_interpreter(const char *self)
{
    PyConfig config;
    PyConfig_InitIsolatedConfig(&config);
    config.parse_argv = 0;
    config.site_import = 0;
    config.write_bytecode = 0;
    config.pathconfig_warnings = 0;
    config.install_signal_handlers = 0;
    config.buffered_stdio = 1;
    config.use_hash_seed = DUMPED; /* one seed for the dump's life: 0, which sys.flags tells as not random */
    config.module_search_paths_set = 1; /* and the list is empty */
    wchar_t **const places[] = {&config.prefix,           &config.base_prefix, &config.exec_prefix,
                                &config.base_exec_prefix, &config.platlibdir,  &config.program_name};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        require(PyConfig_SetString(&config, places[i], L"/dev/null"));
    require(PyConfig_SetBytesString(&config, &config.executable, self));
    require(PyConfig_SetBytesString(&config, &config.base_executable, self));
    require(Py_InitializeFromConfig(&config));
    PyGC_Disable(); /* what a start leaves lying is gone with exec, and to collect it would take a millisecond */
    PyConfig_Clear(&config);
}

/* In place of the C library's, for CPython's start: as if all three were closed. It would make an object of each stream,
 * which pydrop has no use for, and would end where standard input is a folder. onefile.py makes them for pydropctl. */
static int beginning = 1;
int fileno(FILE *file)
{
    return beginning ? -1 : file == stdin ? 0 : file == stdout ? 1 : 2;
}

static void begin(const char *self)
{
    prepare_interpreter();
    if (PyImport_AppendInittab("_onefile", init_module) != 0)
        fail("begin", strerror(ENOMEM), "give the container more memory");
    begin_interpreter(DUMPED ? "/dev/null/pydrop" : self); /* make_anew tells where it is */
    beginning = 0;
    if (DUMPED)
        stop_for_dump();
}

/* pydrop.onefile.launched(), which never returns. */
__attribute__((noreturn)) static void run(void)
{
    PyObject *module = PyImport_ImportModule("pydrop.onefile");
    PyObject *result = module ? PyObject_CallMethod(module, "launched", NULL) : NULL;
    if (!result && PyErr_ExceptionMatches(PyExc_SystemExit)) /* pydropctl's exit code, its streams flushed */
        PyErr_Print();
    PyObject *error = PyErr_GetRaisedException(), *text = error ? PyObject_Str(error) : NULL;
    const char *why = text ? PyUnicode_AsUTF8(text) : NULL;
    fail("load itself", why ? why : "nothing was raised", "report it");
}

int main(int argc, char **argv, char **environment)
{
    char self[PATH_MAX];
    refuse_set_uid();
    note_signals();
    note_start(argc, argv, environment);
    find_self(self);
    if (DUMPED && is_begun)
        make_anew(self);
    else
        begin(self);
    run();
}
