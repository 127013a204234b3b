/*-------------------------------------------------------------------------
 *
 * probe.c
 *	  What a file is, as far as its beginning tells: its compression, its
 *	  wrapper, the fields of its records.
 *
 *-------------------------------------------------------------------------
 */
#include "internal.h"

#include <string.h>

/* The first line that is not empty, without its newline and carriage return. */
static FlowSlice
first_line(const char *data, size_t len)
{
	const char *end = data + len;

	if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
		data += 3; /* a byte order mark */
	while (data < end)
	{
		const char *newline = memchr(data, '\n', (size_t) (end - data));
		FlowSlice line = {data, (size_t) ((newline != NULL ? newline : end) - data)};

		if (line.len > 0 && line.data[line.len - 1] == '\r')
			line.len--;
		if (line.len > 0)
			return line;
		data = newline != NULL ? newline + 1 : end;
	}
	return (FlowSlice) {NULL, 0};
}

/* The names of the fields, if the line is a header or a record of the default format. */
static FlowProbeFields
find_names(FlowSlice line, bool timed, FlowNames *names)
{
	const char *blank = timed ? memchr(line.data, ' ', line.len) : NULL;
	size_t skipped = blank != NULL ? (size_t) (blank + 1 - line.data) : 0;

	if (flow_header_read(line.data + skipped, line.len - skipped, names) && flow_header_is_likely(names, 1))
		return FLOW_FIELDS_OF_HEADER;
	if (!flow_default_fits(line.data, line.len, timed))
		return FLOW_FIELDS_UNKNOWN;
	flow_default_names(names);
	return FLOW_FIELDS_OF_DEFAULT;
}

/* Copies the names, each ending with a NUL, behind an array of pointers to them. */
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
		memcpy(text, names->items[i].data, names->items[i].len);
		text[names->items[i].len] = '\0';
		probe->fields[i] = text;
		text += names->items[i].len + 1;
	}
	probe->nfields = names->count;
	return FLOW_OK;
}

static FlowStatus
read_beginning(FlowSource *source, char *block, size_t *len, FlowError *error)
{
	*len = 0;
	return flow_source_read(source, block, FLOW_BLOCK_SIZE, len, error);
}

static FlowStatus
probe_source(const FlowHost *host, FlowSource *source, FlowProbe *probe, FlowError *error)
{
	char *block = flow_allocate(host, FLOW_BLOCK_SIZE);
	FlowStatus status;
	FlowNames names;
	FlowSlice line;
	size_t len;

	if (block == NULL)
		return flow_error_memory(error);
	status = read_beginning(source, block, &len, error);
	if (status == FLOW_OK)
	{
		line = first_line(block, len);
		if (line.data != NULL)
			probe->source = find_names(line, probe->timed, &names);
		if (probe->source != FLOW_FIELDS_UNKNOWN)
			status = copy_names(host, &names, probe, error);
	}
	flow_free(host, block);
	return status;
}

FlowStatus
flow_object_probe(const FlowHost *host, const FlowObject *object, const FlowAllowedPaths *allowed, const char *compression, bool unwrap,
                  FlowProbe *probe, FlowError *error)
{
	FlowSource *source = NULL;
	FlowStatus status = flow_source_open(host, object, allowed, compression, unwrap, &source, error);

	*probe = (FlowProbe) {.compression = "none", .wrapper = "none"};
	if (status != FLOW_OK)
		return status;
	probe->compression = flow_source_compression(source);
	probe->wrapper = flow_source_wrapper(source);
	probe->timed = flow_source_is_timed(source);
	status = probe_source(host, source, probe, error);
	flow_source_close(source);
	return status;
}

FlowStatus
flow_log_format_probe(const FlowHost *host, const char *log_format, FlowProbe *probe, FlowError *error)
{
	FlowNames names;
	FlowStatus status = flow_log_format_read(log_format, &names, error);

	memset(probe, 0, sizeof(*probe));
	return status == FLOW_OK ? copy_names(host, &names, probe, error) : status;
}

void
flow_probe_free(const FlowHost *host, FlowProbe *probe)
{
	flow_free(host, probe->fields);
	probe->fields = NULL;
}
