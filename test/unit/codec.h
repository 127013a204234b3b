/*-------------------------------------------------------------------------
 *
 * codec.h
 *	  Decompresses with a codec, in pieces of any size; for the tests and
 *	  fuzzers of compressions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef CODEC_H
#define CODEC_H

#include "../../flow/bytes/source.h"
#include "unit.h"

static uint64_t codec_seed = 88172645463325252;

/* ---------- bytes that grow ---------- */

typedef struct Bytes
{
	uint8_t *data;
	size_t len, size;
} Bytes;

static inline void
put(Bytes *bytes, const void *data, size_t len)
{
	if (bytes->len + len > bytes->size)
	{
		bytes->size = 2 * (bytes->len + len) + 64;
		bytes->data = realloc(bytes->data, bytes->size);
	}
	if (len > 0)
		memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
}

static inline size_t
random_below(size_t limit)
{
	return (size_t) (unit_random(&codec_seed) % limit);
}

/* Returns a random size.  Small numbers are more frequent. */
static inline size_t
random_size(int max_bits)
{
	return random_below((size_t) 1 << random_below((size_t) max_bits + 1));
}

/* Appends text with repetitions, like a log. */
static inline void
put_text(Bytes *bytes, size_t len)
{
	for (size_t end = bytes->len + len; bytes->len < end;)
	{
		char word[24];
		size_t n = (size_t)
			snprintf(word, sizeof(word), "%zu.%zu ", random_below(4) * 10, random_below(300));

		put(bytes, word, n < end - bytes->len ? n : end - bytes->len);
	}
}

/* ---------- reading them ---------- */

/* Returns a buffer that ends where writable memory ends. */
static inline uint8_t *
output_edge(size_t len)
{
	static uint8_t *map;
	size_t page = (size_t) sysconf(_SC_PAGESIZE), size = (size_t) 4 << 20;

	if (map == NULL)
	{
		map = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mprotect(map + size, page, PROT_NONE);
	}
	return map + size - len;
}

/*
 * Decompresses with a codec, in pieces of at most the given sizes.  "vary": of
 * random sizes up to these.
 */
static inline FlowStatus
decode_for(const FlowHost *host, const FlowCodec *codec, const uint8_t *in, size_t len,
           size_t most_in, size_t most_out, bool vary, Bytes *out, FlowError *error)
{
	/* a reader gives no empty pieces; libzstd reports several of them as an error */
	size_t least = codec == &flow_zstd_codec;
	FlowStatus status;
	size_t done = 0;
	void *state;

	out->len = 0;
	status = codec->create(host, NULL, &state, error);
	if (status != FLOW_OK)
		return status;
	while (status == FLOW_OK)
	{
		size_t n = vary ? least + random_below(most_in + 1 - least) : most_in;
		const uint8_t *p, *end;

		n = n < len - done ? n : len - done;
		p = (const uint8_t *) unit_at_edge(n > 0 ? in + done : (const uint8_t *) "", n);
		end = p + n;
		do
		{
			size_t room = vary ? 1 + random_below(most_out) : most_out;
			uint8_t *start = output_edge(room), *next = start;
			const uint8_t *before = p;

			status = codec->step(state,
			                     &p,
			                     end,
			                     done + n == len,
			                     &next,
			                     start + room,
			                     done + n - (size_t) (end - p),
			                     error);
			CHECK(p >= before && p <= end && next >= start && next <= start + room);
			CHECK((size_t) (next - start) <= FLOW_BLOCK_SIZE &&
			      (size_t) (p - before) <= FLOW_BLOCK_SIZE);
			put(out, start, (size_t) (next - start));
			if (unit_complaints > 0)
				status = FLOW_INTERRUPTED;
		} while (status == FLOW_OK && (p < end || done + n == len));
		done += n;
	}
	codec->free(state);
	if (status != FLOW_END)
		CHECK_INT(error->status, status);
	return status;
}

static inline FlowStatus
decode_with(const FlowCodec *codec, const uint8_t *in, size_t len, size_t most_in, size_t most_out,
            bool vary, Bytes *out, FlowError *error)
{
	return decode_for(&unit_host, codec, in, len, most_in, most_out, vary, out, error);
}

static inline FlowStatus
decode(const FlowCodec *codec, const uint8_t *in, size_t len, Bytes *out, FlowError *error)
{
	return decode_with(codec, in, len, 1 + random_size(16), 1 + random_size(16), true, out, error);
}

/*
 * Decompresses into a buffer of *out_len bytes, for fuzzers.  Returns FLOW_OK
 * if it is full.
 */
static inline FlowStatus
decode_into(const FlowCodec *codec, const uint8_t *in, size_t len, size_t most_in, size_t most_out,
            uint8_t *out, size_t *out_len)
{
	FlowError error;
	FlowStatus status = FLOW_OK;
	size_t done = 0, made = 0;
	void *state;

	if (codec->create(&unit_host, NULL, &state, &error) != FLOW_OK)
		abort();
	while (status == FLOW_OK && made < *out_len)
	{
		size_t n = most_in < len - done ? most_in : len - done;
		const uint8_t *p = in + done, *end = p + n;

		done += n;
		do
		{
			size_t room = most_out < *out_len - made ? most_out : *out_len - made;
			uint8_t *next = out + made;

			status = codec->step(
				state, &p, end, done == len, &next, next + room, done - (size_t) (end - p), &error);
			made = (size_t) (next - out);
		} while (status == FLOW_OK && (p < end || done == len) && made < *out_len);
	}
	codec->free(state);
	*out_len = made;
	return status;
}

/* maximum output that fuzzers compare */
#define FUZZED_MOST (1 << 20)

/*
 * Decompresses what a fuzzer gives, of which the first two bytes determine the
 * sizes of the pieces, into "out" of FUZZED_MOST bytes.  Returns false if there
 * is nothing to compare: too few data, or too many.
 */
static inline bool
decode_fuzzed(const FlowCodec *codec, const uint8_t *data, size_t size, uint8_t *out,
              size_t *out_len, FlowStatus *status)
{
	if (size < 2)
		return false;
	*out_len = FUZZED_MOST;
	*status = decode_into(
		codec, data + 2, size - 2, 1 + data[0] * data[0], 1 + data[1] * data[1], out, out_len);
	if (*out_len == FUZZED_MOST)
		return false;
	if (*status == FLOW_OK)
		abort();
	return true;
}

/* ---------- what holds for each compression ---------- */

/* Begins with each part of the data, which hold "text", and then with all of them. */
static inline void
check_reuse(const FlowCodec *codec, const Bytes *stored)
{
	uint8_t out[100];
	FlowError error;
	void *state;

	CHECK_INT(codec->create(&unit_host, NULL, &state, &error), FLOW_OK);
	for (size_t cut = 1; cut < stored->len && unit_complaints == 0; cut++)
	{
		const uint8_t *in = stored->data, *in_end = in + cut;
		uint8_t *next = out;
		FlowStatus status = FLOW_OK;

		/* a part, then all */
		while (in < in_end)
			CHECK_INT(codec->step(state, &in, in_end, false, &next, out + 100, 0, &error), FLOW_OK);
		codec->reset(state);
		in = stored->data, in_end = in + stored->len, next = out;
		while (status == FLOW_OK)
			status = codec->step(state, &in, in_end, true, &next, out + 100, 0, &error);
		CHECK_INT(status, FLOW_END);
		CHECK(next == out + 4 && memcmp(out, "text", 4) == 0);
		codec->reset(state);
	}
	codec->free(state);
}

/*
 * Cuts the data at every length.  "ends" are those at which they may end, with
 * the number of bytes of the text that they hold then.
 */
static inline void
check_cuts(const FlowCodec *codec, const Bytes *stored, const Bytes *text, const size_t ends[][2],
           size_t nends, const char *message)
{
	Bytes got = {0};
	FlowError error;

	for (size_t len = 1; len < stored->len && unit_complaints == 0; len++)
	{
		size_t i = 0;
		char detail[100];

		while (i < nends && ends[i][0] != len)
			i++;
		CHECK_INT(decode(codec, stored->data, len, &got, &error),
		          i < nends ? FLOW_END : FLOW_CORRUPT);
		CHECK(got.len <= text->len && (got.len == 0 || memcmp(got.data, text->data, got.len) == 0));
		if (i < nends)
			CHECK_INT(got.len, ends[i][1]);
		else
		{
			CHECK_STRING(error.message, message);
			snprintf(detail, sizeof(detail), "The file ends after %zu bytes.", len);
			CHECK_STRING(error.detail, detail);
		}
	}
	free(got.data);
}

/* Flips each bit: the result is the text, or an error, and never other data. */
static inline void
check_flips(const FlowCodec *codec, Bytes *stored, const Bytes *text)
{
	Bytes got = {0};
	FlowError error;

	for (size_t bit = 0; bit < 8 * stored->len && unit_complaints == 0; bit++)
	{
		FlowStatus status;

		stored->data[bit / 8] ^= (uint8_t) (1 << bit % 8);
		status =
			decode_with(codec, stored->data, stored->len, stored->len, 65536, false, &got, &error);
		stored->data[bit / 8] ^= (uint8_t) (1 << bit % 8);
		if (status == FLOW_END)
			CHECK(got.len == text->len && memcmp(got.data, text->data, text->len) == 0);
		else
			CHECK(status == FLOW_CORRUPT || status == FLOW_LIMIT || status == FLOW_UNSUPPORTED);
	}
	free(got.data);
}

/* Lets each allocation fail.  Returns their number. */
static inline int
check_memory(const FlowCodec *codec, const Bytes *stored, const Bytes *text)
{
	Bytes got = {0};
	FlowError error;
	int failures = 0;

	for (int64_t after = 0;; after++)
	{
		FlowStatus status;

		unit_state.fail_after = after;
		status = decode_with(
			codec, stored->data, stored->len, 65536, FLOW_BLOCK_SIZE, false, &got, &error);
		unit_state.fail_after = -1;
		CHECK_INT(unit_state.outstanding, 0);
		if (status == FLOW_END)
			break;
		CHECK_INT(status, FLOW_NO_MEMORY);
		if (status != FLOW_NO_MEMORY)
			break;
		failures++;
	}
	CHECK(got.len == text->len && memcmp(got.data, text->data, text->len) == 0);
	free(got.data);
	return failures;
}

#endif /* CODEC_H */
