/*-------------------------------------------------------------------------
 *
 * model_reader.h
 *	  The obvious reader of a file in memory. test_reader.c and fuzz_reader.c
 *	  compare the real one with it.
 *
 * Its records are "a b": two fields without blanks, separated by one blank.
 *
 *-------------------------------------------------------------------------
 */
#ifndef MODEL_READER_H
#define MODEL_READER_H

#include "unit.h"

#include <fcntl.h>
#include <sys/stat.h>

#define MODEL_REGEX "([^ ]*) ([^ ]*)"

static const FlowColumn model_columns[] = {
	{.name = "a",
     .type = FLOW_TEXT,
     .max_chars = -1,
     .precision = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
	{.name = "b",
     .type = FLOW_INT32,
     .max_chars = -1,
     .precision = -1,
     .scale = -1,
     .null_text = "-",
     .null_len = 1},
};

/* A line as read by the plain reader. */
typedef struct ModelLine
{
	const char *data;
	size_t len;
	bool blank;
	bool record; /* fields a and b are set */
	FlowSlice a, b;
} ModelLine;

/* Returns the line number of the current record. */
static inline uint64_t
model_line_number(FlowReader *reader)
{
	const char *path;
	uint64_t line;

	return flow_reader_position(reader, &path, &line) ? line : 0;
}

/* Reads the next line.  Returns false at the end. */
static inline bool
model_next_line(const char **next, const char *end, size_t max_line_length, ModelLine *line)
{
	const char *newline;
	const char *blank;

	memset(line, 0, sizeof(*line));
	if (*next == end)
		return false;
	newline = memchr(*next, '\n', (size_t) (end - *next));
	line->data = *next;
	line->len = (size_t) ((newline ? newline : end) - *next);
	*next = newline ? newline + 1 : end;
	if (line->len > 0 && line->data[line->len - 1] == '\r')
		line->len--;

	line->blank = line->len == 0;
	blank = line->blank ? NULL : memchr(line->data, ' ', line->len);
	if (blank == NULL || line->len > max_line_length || memchr(line->data, '\0', line->len) != NULL)
		return true;
	if (memchr(blank + 1, ' ', line->len - (size_t) (blank + 1 - line->data)) != NULL)
		return true;
	line->record = true;
	line->a = (FlowSlice) {line->data, (size_t) (blank - line->data)};
	line->b = (FlowSlice) {blank + 1, line->len - line->a.len - 1};
	return true;
}

/*
 * Writes a file with these bytes, and returns it as an object of a listing,
 * which refers to "path".
 */
static inline FlowObject
model_write(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct stat status;

	for (size_t done = 0; done < len;)
	{
		ssize_t written = write(fd, (const char *) data + done, len - done);

		if (written <= 0)
			abort();
		done += (size_t) written;
	}
	if (fd < 0 || fstat(fd, &status) != 0 || close(fd) != 0)
		abort();
	return (FlowObject) {
		.path = path,
		.size = (uint64_t) status.st_size,
		.modified = (int64_t) status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec,
		.device = status.st_dev,
		.inode = status.st_ino,
	};
}

static inline bool
model_same(FlowSlice a, FlowSlice b)
{
	return (a.data == NULL) == (b.data == NULL) && a.len == b.len &&
	       (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

#endif /* MODEL_READER_H */
