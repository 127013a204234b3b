/*-------------------------------------------------------------------------
 *
 * xz.c
 *	  Decompresses xz data (The .xz File Format, version 1.2.0).  No other file
 *	  uses liblzma.
 *
 * Data are streams, one after the other, between and after which there may be
 * zeros, in fours.  The streams' borders are found here rather than by liblzma
 * (LZMA_CONCATENATED), which would not tell other data from a damaged stream.
 *
 *-------------------------------------------------------------------------
 */
#include "source.h"

#include <inttypes.h>
#include <string.h>

#include <lzma.h>

#define MAGIC "\xFD\x37zXZ" /* and a zero, with which the C string ends */
#define MAGIC_SIZE 6

/* xz -9 needs 65 MiB, of which 64 are its dictionary.  A header may ask for 4 GiB. */
#define MAX_MEMORY (66 * 1024 * 1024)

/* What is read next. */
typedef enum XzPlace
{
	XZ_HEADER, /* the magic bytes of a stream, or zeros before it */
	XZ_STREAM
} XzPlace;

typedef struct Xz
{
	const FlowHost *host;
	lzma_allocator allocator;
	lzma_stream stream;
	XzPlace place;
	bool any_stream; /* true once a stream has begun */
	uint64_t zeros;  /* read since the last stream */

	/* the magic bytes of the next stream */
	uint8_t magic[MAGIC_SIZE];
	size_t nmagic; /* bytes collected */
} Xz;

static void *
xz_allocate(void *opaque, size_t count, size_t size)
{
	return flow_allocate((const FlowHost *) opaque, count * size); /* count is 1 */
}

static void
xz_deallocate(void *opaque, void *ptr)
{
	if (ptr != NULL)
		flow_free((const FlowHost *) opaque, ptr);
}

/* Returns true if the data begin with a stream. */
static bool
xz_recognizes(const uint8_t *data, size_t len)
{
	return len >= 4 && memcmp(data, MAGIC, len < MAGIC_SIZE ? len : MAGIC_SIZE) == 0;
}

/* Reports that the file ends inside a stream. */
static FlowStatus
ends_early(uint64_t offset, FlowError *error)
{
	flow_error_set(error, FLOW_CORRUPT, "ends in the middle of an xz stream");
	flow_error_detail(error, "The file ends after %" PRIu64 " bytes.", offset);
	return FLOW_CORRUPT;
}

/* Reports data that cannot have been written so. */
static FlowStatus
damaged(uint64_t offset, const char *what, FlowError *error)
{
	flow_error_set(error, FLOW_CORRUPT, "is damaged");
	flow_error_detail(error, "%s, at byte %" PRIu64 ".", what, offset);
	return FLOW_CORRUPT;
}

/* Translates liblzma's error for the reader of a file. */
static FlowStatus
library_error(Xz *xz, lzma_ret result, uint64_t offset, FlowError *error)
{
	switch (result)
	{
		case LZMA_MEM_ERROR:
			return flow_error_memory(error);
		case LZMA_MEMLIMIT_ERROR:
			flow_error_set(error, FLOW_LIMIT, "was compressed with too large a dictionary");
			flow_error_detail(error,
			                  "An xz stream needs %" PRIu64 " MiB of memory, more than %d MiB.",
			                  (lzma_memusage(&xz->stream) + (1024 * 1024 - 1)) / (1024 * 1024),
			                  MAX_MEMORY / (1024 * 1024));
			flow_error_hint(error, "Compress it with \"xz -9\" or less.");
			return FLOW_LIMIT;
		case LZMA_UNSUPPORTED_CHECK:
			return flow_error_set(error, FLOW_UNSUPPORTED, "has check sums of an unknown kind");
		case LZMA_OPTIONS_ERROR:
			flow_error_set(error, FLOW_UNSUPPORTED, "was compressed in a way that is not known");
			flow_error_detail(
				error,
				"The xz stream has a filter or an option that liblzma %s does not know.",
				lzma_version_string());
			return FLOW_UNSUPPORTED;
		default:
			return damaged(
				offset,
				"The xz stream has invalid data, or data that do not match their check sum",
				error);
	}
}

/* Reads zeros and the magic bytes of a stream, and begins with the stream. */
static FlowStatus
begin_stream(Xz *xz, const uint8_t **in, const uint8_t *in_end, uint64_t offset, FlowError *error)
{
	const uint8_t *end = in_end - *in > FLOW_BLOCK_SIZE ? *in + FLOW_BLOCK_SIZE : in_end;
	uint64_t begin = offset - xz->nmagic;
	lzma_ret result;

	/* zeros may follow a stream */
	for (; xz->any_stream && xz->nmagic == 0 && *in < end && **in == 0; (*in)++, begin++)
		xz->zeros++;

	while (xz->nmagic < MAGIC_SIZE && *in < end)
		xz->magic[xz->nmagic++] = *(*in)++;
	if (xz->nmagic < MAGIC_SIZE)
		return FLOW_OK;
	if (memcmp(xz->magic, MAGIC, MAGIC_SIZE) != 0)
	{
		if (!xz->any_stream)
			return flow_error_set(error, FLOW_CORRUPT, "is not xz data");
		flow_error_set(error, FLOW_CORRUPT, "has other data after its last xz stream");
		flow_error_detail(error, "They begin at byte %" PRIu64 ".", begin);
		return FLOW_CORRUPT;
	}
	if (xz->zeros % 4 != 0)
		return damaged(begin,
		               "The number of zeros before an xz stream is not divisible by 4",
		               error);

	/* the memory of an earlier stream is used again */
	result = lzma_stream_decoder(&xz->stream, MAX_MEMORY, LZMA_TELL_UNSUPPORTED_CHECK);
	if (result == LZMA_OK)
	{
		xz->stream.next_in = xz->magic;
		xz->stream.avail_in = MAGIC_SIZE;
		xz->stream.avail_out = 0;
		result = lzma_code(&xz->stream, LZMA_RUN);
	}
	if (result != LZMA_OK)
		return library_error(xz, result, begin, error);
	xz->place = XZ_STREAM;
	xz->any_stream = true;
	xz->nmagic = 0;
	return FLOW_OK;
}

/* Ends after a complete stream, and zeros in fours. */
static FlowStatus
end_data(const Xz *xz, uint64_t offset, FlowError *error)
{
	if (xz->nmagic > 0)
		return ends_early(offset, error);
	if (xz->zeros % 4 != 0)
		return damaged(offset,
		               "The number of zeros after an xz stream is not divisible by 4",
		               error);
	return FLOW_END;
}

/* Decompresses part of a stream, or reads what is between two. */
static FlowStatus
xz_step(void *state, const uint8_t **in, const uint8_t *in_end, bool last, uint8_t **out,
        uint8_t *out_end, uint64_t offset, FlowError *error)
{
	Xz *xz = state;
	lzma_stream *stream = &xz->stream;
	size_t in_size = (size_t) (in_end - *in), out_size = (size_t) (out_end - *out);
	size_t taken, made;
	lzma_ret result;

	if (xz->place == XZ_HEADER)
	{
		if (in_size > 0 || !last)
			return begin_stream(xz, in, in_end, offset, error);
		return end_data(xz, offset, error);
	}

	if (in_size > FLOW_BLOCK_SIZE)
		in_size = FLOW_BLOCK_SIZE;
	if (out_size > FLOW_BLOCK_SIZE)
		out_size = FLOW_BLOCK_SIZE;
	stream->next_in = *in;
	stream->avail_in = in_size;
	stream->next_out = *out;
	stream->avail_out = out_size;
	result = lzma_code(stream, LZMA_RUN);
	taken = in_size - stream->avail_in;
	made = out_size - stream->avail_out;
	/* BUF_ERROR: nothing could be done, for the second time */
	if (result != LZMA_OK && result != LZMA_STREAM_END && result != LZMA_BUF_ERROR)
		return library_error(xz, result, offset + taken, error);

	*in += taken;
	*out += made;
	if (result == LZMA_STREAM_END)
	{
		xz->place = XZ_HEADER;
		xz->zeros = 0;
	}
	else if (last && in_size == 0 && out_size > 0 && made == 0)
		return ends_early(offset, error);
	return FLOW_OK;
}

static void
xz_free(void *state)
{
	Xz *xz = state;

	lzma_end(&xz->stream);
	flow_free(xz->host, xz);
}

static void
xz_reset(void *state)
{
	Xz *xz = state;

	xz->place = XZ_HEADER;
	xz->any_stream = false;
	xz->zeros = 0;
	xz->nmagic = 0;
}

static FlowStatus
xz_create(const FlowHost *host, const FlowUnwrap *unwrap, void **state, FlowError *error)
{
	Xz *xz = flow_allocate(host, sizeof(Xz));

	(void) unwrap;
	if (xz == NULL)
		return flow_error_memory(error);
	*xz = (Xz) {.host = host,
	            .allocator = {xz_allocate, xz_deallocate, (void *) host},
	            .stream = LZMA_STREAM_INIT};
	xz->stream.allocator = &xz->allocator;
	*state = xz;
	return FLOW_OK;
}

const FlowCodec flow_xz_codec = {.name = "xz",
                                 .suffix = ".xz",
                                 .recognizes = xz_recognizes,
                                 .create = xz_create,
                                 .free = xz_free,
                                 .reset = xz_reset,
                                 .step = xz_step};
