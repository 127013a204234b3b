/*-------------------------------------------------------------------------
 *
 * test_s3_parquet.c
 *	  Reads Parquet files of a bucket that the test plays: small ones, and large
 *	  ones, of which the next are opened ahead.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_bucket.h"

#define FILES 6
#define PAD (1200 * 1000)

static FlowColumn columns[] = {
	{.name = "srcaddr", .type = FLOW_TEXT, .max_chars = -1, .precision = -1, .scale = -1},
	{.name = "action", .type = FLOW_TEXT, .max_chars = -1, .precision = -1, .scale = -1},
	{.name = "bytes", .type = FLOW_INT64, .max_chars = -1, .precision = -1, .scale = -1},
};

/* What was read. */
typedef struct Answer
{
	uint64_t rows, sum;
	uint64_t bytes_read;
} Answer;

/* Puts a file of the tree into the bucket, with bytes of no meaning before its footer. */
static void
put_parquet(const char *key, const char *path, size_t pad)
{
	ModelObject *object;
	FILE *stream = fopen(path, "rb");
	size_t size, footer;
	uint32_t len;

	if (stream == NULL || fseek(stream, 0, SEEK_END) != 0)
		exit(1);
	size = (size_t) ftell(stream);
	rewind(stream);
	put(key, size + pad);
	object = &model_objects[model_nobjects - 1];
	if (fread(object->data, 1, size, stream) != size)
		exit(1);
	fclose(stream);
	memcpy(&len, object->data + size - 8, sizeof(len));
	footer = size - 8 - len;
	memmove(object->data + footer + pad, object->data + footer, size - footer);
	memset(object->data + footer, 0, pad);
}

/* Fills the bucket: every "other"th file is small. */
static void
fill(size_t other)
{
	clear_bucket();
	for (size_t i = 0; i < FILES; i++)
	{
		char key[32];

		snprintf(key, sizeof(key), "o/%zu.parquet", i);
		put_parquet(key, "test/data/parquet/records.parquet", i % other == other - 1 ? 0 : PAD);
	}
}

/* Reads all files of the list; with "some", the rows of one action. */
static FlowStatus
read_rows(Fixture *f, bool some, uint64_t most, Answer *answer)
{
	FlowFormatSpec formatted = {.splitter = true, .columns = columns, .ncolumns = 3};
	FlowReadSpec spec = {.host = &f->host,
	                     .objects = f->objects,
	                     .access = f->access,
	                     .on_error = FLOW_ON_ERROR_STOP,
	                     .reject_limit = -1,
	                     .compression = "auto",
	                     .max_line_length = 1000000,
	                     .prune_groups = true};
	FlowFormat *format = NULL;
	FlowFilter *filter = NULL;
	FlowReader *reader = NULL;
	FlowRecord record;
	FlowValue reject = {.text = {"REJECT", 6}};
	FlowStatus status = flow_format_create(&f->host, &formatted, &format, &f->error);

	*answer = (Answer) {0};
	if (status == FLOW_OK && some)
	{
		FlowPredicate *leaf = NULL;

		filter = flow_filter_create(&f->host, columns, 3, false);
		if (filter != NULL)
			leaf = flow_filter_compare(filter, 1, FLOW_AS_IS, FLOW_EQ, &reject);
		if (leaf == NULL)
			status = flow_interrupted(&f->host) ? FLOW_INTERRUPTED : FLOW_NO_MEMORY;
		else
			flow_filter_set_root(filter, leaf);
		f->error.status = status;
	}
	spec.format = format;
	spec.filter = filter;
	if (status == FLOW_OK)
		status = flow_reader_create(&spec, &reader, &f->error);
	while (status == FLOW_OK && answer->rows < most)
	{
		status = flow_reader_next(reader, &record, &f->error);
		if (status != FLOW_OK)
			break;
		answer->rows++;
		for (int i = 0; i < 3; i++)
			for (size_t j = 0; j < record.fields[i].len; j++)
				answer->sum = answer->sum * 31 + (uint8_t) record.fields[i].data[j] + (uint64_t) i;
	}
	if (status == FLOW_OK || status == FLOW_END)
		answer->bytes_read = flow_reader_counts(reader)->bytes_read;
	flow_reader_close(reader);
	flow_filter_free(filter);
	flow_format_free(format);
	return status;
}

/* ---------- tests ---------- */

/* Large files, small ones and both have the same rows; what is counted was sent. */
static void
it_reads_the_same_rows(void)
{
	for (int some = 0; some < 2; some++)
	{
		Answer answers[3];

		for (size_t other = 1; other <= 3; other++)
		{
			uint64_t small;
			Fixture f;

			fill(other);
			set_up(&f, "s3://bucket/o", 16);
			CHECK_INT(list(&f, NULL), FLOW_OK);
			model_requests = model_asked_bytes = 0;
			CHECK_INT(read_rows(&f, some, UINT64_MAX, &answers[other - 1]), FLOW_END);
			CHECK_INT(answers[other - 1].bytes_read, model_asked_bytes);
			/* both ends, and columns of small row groups, perhaps after dictionaries */
			small = FILES / other;
			if (!some)
				CHECK_INT(model_requests, small + 3 * (FILES - small));
			CHECK(model_requests <= small + 4 * (FILES - small));
			tear_down(&f);
		}
		CHECK(answers[0].rows > 0);
		for (int i = 1; i < 3; i++)
		{
			CHECK_INT(answers[i].rows, answers[0].rows);
			CHECK_INT(answers[i].sum, answers[0].sum);
		}
	}
}

/* A query with a LIMIT ends while files are open ahead. */
static void
it_can_be_left_at_any_time(void)
{
	fill(100);
	for (uint64_t rows = 1; rows < 2000; rows += 1 + rows / 2)
	{
		Answer answer;
		Fixture f;

		set_up(&f, "s3://bucket/o", 16);
		CHECK_INT(list(&f, NULL), FLOW_OK);
		CHECK_INT(read_rows(&f, false, rows, &answer), FLOW_OK);
		tear_down(&f);
	}
}

static void
it_gives_these_rows_or_an_error(void)
{
	int good = 0;
	Answer right, answer;
	Fixture f;

	fill(4);
	set_up(&f, "s3://bucket/o", 16);
	CHECK_INT(list(&f, NULL), FLOW_OK);
	CHECK_INT(read_rows(&f, true, UINT64_MAX, &right), FLOW_END);
	tear_down(&f);
	for (int round = 0; round < 100; round++)
	{
		set_up(&f, "s3://bucket/o", 1 + (int) model_number(16));
		CHECK_INT(list(&f, NULL), FLOW_OK);
		model_faults = (1u << MODEL_FAULTS) - 2;
		model_fault_percent = (int) model_number(20);
		if (read_rows(&f, true, UINT64_MAX, &answer) == FLOW_END)
		{
			CHECK_INT(answer.rows, right.rows);
			CHECK_INT(answer.sum, right.sum);
			good++;
		}
		else
			CHECK(model_fatal > 0 || model_fault_percent > 5);
		model_faults = 0;
		tear_down(&f);
	}
	CHECK(good > 10 && good < 100);
}

static void
it_stops_when_interrupted(void)
{
	bool done = false;

	fill(4);
	for (int64_t after = 0; !done; after += 1 + after / 20)
	{
		Answer answer;
		Fixture f;
		FlowStatus status;

		set_up(&f, "s3://bucket/o", 16);
		CHECK_INT(list(&f, NULL), FLOW_OK);
		unit_state.interrupt_after = after;
		status = read_rows(&f, true, UINT64_MAX, &answer);
		unit_state.interrupt_after = -1;
		done = status == FLOW_END;
		if (!done)
			CHECK_INT(status, FLOW_INTERRUPTED);
		tear_down(&f);
	}
}

static void
it_says_when_there_is_no_memory(void)
{
	bool done = false;
	Answer right, answer;
	Fixture f;

	fill(4);
	set_up(&f, "s3://bucket/o", 16);
	CHECK_INT(list(&f, NULL), FLOW_OK);
	CHECK_INT(read_rows(&f, true, UINT64_MAX, &right), FLOW_END);
	tear_down(&f);
	for (int64_t after = 0; !done; after += 1 + after / 50)
	{
		FlowStatus status;

		set_up(&f, "s3://bucket/o", 16);
		CHECK_INT(list(&f, NULL), FLOW_OK);
		unit_state.fail_after = after;
		status = read_rows(&f, true, UINT64_MAX, &answer);
		/* opening a file ahead may fail without harm, so that memory is there again */
		done = unit_state.fail_after > 0;
		unit_state.fail_after = -1;
		if (status == FLOW_END)
			CHECK(answer.rows == right.rows && answer.sum == right.sum);
		else
			CHECK_INT(status, FLOW_NO_MEMORY);
		tear_down(&f);
	}
}

int
main(void)
{
	RUN(it_reads_the_same_rows);
	RUN(it_can_be_left_at_any_time);
	RUN(it_gives_these_rows_or_an_error);
	RUN(it_stops_when_interrupted);
	RUN(it_says_when_there_is_no_memory);
	clear_bucket();
	return unit_done();
}
