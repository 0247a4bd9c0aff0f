/* The memory of this file's process, in place of musl's.
 *
 * musl's allocator hardens each kind of block by mappings of its own: CPython's start makes 500 system calls by it, two
 * thirds of all. Here blocks are cut from one region, whose pages cost nothing until they are touched, and from larger
 * mappings where that is used up. A freed block is kept for the next of its size; nothing is given back but what had a
 * mapping of its own. A start lives for milliseconds, PID 1 asks for little, and CPython's own allocator, which
 * has most of the objects, stands above. There is one thread.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { REGION = 1 << 20, MORE = 1 << 20, ALIGNED = 16, CLASSES = 96, OWN_MAPPING = 1 << 17 };

struct block {
    size_t size; /* of what is behind it, which is aligned as this is; the last bit is set where it is a mapping */
    struct block *next; /* while it is free */
};

static char region[REGION] __attribute__((aligned(4096)));
static char *top = region, *limit = region + REGION;
static struct block *freed[CLASSES];

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

static struct block *cut(size_t size)
{
    size_t whole = size + sizeof(struct block);
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
    if (wanted > OWN_MAPPING) {
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
    if (!memory)
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
    return memory && wanted <= OWN_MAPPING ? memset(memory, 0, wanted) : memory;
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

/* For greater alignments nobody asks here. */
void *aligned_alloc(size_t alignment, size_t wanted)
{
    return alignment <= ALIGNED ? malloc(wanted) : none();
}
