/*-------------------------------------------------------------------------
 *
 * s3.c
 *	  Reads objects in S3 or a compatible store, as a FlowStore.
 *
 * A day of logs consists of hundreds of small objects, each with a latency of
 * tens of milliseconds, so many requests are under way at a time.  An object
 * is fetched in pieces; a small one is a single piece.  Pieces are begun in the
 * order in which they will be read: announced objects wait in a queue.  Of a
 * large Parquet file, known by its name, only both ends are fetched until
 * ranges are announced.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_file.h"

#include <stdio.h>
#include <time.h>

/* ---------- files ---------- */

/* Returns true if an object is probably a Parquet file. */
static bool
is_parquet_by_name(const char *path)
{
	static const char suffix[] = ".parquet";
	size_t len = strlen(path);

	return len > strlen(suffix) && strcmp(path + len - strlen(suffix), suffix) == 0;
}

/*
 * Decides what to request first: all of an object, in order, or both ends of
 * it.
 */
static void
choose_first(FlowS3File *file)
{
	uint64_t size = file->object->size;

	file->end = file->glance && size > FLOW_PROBE_SIZE ? FLOW_PROBE_SIZE : size;
	file->guessed = size > (file->glance ? FLOW_PROBE_SIZE : FLOW_S3_SMALL) &&
	                is_parquet_by_name(file->object->path);
	if (!file->guessed)
		return;
	file->begun = file->end;
	file->ends[0] = (FlowS3Span) {0, FLOW_HEAD_SIZE};
	file->ends[1] = (FlowS3Span) {size - FLOW_S3_TAIL, size};
	file->spans = file->ends;
	file->nspans = 2;
}

static FlowS3File *
add_file(FlowS3 *s3, const FlowObject *object, bool glance)
{
	FlowS3File *file = flow_allocate(s3->host, sizeof(FlowS3File));

	if (file == NULL)
		return NULL;
	memset(file, 0, sizeof(*file));
	file->s3 = s3;
	file->object = object;
	file->glance = glance;
	choose_first(file);
	if (s3->last_file != NULL)
		s3->last_file->next = file;
	else
		s3->files = file;
	s3->last_file = file;
	s3->nfiles++;
	return file;
}

/* Drops the pieces of a file and forgets what is to be requested. */
static void
drop_all(FlowS3File *file)
{
	const FlowHost *host = file->s3->host;

	while (file->first != NULL)
		flow_s3_drop_piece(file, file->first);
	if (file->spans != file->ends)
		flow_free(host, file->spans);
	flow_free(host, file->ranges);
	file->spans = NULL;
	file->ranges = NULL;
	file->nspans = file->next_span = file->nranges = 0;
	file->guessed = file->ranged = file->planned = false;
}

/* Removes a file and drops its pieces. */
static void
remove_file(FlowS3File *file)
{
	FlowS3 *s3 = file->s3;
	FlowS3File *before = NULL;

	for (FlowS3File *other = s3->files; other != file; other = other->next)
		before = other;
	if (before != NULL)
		before->next = file->next;
	else
		s3->files = file->next;
	if (s3->last_file == file)
		s3->last_file = before;
	s3->nfiles--;

	drop_all(file);
	flow_free(s3->host, file);
}

/*
 * FlowStorage's open.  The file may have been announced; otherwise it is
 * added.
 */
static FlowStatus
open_object(const FlowHost *host, const FlowAccess *access, const FlowObject *object, void **result,
            FlowError *error)
{
	FlowS3 *s3 = (FlowS3 *) access->store;
	FlowS3File *file = s3->files;

	(void) host;
	if (object->archived)
	{
		flow_error_set(error,
		               FLOW_UNSUPPORTED,
		               "could not read \"%.180s\": the object is archived",
		               object->path);
		flow_error_hint(error,
		                "Restore it first, or leave it out by conditions on columns of the path.");
		return error->status;
	}
	/* a growing list of objects moves them, but not their texts */
	while (file != NULL && (file->opened || file->object->path != object->path))
		file = file->next;
	if (file == NULL && (file = add_file(s3, object, access->glance)) == NULL)
		return flow_error_memory(error);
	file->opened = true;
	*result = file;
	return FLOW_OK;
}

static void
close_object(void *file)
{
	remove_file(file);
}

/* Waits until the next piece has bytes that were not read. */
static FlowStatus
wait_for_bytes(FlowS3File *file, FlowError *error)
{
	FlowS3 *s3 = file->s3;
	FlowStatus status;

	for (;;)
	{
		FlowS3Piece *piece;

		if ((status = flow_s3_begin_pieces(s3, error)) != FLOW_OK)
			return status;
		piece = file->first;
		if (piece != NULL && piece->have > piece->taken)
			return FLOW_OK;
		if (piece != NULL && (status = flow_s3_outcome(&piece->request, error)) != FLOW_OK)
			return status;
		if ((status = flow_s3_work(s3, true, error)) != FLOW_OK)
			return status;
	}
}

/* FlowStorage's seek: drops all pieces and continues at the offset. */
static void
seek(void *arg, uint64_t offset)
{
	FlowS3File *file = arg;

	drop_all(file);
	file->position = file->begun = offset < file->end ? offset : file->end;
}

/* FlowStorage's read. */
static FlowStatus
read_object(void *arg, void *buffer, size_t capacity, size_t *len, FlowError *error)
{
	FlowS3File *file = arg;
	char *out = buffer;
	FlowStatus status;

	/* the beginning, which tells whether a name is right; a wrong one is ignored */
	if (file->guessed && file->position + capacity <= FLOW_HEAD_SIZE)
	{
		status = flow_s3_read_range(file, file->position, buffer, capacity, error);
		*len = status == FLOW_OK ? capacity : 0;
		file->position += *len;
		return status;
	}
	if (file->guessed)
		seek(file, file->position);

	*len = 0;
	while (*len < capacity && file->position < file->end)
	{
		FlowS3Piece *piece;
		size_t count;

		if ((status = wait_for_bytes(file, error)) != FLOW_OK)
			return status;
		piece = file->first;
		count = piece->have - piece->taken;
		if (count > capacity - *len)
			count = capacity - *len;
		memcpy(out + *len, piece->data + piece->taken, count);
		piece->taken += count;
		*len += count;
		file->position += count;
		if (piece->taken < piece->size)
			continue;
		/*
		 * dropping it before the answer has ended would close the connection
		 */
		while (!piece->request.finished)
			if ((status = flow_s3_work(file->s3, true, error)) != FLOW_OK)
				return status;
		/* a small object may also be read by ranges, to its last byte */
		if (piece->size > FLOW_S3_SMALL || !flow_s3_is_whole(file, piece))
			flow_s3_drop_piece(file, piece);
	}
	/* keep the connections busy while the caller processes the data */
	if ((status = flow_s3_begin_pieces(file->s3, error)) != FLOW_OK)
		return status;
	return flow_s3_work(file->s3, false, error);
}

static uint64_t
position(const void *file)
{
	return ((const FlowS3File *) file)->position;
}

static uint64_t
bytes_read(const void *file)
{
	return ((const FlowS3File *) file)->requested;
}

/*
 * FlowStorage's unchanged.  If reading has not failed, every byte is from the
 * listed version.
 */
static FlowStatus
unchanged(void *file, FlowError *error)
{
	(void) file;
	(void) error;
	return FLOW_OK;
}

/* ---------- prefetch ---------- */

/* Returns true if another object may be announced. */
static bool
has_room(const FlowStore *store)
{
	const FlowS3 *s3 = (const FlowS3 *) store;
	uint64_t bytes = 0;

	if (s3->nfiles >= 4 * s3->pace.limit)
		return false;
	for (const FlowS3File *file = s3->files; file != NULL && bytes < FLOW_S3_BUFFERED;
	     file = file->next)
		bytes += flow_s3_wanted(file);
	return bytes < FLOW_S3_BUFFERED;
}

/* Adds an object that will be read, and requests it when there is room. */
static FlowStatus
announce(FlowStore *store, const FlowObject *object, bool glance, FlowError *error)
{
	FlowS3 *s3 = (FlowS3 *) store;

	if (object->archived)
		return FLOW_OK; /* opening it will report that */
	if (add_file(s3, object, glance) == NULL)
		return flow_error_memory(error);
	return flow_s3_begin_pieces(s3, error);
}

/* Returns true if both ends of an announced object have arrived. */
static bool
has_ends(const FlowStore *store, const FlowObject *object)
{
	const FlowS3File *file = ((const FlowS3 *) store)->files;

	while (file != NULL && (file->opened || file->object->path != object->path))
		file = file->next;
	if (file == NULL || !file->guessed)
		return false;
	for (size_t i = 0; i < file->nspans; i++)
	{
		const FlowS3Piece *piece = flow_s3_find_piece(file, file->spans[i].from);

		if (piece == NULL || piece->have < piece->size)
			return false;
	}
	return true;
}

/* Removes the announced objects that were not opened. */
static void
forget(FlowStore *store)
{
	FlowS3 *s3 = (FlowS3 *) store;

	for (FlowS3File *file = s3->files, *next; file != NULL; file = next)
	{
		next = file->next;
		if (!file->opened)
			remove_file(file);
	}
}

/* ---------- the store ---------- */

static FlowStoreCounts
counts(const FlowStore *store)
{
	return ((const FlowS3 *) store)->counts;
}

/*
 * Besides connections there may be one or two that are being closed, the
 * resolver's, and those that libcurl and the host wait with.
 */
static int
descriptors(const FlowStore *store)
{
	(void) store;
	return 7;
}

static void
rest(FlowStore *store)
{
	FlowS3 *s3 = (FlowS3 *) store;

	if (s3->files != NULL || s3->requests != NULL)
		return;
	flow_http_rest(s3->http);
	s3->connections = 0;
	flow_s3_pace_begin(&s3->pace, FLOW_S3_FIRST, s3->spec.max_connections, flow_s3_clock(s3));
}

static void
free_store(FlowStore *store)
{
	FlowS3 *s3 = (FlowS3 *) store;

	while (s3->files != NULL)
		remove_file(s3->files);
	while (s3->listings != NULL)
		flow_s3_end_list(s3->listings);
	flow_http_free(s3->http);
	flow_free(s3->host, s3);
}

static const FlowStorage storage = {.list = flow_s3_list,
                                    .end_list = flow_s3_end_list,
                                    .check_list = flow_s3_check_list,
                                    .suspend_list = flow_s3_suspend_list,
                                    .resume_list = flow_s3_resume_list,
                                    .open = open_object,
                                    .close = close_object,
                                    .read = read_object,
                                    .position = position,
                                    .seek = seek,
                                    .read_range = flow_s3_read_range,
                                    .plan = flow_s3_plan,
                                    .tail_size = FLOW_S3_TAIL,
                                    .bytes_read = bytes_read,
                                    .unchanged = unchanged,
                                    .has_room = has_room,
                                    .announce = announce,
                                    .has_ends = has_ends,
                                    .forget = forget,
                                    .rest = rest,
                                    .counts = counts,
                                    .descriptors = descriptors,
                                    .free = free_store};

/* FlowHttpSpec's allowed. */
static bool
allowed(void *arg, const char *name, const uint8_t *address, size_t len, int port, bool tls)
{
	const FlowS3 *s3 = arg;

	if (s3->asks_for_keys &&
	    flow_s3_credentials_allow(s3->spec.credentials->source, address, len, port, tls))
		return true;
	return flow_endpoint_allows(
		s3->spec.endpoints, s3->spec.nendpoints, name, address, len, port, tls);
}

/*
 * Returns true if the bucket can be part of a host's name.  It must be a
 * single label, because the "*" of the certificate stands for one.
 */
static bool
fits_into_host(const char *bucket)
{
	return strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(bucket);
}

/* Creates a store for a bucket. */
FlowStatus
flow_s3_create(const FlowS3Spec *spec, FlowStore **store, FlowError *error)
{
	FlowS3 *s3 = flow_allocate(spec->host, sizeof(FlowS3));
	FlowHttpSpec http = {.host = spec->host, .ca_file = spec->ca_file, .allowed = allowed};
	FlowStatus status;

	*store = NULL;
	if (s3 == NULL)
		return flow_error_memory(error);
	memset(s3, 0, sizeof(*s3));
	s3->store.storage = &storage;
	s3->host = spec->host;
	s3->spec = *spec;
	snprintf(s3->bucket, sizeof(s3->bucket), "%.*s", (int) spec->bucket_len, spec->bucket);
	snprintf(s3->region,
	         sizeof(s3->region),
	         "%s",
	         spec->region != NULL ? spec->region : "us-east-1");
	s3->spec.path_style |= !fits_into_host(s3->bucket);
	s3->tokens = FLOW_S3_TOKENS;
	flow_s3_pace_begin(&s3->pace, FLOW_S3_FIRST, spec->max_connections, flow_s3_clock(s3));
	s3->random = ((uint64_t) spec->host->clock(spec->host->arg) << 20 ^ (uintptr_t) s3) | 1;

	http.allowed_arg = s3;
	http.max_connections = s3->pace.limit;
	status = flow_http_create(&http, &s3->http, error);
	if (status != FLOW_OK)
		flow_free(spec->host, s3);
	else
		*store = &s3->store;
	return status;
}
