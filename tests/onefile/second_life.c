/* A program that onefile/dump.py makes a file of, as it does of the one file: begun once, it stops; the file goes on.
 * PLANT is a pointer out of the file that it keeps, which dump.py must refuse. */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

__asm__(".section .region,\"aw\",%nobits\n"
        ".balign 4096\n"
        "arenas: .zero 65536\n"
        ".previous\n");
extern char arenas[];
char *arenas_limit = arenas + (1 << 15);
static int is_begun;
static void *planted;

static void *mapping(void)
{
    return mmap(NULL, 1 << 16, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void *plant(int *on_stack)
{
    void *gone = mapping();
    munmap(gone, 1 << 16);
    switch (PLANT) {
    case 1:
        return on_stack;
    case 2:
        return (char *)getauxval(AT_SYSINFO_EHDR) + 64;
    case 3:
        return (char *)gone + 128;
    case 4:
        return mapping() == gone ? NULL : on_stack; /* and no pointer to it is kept */
    case 5: { /* what crashed a trial: the C library maps the time zone's file */
        time_t now = 0;
        setenv("TZ", ":/usr/share/zoneinfo/Europe/Berlin", 1);
        return localtime(&now) ? NULL : on_stack;
    }
    default:
        return NULL;
    }
}

int main(int count, char **words)
{
    int here = 0;
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) /* musl keeps where it is in the vdso */
        return 1;
    if (is_begun)
        return printf("%d %s %s\n", is_begun, count > 1 ? words[1] : "", getenv("CAME")), 0;
    is_begun = 7;
    planted = plant(&here);
    void *place = mapping();
    munmap(place, 1 << 16);
    dprintf(1, "%p\n", place);
    for (int *word = (int *)pthread_self(); gettid(); word++)
        if (*word == getpid())
            *word = 0;
    kill(getpid(), SIGSTOP);
    return planted != NULL;
}
