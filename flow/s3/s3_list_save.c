/*-------------------------------------------------------------------------
 *
 * s3_list_save.c
 *	  Passes a listing to another process: saves it as bytes, and resumes it
 *	  from them.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_list.h"

/*
 * A saved listing begins with a byte: whether anything was found, and how many
 * pages were listed, as far as it matters.
 */
#define SAVED_FOUND 0x80
#define SAVED_PAGES 0x7F

/*
 * A prefix as bytes: its numbers, then key, token and last, each with its NUL.
 * Flags say which of the latter two are present.
 */
typedef struct SavedPrefix
{
	FlowSegments segments;
	bool exact, has_token, has_last;
} SavedPrefix;

/* Writes a text unless "out" is NULL, and returns the next offset. */
static size_t
save_text(char *out, size_t at, const char *text)
{
	size_t size = strlen(text) + 1;

	if (out != NULL)
		memcpy(out + at, text, size);
	return at + size;
}

/*
 * Writes all waiting prefixes, unless "out" is NULL.  Returns their number of
 * bytes.
 */
static size_t
save(const FlowS3Listing *listing, char *out)
{
	uint32_t pages = listing->pages < SAVED_PAGES ? listing->pages : SAVED_PAGES;
	size_t at = 1;

	if (out != NULL)
		out[0] = (char) ((listing->found ? SAVED_FOUND : 0) | pages);
	for (const FlowS3Prefix *prefix = listing->waiting; prefix != NULL; prefix = prefix->next)
	{
		SavedPrefix saved = {prefix->segments,
		                     prefix->exact,
		                     prefix->token != NULL,
		                     prefix->last != NULL};

		if (out != NULL)
			memcpy(out + at, &saved, sizeof(saved));
		at = save_text(out, at + sizeof(saved), prefix->key);
		if (saved.has_token)
			at = save_text(out, at, prefix->token);
		if (saved.has_last)
			at = save_text(out, at, prefix->last);
	}
	return at;
}

/* Completes the pages that were requested, and saves the waiting prefixes. */
FlowStatus
flow_s3_suspend_list(void *state, FlowObjects *objects, char **bytes, size_t *len, FlowError *error)
{
	FlowS3Listing *listing = state;
	FlowS3 *s3 = listing->s3;
	FlowStatus status = FLOW_OK;

	listing->objects = objects;
	listing->ending = true;
	while (status == FLOW_OK && listing->nfetches > 0)
	{
		status = flow_s3_list_take(listing, error);
		if (status == FLOW_OK && listing->nfetches > 0)
			status = flow_s3_work(s3, true, error);
	}
	if (status != FLOW_OK)
		return status;
	*len = save(listing, NULL);
	*bytes = flow_allocate(s3->host, *len);
	if (*bytes == NULL)
		return flow_error_memory(error);
	(void) save(listing, *bytes);
	return FLOW_OK;
}

/* Reverses the order of the waiting prefixes. */
static void
turn_over(FlowS3Listing *listing)
{
	FlowS3Prefix *turned = NULL;

	while (listing->waiting != NULL)
	{
		FlowS3Prefix *prefix = listing->waiting;

		listing->waiting = prefix->next;
		prefix->next = turned;
		turned = prefix;
	}
	listing->waiting = turned;
}

/* Creates a listing from the bytes of flow_s3_suspend_list. */
FlowStatus
flow_s3_resume_list(FlowStore *store, const FlowLocation *location, const FlowPruner *pruner,
                    const char *bytes, size_t len, void **state, FlowError *error)
{
	FlowS3 *s3 = (FlowS3 *) store;
	const char *p = bytes + 1, *end = bytes + len;
	FlowS3Listing *listing = NULL;
	FlowStatus status;

	status = flow_s3_list_create(s3, location, pruner, &listing, error);
	*state = listing;
	if (status != FLOW_OK)
		return status;
	listing->found = (bytes[0] & SAVED_FOUND) != 0;
	listing->pages = bytes[0] & SAVED_PAGES;
	while (p < end && status == FLOW_OK)
	{
		/* restore a prefix */
		const char *key = p + sizeof(SavedPrefix);
		SavedPrefix saved;
		FlowS3Prefix *prefix;

		memcpy(&saved, p, sizeof(saved));
		p = key + strlen(key) + 1;
		status = flow_s3_list_add(listing, key, strlen(key), saved.segments, saved.exact, error);
		if (status != FLOW_OK)
			break;
		prefix = listing->waiting;
		if (saved.has_token)
		{
			prefix->token = flow_s3_copy_text(s3->host, p);
			p += strlen(p) + 1;
		}
		if (saved.has_last)
		{
			prefix->last = flow_s3_copy_text(s3->host, p);
			p += strlen(p) + 1;
		}
		if ((saved.has_token && prefix->token == NULL) || (saved.has_last && prefix->last == NULL))
			status = flow_error_memory(error);
	}

	turn_over(listing); /* they were saved from the top of the stack on */
	return status;
}
