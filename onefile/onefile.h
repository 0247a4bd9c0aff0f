/* What main.c found when it was started, for module.c to tell. */
#ifndef PYDROP_ONEFILE_H
#define PYDROP_ONEFILE_H
#include <stddef.h>

struct came {
    int argc;
    char **argv;
    char **environment; /* as the kernel laid it out, NULL at its end; libc's own is empty from the start on */
    int ignored[2];     /* whether SIGPIPE and SIGXFSZ came ignored */
    int blocked[4];     /* whether TERM, INT, HUP and QUIT came blocked */
    double began;       /* CLOCK_MONOTONIC, in seconds */
};
extern struct came came;

/* Where DUMPED is 1, the interpreter begins at build. memory.c: */
void *take_arena(void *unused, size_t size);
void give_arena(void *unused, void *memory, size_t size);
void seal_blocks(void);
extern int has_all; /* no block of the dump's is asked for any more */
/* sealing.c: */
struct _object;
void seal_objects(struct _object *list);
void seal_pools(void);
/* dump.c: */
extern int is_begun; /* in the dumped file, from its start on */
__attribute__((noreturn)) void stop_for_dump(void);
void make_anew(const char *self);

struct _object *init_module(void); /* PyInit of the module `_onefile` */
#endif
