/*-------------------------------------------------------------------------
 *
 * parquet_input.c
 *	  Opens a source as a Parquet file.
 *
 *-------------------------------------------------------------------------
 */
#include "parquet_input.h"

/* FlowParquetInput's read */
static FlowStatus
read_range(void *source, uint64_t offset, void *buffer, size_t len, FlowError *error)
{
	return flow_source_read_range(source, offset, buffer, len, error);
}

FlowParquetInput
flow_parquet_input(FlowSource *source, const FlowObject *object)
{
	return (FlowParquetInput) {source, read_range, object->size, flow_source_tail_size(source)};
}
