/*-------------------------------------------------------------------------
 *
 * scan.c
 *	  Runs the benchmark's queries in the core, without PostgreSQL.
 *
 * scan [--query NAME] [--typed] [--processes N] [--no-splitter] [--read]
 * LOCATION
 *
 * The difference to the server's time shows the server's cost.  LOCATION
 * contains logs in bench/gen's format "export".  The columns and the regular
 * expression are those of Athena's guide, with "on_error" 'set_null'.  NAME is
 * one of queries[] below.  --typed gives addresses and times their types
 * instead of text.  --no-splitter matches every line with the regular
 * expression.  --read only reads the files' bytes.
 *
 * Writes the answer as "psql -At" would, but sorted only where there is a
 * limit, and then one line: "records N, bytes N, seconds N, GB/s N".  The
 * bytes are as stored.  The time begins before the files are listed and ends
 * with the answer.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include "../flow/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* what bench/run's settings allow for a hash table in the server */
#define GROUP_MEMORY (128 * 1024 * 1024)
#define PART_SIZE (32 * FLOW_PART_ALIGN) /* 8 MiB */
#define MAX_PROCESSES 64
#define TOP 10

/* ---------- the table and its queries ---------- */

/* indexes of columns */
enum
{
	TS,
	VERSION,
	ACCOUNT,
	INTERFACEID,
	SOURCEADDRESS,
	DESTINATIONADDRESS,
	SOURCEPORT,
	DESTINATIONPORT,
	PROTOCOL,
	NUMPACKETS,
	NUMBYTES,
	STARTTIME,
	ENDTIME,
	ACTION,
	LOGSTATUS,
	NCOLUMNS
};

#define COLUMN(name_, type_)                                                                       \
	{                                                                                              \
		.name = name_, .type = type_, .max_chars = -1, .precision = -1, .scale = -1,               \
		.null_text = "-", .null_len = 1                                                            \
	}

static FlowColumn columns[NCOLUMNS] = {COLUMN("ts", FLOW_TEXT),
                                       COLUMN("version", FLOW_INT32),
                                       COLUMN("account", FLOW_TEXT),
                                       COLUMN("interfaceid", FLOW_TEXT),
                                       COLUMN("sourceaddress", FLOW_TEXT),
                                       COLUMN("destinationaddress", FLOW_TEXT),
                                       COLUMN("sourceport", FLOW_INT32),
                                       COLUMN("destinationport", FLOW_INT32),
                                       COLUMN("protocol", FLOW_INT32),
                                       COLUMN("numpackets", FLOW_INT32),
                                       COLUMN("numbytes", FLOW_INT32),
                                       COLUMN("starttime", FLOW_TEXT),
                                       COLUMN("endtime", FLOW_TEXT),
                                       COLUMN("action", FLOW_TEXT),
                                       COLUMN("logstatus", FLOW_TEXT)};

static const char regex[] =
	"^([^ ]+)\\s+([0-9]+)\\s+([^ ]+)\\s+([^ ]+)\\s+([^ ]+)\\s+([^ "
	"]+)\\s+([0-9]+)\\s+([0-9]+)\\s+([0-9]+)"
	"\\s+([0-9]+)\\s+([0-9]+)\\s+([0-9]+)\\s+([0-9]+)\\s+([^ ]+)\\s+([^ ]+)$";

typedef struct Condition
{
	int column; /* -1: no condition */
	FlowOp op;
	const char *constant; /* NULL: the column must not be NULL */
} Condition;

#define NONE                                                                                       \
	{                                                                                              \
		-1, FLOW_EQ, NULL                                                                          \
	}

typedef enum Answer
{
	ANSWER_COUNT,     /* count(*) */
	ANSWER_COUNT_SUM, /* count and sum of the value */
	ANSWER_TOP        /* sum of the value and the key, for the largest sums */
} Answer;

typedef struct Query
{
	const char *name;
	Condition conditions[2];
	int key;   /* column to group by, or -1 */
	int value; /* column to sum up, or -1 to count records */
	Answer answer;
} Query;

static const Query queries[] = {
	{"count", {NONE, NONE}, -1, -1, ANSWER_COUNT},
	{"rejected", {{ACTION, FLOW_EQ, "REJECT"}, {PROTOCOL, FLOW_EQ, "6"}}, -1, -1, ANSWER_COUNT},
	{"busiest",
     {{DESTINATIONPORT, FLOW_EQ, "443"}, NONE},
     DESTINATIONADDRESS,
     NUMPACKETS,
     ANSWER_TOP},
	{"talkers", {{SOURCEADDRESS, FLOW_EQ, NULL}, NONE}, SOURCEADDRESS, NUMBYTES, ANSWER_TOP},
	{"needle", {{SOURCEADDRESS, FLOW_EQ, "198.18.23.6"}, NONE}, -1, -1, ANSWER_COUNT},
	{"hour",
     {{STARTTIME, FLOW_GE, "1769774400"}, {STARTTIME, FLOW_LT, "1769778000"}},
     -1,
     NUMBYTES,
     ANSWER_COUNT_SUM},
};

static struct
{
	const Query *query;
	int processes;
	bool typed;
	bool splitter;
	bool read_only;
	const char *location;
} option = {queries, 1, false, true, false, NULL};

/* ---------- the host ---------- */

static bool
host_interrupted(void *arg)
{
	(void) arg;
	return false;
}

static void
host_wait(void *arg, int milliseconds)
{
	(void) arg;
	usleep((useconds_t) milliseconds * 1000);
}

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

static int64_t
host_clock(void *arg)
{
	struct timespec now;

	(void) arg;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* bench/gen writes ASCII, so text needs no check. */
static bool
host_text_valid(void *arg, const char *data, size_t len)
{
	(void) arg;
	(void) data;
	(void) len;
	return true;
}

static size_t
host_text_length(void *arg, const char *data, size_t len)
{
	(void) arg;
	(void) data;
	return len;
}

static const FlowHost host = {
	.interrupted = host_interrupted,
	.wait = host_wait,
	.allocate = host_allocate,
	.free = host_free,
	.clock = host_clock,
	.text_valid = host_text_valid,
	.text_length = host_text_length,
};

static _Noreturn void
fail(const FlowError *error)
{
	fprintf(stderr, "scan: %s\n%s\n%s\n", error->message, error->detail, error->path);
	exit(1);
}

static _Noreturn void
fail_system(const char *what)
{
	fprintf(stderr, "scan: could not %s: %s\n", what, strerror(errno));
	exit(1);
}

static void *
allocate(size_t size)
{
	void *ptr = calloc(1, size);

	if (ptr == NULL)
		fail_system("allocate memory");
	return ptr;
}

/* ---------- totals by key ---------- */

typedef struct Total
{
	char *key; /* NULL: the slot is free */
	uint64_t count;
	int64_t sum;
} Total;

/* A hash table with open addressing.  Its size is a power of two. */
typedef struct Totals
{
	Total *items;
	size_t size;
	size_t used;
} Totals;

/* Returns the slot of a key, or the free one for it. */
static Total *
find_place(const Totals *totals, const char *key, size_t len)
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t) key[i]) * 1099511628211u;
	for (size_t i = hash;; i++)
	{
		Total *total = &totals->items[i & (totals->size - 1)];

		if (total->key == NULL || (strncmp(total->key, key, len) == 0 && total->key[len] == '\0'))
			return total;
	}
}

/* Doubles the size of the table. */
static void
grow(Totals *totals)
{
	Totals larger = {NULL, totals->size ? totals->size * 2 : 1024, totals->used};

	larger.items = allocate(larger.size * sizeof(Total));
	for (size_t i = 0; i < totals->size; i++)
	{
		if (totals->items[i].key != NULL)
			*find_place(&larger, totals->items[i].key, strlen(totals->items[i].key)) =
				totals->items[i];
	}
	free(totals->items);
	*totals = larger;
}

/* Adds to the total of a key. */
static void
add(Totals *totals, const char *key, size_t len, uint64_t count, int64_t sum)
{
	Total *total;

	if (totals->used * 2 >= totals->size)
		grow(totals);
	total = find_place(totals, key, len);
	if (total->key == NULL)
	{
		total->key = allocate(len + 1);
		memcpy(total->key, key, len);
		totals->used++;
	}
	total->count += count;
	total->sum += sum;
}

/* ---------- the largest sums ---------- */

typedef struct Top
{
	struct
	{
		int64_t sum;
		char key[256];
	} items[TOP]; /* the largest first */
	size_t count;
} Top;

/* Adds a sum if it is one of the largest. */
static void
offer(Top *top, const char *key, size_t len, int64_t sum)
{
	size_t place = top->count;

	if (top->count == TOP && sum <= top->items[TOP - 1].sum)
		return;
	if (top->count < TOP)
		top->count++;
	else
		place--;
	for (; place > 0 && top->items[place - 1].sum < sum; place--)
		top->items[place] = top->items[place - 1];
	top->items[place].sum = sum;
	snprintf(top->items[place].key, sizeof(top->items[place].key), "%.*s", (int) len, key);
}

static void
put_top(const Top *top)
{
	for (size_t i = 0; i < top->count; i++)
		printf("%" PRId64 "|%s\n", top->items[i].sum, top->items[i].key);
}

static void
put_count(uint64_t count, int64_t sum)
{
	printf("%" PRIu64, count);
	if (option.query->answer == ANSWER_COUNT_SUM)
		printf("|%" PRId64, sum);
	putchar('\n');
}

/* Writes the answer from the totals of all processes. */
static void
put_answer(const Totals *totals)
{
	Top top = {.count = 0};

	if (option.query->answer != ANSWER_TOP)
	{
		Total none = {NULL, 0, 0};
		const Total *total = totals->size > 0 ? find_place(totals, "", 0) : &none;

		put_count(total->count, total->sum);
		return;
	}
	for (size_t i = 0; i < totals->size; i++)
		if (totals->items[i].key != NULL)
			offer(&top, totals->items[i].key, strlen(totals->items[i].key), totals->items[i].sum);
	put_top(&top);
}

/* ---------- the query in terms of the core ---------- */

static FlowPredicate *
make_condition(FlowFilter *filter, const Condition *condition)
{
	const FlowColumn *column = &columns[condition->column];
	FlowSlice text;
	FlowValue value;

	if (condition->constant == NULL)
		return flow_filter_not(filter, flow_filter_is_null(filter, condition->column));
	text = (FlowSlice) {condition->constant, strlen(condition->constant)};
	if (flow_value_read(column, &host, text, &value) != FLOW_OK)
		abort();
	return flow_filter_compare(filter, condition->column, FLOW_AS_IS, condition->op, &value);
}

static FlowFilter *
make_filter(void)
{
	FlowFilter *filter = flow_filter_create(&host, columns, NCOLUMNS, true);
	FlowPredicate *predicates[2];
	size_t count = 0;

	for (; count < 2 && option.query->conditions[count].column >= 0; count++)
		predicates[count] = make_condition(filter, &option.query->conditions[count]);
	if (count == 0)
	{
		flow_filter_free(filter);
		return NULL;
	}
	flow_filter_set_root(filter, flow_filter_and(filter, predicates, count));
	return filter;
}

static FlowSlice
key_of(const FlowGroup *group)
{
	return option.query->key >= 0 ? group->keys[0] : (FlowSlice) {"", 0};
}

static int64_t
sum_of(const FlowGroup *group)
{
	return option.query->value >= 0 ? (int64_t) group->totals->as.sum.low : 0;
}

/* Adds all groups to the totals and clears them. */
static void
take_groups(FlowGroups *groups, Totals *totals)
{
	size_t position = 0;
	FlowGroup group;

	while (flow_groups_next(groups, &position, &group) == FLOW_OK)
	{
		FlowSlice key = key_of(&group);

		add(totals, key.data, key.len, group.totals->count, sum_of(&group));
	}
	flow_groups_clear(groups);
}

/* Writes the answer from a table that has all groups. */
static void
put_groups(FlowGroups *groups)
{
	size_t position = 0;
	Top top = {.count = 0};
	FlowGroup group;

	if (option.query->answer != ANSWER_TOP)
	{
		bool any = flow_groups_next(groups, &position, &group) == FLOW_OK;

		put_count(any ? group.totals->count : 0, any ? sum_of(&group) : 0);
		return;
	}
	while (flow_groups_next(groups, &position, &group) == FLOW_OK)
		offer(&top, key_of(&group).data, key_of(&group).len, sum_of(&group));
	put_top(&top);
}

/*
 * Reads all records into the totals.  If "alone" is set and all groups are in
 * the table at the end, writes the answer from it and returns true.
 */
static bool
read_all(FlowReader *reader, Totals *totals, bool alone)
{
	FlowAggregate aggregate = {option.query->value >= 0 ? FLOW_SUM : FLOW_COUNT_ALL,
	                           option.query->value,
	                           NULL,
	                           NULL};
	FlowGroupBy by = {option.query->key, NULL};
	FlowGroupSpec spec = {.host = &host,
	                      .columns = columns,
	                      .ncolumns = NCOLUMNS,
	                      .keys = &by,
	                      .nkeys = option.query->key >= 0,
	                      .aggregates = &aggregate,
	                      .naggregates = 1,
	                      .memory = GROUP_MEMORY,
	                      .by_value = option.query->key >= 0};
	FlowGroups *groups;
	FlowError error = {0};
	FlowStatus status;
	bool answered = false;

	/* group the records; groups are emptied into totals when memory is full */
	if (flow_groups_create(&spec, &groups, &error) != FLOW_OK)
		fail(&error);
	do
	{
		status = flow_reader_group(reader, groups, &error);
		if (status != FLOW_OK && status != FLOW_END)
			fail(&error);
		if (alone && status == FLOW_END && totals->size == 0 && flow_groups_are_whole(groups))
		{
			put_groups(groups);
			answered = true;
		}
		else
			take_groups(groups, totals);
	} while (status != FLOW_END);
	flow_groups_free(groups);
	return answered;
}

/* ---------- processes that share the work ---------- */

/* Memory shared by all of them. */
typedef struct Shared
{
	size_t next_part; /* number of parts taken so far */
	uint64_t records;
	uint64_t bytes;
} Shared;

static Shared *shared;
static FlowObjects *objects;
static FlowPart *parts;
static size_t nparts;

static bool
is_plain(const char *path)
{
	return strcmp(flow_source_compression_by_name(path), "none") == 0;
}

/* Cuts the files into parts, except those that cannot be cut. */
static void
cut_files(void)
{
	size_t most = objects->bytes / PART_SIZE + objects->count;

	parts = allocate(most * sizeof(FlowPart));
	for (size_t i = 0; i < objects->count; i++)
	{
		uint64_t size = objects->items[i].size;
		uint64_t step = is_plain(objects->items[i].path) ? PART_SIZE : size;

		for (uint64_t start = 0; start < size; start += step)
			parts[nparts++] = (FlowPart) {i, start, start + step < size ? start + step : size};
	}
}

/* FlowReadSpec's next_part. */
static FlowStatus
take_part(void *arg, bool wait, FlowPart *part, FlowError *error)
{
	size_t number = __atomic_fetch_add(&shared->next_part, 1, __ATOMIC_RELAXED);

	(void) arg;
	(void) wait;
	(void) error;
	if (number >= nparts)
		return FLOW_END;
	*part = parts[number];
	return FLOW_OK;
}

/* Sets the columns that the query uses. */
static int
used_columns(int *used)
{
	int count = 0;

	if (option.query->key >= 0)
		used[count++] = option.query->key;
	if (option.query->value >= 0)
		used[count++] = option.query->value;
	return count;
}

/* Scans this process's share of the parts. */
static bool
scan_share(Totals *totals, bool alone)
{
	int used[2];
	bool answered;
	FlowFormatSpec format_spec =
		{regex, true, option.splitter, FLOW_HEADER_AUTO, columns, NCOLUMNS, NULL};
	FlowReadSpec spec = {.host = &host,
	                     .objects = objects,
	                     .on_error = FLOW_ON_ERROR_SET_NULL,
	                     .reject_limit = -1,
	                     .compression = "auto",
	                     .max_line_length = 1024 * 1024,
	                     .used = used,
	                     .nused = used_columns(used)};
	FlowReader *reader;
	FlowError error = {0};
	FlowFilter *filter = make_filter();
	const FlowCounts *counts;

	/* create the reader and read everything */
	spec.filter = filter;
	if (option.processes > 1)
		spec.next_part = take_part;
	if (flow_format_create(&host, &format_spec, &spec.format, &error) != FLOW_OK ||
	    flow_reader_create(&spec, &reader, &error) != FLOW_OK)
		fail(&error);
	answered = read_all(reader, totals, alone);

	/* add its counts to those of all processes */
	counts = flow_reader_counts(reader);
	__atomic_fetch_add(&shared->records,
	                   counts->lines - counts->headers - counts->blank,
	                   __ATOMIC_RELAXED);
	__atomic_fetch_add(&shared->bytes, counts->bytes_read, __ATOMIC_RELAXED);
	flow_reader_close(reader);
	flow_format_free(spec.format);
	flow_filter_free(filter);
	return answered;
}

/* Reads parts as a reader does, without processing them. */
static void
read_share(void)
{
	char *buffer = aligned_alloc(4096, FLOW_PART_ALIGN);
	FlowError error;
	FlowPart part;

	while (take_part(NULL, true, &part, &error) == FLOW_OK)
	{
		int fd = open(objects->items[part.object].path, O_RDONLY | O_CLOEXEC);
		ssize_t len;

		if (fd < 0)
			fail_system("open a file");
		for (uint64_t at = part.start; at < part.end; at += (uint64_t) len)
		{
			len = pread(fd, buffer, FLOW_PART_ALIGN, (off_t) at);
			if (len <= 0)
				fail_system("read a file");
			__atomic_fetch_add(&shared->bytes, (uint64_t) len, __ATOMIC_RELAXED);
		}
		close(fd);
	}
	free(buffer);
}

/* A total as written to a file, followed by the bytes of its key. */
typedef struct Written
{
	uint64_t count;
	int64_t sum;
	size_t len;
} Written;

/* Scans a share and writes its totals to a file. */
static void
run_process(FILE *result)
{
	Totals totals = {0};

	if (option.read_only)
		read_share();
	else
		scan_share(&totals, false);
	for (size_t i = 0; i < totals.size; i++)
	{
		const Total *total = &totals.items[i];
		Written written = {total->count, total->sum, total->key != NULL ? strlen(total->key) : 0};

		if (total->key != NULL && (fwrite(&written, sizeof(written), 1, result) != 1 ||
		                           fwrite(total->key, 1, written.len, result) != written.len))
			fail_system("write to a temporary file");
	}
	if (fflush(result) != 0)
		fail_system("write to a temporary file");
}

/* Adds the totals in a file. */
static void
take_result(FILE *result, Totals *totals)
{
	char key[256];
	Written written;

	rewind(result);
	while (fread(&written, sizeof(written), 1, result) == 1)
	{
		if (written.len >= sizeof(key) || fread(key, 1, written.len, result) != written.len)
			abort();
		key[written.len] = '\0';
		add(totals, key, written.len, written.count, written.sum);
	}
	fclose(result);
}

/* Opens a file that is gone when it is closed. */
static FILE *
open_temporary(void)
{
	const char *directory = getenv("TMPDIR");
	char path[4096];
	int fd;

	snprintf(path,
	         sizeof(path),
	         "%s/scan_XXXXXX",
	         directory != NULL && directory[0] != '\0' ? directory : "/tmp");
	fd = mkstemp(path);
	if (fd < 0)
		fail_system("make a temporary file");
	unlink(path);
	return fdopen(fd, "w+");
}

/* Runs the processes and adds their totals. */
static void
run_processes(Totals *totals)
{
	FILE *results[MAX_PROCESSES];
	int status;

	for (int i = 0; i < option.processes; i++)
	{
		pid_t pid;

		results[i] = open_temporary();
		if (results[i] == NULL || (pid = fork()) < 0)
			fail_system("start a process");
		if (pid == 0)
		{
			run_process(results[i]);
			_exit(0);
		}
	}
	for (int i = 0; i < option.processes; i++)
	{
		if (wait(&status) < 0 || status != 0)
			exit(1);
	}
	for (int i = 0; i < option.processes; i++)
		take_result(results[i], totals);
}

/* ---------- the command line ---------- */

static void
usage(void)
{
	fputs("usage: scan [--query count|rejected|busiest|talkers|needle|hour] [--typed]\n"
	      "            [--processes N] [--no-splitter] [--read] LOCATION\n",
	      stderr);
	exit(2);
}

static const Query *
find_query(const char *name)
{
	for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++)
	{
		if (strcmp(queries[i].name, name) == 0)
			return &queries[i];
	}
	usage();
	return NULL;
}

static void
parse_arguments(int argc, char **argv)
{
	static const struct option names[] = {{"query", required_argument, NULL, 'q'},
	                                      {"typed", no_argument, NULL, 't'},
	                                      {"processes", required_argument, NULL, 'p'},
	                                      {"no-splitter", no_argument, NULL, 'n'},
	                                      {"read", no_argument, NULL, 'r'},
	                                      {NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
	{
		switch (c)
		{
			case 'q':
				option.query = find_query(optarg);
				break;
			case 't':
				option.typed = true;
				break;
			case 'p':
				option.processes = atoi(optarg);
				break;
			case 'n':
				option.splitter = false;
				break;
			case 'r':
				option.read_only = true;
				break;
			default:
				usage();
		}
	}
	if (optind + 1 != argc || option.processes < 1 || option.processes > MAX_PROCESSES)
		usage();
	option.location = argv[optind];
}

int
main(int argc, char **argv)
{
	FlowAccess allowed = {0};
	FlowListLimits limits = {0, 0};
	FlowError error = {0};
	Totals totals = {0};
	int64_t started;
	double seconds;
	bool answered = false;

	parse_arguments(argc, argv);
	if (option.typed)
	{
		columns[SOURCEADDRESS].type = columns[DESTINATIONADDRESS].type = FLOW_ADDRESS;
		columns[TS].type = columns[STARTTIME].type = columns[ENDTIME].type = FLOW_TIME;
	}
	shared = mmap(NULL, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		fail_system("map memory");

	/* run the query */
	started = host_clock(NULL);
	if (flow_objects_list(&host, option.location, &allowed, &limits, &objects, &error) != FLOW_OK)
		fail(&error);
	cut_files();
	if (option.processes > 1 || option.read_only)
		run_processes(&totals);
	else
		answered = scan_share(&totals, true);
	seconds = (double) (host_clock(NULL) - started) / 1e6;

	/* write the answer and the figures */
	if (!option.read_only && !answered)
		put_answer(&totals);
	printf("records %" PRIu64 ", bytes %" PRIu64 ", seconds %.6f, GB/s %.3f\n",
	       shared->records,
	       shared->bytes,
	       seconds,
	       (double) shared->bytes / seconds / 1e9);
	return 0;
}
