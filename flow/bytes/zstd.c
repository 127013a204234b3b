/*-------------------------------------------------------------------------
 *
 * zstd.c
 *	  Decompresses Zstandard data (RFC 8878).  No other file uses libzstd.
 *
 *-------------------------------------------------------------------------
 */
#include "source.h"

#include <inttypes.h>

#define ZSTD_STATIC_LINKING_ONLY /* for the host's allocator */
#include <zstd.h>
#include <zstd_errors.h>

/* 8 MiB, the window of zstd -19.  A header may ask for 2 GiB. */
#define MAX_WINDOW_LOG 23

typedef struct Zstd
{
	const FlowHost *host;
	ZSTD_DCtx *context;
	bool any_frame; /* true once a frame has been read */

	/* the header of the next frame */
	uint8_t header[ZSTD_FRAMEHEADERSIZE_MAX];
	size_t nheader; /* bytes collected */
	size_t need;    /* its length, as far as known */

	/* the current frame */
	bool inside;   /* true after its header */
	uint64_t size; /* size of its content, or ZSTD_CONTENTSIZE_UNKNOWN */
	uint64_t done; /* bytes decompressed so far */
} Zstd;

static void *
zstd_allocate(void *opaque, size_t size)
{
	return flow_allocate((const FlowHost *) opaque, size);
}

static void
zstd_deallocate(void *opaque, void *ptr)
{
	flow_free((const FlowHost *) opaque, ptr);
}

/*
 * Returns true if the data begin with a frame, which may be a skippable one,
 * because some tools begin a file with those.
 */
static bool
zstd_recognizes(const uint8_t *data, size_t len)
{
	uint32_t magic;

	if (len < 4)
		return false;
	magic = (uint32_t) data[0] | (uint32_t) data[1] << 8 | (uint32_t) data[2] << 16 |
	        (uint32_t) data[3] << 24;
	return magic == ZSTD_MAGICNUMBER ||
	       (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

/* Reports that the file ends inside a frame. */
static FlowStatus
ends_early(uint64_t offset, FlowError *error)
{
	FlowStatus status = flow_error_set(error, FLOW_CORRUPT, "ends in the middle of a zstd frame");

	flow_error_detail(error, "The file ends after %" PRIu64 " bytes.", offset);
	return status;
}

/* Translates libzstd's error for the reader of a file. */
static FlowStatus
library_error(size_t result, uint64_t offset, FlowError *error)
{
	switch (ZSTD_getErrorCode(result))
	{
		case ZSTD_error_memory_allocation:
			return flow_error_memory(error);
		case ZSTD_error_frameParameter_windowTooLarge:
			flow_error_set(error, FLOW_LIMIT, "was compressed with too large a window");
			flow_error_detail(error,
			                  "A zstd frame needs a window of more than %d MiB.",
			                  1 << (MAX_WINDOW_LOG - 20));
			flow_error_hint(error, "Compress it at level 19 or lower, without \"--long\".");
			return FLOW_LIMIT;
		case ZSTD_error_dictionary_wrong:
		case ZSTD_error_dictionary_corrupted:
			return flow_error_set(error, FLOW_UNSUPPORTED, "was compressed with a dictionary");
		default:
			flow_error_set(error, FLOW_CORRUPT, "is damaged");
			flow_error_detail(error,
			                  "Decompression failed at byte %" PRIu64 ": %s.",
			                  offset,
			                  ZSTD_getErrorName(result));
			return FLOW_CORRUPT;
	}
}

/*
 * Collects a frame's header before libzstd sees it.  libzstd would also accept
 * formats older than the standard, with decoders that have no limits, and does
 * not always enforce the content size that a header names.
 */
static FlowStatus
begin_frame(Zstd *zstd, const uint8_t **in, const uint8_t *in_end, uint64_t offset,
            FlowError *error)
{
	ZSTD_inBuffer input = {zstd->header, 0, 0};
	ZSTD_outBuffer output = {zstd->header, 0, 0};
	ZSTD_frameHeader frame;
	uint64_t begin = offset - zstd->nheader;
	size_t result;

	/* collect the header as far as its length is known */
	while (zstd->nheader < zstd->need && *in < in_end)
		zstd->header[zstd->nheader++] = *(*in)++;
	if (zstd->nheader < zstd->need)
		return FLOW_OK;

	/* reject data that are no frame */
	if (!zstd_recognizes(zstd->header, zstd->nheader))
	{
		if (!zstd->any_frame)
			return flow_error_set(error, FLOW_CORRUPT, "is not zstd data");
		flow_error_set(error, FLOW_CORRUPT, "has other data after its last zstd frame");
		flow_error_detail(error, "They begin at byte %" PRIu64 ".", begin);
		return FLOW_CORRUPT;
	}

	/* parse the header, which may show that it is longer */
	result = ZSTD_getFrameHeader(&frame, zstd->header, zstd->nheader);
	if (!ZSTD_isError(result) && result > 0)
	{
		zstd->need = result;
		return FLOW_OK;
	}
	/* pass the complete header to libzstd */
	if (!ZSTD_isError(result))
	{
		input.size = zstd->nheader;
		result = ZSTD_decompressStream(zstd->context, &output, &input);
	}
	if (ZSTD_isError(result))
		return library_error(result, begin, error);

	/* the frame begins */
	zstd->nheader = 0;
	zstd->need = FLOW_MAGIC_SIZE;
	zstd->any_frame = true;
	zstd->inside = result != 0; /* a skippable frame may be empty */
	zstd->size = frame.frameType == ZSTD_skippableFrame ? 0 : frame.frameContentSize;
	zstd->done = 0;
	return FLOW_OK;
}

/* Checks that the frame had the content size that its header names. */
static FlowStatus
end_frame(Zstd *zstd, uint64_t offset, FlowError *error)
{
	FlowStatus status;

	zstd->inside = false;
	if (zstd->size == ZSTD_CONTENTSIZE_UNKNOWN || zstd->size == zstd->done)
		return FLOW_OK;

	status = flow_error_set(error, FLOW_CORRUPT, "is damaged");
	flow_error_detail(error,
	                  "The frame that ends at byte %" PRIu64 " holds %" PRIu64
	                  " bytes, but its header names %" PRIu64 ".",
	                  offset,
	                  zstd->done,
	                  zstd->size);
	return status;
}

/* Decompresses part of a frame, or reads a frame's header. */
static FlowStatus
zstd_step(void *state, const uint8_t **in, const uint8_t *in_end, bool last, uint8_t **out,
          uint8_t *out_end, uint64_t offset, FlowError *error)
{
	Zstd *zstd = state;
	size_t in_size = (size_t) (in_end - *in), out_size = (size_t) (out_end - *out), result;
	ZSTD_inBuffer input = {*in, in_size < FLOW_BLOCK_SIZE ? in_size : FLOW_BLOCK_SIZE, 0};
	ZSTD_outBuffer output = {*out, out_size < FLOW_BLOCK_SIZE ? out_size : FLOW_BLOCK_SIZE, 0};

	if (!zstd->inside)
	{
		if (in_size > 0 || !last)
			return begin_frame(zstd, in, in_end, offset, error);
		return zstd->nheader == 0 ? FLOW_END : ends_early(offset, error);
	}

	result = ZSTD_decompressStream(zstd->context, &output, &input);
	if (ZSTD_isError(result))
		return library_error(result, offset + input.pos, error);

	*in += input.pos;
	*out += output.pos;
	zstd->done += output.pos;
	if (result == 0)
		return end_frame(zstd, offset + input.pos, error);
	if (last && in_size == 0 && out_size > 0 && output.pos == 0)
		return ends_early(offset, error);
	return FLOW_OK;
}

static void
zstd_free(void *state)
{
	Zstd *zstd = state;

	ZSTD_freeDCtx(zstd->context);
	flow_free(zstd->host, zstd);
}

static void
zstd_reset(void *state)
{
	Zstd *zstd = state;

	ZSTD_DCtx_reset(zstd->context, ZSTD_reset_session_only);
	zstd->any_frame = zstd->inside = false;
	zstd->nheader = 0;
	zstd->need = FLOW_MAGIC_SIZE;
}

static FlowStatus
zstd_create(const FlowHost *host, const FlowUnwrap *unwrap, void **state, FlowError *error)
{
	ZSTD_customMem memory = {zstd_allocate, zstd_deallocate, (void *) host};
	Zstd *zstd = flow_allocate(host, sizeof(Zstd));

	(void) unwrap;
	if (zstd == NULL)
		return flow_error_memory(error);
	*zstd = (Zstd) {.host = host, .need = FLOW_MAGIC_SIZE};

	zstd->context = ZSTD_createDCtx_advanced(memory);
	if (zstd->context == NULL ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(zstd->context, ZSTD_d_windowLogMax, MAX_WINDOW_LOG)))
	{
		zstd_free(zstd);
		return flow_error_memory(error);
	}
	*state = zstd;
	return FLOW_OK;
}

const FlowCodec flow_zstd_codec = {.name = "zstd",
                                   .suffix = ".zst",
                                   .recognizes = zstd_recognizes,
                                   .create = zstd_create,
                                   .free = zstd_free,
                                   .reset = zstd_reset,
                                   .step = zstd_step};
