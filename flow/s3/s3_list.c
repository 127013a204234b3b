/*-------------------------------------------------------------------------
 *
 * s3_list.c
 *	  Finds the objects of a location in a bucket, one page of the store's
 *	  answers at a time.
 *
 * As long as the location's names or a pruner can exclude something, the
 * bucket is walked like directories: a request with a delimiter returns the
 * names of one level.  Below the level from which on anything may match, all
 * keys are listed at once, a thousand in each request, at any depth.  Several
 * prefixes are listed at a time, and while the objects found so far are read.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_list.h"

#include <stdio.h>

/*
 * Prefixes listed at a time: first a few, as a query with a limit may need no
 * more, then one more for each page that was not enough, to FLOW_S3_FETCHES.
 */
#define FIRST_FETCHES 4

/* A page that was requested. */
struct FlowS3Fetch
{
	FlowS3Prefix *prefix;
	FlowS3PageReader *reader;
	char name[1200]; /* of the prefix, for messages */
	FlowS3Request request;
};

/* ---------- waiting prefixes ---------- */

/* Returns a copy of a text; NULL if memory is short. */
char *
flow_s3_copy_text(const FlowHost *host, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = flow_allocate(host, size);

	return copy == NULL ? NULL : memcpy(copy, text, size);
}

static void
free_prefix(const FlowHost *host, FlowS3Prefix *prefix)
{
	flow_free(host, prefix->token);
	flow_free(host, prefix->last);
	flow_free(host, prefix->mark);
	flow_free(host, prefix);
}

/* Adds a prefix on top of the waiting ones. */
FlowStatus
flow_s3_list_add(FlowS3Listing *listing, const char *key, size_t len, FlowSegments segments,
                 bool exact, FlowError *error)
{
	FlowS3Prefix *prefix = flow_allocate(listing->s3->host, sizeof(FlowS3Prefix) + len + 1);

	if (prefix == NULL)
		return flow_error_memory(error);
	*prefix = (FlowS3Prefix) {
		.next = listing->waiting,
		.segments = segments,
		.exact = exact,
		.flat = flow_location_is_deep(listing->location, segments),
	};
	memcpy(prefix->key, key, len);
	prefix->key[len] = '\0';
	listing->waiting = prefix;
	return FLOW_OK;
}

/*
 * Adds the prefixes at which the listing begins: the fixed part of the
 * location as a directory and, if a location without a wildcard may name an
 * object, as a key.
 */
static FlowStatus
add_roots(FlowS3Listing *listing, FlowError *error)
{
	const FlowLocation *location = listing->location;
	const char *key = flow_location_key(location);
	size_t len = strlen(key);
	char below[1100];
	FlowStatus status;

	if (len > 1024)
	{
		flow_error_set(error, FLOW_BAD_LOCATION, "a key in S3 cannot be longer than 1024 bytes");
		flow_error_detail(error,
		                  "The key of \"%.200s...\" has %zu bytes.",
		                  flow_location_fixed(location),
		                  len);
		return error->status;
	}
	snprintf(below, sizeof(below), "%s%s", key, len > 0 && key[len - 1] != '/' ? "/" : "");
	status = flow_s3_list_add(listing,
	                          below,
	                          strlen(below),
	                          flow_location_start(location),
	                          false,
	                          error);
	if (status == FLOW_OK && !flow_location_has_wildcard(location) && len > 0 &&
	    key[len - 1] != '/')
		status = flow_s3_list_add(listing, key, len, flow_location_start(location), true, error);
	return status;
}

/* ---------- pages ---------- */

/* FlowS3Request's take. */
static bool
take_page(FlowS3Request *request, const char *data, size_t len)
{
	FlowS3Fetch *fetch = request->arg;
	FlowError error;
	FlowStatus status = flow_s3_page_feed(fetch->reader, data, len, &error);

	if (status == FLOW_OK)
		return true;
	if (status != FLOW_NO_MEMORY)
	{
		FlowError *failure = flow_s3_fail(request, status, "%s", error.message);

		if (failure != NULL)
			flow_error_detail(failure, "%s", error.detail);
	}
	return false;
}

/* FlowS3Request's restart: the whole page is sent again. */
static bool
restart_page(FlowS3Request *request)
{
	FlowS3Fetch *fetch = request->arg;
	FlowError error;

	flow_s3_page_free(fetch->reader);
	fetch->reader = NULL;
	request->received = request->received_before = 0;
	return flow_s3_page_begin(request->s3->host, &fetch->reader, &error) == FLOW_OK;
}

static void
free_fetch(const FlowHost *host, FlowS3Fetch *fetch)
{
	flow_s3_drop(&fetch->request);
	flow_s3_page_free(fetch->reader);
	free_prefix(host, fetch->prefix);
	flow_free(host, fetch);
}

/*
 * Sets the request for a page.  Returns FLOW_OK, FLOW_NO_MEMORY, or FLOW_LIMIT
 * if it is too long.
 */
static FlowStatus
set_question(FlowS3Listing *listing, FlowS3Fetch *fetch)
{
	const FlowS3Prefix *prefix = fetch->prefix;
	FlowS3Request *request = &fetch->request;
	FlowS3Parameter parameters[8];
	char query[FLOW_S3_QUERY_ROOM];
	int count = 0;

	parameters[count++] = (FlowS3Parameter) {"list-type", "2"};
	parameters[count++] = (FlowS3Parameter) {"encoding-type", "url"};
	parameters[count++] = (FlowS3Parameter) {"prefix", prefix->key};
	if (!prefix->flat || prefix->exact)
		parameters[count++] = (FlowS3Parameter) {"delimiter", "/"};
	if (prefix->exact)
		/* that key would be the first of all that begin with it */
		parameters[count++] = (FlowS3Parameter) {"max-keys", "1"};
	if (prefix->token != NULL)
		parameters[count++] = (FlowS3Parameter) {"continuation-token", prefix->token};

	request->s3 = listing->s3;
	request->verb = "list";
	snprintf(fetch->name, sizeof(fetch->name), "s3://%s/%s", listing->s3->bucket, prefix->key);
	request->name = fetch->name;
	request->take = take_page;
	request->restart = restart_page;
	request->arg = fetch;
	if (!flow_s3_query(parameters, count, query, sizeof(query)))
		return FLOW_LIMIT;
	return flow_s3_set_target(request, "", 0, query);
}

/* Requests a page of the topmost waiting prefix. */
static FlowStatus
begin_fetch(FlowS3Listing *listing, FlowError *error)
{
	const FlowHost *host = listing->s3->host;
	FlowS3Fetch *fetch = flow_allocate(host, sizeof(FlowS3Fetch));
	FlowStatus status;

	if (fetch == NULL)
		return flow_error_memory(error);
	memset(fetch, 0, sizeof(*fetch));
	fetch->request.finished = true; /* not begun */
	fetch->prefix = listing->waiting;
	listing->waiting = listing->waiting->next;
	listing->fetches[listing->nfetches++] = fetch;

	status = flow_s3_page_begin(host, &fetch->reader, error);
	if (status != FLOW_OK)
		return status;
	status = set_question(listing, fetch);
	if (status == FLOW_NO_MEMORY)
		return flow_error_memory(error);
	if (status != FLOW_OK)
	{
		flow_error_set(error,
		               FLOW_CORRUPT,
		               "could not list \"%.150s\": the store's token is too long",
		               fetch->name);
		return error->status;
	}
	flow_s3_begin(listing->s3, &fetch->request);
	return FLOW_OK;
}

/* ---------- results ---------- */

static void
set_path(FlowS3Listing *listing, const char *key, size_t len)
{
	snprintf(listing->path,
	         sizeof(listing->path),
	         "s3://%s/%.*s",
	         listing->s3->bucket,
	         (int) len,
	         key);
}

/* Adds an object that matches the location, unless it is pruned. */
static FlowStatus
add_object(FlowS3Listing *listing, const FlowS3Entry *entry, FlowError *error)
{
	FlowObjects *objects = listing->objects;
	const char *slash = strrchr(entry->key, '/');
	const char *name = slash != NULL ? slash + 1 : entry->key;
	FlowObject object = {.path = listing->path,
	                     .size = entry->size,
	                     .modified = entry->modified,
	                     .version = entry->etag,
	                     .archived = entry->archived};
	FlowStatus status;
	bool keep;

	/* skip empty objects and those that are no logs */
	set_path(listing, entry->key, strlen(entry->key));
	if (entry->size == 0 || name[0] == '\0' || strcmp(name, "aws-logs-write-test") == 0)
	{
		objects->skipped++;
		return FLOW_OK;
	}
	/* prune by the variables of the path */
	if (listing->has_variables &&
	    !flow_location_values(listing->location, listing->path, listing->values))
		return FLOW_OK;
	status = flow_objects_prune(
		objects, listing->location, listing->pruner, &object, listing->values, &keep, error);
	if (status != FLOW_OK || !keep)
		return status;
	/* an object without an ETag cannot be read */
	if (entry->etag[0] == '\0')
	{
		flow_error_set(error,
		               FLOW_UNSUPPORTED,
		               "the store gives no ETag for \"%.180s\"",
		               listing->path);
		flow_error_detail(
			error, "Without an ETag, a change of the object during reading cannot be detected.");
		return error->status;
	}
	return flow_objects_add(listing->s3->host, objects, &object, error);
}

/*
 * Matches a key name by name, beginning after its prefix.  An empty name,
 * which keys may have, only matches where anything does.
 */
static FlowStatus
take_key(FlowS3Listing *listing, const FlowS3Prefix *prefix, const FlowS3Entry *entry,
         FlowError *error)
{
	FlowSegments segments = prefix->segments;
	const char *p = entry->key + strlen(prefix->key);
	bool is_file = false;

	/* only the key itself counts */
	if (prefix->exact)
		return strcmp(entry->key, prefix->key) == 0 ? add_object(listing, entry, error) : FLOW_OK;
	if (*p == '\0')
	{
		/* the marker of a folder, which is not an object for any user */
		listing->objects->skipped++;
		return FLOW_OK;
	}
	/* match name by name */
	for (;;)
	{
		size_t len = strcspn(p, "/");
		bool last = p[len] == '\0';
		FlowNameMatch match = flow_location_match(listing->location, segments, p, len);

		if (len == 0)
		{
			if (!flow_location_is_deep(listing->location, segments))
				return FLOW_OK;
			is_file = true;
		}
		else
		{
			if (match.below == 0)
				return FLOW_OK;
			if (match.hidden)
			{
				listing->objects->skipped += !last || match.file;
				return FLOW_OK;
			}
			segments = match.below;
			is_file = match.file;
		}
		if (last)
			break;
		p += len + 1;
	}
	return is_file ? add_object(listing, entry, error) : FLOW_OK;
}

/* Adds a common prefix, which corresponds to a directory. */
static FlowStatus
take_directory(FlowS3Listing *listing, const FlowS3Prefix *prefix, const char *key,
               FlowError *error)
{
	const char *name = key + strlen(prefix->key);
	size_t len = strlen(name), key_len = strlen(key);
	FlowNameMatch match;
	bool keep;
	FlowStatus status;
	bool more;

	/* match its name */
	if (prefix->exact || len < 2 || name[len - 1] != '/')
		return FLOW_OK;
	match = flow_location_match(listing->location, prefix->segments, name, len - 1);
	if (match.below == 0)
		return FLOW_OK;
	if (match.hidden)
	{
		listing->objects->skipped++;
		return FLOW_OK;
	}
	/* prune by the variables of the path */
	if (listing->has_variables)
	{
		set_path(listing, key, key_len - 1);
		if (!flow_location_directory_values(listing->location,
		                                    listing->path,
		                                    listing->values,
		                                    &more))
			return FLOW_OK; /* a path such as ".../2024/02/30" is invalid */
		if (more)
		{
			status = flow_objects_prune_directory(listing->objects,
			                                      listing->pruner,
			                                      listing->values,
			                                      &keep,
			                                      error);
			if (status != FLOW_OK || !keep)
				return status;
		}
	}
	return flow_s3_list_add(listing, key, key_len, match.below, false, error);
}

/* Returns the last item of a page, and of those before it; NULL: none. */
static const char *
last_item(const FlowS3Prefix *prefix, const FlowS3Page *page)
{
	const char *last = prefix->last;

	if (page->nentries > 0)
		last = page->entries[page->nentries - 1].key;
	if (page->nprefixes > 0 &&
	    (page->nentries == 0 || strcmp(page->prefixes[page->nprefixes - 1], last) > 0))
		last = page->prefixes[page->nprefixes - 1];
	return last;
}

/*
 * Notes a page without items.  A store may send some, but if their tokens
 * repeat, they never end.  The token after 1, 2, 4, 8... of them is compared
 * with all later ones (Brent's algorithm), so any circle is found.
 */
static bool
note_empty(const FlowHost *host, const FlowS3Prefix *prefix, const char *token, FlowS3Prefix *rest)
{
	const char *mark = prefix->mark;

	rest->empty_pages = prefix->empty_pages + 1;
	if ((rest->empty_pages & prefix->empty_pages) == 0)
		mark = token;
	rest->mark = flow_s3_copy_text(host, mark);
	return rest->mark != NULL;
}

/* Adds the rest of a prefix to the waiting ones. */
static FlowStatus
add_rest(FlowS3Listing *listing, const FlowS3Prefix *prefix, const FlowS3Page *page,
         FlowError *error)
{
	const FlowHost *host = listing->s3->host;
	const char *last = last_item(prefix, page);
	FlowStatus status =
		flow_s3_list_add(listing, prefix->key, strlen(prefix->key), prefix->segments, false, error);
	FlowS3Prefix *rest = listing->waiting;

	if (status != FLOW_OK)
		return status;
	rest->token = flow_s3_copy_text(host, page->token);
	if (rest->token == NULL ||
	    (last != NULL && (rest->last = flow_s3_copy_text(host, last)) == NULL))
		return flow_error_memory(error);
	if (page->nentries + page->nprefixes == 0 && !note_empty(host, prefix, page->token, rest))
		return flow_error_memory(error);
	return FLOW_OK;
}

/* Processes a page that is complete, or the failure to get it. */
static FlowStatus
take_fetch(FlowS3Listing *listing, FlowS3Fetch *fetch, FlowError *error)
{
	const FlowHost *host = listing->s3->host;
	const FlowS3Prefix *prefix = fetch->prefix;
	FlowS3PageAfter after = {prefix->key, prefix->token, prefix->last, prefix->mark};
	FlowS3Request *request = &fetch->request;
	size_t names_per_check = flow_location_names_per_check(listing->location);
	FlowS3Page page;
	FlowStatus status;

	/* check the page */
	if ((status = flow_s3_outcome(request, error)) != FLOW_OK)
		return status;
	status = flow_s3_page_end(fetch->reader, &after, &page, error);
	if (status != FLOW_OK)
	{
		FlowError *failure =
			status == FLOW_NO_MEMORY ? NULL : flow_s3_fail(request, status, "%s", error->message);

		if (failure != NULL)
		{
			memcpy(failure->detail, error->detail, sizeof(failure->detail));
			*error = *failure;
		}
		return status;
	}

	/* add its keys */
	listing->pages++;
	if (page.nentries + page.nprefixes > 0 && !prefix->exact)
		listing->found = true;
	listing->objects->directories_read += !prefix->exact && prefix->token == NULL;
	for (size_t i = 0; i < page.nentries && status == FLOW_OK; i++)
	{
		if (i % names_per_check == 0 && flow_interrupted(host))
			return flow_error_interrupted(error);
		if (prefix->exact && strcmp(page.entries[i].key, prefix->key) == 0)
			listing->found = true;
		status = take_key(listing, prefix, &page.entries[i], error);
	}
	/*
	 * the first prefix is to be listed first, so it is put on the stack last
	 */
	for (size_t i = page.nprefixes; i > 0 && status == FLOW_OK; i--)
	{
		if (i % names_per_check == 0 && flow_interrupted(host))
			return flow_error_interrupted(error);
		status = take_directory(listing, prefix, page.prefixes[i - 1], error);
	}
	if (status == FLOW_OK && page.truncated && !prefix->exact)
		status = add_rest(listing, prefix, &page, error);
	return status;
}

/* ---------- starting and ending ---------- */

/* Ends a listing and cancels its requests. */
void
flow_s3_end_list(void *state)
{
	FlowS3Listing *listing = state;
	FlowS3 *s3 = listing->s3;
	FlowS3Listing **link = &s3->listings;

	while (*link != listing)
		link = &(*link)->next;
	*link = listing->next;
	while (listing->nfetches > 0)
		free_fetch(s3->host, listing->fetches[--listing->nfetches]);
	while (listing->waiting != NULL)
	{
		FlowS3Prefix *prefix = listing->waiting;

		listing->waiting = prefix->next;
		free_prefix(s3->host, prefix);
	}
	flow_free(s3->host, listing);
}

FlowStatus
flow_s3_list_create(FlowS3 *s3, const FlowLocation *location, const FlowPruner *pruner,
                    FlowS3Listing **result, FlowError *error)
{
	FlowS3Listing *listing = flow_allocate(s3->host, sizeof(FlowS3Listing));
	int nvariables;

	if (listing == NULL)
		return flow_error_memory(error);
	memset(listing, 0, sizeof(*listing));
	listing->s3 = s3;
	listing->location = location;
	listing->pruner = pruner;
	(void) flow_location_variables(location, &nvariables);
	listing->has_variables = nvariables > 0;
	listing->next = s3->listings;
	s3->listings = listing;
	*result = listing;
	return FLOW_OK;
}

/* Requests pages of the waiting prefixes. */
static FlowStatus
begin_fetches(FlowS3Listing *listing, FlowError *error)
{
	int most = listing->pages < FLOW_S3_FETCHES - FIRST_FETCHES
	               ? FIRST_FETCHES + (int) listing->pages
	               : FLOW_S3_FETCHES;
	FlowStatus status = FLOW_OK;

	while (status == FLOW_OK && !listing->ending && listing->waiting != NULL &&
	       listing->nfetches < most)
		status = begin_fetch(listing, error);
	return status;
}

/* Processes all pages that have arrived. */
FlowStatus
flow_s3_list_take(FlowS3Listing *listing, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	for (int i = 0; i < listing->nfetches && status == FLOW_OK;)
	{
		FlowS3Fetch *fetch = listing->fetches[i];

		if (!fetch->request.finished)
		{
			i++;
			continue;
		}
		status = take_fetch(listing, fetch, error);
		listing->fetches[i] = listing->fetches[--listing->nfetches];
		free_fetch(listing->s3->host, fetch);
	}
	return status == FLOW_OK ? begin_fetches(listing, error) : status;
}

/* ---------- the listing ---------- */

/*
 * Finds more objects.  Returns FLOW_END if there are none, or none yet if
 * "wait" is false.
 */
FlowStatus
flow_s3_list(FlowStore *store, const FlowLocation *location, const FlowPruner *pruner, bool wait,
             void **state, FlowObjects *objects, FlowError *error)
{
	FlowS3 *s3 = (FlowS3 *) store;
	size_t before = objects->count;
	FlowS3Listing *listing = *state;
	FlowStatus status = FLOW_OK;

	/* begin the listing */
	if (listing == NULL)
	{
		status = flow_s3_list_create(s3, location, pruner, &listing, error);
		*state = listing;
		if (status == FLOW_OK)
			status = add_roots(listing, error);
	}
	/* request pages */
	if (status == FLOW_OK)
	{
		listing->objects = objects;
		status = begin_fetches(listing, error);
	}
	/* process pages until there are objects */
	while (status == FLOW_OK)
	{
		status = flow_s3_work(s3, false, error);
		if (status == FLOW_OK)
			status = flow_s3_list_take(listing, error);
		if (status != FLOW_OK)
			break;
		objects->complete = listing->nfetches == 0 && listing->waiting == NULL;
		if (objects->complete && !listing->found)
		{
			flow_error_set(error,
			               FLOW_NOT_FOUND,
			               "there is nothing at \"%.200s\"",
			               flow_location_fixed(location));
			flow_error_detail(
				error,
				"No object of the bucket \"%s\" has that key or a key that begins with it.",
				s3->bucket);
			return error->status;
		}
		if (objects->count > before || objects->complete || !wait)
			return objects->count > before ? FLOW_OK : FLOW_END;
		status = flow_s3_work(s3, true, error);
	}
	return status;
}

/* Checks that a location may be listed, by a request for one name. */
FlowStatus
flow_s3_check_list(FlowStore *store, const FlowLocation *location, FlowError *error)
{
	FlowS3 *s3 = (FlowS3 *) store;
	const char *key = flow_location_key(location);
	FlowObjects *objects = flow_objects_create(s3->host); /* for what is found */
	FlowS3Listing *listing = NULL;
	FlowStatus status;

	if (objects == NULL)
		return flow_error_memory(error);
	status = flow_s3_list_create(s3, location, NULL, &listing, error);
	if (status == FLOW_OK)
	{
		listing->objects = objects;
		status =
			flow_s3_list_add(listing, key, strlen(key), flow_location_start(location), true, error);
		if (status == FLOW_OK)
			status = begin_fetches(listing, error);
		while (status == FLOW_OK && listing->nfetches > 0)
		{
			status = flow_s3_work(s3, true, error);
			if (status == FLOW_OK)
				status = flow_s3_list_take(listing, error);
		}
		flow_s3_end_list(listing);
	}
	flow_objects_free(s3->host, objects);
	return status;
}
