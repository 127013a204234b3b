/*-------------------------------------------------------------------------
 *
 * index_block.c
 *	  Writes and reads blocks of an index: entries, in order of their keys, as
 *	  a stream of bits.
 *
 * A block begins with the number of its entries in two bytes, the low one
 * first.  Bits of a byte are taken from the lowest.  An entry is:
 *
 * 	key		after an IPv4 address: 0 and the difference to the next one, less
 * 			1; 10: the same key; 11: any other key.  After others: 1: the same
 * 			key; 0: any other key.  The first key is an "other" without a sign.
 * 			Other key: how many bytes it shares with the one before (7 bits),
 * 			the rest of a text's length (7 bits), the rest.
 * 	mask	0, 10, 110: one of the last three; 111: another one, less 1.
 * 	files	their number less 1, and then they
 *
 * Up to 7 files are the first one, as a difference to the base, and gaps.  More
 * begin with a bit.  0: the first one, 5 bits for k, and the gaps, each with its
 * upper bits in unary and k lower bits; with k = 0 that is a bitmap.  1: runs:
 * the first one, 5 bits for k, and, by turns, the lengths of runs and of the
 * gaps between them.
 *
 * Numbers are Exponential-Golomb codes: k lower bits, and the others as Elias'
 * gamma code.  Where k is not in the block it is estimated from the numbers
 * before, in the same way when writing and reading.  (18,000 random addresses,
 * each in one of 1,200 files, take 4.4 bytes each; whole bytes took 5.9.)
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#define HEAD_BITS 16
#define BLOCK_BITS ((size_t) FLOW_INDEX_BLOCK_SIZE * 8)

#define FEW_FILES 8 /* from this number of files on, a code is chosen */
#define MASK_BITS 2 /* k of masks */
#define K_BITS 5
#define K_MAX 31

#define LEN_BITS 7  /* of lengths of keys */
#define PUT_BITS 56 /* maximum bits of a number that is put */

/* estimates are in sixteenths of bits; a new number counts as one of sixteen */
#define ESTIMATE_ONE 16

static const FlowIndexModel first_model = {{1, 2, 3}, 18 * ESTIMATE_ONE, 10 * ESTIMATE_ONE};

/* ---------- the estimates ---------- */

static inline unsigned
bit_length(uint64_t number)
{
	return number == 0 ? 0 : 64 - (unsigned) __builtin_clzll(number);
}

static inline void
learn(uint32_t *estimate, uint64_t number)
{
	*estimate += bit_length(number) - *estimate / ESTIMATE_ONE;
}

/* Returns k for numbers whose mean has so many sixteenths of bits. */
static inline unsigned
estimated_k(uint32_t estimate)
{
	unsigned k = estimate < ESTIMATE_ONE ? 0 : (estimate - ESTIMATE_ONE / 2) / ESTIMATE_ONE;

	return k < K_MAX ? k : K_MAX;
}

/* Of the files of an entry that has few: the more there are, the smaller the gaps. */
static inline unsigned
files_k(const FlowIndexModel *model, size_t nfiles)
{
	unsigned k = estimated_k(model->file_bits);
	unsigned less = bit_length(nfiles);

	return k > less ? k - less : 0;
}

/* Of a number of files among all, the last one is about that part of the way. */
static inline void
learn_files(FlowIndexModel *model, uint64_t last, size_t nfiles)
{
	learn(&model->file_bits, last + last / nfiles);
}

/* Moves a mask to the front. */
static inline void
learn_mask(FlowIndexModel *model, uint32_t mask)
{
	if (model->masks[0] == mask)
		return;
	if (model->masks[1] != mask)
		model->masks[2] = model->masks[1];
	model->masks[1] = model->masks[0];
	model->masks[0] = mask;
}

/* ---------- writing bits ---------- */

static inline uint64_t
load_bits(const unsigned char *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

static inline void
store_bits(unsigned char *to, uint64_t word)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	memcpy(to, &word, sizeof(word));
}

/*
 * Writes the lowest "count" bits of a number, at most 56, which has no others.
 * Beyond the block's end it only counts.
 */
static inline void
put(FlowIndexWriter *writer, uint64_t number, unsigned count)
{
	unsigned shift = writer->bit % 8;

	if (flow_likely(writer->bit < BLOCK_BITS))
	{
		unsigned char *at = writer->bytes + writer->bit / 8;

		store_bits(at, (load_bits(at) & ((UINT64_C(1) << shift) - 1)) | number << shift);
	}
	writer->bit += count;
}

/* Writes a number of up to 32 bits as an Exponential-Golomb code. */
static inline void
put_number(FlowIndexWriter *writer, uint64_t number, unsigned k)
{
	uint64_t upper = (number >> k) + 1, lower = number & ((UINT64_C(1) << k) - 1);
	unsigned more = bit_length(upper) - 1;

	/* all at once, but for the longest */
	if (flow_likely(2 * more + 1 + k <= PUT_BITS))
	{
		upper = (upper << 1 | 1) & ((UINT64_C(1) << (more + 1)) - 1);
		put(writer, (upper | lower << (more + 1)) << more, 2 * more + 1 + k);
		return;
	}
	put(writer, UINT64_C(1) << more, more + 1);
	put(writer, upper & ((UINT64_C(1) << more) - 1), more);
	put(writer, lower, k);
}

/* Writes a number with its upper bits in unary. */
static inline void
put_unary(FlowIndexWriter *writer, uint64_t number, unsigned k)
{
	uint64_t zeros = number >> k;

	for (; zeros > 24 && writer->bit < BLOCK_BITS; zeros -= 24)
		put(writer, 0, 24);
	zeros = zeros > 24 ? 24 : zeros; /* beyond the end */
	put(writer,
	    (UINT64_C(1) | (number & ((UINT64_C(1) << k) - 1)) << 1) << zeros,
	    (unsigned) zeros + 1 + k);
}

/* ---------- writing keys and masks ---------- */

static void
put_other_key(FlowIndexWriter *writer, const FlowIndexKey *key)
{
	unsigned shared = 0;

	while (shared < writer->last.len && shared < key->len &&
	       writer->last.bytes[shared] == key->bytes[shared])
		shared++;
	if (writer->entries > 0)
		put(writer, shared, LEN_BITS);
	if (shared == 0)
		put(writer, key->bytes[0], 8);
	if (key->bytes[0] == FLOW_INDEX_TEXT)
		put(writer, key->len, LEN_BITS);
	for (unsigned i = shared > 0 ? shared : 1; i < key->len; i++)
		put(writer, key->bytes[i], 8);
}

static void
put_key(FlowIndexWriter *writer, const FlowIndexKey *key)
{
	bool after_ipv4 = writer->last.bytes[0] == FLOW_INDEX_IPV4;
	uint32_t difference;

	if (writer->entries == 0)
		put_other_key(writer, key);
	else if (flow_index_key_is(key, &writer->last))
		put(writer, 1, after_ipv4 ? 2 : 1);
	else if (after_ipv4 && key->bytes[0] == FLOW_INDEX_IPV4)
	{
		difference = flow_index_ipv4(key) - flow_index_ipv4(&writer->last) - 1;
		put(writer, 0, 1);
		put_number(writer, difference, estimated_k(writer->model.address_bits));
		learn(&writer->model.address_bits, difference);
	}
	else
	{
		put(writer, after_ipv4 ? 3 : 0, after_ipv4 ? 2 : 1);
		put_other_key(writer, key);
	}
}

static void
put_mask(FlowIndexWriter *writer, uint32_t mask)
{
	unsigned place = 0;

	while (place < 3 && writer->model.masks[place] != mask)
		place++;
	put(writer, (1u << place) - 1, place < 3 ? place + 1 : 3);
	if (place == 3)
		put_number(writer, mask - 1, MASK_BITS);
	learn_mask(&writer->model, mask);
}

/* ---------- writing files ---------- */

/* Returns the bits of the gaps between files with their upper bits in unary. */
static uint64_t
unary_bits(const uint32_t *files, size_t count, unsigned k)
{
	uint64_t bits = (count - 1) * (uint64_t) (k + 1);

	for (size_t i = 1; i < count; i++)
		bits += (files[i] - files[i - 1] - 1) >> k;
	return bits;
}

/* Sets *k to the one with which the gaps are shortest; returns their bits. */
static uint64_t
best_unary(const uint32_t *files, size_t count, unsigned *k)
{
	uint64_t mean = (files[count - 1] - files[0]) / count;
	uint64_t best;

	*k = mean == 0 ? 0 : bit_length(mean) - 1;
	best = unary_bits(files, count, *k);
	for (int step = -1; step <= 1; step += 2)
		while ((step > 0 || *k > 0) && *k < K_MAX)
		{
			uint64_t bits = unary_bits(files, count, *k + (unsigned) step);

			if (bits >= best)
				break;
			best = bits;
			*k += (unsigned) step;
		}
	return best;
}

/* Returns the number of files from the first one on that follow each other without a gap. */
static inline size_t
run_length(const uint32_t *files, size_t count)
{
	size_t length = 1;

	while (length < count && files[length] == files[0] + length)
		length++;
	return length;
}

/* Sets *k for the gaps between runs; returns about how many bits the runs take. */
static uint64_t
runs_bits(const uint32_t *files, size_t count, unsigned *k)
{
	uint64_t gaps = 0, runs = 0, bits = 0;

	for (size_t i = 0; i < count;)
	{
		size_t length = run_length(files + i, count - i);

		bits += 2 * bit_length(length) - 1;
		i += length;
		if (i < count)
			gaps += files[i] - files[i - 1] - 2;
		runs++;
	}
	*k = gaps < runs ? 0 : bit_length(gaps / runs) - 1;
	return bits + (runs - 1) * (*k + 2);
}

static void
put_runs(FlowIndexWriter *writer, const uint32_t *files, size_t count, unsigned k)
{
	for (size_t i = 0; i < count && writer->bit <= BLOCK_BITS;)
	{
		size_t length = run_length(files + i, count - i);

		put_number(writer, length - 1, 0);
		i += length;
		if (i < count)
			put_number(writer, files[i] - files[i - 1] - 2, k);
	}
}

static void
put_many_files(FlowIndexWriter *writer, const uint32_t *files, size_t count)
{
	unsigned unary_k, runs_k;
	bool runs = runs_bits(files, count, &runs_k) < best_unary(files, count, &unary_k);

	put(writer, runs, 1);
	put_number(writer, files[0] - writer->base, estimated_k(writer->model.file_bits));
	put(writer, runs ? runs_k : unary_k, K_BITS);
	if (runs)
		put_runs(writer, files, count, runs_k);
	else
		for (size_t i = 1; i < count && writer->bit <= BLOCK_BITS; i++)
			put_unary(writer, files[i] - files[i - 1] - 1, unary_k);
}

static void
put_files(FlowIndexWriter *writer, const uint32_t *files, size_t count)
{
	unsigned k;

	put_number(writer, count - 1, 0);
	if (count >= FEW_FILES)
	{
		put_many_files(writer, files, count);
		return;
	}
	k = files_k(&writer->model, count);
	put_number(writer, files[0] - writer->base, k);
	for (size_t i = 1; i < count; i++)
		put_number(writer, files[i] - files[i - 1] - 1, k);
	learn_files(&writer->model, files[count - 1] - writer->base, count);
}

/* ---------- writing ---------- */

/* Begins a block. */
void
flow_index_write_begin(FlowIndexWriter *writer, uint32_t base)
{
	writer->base = base;
	writer->first.len = writer->last.len = 0;
	writer->last.bytes[0] = 0;
	writer->model = first_model;
	writer->entries = 0;
	writer->bit = HEAD_BITS;
	writer->len = 0;
}

/* Adds an entry of so many files, or nothing if there is no room for all of it. */
static bool
write_files(FlowIndexWriter *writer, const FlowIndexEntry *entry, size_t from, size_t count)
{
	FlowIndexModel model = writer->model;
	size_t bit = writer->bit;

	put_key(writer, &entry->key);
	put_mask(writer, entry->mask);
	put_files(writer, entry->files + from, count);
	if (writer->bit <= BLOCK_BITS)
		return true;
	writer->model = model;
	writer->bit = bit;
	return false;
}

/* Ends the block after the entry that was written. */
static void
end_entry(FlowIndexWriter *writer, const FlowIndexKey *key)
{
	unsigned used = writer->bit % 8;

	if (writer->entries++ == 0)
		writer->first = *key;
	writer->last = *key;
	writer->bytes[0] = (unsigned char) writer->entries;
	writer->bytes[1] = (unsigned char) (writer->entries >> 8);
	if (used != 0)
		writer->bytes[writer->bit / 8] &= (unsigned char) ((1u << used) - 1);
	writer->len = (writer->bit + 7) / 8;
}

/* Adds an entry, as many of its files as there is room for. */
void
flow_index_write(FlowIndexWriter *writer, const FlowIndexEntry *entry, size_t *done)
{
	size_t left = entry->nfiles - *done;
	size_t fits, most;

	while (left > 0)
	{
		fits = left < FLOW_INDEX_ENTRY_FILES ? left : FLOW_INDEX_ENTRY_FILES;
		if (!write_files(writer, entry, *done, fits))
			break;
		end_entry(writer, &entry->key);
		*done += fits;
		left -= fits;
	}

	/* of the others, find how many fit */
	fits = 0;
	most = left < FLOW_INDEX_ENTRY_FILES ? left : FLOW_INDEX_ENTRY_FILES;
	while (left > 0 && most - fits > 1)
	{
		FlowIndexModel model = writer->model;
		size_t bit = writer->bit;
		size_t middle = fits + (most - fits) / 2;
		bool fit = write_files(writer, entry, *done, middle);

		writer->model = model;
		writer->bit = bit;
		if (fit)
			fits = middle;
		else
			most = middle;
	}
	if (fits > 0 && write_files(writer, entry, *done, fits))
	{
		end_entry(writer, &entry->key);
		*done += fits;
	}
}

/* ---------- reading bits ---------- */

/* Returns at least 57 bits from where the cursor is; those beyond the end are 0. */
static inline uint64_t
peek(const FlowIndexCursor *cursor)
{
	size_t byte = cursor->bit / 8;
	uint64_t word = 0;

	if (flow_likely(byte + 8 <= cursor->len))
		word = load_bits(cursor->block + byte);
	else
		for (unsigned shift = 0; byte < cursor->len; byte++, shift += 8)
			word |= (uint64_t) cursor->block[byte] << shift;
	return word >> cursor->bit % 8;
}

/* Reads up to 56 bits. */
static inline uint64_t
get(FlowIndexCursor *cursor, unsigned count)
{
	uint64_t word = peek(cursor);

	cursor->bit += count;
	return word & ((UINT64_C(1) << count) - 1);
}

/* Makes the block corrupt: the cursor is beyond its end. */
static inline void
fail(FlowIndexCursor *cursor)
{
	cursor->bit = SIZE_MAX / 2;
}

static inline bool
failed(const FlowIndexCursor *cursor)
{
	return cursor->bit > cursor->len * 8;
}

/* Reads what put_number has written; a greater number is an error. */
static inline uint64_t
get_number(FlowIndexCursor *cursor, unsigned k)
{
	uint64_t word = peek(cursor);
	unsigned more = word == 0 ? 64 : (unsigned) __builtin_ctzll(word);
	uint64_t upper;

	if (flow_unlikely(more > 32))
	{
		fail(cursor);
		return 0;
	}
	cursor->bit += more + 1;
	upper = (get(cursor, more) | UINT64_C(1) << more) - 1;
	if (flow_unlikely(upper > UINT32_MAX >> k))
	{
		fail(cursor);
		return 0;
	}
	return upper << k | get(cursor, k);
}

static inline uint64_t
get_unary(FlowIndexCursor *cursor, unsigned k)
{
	uint64_t zeros = 0;
	uint64_t word = peek(cursor);

	while (flow_unlikely((word & ((UINT64_C(1) << 24) - 1)) == 0))
	{
		cursor->bit += 24;
		zeros += 24;
		if (failed(cursor))
			return 0;
		word = peek(cursor);
	}
	zeros += (unsigned) __builtin_ctzll(word);
	cursor->bit += (unsigned) __builtin_ctzll(word) + 1;
	return zeros << k | get(cursor, k);
}

/* ---------- reading keys and masks ---------- */

/* Reads a key that is not the one before; it is to be checked against that. */
static void
get_other_key(FlowIndexCursor *cursor, FlowIndexKey *key)
{
	bool first = cursor->last.len == 0;
	size_t shared = first ? 0 : get(cursor, LEN_BITS);
	unsigned kind;
	size_t len;

	if (shared > cursor->last.len)
	{
		fail(cursor);
		return;
	}
	kind = shared == 0 ? (unsigned) get(cursor, 8) : cursor->last.bytes[0];
	len = flow_index_kind_size(kind);
	if (kind == FLOW_INDEX_TEXT)
		len = get(cursor, LEN_BITS);
	if (len == 0 || len > FLOW_INDEX_KEY_SIZE || shared > len)
	{
		fail(cursor);
		return;
	}
	memcpy(key->bytes, cursor->last.bytes, shared);
	key->bytes[0] = (unsigned char) kind;
	for (size_t i = shared > 0 ? shared : 1; i < len; i++)
		key->bytes[i] = (unsigned char) get(cursor, 8);
	key->len = (uint8_t) len;
	if (!first && flow_index_key_compare(key, &cursor->last) <= 0)
		fail(cursor);
}

static void
get_key(FlowIndexCursor *cursor, FlowIndexKey *key)
{
	bool first = cursor->last.len == 0;
	bool after_ipv4 = !first && cursor->last.bytes[0] == FLOW_INDEX_IPV4;
	bool sign = !first && get(cursor, 1) != 0;
	uint64_t address;

	if (after_ipv4 && !sign)
	{
		uint64_t difference = get_number(cursor, estimated_k(cursor->model.address_bits));

		learn(&cursor->model.address_bits, difference);
		address = flow_index_ipv4(&cursor->last) + difference + 1;
		flow_index_set_key(key, FLOW_INDEX_IPV4, 0, address);
		if (address > UINT32_MAX)
			fail(cursor);
	}
	else if (sign && !(after_ipv4 && get(cursor, 1) != 0))
		*key = cursor->last;
	else
		get_other_key(cursor, key);
}

static uint32_t
get_mask(FlowIndexCursor *cursor)
{
	unsigned place = 0;
	uint64_t mask;

	while (place < 3 && get(cursor, 1) != 0)
		place++;
	mask = place < 3 ? cursor->model.masks[place] : get_number(cursor, MASK_BITS) + 1;
	if (mask > UINT32_MAX)
		fail(cursor);
	learn_mask(&cursor->model, (uint32_t) mask);
	return (uint32_t) mask;
}

/* ---------- reading files ---------- */

/* Adds a file; returns the number that would follow it. */
static inline uint64_t
add_file(FlowIndexCursor *cursor, size_t i, uint64_t file)
{
	cursor->files[i] = (uint32_t) file;
	if (flow_unlikely(file > UINT32_MAX))
		fail(cursor);
	return file + 1;
}

static void
get_runs(FlowIndexCursor *cursor, size_t count, uint64_t file, unsigned k)
{
	for (size_t i = 0; i < count && !failed(cursor);)
	{
		uint64_t length = get_number(cursor, 0) + 1;

		if (length > count - i || file + length - 1 > UINT32_MAX)
		{
			fail(cursor);
			return;
		}
		while (length-- > 0)
			cursor->files[i++] = (uint32_t) file++;
		if (i < count)
			file += get_number(cursor, k) + 1;
	}
}

static void
get_many_files(FlowIndexCursor *cursor, size_t count)
{
	bool runs = get(cursor, 1) != 0;
	uint64_t file = cursor->base + get_number(cursor, estimated_k(cursor->model.file_bits));
	unsigned k = (unsigned) get(cursor, K_BITS);

	if (runs)
	{
		get_runs(cursor, count, file, k);
		return;
	}
	file = add_file(cursor, 0, file);
	for (size_t i = 1; i < count && !failed(cursor); i++)
		file = add_file(cursor, i, file + get_unary(cursor, k));
}

static size_t
get_files(FlowIndexCursor *cursor)
{
	uint64_t count = get_number(cursor, 0) + 1;
	uint64_t file;
	unsigned k;

	if (count > FLOW_INDEX_ENTRY_FILES)
	{
		fail(cursor);
		return 0;
	}
	if (count >= FEW_FILES)
	{
		get_many_files(cursor, count);
		return count;
	}
	k = files_k(&cursor->model, count);
	file = cursor->base;
	for (size_t i = 0; i < count; i++)
		file = add_file(cursor, i, file + get_number(cursor, k));
	learn_files(&cursor->model, cursor->files[count - 1] - cursor->base, count);
	return count;
}

/* ---------- reading ---------- */

/* Begins to read a block. */
void
flow_index_read_begin(FlowIndexCursor *cursor, const void *block, size_t len, uint32_t base,
                      uint32_t *files)
{
	*cursor = (FlowIndexCursor) {.block = block,
	                             .len = len,
	                             .base = base,
	                             .model = first_model,
	                             .files = files};
	if (len > 0)
		cursor->entries = get(cursor, HEAD_BITS);
}

/* Reads the next entry. */
FlowStatus
flow_index_read(FlowIndexCursor *cursor, FlowIndexEntry *entry)
{
	if (failed(cursor))
		return FLOW_CORRUPT;
	if (cursor->entries == 0)
		return cursor->len * 8 - cursor->bit < 8 ? FLOW_END : FLOW_CORRUPT;
	get_key(cursor, &entry->key);
	if (failed(cursor))
		return FLOW_CORRUPT;
	entry->mask = get_mask(cursor);
	entry->nfiles = get_files(cursor);
	entry->files = cursor->files;
	if (failed(cursor))
		return FLOW_CORRUPT;
	cursor->last = entry->key;
	cursor->entries--;
	return FLOW_OK;
}
