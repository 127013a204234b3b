/*-------------------------------------------------------------------------
 *
 * schema.c
 *	  Reads the schema of a Parquet file into its leaves.
 *
 * The schema is a tree whose elements are listed depth first, each with the
 * number of its children.  A leaf has a type, in which it is stored, and may
 * have an annotation that says what its values mean: a LogicalType, or, from
 * older writers, a ConvertedType.
 *
 *-------------------------------------------------------------------------
 */
#include "metadata.h"

#include <string.h>

/* enum FieldRepetitionType */
#define REQUIRED 0
#define OPTIONAL 1
#define REPEATED 2

/* union LogicalType, and INTERVAL, which only ConvertedType has */
typedef enum Annotation
{
	NOT_ANNOTATED = 0,
	STRING = 1,
	MAP = 2,
	LIST = 3,
	ENUM = 4,
	DECIMAL = 5,
	DATE = 6,
	TIME = 7,
	TIMESTAMP = 8,
	INTERVAL = 9,
	INTEGER = 10,
	ALWAYS_NULL = 11,
	JSON = 12,
	BSON = 13,
	UUID = 14,
	FLOAT16 = 15,
	VARIANT = 16,
	GEOMETRY = 17,
	GEOGRAPHY = 18,
	FILE_REFERENCE = 19,
	ANNOTATIONS
} Annotation;

/* enum ConvertedType */
static const struct
{
	Annotation annotation;
	int64_t unit;
	bool is_unsigned;
} converted_types[] = {
	[0] = {STRING, 0, false},
	[1] = {MAP, 0, false},
	[2] = {MAP, 0, false},
	[3] = {LIST, 0, false},
	[4] = {ENUM, 0, false},
	[5] = {DECIMAL, 0, false},
	[6] = {DATE, 0, false},
	[7] = {TIME, 0, false},
	[8] = {TIME, 0, false},
	[9] = {TIMESTAMP, 1000, false},
	[10] = {TIMESTAMP, 1000000, false},
	[11] = {INTEGER, 0, true},
	[12] = {INTEGER, 0, true},
	[13] = {INTEGER, 0, true},
	[14] = {INTEGER, 0, true},
	[15] = {INTEGER, 0, false},
	[16] = {INTEGER, 0, false},
	[17] = {INTEGER, 0, false},
	[18] = {INTEGER, 0, false},
	[19] = {JSON, 0, false},
	[20] = {BSON, 0, false},
	[21] = {INTERVAL, 0, false},
};

#define BIT(type) (1 << FLOW_STORED_##type)

/* What annotations of a leaf mean; those that are not here mean nothing. */
static const struct
{
	FlowParquetKind kind;
	int types;           /* that it can have, as bits */
	const char *refused; /* instead of that */
} annotations[ANNOTATIONS] = {
	[STRING] = {FLOW_PARQUET_TEXT, BIT(BYTES) | BIT(FIXED), NULL},
	[ENUM] = {FLOW_PARQUET_TEXT, BIT(BYTES) | BIT(FIXED), NULL},
	[JSON] = {FLOW_PARQUET_TEXT, BIT(BYTES) | BIT(FIXED), NULL},
	[BSON] = {FLOW_PARQUET_TEXT, BIT(BYTES) | BIT(FIXED), NULL},
	[DECIMAL] = {FLOW_PARQUET_DECIMAL, BIT(INT32) | BIT(INT64) | BIT(BYTES) | BIT(FIXED), NULL},
	[DATE] = {FLOW_PARQUET_DATE, BIT(INT32), NULL},
	[TIMESTAMP] = {FLOW_PARQUET_TIMESTAMP, BIT(INT64), NULL},
	[INTEGER] = {FLOW_PARQUET_INTEGER, BIT(INT32) | BIT(INT64), NULL},
	[UUID] = {FLOW_PARQUET_UUID, BIT(FIXED), NULL},
	[TIME] = {0, 0, "a TIME"},
	[INTERVAL] = {0, 0, "an INTERVAL"},
	[FLOAT16] = {0, 0, "a FLOAT16"},
	[VARIANT] = {0, 0, "a VARIANT"},
	[GEOMETRY] = {0, 0, "a GEOMETRY"},
	[GEOGRAPHY] = {0, 0, "a GEOGRAPHY"},
};

/* What values are without an annotation. */
static const struct
{
	FlowParquetKind kind;
	FlowParquetForm form;
	uint32_t len; /* bytes of a value, in PLAIN; 0: they differ */
	int width;    /* bits of a number or real */
} stored_types[FLOW_STORED_TYPES] = {
	[FLOW_STORED_BOOLEAN] = {FLOW_PARQUET_BOOLEAN, FLOW_PARQUET_NUMBERS, 0, 1},
	[FLOW_STORED_INT32] = {FLOW_PARQUET_INTEGER, FLOW_PARQUET_NUMBERS, 4, 32},
	[FLOW_STORED_INT64] = {FLOW_PARQUET_INTEGER, FLOW_PARQUET_NUMBERS, 8, 64},
	[FLOW_STORED_INT96] = {FLOW_PARQUET_INT96, FLOW_PARQUET_TEXTS, 12, 0},
	[FLOW_STORED_FLOAT] = {FLOW_PARQUET_FLOAT, FLOW_PARQUET_REALS, 4, 32},
	[FLOW_STORED_DOUBLE] = {FLOW_PARQUET_DOUBLE, FLOW_PARQUET_REALS, 8, 64},
	[FLOW_STORED_BYTES] = {FLOW_PARQUET_TEXT, FLOW_PARQUET_TEXTS, 0, 0},
	[FLOW_STORED_FIXED] = {FLOW_PARQUET_TEXT, FLOW_PARQUET_TEXTS, 0, 0},
};

/* A SchemaElement. */
typedef struct Element
{
	bool has_type, has_repetition, has_name;
	bool unknown; /* it has a logical type that we do not know */
	int32_t type, len, repetition, children;
	FlowSlice name;

	Annotation annotation;
	int32_t scale, precision; /* DECIMAL */
	int64_t unit;             /* TIMESTAMP */
	bool is_utc;              /* TIMESTAMP */
	bool is_unsigned;         /* INTEGER */
} Element;

/* A group around the element that is being read. */
typedef struct Level
{
	int32_t left; /* elements of it that follow */
	size_t name_len;
	int definition;
	const char *refused;
} Level;

/* ---------- elements ---------- */

static void
read_decimal(FlowThrift *thrift, Element *element)
{
	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
		switch (thrift->field)
		{
			case 1:
				element->scale = flow_thrift_int32(thrift);
				break;
			case 2:
				element->precision = flow_thrift_int32(thrift);
				break;
			default:
				flow_thrift_skip(thrift);
		}
}

static void
read_integer(FlowThrift *thrift, Element *element)
{
	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
		if (thrift->field == 2)
			element->is_unsigned = !flow_thrift_bool(thrift);
		else
			flow_thrift_skip(thrift);
}

static void
read_unit(FlowThrift *thrift, Element *element)
{
	static const int64_t units[] = {0, 1000, 1000000, 1000000000};

	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		element->unit = (size_t) thrift->field < flow_countof(units) ? units[thrift->field] : 0;
		flow_thrift_skip(thrift);
	}
}

static void
read_timestamp(FlowThrift *thrift, Element *element)
{
	element->unit = 0;
	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
		switch (thrift->field)
		{
			case 1:
				element->is_utc = flow_thrift_bool(thrift);
				break;
			case 2:
				if (thrift->type == FLOW_THRIFT_STRUCT)
				{
					read_unit(thrift, element);
					break;
				}
				/* FALLTHROUGH */
			default:
				flow_thrift_skip(thrift);
		}
}

/* Reads a LogicalType.  One that is not known means nothing. */
static void
read_logical_type(FlowThrift *thrift, Element *element)
{
	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		if (thrift->field > 0 && thrift->field < ANNOTATIONS && thrift->field != INTERVAL)
			element->annotation = (Annotation) thrift->field;
		else
			element->unknown = true;
		if (thrift->type != FLOW_THRIFT_STRUCT)
			flow_thrift_fail(thrift, "a logical type that is no struct");
		else if (thrift->field == DECIMAL)
			read_decimal(thrift, element);
		else if (thrift->field == TIMESTAMP)
			read_timestamp(thrift, element);
		else if (thrift->field == INTEGER)
			read_integer(thrift, element);
		else
			flow_thrift_skip(thrift);
	}
}

/* Applies a ConvertedType, unless there is a logical type. */
static void
apply_converted_type(Element *element, int32_t converted)
{
	if (element->annotation != NOT_ANNOTATED || converted < 0 ||
	    (size_t) converted >= flow_countof(converted_types))
		return;
	element->annotation = converted_types[converted].annotation;
	element->unit = converted_types[converted].unit;
	element->is_utc = true;
	element->is_unsigned = converted_types[converted].is_unsigned;
}

static void
read_element(FlowThrift *thrift, Element *element)
{
	int32_t converted = -1;

	*element = (Element) {0};
	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
		switch (thrift->field)
		{
			case 1:
				element->type = flow_thrift_int32(thrift);
				element->has_type = true;
				break;
			case 2:
				element->len = flow_thrift_int32(thrift);
				break;
			case 3:
				element->repetition = flow_thrift_int32(thrift);
				element->has_repetition = true;
				break;
			case 4:
				element->name = flow_thrift_binary(thrift);
				element->has_name = true;
				break;
			case 5:
				element->children = flow_thrift_int32(thrift);
				break;
			case 6:
				converted = flow_thrift_int32(thrift);
				break;
			case 7:
				element->scale = flow_thrift_int32(thrift);
				break;
			case 8:
				element->precision = flow_thrift_int32(thrift);
				break;
			case 10:
				if (thrift->type == FLOW_THRIFT_STRUCT)
				{
					read_logical_type(thrift, element);
					break;
				}
				/* FALLTHROUGH */
			default:
				flow_thrift_skip(thrift);
		}
	apply_converted_type(element, converted);
}

/* Checks an element; what is wrong is an error of the reader. */
static void
check_element(FlowThrift *thrift, const Element *element, bool is_root)
{
	if (!element->has_name && !is_root)
		flow_thrift_fail(thrift, "a schema element without a name");
	if (element->name.len > 0 && memchr(element->name.data, '\0', element->name.len) != NULL)
		flow_thrift_fail(thrift, "a name with a NUL byte");
	if (!is_root && (!element->has_repetition || element->repetition < REQUIRED ||
	                 element->repetition > REPEATED))
		flow_thrift_fail(thrift, "a schema element of an unknown repetition");
	if (is_root && element->has_type)
		flow_thrift_fail(thrift, "a schema whose root is no group");
	if (element->has_type)
	{
		if (element->type < 0 || element->type >= FLOW_STORED_TYPES)
			flow_thrift_fail(thrift, "a schema element of an unknown type");
		else if (element->type == FLOW_STORED_FIXED &&
		         (element->len <= 0 || element->len > FLOW_PARQUET_MAX_PAGE))
			flow_thrift_fail(thrift, "a type of a length that is out of range");
	}
	else if (element->children < 0)
		flow_thrift_fail(thrift, "a group with a negative number of children");
}

/* ---------- the tree ---------- */

/* Returns why what is in such a group, or the leaf itself, cannot be read. */
static const char *
refused_element(const Element *element, const char *refused)
{
	if (refused != NULL)
		return refused;
	if (element->annotation == MAP)
		return "a map";
	if (element->annotation == VARIANT)
		return "a VARIANT";
	return element->repetition == REPEATED || element->annotation == LIST ? "a list" : NULL;
}

/* Says what the values of a leaf are. */
static void
fill_leaf(const Element *element, FlowParquetLeaf *leaf, FlowParquetStored *stored)
{
	FlowParquetType type = (FlowParquetType) element->type;
	bool annotated = annotations[element->annotation].types != 0;

	stored->type = type;
	stored->unknown = element->unknown;
	stored->len = type == FLOW_STORED_FIXED ? (uint32_t) element->len : stored_types[type].len;
	leaf->kind = stored_types[type].kind;
	leaf->form = stored_types[type].form;
	leaf->width = stored_types[type].width;

	if (leaf->refused != NULL)
		return;
	leaf->refused = annotations[element->annotation].refused;
	if (!annotated)
		return;
	if ((annotations[element->annotation].types & 1 << type) == 0)
	{
		leaf->refused = "annotated with a type that it cannot have";
		return;
	}

	leaf->kind = annotations[element->annotation].kind;
	switch (element->annotation)
	{
		case INTEGER:
			if (element->is_unsigned)
				leaf->kind = FLOW_PARQUET_UNSIGNED;
			break;
		case DECIMAL:
			leaf->precision = element->precision;
			leaf->scale = element->scale;
			if (element->precision > FLOW_PARQUET_MAX_PRECISION || stored->len > 32)
				leaf->refused = "a DECIMAL of more than 76 digits";
			else if (element->precision < 1 || element->scale < 0 ||
			         element->scale > element->precision)
				leaf->refused = "a DECIMAL with an invalid precision or scale";
			break;
		case TIMESTAMP:
			leaf->unit = element->unit;
			leaf->is_utc = element->is_utc;
			if (element->unit == 0)
				leaf->refused = "a TIMESTAMP of an unknown unit";
			break;
		case UUID:
			if (stored->len != 16)
				leaf->refused = "annotated with a type that it cannot have";
			break;
		default:
			break;
	}
}

/* Adds a leaf of that name to those of the file. */
static FlowStatus
add_leaf(FlowParquet *parquet, const Element *element, const Level *group, const char *name,
         size_t len, FlowError *error)
{
	FlowParquetLeaf *leaf = &parquet->leaves[parquet->nleaves];
	char *copy = flow_allocate(parquet->host, len + 1);

	if (copy == NULL)
		return flow_error_memory(error);
	memcpy(copy, name, len);
	copy[len] = '\0';

	*leaf = (FlowParquetLeaf) {.name = copy};
	leaf->max_definition = group->definition + (element->repetition == OPTIONAL);
	leaf->refused = refused_element(element, group->refused);
	fill_leaf(element, leaf, &parquet->stored[parquet->nleaves]);
	parquet->nleaves++;
	return FLOW_OK;
}

/*
 * Adds an element to the innermost group.  "name" has the names of the groups,
 * with points between them; "levels" are the groups.
 */
static FlowStatus
add_element(FlowParquet *parquet, const Element *element, char *name, Level *levels, int *depth,
            FlowError *error)
{
	Level *group = &levels[*depth - 1];
	size_t len = group->name_len;

	/* append its name to those of the groups around it */
	if (element->name.len + 2 > FLOW_PARQUET_MAX_NAME - len)
		return flow_error_set(error,
		                      FLOW_LIMIT,
		                      "has a column whose name has more than %d bytes",
		                      FLOW_PARQUET_MAX_NAME - 2);
	if (*depth > 1)
		name[len++] = '.';
	if (element->name.len > 0)
		memcpy(name + len, element->name.data, element->name.len);
	len += element->name.len;

	group->left--;
	if (element->has_type)
	{
		if (parquet->nleaves < FLOW_PARQUET_MAX_LEAVES)
			return add_leaf(parquet, element, group, name, len, error);
		return flow_error_set(error,
		                      FLOW_LIMIT,
		                      "has more than %d columns",
		                      FLOW_PARQUET_MAX_LEAVES);
	}
	if (*depth == FLOW_PARQUET_MAX_DEPTH)
		return flow_error_set(error,
		                      FLOW_LIMIT,
		                      "has groups of columns that are nested more than %d deep",
		                      FLOW_PARQUET_MAX_DEPTH);
	levels[(*depth)++] = (Level) {element->children,
	                              len,
	                              group->definition + (element->repetition == OPTIONAL),
	                              refused_element(element, group->refused)};
	return FLOW_OK;
}

/* Reads the elements of the tree. */
static FlowStatus
read_tree(FlowParquet *parquet, FlowThrift *thrift, size_t count, FlowError *error)
{
	char name[FLOW_PARQUET_MAX_NAME];
	Level levels[FLOW_PARQUET_MAX_DEPTH];
	int depth = 0;
	Element element;
	FlowStatus status;

	for (size_t i = 0; i < count; i++)
	{
		read_element(thrift, &element);
		check_element(thrift, &element, i == 0);
		if (i > 0 && depth == 0)
			flow_thrift_fail(thrift, "more schema elements than its groups have");
		if (thrift->what != NULL)
			return FLOW_OK;

		/* the root begins the tree and has no part in names */
		if (i == 0)
			levels[depth++] = (Level) {element.children, 0, 0, NULL};
		else
		{
			status = add_element(parquet, &element, name, levels, &depth, error);
			if (status != FLOW_OK)
				return status;
		}

		/* leave the groups that are complete */
		while (depth > 0 && levels[depth - 1].left == 0)
			depth--;
	}
	if (depth > 0)
		flow_thrift_fail(thrift, "fewer schema elements than its groups have");
	return FLOW_OK;
}

/* Reads the schema. */
FlowStatus
flow_parquet_read_schema(FlowParquet *parquet, FlowThrift *thrift, FlowError *error)
{
	size_t count = flow_thrift_list(thrift, FLOW_THRIFT_STRUCT);
	size_t room = count < FLOW_PARQUET_MAX_LEAVES ? count : FLOW_PARQUET_MAX_LEAVES;

	if (parquet->leaves != NULL)
		flow_thrift_fail(thrift, "two schemas");
	if (count == 0)
		flow_thrift_fail(thrift, "an empty schema");
	if (thrift->what != NULL)
		return FLOW_OK;

	parquet->leaves = flow_allocate(parquet->host, room * sizeof(FlowParquetLeaf));
	parquet->stored = flow_allocate(parquet->host, room * sizeof(FlowParquetStored));
	if (parquet->leaves == NULL || parquet->stored == NULL)
		return flow_error_memory(error);
	memset(parquet->stored, 0, room * sizeof(FlowParquetStored));
	return read_tree(parquet, thrift, count, error);
}
