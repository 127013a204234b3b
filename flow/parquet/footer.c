/*-------------------------------------------------------------------------
 *
 * footer.c
 *	  Opens a Parquet file: reads its footer and checks it.
 *
 * A file ends with the footer (a FileMetaData), its length in four bytes, the
 * lowest first, and the magic bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "metadata.h"

#include <inttypes.h>
#include <string.h>

#define MAGIC_SIZE 4
#define END_SIZE 8 /* the footer's length and the magic bytes */
#define ENCRYPTED_MAGIC "PARE"

#define MAX_ROWS (UINT64_C(1) << 62)

/* fields of FileMetaData */
#define FILE_SCHEMA 2
#define FILE_ROWS 3
#define FILE_GROUPS 4
#define FILE_REQUIRED (1 << FILE_SCHEMA | 1 << FILE_ROWS | 1 << FILE_GROUPS)

/* fields of RowGroup */
#define GROUP_COLUMNS 1
#define GROUP_ROWS 3
#define GROUP_REQUIRED (1 << GROUP_COLUMNS | 1 << GROUP_ROWS)

/*
 * Makes room for one more element of an array.  Returns NULL if there is no
 * memory.
 */
static void *
grow(const FlowHost *host, void *array, size_t count, size_t *room, size_t size)
{
	size_t more = *room == 0 ? 16 : *room * 2;
	void *bigger;

	if (count < *room)
		return array;
	bigger = flow_allocate(host, more * size);
	if (bigger == NULL)
		return NULL;
	if (count > 0)
		memcpy(bigger, array, count * size);
	flow_free(host, array);
	*room = more;
	return bigger;
}

/* ---------- row groups ---------- */

/*
 * Finds the pages of a chunk that are read: *place.  They are in the file
 * before the footer.  Returns what is wrong, or NULL.
 */
static const char *
find_place(const FlowParquet *parquet, const FlowParquetFields *fields, FlowParquetPlace *place)
{
	int64_t begin = fields->data_offset;

	/* some writers have 0 where there is no dictionary */
	if (fields->dictionary_offset > 0 && fields->dictionary_offset < begin)
		begin = fields->dictionary_offset;
	if (fields->values == 0)
		return NULL;
	if (begin < MAGIC_SIZE || (uint64_t) begin >= parquet->footer_offset || fields->size <= 0 ||
	    (uint64_t) fields->size > parquet->footer_offset - (uint64_t) begin)
		return "a column chunk that is not inside the file";
	if (fields->data_offset - begin >= fields->size)
		return "a column chunk whose data are not inside it";
	place->offset = (uint64_t) begin;
	place->size = (uint64_t) fields->size;
	return NULL;
}

/*
 * Reads the chunks of a row group.  *values becomes the number of values that
 * all of them have, NULLs included, if there is a chunk that is read.
 */
static FlowStatus
read_chunks(FlowParquet *parquet, FlowThrift *thrift, int64_t *values, FlowError *error)
{
	size_t count = flow_thrift_list(thrift, FLOW_THRIFT_STRUCT);

	if (count != parquet->nleaves)
		flow_thrift_fail(thrift, "a row group with another number of columns than the schema");
	for (size_t i = 0; i < count && thrift->what == NULL; i++)
	{
		FlowParquetLeaf *leaf = &parquet->leaves[i];
		uint32_t at = (uint32_t) (thrift->at - thrift->start);
		FlowParquetPlace *place;
		FlowParquetFields fields;
		const char *wrong;

		flow_parquet_read_fields(thrift, &fields);
		if (thrift->what != NULL)
			break;
		if (FLOW_SEEN(fields.chunk_seen, FLOW_CHUNK_FILE_PATH))
			return flow_error_set(error, FLOW_UNSUPPORTED, "has columns that are in other files");

		place = grow(parquet->host,
		             parquet->places,
		             parquet->nplaces,
		             &parquet->places_room,
		             sizeof(*place));
		if (place == NULL)
			return flow_error_memory(error);
		parquet->places = place;
		place += parquet->nplaces++;
		*place = (FlowParquetPlace) {.at = at, .codec = (uint8_t) fields.codec};

		if (leaf->refused == NULL)
			leaf->refused = flow_parquet_refused_chunk(&fields);
		if (leaf->refused != NULL)
			continue;
		if (fields.type != (int32_t) parquet->stored[i].type)
			flow_thrift_fail(thrift, "a column chunk of another type than the schema");
		else if (fields.values < 0 || (*values >= 0 && fields.values != *values))
			flow_thrift_fail(thrift, "column chunks of different numbers of values");
		else if ((wrong = find_place(parquet, &fields, place)) != NULL)
			flow_thrift_fail(thrift, wrong);
		*values = fields.values;
	}
	return FLOW_OK;
}

/* Reads a row group. */
static FlowStatus
read_group(FlowParquet *parquet, FlowThrift *thrift, FlowError *error)
{
	uint32_t seen = 0;
	int64_t rows = 0, values = -1;
	uint64_t *group_rows;
	FlowStatus status;

	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		if (thrift->field <= GROUP_ROWS && FLOW_SEEN(seen, thrift->field))
			flow_thrift_fail(thrift, "a field twice");
		if (thrift->field < 32)
			seen |= UINT32_C(1) << thrift->field;
		switch (thrift->field)
		{
			case GROUP_COLUMNS:
				status = read_chunks(parquet, thrift, &values, error);
				if (status != FLOW_OK)
					return status;
				break;
			case GROUP_ROWS:
				rows = flow_thrift_int64(thrift);
				break;
			default:
				flow_thrift_skip(thrift);
		}
	}
	if (thrift->what != NULL)
		return FLOW_OK;
	if ((seen & GROUP_REQUIRED) != GROUP_REQUIRED)
		flow_thrift_fail(thrift, "a row group that lacks a required field");
	else if (rows < 0 || (uint64_t) rows > MAX_ROWS - parquet->rows)
		flow_thrift_fail(thrift, "a number of rows that is out of range");
	else if (values >= 0 && values != rows)
		flow_thrift_fail(thrift, "a row group with another number of rows than its columns");

	group_rows = grow(parquet->host,
	                  parquet->group_rows,
	                  parquet->ngroups,
	                  &parquet->groups_room,
	                  sizeof(*group_rows));
	if (group_rows == NULL)
		return flow_error_memory(error);
	parquet->group_rows = group_rows;
	group_rows[parquet->ngroups++] = (uint64_t) rows;
	if (thrift->what == NULL)
		parquet->rows += (uint64_t) rows;
	return FLOW_OK;
}

/* ---------- the footer ---------- */

/*
 * Reads a ColumnOrder.  Returns true for the order of the type, and for the
 * one of IEEE 754, in which floating-point numbers are ordered alike.
 */
static bool
read_order(FlowThrift *thrift, FlowParquetType type)
{
	bool known = false;

	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		known = thrift->field == 1 ||
		        (thrift->field == 2 && (type == FLOW_STORED_FLOAT || type == FLOW_STORED_DOUBLE));
		flow_thrift_skip(thrift);
	}
	return known;
}

/* Reads the orders of statistics, one for each leaf. */
static void
read_orders(FlowParquet *parquet, FlowThrift *thrift)
{
	size_t count = flow_thrift_list(thrift, FLOW_THRIFT_STRUCT);

	for (size_t i = 0; i < count && thrift->what == NULL; i++)
	{
		FlowParquetStored *stored = i < parquet->nleaves ? &parquet->stored[i] : NULL;
		bool known = read_order(thrift, stored == NULL ? 0 : stored->type);

		if (stored != NULL && count == parquet->nleaves)
			stored->ordered = known && !stored->unknown;
	}
}

/* Notes what is known of the writer's mistakes: see FlowParquet.slack. */
static void
read_writer(FlowParquet *parquet, FlowSlice writer)
{
	static const char name[] = "parquet-mr";
	int version[3] = {0, 0, 0}, part = 0;
	bool digits = false;

	if (writer.len < sizeof(name) - 1 || memcmp(writer.data, name, sizeof(name) - 1) != 0)
		return;
	for (size_t i = sizeof(name) - 1; i < writer.len && part < 3; i++)
	{
		char c = writer.data[i];

		if (c >= '0' && c <= '9' && version[part] < 1000)
		{
			version[part] = version[part] * 10 + (c - '0');
			digits = true;
		}
		else if (digits && c == '.')
			part++;
		else if (digits)
			break;
	}
	if (version[0] < 1 ||
	    (version[0] == 1 && (version[1] < 2 || (version[1] == 2 && version[2] < 9))))
		parquet->slack = 100;
}

/* Reads the FileMetaData. */
static FlowStatus
read_metadata(FlowParquet *parquet, FlowThrift *thrift, FlowError *error)
{
	uint32_t seen = 0;
	int64_t rows = 0;
	FlowStatus status = FLOW_OK;

	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		if (thrift->field <= FILE_GROUPS && FLOW_SEEN(seen, thrift->field))
			flow_thrift_fail(thrift, "a field twice");
		if (thrift->field < 32)
			seen |= UINT32_C(1) << thrift->field;
		switch (thrift->field)
		{
			case FILE_SCHEMA:
				status = flow_parquet_read_schema(parquet, thrift, error);
				break;
			case FILE_ROWS:
				rows = flow_thrift_int64(thrift);
				break;
			case FILE_GROUPS:
				if (parquet->leaves == NULL)
					flow_thrift_fail(thrift, "row groups before the schema");
				for (size_t count = flow_thrift_list(thrift, FLOW_THRIFT_STRUCT);
				     count > 0 && thrift->what == NULL && status == FLOW_OK;
				     count--)
					status = read_group(parquet, thrift, error);
				break;
			case 6:
				read_writer(parquet, flow_thrift_binary(thrift));
				break;
			case 7:
				read_orders(parquet, thrift);
				break;
			default:
				flow_thrift_skip(thrift);
		}
		if (status != FLOW_OK)
			return status;
	}
	if ((seen & FILE_REQUIRED) != FILE_REQUIRED)
		flow_thrift_fail(thrift, "not all of its required fields");
	/* parquet-rs 0.3 wrote 0; the row groups have the numbers that count */
	else if (rows != 0 && (uint64_t) rows != parquet->rows)
		flow_thrift_fail(thrift, "another number of rows than its row groups");
	return FLOW_OK;
}

/* Checks the footer, which has been read. */
static FlowStatus
check_footer(FlowParquet *parquet, FlowError *error)
{
	FlowThrift thrift;
	FlowStatus status;

	flow_thrift_init(&thrift, parquet->host, parquet->footer, parquet->footer_len);
	status = read_metadata(parquet, &thrift, error);
	if (status != FLOW_OK)
		return status;
	if (thrift.interrupted)
		return flow_error_interrupted(error);
	if (thrift.what != NULL)
		return flow_parquet_damaged(error,
		                            parquet->footer_offset + (uint64_t) (thrift.at - thrift.start),
		                            "The footer has %s",
		                            thrift.what);
	return FLOW_OK;
}

/* ---------- the file ---------- */

/* Checks the magic bytes at an end of the file. */
static FlowStatus
check_magic(const uint8_t *magic, const char *where, FlowError *error)
{
	if (memcmp(magic, FLOW_PARQUET_MAGIC, MAGIC_SIZE) == 0)
		return FLOW_OK;
	if (memcmp(magic, ENCRYPTED_MAGIC, MAGIC_SIZE) == 0)
		return flow_error_set(error, FLOW_UNSUPPORTED, "is an encrypted Parquet file");
	flow_error_set(error, FLOW_CORRUPT, "is damaged");
	flow_error_detail(error,
	                  "A complete Parquet file has \"%s\" at its %s.",
	                  FLOW_PARQUET_MAGIC,
	                  where);
	return FLOW_CORRUPT;
}

/* Reads the footer's bytes. */
static FlowStatus
read_footer(FlowParquet *parquet, FlowError *error)
{
	uint64_t size = parquet->input.size;
	size_t tail = parquet->input.tail > END_SIZE ? parquet->input.tail : FLOW_PARQUET_TAIL;
	const uint8_t *end;
	uint32_t len;
	FlowStatus status;

	/* read the end of the file */
	if (size < MAGIC_SIZE + END_SIZE)
	{
		flow_error_set(error, FLOW_CORRUPT, "is damaged");
		flow_error_detail(error, "It has %" PRIu64 " bytes, fewer than any Parquet file.", size);
		return FLOW_CORRUPT;
	}
	if (tail > size)
		tail = (size_t) size;
	parquet->footer = flow_allocate(parquet->host, tail);
	if (parquet->footer == NULL)
		return flow_error_memory(error);
	status = parquet->input.read(parquet->input.arg, size - tail, parquet->footer, tail, error);
	if (status != FLOW_OK)
		return status;

	/* check the magic bytes and the footer's length */
	if (tail == size)
		status = check_magic(parquet->footer, "beginning", error);
	end = parquet->footer + tail - END_SIZE;
	if (status == FLOW_OK)
		status = check_magic(end + END_SIZE - MAGIC_SIZE, "end", error);
	if (status != FLOW_OK)
		return status;
	len = (uint32_t) end[0] | (uint32_t) end[1] << 8 | (uint32_t) end[2] << 16 |
	      (uint32_t) end[3] << 24;
	if (len > size - MAGIC_SIZE - END_SIZE)
		return flow_parquet_damaged(error,
		                            size - END_SIZE,
		                            "The footer's length of %" PRIu32
		                            " bytes is more than the file has",
		                            len);
	if (len > FLOW_PARQUET_MAX_FOOTER)
		return flow_error_set(error,
		                      FLOW_LIMIT,
		                      "has a footer of more than %d MiB",
		                      FLOW_PARQUET_MAX_FOOTER / (1024 * 1024));

	/* keep the footer alone; read it if it is longer */
	parquet->footer_len = len;
	parquet->footer_offset = size - END_SIZE - len;
	if (len <= tail - END_SIZE)
	{
		memmove(parquet->footer, end - len, len);
		return FLOW_OK;
	}
	flow_free(parquet->host, parquet->footer);
	parquet->footer = flow_allocate(parquet->host, len);
	if (parquet->footer == NULL)
		return flow_error_memory(error);
	return parquet->input.read(parquet->input.arg,
	                           parquet->footer_offset,
	                           parquet->footer,
	                           len,
	                           error);
}

/* Opens a file. */
FlowStatus
flow_parquet_open(const FlowHost *host, const FlowParquetInput *input, FlowParquet **parquet,
                  FlowError *error)
{
	FlowParquet *file = flow_allocate(host, sizeof(FlowParquet));
	FlowStatus status;

	*parquet = NULL;
	if (file == NULL)
		return flow_error_memory(error);
	*file = (FlowParquet) {.host = host, .input = *input};
	status = read_footer(file, error);
	if (status == FLOW_OK)
		status = check_footer(file, error);
	if (status != FLOW_OK)
	{
		flow_parquet_close(file);
		return status;
	}
	*parquet = file;
	return FLOW_OK;
}

/* Closes a file. */
void
flow_parquet_close(FlowParquet *parquet)
{
	if (parquet == NULL)
		return;
	for (size_t i = 0; i < parquet->nleaves; i++)
		flow_free(parquet->host, (void *) parquet->leaves[i].name);
	flow_free(parquet->host, parquet->leaves);
	flow_free(parquet->host, parquet->stored);
	flow_free(parquet->host, parquet->group_rows);
	flow_free(parquet->host, parquet->places);
	flow_free(parquet->host, parquet->footer);
	flow_free(parquet->host, parquet);
}

uint64_t
flow_parquet_rows(const FlowParquet *parquet)
{
	return parquet->rows;
}

size_t
flow_parquet_groups(const FlowParquet *parquet)
{
	return parquet->ngroups;
}

size_t
flow_parquet_leaves(const FlowParquet *parquet)
{
	return parquet->nleaves;
}

uint64_t
flow_parquet_group_rows(const FlowParquet *parquet, size_t group)
{
	return parquet->group_rows[group];
}

const FlowParquetLeaf *
flow_parquet_leaf(const FlowParquet *parquet, size_t leaf)
{
	return &parquet->leaves[leaf];
}
