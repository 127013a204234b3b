/*-------------------------------------------------------------------------
 *
 * probe.c
 *	  Finds a file's compression, its wrapper and the fields of its records,
 *	  from its beginning.
 *
 *-------------------------------------------------------------------------
 */
#include "bytes/file.h"
#include "bytes/source.h"
#include "keys.h"
#include "layout.h"
#include "parquet_input.h"

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
explain(FlowSlice line, FlowFraming framing, FlowProbe *probe, FlowError *error)
{
	flow_error_set(error, FLOW_BAD_HEADER, "flow log has no header");
	if (line.len == 0)
		return;
	probe->no_messages = framing == FLOW_TIMED && line.data[0] == '\0';
	probe->misfit = flow_default_explain(line, framing, error);
}

/* Reads the names of the fields of all log formats, each once. */
static FlowStatus
read_log_formats(const char *log_format, FlowNames *names, FlowError *error)
{
	char separator;
	FlowStatus status = flow_log_formats_check(log_format, &separator, error);
	const char *next = log_format;
	FlowNames more;

	if (status == FLOW_OK)
		status = flow_log_format_read(log_format, &next, names, error);
	while (status == FLOW_OK && next != NULL)
	{
		status = flow_log_format_read(log_format, &next, &more, error);
		for (int i = 0; i < more.count; i++)
			if (flow_names_find_exact(names, more.items[i]) < 0 && names->count < FLOW_NAMES_MAX)
				names->items[names->count++] = more.items[i];
	}
	return status;
}

/*
 * Finds the names of the fields: those of the line if it is a header,
 * otherwise those of files without a header.
 */
static FlowStatus
find_names(FlowSlice line, FlowFraming framing, const char *log_format, FlowProbe *probe,
           FlowNames *names, FlowError *error)
{
	const char *blank =
		framing == FLOW_TIMED && line.len > 0 ? memchr(line.data, ' ', line.len) : NULL;
	size_t skipped = blank != NULL ? (size_t) (blank + 1 - line.data) : 0;

	if (line.len > 0 && flow_header_read(line.data + skipped, line.len - skipped, framing, names) &&
	    flow_header_is_likely(names, 1) && (names->repeated < 0 || log_format == NULL))
	{
		probe->source = FLOW_FIELDS_OF_HEADER;
		return names->repeated < 0 ? FLOW_OK : flow_names_repeated_error(names, error);
	}
	else if (log_format != NULL)
	{
		probe->source = FLOW_FIELDS_OF_LOG_FORMAT;
		return read_log_formats(log_format, names, error);
	}
	else if (line.len > 0 && flow_default_fits(line.data, line.len, framing))
	{
		probe->source = FLOW_FIELDS_OF_DEFAULT;
		flow_default_names(names, framing);
	}
	else
		explain(line, framing, probe, error);
	return FLOW_OK;
}

/*
 * Copies the names in small letters, each ending with a NUL, after an array of
 * pointers to them; without that of the time at which a record was logged,
 * which is none of its fields.
 */
static FlowStatus
copy_names(const FlowHost *host, const FlowNames *names, FlowProbe *probe, FlowError *error)
{
	char(*texts)[FLOW_NAME_LENGTH + 1];
	size_t each = sizeof(char *) + sizeof(*texts);

	probe->fields = flow_allocate(host, (size_t) names->count * each + 1);
	if (probe->fields == NULL)
		return flow_error_memory(error);
	texts = (void *) (probe->fields + names->count);
	for (int i = 0; i < names->count; i++)
	{
		if (names->logged && flow_name_is_same(names->items[i], FLOW_LOGGED))
			continue;
		flow_name_spell(names->items[i], texts[i]);
		probe->fields[probe->nfields++] = texts[i];
	}
	probe->timed |= names->logged;
	return FLOW_OK;
}

/* Finds the names of the members of records that have one for each field. */
static void
take_keys(const FlowKeys *keys, const FlowKeysSeen *seen, FlowProbe *probe, FlowNames *names)
{
	probe->source = FLOW_FIELDS_OF_HEADER;
	probe->timed = seen->time;
	probe->has_others = seen->others;
	names->count = 0;
	names->repeated = -1;
	names->logged = false;
	for (int id = 0; id < keys->nkeys && names->count < FLOW_NAMES_MAX; id++)
		if (seen->keys[id])
			names->items[names->count++] =
				(FlowSlice) {keys->keys[id].name, strlen(keys->keys[id].name)};
}

/* Returns true if the first line says that the lines after it are such records'. */
static bool
is_keys_mark(const FlowSource *source, FlowSlice line)
{
	return flow_source_keys(source) != NULL && line.len == FLOW_MARK_LENGTH &&
	       memcmp(line.data, FLOW_KEYS_MARK, FLOW_MARK_LENGTH) == 0;
}

/* Reads the first block of an open file and finds the names of its fields. */
static FlowStatus
probe_source(const FlowHost *host, const FlowObject *object, FlowSource *source,
             const FlowKeys *keys, const char *log_format, FlowProbe *probe, FlowError *error)
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
		if (is_keys_mark(source, line))
			take_keys(keys, flow_source_keys(source), probe, &names);
		else
			status =
				find_names(line, flow_source_framing(source), log_format, probe, &names, error);
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

/* ---------- Parquet ---------- */

/* Returns what the values of a leaf are to a column. */
static FlowProbeKind
kind_of(const FlowParquetLeaf *leaf)
{
	static const FlowProbeKind kinds[] = {[FLOW_PARQUET_BOOLEAN] = FLOW_KIND_BOOLEAN,
	                                      [FLOW_PARQUET_INTEGER] = FLOW_KIND_INTEGER,
	                                      [FLOW_PARQUET_UNSIGNED] = FLOW_KIND_UNSIGNED,
	                                      [FLOW_PARQUET_FLOAT] = FLOW_KIND_FLOAT,
	                                      [FLOW_PARQUET_DOUBLE] = FLOW_KIND_DOUBLE,
	                                      [FLOW_PARQUET_DECIMAL] = FLOW_KIND_DECIMAL,
	                                      [FLOW_PARQUET_DATE] = FLOW_KIND_DATE,
	                                      [FLOW_PARQUET_TIMESTAMP] = FLOW_KIND_TIME,
	                                      [FLOW_PARQUET_INT96] = FLOW_KIND_TIME};

	if (leaf->kind == FLOW_PARQUET_UNSIGNED && leaf->width < 64)
		return FLOW_KIND_INTEGER;
	return (size_t) leaf->kind < flow_countof(kinds) ? kinds[leaf->kind] : FLOW_KIND_ANY;
}

/* Copies a name in small letters, and returns the byte after its NUL. */
static char *
copy_leaf_name(const char *name, char *to)
{
	size_t len = strlen(name);

	if (len <= FLOW_NAME_LENGTH)
	{
		char text[FLOW_NAME_LENGTH + 1];

		flow_name_spell((FlowSlice) {name, len}, text);
		len = strlen(text);
		memcpy(to, text, len);
	}
	else
		for (size_t i = 0; i < len; i++)
			to[i] = flow_lower(name[i]);
	to[len] = '\0';
	return to + len + 1;
}

/*
 * Copies the names of a file's leaves, those that can be read and others, into
 * one allocation, which begins with probe->fields.
 */
static FlowStatus
copy_leaves(const FlowHost *host, const FlowParquet *parquet, FlowProbe *probe, FlowError *error)
{
	size_t count = flow_parquet_leaves(parquet);
	size_t size = 1;
	FlowProbeRefused *refused;
	FlowProbeKind *kinds;
	char *text;

	/* another spelling has no more than FLOW_NAME_LENGTH bytes */
	for (size_t i = 0; i < count; i++)
	{
		const FlowParquetLeaf *leaf = flow_parquet_leaf(parquet, i);

		size += strlen(leaf->name) + FLOW_NAME_LENGTH + 1;
		if (leaf->refused != NULL)
			size += strlen(leaf->refused) + 1;
	}
	size += count * (sizeof(char *) + sizeof(FlowProbeRefused) + sizeof(FlowProbeKind));
	probe->fields = flow_allocate(host, size);
	if (probe->fields == NULL)
		return flow_error_memory(error);
	refused = (FlowProbeRefused *) (probe->fields + count);
	kinds = (FlowProbeKind *) (refused + count);
	text = (char *) (kinds + count);
	probe->refused = refused;
	probe->kinds = kinds;

	for (size_t i = 0; i < count; i++)
	{
		const FlowParquetLeaf *leaf = flow_parquet_leaf(parquet, i);
		const char *name = text;

		if (flow_interrupted(host))
			return flow_error_interrupted(error);
		text = copy_leaf_name(leaf->name, text);
		if (leaf->refused == NULL)
		{
			kinds[probe->nfields] = kind_of(leaf);
			probe->fields[probe->nfields++] = name;
		}
		else
		{
			refused[probe->nrefused++] = (FlowProbeRefused) {name, text};
			strcpy(text, leaf->refused);
			text += strlen(text) + 1;
		}
	}
	return FLOW_OK;
}

/* Reads the schema of a Parquet file. */
static FlowStatus
probe_parquet(const FlowHost *host, const FlowObject *object, FlowSource *source, FlowProbe *probe,
              FlowError *error)
{
	const FlowParquetInput input = flow_parquet_input(source, object);
	FlowParquet *parquet;
	FlowStatus status = flow_parquet_open(host, &input, &parquet, error);

	if (status != FLOW_OK)
	{
		if (status == FLOW_CORRUPT || status == FLOW_UNSUPPORTED || status == FLOW_LIMIT)
			flow_file_name_error(error, object->path);
		flow_error_at(error, object->path, 0);
		return status;
	}
	probe->source = FLOW_FIELDS_OF_HEADER;
	probe->rows = flow_parquet_rows(parquet);
	status = copy_leaves(host, parquet, probe, error);
	flow_parquet_close(parquet);
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
	FlowUnwrap how = {.max_line_length = FLOW_BLOCK_SIZE}; /* no more bytes than these are read */
	FlowSource *source = NULL;
	FlowAccess glance = *access;
	FlowKeys *keys;
	FlowStatus status = flow_keys_create(host, NULL, 0, &keys, error);

	*probe = (FlowProbe) {0};
	if (status != FLOW_OK)
		return status;
	how.keys = keys;
	glance.glance = true;
	status = flow_source_examine(
		host, object, &glance, compression, unwrap ? &how : NULL, &source, error);
	if (source == NULL)
	{
		flow_keys_free(host, keys);
		return status;
	}
	probe->compression = flow_source_compression(source);
	probe->wrapper = flow_source_wrapper(source);
	if (status == FLOW_OK)
	{
		probe->timed = flow_source_framing(source) == FLOW_TIMED;
		status = flow_source_is_parquet(source)
		             ? probe_parquet(host, object, source, probe, error)
		             : probe_source(host, object, source, keys, log_format, probe, error);
	}
	probe->unreadable = status == FLOW_UNSUPPORTED || status == FLOW_CORRUPT ||
	                    status == FLOW_LIMIT || status == FLOW_BAD_HEADER;
	flow_source_close(source);
	flow_keys_free(host, keys);
	return status;
}

void
flow_probe_free(const FlowHost *host, FlowProbe *probe)
{
	flow_free(host, probe->fields);
	probe->fields = NULL;
	probe->kinds = NULL;
	probe->refused = NULL;
	probe->nfields = probe->nrefused = 0;
}

/* Has a store fetch the beginnings of objects that will be probed. */
FlowStatus
flow_probe_announce(const FlowAccess *access, const FlowObject *objects, size_t count, size_t *next,
                    FlowError *error)
{
	FlowStore *store = access->store;
	FlowStatus status = FLOW_OK;

	if (store == NULL || store->storage->announce == NULL)
		return FLOW_OK;
	while (status == FLOW_OK && *next < count && store->storage->has_room(store))
		status = store->storage->announce(store, &objects[(*next)++], true, error);
	return status;
}
