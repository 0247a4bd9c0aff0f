/* What is there at the dump is never written to again, so that its pages stay the page cache's, and nobody's own.
 *
 * Counts of references are what would be written most: all objects are made immortal (PEP 683). The next is memory that
 * is given out beside them: to CPython's allocator each of its pools looks full, and to memory.c nothing is free.
 */
#define _GNU_SOURCE
#include <Python.h>

#include <string.h>
#include <sys/mman.h>

#include "internal/pycore_code.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_object.h"
#include "internal/pycore_obmalloc.h"
#include "internal/pycore_opcode_metadata.h"
#include "internal/pycore_unicodeobject.h"

#include "onefile.h"

/* -- objects -- */

enum { MOST = 1 << 20 };
static PyObject **waiting; /* immortal already, and what they refer to is not yet looked at */
static size_t count;

static int immortalize(PyObject *object, void *unused)
{
    (void)unused;
    if (!object || _Py_IsImmortal(object) || count == MOST)
        return 0;
    if (PyUnicode_CheckExact(object) && PyUnicode_CHECK_INTERNED(object))
        _PyUnicode_InternImmortal(_PyInterpreterState_GET(), &object);
    else
        _Py_SetImmortalUntracked(object);
    if (PyUnicode_CheckExact(object) || PyBytes_CheckExact(object))
        (void)PyObject_Hash(object); /* which is kept in it */
    waiting[count++] = object;
    return 0;
}

static void immortalize_each(PyObject *const *objects, size_t number)
{
    for (size_t i = 0; i < number; i++)
        immortalize(objects[i], NULL);
}

#define IMMORTALIZE(...)                                                                                                    \
    do {                                                                                                                    \
        PyObject *const parts[] = {__VA_ARGS__};                                                                            \
        immortalize_each(parts, sizeof parts / sizeof *parts);                                                              \
    } while (0)

static void parts_of_dict(PyObject *dict)
{
    Py_ssize_t place = 0;
    for (PyObject *key, *value; PyDict_Next(dict, &place, &key, &value);)
        IMMORTALIZE(key, value);
}

/* What the first call of a function writes into its code. */
static void mark_called(PyCodeObject *code)
{
    _Py_CODEUNIT *at = _PyCode_CODE(code), *end = at + Py_SIZE(code);
    for (; at < end; at += 1 + _PyOpcode_Caches[_PyOpcode_Deopt[at->op.code]])
        if (at->op.code == RESUME)
            at->op.code = RESUME_CHECK;
}

static void parts_of_code(PyCodeObject *code)
{
    mark_called(code);
    IMMORTALIZE(code->co_consts, code->co_names, code->co_exceptiontable, code->co_localsplusnames, code->co_localspluskinds,
                code->co_filename, code->co_name, code->co_qualname, code->co_linetable);
}

static void parts_of_type(PyTypeObject *type)
{
    (void)PyUnstable_Type_AssignVersionTag(type); /* else the first look-up does */
    IMMORTALIZE(PyType_GetDict(type), type->tp_mro, type->tp_bases, type->tp_cache);
    if (PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE)) {
        PyHeapTypeObject *heap = (PyHeapTypeObject *)type;
        IMMORTALIZE(heap->ht_name, heap->ht_qualname, heap->ht_slots, heap->ht_module);
    }
}

/* What the collector of garbage would find, and what that need not look at. */
static void parts_of(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    immortalize((PyObject *)type, NULL);
    if (PyDict_Check(object))
        parts_of_dict(object);
    else if (PyCode_Check(object))
        parts_of_code((PyCodeObject *)object);
    else if (PyType_Check(object))
        parts_of_type((PyTypeObject *)object);
    if (type->tp_traverse && PyObject_IS_GC(object))
        type->tp_traverse(object, immortalize, NULL);
}

/* All that is reachable from what the list holds, and that too. */
void seal_objects(PyObject *list)
{
    size_t size = MOST * sizeof *waiting;
    waiting = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        immortalize(PyList_GET_ITEM(list, i), NULL);
        parts_of(PyList_GET_ITEM(list, i)); /* those that CPython has made immortal itself too */
        while (count)
            parts_of(waiting[--count]);
    }
    munmap(waiting, size);
    waiting = NULL;
}

/* -- memory -- */

/* A pool that is in use looks as one that has no free block. An empty one is as one that was never used. */
static void seal_pool(poolp pool)
{
    struct pool_header was = *pool;
    if (was.ref.count == 0) {
        memset(pool, 0, POOL_SIZE);
        pool->nextpool = was.nextpool;
        pool->arenaindex = was.arenaindex;
        pool->szidx = DUMMY_SIZE_IDX;
        return;
    }
    for (pymem_block *block = was.freeblock, *next; block; block = next) {
        next = *(pymem_block **)block;
        memset(block, 0, (size_t)(was.szidx + 1) << ALIGNMENT_SHIFT);
    }
    pool->freeblock = NULL;
    pool->nextoffset = was.maxnextoffset + 1;
    pool->nextpool = pool->prevpool = NULL;
}

void seal_pools(void)
{
    struct _obmalloc_state *state = _PyInterpreterState_GET()->obmalloc;
    for (size_t i = 0; i < state->mgmt.maxarenas; i++) {
        struct arena_object *arena = &state->mgmt.arenas[i];
        uintptr_t pool = _Py_SIZE_ROUND_UP(arena->address, POOL_SIZE);
        for (; arena->address && pool < (uintptr_t)arena->pool_address; pool += POOL_SIZE)
            seal_pool((poolp)pool);
    }
    for (size_t i = 0; i < OBMALLOC_USED_POOLS_SIZE; i++) /* as in pycore_obmalloc_init.h: no pool is in the list */
        state->pools.used[i] = (poolp)((char *)&state->pools.used[i & ~(size_t)1] - 2 * sizeof(pymem_block *));
}
