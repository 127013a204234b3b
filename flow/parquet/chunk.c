/*-------------------------------------------------------------------------
 *
 * chunk.c
 *	  Reads the description of a column chunk, with its statistics.
 *
 *-------------------------------------------------------------------------
 */
#include "codec.h"
#include "metadata.h"

#include <string.h>

/* enum Encoding */
#define PLAIN_DICTIONARY 2
#define RLE 3
#define BIT_PACKED 4
#define RLE_DICTIONARY 8
#define ALP 10

/* enum PageType */
#define DATA_PAGE 0
#define DATA_PAGE_V2 3

/* fields of ColumnMetaData */
#define META_TYPE 1
#define META_CODEC 4
#define META_VALUES 5
#define META_SIZE 7
#define META_DATA_OFFSET 9
#define META_REQUIRED                                                                              \
	(1 << META_TYPE | 1 << META_CODEC | 1 << META_VALUES | 1 << META_SIZE | 1 << META_DATA_OFFSET)
#define META_ENCODING_STATS 13

/* fields of Statistics */
#define STATISTICS_NULL_COUNT 3
#define STATISTICS_MAX_VALUE 5
#define STATISTICS_MIN_VALUE 6
#define STATISTICS_MAX_EXACT 7
#define STATISTICS_MIN_EXACT 8

/* ---------- reading ---------- */

static void
note_field(uint32_t *seen, int field)
{
	if (field < 32)
		*seen |= UINT32_C(1) << field;
}

static uint32_t
encoding_bit(int32_t encoding)
{
	return UINT32_C(1) << (encoding >= 0 && encoding < 31 ? encoding : 31);
}

/*
 * Reads Statistics.  A field of another type than it should have says nothing.
 */
static void
read_statistics(FlowThrift *thrift, FlowParquetFields *fields)
{
	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		bool is_text = thrift->type == FLOW_THRIFT_BINARY;
		bool is_truth = thrift->type == FLOW_THRIFT_TRUE || thrift->type == FLOW_THRIFT_FALSE;
		int field = thrift->field;

		if (field == STATISTICS_MAX_VALUE && is_text)
			fields->max = flow_thrift_binary(thrift);
		else if (field == STATISTICS_MIN_VALUE && is_text)
			fields->min = flow_thrift_binary(thrift);
		else if (field == STATISTICS_MAX_EXACT && is_truth)
			fields->max_exact = flow_thrift_bool(thrift);
		else if (field == STATISTICS_MIN_EXACT && is_truth)
			fields->min_exact = flow_thrift_bool(thrift);
		else if (field == STATISTICS_NULL_COUNT && thrift->type == FLOW_THRIFT_INT64)
			fields->nulls = flow_thrift_int64(thrift);
		else
			flow_thrift_skip(thrift);
	}
}

/* Reads the encodings of pages, of which those of data pages are kept. */
static void
read_encoding_stats(FlowThrift *thrift, FlowParquetFields *fields)
{
	for (size_t count = flow_thrift_list(thrift, FLOW_THRIFT_STRUCT); count > 0; count--)
	{
		int32_t page = -1, encoding = -1, pages = 0;

		flow_thrift_begin(thrift);
		while (flow_thrift_field(thrift))
			switch (thrift->field)
			{
				case 1:
					page = flow_thrift_int32(thrift);
					break;
				case 2:
					encoding = flow_thrift_int32(thrift);
					break;
				case 3:
					pages = flow_thrift_int32(thrift);
					break;
				default:
					flow_thrift_skip(thrift);
			}
		if (thrift->what != NULL)
			return;
		if ((page == DATA_PAGE || page == DATA_PAGE_V2) && pages != 0)
			fields->data_encodings |= encoding_bit(encoding);
	}
}

static void
read_meta_data(FlowThrift *thrift, FlowParquetFields *fields)
{
	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		note_field(&fields->meta_seen, thrift->field);
		switch (thrift->field)
		{
			case META_TYPE:
				fields->type = flow_thrift_int32(thrift);
				break;
			case 2:
				for (size_t count = flow_thrift_list(thrift, FLOW_THRIFT_INT32); count > 0; count--)
					fields->encodings |= encoding_bit(flow_thrift_next_int32(thrift));
				break;
			case META_CODEC:
				fields->codec = flow_thrift_int32(thrift);
				break;
			case META_VALUES:
				fields->values = flow_thrift_int64(thrift);
				break;
			case META_SIZE:
				fields->size = flow_thrift_int64(thrift);
				break;
			case META_DATA_OFFSET:
				fields->data_offset = flow_thrift_int64(thrift);
				break;
			case 11:
				fields->dictionary_offset = flow_thrift_optional_int64(thrift);
				break;
			case 12:
				if (thrift->type == FLOW_THRIFT_STRUCT)
					read_statistics(thrift, fields);
				else
					flow_thrift_skip(thrift);
				break;
			case META_ENCODING_STATS:
				read_encoding_stats(thrift, fields);
				break;
			case 14:
				fields->bloom_offset = flow_thrift_optional_int64(thrift);
				break;
			case 15:
				fields->bloom_size = flow_thrift_optional_int64(thrift);
				break;
			default:
				flow_thrift_skip(thrift);
		}
	}
}

/* Reads a ColumnChunk. */
void
flow_parquet_read_fields(FlowThrift *thrift, FlowParquetFields *fields)
{
	*fields = (FlowParquetFields) {.nulls = -1};
	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		note_field(&fields->chunk_seen, thrift->field);
		switch (thrift->field)
		{
			case FLOW_CHUNK_META_DATA:
				if (thrift->type == FLOW_THRIFT_STRUCT)
					read_meta_data(thrift, fields);
				else
					flow_thrift_fail(thrift, "a column chunk of a wrong type");
				break;
			case 4:
				fields->offset_index_offset = flow_thrift_optional_int64(thrift);
				break;
			case 5:
				fields->offset_index_size = flow_thrift_optional_int64(thrift);
				break;
			case 6:
				fields->column_index_offset = flow_thrift_optional_int64(thrift);
				break;
			case 7:
				fields->column_index_size = flow_thrift_optional_int64(thrift);
				break;
			default:
				flow_thrift_skip(thrift);
		}
	}

	if (!FLOW_SEEN(fields->chunk_seen, FLOW_CHUNK_CRYPTO) &&
	    (fields->meta_seen & META_REQUIRED) != META_REQUIRED)
		flow_thrift_fail(thrift, "a column chunk that lacks a required field");
}

/* Returns what a chunk is that cannot be read. */
const char *
flow_parquet_refused_chunk(const FlowParquetFields *fields)
{
	const FlowPageCodec *codec = flow_page_codec(fields->codec);

	if (FLOW_SEEN(fields->chunk_seen, FLOW_CHUNK_CRYPTO))
		return "encrypted";
	if (codec == NULL)
		return "compressed by an unknown codec";
	if (codec->refused != NULL)
		return codec->refused;
	if (FLOW_SEEN(fields->encodings, ALP))
		return "encoded by ALP";
	if (fields->encodings >> (ALP + 1) != 0)
		return "encoded in an unknown way";
	return NULL;
}

/* ---------- statistics ---------- */

/*
 * Returns true if all data pages have codes.  Without statistics of the pages,
 * that is known only of files that call the dictionary's encoding
 * PLAIN_DICTIONARY: there, PLAIN is only in the list if a data page has it.
 */
static bool
is_dictionary_coded(const FlowParquetFields *fields)
{
	if (FLOW_SEEN(fields->meta_seen, META_ENCODING_STATS))
		return fields->data_encodings != 0 &&
		       (fields->data_encodings & ~(1u << PLAIN_DICTIONARY | 1u << RLE_DICTIONARY)) == 0;
	return FLOW_SEEN(fields->encodings, PLAIN_DICTIONARY) &&
	       (fields->encodings & ~(1u << PLAIN_DICTIONARY | 1u << RLE | 1u << BIT_PACKED)) == 0;
}

static uint64_t
little_endian(const char *data, size_t len)
{
	uint64_t number = 0;

	for (size_t i = len; i-- > 0;)
		number = number << 8 | (uint8_t) data[i];
	return number;
}

/* Reads a bound. */
bool
flow_parquet_read_bound(const FlowParquetLeaf *leaf, const FlowParquetStored *stored,
                        FlowSlice bound, int side, int64_t number[2], double real[2],
                        FlowSlice text[2])
{
	uint64_t bits;
	double value;
	float single;

	if (stored->type == FLOW_STORED_BOOLEAN ? bound.len != 1
	                                        : stored->len != 0 && bound.len != stored->len)
		return false;

	if (leaf->form == FLOW_PARQUET_TEXTS)
	{
		if (leaf->kind == FLOW_PARQUET_DECIMAL && (bound.len == 0 || bound.len > 32))
			return false;
		text[side] = bound;
		return true;
	}

	bits = little_endian(bound.data, bound.len);
	if (leaf->form == FLOW_PARQUET_NUMBERS)
	{
		if (stored->type == FLOW_STORED_INT32)
			number[side] =
				leaf->kind == FLOW_PARQUET_UNSIGNED ? (int64_t) bits : (int32_t) (uint32_t) bits;
		else
			number[side] = (int64_t) bits;
		return stored->type != FLOW_STORED_BOOLEAN || bits <= 1;
	}

	if (stored->type == FLOW_STORED_FLOAT)
	{
		uint32_t word = (uint32_t) bits;

		memcpy(&single, &word, sizeof(single));
		value = single;
	}
	else
		memcpy(&value, &bits, sizeof(value));
	/* a NaN says nothing, and a zero may stand for the other */
	if (value != value)
		return false;
	real[side] = value == 0 ? (side == 0 ? -0.0 : 0.0) : value;
	return true;
}

/*
 * Fills in bounds.  Only min_value and max_value are used, and only if the
 * footer says that their order is the type's: older writers put other things
 * into "min" and "max".  INT96 has no order.
 */
static void
fill_statistics(const FlowParquetLeaf *leaf, const FlowParquetStored *stored,
                const FlowParquetFields *fields, FlowParquetChunk *chunk)
{
	if (fields->nulls >= 0 && fields->nulls <= fields->values)
		chunk->nulls = fields->nulls;
	if (!stored->ordered || leaf->kind == FLOW_PARQUET_INT96)
		return;
	chunk->has_min = fields->min.data != NULL && flow_parquet_read_bound(leaf,
	                                                                     stored,
	                                                                     fields->min,
	                                                                     0,
	                                                                     chunk->number,
	                                                                     chunk->real,
	                                                                     chunk->text);
	chunk->has_max = fields->max.data != NULL && flow_parquet_read_bound(leaf,
	                                                                     stored,
	                                                                     fields->max,
	                                                                     1,
	                                                                     chunk->number,
	                                                                     chunk->real,
	                                                                     chunk->text);
	chunk->min_exact = chunk->has_min && fields->min_exact;
	chunk->max_exact = chunk->has_max && fields->max_exact;
}

/* Fills in a byte range if it is one before the footer. */
static void
fill_range(const FlowParquet *parquet, int64_t offset, int64_t size, uint64_t *range_offset,
           uint64_t *range_size)
{
	if (offset < 4 || size <= 0 || (uint64_t) offset > parquet->footer_offset ||
	    (uint64_t) size > parquet->footer_offset - (uint64_t) offset)
		return;
	*range_offset = (uint64_t) offset;
	*range_size = (uint64_t) size;
}

/* Describes a chunk. */
void
flow_parquet_chunk(const FlowParquet *parquet, size_t group, size_t leaf, FlowParquetChunk *chunk)
{
	const FlowParquetPlace *place = &parquet->places[group * parquet->nleaves + leaf];
	FlowParquetFields fields;
	FlowThrift thrift;

	flow_thrift_init(&thrift,
	                 parquet->host,
	                 parquet->footer + place->at,
	                 parquet->footer_len - place->at);
	flow_parquet_read_fields(&thrift, &fields);

	*chunk = (FlowParquetChunk) {.offset = place->offset, .size = place->size, .nulls = -1};
	/* an interrupt will come again */
	if (thrift.what != NULL || place->size == 0)
		return;
	if (fields.dictionary_offset > 0 && (uint64_t) fields.dictionary_offset == place->offset &&
	    (uint64_t) fields.data_offset - place->offset <= place->size)
		chunk->dictionary_size = (uint64_t) fields.data_offset - place->offset;
	chunk->dictionary_coded = is_dictionary_coded(&fields);
	fill_statistics(&parquet->leaves[leaf], &parquet->stored[leaf], &fields, chunk);
	fill_range(parquet,
	           fields.bloom_offset,
	           fields.bloom_size,
	           &chunk->bloom_offset,
	           &chunk->bloom_size);
	fill_range(parquet,
	           fields.column_index_offset,
	           fields.column_index_size,
	           &chunk->column_index_offset,
	           &chunk->column_index_size);
	fill_range(parquet,
	           fields.offset_index_offset,
	           fields.offset_index_size,
	           &chunk->offset_index_offset,
	           &chunk->offset_index_size);
}
