/*-------------------------------------------------------------------------
 *
 * test_probe.c
 *	  Tests what the beginning of a file shows, and how much of the file is
 *	  read for that.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include <zlib.h>

#define HEADER "version account-id interface-id srcaddr dstaddr\n"
#define RECORD "2 123456789012 eni-1235b8ca 10.0.0.1 10.0.0.2\n"

/* ---------- a store of one object, in memory ---------- */

static uint8_t *object_data;
static size_t object_size;
static size_t object_position;
static size_t object_most; /* maximum offset up to which it was read */
static bool object_open;

static FlowStatus
memory_open(const FlowHost *host, const FlowAccess *access, const FlowObject *object, void **file,
            FlowError *error)
{
	(void) host, (void) object, (void) error;
	CHECK(access->glance);
	object_position = object_most = 0;
	object_open = true;
	*file = &object_position;
	return FLOW_OK;
}

static void
memory_close(void *file)
{
	(void) file;
	object_open = false;
}

static FlowStatus
memory_read(void *file, void *buffer, size_t capacity, size_t *len, FlowError *error)
{
	(void) file, (void) error;
	*len = capacity < object_size - object_position ? capacity : object_size - object_position;
	memcpy(buffer, object_data + object_position, *len);
	object_position += *len;
	if (object_position > object_most)
		object_most = object_position;
	return FLOW_OK;
}

static uint64_t
memory_position(const void *file)
{
	(void) file;
	return object_position;
}

static FlowStatus
memory_unchanged(void *file, FlowError *error)
{
	(void) file, (void) error;
	return FLOW_OK;
}

static const FlowStorage memory_storage = {.open = memory_open,
                                           .close = memory_close,
                                           .read = memory_read,
                                           .position = memory_position,
                                           .unchanged = memory_unchanged};
static FlowStore memory_store = {.storage = &memory_storage};

static FlowStatus
probe(FlowProbe *result, FlowError *error)
{
	FlowObject object = {.path = "s3://bucket/object", .size = object_size};
	FlowAccess access = {.store = &memory_store};

	return flow_object_probe(&unit_host, &object, &access, "auto", true, NULL, result, error);
}

/* ---------- objects ---------- */

static void
set_object(const void *data, size_t len)
{
	free(object_data);
	object_data = malloc(len + 1);
	memcpy(object_data, data, len);
	object_size = len;
}

/*
 * Makes an object of one text, followed by another that is repeated to the
 * given size.
 */
static void
fill_object(const char *first, const char *more, size_t len)
{
	size_t at = strlen(first);

	free(object_data);
	object_data = malloc(len + strlen(more) + at);
	memcpy(object_data, first, at);
	for (; at < len; at += strlen(more))
		memcpy(object_data + at, more, strlen(more));
	object_size = at;
}

/* Compresses the data of the object.  Level 0 stores them unchanged. */
static void
compress_object(int level)
{
	uLong room = compressBound(object_size) + 1000;
	uint8_t *out = malloc(room);
	z_stream z = {.next_in = object_data,
	              .avail_in = (uInt) object_size,
	              .next_out = out,
	              .avail_out = (uInt) room};

	CHECK_INT(deflateInit2(&z, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	CHECK_INT(deflate(&z, Z_FINISH), Z_STREAM_END);
	set_object(out, room - z.avail_out);
	deflateEnd(&z);
	free(out);
}

/*
 * Probes the object.  It must have these fields (NULL: none are known), and no
 * more than FLOW_PROBE_SIZE may be read.
 */
static void
check_probe(const char *compression, const char *wrapper, const char *last_field)
{
	FlowProbe result;
	FlowError error;

	CHECK_INT(probe(&result, &error), FLOW_OK);
	CHECK_STRING(result.compression, compression);
	CHECK_STRING(result.wrapper, wrapper);
	CHECK_STRING(result.nfields > 0 ? result.fields[result.nfields - 1] : "none",
	             last_field != NULL ? last_field : "none");
	CHECK(object_most <= FLOW_PROBE_SIZE);
	CHECK(!object_open);
	flow_probe_free(&unit_host, &result);
	CHECK_INT(unit_state.outstanding, 0);
}

/* ---------- tests ---------- */

static void
a_look_reads_no_more_than_it_says(void)
{
	fill_object(HEADER, RECORD, 5 << 20);
	check_probe("none", "none", "dstaddr");
	for (int level = 0; level < 10; level += 3)
	{
		fill_object(HEADER, RECORD, 5 << 20);
		compress_object(level);
		check_probe("gzip", "none", "dstaddr");
		compress_object(0); /* once more */
		check_probe("gzip", "none", "dstaddr");
	}
	fill_object(HEADER, "", strlen(HEADER));
	check_probe("none", "none", "dstaddr");
	compress_object(9);
	check_probe("gzip", "none", "dstaddr");
}

/*
 * Later data are not known.  That is not an error, although the file seems to
 * be cut.
 */
static void
what_comes_later_is_not_known(void)
{
	static const char control[] =
		"{\"messageType\":\"CONTROL_MESSAGE\",\"owner\":\"CloudwatchLogs\",\"logGroup\":\"\","
		"\"logStream\":\"\",\"subscriptionFilters\":[],"
		"\"logEvents\":[{\"id\":\"\",\"timestamp\":1510109208016,\"message\":\"CWL CONTROL "
		"MESSAGE: Checking health of destination Firehose.\"}]}\n";

	fill_object("", control, 5 << 20);
	check_probe("none", "json", NULL);
	compress_object(0);
	check_probe("gzip", "json", NULL);
	compress_object(0);
	check_probe("gzip", "json", NULL);
	fill_object("\n", "\n", 5 << 20);
	check_probe("none", "none", NULL);
	fill_object("x", "x", 5 << 20);
	check_probe("none", "none", NULL);
}

/* Why the fields are not known: the line's number, and the line or the field. */
static void
what_is_no_flow_log_is_explained(void)
{
	static const struct
	{
		const char *text;
		uint64_t line;
		int misfit;
		const char *detail, *raw;
	} cases[] =
		{{"\n\r\nx y\n",
	      3,
	      0,
	      "It has no header, and its first line has 2 fields, where the default format has 14.",
	      "x y"},
	     {"2 1 eni-1 10.0.0.1 10.0.0.2 1 2 6 1 40 1 x ACCEPT OK\n",
	      1,
	      12,
	      "It has no header, and field 12 of its first line is not \"end\" as in the default "
	      "format.",
	      "x"},
	     {"\n\n", 0, 0, "", ""},
	     {"", 0, 0, "", ""}};

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		FlowProbe result;
		FlowError error;

		fill_object(cases[i].text, "", strlen(cases[i].text));
		CHECK_INT(probe(&result, &error), FLOW_OK);
		CHECK_INT(result.source, FLOW_FIELDS_UNKNOWN);
		CHECK_INT((int) error.line, (int) cases[i].line);
		CHECK_INT(result.misfit, cases[i].misfit);
		CHECK_STRING(error.detail, cases[i].detail);
		CHECK(error.raw_len == strlen(cases[i].raw) &&
		      memcmp(error.raw, cases[i].raw, error.raw_len) == 0);
		flow_probe_free(&unit_host, &result);
	}
}

/* A file that is not larger than the probe, and is cut, is damaged. */
static void
a_small_file_that_is_cut_is_damaged(void)
{
	FlowProbe result;
	FlowError error;

	fill_object("", RECORD, 2000);
	compress_object(9);
	object_size /= 2;
	CHECK_INT(probe(&result, &error), FLOW_CORRUPT);
	CHECK_INT(unit_state.outstanding, 0);
	CHECK(!object_open);
}

static void
memory_may_run_out_at_every_place(void)
{
	fill_object(HEADER, RECORD, 1 << 20);
	compress_object(6);
	compress_object(0);
	for (int once = 0; once < 2; once++)
	{
		int64_t after = 0;
		FlowStatus status;

		do
		{
			FlowProbe result;
			FlowError error;

			unit_state.fail_after = after++;
			unit_state.fail_once = once;
			status = probe(&result, &error);
			unit_state.fail_after = -1;
			CHECK(status == FLOW_OK || status == FLOW_NO_MEMORY);
			if (status == FLOW_OK)
				CHECK_INT(result.nfields, 5);
			flow_probe_free(&unit_host, &result);
			CHECK_INT(unit_state.outstanding, 0);
		} while (status == FLOW_NO_MEMORY && after < 100);
		CHECK_INT(status, FLOW_OK);
		CHECK(after > 5);
	}
	unit_state.fail_once = false;
}

int
main(void)
{
	RUN(a_look_reads_no_more_than_it_says);
	RUN(what_comes_later_is_not_known);
	RUN(what_is_no_flow_log_is_explained);
	RUN(a_small_file_that_is_cut_is_damaged);
	RUN(memory_may_run_out_at_every_place);
	free(object_data);
	return unit_done();
}
