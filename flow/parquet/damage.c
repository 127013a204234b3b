/*-------------------------------------------------------------------------
 *
 * damage.c
 *	  What can be wrong with a Parquet file, as a FlowError.
 *
 *-------------------------------------------------------------------------
 */
#include "encoding.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

const char flow_wrong_memory[] = "no memory";
const char flow_wrong_interrupted[] = "an interrupt";
const char flow_wrong_limit[] = "texts that are too long";

/* Fills an error for a damaged file. */
FlowStatus
flow_parquet_damaged(FlowError *error, uint64_t offset, const char *format, ...)
{
	char what[400];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);

	flow_error_set(error, FLOW_CORRUPT, "is damaged");
	flow_error_detail(error, "%s, at byte %" PRIu64 ".", what, offset);
	return FLOW_CORRUPT;
}
