/*-------------------------------------------------------------------------
 *
 * heap_size.c
 *	  A SQL function that returns how much memory its backend has allocated,
 *	  including libraries.
 *
 * 	CREATE FUNCTION heap_size() RETURNS bigint LANGUAGE c AS
 * 	'.../heap_size.so'
 *
 * This is the memory that was allocated by malloc() and not freed: memory
 * contexts and the memory of libraries.  The size of the process does not show
 * it, because the C library keeps freed memory and returns it to the system at
 * its own discretion.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include <malloc.h>

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(heap_size);

Datum
heap_size(PG_FUNCTION_ARGS)
{
	struct mallinfo2 info = mallinfo2();

	PG_RETURN_INT64((int64) (info.uordblks + info.hblkhd));
}
