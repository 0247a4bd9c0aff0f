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

struct _object *init_module(void); /* PyInit of the module `_onefile` */
#endif
