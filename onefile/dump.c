/* The interpreter is begun once, when the file is built, and each start goes on from there.
 *
 * In its first life this program imports what a start needs, seals it (sealing.c), and stops; dump.py then writes its
 * memory into the writable segment of the ELF file that people get. In each start of that file the C library begins as
 * ever, and `make_anew` replaces what the interpreter remembers of its first life.
 */
#define _GNU_SOURCE
#include <Python.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal/pycore_freelist.h"
#include "internal/pycore_pystate.h"

#include "onefile.h"

int is_begun;
unsigned pydrop_patience = PATIENCE; /* of the interpreter's loop, in each start (patience.py) */
static PyThreadState *thread;

static void refuse(void)
{
    PyObject *error = PyErr_GetRaisedException(), *text = error ? PyObject_Str(error) : NULL;
    fprintf(stderr, "dump: %s\n", text ? PyUnicode_AsUTF8(text) : "out of memory");
    _exit(1);
}

/* The C library's own number of this thread, which gettid(3) tells. Its place is not told anywhere. */
static void forget_thread(void)
{
    for (int *word = (int *)pthread_self();; word++)
        if (*word == getpid()) {
            *word = 0;
            if (gettid() == 0)
                return;
            *word = getpid();
        }
}

/* Where the kernel lays mappings: dump.py takes a word that points there for a pointer to one that is gone. */
static void tell_place_of_mappings(void)
{
    void *place = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(place, 4096);
    dprintf(STDOUT_FILENO, "%p\n", place);
}

void stop_for_dump(void)
{
    PyObject *module = PyImport_ImportModule("_imports_at_build");
    PyObject *done = module ? PyObject_CallMethod(module, "everything", NULL) : NULL;
    has_all = 1;
    PyObject *objects = done ? PyObject_CallMethod(module, "objects", NULL) : NULL;
    if (!objects)
        refuse();
    tell_place_of_mappings();
    thread = _Py_tss_tstate;
    thread->native_thread_id = 0;
    memset(thread->datastack_top, 0, (size_t)((char *)thread->datastack_limit - (char *)thread->datastack_top));
    seal_objects(objects);
    Py_DECREF(objects);
    _PyObject_ClearFreeLists(_Py_object_freelists_GET(), 0);
    seal_pools();
    seal_blocks();
    came = (struct came){0};
    is_begun = 1;
    pydrop_patience = PATIENCE;
    forget_thread();
    kill(getpid(), SIGSTOP); /* raise(3) would ask for the number */
    _exit(1);
}

/* All that the interpreter remembers of the process that it was begun in:
 * - which thread it is, by CPython's variable of the thread and by the kernel's number
 * - where this file is
 * - which signals came ignored: all had their defaults (dump.py)
 * What else a process has, nothing of it is remembered: environment, arguments and streams come later, by onefile.py, as
 * in a file that is not dumped; time zone and locale are none; working folder, ids, limits, umask, clocks are asked for
 * each time; random numbers are the kernel's, but for the seed of hashes, which is fixed (docs/one-file.md).
 */
void make_anew(const char *self)
{
    _Py_tss_tstate = thread;
    thread->native_thread_id = PyThread_get_thread_native_id();
    PyObject *path = PyUnicode_DecodeFSDefault(self), *signals = PyImport_ImportModule("_signal");
    int failed = !path || PySys_SetObject("executable", path) || PySys_SetObject("_base_executable", path);
    for (int number = 1; !failed && number < NSIG; number++)
        if (PyOS_getsig(number) == SIG_IGN) {
            PyObject *before = PyObject_CallMethod(signals, "signal", "ii", number, 1);
            failed = !before;
            Py_XDECREF(before);
        }
    Py_XDECREF(path);
    Py_XDECREF(signals);
}
