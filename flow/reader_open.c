/*-------------------------------------------------------------------------
 *
 * reader_open.c
 *	  Opens files for the reader: those that it reads, or will read next.
 *
 *-------------------------------------------------------------------------
 */
#include "bytes/source.h"
#include "format.h"
#include "parquet/records.h"
#include "parquet_input.h"
#include "reader.h"

/* Opens an object as a source. */
FlowStatus
flow_reader_open_source(const FlowReader *reader, const FlowObject *object, FlowSource **source,
                        FlowError *error)
{
	const FlowReadSpec *spec = &reader->spec;
	const FlowUnwrap unwrap = {.max_line_length = spec->max_line_length,
	                           .keys = flow_format_keys(spec->format)};

	return flow_source_open(reader->host,
	                        object,
	                        &spec->access,
	                        spec->compression,
	                        flow_format_unwraps(spec->format) ? &unwrap : NULL,
	                        source,
	                        error);
}

/* Opens the source of a part's object as a Parquet file. */
FlowStatus
flow_reader_open_records(FlowReader *reader, const FlowPart *part, FlowSource *source,
                         FlowParquetRecords **records, bool *lacks_field, FlowError *error)
{
	const FlowObject *object = &reader->spec.objects->items[part->object];
	const FlowParquetSpec spec = {.host = reader->host,
	                              .columns = reader->columns,
	                              .ncolumns = reader->ncolumns,
	                              .input = flow_parquet_input(source, object),
	                              .start = part->start,
	                              .end = part->end,
	                              .serial = &reader->serial,
	                              .sample = reader->spec.sample,
	                              .number = part->object};

	return flow_parquet_records_open(&spec, records, lacks_field, error);
}
