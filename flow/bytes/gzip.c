/*-------------------------------------------------------------------------
 *
 * gzip.c
 *	  Inflates gzip data (RFC 1952).  No other file uses ISA-L.
 *
 * ISA-L inflates three times as fast as zlib.  It only gets the deflate data.
 * Members, their headers and their check sums are handled here, because ISA-L
 * 2.30 checks neither a header's reserved flags nor its length, and loses the
 * bytes that it read beyond a member's end.
 *
 *-------------------------------------------------------------------------
 */
#include "source.h"

#include <inttypes.h>
#include <string.h>

#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>

/* flags of a header, section 2.3.1 of the RFC */
#define FLAG_HCRC 0x02
#define FLAG_EXTRA 0x04
#define FLAG_NAME 0x08
#define FLAG_COMMENT 0x10
#define FLAGS_RESERVED 0xE0

/* Maximum length of a header, so that an endless one is rejected. */
#define MAX_HEADER (64 * 1024)

/*
 * The part that comes next, in the order of a member.  All parts of a header
 * except the first are optional.
 */
typedef enum GzipPart
{
	GZIP_FIXED,        /* ten bytes */
	GZIP_EXTRA_LENGTH, /* two bytes */
	GZIP_EXTRA,
	GZIP_NAME,
	GZIP_COMMENT,
	GZIP_HEADER_CRC, /* two bytes */
	GZIP_BODY,
	GZIP_TRAILER, /* eight bytes */
	GZIP_PADDING  /* zeros up to the end of the file, instead of a member */
} GzipPart;

typedef struct Gzip
{
	const FlowHost *host;
	GzipPart part;
	bool any_member; /* true once a member has been read */

	/* the current header */
	uint8_t flags;
	uint32_t header_crc;
	size_t header_len; /* bytes of EXTRA, NAME and COMMENT so far */
	size_t extra_left;

	/* a part of known length, which the end of the input may split */
	uint8_t bytes[10];
	size_t nbytes;

	/* the current member's output so far */
	uint32_t crc;
	uint32_t len;

	struct inflate_state inflate;
} Gzip;

/* The state of one call of gzip_step(). */
typedef struct GzipStep
{
	const uint8_t *in, *in_start, *in_end;
	uint64_t offset; /* stored offset of in_start */
	bool last;
	uint8_t *out, *out_end;
	FlowError *error;
} GzipStep;

/* Returns the offset of the next byte in the stored file. */
static uint64_t
stored_offset(const GzipStep *step)
{
	return step->offset + (uint64_t) (step->in - step->in_start);
}

/* Reports damaged data.  "what" says what is wrong with the gzip member. */
static FlowStatus
damaged(GzipStep *step, const char *what)
{
	FlowStatus status = flow_error_set(step->error, FLOW_CORRUPT, "is damaged");

	flow_error_detail(step->error,
	                  "The gzip member has %s, at byte %" PRIu64 ".",
	                  what,
	                  stored_offset(step));
	return status;
}

/* Reports that the file ends inside a member. */
static FlowStatus
ends_early(GzipStep *step)
{
	FlowStatus status =
		flow_error_set(step->error, FLOW_CORRUPT, "ends in the middle of a gzip member");

	flow_error_detail(step->error, "The file ends after %" PRIu64 " bytes.", stored_offset(step));
	return status;
}

/*
 * Reports data after the last member.  "back" is the number of their bytes
 * that were already read.
 */
static FlowStatus
other_data(GzipStep *step, size_t back)
{
	FlowStatus status =
		flow_error_set(step->error, FLOW_CORRUPT, "has other data after its last gzip member");

	flow_error_detail(step->error, "They begin at byte %" PRIu64 ".", stored_offset(step) - back);
	return status;
}

/* Skips bytes of a header that only count for its check sum. */
static void
take_header(Gzip *gzip, GzipStep *step, size_t len)
{
	gzip->header_crc = crc32_gzip_refl(gzip->header_crc, step->in, len);
	step->in += len;
}

/* Collects a part of known length.  Returns true when it is complete. */
static bool
collect(Gzip *gzip, GzipStep *step, size_t need)
{
	size_t len = need - gzip->nbytes;

	if (len > (size_t) (step->in_end - step->in))
		len = (size_t) (step->in_end - step->in);
	memcpy(gzip->bytes + gzip->nbytes, step->in, len);
	gzip->nbytes += len;
	step->in += len;
	if (gzip->nbytes < need)
		return false;
	gzip->nbytes = 0;
	return true;
}

static uint32_t
little_endian(const uint8_t *bytes, int len)
{
	uint32_t value = 0;

	while (len > 0)
		value = value << 8 | bytes[--len];
	return value;
}

/* ---------- header ---------- */

/* Moves to the part after "part", according to the flags. */
static FlowStatus
next_part(Gzip *gzip, GzipPart part)
{
	static const struct
	{
		GzipPart part;
		uint8_t flag;
	} optional[] = {{GZIP_EXTRA_LENGTH, FLAG_EXTRA},
	                {GZIP_EXTRA, FLAG_EXTRA},
	                {GZIP_NAME, FLAG_NAME},
	                {GZIP_COMMENT, FLAG_COMMENT},
	                {GZIP_HEADER_CRC, FLAG_HCRC}};

	gzip->part = GZIP_BODY;
	for (size_t i = flow_countof(optional); i-- > 0;)
		if (optional[i].part > part && (gzip->flags & optional[i].flag) != 0)
			gzip->part = optional[i].part;

	if (gzip->part == GZIP_BODY)
	{
		isal_inflate_reset(&gzip->inflate);
		gzip->crc = 0;
		gzip->len = 0;
	}
	return FLOW_OK;
}

/*
 * Reads the first ten bytes of a member, or the data in their place.  The two
 * magic bytes are checked one by one, because the data after the last member
 * may be short.
 */
static FlowStatus
read_fixed(Gzip *gzip, GzipStep *step)
{
	static const uint8_t magic[2] = {0x1F, 0x8B};

	while (gzip->nbytes < sizeof(magic) && step->in < step->in_end)
	{
		if (gzip->nbytes == 0 && gzip->any_member && *step->in == 0)
		{
			gzip->part = GZIP_PADDING;
			return FLOW_OK;
		}
		if (*step->in != magic[gzip->nbytes])
		{
			if (!gzip->any_member)
				return flow_error_set(step->error, FLOW_CORRUPT, "is not gzip data");
			return other_data(step, gzip->nbytes);
		}
		gzip->bytes[gzip->nbytes++] = *step->in++;
	}

	if (gzip->nbytes < sizeof(magic) || !collect(gzip, step, 10))
		return FLOW_OK;
	if (gzip->bytes[2] != 8)
		return damaged(step, "an unknown compression method");
	if ((gzip->bytes[3] & FLAGS_RESERVED) != 0)
		return damaged(step, "unknown flags");

	gzip->flags = gzip->bytes[3];
	gzip->header_crc = crc32_gzip_refl(0, gzip->bytes, 10);
	gzip->header_len = 0;
	return next_part(gzip, GZIP_FIXED);
}

static FlowStatus
read_extra_length(Gzip *gzip, GzipStep *step)
{
	if (!collect(gzip, step, 2))
		return FLOW_OK;
	gzip->header_crc = crc32_gzip_refl(gzip->header_crc, gzip->bytes, 2);
	gzip->extra_left = little_endian(gzip->bytes, 2);
	gzip->header_len = gzip->extra_left;
	return next_part(gzip, GZIP_EXTRA_LENGTH);
}

static FlowStatus
read_extra(Gzip *gzip, GzipStep *step)
{
	size_t len = (size_t) (step->in_end - step->in);

	if (len > gzip->extra_left)
		len = gzip->extra_left;
	take_header(gzip, step, len);
	gzip->extra_left -= len;
	return gzip->extra_left == 0 ? next_part(gzip, GZIP_EXTRA) : FLOW_OK;
}

/* Reads a file name or comment, which ends with a zero. */
static FlowStatus
read_text(Gzip *gzip, GzipStep *step)
{
	size_t len = (size_t) (step->in_end - step->in);
	const uint8_t *end = memchr(step->in, 0, len);

	if (end != NULL)
		len = (size_t) (end - step->in) + 1;
	take_header(gzip, step, len);
	gzip->header_len += len;
	if (gzip->header_len > MAX_HEADER)
	{
		flow_error_set(step->error,
		               FLOW_LIMIT,
		               "has a gzip header of more than %d bytes",
		               MAX_HEADER);
		flow_error_detail(step->error,
		                  "The header goes on at byte %" PRIu64 ".",
		                  stored_offset(step));
		return FLOW_LIMIT;
	}
	return end != NULL ? next_part(gzip, gzip->part) : FLOW_OK;
}

static FlowStatus
read_header_crc(Gzip *gzip, GzipStep *step)
{
	if (!collect(gzip, step, 2))
		return FLOW_OK;
	if (little_endian(gzip->bytes, 2) != (gzip->header_crc & 0xFFFF))
		return damaged(step, "a header that does not match its check sum");
	return next_part(gzip, GZIP_HEADER_CRC);
}

/* ---------- body and trailer ---------- */

/*
 * Begins the trailer.  At the end of a member, ISA-L has read up to seven
 * bytes too far and keeps them in read_in, above the last bits of the deflate
 * data.  They are the first bytes of the trailer, which has eight.  So nothing
 * has to go back to the input buffer, which may have been refilled since.
 */
static void
begin_trailer(Gzip *gzip)
{
	uint64_t bits = gzip->inflate.read_in >> (gzip->inflate.read_in_length % 8);
	int nbytes = gzip->inflate.read_in_length / 8;

	gzip->part = GZIP_TRAILER;
	for (int i = 0; i < nbytes; i++, bits >>= 8)
		gzip->bytes[gzip->nbytes++] = (uint8_t) bits;
}

/* Inflates the deflate data of a member. */
static FlowStatus
read_body(Gzip *gzip, GzipStep *step)
{
	struct inflate_state *inflate = &gzip->inflate;
	size_t got;
	int result;

	inflate->next_in = (uint8_t *) step->in;
	inflate->avail_in = (uint32_t) (step->in_end - step->in);
	inflate->next_out = step->out;
	inflate->avail_out = (uint32_t) (step->out_end - step->out);

	result = isal_inflate(inflate);

	step->in = inflate->next_in;
	if (result != ISAL_DECOMP_OK)
		return damaged(step, "invalid deflate data");

	got = (size_t) (inflate->next_out - step->out);
	gzip->crc = crc32_gzip_refl(gzip->crc, step->out, got);
	gzip->len += (uint32_t) got;
	step->out = inflate->next_out;

	/*
	 * ISAL_BLOCK_FINISH means that ISA-L has also written out all pending
	 * output.
	 */
	if (inflate->block_state == ISAL_BLOCK_FINISH)
		begin_trailer(gzip);
	else if (step->last && step->in == step->in_end && got == 0 && step->out < step->out_end)
		return ends_early(step);
	return FLOW_OK;
}

/* Checks the check sum and the length of a member. */
static FlowStatus
read_trailer(Gzip *gzip, GzipStep *step)
{
	if (!collect(gzip, step, 8))
		return FLOW_OK;
	if (little_endian(gzip->bytes, 4) != gzip->crc ||
	    little_endian(gzip->bytes + 4, 4) != gzip->len)
		return damaged(step, "data that do not match its check sum or length");
	gzip->any_member = true;
	gzip->part = GZIP_FIXED;
	return FLOW_OK;
}

/* Reads the zeros with which tapes and some block devices pad files. */
static FlowStatus
read_padding(Gzip *gzip, GzipStep *step)
{
	(void) gzip;
	for (; step->in < step->in_end; step->in++)
		if (*step->in != 0)
			return other_data(step, 0);
	return FLOW_OK;
}

/* ---------- the codec ---------- */

static FlowStatus (*const read_part[])(Gzip *gzip,
                                       GzipStep *step) = {[GZIP_FIXED] = read_fixed,
                                                          [GZIP_EXTRA_LENGTH] = read_extra_length,
                                                          [GZIP_EXTRA] = read_extra,
                                                          [GZIP_NAME] = read_text,
                                                          [GZIP_COMMENT] = read_text,
                                                          [GZIP_HEADER_CRC] = read_header_crc,
                                                          [GZIP_BODY] = read_body,
                                                          [GZIP_TRAILER] = read_trailer,
                                                          [GZIP_PADDING] = read_padding};

/*
 * Processes one part, so that a file of empty members can be interrupted, too.
 */
static FlowStatus
gzip_step(void *state, const uint8_t **in, const uint8_t *in_end, bool last, uint8_t **out,
          uint8_t *out_end, uint64_t offset, FlowError *error)
{
	Gzip *gzip = state;
	GzipStep step = {*in, *in, in_end, offset, last, *out, out_end, error};
	FlowStatus status;

	/* process at most one block of either */
	if (in_end - *in > FLOW_BLOCK_SIZE)
	{
		step.in_end = *in + FLOW_BLOCK_SIZE;
		step.last = false;
	}
	if (out_end - *out > FLOW_BLOCK_SIZE)
		step.out_end = *out + FLOW_BLOCK_SIZE;

	/* the end of the data is valid only after a member or in the padding */
	if (step.last && step.in == step.in_end && gzip->part != GZIP_BODY)
	{
		if (gzip->part == GZIP_PADDING || (gzip->part == GZIP_FIXED && gzip->nbytes == 0))
			return FLOW_END;
		return ends_early(&step);
	}

	status = read_part[gzip->part](gzip, &step);
	*in = step.in;
	*out = step.out;
	return status;
}

static bool
gzip_recognizes(const uint8_t *data, size_t len)
{
	return len >= 2 && data[0] == 0x1F && data[1] == 0x8B;
}

static void
gzip_reset(void *state)
{
	Gzip *gzip = state;

	gzip->part = GZIP_FIXED;
	gzip->any_member = false;
	gzip->nbytes = 0;
	isal_inflate_init(&gzip->inflate);
	gzip->inflate.crc_flag = ISAL_DEFLATE;
}

static FlowStatus
gzip_create(const FlowHost *host, const FlowUnwrap *unwrap, void **state, FlowError *error)
{
	Gzip *gzip = flow_allocate(host, sizeof(Gzip));

	(void) unwrap;
	if (gzip == NULL)
		return flow_error_memory(error);
	gzip->host = host;
	gzip_reset(gzip);
	*state = gzip;
	return FLOW_OK;
}

static void
gzip_free(void *state)
{
	Gzip *gzip = state;

	flow_free(gzip->host, gzip);
}

uint32_t
flow_gzip_check_sum(const void *data, size_t len)
{
	return crc32_gzip_refl(0, data, len);
}

const FlowCodec flow_gzip_codec = {.name = "gzip",
                                   .suffix = ".gz",
                                   .recognizes = gzip_recognizes,
                                   .create = gzip_create,
                                   .free = gzip_free,
                                   .reset = gzip_reset,
                                   .step = gzip_step};
