/* What CPython asks for and musl 1.2.3 has not: included in front of each of CPython's files.
 *
 * Without close_range(2) CPython closes each number on its own; init mode closes up to a million. */
#ifndef PYDROP_MUSL_EXTRA_H
#define PYDROP_MUSL_EXTRA_H
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_close_range
#define SYS_close_range 436
#endif

static inline int close_range(unsigned first, unsigned last, int flags)
{
    return (int)syscall(SYS_close_range, first, last, flags);
}
#endif
