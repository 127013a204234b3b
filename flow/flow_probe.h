/*-------------------------------------------------------------------------
 *
 * flow_probe.h
 *	  What the beginning of a file tells.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_PROBE_H
#define FLOW_API_PROBE_H

#include "flow_object.h"

/* in source.c */

/* Is that a compression's name, or "auto"? */
extern bool flow_source_knows_compression(const char *name);

/*
 * The compression that a file's name promises ("gzip" for ".gz"), else "none".
 */
extern const char *flow_source_compression_by_name(const char *path);

typedef enum FlowProbeFields
{
	FLOW_FIELDS_UNKNOWN,
	FLOW_FIELDS_OF_HEADER,
	FLOW_FIELDS_OF_LOG_FORMAT, /* no header */
	FLOW_FIELDS_OF_DEFAULT     /* no header, but a record of the default format */
} FlowProbeFields;

/* What the beginning of a file tells. */
typedef struct FlowProbe
{
	const char *compression; /* its name */
	const char *wrapper;     /* the name of what is round the records: "none" */
	bool timed;              /* it puts a time before each of them */
	FlowProbeFields source;
	const char **fields; /* their names, as the header spells them */
	int nfields;
} FlowProbe;

/* in probe.c */

/*
 * Opens a file and reads FLOW_PROBE_SIZE of its bytes at most.  "compression"
 * as in FlowReadSpec; "unwrap": as a table without a regular expression reads
 * it; "log_format": the format of files without header, or NULL.  The probe is
 * freed by flow_probe_free, also after an error.
 */
extern FlowStatus flow_object_probe(const FlowHost *host, const FlowObject *object,
                                    const FlowAccess *access, const char *compression, bool unwrap,
                                    const char *log_format, FlowProbe *probe, FlowError *error);
extern void flow_probe_free(const FlowHost *host, FlowProbe *probe);

#endif /* FLOW_API_PROBE_H */
