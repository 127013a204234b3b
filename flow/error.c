/*-------------------------------------------------------------------------
 *
 * error.c
 *	  Fills a FlowError.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_NAME 250 /* bytes of a path for which a message has room */

/* Starts a new error with a status and a primary message. */
FlowStatus
flow_error_set(FlowError *error, FlowStatus status, const char *format, ...)
{
	va_list args;

	error->status = status;
	error->os_errno = 0;
	error->detail[0] = '\0';
	error->hint[0] = '\0';
	error->path[0] = '\0';
	error->line = 0;
	error->column = -1;
	error->raw_len = 0;
	error->raw_cut = false;

	va_start(args, format);
	vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);

	return status;
}

/* Adds a detail to an error. */
void
flow_error_detail(FlowError *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->detail, sizeof(error->detail), format, args);
	va_end(args);
}

/* Adds a hint to an error. */
void
flow_error_hint(FlowError *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->hint, sizeof(error->hint), format, args);
	va_end(args);
}

/* Adds the file and line to an error. */
void
flow_error_at(FlowError *error, const char *path, uint64_t line)
{
	snprintf(error->path, sizeof(error->path), "%s", path);
	error->line = line;
}

/* Adds the beginning of a raw line or field to an error. */
void
flow_error_raw(FlowError *error, FlowSlice raw)
{
	error->raw_len = raw.len < FLOW_RAW_SHOWN ? raw.len : FLOW_RAW_SHOWN;
	error->raw_cut = raw.len > FLOW_RAW_SHOWN;
	if (error->raw_len > 0)
		memcpy(error->raw, raw.data, error->raw_len);
}

/* Returns the end of a path that fits in a message. */
const char *
flow_error_tail(const char *path, size_t most, const char **dots)
{
	size_t len = strlen(path);

	*dots = "";
	if (len <= most)
		return path;
	*dots = "...";
	path += len - most;
	for (int i = 0; i < 3 && (*path & 0xC0) == 0x80; i++) /* do not begin within a character */
		path++;
	return path;
}

/* Maps a system call's errno to a status. */
FlowStatus
flow_status_of_errno(int os_errno)
{
	switch (os_errno)
	{
		case ENOENT:
		case ENOTDIR:
			return FLOW_NOT_FOUND;
		case EACCES:
		case EPERM:
			return FLOW_NO_PERMISSION;
		case ENOMEM:
			return FLOW_NO_MEMORY;
		case EMFILE:
		case ENFILE:
		case ENOBUFS:
		case ENOSPC:
		case EDQUOT:
			return FLOW_NO_RESOURCES;
		default:
			return FLOW_IO;
	}
}

/* Fills an error for a failed system call. */
FlowStatus
flow_error_os(FlowError *error, int os_errno, const char *verb, const char *path)
{
	FlowStatus status = flow_status_of_errno(os_errno);
	const char *dots;

	path = flow_error_tail(path, MAX_NAME, &dots);
	flow_error_set(error, status, "could not %s \"%s%s\"", verb, dots, path);
	error->os_errno = os_errno;
	if (status == FLOW_NOT_FOUND)
		flow_error_hint(error, "Paths are those of the machine on which the server runs.");
	else if (status == FLOW_NO_PERMISSION)
		flow_error_hint(
			error,
			"The operating system user of the server must be able to read it, and to search "
			"the directories above it.");
	return status;
}

/* Fills an error for a failed allocation. */
FlowStatus
flow_error_memory(FlowError *error)
{
	return flow_error_set(error, FLOW_NO_MEMORY, "out of memory");
}

/* Fills an error for an interrupt by the host. */
FlowStatus
flow_error_interrupted(FlowError *error)
{
	return flow_error_set(error, FLOW_INTERRUPTED, "interrupted");
}
