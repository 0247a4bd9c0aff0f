/* without_vdso WORD...: becomes the words, in a process that the kernel has not told where its vdso is. */
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* On the stack of a program that begins: a count, the arguments, NULL, the environment, NULL, pairs of numbers. */
static void hide(pid_t child)
{
    struct user_regs_struct registers;
    ptrace(PTRACE_GETREGS, child, NULL, &registers);
    unsigned long place = registers.rsp + 8;
    for (int lists = 0; lists < 2; place += 8)
        lists += ptrace(PTRACE_PEEKDATA, child, (void *)place, NULL) == 0;
    for (long kind; (kind = ptrace(PTRACE_PEEKDATA, child, (void *)place, NULL)) != AT_NULL; place += 16)
        if (kind == AT_SYSINFO_EHDR)
            ptrace(PTRACE_POKEDATA, child, (void *)place, (void *)AT_IGNORE);
}

int main(int count, char **words)
{
    int status;
    pid_t child = count > 1 ? fork() : 0;
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, NULL, NULL);
        execv(words[1], words + 1);
        return 99;
    }
    waitpid(child, &status, 0); /* it stops when exec is done */
    hide(child);
    ptrace(PTRACE_DETACH, child, NULL, NULL);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}
