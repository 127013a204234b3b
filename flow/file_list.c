/*-------------------------------------------------------------------------
 *
 * file_list.c
 *	  Walks local directories for the files of a location.
 *
 * One directory is open at a time: the names of its directories are kept, and
 * they are opened by their complete path once it is closed.  So a walk needs
 * one descriptor, however deep it goes, which matters in a server with few
 * descriptors.  By then a path may lead elsewhere, which does no harm, because
 * each directory is checked after it is opened; files are examined relative to
 * their open directory.
 *
 * A file that exists when its directory is read, but not when the file is
 * examined, is an error and not left out: it may have been renamed, and this
 * walk would not find it under its new name.
 *
 *-------------------------------------------------------------------------
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* O_PATH */
#endif
#include "bytes/file.h"
#include "location_match.h"
#include "objects.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DEPTH 64  /* directories below the fixed part */
#define MAX_PATH 4096 /* limit of open(), including the NUL */
#define MAX_SHOWN 200 /* bytes of a path in a message */

/* A directory to be read, on a stack; its name precedes it there. */
typedef struct Pending
{
	FlowSegments segments;
	uint32_t depth;
	uint32_t name_len;
} Pending;

/* A directory from the fixed part down to the current one, both included. */
typedef struct Ancestor
{
	dev_t device;
	ino_t inode;
	size_t path_len;
} Ancestor;

typedef struct Walk
{
	const FlowHost *host;
	const FlowLocation *location;
	const FlowAccess *access;
	FlowListLimits limits;
	const FlowPruner *pruner; /* NULL: there is none */
	bool has_variables;       /* the location has variables */
	FlowObjects *objects;
	FlowError *error;

	int64_t started;
	size_t entries;           /* seen so far */
	size_t entries_per_check; /* between two checks of the host's flag and clock */

	char *stack; /* of Pending */
	size_t stack_used, stack_size;

	int depth;
	Ancestor ancestors[MAX_DEPTH + 1]; /* by depth */
	size_t path_len;                   /* of the current directory */
	char path[MAX_PATH];               /* the current directory, and a name in it */
	FlowPathValue values[FLOW_MAX_VARIABLES];
} Walk;

/*
 * Counts an entry, and now and then checks for interrupts and limits.  With
 * "now", which is for opening a directory because that may take long, it
 * checks at once and counts nothing.  FLOW_END when a limit is reached.
 */
static FlowStatus
check_host(Walk *walk, bool now)
{
	const FlowHost *host = walk->host;

	if (!now && walk->limits.entries != 0 && walk->entries >= walk->limits.entries)
		return FLOW_END;
	if (!now && ++walk->entries % walk->entries_per_check != 0)
		return FLOW_OK;

	if (flow_interrupted(host))
		return flow_error_interrupted(walk->error);
	if (walk->limits.microseconds != 0 &&
	    host->clock(host->arg) - walk->started >= walk->limits.microseconds)
		return FLOW_END;
	return FLOW_OK;
}

/* Appends a name to the current directory's path. */
static FlowStatus
set_name(Walk *walk, const char *name, size_t len)
{
	size_t at = walk->path_len;

	if (walk->path[at - 1] != '/')
		walk->path[at++] = '/';
	if (len >= MAX_PATH - at)
	{
		walk->path[walk->path_len] = '\0';
		flow_error_os(walk->error, ENAMETOOLONG, "read directory", walk->path);
		flow_error_detail(walk->error,
		                  "The path of an entry is longer than %d bytes.",
		                  MAX_PATH - 1);
		return walk->error->status;
	}
	memcpy(walk->path + at, name, len);
	walk->path[at + len] = '\0';
	return FLOW_OK;
}

/* ---------- the stack of directories to be read ---------- */

/* Pushes a directory that is to be read. */
static FlowStatus
push(Walk *walk, const char *name, size_t len, FlowSegments segments)
{
	Pending pending = {segments, (uint32_t) walk->depth + 1, (uint32_t) len};
	size_t need = walk->stack_used + len + sizeof(pending);

	if (need > walk->stack_size)
	{
		size_t size = need * 2;
		char *stack = flow_allocate(walk->host, size);

		if (stack == NULL)
			return flow_error_memory(walk->error);
		if (walk->stack_used > 0)
			memcpy(stack, walk->stack, walk->stack_used);
		flow_free(walk->host, walk->stack);
		walk->stack = stack;
		walk->stack_size = size;
	}

	memcpy(walk->stack + walk->stack_used, name, len);
	memcpy(walk->stack + walk->stack_used + len, &pending, sizeof(pending));
	walk->stack_used = need;
	return FLOW_OK;
}

/*
 * Makes the top of the stack the current directory.  It was found in the last
 * directory that is not yet done, so the ancestors above it are still its own.
 */
static FlowStatus
pop(Walk *walk, FlowSegments *segments)
{
	const char *path, *dots;
	Pending pending;
	FlowStatus status;

	walk->stack_used -= sizeof(pending);
	memcpy(&pending, walk->stack + walk->stack_used, sizeof(pending));
	walk->stack_used -= pending.name_len;

	/* the path is that of the parent and the name */
	walk->path_len = walk->ancestors[pending.depth - 1].path_len;
	status = set_name(walk, walk->stack + walk->stack_used, pending.name_len);
	if (status != FLOW_OK)
		return status;
	walk->path_len += strlen(walk->path + walk->path_len);

	/* descend, but not too deep */
	if (pending.depth > MAX_DEPTH)
	{
		path = flow_error_tail(walk->path, MAX_SHOWN, &dots);
		flow_error_set(walk->error,
		               FLOW_LIMIT,
		               "directory \"%s%s\" is nested too deeply",
		               dots,
		               path);
		flow_error_detail(walk->error,
		                  "At most %d levels below \"%s\" are read.",
		                  MAX_DEPTH,
		                  flow_location_fixed(walk->location));
		return walk->error->status;
	}
	walk->depth = (int) pending.depth;
	*segments = pending.segments;
	return FLOW_OK;
}

/* ---------- a directory ---------- */

/*
 * Checks that the directory open as fd may be read and is not one of its own
 * ancestors.
 */
static FlowStatus
check_directory(Walk *walk, int fd)
{
	Ancestor *self = &walk->ancestors[walk->depth];
	const char *path, *dots;
	struct stat st;
	FlowStatus status;

	status = flow_file_allowed(walk->host, fd, walk->path, walk->access, walk->error);
	if (status != FLOW_OK)
		return status;
	if (fstat(fd, &st) != 0)
		return flow_error_os(walk->error, errno, "stat directory", walk->path);

	*self = (Ancestor) {st.st_dev, st.st_ino, walk->path_len};
	for (const Ancestor *a = walk->ancestors; a < self; a++)
		if (a->device == self->device && a->inode == self->inode)
		{
			path = flow_error_tail(walk->path, MAX_SHOWN, &dots);
			flow_error_set(walk->error,
			               FLOW_LIMIT,
			               "directory \"%s%s\" contains itself through a link",
			               dots,
			               path);
			flow_error_detail(walk->error,
			                  "It is the directory \"%.*s\".",
			                  (int) a->path_len,
			                  walk->path);
			return walk->error->status;
		}
	return FLOW_OK;
}

/* Opens and checks the current directory. */
static FlowStatus
open_directory(Walk *walk, DIR **dir)
{
	FlowStatus status;
	int fd;

	do
	{
		status = check_host(walk, true);
		if (status != FLOW_OK)
			return status;
		fd = open(walk->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	} while (fd < 0 && errno == EINTR);
	if (fd < 0)
		return flow_error_os(walk->error, errno, "open directory", walk->path);

	status = check_directory(walk, fd);
	if (status == FLOW_OK && (*dir = fdopendir(fd)) == NULL)
		status = flow_error_os(walk->error, errno, "open directory", walk->path);
	if (status != FLOW_OK)
		close(fd);
	return status;
}

/*
 * Gets the status of the file that walk->path names, following links.  With
 * "check", it must be allowed itself: a file that is reached through a link,
 * or named by the location, is in no directory whose opening was allowed, and
 * a listing must not reveal files that may not be read.
 */
static FlowStatus
stat_file(Walk *walk, int directory, const char *name, bool check, struct stat *st)
{
	FlowStatus status;
	int fd;

	if (!check || walk->access->count == 0)
	{
		if (fstatat(directory, name, st, 0) != 0)
			return flow_error_os(walk->error, errno, "stat file", walk->path);
		return FLOW_OK;
	}

	fd = openat(directory, name, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return flow_error_os(walk->error, errno, "open file", walk->path);
	status = flow_file_allowed(walk->host, fd, walk->path, walk->access, walk->error);
	if (status == FLOW_OK && fstat(fd, st) != 0)
		status = flow_error_os(walk->error, errno, "stat file", walk->path);
	close(fd);
	return status;
}

/* ---------- what is found ---------- */

/* Keeps a directory for reading if files of the location may be in it. */
static FlowStatus
add_directory(Walk *walk, const char *name, size_t len, FlowSegments segments)
{
	FlowStatus status;
	bool more;
	bool keep;

	if (!walk->has_variables)
		return push(walk, name, len, segments);
	status = set_name(walk, name, len);
	if (status != FLOW_OK)
		return status;

	/* no file of the location has a path such as ".../2024/02/30/x" */
	if (!flow_location_directory_values(walk->location, walk->path, walk->values, &more))
		return FLOW_OK;
	if (more)
	{
		status = flow_objects_prune_directory(walk->objects,
		                                      walk->pruner,
		                                      walk->values,
		                                      &keep,
		                                      walk->error);
		if (status != FLOW_OK || !keep)
			return status;
	}
	return push(walk, name, len, segments);
}

/* Adds the file of walk->path, unless it is empty or pruned. */
static FlowStatus
add_file(Walk *walk, const struct stat *st)
{
	FlowObject object = {.path = walk->path};
	const char *path, *dots;
	FlowStatus status;
	bool keep;

	if (!S_ISREG(st->st_mode))
	{
		path = flow_error_tail(walk->path, MAX_SHOWN, &dots);
		return flow_error_set(walk->error,
		                      FLOW_NOT_REGULAR,
		                      "\"%s%s\" is neither a regular file nor a directory",
		                      dots,
		                      path);
	}

	/* leave out files that the location does not mean, and empty ones */
	if (walk->has_variables && !flow_location_values(walk->location, walk->path, walk->values))
		return FLOW_OK;
	if (st->st_size == 0)
	{
		walk->objects->skipped++;
		return FLOW_OK;
	}

	/* describe it */
	object.size = (uint64_t) st->st_size;
	object.modified =
		(int64_t) ((uint64_t) st->st_mtim.tv_sec * 1000000000 + (uint64_t) st->st_mtim.tv_nsec);
	object.changed =
		(int64_t) ((uint64_t) st->st_ctim.tv_sec * 1000000000 + (uint64_t) st->st_ctim.tv_nsec);
	object.device = st->st_dev;
	object.inode = st->st_ino;

	status = flow_objects_prune(
		walk->objects, walk->location, walk->pruner, &object, walk->values, &keep, walk->error);
	if (status != FLOW_OK || !keep)
		return status;
	return flow_objects_add(walk->host, walk->objects, &object, walk->error);
}

/*
 * Counts a name that matches but is hidden.  Where only a directory can match,
 * it must be one; if that cannot be determined, it is not counted, and no
 * error is raised.
 */
static void
count_hidden(Walk *walk, int fd, const char *name, bool file)
{
	struct stat st;

	if (file || (fstatat(fd, name, &st, 0) == 0 && S_ISDIR(st.st_mode)))
		walk->objects->skipped++;
}

/* Handles an entry of the directory open as fd. */
static FlowStatus
take_entry(Walk *walk, int fd, const struct dirent *entry, FlowSegments segments)
{
	const char *name = entry->d_name;
	size_t len = strlen(name);
	FlowNameMatch match = flow_location_match(walk->location, segments, name, len);
	struct stat st;
	FlowStatus status;

	if (match.below == 0)
		return FLOW_OK;
	if (match.hidden)
	{
		count_hidden(walk, fd, name, match.file);
		return FLOW_OK;
	}

	/* avoids most calls of fstatat in a search for "**" */
	if (entry->d_type == DT_DIR)
		return add_directory(walk, name, len, match.below);
	if (!match.file && entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
		return FLOW_OK;

	/* examine other entries, following links */
	status = set_name(walk, name, len);
	if (status == FLOW_OK)
		status = stat_file(walk, fd, name, entry->d_type != DT_REG, &st);
	if (status != FLOW_OK)
		return status;

	if (S_ISDIR(st.st_mode))
		return add_directory(walk, name, len, match.below);
	if (!match.file)
		return FLOW_OK;

	/* a test file of AWS is not a log */
	if (S_ISREG(st.st_mode) && strcmp(name, "aws-logs-write-test") == 0)
	{
		walk->objects->skipped++;
		return FLOW_OK;
	}
	return add_file(walk, &st);
}

/* Reads the current directory. */
static FlowStatus
read_directory(Walk *walk, FlowSegments segments)
{
	DIR *dir = NULL;
	FlowStatus status = open_directory(walk, &dir);

	if (status != FLOW_OK)
		return status;
	walk->objects->directories_read++;

	while (status == FLOW_OK)
	{
		const struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (entry == NULL)
		{
			walk->path[walk->path_len] = '\0';
			if (errno != 0)
				status = flow_error_os(walk->error, errno, "read directory", walk->path);
			break;
		}
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;

		status = check_host(walk, false);
		if (status == FLOW_OK)
			status = take_entry(walk, dirfd(dir), entry, segments);
	}

	closedir(dir);
	return status;
}

/* ---------- the walk ---------- */

/* Reads the fixed part, and every directory found below it. */
static FlowStatus
walk_down(Walk *walk)
{
	FlowSegments segments = flow_location_start(walk->location);
	FlowStatus status = read_directory(walk, segments);

	while (status == FLOW_OK && walk->stack_used > 0)
	{
		status = pop(walk, &segments);
		if (status == FLOW_OK)
			status = read_directory(walk, segments);
	}
	flow_free(walk->host, walk->stack);

	/* only the list tells that a limit ended the walk */
	if (status == FLOW_END)
	{
		walk->objects->complete = false;
		status = FLOW_OK;
	}
	return status;
}

/* Begins at the fixed part of a location. */
static FlowStatus
begin_walk(Walk *walk)
{
	const char *fixed = flow_location_fixed(walk->location);

	walk->entries_per_check = flow_location_names_per_check(walk->location);
	walk->path_len = strlen(fixed);
	if (walk->path_len >= MAX_PATH)
		return flow_error_os(walk->error, ENAMETOOLONG, "open directory", fixed);
	memcpy(walk->path, fixed, walk->path_len + 1);
	return FLOW_OK;
}

/* Adds the files of a location to a list. */
FlowStatus
flow_file_list(const FlowHost *host, const FlowLocation *location, const FlowAccess *access,
               const FlowListLimits *limits, const FlowPruner *pruner, FlowObjects *objects,
               FlowError *error)
{
	Walk walk = {.host = host,
	             .location = location,
	             .access = access,
	             .pruner = pruner,
	             .objects = objects,
	             .error = error};
	const char *fixed = flow_location_fixed(location);
	struct stat st;
	FlowStatus status;
	int nvariables;

	(void) flow_location_variables(location, &nvariables);
	walk.has_variables = nvariables > 0;
	if (limits != NULL)
		walk.limits = *limits;
	if (walk.limits.microseconds != 0)
		walk.started = host->clock(host->arg);

	if ((status = begin_walk(&walk)) != FLOW_OK)
		return status;

	if (flow_location_has_wildcard(location))
		status = walk_down(&walk);
	else
	{
		status = stat_file(&walk, AT_FDCWD, fixed, true, &st);
		if (status == FLOW_OK)
			status = S_ISDIR(st.st_mode) ? walk_down(&walk) : add_file(&walk, &st);
	}

	/* a message may show only a part of a long path */
	if (status != FLOW_OK && status != FLOW_INTERRUPTED && error->path[0] == '\0')
		flow_error_at(error, walk.path, 0);
	return status;
}

/* Checks that the fixed part of a location may be read as a directory. */
FlowStatus
flow_file_check(const FlowHost *host, const FlowLocation *location, const FlowAccess *access,
                FlowError *error)
{
	Walk walk = {.host = host, .location = location, .access = access, .error = error};
	DIR *dir = NULL;
	FlowStatus status = begin_walk(&walk);

	if (status == FLOW_OK)
		status = open_directory(&walk, &dir);
	if (dir != NULL)
		closedir(dir);
	if (status != FLOW_OK && status != FLOW_INTERRUPTED && error->path[0] == '\0')
		flow_error_at(error, walk.path, 0);
	return status;
}
