/*-------------------------------------------------------------------------
 *
 * flowlog_s3.c
 *	  The entry point of the second module, which reads from S3 and is loaded
 *	  when that is first needed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "flow/flow.h"

/* as in fdw/common.h: the module is built with hidden symbols */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

PG_MODULE_MAGIC;

extern PGDLLEXPORT FlowStatus flowlog_s3_create(const FlowS3Spec *spec, FlowStore **store,
                                                FlowError *error);

/*
 * Creates a store: flow_s3_create, under a name that load_external_function
 * finds.
 */
FlowStatus
flowlog_s3_create(const FlowS3Spec *spec, FlowStore **store, FlowError *error)
{
	return flow_s3_create(spec, store, error);
}
