/*-------------------------------------------------------------------------
 *
 * heap_size.c
 *	  A SQL function that tells how much memory its backend holds, whoever took
 *	  it.
 *
 *		CREATE FUNCTION heap_size() RETURNS bigint LANGUAGE c AS
 *		'.../heap_size.so'
 *
 * That is what was taken from malloc() and not given back: memory contexts and
 * what libraries take for themselves.  The size of the process is no measure
 * of it, for the C library keeps what was given back, and returns it to the
 * system as it sees fit.
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
