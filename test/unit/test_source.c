/*-------------------------------------------------------------------------
 *
 * test_source.c
 *	  Tests reading a file's bytes, decompressed: the result is all of them, or
 *	  an error that names the file.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE

#include "../../flow/bytes/source.h"
#include "unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <zlib.h>
#include <bzlib.h>
#include <lzma.h>
#include <zstd.h>

static const FlowAccess everywhere = {0};
static uint64_t seed = 88172645463325252;
static char path[128];
static char block[FLOW_BLOCK_SIZE];

/* ---------- watching the reads ---------- */

static struct
{
	off_t offset;
	size_t len;
	const void *buffer;
} reads[64];
static size_t nreads;

ssize_t
preadv2(int fd, const struct iovec *parts, int count, off_t offset, int flags)
{
	if (nreads < flow_countof(reads))
	{
		reads[nreads].offset = offset;
		reads[nreads].len = parts->iov_len;
		reads[nreads].buffer = parts->iov_base;
	}
	nreads++;
	return syscall(SYS_preadv2, fd, parts, count, offset, 0L, flags & ~RWF_NOWAIT);
}

/* ---------- files ---------- */

typedef struct Bytes
{
	uint8_t *data;
	size_t len;
} Bytes;

static Bytes
random_text(size_t len)
{
	Bytes text = {malloc(len + 32), len};

	for (size_t i = 0; i < len;)
		i += (size_t) sprintf((char *) text.data + i,
		                      "%d.%d ",
		                      (int) (unit_random(&seed) % 10),
		                      (int) (unit_random(&seed) % 300));
	return text;
}

static Bytes
gzipped(const uint8_t *data, size_t len)
{
	z_stream stream = {0};
	Bytes result;

	if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		abort();
	result.len = deflateBound(&stream, len);
	result.data = malloc(result.len);
	stream.next_in = (uint8_t *) data;
	stream.avail_in = (unsigned) len;
	stream.next_out = result.data;
	stream.avail_out = (unsigned) result.len;
	if (deflate(&stream, Z_FINISH) != Z_STREAM_END)
		abort();
	result.len = stream.total_out;
	deflateEnd(&stream);
	return result;
}

static Bytes
zstandard(const uint8_t *data, size_t len)
{
	Bytes result = {malloc(ZSTD_compressBound(len)), 0};

	result.len = ZSTD_compress(result.data, ZSTD_compressBound(len), data, len, 3);
	if (ZSTD_isError(result.len))
		abort();
	return result;
}

static Bytes
bzipped(const uint8_t *data, size_t len)
{
	unsigned size = (unsigned) (len + len / 50 + 1000);
	Bytes result = {malloc(size), 0};

	if (BZ2_bzBuffToBuffCompress(
			(char *) result.data, &size, (char *) data, (unsigned) len, 1, 0, 0) != BZ_OK)
		abort();
	result.len = size;
	return result;
}

static Bytes
xz_packed(const uint8_t *data, size_t len)
{
	size_t size = lzma_stream_buffer_bound(len);
	Bytes result = {malloc(size), 0};

	if (lzma_easy_buffer_encode(
			0, LZMA_CHECK_CRC64, NULL, data, len, result.data, &result.len, size) != LZMA_OK)
		abort();
	return result;
}

/* Returns the data repeated "times" times. */
static Bytes
repeated(const void *data, size_t len, size_t times)
{
	Bytes result = {malloc(len * times), len * times};

	for (size_t i = 0; i < times; i++)
		memcpy(result.data + i * len, data, len);
	return result;
}

static FlowObject
store(const void *data, size_t len)
{
	FILE *file;
	struct stat st;

	unlink(path); /* a file that is written anew is flushed to disk by some file systems */
	file = fopen(path, "w");
	if (file == NULL || fwrite(data, 1, len, file) != len || fclose(file) != 0 ||
	    stat(path, &st) != 0)
		abort();
	return (FlowObject) {
		.path = path,
		.size = (uint64_t) st.st_size,
		.modified = st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec,
		.device = st.st_dev,
		.inode = st.st_ino,
	};
}

static int
open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

/*
 * Opens and reads everything.  The data are counted, and kept if "result" is
 * not NULL.
 */
static FlowStatus
read_all(const FlowHost *host, const FlowObject *object, const char *compression, Bytes *result,
         FlowError *error)
{
	int64_t outstanding = unit_state.outstanding;
	int descriptors = open_descriptors();
	FlowSource *source = NULL;
	FlowStatus status =
		flow_source_open(host, object, &everywhere, compression, NULL, &source, error);
	size_t len = 1, total = 0;

	while (status == FLOW_OK && len > 0)
	{
		status = flow_source_read(source, block, sizeof(block), &len, error);
		if (status != FLOW_OK)
			break;
		CHECK(total % FLOW_BLOCK_SIZE == 0 || len == 0); /* only the last block is not full */
		if (result != NULL)
		{
			result->data = realloc(result->data, total + len + 1);
			memcpy(result->data + total, block, len);
		}
		total += len;
	}
	if (result != NULL)
		result->len = total;

	if (status == FLOW_OK)
	{
		CHECK_INT(flow_source_read(source, block, sizeof(block), &len, error), FLOW_OK);
		CHECK_INT(len, 0);
		CHECK_INT(flow_source_bytes_read(source), object->size);
	}
	else
	{
		CHECK_INT(error->status, status);
		CHECK_STRING(error->path, path);
	}
	flow_source_close(source);
	CHECK_INT(unit_state.outstanding, outstanding);
	CHECK_INT(open_descriptors(), descriptors);
	return status;
}

static void
check_text(const FlowObject *object, const char *compression, const Bytes *text)
{
	Bytes got = {malloc(1), 0};
	FlowError error;

	CHECK_INT(read_all(&unit_host, object, compression, &got, &error), FLOW_OK);
	CHECK(got.len == text->len && memcmp(got.data, text->data, got.len) == 0);
	free(got.data);
}

/* ---------- names ---------- */

static void
compressions_are_known_by_name_and_by_suffix(void)
{
	static const char *const known[] = {"auto", "none", "gzip", "zstd", "bzip2", "xz"};
	static const char *const unknown[] = {"", "gz", "GZIP", "gzip ", "zstandard", "lzma"};

	for (size_t i = 0; i < flow_countof(known); i++)
		CHECK(flow_source_knows_compression(known[i]));
	for (size_t i = 0; i < flow_countof(unknown); i++)
		CHECK(!flow_source_knows_compression(unknown[i]));
	CHECK_STRING(flow_source_compression_by_name("/a/b.log.gz"), "gzip");
	CHECK_STRING(flow_source_compression_by_name("/a/b.log.zst"), "zstd");
	CHECK_STRING(flow_source_compression_by_name("/a/b.log.bz2"), "bzip2");
	CHECK_STRING(flow_source_compression_by_name("/a/b.log.xz"), "xz");
	CHECK_STRING(flow_source_compression_by_name("/a.gz/b.log"), "none");
	CHECK_STRING(flow_source_compression_by_name(".gz"), "none");
	CHECK_STRING(flow_source_compression_by_name(""), "none");
}

/* ---------- good files ---------- */

static void
every_compression_gives_the_same_text(void)
{
	static const size_t sizes[] =
		{1, 3, 100, FLOW_BLOCK_SIZE - 1, FLOW_BLOCK_SIZE, FLOW_BLOCK_SIZE + 1, 3000000};

	for (size_t i = 0; i < flow_countof(sizes); i++)
	{
		Bytes text = random_text(sizes[i]), gz = gzipped(text.data, text.len),
			  zst = zstandard(text.data, text.len), bz2 = bzipped(text.data, text.len),
			  xz = xz_packed(text.data, text.len);
		FlowObject object = store(text.data, text.len);

		check_text(&object, "auto", &text);
		check_text(&object, "none", &text);
		object = store(gz.data, gz.len);
		check_text(&object, "auto", &text);
		check_text(&object, "gzip", &text);
		check_text(&object, "none", &gz);
		object = store(zst.data, zst.len);
		check_text(&object, "auto", &text);
		check_text(&object, "zstd", &text);
		check_text(&object, "none", &zst);
		object = store(bz2.data, bz2.len);
		check_text(&object, "auto", &text);
		check_text(&object, "bzip2", &text);
		check_text(&object, "none", &bz2);
		object = store(xz.data, xz.len);
		check_text(&object, "auto", &text);
		check_text(&object, "xz", &text);
		check_text(&object, "none", &xz);
		free(text.data), free(gz.data), free(zst.data), free(bz2.data), free(xz.data);
	}
}

static void
an_empty_file_is_empty_by_any_compression(void)
{
	static const char *const compressions[] = {"auto", "none", "gzip", "zstd", "bzip2", "xz"};
	FlowObject object = store("", 0);
	Bytes nothing = {(uint8_t *) "", 0};

	for (size_t i = 0; i < flow_countof(compressions); i++)
		check_text(&object, compressions[i], &nothing);
}

static void
the_compression_found_is_told(void)
{
	Bytes gz = gzipped((const uint8_t *) "x", 1), zst = zstandard((const uint8_t *) "x", 1),
		  bz2 = bzipped((const uint8_t *) "x", 1), xz = xz_packed((const uint8_t *) "x", 1);
	const struct
	{
		const void *data;
		size_t len;
		const char *name;
	} cases[] = {{"text", 4, "none"},
	             {"", 0, "none"},
	             {"\x1F", 1, "none"},
	             {"\x28\xB5\x2F", 3, "none"},
	             {gz.data, gz.len, "gzip"},
	             {zst.data, zst.len, "zstd"},
	             {bz2.data, bz2.len, "bzip2"},
	             {xz.data, xz.len, "xz"},
	             {"BZh9 eni", 8, "none"}};
	FlowError error;

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		FlowObject object = store(cases[i].data, cases[i].len);
		FlowSource *source;

		CHECK_INT(flow_source_open(&unit_host, &object, &everywhere, "auto", NULL, &source, &error),
		          FLOW_OK);
		CHECK_STRING(flow_source_compression(source), cases[i].name);
		CHECK_INT(flow_source_bytes_read(source), flow_source_is_plain(source) ? 0 : cases[i].len);
		flow_source_close(source);
	}
	flow_source_close(NULL);
	free(gz.data), free(zst.data), free(bz2.data), free(xz.data);
}

/*
 * The first page of a file, which was read to detect its format, is not read
 * twice.
 */
static void
a_plain_file_is_read_in_blocks_into_the_callers_buffer(void)
{
	Bytes text = random_text(3 * FLOW_BLOCK_SIZE + 10);
	FlowObject object = store(text.data, text.len);
	FlowError error;

	nreads = 0;
	CHECK_INT(read_all(&unit_host, &object, "auto", NULL, &error), FLOW_OK);
	CHECK_INT(nreads, 5);
	CHECK(reads[0].offset == 0 && reads[0].len == 4096);
	CHECK(reads[1].offset == 4096 && reads[1].buffer == block + 4096);
	for (size_t i = 2; i < 5; i++)
	{
		CHECK_INT(reads[i].offset, (i - 1) * FLOW_BLOCK_SIZE);
		CHECK(reads[i].buffer == block);
	}
	free(text.data);
}

static void
a_small_file_is_read_at_once(void)
{
	static const size_t sizes[] = {1, 3, 4, 5, 2000, 4095, 4096, 4097};
	FlowError error;

	for (size_t i = 0; i < flow_countof(sizes); i++)
		for (int zip = 0; zip < 2; zip++)
		{
			Bytes text = random_text(sizes[i]), stored = zip ? gzipped(text.data, text.len) : text;
			FlowObject object = store(stored.data, stored.len);
			Bytes result = {malloc(text.len + FLOW_BLOCK_SIZE), 0};

			nreads = 0;
			CHECK_INT(read_all(&unit_host, &object, "auto", &result, &error), FLOW_OK);
			CHECK(result.len == text.len && memcmp(result.data, text.data, text.len) == 0);
			CHECK_INT(nreads, stored.len <= 4096 ? 1 : 2);
			free(text.data), free(result.data);
			if (zip)
				free(stored.data);
		}
}

static void
a_plain_file_can_be_read_from_anywhere_by_any_amount(void)
{
	static const size_t offsets[] =
		{0, 1, 4095, 4096, 4097, FLOW_BLOCK_SIZE, 299999, 300000, 300001};
	static const size_t capacities[] = {100, 4095, 4096, 4097, FLOW_BLOCK_SIZE};
	Bytes text = random_text(300000);
	FlowObject object = store(text.data, text.len);
	FlowSource *source;
	FlowError error;

	for (size_t i = 0; i < flow_countof(offsets); i++)
		for (size_t j = 0; j < flow_countof(capacities); j++)
			for (int seek = offsets[i] > 0; seek < 2; seek++)
			{
				size_t at = offsets[i] < text.len ? offsets[i] : text.len, len;

				CHECK_INT(flow_source_open(
							  &unit_host, &object, &everywhere, "auto", NULL, &source, &error),
				          FLOW_OK);
				CHECK(flow_source_is_plain(source));
				CHECK_INT(flow_source_bytes_read(source), 0);
				if (seek)
					flow_source_seek(source, offsets[i]);
				do
				{
					CHECK_INT(flow_source_bytes_read(source), at);
					CHECK_INT(flow_source_read(source, block, capacities[j], &len, &error),
					          FLOW_OK);
					CHECK_INT(len, text.len - at < capacities[j] ? text.len - at : capacities[j]);
					CHECK(memcmp(block, text.data + at, len) == 0);
					at += len;
				} while (len > 0);
				CHECK_INT(at, text.len);
				flow_source_close(source);
			}
	free(text.data);
}

/*
 * The data read when the file was opened are not returned as if the file were
 * unchanged.
 */
static void
a_small_file_that_changes_after_its_opening_is_noticed(void)
{
	Bytes text = random_text(1000), gz = gzipped(text.data, text.len);

	for (int zip = 0; zip < 2; zip++)
		for (int change = 0; change < 3; change++)
		{
			FlowObject object = zip ? store(gz.data, gz.len) : store(text.data, text.len);
			FlowStatus status;
			FlowSource *source;
			FlowError error;
			FILE *file;
			size_t len;

			CHECK_INT(
				flow_source_open(&unit_host, &object, &everywhere, "auto", NULL, &source, &error),
				FLOW_OK);
			usleep(10000);
			if (change < 2)
				CHECK(truncate(path, change == 0 ? 0 : (off_t) object.size - 1) == 0);
			else if ((file = fopen(path, "a")) == NULL || fputs("x", file) < 0 || fclose(file) != 0)
				abort();
			do
				status = flow_source_read(source, block, sizeof(block), &len, &error);
			while (status == FLOW_OK && len > 0);
			CHECK_INT(status, FLOW_CHANGED);
			CHECK_STRING(error.path, path);
			flow_source_close(source);
		}
	free(text.data), free(gz.data);
}

/* ---------- bad files ---------- */

static void
a_compression_that_is_insisted_on_must_be_it(void)
{
	Bytes gz = gzipped((const uint8_t *) "x", 1), zst = zstandard((const uint8_t *) "x", 1);
	const struct
	{
		const void *data;
		size_t len;
		const char *compression, *says;
	} cases[] = {{"text", 4, "gzip", "is not gzip data"},
	             {"\x1F", 1, "gzip", "is not gzip data"},
	             {zst.data, zst.len, "gzip", "is not gzip data"},
	             {"text", 4, "zstd", "is not zstd data"},
	             {gz.data, gz.len, "zstd", "is not zstd data"},
	             {gz.data, gz.len, "bzip2", "is not bzip2 data"},
	             {gz.data, gz.len, "xz", "is not xz data"}};
	FlowError error;
	FlowObject object;
	char expected[512];

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		object = store(cases[i].data, cases[i].len);
		CHECK_INT(read_all(&unit_host, &object, cases[i].compression, NULL, &error), FLOW_CORRUPT);
		snprintf(expected, sizeof(expected), "flow log \"%s\" %s", path, cases[i].says);
		CHECK_STRING(error.message, expected);
	}
	CHECK_INT(read_all(&unit_host, &object, "lzma", NULL, &error), FLOW_UNSUPPORTED);
	CHECK_STRING(error.message, "compression \"lzma\" is not known");
	free(gz.data), free(zst.data);
}

/* UTF-16 of ASCII text: NULs before its bytes or after them. */
static Bytes
utf_16(const char *text, bool big_endian)
{
	Bytes result = {calloc(strlen(text), 2), 2 * strlen(text)};

	for (size_t i = 0; text[i] != '\0'; i++)
		result.data[2 * i + big_endian] = (uint8_t) text[i];
	return result;
}

/* A tar archive of an empty file, with or without the magic of POSIX. */
static Bytes
tar_archive(const char *magic)
{
	Bytes result = {calloc(1536, 1), 1536};
	unsigned sum = 8 * ' ';

	strcpy((char *) result.data, "flow.log");
	memcpy(result.data + 257, magic, strlen(magic));
	for (size_t i = 0; i < 512; i++)
		sum += result.data[i];
	sprintf((char *) result.data + 148, "%06o", sum);
	return result;
}

/* Checks that a file is refused by name, and so is a gzip file of it. */
static void
check_unread(const uint8_t *data, size_t len, const char *compression, const char *wrapper,
             const char *what)
{
	static const char *const compressions[] = {"auto", "none", "gzip"};
	Bytes gz = gzipped(data, len);
	FlowObject object = store(data, len);
	FlowSource *source;
	FlowError error;
	char expected[512];

	snprintf(expected, sizeof(expected), "flow log \"%s\" is %s", path, what);
	for (size_t i = 0; i < flow_countof(compressions); i++)
	{
		CHECK_INT(read_all(&unit_host, &object, compressions[i], NULL, &error), FLOW_UNSUPPORTED);
		CHECK_STRING(error.message, expected);
		CHECK(strlen(error.hint) > 0);
	}
	CHECK_INT(flow_source_examine(&unit_host, &object, &everywhere, "auto", NULL, &source, &error),
	          FLOW_UNSUPPORTED);
	CHECK_STRING(flow_source_compression(source), compression);
	CHECK_STRING(flow_source_wrapper(source) != NULL ? flow_source_wrapper(source) : "?", wrapper);
	flow_source_close(source);

	object = store(gz.data, gz.len);
	CHECK_INT(read_all(&unit_host, &object, "auto", NULL, &error), FLOW_UNSUPPORTED);
	CHECK_STRING(error.message, expected);
	CHECK_INT(read_all(&unit_host, &object, "gzip", NULL, &error), FLOW_UNSUPPORTED);
	CHECK_INT(flow_source_examine(&unit_host, &object, &everywhere, "auto", NULL, &source, &error),
	          FLOW_UNSUPPORTED);
	CHECK_STRING(flow_source_compression(source), "gzip");
	CHECK_STRING(flow_source_wrapper(source), strcmp(wrapper, "?") != 0 ? wrapper : compression);
	flow_source_close(source);
	free(gz.data);
}

static void
a_parquet_file_has_no_lines_and_is_not_compressed(void)
{
	static const uint8_t data[] = "PAR1\x15\x04\x15PAR1";
	size_t len = sizeof(data) - 1;
	Bytes gz = gzipped(data, len);
	FlowObject object = store(data, len);
	const FlowUnwrap unwrap = {.max_line_length = 1000};
	FlowSource *source;
	FlowError error;
	char range[4];

	CHECK_INT(flow_source_open(&unit_host, &object, &everywhere, "auto", &unwrap, &source, &error),
	          FLOW_OK);
	CHECK(flow_source_is_parquet(source));
	CHECK_STRING(flow_source_compression(source), "none");
	CHECK_STRING(flow_source_wrapper(source), "parquet");
	CHECK_INT(flow_source_read_range(source, len - 4, range, 4, &error), FLOW_OK);
	CHECK(memcmp(range, "PAR1", 4) == 0);
	CHECK_INT(flow_source_read_range(source, 0, range, 4, &error), FLOW_OK);
	CHECK(memcmp(range, "PAR1", 4) == 0);
	flow_source_close(source);

	/* a pattern has nothing to match */
	CHECK_INT(read_all(&unit_host, &object, "auto", NULL, &error), FLOW_UNSUPPORTED);
	CHECK(strstr(error.message, "is a Parquet file") != NULL);
	CHECK(strstr(error.hint, "regex") != NULL);
	CHECK_INT(read_all(&unit_host, &object, "gzip", NULL, &error), FLOW_CORRUPT);

	object = store(gz.data, gz.len);
	CHECK_INT(read_all(&unit_host, &object, "auto", NULL, &error), FLOW_UNSUPPORTED);
	CHECK(strstr(error.message, "is a compressed Parquet file") != NULL);
	free(gz.data);
}

static void
what_is_not_read_is_named(void)
{
	static const struct
	{
		const char *data;
		size_t len;
		const char *compression, *wrapper, *what;
	} cases[] = {{"PARE\x15\x04\x15PARE", 11, "none", "parquet", "an encrypted Parquet file"},
	             {"ORC\x0A\x06\x12\x04\x08\x01", 9, "none", "orc", "an ORC file"},
	             {"ORC#\x01\x00x", 7, "none", "orc", "an ORC file"},
	             {"Obj\x01\x04\x16"
	              "avro",
	              10,
	              "none",
	              "avro",
	              "an Avro file"},
	             {"\x5D\x00\x00\x80\x00\xFF", 6, "lzma", "?", "lzma data"},
	             {"LZIP\x01\x0C", 6, "lzip", "?", "lzip data"},
	             {"\x04\x22\x4D\x18\x64\x40", 6, "lz4", "?", "lz4 data"},
	             {"\x02\x21\x4C\x18\x10\x00", 6, "lz4", "?", "lz4 data"},
	             {"\x89LZO\x00\r\n\x1A\n\x10", 10, "lzop", "?", "lzop data"},
	             {"\xFF\x06\x00\x00sNaPpY\x00", 11, "snappy", "?", "snappy data"},
	             {"\x82SNAPPY\x00\x00", 9, "snappy", "?", "snappy data"},
	             {"\x1F\x9D\x90\x32", 4, "compress", "?", "data of compress (.Z)"},
	             {"x\x9C\xCB\x48\xCD\xC9\xC9\x07", 8, "zlib", "?", "zlib data"},
	             {"PK\x03\x04\x14\x00", 6, "zip", "?", "a zip archive"},
	             {"PK\x05\x06\x00\x00", 6, "zip", "?", "a zip archive"},
	             {"7z\xBC\xAF\x27\x1C\x00", 7, "7z", "?", "a 7z archive"},
	             {"Rar!\x1A\x07\x01\x00", 8, "rar", "?", "a rar archive"},
	             {"\xFF\xFE"
	              "2\x00",
	              4,
	              "none",
	              "utf-16",
	              "text in UTF-16"},
	             {"\xFE\xFF\x00"
	              "2",
	              4,
	              "none",
	              "utf-16",
	              "text in UTF-16"},
	             {"\xFF\xFE\x00\x00"
	              "2\x00\x00\x00",
	              8,
	              "none",
	              "utf-32",
	              "text in UTF-32"}};
	Bytes files[] =
		{utf_16("2 123456789012 eni-1 10.0.0.1 10.0.0.2 443 50000 6 1 40 1 2 ACCEPT OK\n", false),
	     utf_16("2 123456789012 eni-1", true),
	     tar_archive("ustar"),
	     tar_archive("")};

	for (size_t i = 0; i < flow_countof(cases); i++)
		check_unread((const uint8_t *) cases[i].data,
		             cases[i].len,
		             cases[i].compression,
		             cases[i].wrapper,
		             cases[i].what);
	for (size_t i = 0; i < flow_countof(files); i++)
	{
		check_unread(files[i].data,
		             files[i].len,
		             "none",
		             i < 2 ? "utf-16" : "tar",
		             i < 2 ? "text in UTF-16" : "a tar archive");
		free(files[i].data);
	}
}

/* Lines that only begin alike are lines, and so is text that has NULs. */
static void
text_is_not_taken_for_another_format(void)
{
	static const struct
	{
		const char *data;
		size_t len;
	} cases[] = {{"PAR", 3},
	             {"ORC", 3},
	             {"ORC 2 3\t4\r\n2 3\n", 15},
	             {"Obj 1", 5},
	             {"BZh9 is a word", 14},
	             {"x\xDA\xBA is Arabic", 13},
	             {"x^2 and so on", 13},
	             {"PK 03 04", 8},
	             {"2\x00"
	              "1\x00",
	              4},
	             {"2\x00"
	              "1\x00"
	              "2\x00"
	              "1\x00 1",
	              10},
	             {"\x00\x00\x00\x00\x00\x00\x00\x00", 8}};
	Bytes tar = tar_archive("ustar");
	FlowObject object;
	FlowError error;

	for (size_t i = 0; i < flow_countof(cases); i++)
	{
		object = store(cases[i].data, cases[i].len);
		CHECK_INT(read_all(&unit_host, &object, "auto", NULL, &error), FLOW_OK);
	}
	tar.data[0] ^= 1; /* the check sum is wrong */
	object = store(tar.data, tar.len);
	CHECK_INT(read_all(&unit_host, &object, "auto", NULL, &error), FLOW_OK);
	free(tar.data);
}

static void
damage_names_the_file_and_the_place(void)
{
	Bytes text = random_text(1000000), gz = gzipped(text.data, text.len),
		  zst = zstandard(text.data, text.len);
	char expected[512], detail[100];
	FlowObject object;
	FlowError error;

	object = store(gz.data, gz.len - 100);
	CHECK_INT(read_all(&unit_host, &object, "auto", NULL, &error), FLOW_CORRUPT);
	snprintf(expected,
	         sizeof(expected),
	         "flow log \"%s\" ends in the middle of a gzip member",
	         path);
	snprintf(detail, sizeof(detail), "The file ends after %zu bytes.", gz.len - 100);
	CHECK_STRING(error.message, expected);
	CHECK_STRING(error.detail, detail);

	gz.data[gz.len - 7] ^= 1;
	object = store(gz.data, gz.len);
	CHECK_INT(read_all(&unit_host, &object, "auto", NULL, &error), FLOW_CORRUPT);
	snprintf(expected, sizeof(expected), "flow log \"%s\" is damaged", path);
	snprintf(detail,
	         sizeof(detail),
	         "The gzip member has data that do not match its check sum or length, at byte %zu.",
	         gz.len);
	CHECK_STRING(error.message, expected);
	CHECK_STRING(error.detail, detail);

	object = store(zst.data, zst.len - 100);
	CHECK_INT(read_all(&unit_host, &object, "auto", NULL, &error), FLOW_CORRUPT);
	snprintf(expected,
	         sizeof(expected),
	         "flow log \"%s\" ends in the middle of a zstd frame",
	         path);
	CHECK_STRING(error.message, expected);
	free(text.data), free(gz.data), free(zst.data);
}

/* modifications of the file while it is read */
static void
a_change_is_called_a_change_even_if_it_looks_like_damage(void)
{
	Bytes text = random_text(3000000), files[3];
	char expected[512];
	FlowError error;

	files[0] = gzipped(text.data, text.len);
	files[1] = zstandard(text.data, text.len);
	files[2] = text;
	for (size_t i = 0; i < flow_countof(files); i++)
		for (int cut = 0; cut < 2; cut++)
		{
			FlowObject object = store(files[i].data, files[i].len);
			FlowStatus status;
			FlowSource *source;
			size_t len;

			CHECK_INT(
				flow_source_open(&unit_host, &object, &everywhere, "auto", NULL, &source, &error),
				FLOW_OK);
			CHECK_INT(flow_source_read(source, block, sizeof(block), &len, &error), FLOW_OK);
			usleep(10000);
			if (cut)
				CHECK(truncate(path, (off_t) files[i].len / 2) == 0);
			else
			{
				FILE *file = fopen(path, "r+");

				fseek(file, (long) files[i].len / 2, SEEK_SET);
				fputs("overwritten", file);
				fclose(file);
			}
			do
				status = flow_source_read(source, block, sizeof(block), &len, &error);
			while (status == FLOW_OK && len > 0);
			CHECK_INT(status, FLOW_CHANGED);
			snprintf(expected, sizeof(expected), "flow log \"%s\" changed while it was read", path);
			CHECK_STRING(error.message, expected);
			CHECK_STRING(error.path, path);
			flow_source_close(source);
		}
	for (size_t i = 0; i < flow_countof(files); i++)
		free(files[i].data);
}

/* ---------- limits ---------- */

/*
 * A host that records the maximum of allocated memory, and the maximum of work
 * between two checks for an interrupt.
 */
static size_t lent, most_lent;
static int64_t asked, longest; /* microseconds of processor time */

static int64_t
processor_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool
timed_interrupted(void *arg)
{
	int64_t now = processor_time();

	if (asked > 0 && now - asked > longest)
		longest = now - asked;
	asked = now;
	return unit_interrupted(arg);
}

static void *
measured_allocate(void *arg, size_t size)
{
	char *memory = unit_allocate(arg, size + 16);

	memcpy(memory, &size, sizeof(size));
	lent += size;
	if (lent > most_lent)
		most_lent = lent;
	return memory + 16;
}

static void
measured_free(void *arg, void *ptr)
{
	size_t size;

	memcpy(&size, (char *) ptr - 16, sizeof(size));
	lent -= size;
	unit_free(arg, (char *) ptr - 16);
}

/*
 * Files that grow a lot, or have no output for long: memory does not grow, no
 * step takes long, and interrupts are handled.
 */
static void
bombs_and_floods_cost_neither_memory_nor_patience(void)
{
	FlowHost host = unit_host;
	Bytes zeros = {calloc(1, 64 << 20), 64 << 20}, files[7];
	Bytes gz = gzipped(zeros.data, 0), zst = zstandard(zeros.data, 0);
	static const uint8_t skippable[] = {0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0};
	uint8_t *large = calloc(1, 4 << 20);
	size_t nfiles = 0;
	FlowError error;

	host.interrupted = timed_interrupted;
	host.allocate = measured_allocate;
	host.free = measured_free;

	large[0] = 0x50, large[1] = 0x2A, large[2] = 0x4D, large[3] = 0x18;
	large[6] = 0x3F, large[5] = 0xFF, large[4] = 0xF8; /* 4 MiB less eight bytes */
	files[nfiles++] = gzipped(zeros.data, zeros.len);
	files[nfiles++] = repeated(gz.data, gz.len, 200000);
	files[nfiles++] = zstandard(zeros.data, zeros.len);
	files[nfiles++] = repeated(zst.data, zst.len, 200000);
	files[nfiles++] = repeated(skippable, sizeof(skippable), 500000);
	files[nfiles++] = repeated(large, 4 << 20, 3);
	files[nfiles++] = (Bytes) {malloc(gz.len + (12 << 20)), gz.len + (12 << 20)};
	memcpy(files[6].data, gz.data, gz.len); /* a member, and padding */
	memset(files[6].data + gz.len, 0, 12 << 20);

	for (size_t i = 0; i < nfiles; i++)
	{
		FlowObject object = store(files[i].data, files[i].len);
		int64_t began, took;

		/* the minimum of some attempts: a slow step is slow each time */
		took = INT64_MAX;
		for (int try = 0; try < 5 && took >= 50000; try++)
		{
			lent = most_lent = 0;
			asked = longest = 0;
			CHECK_INT(read_all(&host, &object, "auto", NULL, &error), FLOW_OK);
			CHECK(most_lent < (size_t) 3 << 20);
			took = longest < took ? longest : took;
		}
		CHECK(took < 50000);

		took = INT64_MAX;
		for (int try = 0; try < 5 && took >= 50000; try++)
		{
			unit_state.interrupt_after = 10;
			began = processor_time();
			CHECK_INT(read_all(&host, &object, "auto", NULL, &error), FLOW_INTERRUPTED);
			began = processor_time() - began;
			took = began < took ? began : took;
			unit_state.interrupt_after = -1;
		}
		CHECK(took < 50000);
		free(files[i].data);
	}
	free(zeros.data), free(large), free(gz.data), free(zst.data);
}

static void
memory_may_run_out_at_every_place(void)
{
	Bytes text = random_text(1000000), files[3];
	FlowError error;

	files[0] = gzipped(text.data, text.len);
	files[1] = zstandard(text.data, text.len);
	files[2] = text;
	for (size_t i = 0; i < flow_countof(files); i++)
	{
		FlowObject object = store(files[i].data, files[i].len);
		FlowStatus status;
		int64_t after = 0;

		do
		{
			unit_state.fail_after = after++;
			status = read_all(&unit_host, &object, "auto", NULL, &error);
			unit_state.fail_after = -1;
			CHECK(status == FLOW_OK || status == FLOW_NO_MEMORY);
		} while (status == FLOW_NO_MEMORY && after < 100);
		CHECK_INT(status, FLOW_OK);
		CHECK(after >= 3);
		free(files[i].data);
	}
}

static void
an_interrupt_is_heard_at_every_place(void)
{
	Bytes text = random_text(3000000), files[3];
	FlowError error;

	files[0] = gzipped(text.data, text.len);
	files[1] = zstandard(text.data, text.len);
	files[2] = text;
	for (size_t i = 0; i < flow_countof(files); i++)
	{
		FlowObject object = store(files[i].data, files[i].len);
		FlowStatus status;
		int64_t after = 0;

		do
		{
			unit_state.interrupt_after = after++;
			status = read_all(&unit_host, &object, "auto", NULL, &error);
			unit_state.interrupt_after = -1;
			CHECK(status == FLOW_OK || status == FLOW_INTERRUPTED);
		} while (status == FLOW_INTERRUPTED && after < 1000);
		CHECK_INT(status, FLOW_OK);
		CHECK(after > 3000000 / FLOW_BLOCK_SIZE);
		free(files[i].data);
	}
}

static void
what_cannot_be_opened_leaves_nothing_behind(void)
{
	FlowObject object = store("text", 4);
	FlowAccess nowhere = {.paths = &(const char *) {"/nowhere"}, .count = 1};
	int descriptors = open_descriptors();
	FlowSource *source;
	FlowError error;

	CHECK_INT(flow_source_open(&unit_host, &object, &nowhere, "auto", NULL, &source, &error),
	          FLOW_NOT_ALLOWED);
	CHECK_STRING(error.path, path);
	object.size++;
	CHECK_INT(read_all(&unit_host, &object, "auto", NULL, &error), FLOW_CHANGED);
	CHECK_INT(open_descriptors(), descriptors);
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	int fd;

	snprintf(path, sizeof(path), "%s/flow-source-XXXXXX", unit_temporary());
	fd = mkstemp(path);
	if (fd < 0)
		abort();
	close(fd);

	RUN(compressions_are_known_by_name_and_by_suffix);
	RUN(every_compression_gives_the_same_text);
	RUN(an_empty_file_is_empty_by_any_compression);
	RUN(the_compression_found_is_told);
	RUN(a_plain_file_is_read_in_blocks_into_the_callers_buffer);
	RUN(a_small_file_is_read_at_once);
	RUN(a_plain_file_can_be_read_from_anywhere_by_any_amount);
	RUN(a_small_file_that_changes_after_its_opening_is_noticed);
	RUN(a_compression_that_is_insisted_on_must_be_it);
	RUN(a_parquet_file_has_no_lines_and_is_not_compressed);
	RUN(what_is_not_read_is_named);
	RUN(text_is_not_taken_for_another_format);
	RUN(damage_names_the_file_and_the_place);
	RUN(a_change_is_called_a_change_even_if_it_looks_like_damage);
	RUN(bombs_and_floods_cost_neither_memory_nor_patience);
	RUN(memory_may_run_out_at_every_place);
	RUN(an_interrupt_is_heard_at_every_place);
	RUN(what_cannot_be_opened_leaves_nothing_behind);

	unlink(path);
	return unit_done();
}
