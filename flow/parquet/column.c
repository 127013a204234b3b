/*-------------------------------------------------------------------------
 *
 * column.c
 *	  Reads the rows of column chunks.
 *
 * The values of a page that are not NULL stand in it without gaps; definition
 * levels say which rows they belong to.  Both are decoded some rows at a time.
 *
 *-------------------------------------------------------------------------
 */
#include "page.h"

#include <inttypes.h>
#include <string.h>

/* Rows that are skipped at once if their values have to be read. */
#define MIN_ROWS 1024

/* Rows that lie behind an array's end, for a value that no row has. */
#define SPARE_ROWS 8

/* An array of one form for some rows. */
typedef union Values
{
	int64_t *numbers;
	double *reals;
	FlowSlice *texts;
	uint32_t *codes;
	void *any;
} Values;

struct FlowParquetColumn
{
	const FlowHost *host;
	const FlowParquetLeaf *leaf;
	const FlowParquetStored *stored;
	FlowPages pages;
	uint64_t left;                     /* rows of the chunk that follow */
	uint64_t rows;                     /* of the chunk */
	bool failed;                       /* nothing more can be read of it */
	const FlowParquetPageIndex *index; /* of the chunk, or NULL */

	/* the dictionary */
	FlowPageHeader dictionary_header;
	bool has_dictionary;    /* the header was read */
	bool dictionary_loaded; /* so was the dictionary */
	bool any_page;          /* a data page's header was read */
	FlowRoom dictionary_room, dictionary_values;
	FlowParquetDictionary dictionary;

	/* the current page */
	FlowPageHeader header;
	uint32_t page_left; /* rows of it that follow */
	bool has_levels;
	FlowRle levels;
	const FlowEncoding *encoding;
	bool coded;
	FlowRle codes;
	FlowRoom page_room;
	FlowDecoder decoder;

	/*
	 * arrays for some rows: which have a value, values as decoded, and by row
	 */
	FlowRoom present, dense, spread;
};

/* ---------- errors ---------- */

/* Reports a page that has what decoding has come to. */
static FlowStatus
report(FlowParquetColumn *column, const FlowPageHeader *header, FlowWrong wrong, FlowError *error)
{
	if (wrong == flow_wrong_memory)
		return flow_error_memory(error);
	if (wrong == flow_wrong_interrupted)
		return flow_error_interrupted(error);
	if (wrong == flow_wrong_limit)
	{
		flow_error_set(error,
		               FLOW_LIMIT,
		               "has texts of more than %d MiB in %d rows",
		               FLOW_PARQUET_MAX_PAGE / (1024 * 1024),
		               FLOW_DECODER_BUILDS);
		return flow_page_limit(&column->pages, header->offset, error);
	}
	return flow_page_damaged(&column->pages, header->offset, wrong, error);
}

/* Reports a page in an encoding that is not read. */
static FlowStatus
report_encoding(FlowParquetColumn *column, const FlowPageHeader *header, const char *name,
                const char *of, FlowError *error)
{
	const char *dots, *tail = flow_error_tail(column->leaf->name, 100, &dots);

	return flow_error_set(error,
	                      FLOW_UNSUPPORTED,
	                      "has %s of column \"%s%s\" in encoding %s, at byte %" PRIu64,
	                      of,
	                      dots,
	                      tail,
	                      name,
	                      header->offset);
}

/* After an error nothing more is read of a chunk, so that no rows are lost. */
static FlowStatus
note_failure(FlowParquetColumn *column, FlowStatus status)
{
	column->failed = status != FLOW_OK;
	return status;
}

/* ---------- the cursor ---------- */

FlowStatus
flow_parquet_column_create(const FlowHost *host, FlowParquetColumn **column, FlowError *error)
{
	*column = flow_allocate(host, sizeof(FlowParquetColumn));
	if (*column == NULL)
		return flow_error_memory(error);
	memset(*column, 0, sizeof(FlowParquetColumn));
	(*column)->host = (*column)->pages.host = (*column)->decoder.host = host;
	return FLOW_OK;
}

void
flow_parquet_column_free(FlowParquetColumn *column)
{
	if (column == NULL)
		return;
	flow_pages_free(&column->pages);
	flow_room_free(column->host, &column->dictionary_room);
	flow_room_free(column->host, &column->dictionary_values);
	flow_room_free(column->host, &column->page_room);
	flow_room_free(column->host, &column->decoder.texts);
	flow_room_free(column->host, &column->decoder.kept);
	flow_room_free(column->host, &column->present);
	flow_room_free(column->host, &column->dense);
	flow_room_free(column->host, &column->spread);
	flow_free(column->host, column);
}

/* Goes to the first row of a chunk. */
FlowStatus
flow_parquet_column_begin(FlowParquetColumn *column, FlowParquet *parquet, size_t group,
                          size_t leaf, FlowError *error)
{
	column->leaf = &parquet->leaves[leaf];
	column->stored = &parquet->stored[leaf];
	column->left = 0;
	column->page_left = 0;
	column->index = NULL;
	column->failed = column->has_dictionary = column->dictionary_loaded = column->any_page = false;
	if (column->leaf->refused != NULL)
	{
		const char *dots, *tail = flow_error_tail(column->leaf->name, 100, &dots);

		return flow_error_set(error,
		                      FLOW_UNSUPPORTED,
		                      "has a column \"%s%s\" that is %s",
		                      dots,
		                      tail,
		                      column->leaf->refused);
	}
	column->left = column->rows = parquet->group_rows[group];
	flow_pages_begin(&column->pages, parquet, group, leaf);
	column->decoder.leaf = column->leaf;
	column->decoder.stored = column->stored;
	column->dictionary.count = 0;
	return FLOW_OK;
}

void
flow_parquet_column_use_index(FlowParquetColumn *column, const FlowParquetPageIndex *index)
{
	column->index = index;
}

/* Returns the bytes of a value of the leaf's form. */
static size_t
value_size(const FlowParquetColumn *column)
{
	return column->leaf->form == FLOW_PARQUET_TEXTS ? sizeof(FlowSlice) : sizeof(int64_t);
}

/* Returns the array of the leaf's form. */
static FlowParquetArray
array_of(const FlowParquetColumn *column, const void *values)
{
	FlowParquetArray array = {NULL, NULL, NULL};

	if (column->leaf->form == FLOW_PARQUET_NUMBERS)
		array.numbers = values;
	else if (column->leaf->form == FLOW_PARQUET_REALS)
		array.reals = values;
	else
		array.texts = values;
	return array;
}

static FlowDecoded
decoded_to(const FlowParquetColumn *column, void *values)
{
	FlowDecoded to = {NULL, NULL, NULL};

	if (column->leaf->form == FLOW_PARQUET_NUMBERS)
		to.numbers = values;
	else if (column->leaf->form == FLOW_PARQUET_REALS)
		to.reals = values;
	else
		to.texts = values;
	return to;
}

/* Checks decoded values of a type that not all bytes are. */
static FlowWrong
check_values(const FlowParquetColumn *column, const void *values, size_t count)
{
	const FlowSlice *texts = values;

	if (column->leaf->kind == FLOW_PARQUET_DECIMAL && column->leaf->form == FLOW_PARQUET_TEXTS)
		for (size_t i = 0; i < count; i++)
			if (texts[i].len == 0 || texts[i].len > 32)
				return "a DECIMAL of no or too many bytes";
	return NULL;
}

/* ---------- dictionaries ---------- */

/* Returns the bits that are set in any of decoded numbers. */
static uint64_t
bits_of(const FlowParquetColumn *column, const void *values, size_t count)
{
	const int64_t *numbers = values;
	uint64_t bits = 0;

	for (size_t i = 0; column->leaf->form == FLOW_PARQUET_NUMBERS && i < count; i++)
		bits |= (uint64_t) numbers[i];
	return bits;
}

/* Decodes the dictionary. */
static FlowWrong
decode_dictionary(FlowParquetColumn *column, const FlowPageData *data)
{
	const FlowPageHeader *header = &column->dictionary_header;
	FlowDecoder *decoder = &column->decoder;
	size_t size = value_size(column), count = header->values, bits;
	uint8_t *values;
	FlowWrong wrong;

	/* before memory is taken: a text of any length has four bytes before it */
	bits = column->stored->type == FLOW_STORED_BOOLEAN ? 1
	       : column->stored->len == 0                  ? 32
	                                                   : (size_t) column->stored->len * 8;
	if (count > data->len * 8 / bits)
		return "fewer values than its header says";
	if (!flow_room_reserve(column->host, &column->dictionary_values, (count + 1) * size))
		return flow_wrong_memory;
	values = column->dictionary_values.data;

	decoder->at = data->data;
	decoder->end = data->data + data->len;
	wrong = flow_plain_encoding.begin(decoder);
	for (size_t done = 0, len; done < count && wrong == NULL; done += len)
	{
		FlowDecoded to = decoded_to(column, values + done * size);

		if (flow_interrupted(column->host))
			return flow_wrong_interrupted;
		len = count - done < FLOW_PARQUET_MAX_ROWS ? count - done : FLOW_PARQUET_MAX_ROWS;
		wrong = flow_plain_encoding.read(decoder, len, &to);
		if (wrong == NULL)
			wrong = check_values(column, values + done * size, len);
	}
	/* rows that are NULL have the code after the last one */
	memset(values + count * size, 0, size);

	column->dictionary.count = wrong == NULL ? (uint32_t) count : 0;
	column->dictionary.bits = wrong == NULL ? bits_of(column, values, count) : 0;
	return wrong;
}

/* Reads the dictionary, whose header has been read. */
static FlowStatus
load_dictionary(FlowParquetColumn *column, FlowError *error)
{
	const FlowPageHeader *header = &column->dictionary_header;
	FlowPageData data;
	FlowWrong wrong;
	FlowStatus status;

	if (header->encoding != FLOW_ENCODED_PLAIN && header->encoding != FLOW_ENCODED_PLAIN_DICTIONARY)
		return report_encoding(column,
		                       header,
		                       flow_encoding_name(header->encoding),
		                       "the dictionary",
		                       error);
	status = flow_pages_data(&column->pages, header, &column->dictionary_room, &data, error);
	if (status != FLOW_OK)
		return status;
	/* the bytes stay longer than those of other pages */
	if (data.data != column->dictionary_room.data && column->leaf->form == FLOW_PARQUET_TEXTS)
	{
		if (!flow_room_reserve(column->host, &column->dictionary_room, data.len))
			return flow_error_memory(error);
		memcpy(column->dictionary_room.data, data.data, data.len);
		data.data = column->dictionary_room.data;
	}
	wrong = decode_dictionary(column, &data);
	if (wrong != NULL)
		return report(column, header, wrong, error);
	column->dictionary.values = array_of(column, column->dictionary_values.data);
	column->dictionary.serial++;
	column->dictionary_loaded = true;
	return FLOW_OK;
}

/* Makes a dictionary without values, for a page that should have one. */
static FlowStatus
make_dictionary(FlowParquetColumn *column, FlowError *error)
{
	if (!flow_room_reserve(column->host, &column->dictionary_values, value_size(column)))
		return flow_error_memory(error);
	memset(column->dictionary_values.data, 0, value_size(column));
	column->dictionary.count = 0;
	column->dictionary.bits = 0;
	column->dictionary.values = array_of(column, column->dictionary_values.data);
	column->dictionary.serial++;
	column->dictionary_loaded = true;
	return FLOW_OK;
}

/* ---------- pages ---------- */

/* Returns the bits of a definition level. */
static unsigned
level_width(int max)
{
	unsigned width = 0;

	while (max >> width != 0)
		width++;
	return width;
}

/* Returns the number of the page in the index that has a row. */
static size_t
find_page(const FlowParquetPageIndex *index, uint64_t row)
{
	size_t first = 0, end = index->count;

	while (end - first > 1)
	{
		size_t middle = first + (end - first) / 2;

		if (index->pages[middle].first_row <= row)
			first = middle;
		else
			end = middle;
	}
	return first;
}

/*
 * Checks that the page whose header was read is the one that the index has
 * there.
 */
static FlowStatus
check_page(FlowParquetColumn *column, FlowError *error)
{
	const FlowPageHeader *header = &column->header;
	uint64_t row = column->rows - column->left;
	const FlowParquetPage *page;

	if (column->index == NULL)
		return FLOW_OK;
	page = &column->index->pages[find_page(column->index, row)];
	if (page->first_row == row && page->rows == header->values && page->offset == header->offset)
		return FLOW_OK;
	return flow_page_damaged(&column->pages,
	                         header->offset,
	                         "other rows than the page index says",
	                         error);
}

/*
 * Goes to the next data page with rows, without reading its data: its header
 * is the column's.  Dictionaries on the way are only noted.
 */
static FlowStatus
next_header(FlowParquetColumn *column, FlowError *error)
{
	FlowPageHeader *header = &column->header;
	FlowStatus status;

	for (;;)
	{
		status = flow_pages_header(&column->pages, header, error);
		if (status != FLOW_OK)
			return status;
		if (header->type == FLOW_DICTIONARY_PAGE)
		{
			if (column->has_dictionary || column->any_page)
				return flow_page_damaged(&column->pages,
				                         header->offset,
				                         "a dictionary, but is not the first",
				                         error);
			column->dictionary_header = *header;
			column->has_dictionary = true;
			return FLOW_OK;
		}
		if (header->type != FLOW_DATA_PAGE && header->type != FLOW_DATA_PAGE_V2)
			continue;
		column->any_page = true;
		if (header->values > column->left)
			return flow_page_damaged(&column->pages,
			                         header->offset,
			                         "more rows than its row group",
			                         error);
		if (header->values > 0)
			return check_page(column, error);
	}
}

/* Finds the definition levels in a page's data. */
static FlowWrong
begin_levels(FlowParquetColumn *column, FlowPageData *data)
{
	unsigned width = level_width(column->leaf->max_definition);
	uint32_t len;

	column->has_levels = width > 0;
	if (column->header.type == FLOW_DATA_PAGE_V2)
		flow_rle_init(&column->levels, data->levels, data->levels_len, width);
	else if (width > 0)
	{
		if (data->len < 4)
			return "fewer levels than rows";
		len = flow_load_half((const char *) data->data);
		if (len > data->len - 4)
			return "levels that are longer than it";
		flow_rle_init(&column->levels, data->data + 4, len, width);
		data->data += 4 + len;
		data->len -= 4 + len;
	}
	return NULL;
}

/* Begins the codes of a page, which have their width in a byte before them. */
static FlowWrong
begin_codes(FlowParquetColumn *column, const FlowPageData *data)
{
	unsigned width = 0;

	/* a page of NULLs may have no values at all */
	if (data->len > 0)
		width = data->data[0];
	if (width > 32)
		return "codes of more than 32 bits";
	flow_rle_init(&column->codes, data->data + (data->len > 0), data->len - (data->len > 0), width);
	/* codes of no bits are 0, as many as there may be */
	if (data->len > 0 && width == 0)
	{
		column->codes.packed = false;
		column->codes.left = UINT32_MAX;
	}
	return NULL;
}

/* Reads the page whose header is the column's. */
static FlowStatus
load_page(FlowParquetColumn *column, FlowError *error)
{
	const FlowPageHeader *header = &column->header;
	FlowPageData data;
	FlowWrong wrong;
	FlowStatus status = FLOW_OK;

	/* what is not read is refused before it is */
	column->encoding = flow_encoding(header->encoding);
	if (column->encoding == NULL)
		return report_encoding(column,
		                       header,
		                       flow_encoding_name(header->encoding),
		                       "a page",
		                       error);
	if (header->type == FLOW_DATA_PAGE && column->leaf->max_definition > 0 &&
	    header->level_encoding != FLOW_ENCODED_RLE)
		return report_encoding(column,
		                       header,
		                       flow_encoding_name(header->level_encoding),
		                       "levels",
		                       error);
	column->coded = column->encoding->read == NULL;
	if (!column->coded && (column->encoding->types >> column->stored->type & 1) == 0)
		return flow_page_damaged(&column->pages,
		                         header->offset,
		                         "an encoding that its type cannot have",
		                         error);

	if (column->coded && !column->dictionary_loaded)
		status = column->has_dictionary ? load_dictionary(column, error)
		                                : make_dictionary(column, error);
	if (status == FLOW_OK)
		status = flow_pages_data(&column->pages, header, &column->page_room, &data, error);
	if (status != FLOW_OK)
		return status;

	wrong = begin_levels(column, &data);
	if (wrong == NULL && column->coded)
		wrong = begin_codes(column, &data);
	else if (wrong == NULL)
	{
		column->decoder.at = data.data;
		column->decoder.end = data.data + data.len;
		wrong = column->encoding->begin(&column->decoder);
	}
	if (wrong != NULL)
		return report(column, header, wrong, error);
	column->page_left = header->values;
	return FLOW_OK;
}

/* ---------- rows ---------- */

/*
 * Makes the arrays large enough: for which rows have a value, and for values.
 */
static FlowStatus
reserve_rows(FlowParquetColumn *column, size_t rows, bool values, FlowError *error)
{
	size_t size = values ? value_size(column) * (rows + SPARE_ROWS) : 0;

	if (!flow_room_reserve(column->host, &column->present, rows + SPARE_ROWS) ||
	    (values && !flow_room_reserve(column->host, &column->dense, size)) ||
	    (values && !flow_room_reserve(column->host, &column->spread, size)))
		return flow_error_memory(error);
	return FLOW_OK;
}

/*
 * Reads which of the next rows have a value, and how many.  *present becomes
 * NULL if all have.
 */
static FlowWrong
read_levels(FlowParquetColumn *column, size_t rows, const uint8_t **present, size_t *values)
{
	uint32_t max = (uint32_t) column->leaf->max_definition, same;

	*present = NULL;
	*values = rows;
	if (!column->has_levels)
		return NULL;
	if (flow_rle_same(&column->levels, &same) >= rows && same == max)
	{
		flow_rle_skip(&column->levels, rows);
		return NULL;
	}
	if (!flow_rle_match(&column->levels, max, column->present.data, rows, values))
		return "levels that are too few or out of range";
	if (*values < rows)
		*present = column->present.data;
	return NULL;
}

/* Reads codes and checks them. */
static FlowWrong
read_codes(FlowParquetColumn *column, uint32_t *codes, size_t count)
{
	uint32_t last = column->dictionary.count - 1, above = 0;

	if (count == 0)
		return NULL;
	if (column->dictionary.count == 0)
		return "codes, but no dictionary has values";
	if (!flow_rle_read(&column->codes, codes, count))
		return "fewer values than rows";

	/* a code that is too large sets the highest bit */
	for (size_t i = 0; i < count; i++)
		above |= codes[i] | (last - codes[i]);
	return above >> 31 == 0 ? NULL : "a code that its dictionary does not have";
}

/* eight rows at a time where all of them have a value */
#define SPREAD(type)                                                                               \
	do                                                                                             \
	{                                                                                              \
		const type *from = (const type *) dense;                                                   \
		type *to = (type *) spread;                                                                \
		size_t i = 0;                                                                              \
                                                                                                   \
		while (i < rows)                                                                           \
		{                                                                                          \
			size_t end = i + 8 < rows ? i + 8 : rows;                                              \
                                                                                                   \
			if (end == i + 8 && flow_all_present(present + i))                                     \
			{                                                                                      \
				memcpy(to + i, from, 8 * sizeof(type));                                            \
				from += 8;                                                                         \
				i = end;                                                                           \
			}                                                                                      \
			for (; i < end; i++)                                                                   \
			{                                                                                      \
				to[i] = *from;                                                                     \
				from += present[i];                                                                \
			}                                                                                      \
		}                                                                                          \
	} while (0)

/*
 * Gives each row its value.  One that is NULL gets that of the next, or the
 * zero that lies behind the last.
 */
static void
spread_values(const uint8_t *present, size_t rows, const void *dense, void *spread, size_t size)
{
	if (size == sizeof(uint64_t))
		SPREAD(uint64_t);
	else
		SPREAD(FlowSlice);
}

/* Gives each row its code, one that is NULL that of no value. */
static void
spread_codes(const uint8_t *present, size_t rows, const uint32_t *dense, uint32_t none,
             uint32_t *spread)
{
	size_t i = 0;

	while (i < rows)
	{
		size_t end = i + 8 < rows ? i + 8 : rows;

		if (end == i + 8 && flow_all_present(present + i))
		{
			memcpy(spread + i, dense, 8 * sizeof(uint32_t));
			dense += 8;
			i = end;
		}
		for (; i < end; i++)
		{
			spread[i] = present[i] ? *dense : none;
			dense += present[i];
		}
	}
}

/* Reads the next rows, all of which are in the page. */
static FlowWrong
read_rows(FlowParquetColumn *column, size_t rows, FlowParquetValues *values)
{
	size_t size = column->coded ? sizeof(uint32_t) : value_size(column), count;
	void *dense = column->dense.data, *result = dense;
	FlowWrong wrong;

	*values = (FlowParquetValues) {.count = rows};
	wrong = read_levels(column, rows, &values->present, &count);
	if (wrong != NULL)
		return wrong;

	if (column->coded)
		wrong = read_codes(column, dense, count);
	else
	{
		FlowDecoded to = decoded_to(column, dense);

		wrong = column->encoding->read(&column->decoder, count, &to);
		if (wrong == NULL)
			wrong = check_values(column, dense, count);
	}
	if (wrong != NULL)
		return wrong;

	if (values->present != NULL)
	{
		memset((uint8_t *) dense + count * size, 0, size);
		result = column->spread.data;
		if (column->coded)
			spread_codes(values->present, rows, dense, column->dictionary.count, result);
		else
			spread_values(values->present, rows, dense, result, size);
	}
	if (column->coded)
	{
		values->codes = result;
		values->dictionary = &column->dictionary;
	}
	else
		values->values = array_of(column, result);
	return NULL;
}

/* Returns how many rows are decoded at once. */
static size_t
rows_at_once(const FlowParquetColumn *column, uint64_t rows)
{
	if (rows > FLOW_PARQUET_MAX_ROWS)
		rows = FLOW_PARQUET_MAX_ROWS;
	if (rows > column->page_left)
		rows = column->page_left;
	if (!column->coded && column->encoding->max_values > 0 && rows > column->encoding->max_values)
		rows = column->encoding->max_values;
	return (size_t) rows;
}

/* Returns the next rows. */
static FlowStatus
next_rows(FlowParquetColumn *column, size_t max_rows, FlowParquetValues *values, FlowError *error)
{
	FlowStatus status = FLOW_OK;
	size_t rows;
	FlowWrong wrong;

	column->pages.far = false;
	while (status == FLOW_OK && column->page_left == 0)
	{
		status = next_header(column, error);
		if (status == FLOW_OK)
			status = column->header.type == FLOW_DICTIONARY_PAGE ? load_dictionary(column, error)
			                                                     : load_page(column, error);
	}
	if (status != FLOW_OK)
		return status;

	rows = rows_at_once(column, max_rows);
	status = reserve_rows(column, rows, true, error);
	if (status != FLOW_OK)
		return status;
	wrong = read_rows(column, rows, values);
	if (wrong != NULL)
		return report(column, &column->header, wrong, error);
	column->page_left -= (uint32_t) rows;
	column->left -= rows;
	return FLOW_OK;
}

/* Returns the next rows. */
FlowStatus
flow_parquet_column_next(FlowParquetColumn *column, size_t max_rows, FlowParquetValues *values,
                         FlowError *error)
{
	if (column->failed)
		return flow_error_set(error, FLOW_CORRUPT, "is damaged");
	if (column->left == 0)
		return FLOW_END;
	return note_failure(column, next_rows(column, max_rows, values, error));
}

/* Skips some rows of the page. */
static FlowWrong
skip_in_page(FlowParquetColumn *column, size_t rows)
{
	FlowDecoded to = decoded_to(column, column->dense.data);
	const uint8_t *present;
	size_t count;
	FlowWrong wrong = read_levels(column, rows, &present, &count);

	if (wrong != NULL)
		return wrong;
	if (column->coded)
		return flow_rle_skip(&column->codes, count) ? NULL : "fewer values than rows";
	return column->encoding->skip != NULL ? column->encoding->skip(&column->decoder, count)
	                                      : column->encoding->read(&column->decoder, count, &to);
}

/*
 * Goes to the page that has the row after "rows" more, or to the end.  Returns
 * how many rows are then skipped.  A page has been read to its end.
 */
static uint64_t
jump(FlowParquetColumn *column, uint64_t rows)
{
	uint64_t row = column->rows - column->left, skipped;
	const FlowParquetPage *page;

	if (rows == column->left)
	{
		column->left = 0;
		return rows;
	}
	page = &column->index->pages[find_page(column->index, row + rows)];
	if (page->first_row <= row)
		return 0;
	skipped = page->first_row - row;
	column->pages.next = page->offset;
	column->left -= skipped;
	return skipped;
}

/* Skips rows. */
static FlowStatus
skip_rows(FlowParquetColumn *column, uint64_t rows, FlowError *error)
{
	FlowStatus status;

	while (rows > 0)
	{
		size_t len;
		bool reads;
		FlowWrong wrong;

		if (column->page_left == 0)
		{
			/* the dictionary, if there is one, stands before the first page */
			if (column->index != NULL && (column->any_page || column->has_dictionary ||
			                              column->pages.next == column->index->pages[0].offset))
			{
				column->any_page = true;
				rows -= jump(column, rows);
				if (rows == 0)
					break;
			}
			column->pages.far = true;
			status = next_header(column, error);
			if (status != FLOW_OK)
				return status;
			if (column->header.type == FLOW_DICTIONARY_PAGE)
				continue;
			if (column->header.values <= rows)
			{
				rows -= column->header.values;
				column->left -= column->header.values;
				continue;
			}
			column->pages.far = false;
			status = load_page(column, error);
			if (status != FLOW_OK)
				return status;
		}
		else if (rows >= column->page_left)
		{
			/* nothing more is needed of this page */
			rows -= column->page_left;
			column->left -= column->page_left;
			column->page_left = 0;
			continue;
		}

		if (flow_interrupted(column->host))
			return flow_error_interrupted(error);
		/* values that have to be read are thrown away, a few at a time */
		reads = !column->coded && column->encoding->skip == NULL;
		len = rows_at_once(column, reads && rows > MIN_ROWS ? MIN_ROWS : rows);
		status = reserve_rows(column, len, reads, error);
		if (status != FLOW_OK)
			return status;
		wrong = skip_in_page(column, len);
		if (wrong != NULL)
			return report(column, &column->header, wrong, error);
		column->page_left -= (uint32_t) len;
		column->left -= len;
		rows -= len;
	}
	return FLOW_OK;
}

/* Skips rows. */
FlowStatus
flow_parquet_column_skip(FlowParquetColumn *column, uint64_t rows, FlowError *error)
{
	if (column->failed)
		return flow_error_set(error, FLOW_CORRUPT, "is damaged");
	return note_failure(column, skip_rows(column, rows, error));
}

/* Reads the dictionary alone. */
static FlowStatus
read_dictionary(FlowParquetColumn *column, const FlowParquetDictionary **dictionary,
                FlowError *error)
{
	FlowStatus status = FLOW_OK;

	if (!column->has_dictionary && !column->any_page)
	{
		column->pages.far = true;
		status = next_header(column, error);
		if (status != FLOW_OK)
			return status;
		/* a data page is to be read again */
		if (column->header.type != FLOW_DICTIONARY_PAGE)
		{
			column->pages.next = column->header.offset;
			column->any_page = false;
			return FLOW_OK;
		}
	}
	if (column->has_dictionary && !column->dictionary_loaded)
		status = load_dictionary(column, error);
	if (status == FLOW_OK && column->has_dictionary)
		*dictionary = &column->dictionary;
	return status;
}

/* Reads the dictionary alone. */
FlowStatus
flow_parquet_column_dictionary(FlowParquetColumn *column, const FlowParquetDictionary **dictionary,
                               FlowError *error)
{
	*dictionary = NULL;
	if (column->failed)
		return flow_error_set(error, FLOW_CORRUPT, "is damaged");
	if (column->left == 0)
		return FLOW_OK;
	return note_failure(column, read_dictionary(column, dictionary, error));
}
