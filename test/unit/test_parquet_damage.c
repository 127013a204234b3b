/*-------------------------------------------------------------------------
 *
 * test_parquet_damage.c
 *	  Tests reading Parquet files that are damaged: by hand, cut, and in any
 *	  one byte.
 *
 *-------------------------------------------------------------------------
 */
#include "model_parquet.h"

#define DATA "test/data/parquet/"

#define MOST_ROWS 10000 /* that are read of a column; a damaged file may say that it has more */
#define MOST_BYTES (200 * 1024 * 1024) /* that reading a small file may allocate at once */

static FlowError error;
static FlowHost host;
static int64_t most_bytes; /* that were allocated at once */

/* Allocates as the frame's host does, and notes how much there is at most. */
static void *
allocate_and_note(void *arg, size_t size)
{
	void *ptr = unit_allocate(arg, size);

	if (unit_state.bytes > most_bytes)
		most_bytes = unit_state.bytes;
	return ptr;
}

/* Reads all of a file.  Its bytes end where readable memory ends. */
static FlowStatus
read_damaged(const uint8_t *data, size_t len, size_t max_rows)
{
	ParquetFile file = {(uint8_t *) unit_at_edge(data, len), len, 0, 0, -1, false};
	FlowStatus status = parquet_read_all(&host, &file, max_rows, MOST_ROWS, &error);

	CHECK(!file.out_of_file);
	CHECK_INT(unit_state.outstanding, 0);
	return status;
}

/* ---------- by hand ---------- */

/*
 * Returns true if an error has one of its texts in its message or detail for
 * each of "says".
 */
static bool
is_said(const char *says)
{
	char part[200];

	for (;;)
	{
		size_t len = strcspn(says, "|");

		snprintf(part, sizeof(part), "%.*s", (int) len, says);
		if (strstr(error.message, part) == NULL && strstr(error.detail, part) == NULL)
			return false;
		if (says[len] == '\0')
			return true;
		says += len + 1;
	}
}

/*
 * The file "damaged" has other files, each after a line with its name, what
 * must be said of it, and its length.
 */
static void
it_says_what_is_wrong_and_where(void)
{
	ParquetFile all = parquet_load(DATA "damaged");
	const char *at = (const char *) all.data, *end = at + all.size;
	int count = 0;

	while (at < end)
	{
		char name[200], says[200];
		size_t len;
		int head;
		FlowStatus status;

		CHECK(sscanf(at, "%199[^\t]\t%199[^\t]\t%zu%n", name, says, &len, &head) == 3);
		at += head + 1;
		CHECK((size_t) (end - at) >= len);

		status = read_damaged((const uint8_t *) at, len, 10);
		if (status != FLOW_CORRUPT && status != FLOW_UNSUPPORTED && status != FLOW_LIMIT)
		{
			printf("# %s: status %d\n", name, status);
			CHECK(false);
		}
		else if (!is_said(says))
		{
			printf("# %s: \"%s\", \"%s\", not \"%s\"\n", name, error.message, error.detail, says);
			CHECK(false);
		}
		/* a place, except where the whole file is meant */
		if (status == FLOW_CORRUPT && strstr(error.detail, " at byte ") == NULL &&
		    strstr(says, "at its ") == NULL && strstr(says, "fewer than any") == NULL)
		{
			printf("# %s: no place: \"%s\"\n", name, error.detail);
			CHECK(false);
		}
		at += len;
		count++;
	}
	printf("# %d files\n", count);
	CHECK(count >= 200);
	free(all.data);
}

/* ---------- all of a kind ---------- */

static const char *const small_files[] = {DATA "small_v1.parquet", DATA "small_v2.parquet"};

static void
it_notices_any_truncation(void)
{
	for (size_t i = 0; i < flow_countof(small_files); i++)
	{
		ParquetFile file = parquet_load(small_files[i]);

		CHECK_INT(read_damaged(file.data, file.size, 3), FLOW_OK);
		for (size_t len = 0; len < file.size; len++)
			CHECK_INT(read_damaged(file.data, len, 3), FLOW_CORRUPT);
		/* the beginning is cut off */
		for (size_t cut = 1; cut < file.size; cut++)
			CHECK(read_damaged(file.data + cut, file.size - cut, 3) != FLOW_OK);
		free(file.data);
	}
}

/*
 * Reads a file with one byte changed, and checks that what comes of it is
 * within bounds.
 */
static void
read_changed(ParquetFile *file, size_t at, uint8_t to)
{
	uint8_t was = file->data[at];
	FlowStatus status;

	file->data[at] = to;
	status = read_damaged(file->data, file->size, 5);
	CHECK(status == FLOW_OK || status == FLOW_CORRUPT || status == FLOW_UNSUPPORTED ||
	      status == FLOW_LIMIT);
	file->data[at] = was;
}

static void
it_survives_any_change_of_a_byte(void)
{
	for (size_t i = 0; i < flow_countof(small_files); i++)
	{
		ParquetFile file = parquet_load(small_files[i]);

		for (size_t at = 0; at < file.size; at++)
		{
			static const uint8_t some[] = {0, 1, 2, 0x15, 0x7F, 0x80, 0xFE, 0xFF};

			for (size_t j = 0; j < flow_countof(some); j++)
				read_changed(&file, at, some[j]);
			for (int bit = 0; bit < 8; bit++)
				read_changed(&file, at, file.data[at] ^ (uint8_t) (1 << bit));
			if (getenv("FLOWLOG_LONG") != NULL)
				for (int to = 0; to < 256; to++)
					read_changed(&file, at, (uint8_t) to);
		}
		free(file.data);
	}
	printf("# at most %" PRId64 " KiB\n", most_bytes / 1024);
	CHECK(most_bytes < MOST_BYTES);
}

static void
it_survives_random_changes(void)
{
	uint64_t seed = 99;

	for (size_t i = 0; i < flow_countof(small_files); i++)
	{
		ParquetFile file = parquet_load(small_files[i]);
		uint8_t *kept = malloc(file.size);

		memcpy(kept, file.data, file.size);
		for (int time = 0; time < unit_tries(200000); time++)
		{
			FlowStatus status;

			for (uint64_t n = 1 + unit_random(&seed) % 4; n > 0; n--)
				file.data[unit_random(&seed) % file.size] = (uint8_t) unit_random(&seed);
			status = read_damaged(file.data, file.size, 5);
			CHECK(status == FLOW_OK || status == FLOW_CORRUPT || status == FLOW_UNSUPPORTED ||
			      status == FLOW_LIMIT);
			memcpy(file.data, kept, file.size);
		}
		free(file.data);
		free(kept);
	}
	CHECK(most_bytes < MOST_BYTES);
}

int
main(void)
{
	host = unit_host;
	host.allocate = allocate_and_note;
	RUN(it_says_what_is_wrong_and_where);
	RUN(it_notices_any_truncation);
	RUN(it_survives_any_change_of_a_byte);
	RUN(it_survives_random_changes);
	return unit_done();
}
