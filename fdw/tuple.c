/*-------------------------------------------------------------------------
 *
 * tuple.c
 *	  Converts a record's values to a tuple's Datums: knows how PostgreSQL
 *	  stores what the core reads.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <ctype.h>
#include <sys/socket.h>

#include "access/sysattr.h"
#include "mb/pg_wchar.h"
#include "port/pg_bitutils.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/fmgroids.h"
#include "utils/inet.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

/*
 * By-reference values of a row are stored here one after another; each row
 * overwrites the last one.  So much stays in the processor's cache; values
 * that do not fit are allocated.
 */
#define ARENA_SIZE 8192

/*
 * Texts are copied by whole words, so bytes up to a word's end are written
 * after the last one.
 */
#define COPY_UNIT sizeof(uint64)

/* A column that the query needs. */
typedef struct ColumnConverter
{
	int column;    /* index into the table's columns */
	int attribute; /* attnum - 1 */
	int32 typmod;

	/* as in the column's definition */
	FlowType type;
	int max_chars;
	const char *null_text;
	size_t null_len; /* SIZE_MAX: no text means NULL (null_text is NULL) */

	bool minds_nulls; /* a NULL must not be taken without a check */

	/* for a type that only PostgreSQL's input function reads */
	FmgrInfo input;
	Oid ioparam;
} ColumnConverter;

/*
 * What is needed to convert nearly all fields of a column.  Columns of one
 * kind are converted in one loop, so branch prediction and constants stay hot
 * (a quarter less time than one loop over all columns with a switch in it).
 */
typedef struct QuickColumn
{
	int column;
	int attribute;
	uint64 bit; /* of its converter, in FlowlogTuple.others */

	uint64 most; /* the maximum of a number; the maximum bytes of a text */
	int64 unit;  /* the Datum is number * unit + zero */
	int64 zero;
	const char *null_text;
	size_t null_len;
} QuickColumn;

typedef struct QuickColumns
{
	QuickColumn *items;
	int count;
} QuickColumns;

/* converters that can be quick ones: the bits of a word */
#define QUICK_MAX 64

struct FlowlogTuple
{
	FlowlogTupleSource source;
	int natts;
	ColumnConverter *converters;
	int nconverters;
	int *columns; /* the columns of the converters */

	/*
	 * columns that are converted quickly, by kind; and a bit for each of the
	 * first QUICK_MAX converters that are not
	 */
	QuickColumns numbers;
	QuickColumns texts;
	QuickColumns addresses;
	uint64 others;

	/* arrays in which all other columns are NULL already */
	Datum *values;
	bool *isnull;

	/* the current row's by-reference values */
	char *arena; /* NULL: not yet made */
	char *next;  /* its next free byte */
	char *end;   /* COPY_UNIT more bytes may be written after it */
	/*
	 * for values that do not fit into the arena, and what PostgreSQL's
	 * functions allocate
	 */
	MemoryContext row;
	bool row_used;

	/* for the error context of an input function */
	const ColumnConverter *running; /* the column it is called for */
	bool may_see_raw;
};

/* ---------- memory of a row ---------- */

/* Allocates memory for a row; COPY_UNIT more bytes may be written. */
static void *
row_alloc(FlowlogTuple *tuple, Size size)
{
	tuple->row_used = true;
	return MemoryContextAlloc(tuple->row, size + COPY_UNIT);
}

/* Copies a text as a C string. */
static char *
row_string(FlowlogTuple *tuple, FlowSlice text)
{
	char *copy = row_alloc(tuple, text.len + 1);

	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	return copy;
}

/*
 * Makes a varlena of "len" bytes, which the caller writes to *data; COPY_UNIT
 * more bytes may be written.  As in a heap tuple, a short one has a header of
 * one byte and is not aligned.
 */
static inline struct varlena *
new_varlena(FlowlogTuple *tuple, Size len, char **data)
{
	bool is_short = len + VARHDRSZ_SHORT <= VARATT_SHORT_MAX;
	char *start = is_short ? tuple->next : (char *) INTALIGN(tuple->next);
	Size size = len + (is_short ? VARHDRSZ_SHORT : VARHDRSZ);

	if (likely(start + size <= tuple->end))
		tuple->next = start + size;
	else
		start = row_alloc(tuple, size);
	if (is_short)
		SET_VARSIZE_SHORT(start, size);
	else
		SET_VARSIZE(start, size);
	*data = VARDATA_ANY(start);
	return (struct varlena *) start;
}

/* ---------- the quick way, for nearly all fields ---------- */

/*
 * Copies a text; returns false if it is not all ASCII or has a NUL. Up to
 * COPY_UNIT - 1 bytes after the text are read and written.
 */
static inline bool
copy_ascii(char *to, const char *from, Size len)
{
	uint64 special = 0;
	uint64 word;

	/*
	 * a byte from 0x80 on has its high bit set; a NUL gets it when 1 is
	 * subtracted
	 */
	for (; len > COPY_UNIT; len -= COPY_UNIT, from += COPY_UNIT, to += COPY_UNIT)
	{
		memcpy(&word, from, COPY_UNIT);
		memcpy(to, &word, COPY_UNIT);
		special |= word | (word - UINT64CONST(0x0101010101010101));
	}
	if (len > 0)
	{
		memcpy(to, from, COPY_UNIT);
		word = flow_load_word(from) << (8 * (COPY_UNIT - len)) |
		       UINT64CONST(0x0101010101010101) >> (8 * len - 1) >> 1;
		special |= word | (word - UINT64CONST(0x0101010101010101));
	}
	return (special & UINT64CONST(0x8080808080808080)) == 0;
}

/* Converts a field of ASCII to text; returns false for others. */
static inline bool
text_quickly(FlowlogTuple *tuple, FlowSlice field, Datum *datum)
{
	char *data;

	*datum = PointerGetDatum(new_varlena(tuple, field.len, &data));
	return copy_ascii(data, field.data, field.len);
}

/*
 * Converts a field to char(n), which is stored padded with blanks; returns
 * false if it is not ASCII.
 */
static inline bool
padded_quickly(FlowlogTuple *tuple, FlowSlice field, Size width, Datum *datum)
{
	char *data;

	*datum = PointerGetDatum(new_varlena(tuple, width, &data));
	if (!copy_ascii(data, field.data, field.len))
		return false;
	memset(data + field.len, ' ', width - field.len);
	return true;
}

/* The bytes of an inet or cidr after its header (see utils/inet.h). */
typedef struct StoredIPv4
{
	uint8 family;
	uint8 bits;
	uint8 bytes[4];
} StoredIPv4;

/* Converts a dotted quad; returns false for other fields. */
static inline bool
address_quickly(FlowlogTuple *tuple, FlowSlice field, Datum *datum)
{
	StoredIPv4 stored = {PGSQL_AF_INET, 32, {0}};
	char *data;

	if (!flow_read_dotted_quad(field.data, field.len, true, stored.bytes))
		return false;
	*datum = PointerGetDatum(new_varlena(tuple, sizeof(stored), &data));
	memcpy(data, &stored, sizeof(stored));
	return true;
}

/*
 * How digits are converted for a column of a type.  A Datum that is passed by
 * value, of any width, is the same word as an int8's of that value.
 */
typedef struct NumberKind
{
	uint64 most; /* maximum; 0: the type is not converted in this way */
	int64 unit;
	int64 zero; /* the Datum of 0 */
} NumberKind;

static const NumberKind number_kinds[FLOW_OPAQUE + 1] = {
#ifdef USE_FLOAT8_BYVAL
	[FLOW_INT16] = {PG_INT16_MAX, 1, 0},
	[FLOW_INT32] = {PG_INT32_MAX, 1, 0},
	[FLOW_INT64] = {PG_INT64_MAX, 1, 0},
	[FLOW_TIME] = {FLOW_MAX_UNIX_SECONDS, USECS_PER_SEC, -FLOWLOG_EPOCH_MICROSECONDS},
#else
	{0, 0, 0}
#endif
};

/*
 * The following functions try to convert the columns of a kind.  None of the
 * fields that they convert means NULL. They return the bits of the columns
 * whose fields are not plain digits, plain text or a dotted quad.  Those are
 * left to flow_value_read, which would give the same result for the others.
 */
static inline uint64
fill_numbers(const QuickColumns *columns, const FlowSlice *fields, Datum *values, bool *isnull)
{
	const QuickColumn *end = columns->items + columns->count;
	uint64 left = 0;

	for (const QuickColumn *column = columns->items; column < end; column++)
	{
		FlowSlice field = fields[column->column];
		uint64 number = 0;

		if (unlikely(!flow_read_digits(field.data, field.len, true, &number) ||
		             number > column->most))
		{
			left |= column->bit;
			continue;
		}
		values[column->attribute] = Int64GetDatum((int64) number * column->unit + column->zero);
		isnull[column->attribute] = false;
	}
	return left;
}

static inline uint64
fill_texts(FlowlogTuple *tuple, const QuickColumns *columns, const FlowSlice *fields, Datum *values,
           bool *isnull)
{
	const QuickColumn *end = columns->items + columns->count;
	uint64 left = 0;

	for (const QuickColumn *column = columns->items; column < end; column++)
	{
		FlowSlice field = fields[column->column];

		/* a text of no more bytes than the maximum has no more characters */
		if (unlikely(field.data == NULL || field.len > column->most ||
		             (field.len == column->null_len &&
		              memcmp(field.data, column->null_text, field.len) == 0) ||
		             !text_quickly(tuple, field, &values[column->attribute])))
		{
			left |= column->bit;
			continue;
		}
		isnull[column->attribute] = false;
	}
	return left;
}

static inline uint64
fill_addresses(FlowlogTuple *tuple, const QuickColumns *columns, const FlowSlice *fields,
               Datum *values, bool *isnull)
{
	const QuickColumn *end = columns->items + columns->count;
	uint64 left = 0;

	for (const QuickColumn *column = columns->items; column < end; column++)
	{
		if (unlikely(!address_quickly(tuple, fields[column->column], &values[column->attribute])))
		{
			left |= column->bit;
			continue;
		}
		isnull[column->attribute] = false;
	}
	return left;
}

/* ---------- all other fields, by flow_value_read ---------- */

/*
 * Converts a text to numeric.  The core has checked that numeric_in of
 * PostgreSQL 15 accepts it, which allows blanks after an "e", as later
 * releases do not: they are removed.
 */
static Datum
convert_decimal(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	char *text = row_string(tuple, value->text);
	char *to = text;
	MemoryContext old;
	Datum datum;

	for (const char *from = text; *from != '\0'; from++)
		if (!isspace((unsigned char) *from))
			*to++ = *from;
	*to = '\0';

	old = MemoryContextSwitchTo(tuple->row);
	datum = DirectFunctionCall3(numeric_in,
	                            CStringGetDatum(text),
	                            ObjectIdGetDatum(InvalidOid),
	                            Int32GetDatum(converter->typmod));
	MemoryContextSwitchTo(old);
	return datum;
}

static Datum
convert_text(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	char *data;
	struct varlena *text = new_varlena(tuple, value->text.len, &data);

	memcpy(data, value->text.data, value->text.len);
	return PointerGetDatum(text);
}

/* Converts a text to char(n). */
static Datum
convert_padded(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	Size len = value->text.len;
	Size padding = 0;
	struct varlena *text;
	char *data;

	if (converter->max_chars > 0)
		padding = converter->max_chars -
		          Min(converter->max_chars, pg_mbstrlen_with_len(value->text.data, len));
	text = new_varlena(tuple, len + padding, &data);
	memcpy(data, value->text.data, len);
	memset(data + len, ' ', padding);
	return PointerGetDatum(text);
}

/* Converts an address or network to inet or cidr. */
static Datum
convert_address(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	const FlowAddress *address = &value->address;
	Size size = address->family == 4 ? 4 : 16;
	char *data;
	struct varlena *result = new_varlena(tuple, offsetof(inet_struct, ipaddr) + size, &data);

	data[offsetof(inet_struct, family)] = address->family == 4 ? PGSQL_AF_INET : PGSQL_AF_INET6;
	data[offsetof(inet_struct, bits)] = (char) address->bits;
	memcpy(data + offsetof(inet_struct, ipaddr), address->bytes, size);
	return PointerGetDatum(result);
}

/*
 * Adds the place in the log to an error of a type's input function.  The
 * function's message quotes the value, so other users than those who may see
 * raw text get another message.
 */
static void
input_error_context(void *arg)
{
	FlowlogTuple *tuple = arg;
	const FlowColumn *of = &tuple->source.table->columns[tuple->running->column];
	const char *column = flowlog_message_prepared(of->name);
	const char *field = of->field != NULL ? of->field : of->name;
	const char *path;
	uint64 line;

	if (!tuple->may_see_raw)
	{
		errmsg("invalid flow log record");
		errdetail("The value for column \"%s\" is not of its type.", column);
		errhint("Only roles that may SELECT the whole table see the value.");
	}
	else if (of->source == FLOW_FROM_RECORD && flow_field_types(field) != NULL &&
	         tuple->running->input.fn_oid != F_DOMAIN_IN) /* whose check is meant to fail */
		errhint("Change the type of the column to %s, which suits the field \"%s\".",
		        flow_field_types(field),
		        flow_field_name(field));

	if (tuple->source.position == NULL || !tuple->source.position(tuple->source.arg, &path, &line))
		return;
	path = flowlog_message_prepared(path);
	if (line == 0)
		errcontext("flow log \"%s\", column %s", path, column);
	else
		errcontext("flow log \"%s\", line %llu, column %s",
		           path,
		           (unsigned long long) line,
		           column);
}

/* Calls the type's own input function; a NULL "text" means no value. */
static Datum
call_input(FlowlogTuple *tuple, const ColumnConverter *converter, char *text)
{
	MemoryContext old = MemoryContextSwitchTo(tuple->row);
	ErrorContextCallback callback = {error_context_stack, input_error_context, tuple};
	Datum datum;

	tuple->running = converter;
	error_context_stack = &callback;
	datum = InputFunctionCall((FmgrInfo *) &converter->input,
	                          text,
	                          converter->ioparam,
	                          converter->typmod);
	error_context_stack = callback.previous;
	MemoryContextSwitchTo(old);
	return datum;
}

/*
 * Returns the timestamp of a Unix time in microseconds.  The ends of the
 * range are the infinities, see unix_microseconds.
 */
static TimestampTz
timestamp_of(int64 microseconds)
{
	if (microseconds == PG_INT64_MIN)
		return DT_NOBEGIN;
	if (microseconds == PG_INT64_MAX)
		return DT_NOEND;
	return microseconds - FLOWLOG_EPOCH_MICROSECONDS;
}

/* Returns the date of a number of days since 1970, or of an infinity. */
static DateADT
date_of(int64 days)
{
	if (days == PG_INT64_MIN)
		return DATEVAL_NOBEGIN;
	if (days == PG_INT64_MAX)
		return DATEVAL_NOEND;
	return (DateADT) (days - FLOWLOG_EPOCH_DAYS);
}

/* Converts a value of any type. */
static Datum
convert_value(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowValue *value)
{
	switch (converter->type)
	{
		case FLOW_INT16:
			return Int16GetDatum((int16) value->integer);
		case FLOW_INT32:
			return Int32GetDatum((int32) value->integer);
		case FLOW_INT64:
			return Int64GetDatum(value->integer);
		case FLOW_FLOAT:
			return Float4GetDatum((float4) value->real);
		case FLOW_DOUBLE:
			return Float8GetDatum(value->real);
		case FLOW_DECIMAL:
			return convert_decimal(tuple, converter, value);
		case FLOW_BOOLEAN:
			return BoolGetDatum(value->integer != 0);
		case FLOW_TEXT:
			return convert_text(tuple, converter, value);
		case FLOW_PADDED:
			return convert_padded(tuple, converter, value);
		case FLOW_ADDRESS:
		case FLOW_NETWORK:
			return convert_address(tuple, converter, value);
		case FLOW_TIME:
			return TimestampTzGetDatum(timestamp_of(value->integer));
		case FLOW_DAY:
			return DateADTGetDatum(date_of(value->integer));
		case FLOW_OPAQUE:
			return call_input(tuple, converter, row_string(tuple, value->text));
	}
	pg_unreachable();
}

/* Does what convert does, for any field. */
static pg_noinline bool
convert_slowly(FlowlogTuple *tuple, const ColumnConverter *converter, FlowSlice field, Datum *datum)
{
	const FlowlogTupleSource *source = &tuple->source;
	FlowValue value;
	FlowStatus status =
		flow_value_read(&source->table->columns[converter->column], source->host, field, &value);

	if (status == FLOW_OK)
	{
		*datum = convert_value(tuple, converter, &value);
		return true;
	}
	if (status != FLOW_END)
		source->bad_field(source->arg, (FlowBadField) {converter->column, status});
	else if (converter->type == FLOW_OPAQUE && converter->minds_nulls)
	{
		/* a domain may not allow it */
		tuple->row_used = true;
		(void) call_input(tuple, converter, NULL);
	}
	return false;
}

/*
 * Converts a plain field of a type without a loop of its own; returns false if
 * it takes flow_value_read.
 */
static inline bool
convert_plain(FlowlogTuple *tuple, const ColumnConverter *converter, FlowSlice field, Datum *datum)
{
	uint64 number;

	switch (converter->type)
	{
		case FLOW_PADDED:
			return converter->max_chars < 0
			           ? text_quickly(tuple, field, datum)
			           : field.len <= (Size) converter->max_chars &&
			                 padded_quickly(tuple, field, converter->max_chars, datum);
		case FLOW_FLOAT:
		case FLOW_DOUBLE:
			if (!flow_read_digits(field.data, field.len, true, &number))
				return false;
			*datum = converter->type == FLOW_FLOAT ? Float4GetDatum((float4) number)
			                                       : Float8GetDatum((float8) number);
			return true;
		case FLOW_DAY:
			if (!flow_read_digits(field.data, field.len, true, &number))
				return false;
			*datum = DateADTGetDatum((DateADT) (number / SECS_PER_DAY) - FLOWLOG_EPOCH_DAYS);
			return number <= FLOW_MAX_UNIX_SECONDS;
		default:
			return false;
	}
}

/* Returns true if a field is missing, or is the column's text for NULL. */
static inline bool
means_null(const ColumnConverter *converter, FlowSlice field)
{
	return field.data == NULL || (field.len == converter->null_len &&
	                              memcmp(field.data, converter->null_text, field.len) == 0);
}

/*
 * Converts a field of the current record.  Returns false if it is NULL, or is
 * to be NULL because it does not convert.
 */
static inline bool
convert(FlowlogTuple *tuple, const ColumnConverter *converter, FlowSlice field, Datum *datum)
{
	if (means_null(converter, field))
		return converter->minds_nulls && convert_slowly(tuple, converter, field, datum);
	return convert_plain(tuple, converter, field, datum) ||
	       convert_slowly(tuple, converter, field, datum);
}

/* Converts one value, in the current memory context. */
Datum
flowlog_value_to_datum(const FlowColumn *column, const FlowValue *value)
{
	FlowlogTuple tuple = {.row = CurrentMemoryContext}; /* without an arena */
	ColumnConverter converter = {.type = column->type};

	return convert_value(&tuple, &converter, value);
}

/* ---------- rows ---------- */

/* Sets up the converter of a column. */
static void
set_converter(FlowlogTuple *tuple, ColumnConverter *converter, int column,
              Form_pg_attribute attribute)
{
	const FlowlogTable *table = tuple->source.table;
	const FlowColumn *definition = &table->columns[column];

	converter->column = column;
	converter->attribute = attribute->attnum - 1;
	converter->typmod = attribute->atttypmod;
	converter->type = definition->type;
	converter->max_chars = definition->max_chars;
	converter->null_text = definition->null_text;
	converter->null_len = definition->null_text ? definition->null_len : SIZE_MAX;
	converter->minds_nulls = definition->not_null;
	if (definition->type == FLOW_OPAQUE)
	{
		Oid input;

		getTypeInputInfo(attribute->atttypid, &input, &converter->ioparam);
		fmgr_info_cxt(input, &converter->input, tuple->source.context);
		converter->minds_nulls |= !converter->input.fn_strict;
		tuple->may_see_raw = flowlog_may_see_raw(table);
		flowlog_message_prepare();
	}
}

/*
 * Returns the columns of the kind by which a column is converted quickly, or
 * NULL.
 */
static QuickColumns *
quick_columns(FlowlogTuple *tuple, const FlowColumn *definition)
{
	const char *null_text = definition->null_text;
	bool digits_mean_null = null_text != NULL && null_text[0] >= '0' && null_text[0] <= '9';

	if (tuple->nconverters >= QUICK_MAX)
		return NULL;
	switch (definition->type)
	{
		case FLOW_TEXT:
			return &tuple->texts;
		case FLOW_ADDRESS:
		case FLOW_NETWORK:
			return digits_mean_null ? NULL : &tuple->addresses;
		default:
			return digits_mean_null || number_kinds[definition->type].most == 0 ? NULL
			                                                                    : &tuple->numbers;
	}
}

/* Adds a column that the query needs. */
static void
add_column(FlowlogTuple *tuple, int column, Form_pg_attribute attribute)
{
	const FlowColumn *definition = &tuple->source.table->columns[column];
	const NumberKind *kind = &number_kinds[definition->type];
	QuickColumns *quick = quick_columns(tuple, definition);
	int number = tuple->nconverters++;

	tuple->columns[number] = column;
	set_converter(tuple, &tuple->converters[number], column, attribute);
	if (quick != NULL)
		quick->items[quick->count++] = (QuickColumn) {
			.column = column,
			.attribute = attribute->attnum - 1,
			.bit = UINT64CONST(1) << number,
			.most = definition->type != FLOW_TEXT ? kind->most
		            : definition->max_chars < 0   ? PG_UINT64_MAX
		                                          : (uint64) definition->max_chars,
			.unit = kind->unit,
			.zero = kind->zero,
			.null_text = definition->null_text,
			.null_len = definition->null_text ? definition->null_len : SIZE_MAX,
		};
	else if (number < QUICK_MAX)
		tuple->others |= UINT64CONST(1) << number;
}

/* Prepares to convert the columns in the set. */
FlowlogTuple *
flowlog_tuple_create(const FlowlogTupleSource *source, TupleDesc desc, Bitmapset *attrs_used)
{
	const FlowlogTable *table = source->table;
	MemoryContext old = MemoryContextSwitchTo(source->context);
	bool whole_row = bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, attrs_used);
	FlowlogTuple *tuple = palloc0(sizeof(FlowlogTuple));
	int most = whole_row ? table->ncolumns : Min(table->ncolumns, bms_num_members(attrs_used));

	tuple->source = *source;
	tuple->natts = desc->natts;
	tuple->converters = palloc0(sizeof(ColumnConverter) * (most + 1));
	tuple->columns = palloc(sizeof(int) * (most + 1));
	tuple->numbers.items = palloc(sizeof(QuickColumn) * (Min(most, QUICK_MAX) + 1));
	tuple->texts.items = palloc(sizeof(QuickColumn) * (Min(most, QUICK_MAX) + 1));
	tuple->addresses.items = palloc(sizeof(QuickColumn) * (Min(most, QUICK_MAX) + 1));
	for (int i = 0; i < table->ncolumns; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(desc, table->attnums[i] - 1);

		if (!whole_row &&
		    !bms_is_member(attribute->attnum - FirstLowInvalidHeapAttributeNumber, attrs_used))
			continue;
		add_column(tuple, i, attribute);
	}

	MemoryContextSwitchTo(old);
	return tuple;
}

/* Returns the columns of a record that are converted. */
const int *
flowlog_tuple_columns(const FlowlogTuple *tuple, int *count)
{
	*count = tuple->nconverters;
	return tuple->columns;
}

/* Frees the memory of rows. */
void
flowlog_tuple_rest(FlowlogTuple *tuple)
{
	if (tuple->arena == NULL)
		return;
	pfree(tuple->arena);
	MemoryContextDelete(tuple->row);
	tuple->arena = NULL;
	tuple->row = NULL;
	tuple->row_used = false;
	tuple->values = NULL;
	tuple->isnull = NULL;
}

/* Makes all columns NULL in new arrays: those without a converter stay so. */
static void
begin_filling(FlowlogTuple *tuple, Datum *values, bool *isnull)
{
	if (tuple->arena == NULL)
	{
		MemoryContext context = tuple->source.context;

		tuple->row = AllocSetContextCreate(context, "flowlog_fdw row", ALLOCSET_START_SMALL_SIZES);
		tuple->arena = MemoryContextAlloc(context, ARENA_SIZE + COPY_UNIT);
		tuple->end = tuple->arena + ARENA_SIZE;
	}
	memset(isnull, true, sizeof(bool) * tuple->natts);
	/* the values of NULLs are not used, but should be defined */
	memset(values, 0, sizeof(Datum) * tuple->natts);
	tuple->values = values;
	tuple->isnull = isnull;
}

/* Converts a column's field in any way. */
static void
fill_column(FlowlogTuple *tuple, const ColumnConverter *converter, const FlowSlice *fields,
            Datum *values, bool *isnull)
{
	Datum *value = &values[converter->attribute];
	bool has_value = convert(tuple, converter, fields[converter->column], value);

	isnull[converter->attribute] = !has_value;
	if (!has_value)
		*value = (Datum) 0;
}

/* Converts a record to a row. */
void
flowlog_tuple_fill(FlowlogTuple *tuple, const FlowRecord *record, Datum *values, bool *isnull)
{
	const FlowSlice *fields = record->fields;
	uint64 left;

	if (unlikely(tuple->row_used))
	{
		MemoryContextReset(tuple->row);
		tuple->row_used = false;
	}
	if (unlikely(values != tuple->values || isnull != tuple->isnull))
		begin_filling(tuple, values, isnull);

	/* convert all columns that can be converted quickly */
	tuple->next = tuple->arena;

	left = tuple->others;
	left |= fill_numbers(&tuple->numbers, fields, values, isnull);
	left |= fill_texts(tuple, &tuple->texts, fields, values, isnull);
	left |= fill_addresses(tuple, &tuple->addresses, fields, values, isnull);

	/*
	 * the others, in their order: of several bad fields, the first one is
	 * reported
	 */
	for (; left != 0; left &= left - 1)
		fill_column(tuple,
		            &tuple->converters[pg_rightmost_one_pos64(left)],
		            fields,
		            values,
		            isnull);
	for (int i = QUICK_MAX; i < tuple->nconverters; i++)
		fill_column(tuple, &tuple->converters[i], fields, values, isnull);
}
