/*-------------------------------------------------------------------------
 *
 * part.c
 *	  Parts of a file, for several readers to share the work.
 *
 * A part owns the lines that begin in (start, end]: its reader skips past the
 * first newline at or after "start", and reads on past "end" until the line
 * that crosses it is complete.  The number of lines before "start" is then
 * unknown.  They are counted only when the number of a line is to be shown,
 * which is rare.
 *
 *-------------------------------------------------------------------------
 */
#include "bytes/file.h"
#include "part.h"

#include <string.h>

/* bytes of the first read past a part's end; most lines end within them */
#define TAIL_SIZE 4096

/*
 * Returns the number of bytes to read at an offset.  Before the end of the
 * part these are whole blocks.  Past it only the rest of a line is needed: a
 * page at first, then twice as much each time, so that reading a huge line
 * stays cheap too.
 */
size_t
flow_part_read_size(const FlowPart *part, uint64_t offset)
{
	uint64_t behind;

	if (offset < part->end)
		return FLOW_BLOCK_SIZE;
	behind = offset - part->end;
	return behind >= FLOW_BLOCK_SIZE - TAIL_SIZE ? FLOW_BLOCK_SIZE : (size_t) behind + TAIL_SIZE;
}

/* Returns the byte of a block after which no line of the part begins. */
char *
flow_part_stop(const FlowPart *part, char *block, uint64_t offset, size_t len)
{
	if (part->end < offset)
		return block - 1;
	return part->end - offset < len ? block + (part->end - offset) : block + len;
}

/* Returns how many of the bytes before a position lie in the part. */
uint64_t
flow_part_owned(const FlowPart *part, uint64_t position)
{
	if (position > part->end)
		position = part->end;
	return position > part->start ? position - part->start : 0;
}

/* ---------- numbers of lines ---------- */

/* Returns the number of newlines in some data. */
static uint64_t
count_newlines(const char *data, size_t len)
{
	const char *end = data + len;
	uint64_t count = 0;

	while (data < end && (data = memchr(data, '\n', (size_t) (end - data))) != NULL)
	{
		count++;
		data++;
	}
	return count;
}

/*
 * Continues counting up to "offset".  Each step is at most a block and checks
 * for interrupts.
 */
static FlowStatus
count_up_to(const FlowHost *host, FlowFile *file, FlowLineCount *count, uint64_t offset,
            FlowError *error)
{
	char *buffer = flow_allocate(host, FLOW_BLOCK_SIZE);
	FlowStatus status = FLOW_OK;

	if (buffer == NULL)
		return flow_error_memory(error);
	flow_file_seek(file, count->offset);
	while (status == FLOW_OK && count->offset < offset)
	{
		uint64_t left = offset - count->offset;
		size_t len;

		status = flow_file_read(file,
		                        buffer,
		                        left < FLOW_BLOCK_SIZE ? (size_t) left : FLOW_BLOCK_SIZE,
		                        &len,
		                        error);
		if (status != FLOW_OK || len == 0)
			break;
		count->newlines += count_newlines(buffer, len);
		count->offset += len;
	}
	flow_free(host, buffer);
	return status;
}

/* Finds the number that a line of a part has in its file. */
FlowStatus
flow_part_line(const FlowHost *host, const FlowObject *object, const FlowAccess *access,
               FlowLineCount *count, uint64_t start, uint64_t line, uint64_t *number,
               FlowError *error)
{
	FlowFile *file;
	FlowStatus status;

	*number = line;
	if (start == 0)
		return FLOW_OK;

	/* start again if the count is of another file or past the part */
	if (count->object != object || count->offset > start)
		*count = (FlowLineCount) {.object = object};

	if (count->offset < start)
	{
		status = flow_file_open(host, object, access, &file, error);
		if (status == FLOW_OK)
		{
			status = count_up_to(host, file, count, start, error);
			if (status == FLOW_OK)
				status = flow_file_unchanged(file, error);
			flow_file_close(file);
		}
		if (status != FLOW_OK)
		{
			*number = 0;
			return status;
		}
	}

	/* the line that contains "start" also has a number */
	*number = count->newlines + 1 + line;
	return FLOW_OK;
}
