/*-------------------------------------------------------------------------
 *
 * s3.c
 *	  Reads objects in S3 or a compatible store, as a FlowStore.
 *
 * A day of logs consists of hundreds of small objects, each with a latency of
 * tens of milliseconds, so many requests are under way at a time.  An object
 * is fetched in pieces; a small one is a single piece.  A piece has its buffer
 * from the moment when it is requested, so that memory is bounded by the
 * pieces that were begun, and no transfer ever has to pause.  Pieces are begun
 * in the order in which they will be read: announced objects wait in a queue.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_store.h"

#include <stdio.h>
#include <time.h>

/*
 * Size of a piece of a large object, and maximum size of all pieces.  With 30
 * ms until the first byte and 80 MB/s after it, a connection is busy half of
 * the time, and eight of them deliver more than one process inflates.
 * MAX_BUFFERED leaves half of the memory that a process may use (32 MiB) for
 * libcurl, TLS and the reader.
 */
#define PIECE_SIZE (2 * 1024 * 1024)
#define MAX_BUFFERED (16 * 1024 * 1024)

/* A range of an object's bytes. */
typedef struct Piece
{
	struct Piece *next;
	uint64_t from;
	size_t size;
	size_t have;  /* bytes received */
	size_t taken; /* bytes read by the caller */
	char *data;
	FlowS3Request request;
} Piece;

/* An object that is being read, or will be. */
struct FlowS3File
{
	FlowS3 *s3;
	const FlowObject *object;
	FlowS3File *next;
	bool opened;
	uint64_t position; /* offset up to which it was read */
	uint64_t begun;    /* offset up to which pieces were begun */
	uint64_t end;      /* offset up to which bytes are wanted */
	Piece *first, *last;
};

/* ---------- pieces ---------- */

/*
 * FlowS3Request's take.  A retry continues where the last attempt ended, so
 * that the data are always the next ones.
 */
static bool
take_bytes(FlowS3Request *request, const char *data, size_t len)
{
	Piece *piece = request->arg;

	memcpy(piece->data + piece->have, data, len);
	piece->have += len;
	return true;
}

static void
drop_first_piece(FlowS3File *file)
{
	FlowS3 *s3 = file->s3;
	Piece *piece = file->first;

	file->first = piece->next;
	if (file->first == NULL)
		file->last = NULL;
	flow_s3_drop(&piece->request);
	s3->buffered -= piece->size;
	flow_free(s3->host, piece->data);
	flow_free(s3->host, piece);
}

/* Requests the next "size" bytes of a file. */
static FlowStatus
begin_piece(FlowS3File *file, size_t size, FlowError *error)
{
	FlowS3 *s3 = file->s3;
	const FlowObject *object = file->object;
	const char *key = object->path + strlen("s3://") + strlen(s3->bucket) + 1;
	Piece *piece = flow_allocate(s3->host, sizeof(Piece));
	char *data = flow_allocate(s3->host, size);
	FlowS3Request *request;

	if (piece == NULL || data == NULL)
	{
		flow_free(s3->host, piece);
		flow_free(s3->host, data);
		return flow_error_memory(error);
	}
	memset(piece, 0, sizeof(Piece));
	piece->from = file->begun;
	piece->size = size;
	piece->data = data;

	/* set up the request */
	request = &piece->request;
	request->s3 = s3;
	request->verb = "read";
	snprintf(request->name, sizeof(request->name), "%s", object->path);
	request->etag = object->version;
	request->from = piece->from;
	request->to = piece->from + size;
	request->total = object->size;
	request->ranged = size < object->size;
	request->take = take_bytes;
	request->arg = piece;
	if (!flow_s3_set_path(request, key, strlen(key)))
	{
		flow_free(s3->host, data);
		flow_free(s3->host, piece);
		flow_error_set(error,
		               FLOW_UNSUPPORTED,
		               "the key of \"%.150s\" is longer than S3 allows",
		               object->path);
		return error->status;
	}

	/* append the piece and begin the request */
	if (file->last != NULL)
		file->last->next = piece;
	else
		file->first = piece;
	file->last = piece;
	file->begun += size;
	s3->buffered += size;
	flow_s3_begin(s3, request);
	return FLOW_OK;
}

/*
 * Begins pieces while there is room for them and a connection is free.  Begins
 * one even without room if nothing is buffered.
 */
static FlowStatus
begin_pieces(FlowS3 *s3, FlowError *error)
{
	int waiting = 0;
	FlowStatus status = FLOW_OK;

	for (const FlowS3Request *request = s3->requests; request != NULL; request = request->next)
		waiting++;
	for (FlowS3File *file = s3->files; file != NULL && status == FLOW_OK; file = file->next)
		while (file->begun < file->end && status == FLOW_OK)
		{
			uint64_t left = file->end - file->begun;
			size_t size = left < PIECE_SIZE ? (size_t) left : PIECE_SIZE;

			if ((s3->buffered + size > MAX_BUFFERED && s3->buffered > 0) ||
			    waiting >= s3->spec.max_connections)
				return FLOW_OK;
			status = begin_piece(file, size, error);
			waiting++;
		}
	return status;
}

/* ---------- files ---------- */

static FlowS3File *
add_file(FlowS3 *s3, const FlowObject *object)
{
	FlowS3File *file = flow_allocate(s3->host, sizeof(FlowS3File));

	if (file == NULL)
		return NULL;
	memset(file, 0, sizeof(*file));
	file->s3 = s3;
	file->object = object;
	file->end = object->size;
	if (s3->last_file != NULL)
		s3->last_file->next = file;
	else
		s3->files = file;
	s3->last_file = file;
	return file;
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

	while (file->first != NULL)
		drop_first_piece(file);
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
	if (file == NULL && (file = add_file(s3, object)) == NULL)
		return flow_error_memory(error);
	file->opened = true;
	if (access->glance && file->end > FLOW_PROBE_SIZE)
		file->end = FLOW_PROBE_SIZE;
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
		Piece *piece;

		if ((status = begin_pieces(s3, error)) != FLOW_OK)
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

/* FlowStorage's read. */
static FlowStatus
read_object(void *arg, void *buffer, size_t capacity, size_t *len, FlowError *error)
{
	FlowS3File *file = arg;
	char *out = buffer;
	FlowStatus status;

	*len = 0;
	while (*len < capacity && file->position < file->end)
	{
		Piece *piece;
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
		drop_first_piece(file);
	}
	/* keep the connections busy while the caller processes the data */
	if ((status = begin_pieces(file->s3, error)) != FLOW_OK)
		return status;
	return flow_s3_work(file->s3, false, error);
}

static uint64_t
position(const void *file)
{
	return ((const FlowS3File *) file)->position;
}

/* FlowStorage's seek: drops all pieces and continues at the offset. */
static void
seek(void *arg, uint64_t offset)
{
	FlowS3File *file = arg;

	while (file->first != NULL)
		drop_first_piece(file);
	file->position = file->begun = offset < file->object->size ? offset : file->object->size;
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
	int count = 0;

	for (const FlowS3File *file = s3->files; file != NULL; file = file->next)
	{
		bytes += file->end - file->position;
		count++;
	}
	return count < 4 * s3->spec.max_connections && bytes < MAX_BUFFERED;
}

/* Adds an object that will be read, and requests it when there is room. */
static FlowStatus
announce(FlowStore *store, const FlowObject *object, FlowError *error)
{
	FlowS3 *s3 = (FlowS3 *) store;

	if (object->archived)
		return FLOW_OK; /* opening it will report that */
	if (add_file(s3, object) == NULL)
		return flow_error_memory(error);
	return begin_pieces(s3, error);
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
 * Returns the maximum number of open descriptors.  Besides the connections
 * there may be one or two that are being closed, the resolver's, and those
 * that the host waits with.
 */
static int
descriptors(const FlowStore *store)
{
	return ((const FlowS3 *) store)->spec.max_connections + 6;
}

static void
rest(FlowStore *store)
{
	FlowS3 *s3 = (FlowS3 *) store;

	if (s3->files == NULL)
		flow_http_rest(s3->http);
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
                                    .suspend_list = flow_s3_suspend_list,
                                    .resume_list = flow_s3_resume_list,
                                    .open = open_object,
                                    .close = close_object,
                                    .read = read_object,
                                    .position = position,
                                    .seek = seek,
                                    .unchanged = unchanged,
                                    .has_room = has_room,
                                    .announce = announce,
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
	FlowHttpSpec http = {.host = spec->host,
	                     .ca_file = spec->ca_file,
	                     .max_connections = spec->max_connections,
	                     .allowed = allowed};
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
	s3->random = ((uint64_t) spec->host->clock(spec->host->arg) << 20 ^ (uintptr_t) s3) | 1;

	http.allowed_arg = s3;
	status = flow_http_create(&http, &s3->http, error);
	if (status != FLOW_OK)
		flow_free(spec->host, s3);
	else
		*store = &s3->store;
	return status;
}
