/* Two parts of CPython's that this file has its own of. The linker takes these before it looks into the library.
 *
 * - getpath.c computes where modules lie, and to do so looks for pyvenv.cfg and others, in the working folder too. Here
 *   modules lie nowhere.
 * - frozen.c holds the modules that CPython needs for its own start. Here all modules are frozen: frozen.py writes
 *   them, and frozen_table.h which is where.
 */
#include <Python.h>

#include "internal/pycore_import.h"
#include "internal/pycore_initconfig.h"

PyStatus _PyConfig_InitPathConfig(PyConfig *config, int compute)
{
    (void)config, (void)compute;
    return PyStatus_Ok();
}

__asm__(".section .rodata\n"
        ".balign 16\n"
        ".global pydrop_frozen\n"
        "pydrop_frozen: .incbin \"" FROZEN_FILE "\"\n"
        ".previous\n");
extern const unsigned char pydrop_frozen[];

#define MODULE(NAME, OFFSET, SIZE, IS_PACKAGE) {NAME, pydrop_frozen + OFFSET, SIZE, IS_PACKAGE},
static const struct _frozen all[] = {
#include "frozen_table.h"
    {0, 0, 0, 0},
};
static const struct _frozen none[] = {{0, 0, 0, 0}};
static const struct _module_alias no_aliases[] = {{0, 0}};

const struct _frozen *_PyImport_FrozenBootstrap = all;
const struct _frozen *_PyImport_FrozenStdlib = none;
const struct _frozen *_PyImport_FrozenTest = none;
const struct _frozen *PyImport_FrozenModules = NULL;
const struct _module_alias *_PyImport_FrozenAliases = no_aliases;
