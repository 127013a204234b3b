/*-------------------------------------------------------------------------
 *
 * test_part.c
 *	  Tests reading a file in parts: wherever it is cut, the results are those
 *	  of the whole file, including the line numbers.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/part.h"
#include "model_reader.h"

/*
 * true while the tests run with lines that are split, false with lines that
 * are matched
 */
static bool split;

#include <zlib.h>

#define MAX_PARTS 4096

static char directory[128];
static char path[256];

/* What is read, and how. */
typedef struct Setup
{
	FlowHeaderMode header;
	FlowOnError on_error;
	size_t max_line_length;
	int64_t reject_limit;
} Setup;

/* Parts to be read. */
typedef struct Queue
{
	FlowPart parts[MAX_PARTS];
	size_t count;
	size_t next;
} Queue;

/*
 * Results from a file: a line of text for each record and reject, and the
 * counts.
 */
typedef struct Outcome
{
	char *text;
	size_t len;
	size_t capacity;
	FlowCounts counts;
	FlowStatus status;
	FlowError error;
} Outcome;

static Queue queue;
static Outcome whole, cut;

static FlowStatus
next_part(void *arg, bool wait, FlowPart *part, FlowError *error)
{
	Queue *q = arg;

	(void) wait;
	(void) error;
	if (q->next == q->count)
		return FLOW_END;
	*part = q->parts[q->next++];
	return FLOW_OK;
}

static void
tell(Outcome *outcome, const char *kind, uint64_t line, FlowSlice a, FlowSlice b)
{
	while (outcome->capacity < outcome->len + a.len + b.len + 64)
		outcome->text = realloc(outcome->text, outcome->capacity = 2 * outcome->capacity + 1024);
	outcome->len += (size_t) sprintf(outcome->text + outcome->len,
	                                 "%s %" PRIu64 " %.*s|%.*s\n",
	                                 kind,
	                                 line,
	                                 (int) a.len,
	                                 a.data ? a.data : "",
	                                 (int) b.len,
	                                 b.data ? b.data : "");
}

static void
add_counts(FlowCounts *sum, const FlowCounts *counts)
{
	sum->files_read += counts->files_read;
	sum->bytes_read += counts->bytes_read;
	sum->lines += counts->lines;
	sum->headers += counts->headers;
	sum->blank += counts->blank;
	sum->emitted += counts->emitted;
	sum->filtered += counts->filtered;
	sum->rejected += counts->rejected;
	sum->set_null += counts->set_null;
	sum->unmatched += counts->unmatched;
}

static uint64_t
number_of(const FlowObject *object, uint64_t part, uint64_t line)
{
	static const FlowAccess everywhere;
	FlowLineCount count = {0};
	FlowError error;
	uint64_t number;

	CHECK_INT(flow_part_line(&unit_host, object, &everywhere, &count, part, line, &number, &error),
	          FLOW_OK);
	return number;
}

/*
 * Reads to the end, or an error, in the parts of "q", or whole if that is
 * NULL.
 */
static void
read_all(const Setup *setup, const FlowObjects *objects, Queue *q, uint64_t *shared_rejects,
         Outcome *outcome)
{
	FlowFormatSpec format_spec = {.regex = MODEL_REGEX,
	                              .regex_jit = true,
	                              .splitter = split,
	                              .header = setup->header,
	                              .columns = model_columns,
	                              .ncolumns = 2};
	FlowReadSpec spec = {
		.host = &unit_host,
		.objects = objects,
		.on_error = setup->on_error,
		.report_rejects = true,
		.reject_limit = setup->reject_limit,
		.compression = "auto",
		.max_line_length = setup->max_line_length,
		.next_part = q ? next_part : NULL,
		.next_part_arg = q,
		.shared_rejects = shared_rejects,
	};
	FlowFormat *format;
	FlowReader *reader;
	FlowRecord record;
	const FlowReject *first;

	CHECK_INT(flow_format_create(&unit_host, &format_spec, &format, &outcome->error), FLOW_OK);
	spec.format = format;
	CHECK_INT(flow_reader_create(&spec, &reader, &outcome->error), FLOW_OK);
	for (;;)
	{
		const char *where;
		uint64_t line;

		outcome->status = flow_reader_next(reader, &record, &outcome->error);
		if (outcome->status == FLOW_REJECTED)
		{
			const FlowReject *reject = flow_reader_reject(reader);

			tell(outcome,
			     "reject",
			     number_of(reject->object, reject->part, reject->line),
			     reject->raw,
			     (FlowSlice) {reject->reason, strlen(reject->reason)});
			CHECK(flow_reader_balances(reader));
			continue;
		}
		if (outcome->status != FLOW_OK)
			break;
		CHECK(flow_reader_balances(reader));
		CHECK(flow_reader_position(reader, &where, &line));
		tell(outcome, "record", line, record.fields[0], record.fields[1]);
	}
	first = flow_reader_first_reject(reader);
	if (outcome->status == FLOW_END && first != NULL)
		CHECK(number_of(first->object, first->part, first->line) != 0);
	add_counts(&outcome->counts, flow_reader_counts(reader));
	flow_reader_close(reader);
	flow_format_free(format);
	CHECK_INT(unit_state.outstanding, 0);
}

static void
forget(Outcome *outcome)
{
	outcome->len = 0;
	memset(&outcome->counts, 0, sizeof(outcome->counts));
	if (outcome->capacity > 0)
		outcome->text[0] = '\0';
}

/* Reads the current file as a whole. */
static FlowObjects
read_whole(const Setup *setup, FlowObject *object)
{
	FlowObjects objects = {.items = object, .count = 1, .bytes = object->size, .complete = true};

	forget(&whole);
	read_all(setup, &objects, NULL, NULL, &whole);
	return objects;
}

/*
 * Cuts at these offsets, in ascending order.  One process reads all parts, or
 * each reads one.
 */
static void
compare_cut(const Setup *setup, const FlowObjects *objects, const uint64_t *at, size_t ncuts,
            bool one_reader)
{
	uint64_t rejects = 0;
	uint64_t from = 0;

	forget(&cut);
	queue.count = queue.next = 0;
	for (size_t i = 0; i <= ncuts; i++)
	{
		uint64_t to = i < ncuts ? at[i] : objects->items[0].size;

		queue.parts[queue.count++] = (FlowPart) {0, from, to};
		from = to;
		if (!one_reader)
		{
			read_all(setup, objects, &queue, &rejects, &cut);
			queue.count = queue.next = 0;
			if (cut.status != FLOW_END)
				break;
		}
	}
	if (one_reader)
		read_all(setup, objects, &queue, &rejects, &cut);

	CHECK_INT(cut.status, whole.status);
	CHECK_INT(cut.len, whole.len);
	CHECK(cut.len == whole.len && (cut.len == 0 || memcmp(cut.text, whole.text, cut.len) == 0));
	if (whole.status != FLOW_END)
	{
		CHECK_STRING(cut.error.message, whole.error.message);
		CHECK_STRING(cut.error.path, whole.error.path);
		CHECK_INT(cut.error.line, whole.error.line);
		return;
	}
	CHECK_INT(cut.counts.files_read, whole.counts.files_read);
	CHECK_INT(cut.counts.bytes_read, whole.counts.bytes_read);
	CHECK_INT(cut.counts.lines, whole.counts.lines);
	CHECK_INT(cut.counts.headers, whole.counts.headers);
	CHECK_INT(cut.counts.blank, whole.counts.blank);
	CHECK_INT(cut.counts.emitted, whole.counts.emitted);
	CHECK_INT(cut.counts.rejected, whole.counts.rejected);
	CHECK_INT(cut.counts.set_null, whole.counts.set_null);
	CHECK_INT(cut.counts.unmatched, whole.counts.unmatched);
}

/*
 * Reads two parts with every cut, three with every pair of cuts (in the short
 * form, a fifth of the pairs), and parts of one byte each.
 */
static void
cut_everywhere(const Setup *setup, const char *data, size_t len)
{
	FlowObject object = model_write(path, data, len);
	FlowObjects objects = read_whole(setup, &object);
	uint64_t at[MAX_PARTS];

	for (uint64_t i = 1; i < len; i++)
		for (uint64_t j = i; j < len; j++)
			if (j == i || unit_takes(i + j, 5))
				compare_cut(setup, &objects, (uint64_t[]) {i, j}, j == i ? 1 : 2, (i + j) % 2 == 0);
	for (size_t i = 0; i + 1 < len; i++)
		at[i] = i + 1;
	if (len > 1)
	{
		compare_cut(setup, &objects, at, len - 1, true);
		compare_cut(setup, &objects, at, len - 1, false);
	}
}

static const Setup usual = {FLOW_HEADER_FALSE, FLOW_ON_ERROR_IGNORE, 1024 * 1024, -1};

static void
every_line_is_read_once(void)
{
	static const char *const texts[] = {
		"a 1\nb 2\nc 3\n",
		"a 1\nb 2\nlast 3",
		"a 1\r\nb 2\r\n\r\nlast 3\r",
		"\n\n\na 1\n\n\nb 2\n\n",
		"\n",
		"x",
		"\xEF\xBB\xBF\x61 1\n\xEF\xBB\xBF 2\n\xEF\xBB\xBF",
		"bad\na 1\nbad again\nb x\n\nc 3\nworse still\n",
	};

	for (size_t i = 0; i < flow_countof(texts); i++)
		cut_everywhere(&usual, texts[i], strlen(texts[i]));
}

static void
what_is_no_record_has_its_number(void)
{
	static const char text[] = "a 1\nbad\n\nb 2\nc x\nd 4\nbad bad bad\n";
	Setup setup = usual;

	setup.on_error = FLOW_ON_ERROR_SET_NULL;
	cut_everywhere(&setup, text, strlen(text));
	setup.on_error = FLOW_ON_ERROR_STOP;
	cut_everywhere(&setup, text, strlen(text));
	setup.on_error = FLOW_ON_ERROR_IGNORE;
	for (setup.reject_limit = 0; setup.reject_limit < 4; setup.reject_limit++)
		cut_everywhere(&setup, text, strlen(text));
	setup.max_line_length = 5;
	setup.reject_limit = -1;
	cut_everywhere(&setup, text, strlen(text));
}

static void
headers_are_those_of_the_file(void)
{
	static const char text[] = "srcaddr dstport\na 1\nb 2\nsrcaddr dstport\nc 3\n";
	static const char other[] = "srcaddr dstport\na 1\ndstaddr srcport\nc 3\n";

	for (FlowHeaderMode mode = FLOW_HEADER_AUTO; mode <= FLOW_HEADER_FALSE; mode++)
	{
		Setup setup = usual;

		setup.header = mode;
		cut_everywhere(&setup, text, strlen(text));
		cut_everywhere(&setup, other, strlen(other));
		cut_everywhere(&setup, "a 1\nb 2\nc 3\n", 12);
	}
}

/*
 * Lines longer than a block, newlines at the ends of blocks, and cuts at and
 * around them.
 */
static void
blocks_and_parts_are_independent(void)
{
	const size_t size = 3 * FLOW_BLOCK_SIZE + 777;
	char *data = malloc(size);
	uint64_t seed = 42;

	for (int round = 0; round < unit_tries(12); round++)
	{
		Setup setup = usual;
		FlowObject object;
		FlowObjects objects;
		size_t at = 0;

		setup.max_line_length = round % 3 == 0 ? 3000 : 1024 * 1024;
		while (at < size)
		{
			size_t len = round % 2 == 0           ? unit_random(&seed) % 300
			             : unit_random(&seed) % 2 ? unit_random(&seed) % 9000
			                                      : unit_random(&seed) % 600000;

			if (unit_random(&seed) % 4 == 0 && at < size)
				len = FLOW_BLOCK_SIZE - at % FLOW_BLOCK_SIZE - unit_random(&seed) % 2;
			if (len > size - at)
				len = size - at;
			memset(data + at, 'x', len);
			if (len > 8)
				memcpy(data + at + len - 5, unit_random(&seed) % 8 ? " 1234" : "12345", 5);
			at += len;
			if (at < size)
				data[at++] = '\n';
		}
		object = model_write(path, data, size);
		objects = read_whole(&setup, &object);
		for (int i = 0; i < 16; i++)
		{
			uint64_t cuts[3];
			size_t n = 0;

			for (uint64_t block = 1; block <= 3; block++)
				cuts[n++] =
					i == 0 ? block * FLOW_BLOCK_SIZE
						   : block * FLOW_BLOCK_SIZE - 3 + unit_random(&seed) % (i < 8 ? 6 : 700);
			compare_cut(&setup, &objects, cuts, n, i % 2 == 0);
		}
		for (int i = 0; i < 8; i++)
		{
			/* many in one line */
			uint64_t cuts[64];
			uint64_t first = unit_random(&seed) % (size - 64 * 999);

			for (uint64_t j = 0; j < 64; j++)
				cuts[j] = first + j * (1 + unit_random(&seed) % 3) * 100 + j * 300;
			for (uint64_t j = 1; j < 64; j++)
				if (cuts[j] < cuts[j - 1])
					cuts[j] = cuts[j - 1];
			compare_cut(&setup, &objects, cuts, 64, i % 2 == 0);
		}
	}
	free(data);
}

static void
what_cannot_be_cut_is_read_by_its_first_part(void)
{
	gzFile file = gzopen(path, "wb");
	FlowObject object;
	FlowObjects objects;
	struct stat status;

	for (int i = 0; i < 2000; i++)
		gzprintf(file, i % 100 ? "line%d %d\n" : "%d\n", i, i * 7919);
	gzclose(file);
	if (stat(path, &status) != 0)
		abort();
	object = (FlowObject) {
		.path = path,
		.size = (uint64_t) status.st_size,
		.modified = (int64_t) status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec,
		.device = status.st_dev,
		.inode = status.st_ino,
	};
	objects = read_whole(&usual, &object);
	CHECK_INT(whole.counts.lines, 2000);
	compare_cut(&usual, &objects, (uint64_t[]) {1, 2, 1000, object.size - 1}, 4, true);
	compare_cut(&usual, &objects, (uint64_t[]) {100}, 1, false);
}

/* Every reader of a part detects that the file is another one now. */
static void
a_change_is_noticed_in_every_part(void)
{
	char text[4000];
	FlowObject object;
	FlowObjects objects = {.items = &object, .count = 1, .bytes = sizeof(text), .complete = true};

	for (size_t i = 0; i < sizeof(text); i += 4)
		memcpy(text + i, "a 1\n", 4);
	object = model_write(path, text, sizeof(text));
	object.modified++;
	for (uint64_t start = 0; start < sizeof(text); start += 1000)
	{
		forget(&cut);
		queue.parts[0] = (FlowPart) {0, start, start + 1000};
		queue.count = 1;
		queue.next = 0;
		read_all(&usual, &objects, &queue, NULL, &cut);
		CHECK_INT(cut.status, FLOW_CHANGED);
		CHECK_INT(cut.len, 0);
	}
}

/* The file changes while a part in its middle is read. */
static void
a_change_while_a_part_is_read_is_noticed(void)
{
	FlowFormatSpec format_spec = {.regex = MODEL_REGEX,
	                              .header = FLOW_HEADER_FALSE,
	                              .columns = model_columns,
	                              .ncolumns = 2};
	size_t size = 4 * FLOW_BLOCK_SIZE;
	char *text = malloc(size);
	FlowObject object;
	FlowObjects objects = {.items = &object, .count = 1, .bytes = size, .complete = true};
	FlowReadSpec spec = {.host = &unit_host,
	                     .objects = &objects,
	                     .reject_limit = -1,
	                     .compression = "auto",
	                     .max_line_length = 100,
	                     .next_part = next_part,
	                     .next_part_arg = &queue};
	FlowFormat *format;
	FlowReader *reader;
	FlowRecord record;
	FlowStatus status;
	FlowError error;
	FILE *file;

	for (size_t i = 0; i < size; i += 4)
		memcpy(text + i, "a 1\n", 4);
	object = model_write(path, text, size);
	queue.parts[0] = (FlowPart) {0, FLOW_BLOCK_SIZE, 2 * FLOW_BLOCK_SIZE};
	queue.count = 1;
	queue.next = 0;
	CHECK_INT(flow_format_create(&unit_host, &format_spec, &format, &error), FLOW_OK);
	spec.format = format;
	CHECK_INT(flow_reader_create(&spec, &reader, &error), FLOW_OK);
	CHECK_INT(flow_reader_next(reader, &record, &error), FLOW_OK);
	file = fopen(path, "a");
	fputs("b 2\n", file);
	fclose(file);
	while ((status = flow_reader_next(reader, &record, &error)) == FLOW_OK)
		;
	CHECK_INT(status, FLOW_CHANGED);
	CHECK_STRING(error.path, path);
	flow_reader_close(reader);
	flow_format_free(format);
	free(text);
}

/*
 * Finding a line's number takes time in proportion to the file, but can be
 * interrupted.
 */
static void
counting_lines_is_interruptible(void)
{
	size_t size = 8 * FLOW_BLOCK_SIZE;
	char *text = malloc(size);
	static const FlowAccess everywhere;
	FlowObject object;
	FlowLineCount count = {0};
	FlowError error;
	uint64_t number = 1;

	memset(text, '\n', size);
	object = model_write(path, text, size);
	for (unit_state.interrupt_after = 0; unit_state.interrupt_after < 8;)
	{
		int64_t after = unit_state.interrupt_after;

		CHECK_INT(
			flow_part_line(&unit_host, &object, &everywhere, &count, size, 1, &number, &error),
			FLOW_INTERRUPTED);
		CHECK_INT(number, 0);
		count.object = NULL;
		unit_state.interrupt_after = after + 1;
	}
	unit_state.interrupt_after = -1;
	CHECK_INT(flow_part_line(&unit_host, &object, &everywhere, &count, 5, 1, &number, &error),
	          FLOW_OK);
	CHECK_INT(number, 7);
	CHECK_INT(count.offset, 5);
	CHECK_INT(flow_part_line(&unit_host, &object, &everywhere, &count, size, 3, &number, &error),
	          FLOW_OK);
	CHECK_INT(number, size + 4);
	/* back again */
	CHECK_INT(flow_part_line(&unit_host, &object, &everywhere, &count, 10, 1, &number, &error),
	          FLOW_OK);
	CHECK_INT(number, 12);
	unit_state.fail_after = 0;
	CHECK_INT(flow_part_line(&unit_host, &object, &everywhere, &count, 20, 1, &number, &error),
	          FLOW_NO_MEMORY);
	unit_state.fail_after = -1;
	object.inode++;
	CHECK_INT(flow_part_line(&unit_host, &object, &everywhere, &count, size, 1, &number, &error),
	          FLOW_CHANGED);
	CHECK_INT(number, 0);
	CHECK_INT(unit_state.outstanding, 0);
	free(text);
}

/* A part after the end of the file, or without any byte, has no line. */
static void
odd_parts_are_empty(void)
{
	FlowObject object = model_write(path, "a 1\nb 2\n", 8);
	FlowObjects objects = {.items = &object, .count = 1, .bytes = 8, .complete = true};
	static const FlowPart parts[] =
		{{0, 8, 8}, {0, 8, 100}, {0, 100, 200}, {0, 5, 5}, {0, 4, 4}, {0, 3, 3}};

	for (size_t i = 0; i < flow_countof(parts); i++)
	{
		forget(&cut);
		queue.parts[0] = parts[i];
		queue.count = 1;
		queue.next = 0;
		read_all(&usual, &objects, &queue, NULL, &cut);
		CHECK_INT(cut.status, FLOW_END);
		CHECK_INT(cut.counts.lines, 0);
	}
	forget(&cut);
	queue.parts[0] = (FlowPart) {0, 3, 4}; /* the line that begins at 4 */
	queue.next = 0;
	read_all(&usual, &objects, &queue, NULL, &cut);
	CHECK_INT(cut.counts.lines, 1);
	CHECK_STRING(cut.text, "record 2 b|2\n");
}

/*
 * The data read after a part's end grow with the line that crosses it, page by
 * page.
 */
static void
little_is_read_behind_the_end(void)
{
	FlowPart part = {0, 0, 1024 * 1024};
	uint64_t offset = part.end;
	int reads = 0;

	CHECK_INT(flow_part_read_size(&part, part.end - 1), FLOW_BLOCK_SIZE);
	while (offset < part.end + 16 * FLOW_BLOCK_SIZE)
	{
		size_t size = flow_part_read_size(&part, offset);

		CHECK(size % 4096 == 0 && size <= FLOW_BLOCK_SIZE);
		CHECK(size <= offset - part.end + 4096);
		offset += size;
		reads++;
	}
	CHECK(reads < 30);
}

int
main(void)
{
	snprintf(directory, sizeof(directory), "%s/flow_part_XXXXXX", unit_temporary());
	if (mkdtemp(directory) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/a.log", directory);
	for (int round = 0; round < 2; round++)
	{
		split = round == 1;
		RUN(every_line_is_read_once);
		RUN(what_is_no_record_has_its_number);
		RUN(headers_are_those_of_the_file);
		RUN(blocks_and_parts_are_independent);
		RUN(what_cannot_be_cut_is_read_by_its_first_part);
		RUN(a_change_is_noticed_in_every_part);
		RUN(a_change_while_a_part_is_read_is_noticed);
		RUN(counting_lines_is_interruptible);
		RUN(odd_parts_are_empty);
		RUN(little_is_read_behind_the_end);
	}
	free(whole.text);
	free(cut.text);
	unlink(path);
	rmdir(directory);
	return unit_done();
}
