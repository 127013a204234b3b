/*-------------------------------------------------------------------------
 *
 * bzip2.c
 *	  Decompresses bzip2 data.  No other file uses libbz2.
 *
 * The format has no specification but its programs.  Data are streams, one
 * after the other; a parallel program writes many small ones.  A stream is
 * "BZh" and a digit, which says how large its blocks may be, then blocks, each
 * with a check sum, and then the check sum of all.  At its highest level, which
 * is the default, libbz2 needs 3.7 MB for a stream.
 *
 *-------------------------------------------------------------------------
 */
#include "source.h"

#include <inttypes.h>
#include <string.h>

#include <bzlib.h>

#define HEADER_SIZE 4  /* bytes of a stream's header */
#define LARGEST_MARK 6 /* bytes that follow it: of a block, or of the stream's end */

typedef struct Bzip2
{
	const FlowHost *host;
	bz_stream stream;
	bool any_stream; /* true once a stream has begun */
	bool inside;     /* a stream has begun, and not ended: it has memory */

	/* the header of the next stream */
	uint8_t header[HEADER_SIZE];
	size_t nheader; /* bytes collected */
} Bzip2;

static void *
bzip2_allocate(void *opaque, int count, int size)
{
	return flow_allocate((const FlowHost *) opaque, (size_t) count * (size_t) size);
}

static void
bzip2_deallocate(void *opaque, void *ptr)
{
	if (ptr != NULL)
		flow_free((const FlowHost *) opaque, ptr);
}

static bool
is_header(const uint8_t *header)
{
	return memcmp(header, "BZh", 3) == 0 && header[3] >= '1' && header[3] <= '9';
}

/*
 * Returns true if the data begin with a stream.  As its header may also begin a
 * text, what follows it counts, too.
 */
static bool
bzip2_recognizes(const uint8_t *data, size_t len)
{
	size_t mark = len > HEADER_SIZE ? len - HEADER_SIZE : 0;

	if (len < HEADER_SIZE || !is_header(data))
		return false;
	if (mark > LARGEST_MARK)
		mark = LARGEST_MARK;
	return memcmp(data + HEADER_SIZE, "1AY&SY", mark) == 0 ||
	       memcmp(data + HEADER_SIZE, "\x17rE8P\x90", mark) == 0;
}

/* Reports that the file ends inside a stream. */
static FlowStatus
ends_early(uint64_t offset, FlowError *error)
{
	flow_error_set(error, FLOW_CORRUPT, "ends in the middle of a bzip2 stream");
	flow_error_detail(error, "The file ends after %" PRIu64 " bytes.", offset);
	return FLOW_CORRUPT;
}

/* Translates libbz2's error for the reader of a file. */
static FlowStatus
library_error(int result, uint64_t offset, FlowError *error)
{
	if (result == BZ_MEM_ERROR)
		return flow_error_memory(error);
	flow_error_set(error, FLOW_CORRUPT, "is damaged");
	flow_error_detail(error,
	                  "The bzip2 stream has invalid data, or data that do not match their check "
	                  "sum, at byte %" PRIu64 ".",
	                  offset);
	return FLOW_CORRUPT;
}

/*
 * Collects a stream's header before libbz2 sees it, which would not tell other
 * data from a damaged stream.
 */
static FlowStatus
begin_stream(Bzip2 *bzip2, const uint8_t **in, const uint8_t *in_end, uint64_t offset,
             FlowError *error)
{
	uint64_t begin = offset - bzip2->nheader;
	int result;

	while (bzip2->nheader < HEADER_SIZE && *in < in_end)
		bzip2->header[bzip2->nheader++] = *(*in)++;
	if (bzip2->nheader < HEADER_SIZE)
		return FLOW_OK;

	if (!is_header(bzip2->header))
	{
		if (!bzip2->any_stream)
			return flow_error_set(error, FLOW_CORRUPT, "is not bzip2 data");
		flow_error_set(error, FLOW_CORRUPT, "has other data after its last bzip2 stream");
		flow_error_detail(error, "They begin at byte %" PRIu64 ".", begin);
		return FLOW_CORRUPT;
	}

	result = BZ2_bzDecompressInit(&bzip2->stream, 0, 0);
	if (result != BZ_OK)
		return library_error(result, begin, error);
	bzip2->inside = bzip2->any_stream = true;
	bzip2->nheader = 0;
	bzip2->stream.next_in = (char *) bzip2->header;
	bzip2->stream.avail_in = HEADER_SIZE;
	bzip2->stream.avail_out = 0;
	result = BZ2_bzDecompress(&bzip2->stream);
	return result == BZ_OK ? FLOW_OK : library_error(result, begin, error);
}

static void
end_stream(Bzip2 *bzip2)
{
	if (bzip2->inside)
		BZ2_bzDecompressEnd(&bzip2->stream);
	bzip2->inside = false;
}

/* Decompresses part of a stream, or reads a stream's header. */
static FlowStatus
bzip2_step(void *state, const uint8_t **in, const uint8_t *in_end, bool last, uint8_t **out,
           uint8_t *out_end, uint64_t offset, FlowError *error)
{
	Bzip2 *bzip2 = state;
	bz_stream *stream = &bzip2->stream;
	size_t in_size = (size_t) (in_end - *in), out_size = (size_t) (out_end - *out);
	size_t taken, made;
	int result;

	if (!bzip2->inside)
	{
		if (in_size > 0 || !last)
			return begin_stream(bzip2, in, in_end, offset, error);
		return bzip2->nheader == 0 ? FLOW_END : ends_early(offset, error);
	}

	if (in_size > FLOW_BLOCK_SIZE)
		in_size = FLOW_BLOCK_SIZE;
	if (out_size > FLOW_BLOCK_SIZE)
		out_size = FLOW_BLOCK_SIZE;
	stream->next_in = (char *) *in; /* not written to */
	stream->avail_in = (unsigned) in_size;
	stream->next_out = (char *) *out;
	stream->avail_out = (unsigned) out_size;
	result = BZ2_bzDecompress(stream);
	taken = in_size - stream->avail_in;
	made = out_size - stream->avail_out;
	if (result != BZ_OK && result != BZ_STREAM_END)
		return library_error(result, offset + taken, error);

	*in += taken;
	*out += made;
	if (result == BZ_STREAM_END)
		end_stream(bzip2);
	else if (last && in_size == 0 && out_size > 0 && made == 0)
		return ends_early(offset, error);
	return FLOW_OK;
}

static void
bzip2_free(void *state)
{
	Bzip2 *bzip2 = state;

	end_stream(bzip2);
	flow_free(bzip2->host, bzip2);
}

static void
bzip2_reset(void *state)
{
	Bzip2 *bzip2 = state;

	end_stream(bzip2);
	bzip2->any_stream = false;
	bzip2->nheader = 0;
}

static FlowStatus
bzip2_create(const FlowHost *host, const FlowUnwrap *unwrap, void **state, FlowError *error)
{
	Bzip2 *bzip2 = flow_allocate(host, sizeof(Bzip2));

	(void) unwrap;
	if (bzip2 == NULL)
		return flow_error_memory(error);
	*bzip2 = (Bzip2) {.host = host,
	                  .stream = {.bzalloc = bzip2_allocate,
	                             .bzfree = bzip2_deallocate,
	                             .opaque = (void *) host}};
	*state = bzip2;
	return FLOW_OK;
}

const FlowCodec flow_bzip2_codec = {.name = "bzip2",
                                    .suffix = ".bz2",
                                    .recognizes = bzip2_recognizes,
                                    .create = bzip2_create,
                                    .free = bzip2_free,
                                    .reset = bzip2_reset,
                                    .step = bzip2_step};
