/*-------------------------------------------------------------------------
 *
 * fuzz_reader.c
 *	  Fuzzes the reader, compared with the plain one: both give the same
 *	  records and the same ledger for any file.
 *
 * The first byte chooses on_error, the maximum length of a line and whether
 * lines are split.  The other bytes are the file.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/bytes/source.h"
#include "../unit/model_reader.h"

static void
must(bool condition)
{
	if (!condition)
		abort();
}

/* Returns the status of reading field b as a value of its type. */
static FlowStatus
read_b(FlowSlice b)
{
	FlowValue value;

	return flow_value_read(&model_columns[1], &unit_host, b, &value);
}

static bool
is_bad(FlowStatus status)
{
	return status != FLOW_OK && status != FLOW_END;
}

/* Reads records and compares each with the plain reader's next one. */
static void
compare(FlowReader *reader, FlowOnError on_error, size_t max_line_length, const char *data,
        size_t len)
{
	const char *end = data + len;
	const char *from = data;
	uint64_t rejected = 0;
	uint64_t number = 0;
	FlowRecord record;
	FlowError error;
	ModelLine line;

	if (len >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
		from += 3;
	while (model_next_line(&from, end, max_line_length, &line))
	{
		number++;
		if (line.blank)
			continue;
		if (line.record && on_error == FLOW_ON_ERROR_IGNORE)
		{
			FlowValue value;

			line.record = !is_bad(read_b(line.b)) &&
			              !is_bad(flow_value_read(&model_columns[0], &unit_host, line.a, &value));
		}
		if (!line.record && on_error == FLOW_ON_ERROR_STOP)
		{
			must(flow_reader_next(reader, &record, &error) == FLOW_BAD_RECORD &&
			     error.line == number);
			return;
		}
		if (!line.record && on_error == FLOW_ON_ERROR_IGNORE)
		{
			rejected++;
			continue;
		}
		if (!line.record)
			line.a = line.b = (FlowSlice) {NULL, 0};
		must(flow_reader_next(reader, &record, &error) == FLOW_OK &&
		     model_line_number(reader) == number);
		must(model_same(record.fields[0], line.a) && model_same(record.fields[1], line.b));
		must(flow_reader_balances(reader));
	}
	must(flow_reader_next(reader, &record, &error) == FLOW_END);
	must(flow_reader_balances(reader));
	must(flow_reader_counts(reader)->lines == number &&
	     flow_reader_counts(reader)->rejected == rejected);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[128];
	FlowFormatSpec format_spec = {.regex = MODEL_REGEX,
	                              .regex_jit = true,
	                              .header = FLOW_HEADER_FALSE,
	                              .columns = model_columns,
	                              .ncolumns = 2};
	FlowReadSpec spec = {.host = &unit_host, .reject_limit = -1, .compression = "none"};
	FlowFormat *format = NULL;
	FlowReader *reader = NULL;
	FlowObjects objects = {.count = 1};
	FlowObject object;
	FlowError error;

	if (size < 1)
		return 0;
	if (path[0] == '\0')
		snprintf(path,
		         sizeof(path),
		         "%s/fuzz_reader.%d",
		         getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp",
		         (int) getpid());
	object = model_write(path, data + 1, size - 1);
	objects.items = &object;
	objects.bytes = object.size;
	format_spec.splitter = (data[0] & 0x40) == 0;

	must(flow_format_create(&unit_host, &format_spec, &format, &error) == FLOW_OK);
	spec.format = format;
	spec.objects = &objects;
	spec.on_error = data[0] % 3;
	spec.max_line_length = data[0] & 0x80 ? 16 : 100000;
	must(flow_reader_create(&spec, &reader, &error) == FLOW_OK);
	/* a Parquet file is refused because of its first bytes, and so are others */
	if (flow_unread_find(data + 1, size - 1) == NULL)
		compare(reader, spec.on_error, spec.max_line_length, (const char *) data + 1, size - 1);

	flow_reader_close(reader);
	flow_format_free(format);
	unlink(path);
	must(unit_state.outstanding == 0);
	return 0;
}
