/*-------------------------------------------------------------------------
 *
 * group_rows.c
 *	  The memory of packed rows.
 *
 * Rows are in chunks, which are parts of slabs: large ones for large pages,
 * while a list of rows takes no more memory than a chunk beyond its rows.
 *
 *-------------------------------------------------------------------------
 */
#include "group.h"

#include <string.h>

/* A cache line before each chunk, for the next one in a list. */
#define HEAD_SIZE FLOW_CACHE_LINE

/* Sizes of chunks; many lists have one that is filled in part. */
#define MIN_CHUNK ((size_t) 4 * 1024)
#define MAX_CHUNK ((size_t) 64 * 1024)
#define CHUNKS_IN_MEMORY 512

void
flow_rows_lay_out(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;
	size_t size = groups->spec.memory / CHUNKS_IN_MEMORY;

	size = size < MIN_CHUNK ? MIN_CHUNK : size > MAX_CHUNK ? MAX_CHUNK : size;
	while (packed->row_size << (packed->row_bits + 1) <= size)
		packed->row_bits++;
	size = (packed->row_size << packed->row_bits) + HEAD_SIZE;
	packed->chunk_stride = (size + FLOW_CACHE_LINE - 1) / FLOW_CACHE_LINE * FLOW_CACHE_LINE;
	packed->slab_chunks = groups->chunk_size / packed->chunk_stride;
	if (packed->slab_chunks == 0)
		packed->slab_chunks = 1;
	packed->slab_size = packed->slab_chunks * packed->chunk_stride + FLOW_CACHE_LINE;
}

/* Doubles a list of pointers, of which "count" are used. */
static FlowStatus
grow_list(FlowGroups *groups, char ***list, size_t *most, size_t count)
{
	size_t more = *most == 0 ? 64 : *most * 2;
	void *memory;
	FlowStatus status = flow_group_take_memory(groups, more * sizeof(char *), &memory);

	if (status != FLOW_OK)
		return status;
	if (count > 0)
		memcpy(memory, *list, count * sizeof(char *));
	flow_free(groups->spec.host, *list);
	groups->used -= *most * sizeof(char *);
	*list = memory;
	*most = more;
	return FLOW_OK;
}

static FlowStatus
add_slab(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;
	void *memory;
	FlowStatus status = FLOW_OK;

	if (packed->nslabs == packed->max_slabs)
		status = grow_list(groups, &packed->slabs, &packed->max_slabs, packed->nslabs);
	if (status == FLOW_OK)
		status = flow_group_take_memory(groups, packed->slab_size, &memory);
	if (status == FLOW_OK)
		packed->slabs[packed->nslabs++] = memory;
	return status;
}

/* Returns a chunk of the slabs, by its number. */
static char *
chunk_of_slabs(const FlowPacked *packed, size_t number)
{
	uintptr_t first = (uintptr_t) packed->slabs[number / packed->slab_chunks];

	first = (first + FLOW_CACHE_LINE - 1) / FLOW_CACHE_LINE * FLOW_CACHE_LINE + HEAD_SIZE;
	return (char *) first + number % packed->slab_chunks * packed->chunk_stride;
}

FlowStatus
flow_rows_take(FlowGroups *groups, char **chunk)
{
	FlowPacked *packed = groups->packed;

	if (packed->ngiven > packed->nkept)
	{
		*chunk = packed->given;
		packed->given = *flow_rows_link(*chunk);
		packed->ngiven--;
		return FLOW_OK;
	}
	if (packed->ncut == packed->nslabs * packed->slab_chunks)
	{
		FlowStatus status = add_slab(groups);

		if (status != FLOW_OK)
			return status;
	}
	*chunk = chunk_of_slabs(packed, packed->ncut++);
	return FLOW_OK;
}

void
flow_rows_give(FlowPacked *packed, char *chunk)
{
	*flow_rows_link(chunk) = packed->given;
	packed->given = chunk;
	packed->ngiven++;
}

FlowStatus
flow_rows_have(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;
	char *chunk;
	FlowStatus status = FLOW_OK;

	if (flow_likely(packed->count < packed->nchunks << packed->row_bits))
		return FLOW_OK;
	if (packed->nchunks == packed->max_chunks)
		status = grow_list(groups, &packed->chunks, &packed->max_chunks, packed->nchunks);
	if (status == FLOW_OK)
		status = flow_rows_take(groups, &chunk);
	if (status == FLOW_OK)
		packed->chunks[packed->nchunks++] = chunk;
	return status;
}

void
flow_rows_trim(FlowPacked *packed)
{
	while (packed->nchunks > 0 && packed->count <= (packed->nchunks - 1) << packed->row_bits)
	{
		char *chunk = packed->chunks[--packed->nchunks];

		if (chunk == chunk_of_slabs(packed, packed->ncut - 1))
			packed->ncut--;
		else
			flow_rows_give(packed, chunk);
	}
}

void
flow_rows_clear(FlowPacked *packed)
{
	packed->nchunks = packed->ncut = packed->ngiven = packed->nkept = 0;
	packed->given = NULL;
}

void
flow_rows_free(FlowGroups *groups)
{
	FlowPacked *packed = groups->packed;

	for (size_t i = 0; i < packed->nslabs; i++)
		flow_free(groups->spec.host, packed->slabs[i]);
	flow_free(groups->spec.host, packed->slabs);
	flow_free(groups->spec.host, packed->chunks);
}
