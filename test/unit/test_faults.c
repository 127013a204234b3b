/*-------------------------------------------------------------------------
 *
 * test_faults.c
 *	  Makes every allocation and every system call of many kinds of scan fail,
 *	  one after the other.  The outcome must be the same as without the
 *	  failure, or the error that reports it.
 *
 * An allocation is one of the host's or, because libraries allocate memory
 * themselves, any call of malloc.  It fails alone, or with all that follow.
 * After an error, no memory and no descriptor may be left.
 *
 * Where libraries call malloc many times, 100 calls that are spread among them
 * fail; with FLOWLOG_ALL_FAULTS in the environment, each of them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "../../flow/objects.h"
#include "model_http.h"
#include "tree.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <zlib.h>
#include <zstd.h>

/* ---------- faults ---------- */

typedef enum Kind
{
	NOTHING,
	HOST,   /* allocations of the host */
	MEMORY, /* malloc, called by anyone */
	OPENING,
	LOOKING, /* fstat, readlink, readdir */
	READING,
	KINDS
} Kind;

static Kind armed;
static int64_t calls;   /* of the armed kind, so far */
static int64_t fail_at; /* the first call that fails; 0: none */
static bool fail_for_ever;
static int fail_errno;

static bool
fails(Kind kind)
{
	if (kind != armed || model_working)
		return false;
	calls++;
	if (fail_at == 0 || calls < fail_at || (calls > fail_at && !fail_for_ever))
		return false;
	errno = fail_errno;
	return true;
}

static void *
allocate(void *arg, size_t size)
{
	return fails(HOST) ? NULL : unit_allocate(arg, size);
}

/* The address sanitizer's functions, which our functions replace. */
extern void *__interceptor_malloc(size_t size);
extern void *__interceptor_calloc(size_t count, size_t size);
extern void *__interceptor_realloc(void *ptr, size_t size);

void *
malloc(size_t size)
{
	return fails(MEMORY) ? NULL : __interceptor_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails(MEMORY) ? NULL : __interceptor_calloc(count, size);
}

void *
realloc(void *ptr, size_t size)
{
	return fails(MEMORY) ? NULL : __interceptor_realloc(ptr, size);
}

int
open(const char *path, int flags, ...)
{
	va_list args;
	int mode;

	va_start(args, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(args, int) : 0;
	va_end(args);
	return fails(OPENING) ? -1 : (int) syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int
openat(int directory, const char *path, int flags, ...)
{
	return fails(OPENING) ? -1 : (int) syscall(SYS_openat, directory, path, flags, 0);
}

int
fstat(int fd, struct stat *st)
{
	return fails(LOOKING) ? -1 : (int) syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);
}

int
fstatat(int directory, const char *path, struct stat *st, int flags)
{
	return fails(LOOKING) ? -1 : (int) syscall(SYS_newfstatat, directory, path, st, flags);
}

ssize_t
readlink(const char *path, char *buffer, size_t len)
{
	return fails(LOOKING) ? -1 : syscall(SYS_readlinkat, AT_FDCWD, path, buffer, len);
}

struct dirent *
readdir(DIR *dir)
{
	static struct dirent *(*next)(DIR *);

	if (next == NULL)
		*(void **) &next = dlsym(RTLD_NEXT, "readdir");
	return fails(LOOKING) ? NULL : next(dir);
}

ssize_t
preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
	return fails(READING) ? -1 : syscall(SYS_preadv2, fd, parts, count, offset, 0L, flags);
}

ssize_t
pread(int fd, void *buffer, size_t len, off_t offset)
{
	return fails(READING) ? -1 : syscall(SYS_pread64, fd, buffer, len, offset);
}

/* ---------- files ---------- */

#define RECORDS 300
#define HEADER "version account-id srcaddr dstport bytes start action\n"

static char text[RECORDS * 300 + 100000];

/*
 * Writes the default text of a file: a header and records, or a text that
 * comes before each of them.
 */
static size_t
write_text(const char *header, const char *before, const char *after, const char *spoiled)
{
	size_t len = (size_t) sprintf(text, "%s", header);

	for (int n = 0; n < RECORDS; n++)
	{
		len += (size_t) sprintf(text + len,
		                        "%s2 %012d 10.0.%d.%d %d %d %d %s%s\n",
		                        before,
		                        n,
		                        n % 7,
		                        n % 250,
		                        n % 5 ? 443 : 22,
		                        n * 37,
		                        1769731200 + n,
		                        n % 3 ? "ACCEPT" : "REJECT",
		                        after);
		if (spoiled != NULL && n % 100 == 99)
			len += (size_t) sprintf(text + len, "%s\n", spoiled);
	}
	return len;
}

static void
put_bytes(const char *name, const void *data, size_t len)
{
	int fd;

	for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
	{
		char above[200];

		snprintf(above, sizeof(above), "%.*s", (int) (slash - name), name);
		(void) mkdir(at(above), 0755);
	}
	fd = open(at(name), O_WRONLY | O_CREAT, 0644);
	must(fd >= 0 && write(fd, data, len) == (ssize_t) len, name);
	close(fd);
}

static size_t
gzip(const void *data, size_t len, uint8_t **packed)
{
	uLong room = compressBound(len) + 100;
	z_stream z = {.next_in = (Bytef *) data, .avail_in = (uInt) len};

	*packed = malloc(room);
	z.next_out = *packed;
	z.avail_out = (uInt) room;
	must(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK &&
	         deflate(&z, Z_FINISH) == Z_STREAM_END,
	     "deflate");
	deflateEnd(&z);
	return room - z.avail_out;
}

static void
put_gzip(const char *name, size_t len, int times)
{
	uint8_t *packed = NULL;
	const void *data = text;

	while (times-- > 0)
	{
		uint8_t *more;

		len = gzip(data, len, &more);
		free(packed);
		data = packed = more;
	}
	put_bytes(name, data, len);
	free(packed);
}

static void
put_zstd(const char *name, size_t len)
{
	size_t room = ZSTD_compressBound(len);
	void *packed = malloc(room);

	put_bytes(name, packed, ZSTD_compress(packed, room, text, len, 3));
	free(packed);
}

static void
write_files(void)
{
	size_t len = write_text(HEADER, "", "", NULL);

	put_bytes("plain/1.log", text, len);
	put_bytes("plain/2.log", text, len);
	put_gzip("gzip/1.log.gz", len, 1);
	put_gzip("twice/1.log.gz", len, 2);
	put_zstd("zstd/1.log.zst", len);
	put_bytes("lake/2024/01/30/1.log", text, len);
	put_bytes("lake/2024/01/31/1.log", text, len);
	put_bytes("lake/2024/02/01/1.log", text, len);
	must(symlink("../../plain", at("lake/2024/other")) == 0, "symlink");

	len = write_text("", "", "", NULL);
	put_bytes("bare/1.log", text, len);
	len = write_text(HEADER, "", "", "no record");
	put_bytes("bad/1.log", text, len);
	len = write_text("", "", "", "2 1 10.0.0.1 port 1 1769731200 ACCEPT");
	put_bytes("value/1.log", text, len);
	len = write_text("timestamp,message\n", "1769775904000,", "", NULL);
	put_bytes("csv/1.csv", text, len);
	len = write_text("", "2026-01-30T12:25:04.000Z ", "", NULL);
	put_bytes("export/1.log", text, len);
	len = write_text("", "{\"timestamp\":1769775904000,\"message\":\"", "\"}", NULL);
	put_bytes("json/1.json", text, len);
	put_gzip("jsongz/1.json.gz", len, 2);

	/* a line that does not fit into the initial buffer */
	len = write_text(HEADER, "", "", NULL);
	memset(text + len, 'x', 90000);
	strcpy(text + len + 90000, " 1\n");
	put_bytes("long/1.log", text, len + 90003);
	strcpy(text + len + 4200, "\n");
	put_bytes("longer/1.log", text, len + 4201);

	/*
	 * numbers that are longer than their initial buffer, and some that are
	 * invalid
	 */
	len = 0;
	for (int n = 0; n < RECORDS; n++)
		len += (size_t) sprintf(text + len, "%d.%0200d%s\n", n, n, n % 50 == 49 ? "x" : "");
	put_bytes("numbers/1.log", text, len);
}

/* ---------- scans ---------- */

#define RECORD "(\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+)"

/* The columns of most scans, and some others. */
static const FlowColumn columns[] = {
	{.name = "version", .type = FLOW_INT16, .null_text = "-", .null_len = 1},
	{.name = "account_id", .type = FLOW_TEXT, .max_chars = -1, .null_text = "-", .null_len = 1},
	{.name = "srcaddr", .type = FLOW_ADDRESS, .null_text = "-", .null_len = 1},
	{.name = "dstport", .type = FLOW_INT32, .null_text = "-", .null_len = 1},
	{.name = "bytes", .type = FLOW_INT64, .null_text = "-", .null_len = 1},
	{.name = "start", .type = FLOW_TIME, .scale = -1, .null_text = "-", .null_len = 1},
	{.name = "action", .type = FLOW_TEXT, .max_chars = 6, .null_text = "-", .null_len = 1},
	{.name = "$path", .type = FLOW_TEXT, .max_chars = -1, .source = FLOW_FROM_PATH},
	{.name = "$size", .type = FLOW_INT64, .source = FLOW_FROM_SIZE},
	{.name = "$modified", .type = FLOW_TIME, .scale = -1, .source = FLOW_FROM_MODIFIED},
	{.name = "$line", .type = FLOW_INT64, .source = FLOW_FROM_LINE},
	{.name = "day", .type = FLOW_DAY, .source = FLOW_FROM_VARIABLE, .variable = 0},
	{.name = "bytes", .field = "bytes", .type = FLOW_DECIMAL, .precision = 12, .scale = 2},
};

static const FlowColumn number[] = {
	{.name = "number", .type = FLOW_DOUBLE, .null_text = "-", .null_len = 1}};

enum
{
	RECORD_COLUMNS = 7,
	FILE_COLUMNS = 11,
	ALL_COLUMNS = flow_countof(columns)
};

typedef struct Scan
{
	const char *name;
	const char *location; /* below the root, or in the bucket */
	const char *regex, *log_format;
	const FlowColumn *columns; /* NULL: the first "ncolumns" of the columns above */
	int ncolumns;
	bool no_jit, no_splitter;
	bool filter;
	bool allowed; /* paths are checked */
	bool parts;   /* files are cut */
	FlowOnError on_error;
	bool limit_rejects;
	/*
	 * number of keys of groups by dstport, account_id; -1: records instead of
	 * groups
	 */
	int nkeys;
	bool whole;       /* groups by value */
	bool again;       /* it is rewound and read once more */
	bool handed_over; /* the list is passed on after each step */
} Scan;

static const Scan scans[] = {
	{"a header", "plain", .ncolumns = RECORD_COLUMNS, .nkeys = -1},
	{"a header, and a filter",
     "plain",
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1,
     .filter = true,
     .again = true},
	{"a pattern that splits",
     "bare",
     RECORD,
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1,
     .filter = true},
	{"a pattern", "bare", RECORD, .ncolumns = RECORD_COLUMNS, .nkeys = -1, .no_splitter = true},
	{"a pattern without machine code",
     "bare",
     RECORD,
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1,
     .no_splitter = true,
     .no_jit = true,
     .filter = true},
	{"a long line",
     "long",
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1,
     .on_error = FLOW_ON_ERROR_IGNORE},
	{"a pattern that takes long",
     "longer",
     "(?:(\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+) (\\S+)|x+)",
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1,
     .no_splitter = true},
	{"a log format",
     "bare",
     .log_format = "${version} ${account-id} ${srcaddr} ${dstport} ${bytes} ${start} ${action}",
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1,
     .filter = true},
	{"gzip", "gzip", .ncolumns = RECORD_COLUMNS, .nkeys = -1},
	{"gzip in gzip", "twice", .ncolumns = RECORD_COLUMNS, .nkeys = -1},
	{"zstd", "zstd", .ncolumns = RECORD_COLUMNS, .nkeys = -1, .again = true},
	{"CSV",
     "csv",
     .log_format = "${version} ${account-id} ${srcaddr} ${dstport} ${bytes} ${start} ${action}",
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1},
	{"an export",
     "export",
     .log_format = "${version} ${account-id} ${srcaddr} ${dstport} ${bytes} ${start} ${action}",
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1,
     .filter = true},
	{"JSON",
     "json",
     .log_format = "${version} ${account-id} ${srcaddr} ${dstport} ${bytes} ${start} ${action}",
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1},
	{"JSON in gzip",
     "jsongz",
     .log_format = "${version} ${account-id} ${srcaddr} ${dstport} ${bytes} ${start} ${action}",
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1},
	{"columns of the file",
     "plain/{1,2}.log",
     .ncolumns = FILE_COLUMNS,
     .nkeys = -1,
     .filter = true},
	{"a day in the path",
     "lake/${day:yyyy/MM/dd}",
     .ncolumns = ALL_COLUMNS,
     .nkeys = -1,
     .filter = true},
	{"allowed paths", "lake/**/*.log", .ncolumns = RECORD_COLUMNS, .nkeys = -1, .allowed = true},
	{"parts", "plain", RECORD, .ncolumns = RECORD_COLUMNS, .nkeys = -1, .parts = true},
	{"no record", "bad", RECORD, .ncolumns = RECORD_COLUMNS, .nkeys = -1},
	{"no record in a part", "bad", RECORD, .ncolumns = RECORD_COLUMNS, .nkeys = -1, .parts = true},
	{"lines that are left out",
     "bad",
     RECORD,
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1,
     .on_error = FLOW_ON_ERROR_IGNORE,
     .parts = true},
	{"too many lines that are left out",
     "bad",
     RECORD,
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1,
     .on_error = FLOW_ON_ERROR_IGNORE,
     .limit_rejects = true},
	{"long numbers",
     "numbers",
     "(\\S+)",
     .columns = number,
     .ncolumns = 1,
     .nkeys = -1,
     .on_error = FLOW_ON_ERROR_IGNORE},
	{"long numbers that are matched",
     "numbers",
     "(\\S+?)",
     .columns = number,
     .ncolumns = 1,
     .nkeys = -1,
     .on_error = FLOW_ON_ERROR_IGNORE},
	{"bad values",
     "value",
     RECORD,
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1,
     .on_error = FLOW_ON_ERROR_IGNORE,
     .filter = true},
	{"bad values as nulls",
     "value",
     RECORD,
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1,
     .on_error = FLOW_ON_ERROR_SET_NULL,
     .filter = true},
	{"groups", "plain", .ncolumns = RECORD_COLUMNS, .nkeys = 2, .filter = true},
	{"groups by a pattern",
     "bare",
     RECORD,
     .ncolumns = RECORD_COLUMNS,
     .nkeys = 2,
     .no_splitter = true,
     .again = true},
	{"whole groups", "plain", .ncolumns = RECORD_COLUMNS, .nkeys = 2, .whole = true},
	{"one group", "gzip", .ncolumns = RECORD_COLUMNS, .nkeys = 0, .filter = true},
	{"a pattern that is none", "bare", "(\\S+ (", .ncolumns = RECORD_COLUMNS, .nkeys = -1},
	{"a file that is not there", "missing.log", .ncolumns = RECORD_COLUMNS, .nkeys = -1},
	{"a bucket", "s3://bucket/a/", .ncolumns = RECORD_COLUMNS, .nkeys = -1, .filter = true},
	{"a bucket, handed over",
     "s3://bucket/*/*.log",
     .ncolumns = RECORD_COLUMNS,
     .nkeys = -1,
     .handed_over = true},
	{"a bucket elsewhere", "s3://bucket/b/", .ncolumns = RECORD_COLUMNS, .nkeys = 1},
	{"a bucket in trouble", "s3://bucket/c/", .ncolumns = RECORD_COLUMNS, .nkeys = -1},
	{"a bucket that is not there", "s3://bucket/x/", .ncolumns = RECORD_COLUMNS, .nkeys = -1},
};

/* The objects of a scan, to be freed. */
typedef struct Held
{
	FlowHost host;
	FlowS3Credentials credentials;
	FlowAccess access;
	FlowLocation *location;
	FlowObjects *objects;
	FlowFormat *format;
	FlowFilter *filter;
	FlowReader *reader;
	FlowGroups *groups;
	size_t next_part;
	FlowLineCount counted;
	FlowError error;
} Held;

/* The outcome of a scan. */
typedef struct Outcome
{
	FlowStatus status;
	int os_errno;
	uint64_t records;
	uint64_t digest; /* of the records, in any order */
	uint64_t line;   /* of the error */
} Outcome;

static uint64_t
hash_field(uint64_t hash, FlowSlice field)
{
	for (size_t i = 0; i < field.len; i++)
		hash = (hash ^ (uint8_t) field.data[i]) * UINT64_C(1099511628211);
	return (hash ^ (field.data == NULL ? 257 : 256)) * UINT64_C(1099511628211);
}

static int64_t
fake_clock(void *arg)
{
	(void) arg;
	return model_now;
}

static FlowStatus
open_store(Held *held)
{
	FlowS3Spec spec = {.host = &held->host,
	                   .bucket = "bucket",
	                   .bucket_len = 6,
	                   .endpoint_host = "store",
	                   .path_style = true,
	                   .max_connections = 4};

	held->credentials.source = FLOW_S3_STATIC;
	held->credentials.known = true;
	strcpy(held->credentials.keys.access_key_id, "AKIA");
	strcpy(held->credentials.keys.secret_access_key, "secret");
	spec.credentials = &held->credentials;
	return flow_s3_create(&spec, &held->access.store, &held->error);
}

/*
 * Lists in steps.  Each begins where the one before has ended, as in several
 * processes.
 */
static FlowStatus
hand_over(Held *held)
{
	FlowObjects *objects = NULL;
	char *bytes = NULL;
	size_t len = 0;
	FlowStatus status;
	bool complete = false;

	status = flow_objects_begin(&held->host,
	                            held->location,
	                            &held->access,
	                            NULL,
	                            &held->objects,
	                            &held->error);
	while (status == FLOW_OK && !complete)
	{
		char *left = NULL;

		status = flow_objects_begin(&held->host,
		                            held->location,
		                            &held->access,
		                            NULL,
		                            &objects,
		                            &held->error);
		if (status == FLOW_OK && bytes != NULL)
			status = flow_objects_resume(objects, bytes, len, &held->error);
		if (status == FLOW_OK &&
		    (status = flow_objects_more(objects, true, &held->error)) == FLOW_END)
			status = FLOW_OK;
		if (status == FLOW_OK)
			status = flow_objects_suspend(objects, &left, &len, &held->error);
		for (size_t i = 0; status == FLOW_OK && i < objects->count; i++)
			status = flow_objects_add(&held->host, held->objects, &objects->items[i], &held->error);
		if (status == FLOW_OK)
			complete = objects->complete;
		flow_objects_free(&held->host, objects);
		objects = NULL;
		flow_free(&held->host, bytes);
		bytes = left;
	}
	flow_free(&held->host, bytes);
	if (status == FLOW_OK)
		held->objects->complete = true;
	return status;
}

static FlowStatus
list(const Scan *scan, Held *held)
{
	static const char *allowed[2];
	char location[300];
	FlowStatus status = FLOW_OK;

	snprintf(location,
	         sizeof(location),
	         "%s",
	         strncmp(scan->location, "s3:", 3) == 0 ? scan->location : at(scan->location));
	if (location[0] == 's')
		status = open_store(held);
	else if (scan->allowed)
	{
		allowed[0] = "/nowhere";
		allowed[1] = root;
		held->access = (FlowAccess) {.paths = allowed, .count = 2};
	}
	if (status == FLOW_OK)
		status = flow_location_parse(&held->host, location, &held->location, &held->error);
	if (status != FLOW_OK)
		return status;
	if (scan->handed_over)
		return hand_over(held);
	return flow_objects_list_pruned(
		&held->host, held->location, &held->access, NULL, NULL, &held->objects, &held->error);
}

/*
 * Makes the filter dstport IN (443, 80, 22) AND (srcaddr << 10.0.0.0/8 OR
 * srcaddr = ANY ...) AND action <> 'x' AND NOT account_id IS NULL.
 */
static FlowStatus
make_filter(const Scan *scan, Held *held)
{
	FlowFilter *filter = flow_filter_create(&held->host,
	                                        columns,
	                                        scan->ncolumns,
	                                        scan->on_error == FLOW_ON_ERROR_SET_NULL);
	FlowValue ports[40], networks[40], action = {.text = {"x", 1}}, number = {.integer = 5};
	FlowPredicate *parts[5], *either[2];

	held->filter = filter;
	if (filter == NULL)
		return flow_error_memory(&held->error);
	for (int i = 0; i < 40; i++)
	{
		ports[i].integer = i == 0 ? 443 : i == 1 ? 22 : 1000 + i;
		networks[i].address = (FlowAddress) {4, 24, {10, 0, (uint8_t) (i % 7), 0}};
	}
	parts[0] = flow_filter_any(filter, 3, FLOW_AS_IS, FLOW_EQ, ports, 40, false);
	either[0] = flow_filter_compare(filter, 2, FLOW_AS_IS, FLOW_WITHIN, &networks[0]);
	either[1] =
		flow_filter_any(filter, 2, FLOW_AS_IS, FLOW_WITHIN_OR_EQUAL, networks + 1, 3, false);
	parts[1] = flow_filter_or(filter, either, 2);
	parts[2] = flow_filter_compare(filter, 6, FLOW_AS_IS, FLOW_NE, &action);
	parts[3] = flow_filter_not(filter, flow_filter_is_null(filter, 1));
	parts[4] = flow_filter_compare(filter, 4, FLOW_AS_IS, FLOW_GT, &number);
	flow_filter_set_root(filter, flow_filter_and(filter, parts, 5));
	return FLOW_OK;
}

/* FlowReadSpec's next_part: two halves of each file. */
static FlowStatus
next_half(void *arg, bool wait, FlowPart *part, FlowError *error)
{
	Held *held = arg;
	size_t object = held->next_part / 2;
	uint64_t middle;

	(void) wait, (void) error;
	if (object == held->objects->count)
		return FLOW_END;
	middle = held->objects->items[object].size / 2;
	*part = (FlowPart) {.object = object,
	                    .start = held->next_part % 2 ? middle : 0,
	                    .end = held->next_part % 2 ? UINT64_MAX : middle};
	held->next_part++;
	return FLOW_OK;
}

static FlowStatus
make_reader(const Scan *scan, Held *held)
{
	FlowFormatSpec format = {
		.regex = scan->regex,
		.log_format = scan->log_format,
		.regex_jit = !scan->no_jit,
		.splitter = !scan->no_splitter,
		.header = FLOW_HEADER_AUTO,
		.columns = scan->columns != NULL ? scan->columns : columns,
		.ncolumns = scan->ncolumns,
	};
	FlowReadSpec spec = {
		.host = &held->host,
		.filter = held->filter,
		.objects = held->objects,
		.location = held->location,
		.access = held->access,
		.on_error = scan->on_error,
		.reject_limit = scan->limit_rejects ? 2 : -1,
		.compression = "auto",
		.max_line_length = 200000,
	};
	FlowStatus status = flow_format_create(&held->host, &format, &held->format, &held->error);

	if (status != FLOW_OK)
		return status;
	spec.format = held->format;
	if (scan->parts)
	{
		spec.next_part = next_half;
		spec.next_part_arg = held;
	}
	return flow_reader_create(&spec, &held->reader, &held->error);
}

static FlowStatus
read_records(const Scan *scan, Held *held, Outcome *outcome)
{
	FlowRecord record;
	FlowStatus status;

	while ((status = flow_reader_next(held->reader, &record, &held->error)) == FLOW_OK)
	{
		uint64_t hash = 14695981039346656037u;

		for (int i = 0; i < scan->ncolumns; i++)
			hash = hash_field(hash, record.fields[i]);
		outcome->digest += hash;
		outcome->records++;
	}
	return status;
}

/*
 * Reads groups.  The digest does not depend on the number of pieces of a
 * group.
 */
static FlowStatus
read_groups(const Scan *scan, Held *held, Outcome *outcome)
{
	static const FlowGroupBy keys[] = {{3, NULL}, {1, NULL}};
	static const FlowAggregate aggregates[] = {{FLOW_COUNT_ALL, -1, NULL, NULL},
	                                           {FLOW_SUM, 4, NULL, NULL}};
	FlowGroupSpec spec = {
		.host = &held->host,
		.columns = columns,
		.ncolumns = scan->ncolumns,
		.keys = keys,
		.nkeys = scan->nkeys,
		.aggregates = aggregates,
		.naggregates = 2,
		.memory = 1024 * 1024,
		.by_value = scan->whole,
	};
	FlowStatus status =
		held->groups == NULL ? flow_groups_create(&spec, &held->groups, &held->error) : FLOW_OK;

	while (status == FLOW_OK)
	{
		size_t position = 0;
		FlowGroup group;

		status = flow_reader_group(held->reader, held->groups, &held->error);
		if (status != FLOW_OK && status != FLOW_END)
			break;
		while (flow_groups_next(held->groups, &position, &group) == FLOW_OK)
		{
			uint64_t hash = 14695981039346656037u;

			for (int i = 0; i < scan->nkeys; i++)
				hash = hash_field(hash, group.keys[i]);
			outcome->digest +=
				hash * group.totals[0].count + 31 * hash * group.totals[1].as.sum.low;
			outcome->records += group.totals[0].count;
		}
		if (flow_groups_count(held->groups) == 0 && status == FLOW_OK)
			return flow_error_set(&held->error, FLOW_LIMIT, "no room for a single group");
		flow_groups_clear(held->groups);
	}
	return status;
}

static FlowStatus
execute(const Scan *scan, Held *held, Outcome *outcome)
{
	FlowStatus status = list(scan, held);

	if (status == FLOW_OK && scan->filter)
		status = make_filter(scan, held);
	if (status == FLOW_OK)
		status = make_reader(scan, held);
	for (int round = 0;
	     round <= scan->again && (status == FLOW_OK || (round > 0 && status == FLOW_END));
	     round++)
	{
		if (round > 0)
		{
			flow_reader_rewind(held->reader, held->format, held->filter);
			status = FLOW_OK;
		}
		if (status == FLOW_OK)
			status = scan->nkeys >= 0 ? read_groups(scan, held, outcome)
			                          : read_records(scan, held, outcome);
	}
	return status;
}

static Outcome
run(const Scan *scan)
{
	static Held held;
	Outcome outcome = {0};
	Kind kind = armed;
	int descriptors;

	armed = NOTHING;
	descriptors = open_descriptors();
	memset(&held, 0, sizeof(held));
	held.host = unit_host;
	held.host.allocate = allocate;
	held.host.clock = fake_clock;
	model_random = 88172645463325252u;
	model_region = strcmp(scan->location, "s3://bucket/b/") == 0 ? "eu-west-1" : "us-east-1";
	model_faults = strcmp(scan->location, "s3://bucket/c/") == 0
	                   ? 1u << MODEL_503 | 1u << MODEL_BROKEN | 1u << MODEL_500
	                   : 0;
	model_fault_percent = 40;

	armed = kind;
	outcome.status = execute(scan, &held, &outcome);
	armed = NOTHING;
	if (outcome.status != FLOW_END)
	{
		CHECK_INT(held.error.status, outcome.status);
		CHECK(held.error.message[0] != '\0');
		outcome.os_errno = held.error.os_errno;
		outcome.line = held.error.line;
	}
	else if (held.reader != NULL)
		CHECK(flow_reader_balances(held.reader));
	armed = kind;

	flow_reader_close(held.reader);
	flow_groups_free(held.groups);
	flow_filter_free(held.filter);
	flow_format_free(held.format);
	flow_objects_free(&held.host, held.objects);
	flow_location_free(held.location);
	if (held.access.store != NULL)
		held.access.store->storage->free(held.access.store);
	armed = NOTHING;
	CHECK_INT(unit_state.outstanding, 0);
	CHECK_INT(open_descriptors(), descriptors);
	unit_state.outstanding = 0;
	return outcome;
}

/* ---------- tests ---------- */

static bool
same(const Outcome *a, const Outcome *b)
{
	return a->status == b->status && a->os_errno == b->os_errno && a->records == b->records &&
	       a->digest == b->digest && a->line == b->line;
}

/*
 * Makes each call of a kind fail in each of the scans.  The outcome must be
 * the same as without the failure, or this status.
 */
static void
fail_all(Kind kind, bool for_ever, int os_errno, FlowStatus wanted)
{
	for (size_t i = 0; i < flow_countof(scans); i++)
	{
		const Scan *scan = &scans[i];
		bool bucket = strncmp(scan->location, "s3:", 3) == 0;
		Outcome right, outcome;
		int64_t failed = 0, all, step = 1;

		if (bucket && kind > MEMORY)
			continue;
		armed = NOTHING;
		(void) run(scan); /* libraries allocate memory permanently when they are first used */
		right = run(scan);
		CHECK(right.status == FLOW_END || right.status >= FLOW_NOT_FOUND);
		CHECK(right.status != FLOW_END || right.records > 100);
		fail_errno = os_errno;
		fail_for_ever = for_ever;
		fail_at = 0;
		armed = kind;
		calls = 0;
		(void) run(scan);
		all = calls;
		if (getenv("FLOWLOG_ALL_FAULTS") == NULL)
			step += all / 100;
		for (int64_t n = 1; n <= all; n += step)
		{
			int before = unit_complaints;

			fail_at = n;
			calls = 0;
			armed = kind;
			outcome = run(scan);
			failed += outcome.status == wanted;
			if (!same(&outcome, &right))
			{
				CHECK_INT(outcome.status, wanted);
				CHECK_INT(outcome.os_errno,
				          outcome.status == FLOW_NO_MEMORY && os_errno == ENOMEM &&
				                  outcome.os_errno == 0
				              ? 0
				              : os_errno);
			}
			if (unit_complaints != before && unit_complaints < 20)
				printf("# in %s, call %d of %d\n", scan->name, (int) n, (int) all);
		}
		fail_at = 0;
		if (kind <= OPENING && right.status != FLOW_NOT_FOUND &&
		    !(kind == OPENING && right.status != FLOW_END))
			CHECK(failed > 0);
	}
}

static void
an_allocation_of_the_host_fails(void)
{
	fail_all(HOST, false, ENOMEM, FLOW_NO_MEMORY);
}

static void
the_host_runs_out_of_memory(void)
{
	fail_all(HOST, true, ENOMEM, FLOW_NO_MEMORY);
}

static void
any_allocation_fails(void)
{
	fail_all(MEMORY, false, ENOMEM, FLOW_NO_MEMORY);
}

static void
there_is_no_memory_any_more(void)
{
	fail_all(MEMORY, true, ENOMEM, FLOW_NO_MEMORY);
}

static void
a_descriptor_cannot_be_had(void)
{
	fail_all(OPENING, false, EMFILE, FLOW_NO_RESOURCES);
	fail_all(OPENING, true, ENFILE, FLOW_NO_RESOURCES);
	fail_all(OPENING, false, ENOMEM, FLOW_NO_MEMORY);
	fail_all(OPENING, false, EIO, FLOW_IO);
}

static void
a_file_cannot_be_looked_at(void)
{
	fail_all(LOOKING, false, EIO, FLOW_IO);
	fail_all(LOOKING, true, EIO, FLOW_IO);
	fail_all(LOOKING, false, ENOMEM, FLOW_NO_MEMORY);
}

static void
a_file_cannot_be_read(void)
{
	fail_all(READING, false, EIO, FLOW_IO);
	fail_all(READING, true, EIO, FLOW_IO);
	fail_all(READING, true, ENOMEM, FLOW_NO_MEMORY);
}

static void
fill_bucket(void)
{
	static const char *const keys[] =
		{"a/1.log", "a/2.log", "a/3.log", "b/1.log", "b/2.log", "c/1.log", "c/2.log", "c/3.log"};
	size_t len = write_text(HEADER, "", "", NULL);

	model_page_size = 2;
	for (size_t i = 0; i < flow_countof(keys); i++)
	{
		ModelObject *object = &model_objects[model_nobjects++];

		snprintf(object->key, sizeof(object->key), "%s", keys[i]);
		snprintf(object->etag, sizeof(object->etag), "\"%zu\"", i);
		object->data = malloc(len);
		object->size = len;
		memcpy(object->data, text, len);
	}
}

int
main(void)
{
	plant();
	write_files();
	fill_bucket();
	RUN(an_allocation_of_the_host_fails);
	RUN(the_host_runs_out_of_memory);
	RUN(any_allocation_fails);
	RUN(there_is_no_memory_any_more);
	RUN(a_descriptor_cannot_be_had);
	RUN(a_file_cannot_be_looked_at);
	RUN(a_file_cannot_be_read);
	for (size_t i = 0; i < model_nobjects; i++)
		free(model_objects[i].data);
	fell();
	return unit_done();
}
