/*-------------------------------------------------------------------------
 *
 * flow_probe.h
 *	  Finds out what a file is from its beginning.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_PROBE_H
#define FLOW_API_PROBE_H

#include "flow_object.h"

/* in source.c */

/* Returns true for the name of a compression, and for "auto". */
extern bool flow_source_knows_compression(const char *name);

/*
 * Returns the compression that a file's name suggests ("gzip" for ".gz"), or
 * "none".
 */
extern const char *flow_source_compression_by_name(const char *path);

/* Returns true if a file's name suggests that it is a Parquet file. */
extern bool flow_source_is_parquet_by_name(const char *path);

typedef enum FlowProbeFields
{
	FLOW_FIELDS_UNKNOWN,
	FLOW_FIELDS_OF_HEADER,     /* or of a Parquet file's schema */
	FLOW_FIELDS_OF_LOG_FORMAT, /* no header */
	FLOW_FIELDS_OF_DEFAULT     /* no header, but a record of the default format */
} FlowProbeFields;

/* What the values of a field are, if the file says it. */
typedef enum FlowProbeKind
{
	FLOW_KIND_ANY, /* not known, or texts */
	FLOW_KIND_BOOLEAN,
	FLOW_KIND_INTEGER,  /* of at most 64 bits with the sign */
	FLOW_KIND_UNSIGNED, /* of 64 bits without one */
	FLOW_KIND_FLOAT,
	FLOW_KIND_DOUBLE,
	FLOW_KIND_DECIMAL,
	FLOW_KIND_DATE,
	FLOW_KIND_TIME /* date and time of day */
} FlowProbeKind;

/* A field that is in a file, but cannot be read. */
typedef struct FlowProbeRefused
{
	const char *name;
	const char *reason; /* to be said after "is": "a list" */
} FlowProbeRefused;

/* What the beginning of a file shows. */
typedef struct FlowProbe
{
	/* the names of the outermost compression, and of what is in it */
	const char *compression; /* "none", "gzip"; NULL: not known */
	const char *wrapper;     /* "none", "json", "parquet"; NULL: not known */
	bool unreadable;         /* the error is about the contents, not about access to them */
	bool timed;              /* the wrapper puts a time before each record */
	bool has_others;         /* JSON: records have members that no field is called */
	bool no_messages;        /* the first event has no message: it is no flow log's */
	int misfit; /* fields unknown: number of the field that does not fit, from 1, or 0 */
	FlowProbeFields source;
	const char **fields; /* their names, as the header spells them, in small letters */
	int nfields;
	const FlowProbeKind *kinds; /* of the fields' values; NULL: all are FLOW_KIND_ANY */
	const FlowProbeRefused *refused;
	int nrefused;
	uint64_t rows; /* of a Parquet file */
} FlowProbe;

/* in probe.c */

/*
 * Opens a file and reads at most FLOW_PROBE_SIZE of its bytes, and the footer
 * of a Parquet file.  "compression" is as in FlowReadSpec; "unwrap": read it
 * as a table without a regular expression does; "log_format": the format of
 * files without header, or NULL.  The probe is freed by flow_probe_free, also
 * after an error.  If the fields are not known, that is no error, but *error
 * says why, with the line or the field; its line is 0 if the beginning of the
 * file has none.
 */
extern FlowStatus flow_object_probe(const FlowHost *host, const FlowObject *object,
                                    const FlowAccess *access, const char *compression, bool unwrap,
                                    const char *log_format, FlowProbe *probe, FlowError *error);
extern void flow_probe_free(const FlowHost *host, FlowProbe *probe);

/*
 * Has a store fetch the beginnings of objects that will be probed in their
 * order, as far as it has room for them: from number *next on, which becomes
 * that of the first one that was not announced.  To be called before each is
 * probed.
 */
extern FlowStatus flow_probe_announce(const FlowAccess *access, const FlowObject *objects,
                                      size_t count, size_t *next, FlowError *error);

#endif /* FLOW_API_PROBE_H */
