/*-------------------------------------------------------------------------
 *
 * probe.c
 *	  Finds a file's compression, its wrapper and the fields of its records,
 *	  from its beginning.
 *
 *-------------------------------------------------------------------------
 */
#include "bytes/source.h"
#include "layout.h"

#include <string.h>

/*
 * Returns the first line that is not empty, without its newline and carriage
 * return, and its number.
 */
static FlowSlice
first_line(const char *data, size_t len, uint64_t *number)
{
	const char *end = data + len;

	*number = 0;

	if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
		data += 3; /* a byte order mark */
	while (data < end)
	{
		const char *newline = memchr(data, '\n', (size_t) (end - data));
		FlowSlice line = {data, (size_t) ((newline != NULL ? newline : end) - data)};

		++*number;
		if (line.len > 0 && line.data[line.len - 1] == '\r')
			line.len--;
		if (line.len > 0)
			return line;
		data = newline != NULL ? newline + 1 : end;
	}
	*number = 0;
	return (FlowSlice) {NULL, 0};
}

/* Says why the names of the fields are not known. */
static void
explain(FlowSlice line, FlowProbe *probe, FlowError *error)
{
	flow_error_set(error, FLOW_BAD_HEADER, "flow log has no header");
	if (line.len == 0)
		return;
	probe->no_messages = probe->timed && line.data[0] == '\0';
	probe->misfit = flow_default_explain(line, probe->timed, error);
}

/*
 * Finds the names of the fields: those of the line if it is a header,
 * otherwise those of files without a header.
 */
static FlowStatus
find_names(FlowSlice line, const char *log_format, FlowProbe *probe, FlowNames *names,
           FlowError *error)
{
	const char *blank = probe->timed && line.len > 0 ? memchr(line.data, ' ', line.len) : NULL;
	size_t skipped = blank != NULL ? (size_t) (blank + 1 - line.data) : 0;

	if (line.len > 0 && flow_header_read(line.data + skipped, line.len - skipped, names) &&
	    flow_header_is_likely(names, 1) && (names->repeated < 0 || log_format == NULL))
	{
		probe->source = FLOW_FIELDS_OF_HEADER;
		return names->repeated < 0 ? FLOW_OK : flow_names_repeated_error(names, error);
	}
	else if (log_format != NULL)
	{
		probe->source = FLOW_FIELDS_OF_LOG_FORMAT;
		return flow_log_format_read(log_format, names, error);
	}
	else if (line.len > 0 && flow_default_fits(line.data, line.len, probe->timed))
	{
		probe->source = FLOW_FIELDS_OF_DEFAULT;
		flow_default_names(names);
	}
	else
		explain(line, probe, error);
	return FLOW_OK;
}

/*
 * Copies the names in small letters, each ending with a NUL, after an array of
 * pointers to them.
 */
static FlowStatus
copy_names(const FlowHost *host, const FlowNames *names, FlowProbe *probe, FlowError *error)
{
	size_t size = (size_t) names->count * sizeof(char *);
	char *text;

	for (int i = 0; i < names->count; i++)
		size += names->items[i].len + 1;
	probe->fields = flow_allocate(host, size + 1);
	if (probe->fields == NULL)
		return flow_error_memory(error);
	text = (char *) (probe->fields + names->count);
	for (int i = 0; i < names->count; i++)
	{
		flow_name_write(names->items[i], text);
		probe->fields[i] = text;
		text += names->items[i].len + 1;
	}
	probe->nfields = names->count;
	return FLOW_OK;
}

/* Reads the first block of an open file and finds the names of its fields. */
static FlowStatus
probe_source(const FlowHost *host, const FlowObject *object, FlowSource *source,
             const char *log_format, FlowProbe *probe, FlowError *error)
{
	char *block = flow_allocate(host, FLOW_BLOCK_SIZE);
	FlowStatus status, copied = FLOW_OK;
	FlowNames names;
	FlowError failure;
	FlowSlice line;
	uint64_t number;
	size_t len;

	if (block == NULL)
		return flow_error_memory(error);
	status = flow_source_read(source, block, FLOW_BLOCK_SIZE, &len, error);
	if (status == FLOW_OK)
	{
		line = first_line(block, len, &number);
		status = find_names(line, log_format, probe, &names, error);
		if (status != FLOW_OK || probe->source == FLOW_FIELDS_UNKNOWN)
			flow_error_at(error, object->path, number);
	}
	/* also the names of a header that cannot be used */
	if (status == FLOW_OK || status == FLOW_BAD_HEADER)
		copied = probe->source != FLOW_FIELDS_UNKNOWN ? copy_names(host, &names, probe, &failure)
		                                              : FLOW_OK;
	if (copied != FLOW_OK)
	{
		*error = failure;
		status = copied;
	}
	flow_free(host, block);
	return status;
}

/*
 * Reads the beginning of a file to find its compression, its wrapper and the
 * names of its fields.
 */
FlowStatus
flow_object_probe(const FlowHost *host, const FlowObject *object, const FlowAccess *access,
                  const char *compression, bool unwrap, const char *log_format, FlowProbe *probe,
                  FlowError *error)
{
	const FlowUnwrap how = {FLOW_BLOCK_SIZE}; /* no more bytes than these are read */
	FlowSource *source = NULL;
	FlowAccess glance = *access;
	FlowStatus status;

	glance.glance = true;
	status = flow_source_examine(
		host, object, &glance, compression, unwrap ? &how : NULL, &source, error);
	*probe = (FlowProbe) {0};
	if (source == NULL)
		return status;
	probe->compression = flow_source_compression(source);
	probe->wrapper = flow_source_wrapper(source);
	if (status == FLOW_OK)
	{
		probe->timed = flow_source_is_timed(source);
		status = probe_source(host, object, source, log_format, probe, error);
	}
	probe->unreadable = status == FLOW_UNSUPPORTED || status == FLOW_CORRUPT ||
	                    status == FLOW_LIMIT || status == FLOW_BAD_HEADER;
	flow_source_close(source);
	return status;
}

void
flow_probe_free(const FlowHost *host, FlowProbe *probe)
{
	flow_free(host, probe->fields);
	probe->fields = NULL;
}
