/* Parts of musl's that this file has its own of. The linker takes these before it looks into the library.
 *
 * musl keeps the signals 32 to 34 to itself: they can be in no set, a mask is told without them, and the first handler
 * that is installed unblocks 33 and 34. But 34 is a program's SIGRTMIN wherever glibc is, and what came blocked or waits
 * must be handed over so. musl needs them where there is more than one thread; here there is never one.
 *

 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIGNALS = 64, BITS = 8 * sizeof(unsigned long), RESTORER = 0x04000000 };

int sigaddset(sigset_t *set, int number)
{
    unsigned bit = (unsigned)number - 1;
    if (bit >= SIGNALS) {
        errno = EINVAL;
        return -1;
    }
    set->__bits[bit / BITS] |= 1UL << bit % BITS;
    return 0;
}

int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict before)
{
    return syscall(SYS_rt_sigprocmask, how, set, before, SIGNALS / 8) == 0 ? 0 : errno;
}

/* As the kernel has it on the 64-bit machines that this is built for. */
struct kernels_action {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};
extern void __restore_rt(void); /* musl's own end of a handler, in assembler */

int sigaction(int number, const struct sigaction *restrict action, struct sigaction *restrict before)
{
    struct kernels_action now, was;
    if (action) {
        now.handler = action->sa_handler;
        now.flags = (unsigned long)action->sa_flags | RESTORER;
        now.restorer = __restore_rt;
        now.mask = action->sa_mask.__bits[0];
    }
    if (syscall(SYS_rt_sigaction, number, action ? &now : NULL, before ? &was : NULL, SIGNALS / 8) != 0)
        return -1;
    if (before) {
        *before = (struct sigaction){.sa_handler = was.handler, .sa_flags = (int)(was.flags & ~(unsigned long)RESTORER)};
        before->sa_mask.__bits[0] = was.mask;
    }
    return 0;
}

_Static_assert(sizeof(unsigned long) == 8, "the masks are of one word");
