/*-------------------------------------------------------------------------
 *
 * bloom.c
 *	  Reads the bloom filter of a column chunk: BloomFilter.md in
 *	  apache/parquet-format.
 *
 * It is a header and blocks of eight words of 32 bits.  A value is hashed by
 * XXH64, as its bytes in PLAIN without a length.  The upper half of the hash
 * selects a block, the lower half a bit in each of its words.
 *
 *-------------------------------------------------------------------------
 */
#include "metadata.h"

#include <string.h>

#define MAX_SIZE (4 * 1024 * 1024) /* of a filter that is used */
#define BLOCK_SIZE 32
#define WORDS 8 /* of a block */

struct FlowParquetBloom
{
	uint64_t blocks;
	const uint8_t *bits;
	uint8_t bytes[]; /* of the file */
};

/* ---------- the hash: XXH64, doc/xxhash_spec.md in Cyan4973/xxHash ---------- */

#define PRIME1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME3 UINT64_C(0x165667B19E3779F9)
#define PRIME4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME5 UINT64_C(0x27D4EB2F165667C5)

static uint64_t
rotate(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static uint64_t
mix(uint64_t accumulator, uint64_t lane)
{
	return rotate(accumulator + lane * PRIME2, 31) * PRIME1;
}

static uint64_t
hash_bytes(const char *data, size_t len)
{
	const char *end = data + len;
	uint64_t hash = PRIME5 + len;

	/* stripes of four lanes */
	if (len >= 32)
	{
		uint64_t lanes[4] = {PRIME1 + PRIME2, PRIME2, 0, -PRIME1};

		for (; end - data >= 32; data += 32)
			for (int i = 0; i < 4; i++)
				lanes[i] = mix(lanes[i], flow_load_word(data + 8 * i));
		hash =
			rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
		for (int i = 0; i < 4; i++)
			hash = (hash ^ mix(0, lanes[i])) * PRIME1 + PRIME4;
		hash += len;
	}

	/* what is left of them */
	for (; end - data >= 8; data += 8)
		hash = rotate(hash ^ mix(0, flow_load_word(data)), 27) * PRIME1 + PRIME4;
	if (end - data >= 4)
	{
		hash = rotate(hash ^ flow_load_half(data) * PRIME1, 23) * PRIME2 + PRIME3;
		data += 4;
	}
	for (; data < end; data++)
		hash = rotate(hash ^ (uint8_t) *data * PRIME5, 11) * PRIME1;

	hash = (hash ^ hash >> 33) * PRIME2;
	hash = (hash ^ hash >> 29) * PRIME3;
	return hash ^ hash >> 32;
}

/* ---------- the filter ---------- */

/*
 * Reads a union whose one member is an empty struct.  Returns its field, or 0.
 */
static int
read_choice(FlowThrift *thrift)
{
	int choice = 0;

	if (thrift->type != FLOW_THRIFT_STRUCT)
	{
		flow_thrift_skip(thrift);
		return 0;
	}
	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
	{
		choice = thrift->field;
		flow_thrift_skip(thrift);
	}
	return choice;
}

/*
 * Reads a BloomFilterHeader.  Returns the bytes of the bits; 0: it is not
 * known.
 */
static uint64_t
read_header(FlowThrift *thrift)
{
	int64_t size = 0;
	int known = 0;

	flow_thrift_begin(thrift);
	while (flow_thrift_field(thrift))
		switch (thrift->field)
		{
			case 1:
				size = flow_thrift_optional_int64(thrift);
				break;
			case 2: /* the algorithm: blocks */
			case 3: /* the hash: XXH64 */
			case 4: /* the compression: none */
				known += read_choice(thrift) == 1;
				break;
			default:
				flow_thrift_skip(thrift);
		}
	return thrift->what == NULL && known == 3 && size > 0 && size % BLOCK_SIZE == 0
	           ? (uint64_t) size
	           : 0;
}

FlowStatus
flow_parquet_bloom_read(const FlowParquet *parquet, size_t group, size_t leaf,
                        FlowParquetBloom **bloom, FlowError *error)
{
	FlowParquetChunk chunk;
	FlowParquetBloom *made;
	FlowThrift thrift;
	FlowStatus status;
	uint64_t size;

	*bloom = NULL;
	flow_parquet_chunk(parquet, group, leaf, &chunk);
	if (chunk.bloom_size == 0 || chunk.bloom_size > MAX_SIZE)
		return FLOW_OK;
	made = flow_allocate(parquet->host, sizeof(FlowParquetBloom) + (size_t) chunk.bloom_size);
	if (made == NULL)
		return flow_error_memory(error);
	status = parquet->input.read(parquet->input.arg,
	                             chunk.bloom_offset,
	                             made->bytes,
	                             (size_t) chunk.bloom_size,
	                             error);
	if (status != FLOW_OK)
	{
		flow_free(parquet->host, made);
		return status;
	}

	flow_thrift_init(&thrift, parquet->host, made->bytes, (size_t) chunk.bloom_size);
	size = read_header(&thrift);
	if (size == 0 || size > (uint64_t) (thrift.end - thrift.at))
	{
		flow_free(parquet->host, made);
		return FLOW_OK;
	}
	made->blocks = size / BLOCK_SIZE;
	made->bits = thrift.at;
	*bloom = made;
	return FLOW_OK;
}

void
flow_parquet_bloom_free(const FlowHost *host, FlowParquetBloom *bloom)
{
	flow_free(host, bloom);
}

static bool
may_have(const FlowParquetBloom *bloom, uint64_t hash)
{
	static const uint32_t salts[WORDS] = {0x47b6137bU,
	                                      0x44974d91U,
	                                      0x8824ad5bU,
	                                      0xa2b7289dU,
	                                      0x705495c7U,
	                                      0x2df1424bU,
	                                      0x9efc4947U,
	                                      0x5c6bfb31U};
	const uint8_t *block = bloom->bits + ((hash >> 32) * bloom->blocks >> 32) * BLOCK_SIZE;

	for (int i = 0; i < WORDS; i++)
	{
		uint32_t bit = (uint32_t) hash * salts[i] >> 27;

		if ((flow_load_half((const char *) block + 4 * i) >> bit & 1) == 0)
			return false;
	}
	return true;
}

/* Looks for a value. */
bool
flow_parquet_bloom_may_have(const FlowParquetBloom *bloom, const FlowParquetLeaf *leaf,
                            const FlowParquetArray *values, size_t i)
{
	uint64_t bits;
	uint32_t half;
	float single;
	char bytes[8];

	if (leaf->form == FLOW_PARQUET_TEXTS)
		return may_have(bloom, hash_bytes(values->texts[i].data, values->texts[i].len));
	if (leaf->width != 32 && leaf->width != 64)
		return true;

	/* its bytes as they are stored, the lowest first */
	if (leaf->form == FLOW_PARQUET_NUMBERS)
		bits = (uint64_t) values->numbers[i];
	else if (leaf->width == 64)
		memcpy(&bits, &values->reals[i], sizeof(bits));
	else
	{
		single = (float) values->reals[i];
		memcpy(&half, &single, sizeof(half));
		bits = half;
	}
	for (int j = 0; j < 8; j++)
		bytes[j] = (char) (bits >> 8 * j);
	return may_have(bloom, hash_bytes(bytes, (size_t) leaf->width / 8));
}
