/*-------------------------------------------------------------------------
 *
 * test_value_write.c
 *	  Tests value_write.c: the canonical form of a value.
 *
 *-------------------------------------------------------------------------
 */
#include "unit_value.h"

static const char *
form(FlowType type, const char *field)
{
	static char text[FLOW_FORM_SIZE + 1];
	FlowColumn column = {.type = type, .max_chars = -1, .precision = -1, .scale = -1};
	char buffer[FLOW_FORM_SIZE];
	FlowValue value;
	FlowSlice written;

	if (flow_value_read(&column, &unit_host, (FlowSlice) {field, strlen(field)}, &value) != FLOW_OK)
		return "no value";
	written = flow_value_write(type, &value, buffer);
	snprintf(text, sizeof(text), "%.*s", (int) written.len, written.data);
	return text;
}

static void
it_writes_integers(void)
{
	CHECK_STRING(form(FLOW_INT16, "0"), "0");
	CHECK_STRING(form(FLOW_INT16, "-0"), "0");
	CHECK_STRING(form(FLOW_INT16, "-32768"), "-32768");
	CHECK_STRING(form(FLOW_INT32, " +0443 "), "443");
	CHECK_STRING(form(FLOW_INT64, "9223372036854775807"), "9223372036854775807");
	CHECK_STRING(form(FLOW_INT64, "-9223372036854775808"), "-9223372036854775808");
}

static void
it_writes_addresses(void)
{
	CHECK_STRING(form(FLOW_ADDRESS, "10.0.0.1"), "10.0.0.1");
	CHECK_STRING(form(FLOW_ADDRESS, "010.000.0.255/32"), "10.0.0.255");
	CHECK_STRING(form(FLOW_ADDRESS, "10.1.2.3/8"), "10.1.2.3/8");
	CHECK_STRING(form(FLOW_NETWORK, "10/8"), "10.0.0.0/8");
	CHECK_STRING(form(FLOW_NETWORK, "0.0.0.0/0"), "0.0.0.0/0");
	CHECK_STRING(form(FLOW_ADDRESS, "::"), "::");
	CHECK_STRING(form(FLOW_ADDRESS, "0:0:0:0:0:0:0:1"), "::1");
	CHECK_STRING(form(FLOW_ADDRESS, "1:0:0:0:0:0:0:0/127"), "1::/127");
	CHECK_STRING(form(FLOW_ADDRESS, "2001:0DB8::A:0:0:00b"), "2001:db8::a:0:0:b");
	CHECK_STRING(form(FLOW_ADDRESS, "2001:db8:0:0:1:0:0:0"), "2001:db8:0:0:1::");
	CHECK_STRING(form(FLOW_ADDRESS, "2001:db8:0:1:1:1:1:1"), "2001:db8:0:1:1:1:1:1");
	CHECK_STRING(form(FLOW_ADDRESS, "0:1:0:0:1:0:0:1"), "0:1::1:0:0:1");
	CHECK_STRING(form(FLOW_ADDRESS, "1:2:3:4:5:6:7::"), "1:2:3:4:5:6:7:0");
	CHECK_STRING(form(FLOW_ADDRESS, "::ffff:10.0.0.1"), "::ffff:a00:1");
	CHECK_STRING(form(FLOW_ADDRESS, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
	             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	CHECK_STRING(form(FLOW_NETWORK, "2001:db8::/32"), "2001:db8::/32");
}

static void
it_leaves_text_alone(void)
{
	CHECK_STRING(form(FLOW_TEXT, "eni-1  "), "eni-1  ");
	CHECK_STRING(form(FLOW_TEXT, ""), "");
}

/*
 * A text that was written is read as the same value, and that is written as
 * the same text.
 */
static void
it_writes_what_is_read_again(void)
{
	uint64_t seed = 5952;

	for (int i = 0; i < 200000 && unit_complaints == 0; i++)
	{
		FlowColumn column = {.type = i % 2 ? FLOW_ADDRESS : FLOW_INT64,
		                     .max_chars = -1,
		                     .precision = -1,
		                     .scale = -1};
		FlowValue value, again;
		char buffer[FLOW_FORM_SIZE];
		FlowSlice written;

		memset(&value, 0, sizeof(value));
		if (i % 2 == 0)
			value.integer = (int64_t) (unit_random(&seed) >> unit_random(&seed) % 64) *
			                (unit_random(&seed) % 2 ? 1 : -1);
		else
		{
			bool four = unit_random(&seed) % 2;

			value.address.family = four ? 4 : 6;
			value.address.bits =
				(uint8_t) (unit_random(&seed) % 2 ? (four ? 32 : 128)
			                                      : unit_random(&seed) % (four ? 33 : 129));
			for (int j = 0; j < (four ? 4 : 16); j++)
				value.address.bytes[j] =
					(uint8_t) (unit_random(&seed) % 3 ? 0 : unit_random(&seed));
		}
		written = flow_value_write(column.type, &value, buffer);
		CHECK(written.len <= FLOW_FORM_SIZE);
		CHECK_INT(flow_value_read(&column, &unit_host, written, &again), FLOW_OK);
		if (i % 2 == 0)
			CHECK_INT(again.integer, value.integer);
		else
			CHECK(memcmp(&again.address, &value.address, sizeof(value.address)) == 0);
	}
}

int
main(void)
{
	RUN(it_writes_integers);
	RUN(it_writes_addresses);
	RUN(it_leaves_text_alone);
	RUN(it_writes_what_is_read_again);
	return unit_done();
}
