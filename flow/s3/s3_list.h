/*-------------------------------------------------------------------------
 *
 * s3_list.h
 *	  Listings of a bucket, as the files share them that list and that pass a
 *	  listing to another process.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_S3_LIST_H
#define FLOW_S3_LIST_H

#include "location_match.h"
#include "objects.h"
#include "s3_store.h"

#define FLOW_S3_FETCHES 16 /* the most prefixes that are listed at a time */

/* Keys to be listed: those that begin with a prefix. */
typedef struct FlowS3Prefix
{
	struct FlowS3Prefix *next;
	FlowSegments segments; /* that the names after it may match */
	bool exact;            /* only the object with this key */
	bool flat;             /* lists all levels at once */
	char *token;           /* to continue; NULL: from the beginning */
	char *last;            /* last item of the pages before; NULL: none */
	/*
	 * the pages before that had no items, and the token of one of them; this
	 * is not passed to another process, as nobody stops before an item is found
	 */
	uint32_t empty_pages;
	char *mark;
	char key[];
} FlowS3Prefix;

typedef struct FlowS3Fetch FlowS3Fetch; /* a page that was requested */

struct FlowS3Listing
{
	FlowS3 *s3;
	FlowS3Listing *next;
	const FlowLocation *location;
	const FlowPruner *pruner;
	bool has_variables;
	FlowS3Prefix *waiting;
	FlowS3Fetch *fetches[FLOW_S3_FETCHES];
	int nfetches;
	uint32_t pages; /* that were listed */
	bool found;     /* true if the store has returned any object */
	bool ending;    /* true if no more pages are to be requested */
	FlowObjects *objects;
	FlowPathValue values[FLOW_MAX_VARIABLES];
	char path[1200]; /* of an object or a directory */
};

/* ---------- s3_list.c ---------- */

/* Makes a listing without prefixes.  flow_s3_end_list ends it. */
extern FlowStatus flow_s3_list_create(FlowS3 *s3, const FlowLocation *location,
                                      const FlowPruner *pruner, FlowS3Listing **result,
                                      FlowError *error);

/* Adds a prefix on top of the waiting ones. */
extern FlowStatus flow_s3_list_add(FlowS3Listing *listing, const char *key, size_t len,
                                   FlowSegments segments, bool exact, FlowError *error);

/*
 * Processes all pages that have arrived, and requests others unless the
 * listing is ending.
 */
extern FlowStatus flow_s3_list_take(FlowS3Listing *listing, FlowError *error);

/* Returns a copy of a text; NULL if memory is short. */
extern char *flow_s3_copy_text(const FlowHost *host, const char *text);

#endif /* FLOW_S3_LIST_H */
