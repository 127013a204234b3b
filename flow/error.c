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

	va_start(args, format);
	vsnprintf(error->message, sizeof(error->message), format, args);
	va_end(args);

	return status;
}

void
flow_error_detail(FlowError *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->detail, sizeof(error->detail), format, args);
	va_end(args);
}

void
flow_error_hint(FlowError *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->hint, sizeof(error->hint), format, args);
	va_end(args);
}

void
flow_error_at(FlowError *error, const char *path, uint64_t line)
{
	snprintf(error->path, sizeof(error->path), "%s", path);
	error->line = line;
}

FlowStatus
flow_error_os(FlowError *error, int os_errno, const char *verb, const char *path)
{
	FlowStatus status;

	switch (os_errno)
	{
		case ENOENT:
		case ENOTDIR:
			status = FLOW_NOT_FOUND;
			break;
		case EACCES:
		case EPERM:
			status = FLOW_NO_PERMISSION;
			break;
		case ENOMEM:
			status = FLOW_NO_MEMORY;
			break;
		default:
			status = FLOW_IO;
			break;
	}

	flow_error_set(error, status, "could not %s \"%s\"", verb, path);
	error->os_errno = os_errno;
	return status;
}

FlowStatus
flow_error_memory(FlowError *error)
{
	return flow_error_set(error, FLOW_NO_MEMORY, "out of memory");
}

FlowStatus
flow_error_interrupted(FlowError *error)
{
	return flow_error_set(error, FLOW_INTERRUPTED, "interrupted");
}
