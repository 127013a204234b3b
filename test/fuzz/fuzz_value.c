/*-------------------------------------------------------------------------
 *
 * fuzz_value.c
 *	  Fuzzes the value readers: reads any bytes as a value of any type.
 *
 * The first two bytes choose the column.  A value that is accepted must be the
 * same after it is written plainly and read again.  A fast path and the plain
 * one must agree.  No byte outside of the field may be read: it is in a heap
 * block of its own, so that the address sanitizer detects that.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/internal.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)

#define DEMAND(condition)                                                                          \
	do                                                                                             \
	{                                                                                              \
		if (!(condition))                                                                          \
		{                                                                                          \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
			abort();                                                                               \
		}                                                                                          \
	} while (0)

static void *
host_allocate(void *arg, size_t size)
{
	(void) arg;
	return malloc(size);
}

static void
host_free(void *arg, void *ptr)
{
	(void) arg;
	free(ptr);
}

static bool
host_text_valid(void *arg, const char *data, size_t len)
{
	(void) arg;
	(void) data;
	return len % 7 != 0; /* either result occurs */
}

static size_t
host_text_length(void *arg, const char *data, size_t len)
{
	size_t count = 0;

	(void) arg;
	for (size_t i = 0; i < len; i++)
		count += (data[i] & 0xC0) != 0x80;
	return count;
}

static const FlowHost host = {
	.allocate = host_allocate,
	.free = host_free,
	.text_valid = host_text_valid,
	.text_length = host_text_length,
};

static FlowStatus
read_text(const FlowColumn *column, const char *text, FlowValue *value)
{
	return flow_value_read(column, &host, (FlowSlice) {text, strlen(text)}, value);
}

static void
check_integer(const FlowColumn *column, FlowSlice field, FlowStatus status, const FlowValue *value)
{
	char text[64];
	FlowValue again;

	DEMAND(status == FLOW_OK || status == FLOW_BAD_SYNTAX || status == FLOW_OUT_OF_RANGE);

	/* a leading blank forces the plain reader */
	if (field.len < sizeof(text) - 2 && memchr(field.data, '\0', field.len) == NULL)
	{
		text[0] = ' ';
		memcpy(text + 1, field.data, field.len);
		text[field.len + 1] = '\0';
		DEMAND(read_text(column, text, &again) == status);
		DEMAND(status != FLOW_OK || again.integer == value->integer);
	}
	if (status == FLOW_OK)
	{
		snprintf(text, sizeof(text), "%" PRId64, value->integer);
		DEMAND(read_text(column, text, &again) == FLOW_OK && again.integer == value->integer);
	}
}

static void
check_real(const FlowColumn *column, FlowStatus status, const FlowValue *value)
{
	char text[64];
	FlowValue again;

	DEMAND(status == FLOW_OK || status == FLOW_BAD_SYNTAX || status == FLOW_OUT_OF_RANGE);
	if (status != FLOW_OK)
		return;
	snprintf(text, sizeof(text), "%.17g", value->real);
	DEMAND(read_text(column, text, &again) == FLOW_OK);
	DEMAND(again.real == value->real || (again.real != again.real && value->real != value->real));
	DEMAND(column->type == FLOW_DOUBLE || value->real != value->real ||
	       value->real == (double) (float) value->real);
}

static void
check_slice(FlowSlice field, FlowStatus status, const FlowValue *value)
{
	if (status == FLOW_OK)
		DEMAND(value->text.data >= field.data &&
		       value->text.data + value->text.len <= field.data + field.len);
	else
		DEMAND(status == FLOW_BAD_SYNTAX || status == FLOW_OUT_OF_RANGE ||
		       status == FLOW_TOO_LONG || status == FLOW_BAD_ENCODING);
}

static void
check_address(const FlowColumn *column, FlowStatus status, const FlowValue *value)
{
	const FlowAddress *address = &value->address;
	char text[80];
	FlowValue again;

	DEMAND(status == FLOW_OK || status == FLOW_BAD_SYNTAX);
	if (status != FLOW_OK)
		return;
	DEMAND(address->family == 4 ? address->bits <= 32
	                            : address->family == 6 && address->bits <= 128);
	DEMAND(
		inet_ntop(address->family == 4 ? AF_INET : AF_INET6, address->bytes, text, sizeof(text)) !=
		NULL);
	snprintf(text + strlen(text), 8, "/%d", address->bits);
	DEMAND(read_text(column, text, &again) == FLOW_OK);
	DEMAND(memcmp(&again.address, address, sizeof(*address)) == 0);
}

/*
 * Checks that a time is the same after it is written plainly and read again.
 */
static void
check_microseconds(int64_t microseconds)
{
	int64_t fraction = microseconds % SECOND_US;
	time_t seconds;
	struct tm tm;
	char text[64];
	int64_t again;

	if (fraction < 0)
		fraction += SECOND_US;
	seconds = (time_t) ((microseconds - fraction) / SECOND_US);
	DEMAND(gmtime_r(&seconds, &tm) != NULL);

	/* an offset may lead outside of the years that can be written */
	DEMAND(tm.tm_year + 1900 >= 0 && tm.tm_year + 1900 <= 10000);
	if (tm.tm_year + 1900 < 1 || tm.tm_year + 1900 > 9999)
		return;
	snprintf(text,
	         sizeof(text),
	         "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
	         tm.tm_year + 1900,
	         tm.tm_mon + 1,
	         tm.tm_mday,
	         tm.tm_hour,
	         tm.tm_min,
	         tm.tm_sec,
	         (int) fraction);
	DEMAND(flow_value_iso8601(text, strlen(text), true, &again) == FLOW_OK);
	DEMAND(again == microseconds);
}

/* Returns true if the field has "wanted" digits in succession. */
static bool
has_digits(FlowSlice field, int wanted)
{
	int count = 0;

	for (size_t i = 0; i < field.len && count < wanted; i++)
		count = field.data[i] >= '0' && field.data[i] <= '9' ? count + 1 : 0;
	return count == wanted;
}

static void
check_iso8601(FlowSlice field)
{
	int64_t exact, lenient;
	FlowStatus exact_status = flow_value_iso8601(field.data, field.len, true, &exact);
	FlowStatus lenient_status = flow_value_iso8601(field.data, field.len, false, &lenient);

	if (exact_status == FLOW_OK)
		check_microseconds(exact);
	if (lenient_status == FLOW_OK)
		check_microseconds(lenient);

	/*
	 * Except for the blank, a column accepts the same, or less.  A fraction
	 * beyond microseconds is rounded by a column.
	 */
	if (memchr(field.data, ' ', field.len) == NULL && exact_status != FLOW_BAD_SYNTAX)
	{
		DEMAND(lenient_status == exact_status);
		DEMAND(exact_status != FLOW_OK || exact == lenient ||
		       (exact == lenient + 1 && has_digits(field, 7)));
	}
}

static void
check_time(const FlowColumn *column, FlowSlice field, FlowStatus status, const FlowValue *value)
{
	FlowColumn exact_column = *column;
	FlowValue exact;

	DEMAND(status == FLOW_OK || status == FLOW_BAD_SYNTAX || status == FLOW_OUT_OF_RANGE);
	check_iso8601(field);
	if (status != FLOW_OK)
		return;
	exact_column.type = FLOW_TIME;
	exact_column.scale = -1;
	DEMAND(flow_value_read(&exact_column, &host, field, &exact) == FLOW_OK);
	check_microseconds(exact.integer);
	if (column->type == FLOW_DAY)
	{
		int64_t within = exact.integer - value->integer * 86400 * SECOND_US;

		DEMAND(within >= 0 && within < 86400 * SECOND_US);
	}
	else
		DEMAND(llabs(value->integer - exact.integer) <= SECOND_US / 2);
}

static void
check_value(const FlowColumn *column, FlowSlice field)
{
	FlowValue value;
	FlowStatus status = flow_value_read(column, &host, field, &value);

	if (status == FLOW_END)
	{
		DEMAND(field.len == 1 && field.data[0] == '-');
		return;
	}
	switch (column->type)
	{
		case FLOW_INT16:
		case FLOW_INT32:
		case FLOW_INT64:
			check_integer(column, field, status, &value);
			break;
		case FLOW_FLOAT:
		case FLOW_DOUBLE:
			check_real(column, status, &value);
			break;
		case FLOW_ADDRESS:
		case FLOW_NETWORK:
			check_address(column, status, &value);
			break;
		case FLOW_TIME:
		case FLOW_DAY:
			check_time(column, field, status, &value);
			break;
		case FLOW_BOOLEAN:
			DEMAND(status == FLOW_BAD_SYNTAX ||
			       (status == FLOW_OK && (value.integer == 0 || value.integer == 1)));
			break;
		default:
			check_slice(field, status, &value);
			break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FlowColumn column = {.name = "c"};
	FlowSlice field;
	char *copy;

	if (size < 2)
		return 0;
	column.type = (FlowType) (data[0] % (FLOW_OPAQUE + 1));
	column.max_chars = data[1] % 16 - 1;
	column.precision = data[1] % 8 == 0 ? -1 : data[1] % 8;
	column.scale = column.type == FLOW_DECIMAL ? data[1] / 8 % 16 - 8 : data[1] % 8 - 1;
	column.null_text = data[1] >= 128 ? "-" : NULL;
	column.null_len = 1;

	copy = malloc(size - 2 + (size == 2));
	if (copy == NULL)
		return 0;
	memcpy(copy, data + 2, size - 2);
	field = (FlowSlice) {copy, size - 2};
	check_value(&column, field);
	free(copy);
	return 0;
}
