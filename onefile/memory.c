/* The memory of this file's process, in place of musl's.
 *
 * musl's allocator hardens each kind of block by mappings of its own: CPython's start makes 500 system calls by it, two
 * thirds of all. Here blocks are cut from one region, whose pages cost nothing until they are touched, and from larger
 * mappings where that is used up. A freed block is kept for the next of its size; nothing is given back but what had a
 * mapping of its own. A start lives for milliseconds, PID 1 asks for little, and CPython's own allocator, which
 * has most of the objects, stands above. There is one thread.
 *
 * Where the interpreter is begun at build (dump.c), all that it has by then must lie in the file's own writable segment:
 * blocks of any size in the one region, CPython's arenas in another behind everything else, whose unused end is no part
 * of the file. What was given out before the dump stays as it is: a page that no start writes to is never copied.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "onefile.h"

enum { REGION = DUMPED ? 5 << 19 : 1 << 20, ARENAS = 16 << 20, MORE = 1 << 20, ALIGNED = 16, CLASSES = 128, OWN_MAPPING = 1 << 17, LARGE = 72 /* the class of 4 KiB */ };

struct block {
    size_t size; /* of what is behind it, which is aligned as this is; the last bit is set where it is a mapping */
    struct block *next; /* while it is free */
};

static char region[REGION] __attribute__((aligned(4096)));
static char *top = region, *limit = region + REGION;
static struct block *freed[CLASSES];
static char *sealed = DUMPED ? NULL : region; /* what lies below was there at the dump; NULL before it */

int has_all; /* before the dump: a large block that is asked for from here on will be given back */

static void *none(void)
{
    errno = ENOMEM;
    return NULL;
}

static void *mapping(size_t size)
{
    void *found = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return found == MAP_FAILED ? none() : found;
}

/* The number of a block's class, and the size that all in it have: up to 1 KiB by 16 bytes, from there on four sizes to
 * each power of two. */
static unsigned class_of(size_t wanted, size_t *size)
{
    if (wanted <= 1024) {
        *size = wanted ? (wanted + ALIGNED - 1) & ~(size_t)(ALIGNED - 1) : ALIGNED;
        return (unsigned)(*size / ALIGNED);
    }
    unsigned power = 63 - (unsigned)__builtin_clzl(wanted - 1);
    size_t step = (size_t)1 << (power - 2);
    *size = (wanted + step - 1) & ~(step - 1);
    return 64 + (power - 10) * 4 + (unsigned)((*size - ((size_t)1 << power)) / step);
}

/* Before the dump, a large block that was freed is cut up: it would stay in the file as a hole. */
static char *hole, *hole_end;
static struct block *cut_from_hole(size_t whole)
{
    for (size_t i = CLASSES - 1; whole > (size_t)(hole_end - hole) && i >= LARGE; i--)
        if (freed[i] && freed[i]->size >= whole) {
            hole = (char *)freed[i];
            hole_end = hole + sizeof(struct block) + freed[i]->size;
            freed[i] = freed[i]->next;
            memset(hole, 0, (size_t)(hole_end - hole));
        }
    if (whole > (size_t)(hole_end - hole))
        return NULL;
    hole += whole;
    return (struct block *)(hole - whole);
}

static struct block *cut(size_t size)
{
    size_t whole = size + sizeof(struct block);
    struct block *found = sealed ? NULL : cut_from_hole(whole);
    if (found) {
        found->size = size;
        return found;
    }
    if (whole > (size_t)(limit - top)) {
        char *more = mapping(MORE);
        if (!more)
            return NULL;
        top = more;
        limit = more + MORE;
    }
    struct block *block = (struct block *)top;
    top += whole;
    block->size = size;
    return block;
}

static struct block *mapped(size_t wanted)
{
    size_t whole = (wanted + sizeof(struct block) + 4095) & ~(size_t)4095;
    struct block *block = mapping(whole);
    if (block)
        block->size = (whole - sizeof *block) | 1;
    return block;
}

void *malloc(size_t wanted)
{
    size_t size;
    if (wanted > PTRDIFF_MAX - 8192)
        return none();
    if (wanted > (sealed ? OWN_MAPPING : has_all ? 1 << 14 : SIZE_MAX)) {
        struct block *block = mapped(wanted);
        return block ? block + 1 : NULL;
    }
    struct block **kept = &freed[class_of(wanted, &size)], *block = *kept;
    if (block)
        *kept = block->next;
    else
        block = cut(size);
    return block ? block + 1 : NULL;
}

void free(void *memory)
{
    struct block *block = (struct block *)memory - 1;
    int before = errno;
    size_t size;
    if (!memory || ((char *)memory >= region && (char *)memory < sealed))
        return;
    if (block->size & 1) {
        munmap(block, (block->size & ~(size_t)1) + sizeof *block);
    } else {
        struct block **kept = &freed[class_of(block->size, &size)];
        block->next = *kept;
        *kept = block;
    }
    errno = before;
}

void *calloc(size_t count, size_t each)
{
    size_t wanted;
    if (__builtin_mul_overflow(count, each, &wanted))
        return none();
    void *memory = malloc(wanted);
    return memory && !(((struct block *)memory - 1)->size & 1) ? memset(memory, 0, wanted) : memory;
}

void *realloc(void *memory, size_t wanted)
{
    if (!memory)
        return malloc(wanted);
    size_t size = ((struct block *)memory - 1)->size & ~(size_t)1;
    if (wanted <= size && (wanted > size / 4 || size <= 1024))
        return memory;
    void *other = malloc(wanted);
    if (!other)
        return NULL;
    memcpy(other, memory, wanted < size ? wanted : size);
    free(memory);
    return other;
}

/* -- what a file has that is dumped -- */

#if DUMPED
/* In a section of its own, which the linker lays behind all others. */
__asm__(".section .region,\"aw\",%nobits\n"
        ".balign 4096\n"
        ".global arenas\n"
        "arenas: .zero 16777216\n"
        ".previous\n");
extern char arenas[];
char *arenas_top = arenas, *arenas_limit = arenas + ARENAS;

/* CPython's allocator takes its memory by these two. */
void *take_arena(void *unused, size_t size)
{
    (void)unused;
    if (size > (size_t)(arenas_limit - arenas_top))
        return mapping(size);
    void *found = arenas_top;
    arenas_top += size;
    return found;
}

void give_arena(void *unused, void *memory, size_t size)
{
    (void)unused;
    if ((char *)memory < arenas || (char *)memory >= arenas + ARENAS)
        munmap(memory, size);
    else if ((char *)memory + size == arenas_top)
        arenas_top = memory;
}

/* Blocks that are given out from now on lie in pages of their own, and what was freed holds nothing of the past. Of the
 * arenas' region so much stays as one more arena and what the interpreter's own stack of frames may take. */
void seal_blocks(void)
{
    for (size_t i = 0; i < CLASSES; i++)
        while (freed[i]) {
            struct block *block = freed[i];
            freed[i] = block->next;
            memset(block + 1, 0, block->size);
        }
    top = (char *)(((uintptr_t)top + 4095) & ~(uintptr_t)4095);
    sealed = top;
    arenas_limit = arenas_top + MORE + (MORE >> 4);
}
#endif

/* For greater alignments nobody asks here. */
void *aligned_alloc(size_t alignment, size_t wanted)
{
    return alignment <= ALIGNED ? malloc(wanted) : none();
}
