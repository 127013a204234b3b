/*-------------------------------------------------------------------------
 *
 * parquet_input.h
 *	  Opens a source as a Parquet file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_PARQUET_INPUT_H
#define FLOW_PARQUET_INPUT_H

#include "bytes/source.h"
#include "parquet/parquet.h"

/* Returns an object's source as the input of a Parquet file. */
extern FlowParquetInput flow_parquet_input(FlowSource *source, const FlowObject *object);

#endif /* FLOW_PARQUET_INPUT_H */
