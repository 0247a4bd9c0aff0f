/* A filesystem whose server is far away: `slowfs FOLDER ENTRIES OWNER MICROSECONDS THREADS` mounts it on FOLDER.

   It has ENTRIES entries, a hundred to a folder (the folder itself is one of them), all OWNER's, and holds them in
   memory, so that nothing costs but the wait. The kernel's questions (lookup, getattr, setattr, opendir, readdir, …) are
   each answered after MICROSECONDS, by as many THREADS at once; a thread waits without holding anything. It speaks
   the protocol of /dev/fuse itself: libfuse would start and end threads as it sees fit, and a server in Python answers
   one at a time, however many ask.

   It is like NFS in what the kernel may remember: names and attributes 3 s, those of folders 30 s (acregmin and
   acdirmin of nfs(5)); listing a folder brings names alone (nordirplus); locks are the kernel's own.

   A line on standard output says that it is mounted. SIGUSR1 ends the waiting, for those who want to look quickly. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { EACH = 100, BUFFER = 1 << 16, FOR_FILES = 3, FOR_FOLDERS = 30 };

struct owner {
    uint32_t uid, gid, mode;
};

static int device;
static uint64_t entries;
static struct owner *owners; /* by node: 1 is the top, entry number N is node N + 2 */
static volatile sig_atomic_t microseconds;

static int is_folder(uint64_t node) { return node == FUSE_ROOT_ID || (node - 2) % EACH == 0; }

static uint64_t folders(void) { return (entries + EACH - 1) / EACH; }

/* How many names the folder has. */
static uint64_t names(uint64_t node)
{
    if (node == FUSE_ROOT_ID)
        return folders();
    uint64_t left = entries - (node - 2);
    return (left < EACH ? left : EACH) - 1;
}

/* The node of the folder's name number `index`, from 0; its name is a number too. */
static uint64_t node_at(uint64_t folder, uint64_t index)
{
    return folder == FUSE_ROOT_ID ? 2 + index * EACH : folder + 1 + index;
}

static void on_hurry(int number)
{
    (void)number;
    microseconds = 0;
}

static void wait_as_asked(void)
{
    struct timespec time = {0, microseconds * 1000L};
    if (time.tv_nsec)
        nanosleep(&time, NULL);
}

static void reply(uint64_t unique, int error, const void *data, size_t size)
{
    struct fuse_out_header header = {.len = sizeof header + (error ? 0 : size), .error = -error, .unique = unique};
    struct iovec parts[] = {{&header, sizeof header}, {(void *)data, error ? 0 : size}};
    /* A question that was taken back meanwhile refuses its answer, ENOENT. */
    if (writev(device, parts, 2) < 0 && errno != ENOENT && errno != ENODEV)
        perror("slowfs: reply");
}

static struct fuse_attr attributes(uint64_t node)
{
    struct fuse_attr about = {.ino = node, .nlink = 1, .blksize = 4096};
    about.uid = owners[node].uid;
    about.gid = owners[node].gid;
    about.mode = owners[node].mode;
    if (is_folder(node))
        about.nlink = 2 + (node == FUSE_ROOT_ID ? folders() : 0);
    return about;
}

static void answer_attributes(uint64_t unique, uint64_t node)
{
    struct fuse_attr_out out = {.attr_valid = is_folder(node) ? FOR_FOLDERS : FOR_FILES, .attr = attributes(node)};
    reply(unique, 0, &out, sizeof out);
}

static void answer_lookup(uint64_t unique, uint64_t folder, const char *name)
{
    char *end;
    uint64_t index = strtoull(name, &end, 10);
    if (*end || end == name || index >= names(folder)) {
        reply(unique, ENOENT, NULL, 0);
        return;
    }
    uint64_t node = node_at(folder, index);
    struct fuse_entry_out out = {.nodeid = node, .attr = attributes(node)};
    out.entry_valid = out.attr_valid = is_folder(node) ? FOR_FOLDERS : FOR_FILES;
    reply(unique, 0, &out, sizeof out);
}

static void answer_setattr(uint64_t unique, uint64_t node, const struct fuse_setattr_in *in)
{
    if (in->valid & FATTR_UID)
        owners[node].uid = in->uid;
    if (in->valid & FATTR_GID)
        owners[node].gid = in->gid;
    if (in->valid & FATTR_MODE)
        owners[node].mode = in->mode;
    else if (!is_folder(node))
        owners[node].mode &= ~(uint32_t)(S_ISUID | S_ISGID);
    answer_attributes(unique, node);
}

static void answer_readdir(uint64_t unique, uint64_t folder, const struct fuse_read_in *in)
{
    char list[BUFFER];
    size_t used = 0, room = in->size < sizeof list ? in->size : sizeof list;
    for (uint64_t index = in->offset; index < names(folder); index++) {
        char name[24];
        uint64_t node = node_at(folder, index);
        struct fuse_dirent entry = {.ino = node, .off = index + 1, .type = is_folder(node) ? S_IFDIR >> 12 : S_IFREG >> 12};
        entry.namelen = (uint32_t)snprintf(name, sizeof name, "%llu", (unsigned long long)index);
        size_t size = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry.namelen);
        if (used + size > room)
            break;
        memset(list + used, 0, size);
        memcpy(list + used, &entry, FUSE_NAME_OFFSET);
        memcpy(list + used + FUSE_NAME_OFFSET, name, entry.namelen);
        used += size;
    }
    reply(unique, 0, list, used);
}

static void answer_init(uint64_t unique, const struct fuse_init_in *in)
{
    struct fuse_init_out out = {.major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION};
    out.max_readahead = in->max_readahead;
    out.max_write = 4096;
    /* Several looks into one folder at once; and who clears setuid at a change of owner is the server: both as in NFS. */
    out.flags = in->flags & (FUSE_PARALLEL_DIROPS | FUSE_HANDLE_KILLPRIV);
    reply(unique, 0, &out, sizeof out);
}

static void answer(const struct fuse_in_header *in, const void *body)
{
    struct fuse_open_out opened = {0};
    struct fuse_statfs_out statfs = {.st = {.bsize = 4096, .frsize = 4096, .namelen = 255}};
    switch (in->opcode) {
    case FUSE_INIT:
        answer_init(in->unique, body);
        return;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        return; /* the three that expect no answer */
    }
    wait_as_asked();
    switch (in->opcode) {
    case FUSE_LOOKUP:
        answer_lookup(in->unique, in->nodeid, body);
        break;
    case FUSE_GETATTR:
        answer_attributes(in->unique, in->nodeid);
        break;
    case FUSE_SETATTR:
        answer_setattr(in->unique, in->nodeid, body);
        break;
    case FUSE_READDIR:
        answer_readdir(in->unique, in->nodeid, body);
        break;
    case FUSE_OPENDIR:
        reply(in->unique, 0, &opened, sizeof opened);
        break;
    case FUSE_STATFS:
        reply(in->unique, 0, &statfs, sizeof statfs);
        break;
    case FUSE_RELEASEDIR:
        reply(in->unique, 0, NULL, 0);
        break;
    default:
        reply(in->unique, ENOSYS, NULL, 0); /* the kernel then does without, and does not ask again */
    }
}

static void *serve(void *unused)
{
    /* A read smaller than what the kernel may have to say fails. */
    _Alignas(16) char buffer[BUFFER];
    for (;;) {
        ssize_t size = read(device, buffer, sizeof buffer);
        if (size >= (ssize_t)sizeof(struct fuse_in_header))
            answer((void *)buffer, buffer + sizeof(struct fuse_in_header));
        else if (errno == ENODEV) /* unmounted */
            exit(0);
        else if (errno != EINTR && errno != EAGAIN && errno != ENOENT)
            return unused;
    }
}

static void fill(uint32_t owner)
{
    owners = calloc(entries + 2, sizeof *owners);
    if (!owners)
        exit(1);
    for (uint64_t node = FUSE_ROOT_ID; node < entries + 2; node++)
        owners[node] = (struct owner){owner, owner, is_folder(node) ? S_IFDIR | 0755 : S_IFREG | 0644};
}

static void start_threads(int count)
{
    pthread_t thread;
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 4 * BUFFER);
    while (count-- > 0)
        if (pthread_create(&thread, &small, serve, NULL))
            exit(1);
}

int main(int count, char **words)
{
    char options[128];

    if (count != 6)
        return 2;
    entries = strtoull(words[2], NULL, 10);
    microseconds = atoi(words[4]);
    fill((uint32_t)strtoul(words[3], NULL, 10));
    signal(SIGUSR1, on_hurry);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0); /* or each wait is 50 microseconds longer; threads inherit it */
    device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions", device);
    if (device < 0 || mount("slowfs", words[1], "fuse.slowfs", MS_NOSUID | MS_NODEV, options) < 0) {
        perror("slowfs: mount");
        return 1;
    }
    start_threads(atoi(words[5]));
    puts("mounted");
    fflush(stdout);
    for (;;)
        pause();
}
