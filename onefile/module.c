/* The module `_onefile`: what this process was started with, and the system calls that CPython's own modules have not.
 *
 * In the pip way python-prctl and ctypes make these calls (src/pydrop/calls_by_libraries.py). Here neither is there.
 * Every function raises OSError as the kernel reports it. src/pydrop/calls_built_in.py is its only user, with onefile.py.
 */
#define _GNU_SOURCE
#include <Python.h>

#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "onefile.h"

static PyObject *none_or_error(int result)
{
    if (result != 0)
        return PyErr_SetFromErrno(PyExc_OSError);
    Py_RETURN_NONE;
}

/* -- what came -- */

static PyObject *decoded(char **lines, size_t count)
{
    PyObject *list = PyTuple_New((Py_ssize_t)count);
    for (size_t i = 0; list && i < count; i++) {
        PyObject *line = PyUnicode_DecodeFSDefault(lines[i]);
        if (!line)
            Py_CLEAR(list);
        else
            PyTuple_SET_ITEM(list, (Py_ssize_t)i, line);
    }
    return list;
}

PyDoc_STRVAR(came_doc, "(arguments, argv[0] among them; environment; whether PIPE and XFSZ came ignored; whether TERM, "
                       "INT, HUP and QUIT came blocked; when this began, by CLOCK_MONOTONIC in seconds)");
static PyObject *tell_came(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    size_t lines = 0;
    while (came.environment[lines])
        lines++;
    const int *p = came.ignored, *b = came.blocked;
    PyObject *arguments = decoded(came.argv, (size_t)came.argc), *environment = decoded(came.environment, lines);
    if (arguments && environment)
        return Py_BuildValue("NN(ii)(iiii)d", arguments, environment, p[0], p[1], b[0], b[1], b[2], b[3], came.began);
    Py_XDECREF(arguments);
    Py_XDECREF(environment);
    return NULL;
}

PyDoc_STRVAR(title_doc, "Set the text that ps(1) shows of this process in place of its arguments.");
/* Over the arguments, and where they are too short over the environment behind them. A last byte that is not NUL tells
 * the kernel to read on there (proc(5), cmdline). What is left of the arguments becomes NUL. */
static PyObject *set_title(PyObject *self, PyObject *argument)
{
    (void)self;
    Py_ssize_t size;
    const char *title = PyBytes_Check(argument) ? PyBytes_AsString(argument) : NULL;
    if (!title)
        return PyErr_Format(PyExc_TypeError, "the title must be bytes");
    size = PyBytes_Size(argument);
    if (came.argc == 0)
        Py_RETURN_NONE;
    char *area = came.argv[0], *end = area, *behind;
    for (int i = 0; i < came.argc && came.argv[i] == end; i++)
        end += strlen(end) + 1;
    behind = end;
    for (char **line = came.environment; *line == behind; line++)
        behind += strlen(behind) + 1;
    if (size >= behind - area)
        size = behind - area - 1;
    memset(area, 0, (size_t)(end - area));
    memcpy(area, title, (size_t)size);
    area[size] = 0;
    Py_RETURN_NONE;
}

/* -- calls -- */

PyDoc_STRVAR(prctl_doc, "prctl(option, second=0, third=0) -> int: prctl(2)");
static PyObject *call_prctl(PyObject *self, PyObject *arguments)
{
    (void)self;
    int option, result;
    unsigned long second = 0, third = 0;
    if (!PyArg_ParseTuple(arguments, "i|kk", &option, &second, &third))
        return NULL;
    if (option == PR_GET_CHILD_SUBREAPER) { /* the one answer that is asked for here and comes by a pointer */
        int flag = 0;
        return prctl(option, &flag, 0UL, 0UL, 0UL) < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(flag);
    }
    result = prctl(option, second, third, 0UL, 0UL);
    return result < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(result);
}

PyDoc_STRVAR(capset_doc, "capset(effective, permitted, inheritable): exactly these sets, as bit masks; capset(2)");
static PyObject *call_capset(PyObject *self, PyObject *arguments)
{
    (void)self;
    unsigned long long e, p, i;
    if (!PyArg_ParseTuple(arguments, "KKK", &e, &p, &i))
        return NULL;
    struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2] = {{(__u32)e, (__u32)p, (__u32)i},
                                             {(__u32)(e >> 32), (__u32)(p >> 32), (__u32)(i >> 32)}};
    return none_or_error((int)syscall(SYS_capset, &head, sets));
}

PyDoc_STRVAR(syscall_doc, "syscall(number, ...): up to six numbers, or bytes that the kernel reads -> int; syscall(2)");
static PyObject *call_syscall(PyObject *self, PyObject *arguments)
{
    (void)self;
    long words[7] = {0}, result;
    Py_ssize_t count = PyTuple_Size(arguments);
    if (count < 1 || count > 7)
        return PyErr_Format(PyExc_TypeError, "a number, and at most six words");
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *word = PyTuple_GetItem(arguments, i);
        words[i] = i && PyBytes_Check(word) ? (long)PyBytes_AsString(word) : PyLong_AsLong(word);
        if (PyErr_Occurred())
            return NULL;
    }
    result = syscall(words[0], words[1], words[2], words[3], words[4], words[5], words[6]);
    return result < 0 ? PyErr_SetFromErrno(PyExc_OSError) : PyLong_FromLong(result);
}

PyDoc_STRVAR(mount_doc, "mount(source, target, type, flags, data), all but the flags as bytes: mount(2)");
static PyObject *call_mount(PyObject *self, PyObject *arguments)
{
    (void)self;
    const char *source, *target, *type, *data;
    unsigned long flags;
    if (!PyArg_ParseTuple(arguments, "yyyky", &source, &target, &type, &flags, &data))
        return NULL;
    return none_or_error(mount(source, target, type, flags, data));
}

/* A NULL-terminated array into the sequence's own bytes, which must live on; NULL and an exception where it fails. */
static char **array_of(PyObject *sequence)
{
    Py_ssize_t count = PyTuple_Size(sequence);
    char **array = count < 0 ? NULL : PyMem_Calloc((size_t)count + 1, sizeof *array);
    if (count >= 0 && !array)
        PyErr_NoMemory();
    for (Py_ssize_t i = 0; array && i < count; i++)
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(sequence, i), &array[i], NULL) != 0) {
            PyMem_Free(array);
            return NULL;
        }
    return array;
}

PyDoc_STRVAR(execve_doc, "execve(path, arguments, environment): bytes, and tuples of bytes in any form; execve(2)");
static PyObject *call_execve(PyObject *self, PyObject *arguments)
{
    (void)self;
    const char *path;
    PyObject *words, *lines;
    if (!PyArg_ParseTuple(arguments, "yO!O!", &path, &PyTuple_Type, &words, &PyTuple_Type, &lines))
        return NULL;
    char **argv = array_of(words), **envp = argv ? array_of(lines) : NULL;
    if (envp) {
        execve(path, argv, envp);
        PyErr_SetFromErrno(PyExc_OSError);
    }
    PyMem_Free(argv);
    PyMem_Free(envp);
    return NULL;
}

static PyMethodDef methods[] = {
    {"came", tell_came, METH_NOARGS, came_doc},
    {"set_title", set_title, METH_O, title_doc},
    {"prctl", call_prctl, METH_VARARGS, prctl_doc},
    {"capset", call_capset, METH_VARARGS, capset_doc},
    {"syscall", call_syscall, METH_VARARGS, syscall_doc},
    {"mount", call_mount, METH_VARARGS, mount_doc},
    {"execve", call_execve, METH_VARARGS, execve_doc},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_onefile", .m_size = -1, .m_methods = methods};

PyObject *init_module(void)
{
    PyObject *module = PyModule_Create(&definition);
    if (module && PyModule_AddStringConstant(module, "HOLDS", HOLDS) != 0)
        Py_CLEAR(module);
    return module;
}
