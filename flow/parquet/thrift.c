/*-------------------------------------------------------------------------
 *
 * thrift.c
 *	  Reads structs in Thrift's compact protocol.
 *
 *-------------------------------------------------------------------------
 */
#include "thrift.h"

void
flow_thrift_init(FlowThrift *thrift, const FlowHost *host, const uint8_t *data, size_t len)
{
	*thrift = (FlowThrift) {.host = host, .start = data, .at = data, .end = data + len};
}

/* Makes an error, after which nothing more is read. */
void
flow_thrift_fail(FlowThrift *thrift, const char *what)
{
	if (thrift->what == NULL)
		thrift->what = what;
}

static void
end_early(FlowThrift *thrift)
{
	if (thrift->what == NULL)
		thrift->ended = true;
	flow_thrift_fail(thrift, "an early end");
}

static uint8_t
read_byte(FlowThrift *thrift)
{
	if (thrift->what != NULL)
		return 0;
	if (thrift->at == thrift->end)
	{
		end_early(thrift);
		return 0;
	}
	return *thrift->at++;
}

/* Reads a number of seven bits in each byte, the lowest first. */
static uint64_t
read_varint(FlowThrift *thrift)
{
	uint64_t number = 0;

	for (int shift = 0; shift < 64; shift += 7)
	{
		uint8_t byte = read_byte(thrift);

		if (shift == 63 && byte > 1)
			break;
		number |= (uint64_t) (byte & 0x7F) << shift;
		if (byte < 0x80)
			return number;
	}
	flow_thrift_fail(thrift, "a number of more than 64 bits");
	return 0;
}

/* Reads a signed number: 0, -1, 1, -2 ... are written as 0, 1, 2, 3 ... */
static int64_t
read_zigzag(FlowThrift *thrift)
{
	uint64_t number = read_varint(thrift);

	return (int64_t) (number >> 1 ^ -(number & 1));
}

static void
skip_bytes(FlowThrift *thrift, uint64_t count)
{
	if (thrift->what != NULL)
		return;
	if (count > (uint64_t) (thrift->end - thrift->at))
		end_early(thrift);
	else
		thrift->at += count;
}

static FlowSlice
read_binary(FlowThrift *thrift)
{
	uint64_t len = read_varint(thrift);
	const uint8_t *data = thrift->at;

	skip_bytes(thrift, len);
	return thrift->what == NULL ? (FlowSlice) {(const char *) data, (size_t) len}
	                            : (FlowSlice) {"", 0};
}

/* Reads the header of a list or set: its element's type and their number. */
static size_t
read_list(FlowThrift *thrift, uint8_t *type)
{
	uint8_t byte = read_byte(thrift);
	uint64_t count = byte >> 4;

	*type = byte & 0x0F;
	if (count == 15)
		count = read_varint(thrift);
	/* an element has at least one byte */
	if (thrift->what == NULL && count > (uint64_t) (thrift->end - thrift->at))
		end_early(thrift);
	return thrift->what == NULL ? (size_t) count : 0;
}

/* Returns false if there is an error; lets the host stop a long footer. */
static bool
keeps_going(FlowThrift *thrift)
{
	uint32_t done = (uint32_t) (thrift->at - thrift->start);

	if (done - thrift->checked >= FLOW_BLOCK_SIZE)
	{
		thrift->checked = done;
		if (flow_interrupted(thrift->host))
		{
			thrift->interrupted = true;
			flow_thrift_fail(thrift, "an interrupt");
		}
	}
	return thrift->what == NULL;
}

/* ---------- structs ---------- */

void
flow_thrift_begin(FlowThrift *thrift)
{
	if (thrift->depth == FLOW_PARQUET_MAX_DEPTH)
	{
		flow_thrift_fail(thrift, "structs that are nested too deeply");
		return;
	}
	thrift->outer[thrift->depth++] = thrift->field;
	thrift->field = 0;
}

bool
flow_thrift_field(FlowThrift *thrift)
{
	uint8_t byte = read_byte(thrift);
	int64_t field;

	if (thrift->what != NULL)
		return false;
	if (byte == FLOW_THRIFT_STOP)
	{
		thrift->field = thrift->outer[--thrift->depth];
		return false;
	}

	if (!keeps_going(thrift))
		return false;
	field = byte >> 4 != 0 ? thrift->field + (byte >> 4) : read_zigzag(thrift);
	if (field < 0 || field > INT16_MAX)
		flow_thrift_fail(thrift, "a field whose number is out of range");
	thrift->field = (int) field;
	thrift->type = byte & 0x0F;
	thrift->value = thrift->type == FLOW_THRIFT_TRUE;
	return thrift->what == NULL;
}

/* Skips a value.  A boolean takes a byte only as an element. */
static void
skip_value(FlowThrift *thrift, uint8_t type, bool is_element)
{
	uint8_t byte, element;
	uint64_t count;

	switch (type)
	{
		case FLOW_THRIFT_TRUE:
		case FLOW_THRIFT_FALSE:
			skip_bytes(thrift, is_element ? 1 : 0);
			break;
		case FLOW_THRIFT_BYTE:
			skip_bytes(thrift, 1);
			break;
		case FLOW_THRIFT_INT16:
		case FLOW_THRIFT_INT32:
		case FLOW_THRIFT_INT64:
			read_varint(thrift);
			break;
		case FLOW_THRIFT_DOUBLE:
			skip_bytes(thrift, 8);
			break;
		case FLOW_THRIFT_BINARY:
			skip_bytes(thrift, read_varint(thrift));
			break;
		case FLOW_THRIFT_UUID:
			skip_bytes(thrift, 16);
			break;
		case FLOW_THRIFT_STRUCT:
			flow_thrift_begin(thrift);
			while (flow_thrift_field(thrift))
				skip_value(thrift, thrift->type, false);
			break;
		case FLOW_THRIFT_LIST:
		case FLOW_THRIFT_SET:
		case FLOW_THRIFT_MAP:
			/* they nest as structs do */
			flow_thrift_begin(thrift);
			if (thrift->what != NULL)
				break;
			if (type == FLOW_THRIFT_MAP)
			{
				count = read_varint(thrift);
				byte = count == 0 ? 0 : read_byte(thrift);
				if (thrift->what == NULL && count > (uint64_t) (thrift->end - thrift->at))
					end_early(thrift);
				for (; count > 0 && keeps_going(thrift); count--)
				{
					skip_value(thrift, byte >> 4, true);
					skip_value(thrift, byte & 0x0F, true);
				}
			}
			else
				for (count = read_list(thrift, &element); count > 0 && keeps_going(thrift); count--)
					skip_value(thrift, element, true);
			thrift->field = thrift->outer[--thrift->depth];
			break;
		default:
			flow_thrift_fail(thrift, "a value of an unknown type");
			break;
	}
}

void
flow_thrift_skip(FlowThrift *thrift)
{
	skip_value(thrift, thrift->type, false);
}

/* ---------- values ---------- */

/*
 * Returns true if the current field has the type; otherwise, makes an error.
 */
static bool
has_type(FlowThrift *thrift, bool right)
{
	if (!right)
		flow_thrift_fail(thrift, "a field of a wrong type");
	return thrift->what == NULL;
}

bool
flow_thrift_bool(FlowThrift *thrift)
{
	return has_type(thrift,
	                thrift->type == FLOW_THRIFT_TRUE || thrift->type == FLOW_THRIFT_FALSE) &&
	       thrift->value;
}

int64_t
flow_thrift_int64(FlowThrift *thrift)
{
	if (thrift->type == FLOW_THRIFT_BYTE)
		return (int8_t) read_byte(thrift);
	if (!has_type(thrift, thrift->type >= FLOW_THRIFT_INT16 && thrift->type <= FLOW_THRIFT_INT64))
		return 0;
	return read_zigzag(thrift);
}

int64_t
flow_thrift_optional_int64(FlowThrift *thrift)
{
	if (thrift->type >= FLOW_THRIFT_BYTE && thrift->type <= FLOW_THRIFT_INT64)
		return flow_thrift_int64(thrift);
	flow_thrift_skip(thrift);
	return 0;
}

static int32_t
narrow(FlowThrift *thrift, int64_t number)
{
	if (number < INT32_MIN || number > INT32_MAX)
	{
		flow_thrift_fail(thrift, "a number of more than 32 bits");
		return 0;
	}
	return (int32_t) number;
}

int32_t
flow_thrift_int32(FlowThrift *thrift)
{
	return narrow(thrift, flow_thrift_int64(thrift));
}

FlowSlice
flow_thrift_binary(FlowThrift *thrift)
{
	if (!has_type(thrift, thrift->type == FLOW_THRIFT_BINARY))
		return (FlowSlice) {"", 0};
	return read_binary(thrift);
}

/* ---------- lists ---------- */

size_t
flow_thrift_list(FlowThrift *thrift, FlowThriftType element)
{
	uint8_t type;
	size_t count;

	if (!has_type(thrift, thrift->type == FLOW_THRIFT_LIST || thrift->type == FLOW_THRIFT_SET))
		return 0;
	count = read_list(thrift, &type);
	/* an empty list may have any type; booleans have either of theirs */
	if (count > 0 && type != element && !(element == FLOW_THRIFT_TRUE && type == FLOW_THRIFT_FALSE))
		flow_thrift_fail(thrift, "a list of elements of a wrong type");
	return thrift->what == NULL ? count : 0;
}

int32_t
flow_thrift_next_int32(FlowThrift *thrift)
{
	return narrow(thrift, read_zigzag(thrift));
}

bool
flow_thrift_next_bool(FlowThrift *thrift)
{
	return read_byte(thrift) == FLOW_THRIFT_TRUE;
}

int64_t
flow_thrift_next_int64(FlowThrift *thrift)
{
	return read_zigzag(thrift);
}

FlowSlice
flow_thrift_next_binary(FlowThrift *thrift)
{
	return read_binary(thrift);
}
