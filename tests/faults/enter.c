/* In mount and PID namespaces that `unshare` has just made: lays a throwaway container's folders over the machine's own,
 * and becomes the command. In C, since as a shell's list of mount(8) it cost as much as the start that it is for.
 *
 * enter FOLDER NAMES COMMAND...   NAMES: files of /etc, with blanks between them, that are to be mount points.
 */

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAILED 99 /* an exit code that no test expects */

static int begins(const char *path, const char *with) { return strncmp(path, with, strlen(with)) == 0; }

static int is_below(const char *path, const char *folder)
{
	size_t size = strlen(folder);
	return begins(path, folder) && (path[size] == '/' || path[size] == '\0');
}

static void lay_over(const char *source, const char *target)
{
	if (mount(source, target, NULL, MS_BIND, NULL))
		err(FAILED, "%s over %s", source, target);
}

/* The other flags of the mount stay, as they do where mount(8) is asked to remount. */
static int read_only(const char *point)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	return mount_setattr(AT_FDCWD, point, 0, &attr, sizeof attr);
}

/* mountinfo writes a blank as \040. */
static void decode(char *text)
{
	char *to = text;
	for (; *text; text++, to++) {
		if (text[0] == '\\' && text[1] && text[2] && text[3]) {
			*to = (char)((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
			text += 3;
		} else {
			*to = *text;
		}
	}
	*to = '\0';
}

static int is_the_containers_too(const char *point)
{
	static const char *const trees[] = {"/proc", "/sys", "/dev", "/run", "/mnt"};
	for (size_t i = 0; i < sizeof trees / sizeof *trees; i++)
		if (is_below(point, trees[i]))
			return 1;
	return !strcmp(point, "/") || !strcmp(point, "/tmp") || !strcmp(point, "/var/tmp");
}

/* The machine's own volumes, /boot or /home, are none of the container's: read-only, no start has a word about them. */
static void set_apart(const char *folder)
{
	char *line = NULL, point[4096];
	size_t size = 0;
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	if (!mounts)
		err(FAILED, "/proc/self/mountinfo");
	while (getline(&line, &size, mounts) > 0) {
		if (sscanf(line, "%*s %*s %*s %*s %4095s", point) != 1)
			continue;
		decode(point);
		if (!is_the_containers_too(point) && !is_below(folder, point))
			read_only(point);
	}
	free(line);
	fclose(mounts);
}

static void hide_tmpfiles(const char *folder)
{
	struct stat info;
	if (stat(folder, &info) || !S_ISDIR(info.st_mode))
		return;
	lay_over("/mnt/home", folder);
	if (read_only(folder))
		err(FAILED, "%s", folder);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		errx(FAILED, "usage: enter FOLDER NAMES COMMAND...");
	set_apart(argv[1]);
	lay_over(argv[1], "/mnt");
	lay_over("/mnt/etc", "/etc");
	lay_over("/mnt/run", "/run");
	hide_tmpfiles("/usr/lib/tmpfiles.d");
	hide_tmpfiles("/usr/local/lib/tmpfiles.d");
	for (char *name = strtok(argv[2], " "); name; name = strtok(NULL, " ")) {
		char path[4096];
		snprintf(path, sizeof path, "/etc/%s", name);
		lay_over(path, path);
	}
	execvp(argv[3], argv + 3);
	warn("%s", argv[3]);
	return errno == ENOENT ? 127 : 126;
}
