/*-------------------------------------------------------------------------
 *
 * tree.h
 *	  Directory trees for unit tests: plant() makes an empty one, fell()
 *	  removes it with everything in it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TREE_H
#define TREE_H

#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

static char root[128]; /* of the tree */

/* Returns the path of a name in the tree, valid for the next three calls. */
static inline const char *
at(const char *name)
{
	static char paths[4][6100];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s%s%s", root, name[0] == '\0' ? "" : "/", name);
	return path;
}

static inline void
must(bool condition, const char *what)
{
	if (!condition)
	{
		printf("Bail out! %s: %s\n", what, strerror(errno));
		exit(1);
	}
}

/*
 * Makes an empty tree in the directory that scripts/test names, which is in
 * memory: 100,000 files then take a second.
 */
static inline void
plant(void)
{
	const char *memory = getenv("FLOWLOG_MEMORY_DIR");

	snprintf(root, sizeof(root), "%s/unit_tree.XXXXXX", memory != NULL ? memory : unit_temporary());
	must(mkdtemp(root) != NULL, "mkdtemp");
	must(chmod(root, 0755) == 0, "chmod");
}

/*
 * Removes everything in a directory.  Uses descriptors, because some paths are
 * longer than a system call accepts.
 */
static inline void
empty_out(int fd)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;

	must(dir != NULL, "fdopendir");
	while ((entry = readdir(dir)) != NULL)
	{
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (entry->d_type == DT_DIR)
			empty_out(openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY));
		must(unlinkat(fd, entry->d_name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0) == 0,
		     entry->d_name);
	}
	closedir(dir);
}

static inline void
fell(void)
{
	empty_out(open(root, O_RDONLY | O_DIRECTORY));
	must(rmdir(root) == 0, "rmdir");
}

static inline void
directory(const char *name)
{
	char path[6000];

	snprintf(path, sizeof(path), "%s", at(name));
	for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')) != NULL; p++)
	{
		*p = '\0';
		must(mkdir(path, 0755) == 0 || errno == EEXIST, path);
		*p = '/';
	}
	must(mkdir(path, 0755) == 0 || errno == EEXIST, path);
}

/* Makes a file of "size" bytes, and the directories above it. */
static inline void
file(const char *name, int size)
{
	char parent[6000];
	const char *slash = strrchr(name, '/');
	int fd;

	if (slash != NULL)
	{
		snprintf(parent, sizeof(parent), "%.*s", (int) (slash - name), name);
		directory(parent);
	}
	fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);
	must(fd >= 0 && ftruncate(fd, size) == 0, name);
	close(fd);
}

/* Makes files of one byte each.  Their names are separated by blanks. */
static inline void
files(const char *names)
{
	char name[256];
	int len;

	for (; sscanf(names, " %255s%n", name, &len) == 1; names += len)
		file(name, 1);
}

static inline void
link_to(const char *target, const char *name)
{
	must(symlink(target, at(name)) == 0, name);
}

static inline int
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	must(dir != NULL, "opendir");
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

#endif /* TREE_H */
