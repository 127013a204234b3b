/*-------------------------------------------------------------------------
 *
 * s3_piece.c
 *	  Pieces of objects: which are requested, and when.
 *
 * A piece has its buffer from the moment when it is requested, so that memory
 * is bounded by the pieces that were begun, and no transfer ever has to pause.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_file.h"

#include <stdio.h>

/*
 * FlowS3Request's take.  A retry continues where the last attempt ended, so
 * that the data are always the next ones.
 */
static bool
take_bytes(FlowS3Request *request, const char *data, size_t len)
{
	FlowS3Piece *piece = request->arg;

	memcpy(piece->data + piece->have, data, len);
	piece->have += len;
	return true;
}

/* Drops a piece, whether or not its answer has ended. */
void
flow_s3_drop_piece(FlowS3File *file, FlowS3Piece *piece)
{
	FlowS3 *s3 = file->s3;
	FlowS3Piece *before = NULL;

	for (FlowS3Piece *other = file->first; other != piece; other = other->next)
		before = other;
	if (before != NULL)
		before->next = piece->next;
	else
		file->first = piece->next;
	if (file->last == piece)
		file->last = before;
	flow_s3_drop(&piece->request);
	s3->buffered -= piece->size + sizeof(FlowS3Piece);
	flow_free(s3->host, piece->data);
	flow_free(s3->host, piece);
}

/* Requests bytes of a file. */
FlowStatus
flow_s3_begin_piece(FlowS3File *file, uint64_t from, size_t size, FlowS3Piece **result,
                    FlowError *error)
{
	FlowS3 *s3 = file->s3;
	const FlowObject *object = file->object;
	const char *key = object->path + strlen("s3://") + strlen(s3->bucket) + 1;
	FlowS3Piece *piece = flow_allocate(s3->host, sizeof(FlowS3Piece));
	char *data = flow_allocate(s3->host, size);
	FlowS3Request *request;
	FlowStatus status;

	if (piece == NULL || data == NULL)
	{
		flow_free(s3->host, piece);
		flow_free(s3->host, data);
		return flow_error_memory(error);
	}
	memset(piece, 0, sizeof(FlowS3Piece));
	piece->from = from;
	piece->size = size;
	piece->data = data;

	/* set up the request */
	request = &piece->request;
	request->s3 = s3;
	request->verb = "read";
	request->name = object->path;
	request->etag = object->version;
	request->from = from;
	request->to = from + size;
	request->total = object->size;
	request->ranged = size < object->size;
	request->take = take_bytes;
	request->arg = piece;
	status = flow_s3_set_target(request, key, strlen(key), "");
	if (status != FLOW_OK)
	{
		flow_free(s3->host, data);
		flow_free(s3->host, piece);
		if (status == FLOW_NO_MEMORY)
			return flow_error_memory(error);
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
	file->requested += size;
	s3->buffered += size + sizeof(FlowS3Piece);
	flow_s3_begin(s3, request);
	if (result != NULL)
		*result = piece;
	return FLOW_OK;
}

/* Returns the piece with the byte at an offset, or NULL. */
FlowS3Piece *
flow_s3_find_piece(const FlowS3File *file, uint64_t offset)
{
	FlowS3Piece *piece = file->first;

	while (piece != NULL && (offset < piece->from || offset - piece->from >= piece->size))
		piece = piece->next;
	return piece;
}

/*
 * Leaves out the beginning of a span that is in pieces; false if nothing
 * remains.
 */
static bool
skip_pieces(const FlowS3File *file, FlowS3Span *span)
{
	const FlowS3Piece *piece;

	while (span->from < span->to && (piece = flow_s3_find_piece(file, span->from)) != NULL)
		span->from = piece->from + piece->size;
	return span->from < span->to;
}

/* Reduces a span to the first part of it that is in no piece. */
bool
flow_s3_trim(const FlowS3File *file, FlowS3Span *span)
{
	if (!skip_pieces(file, span))
		return false;
	for (const FlowS3Piece *piece = file->first; piece != NULL; piece = piece->next)
		if (piece->from > span->from && piece->from < span->to)
			span->to = piece->from;
	return true;
}

/* Returns the first byte of a range that may still be read. */
uint64_t
flow_s3_range_start(const FlowS3Range *range)
{
	return range->shared ? range->from : range->at;
}

/* Returns true if some of the bytes are in an announced range and may be read. */
bool
flow_s3_needs(const FlowS3File *file, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < file->nranges; i++)
		if (flow_s3_range_start(&file->ranges[i]) < to && file->ranges[i].to > from)
			return true;
	return false;
}

/* Returns true if the whole object is one piece. */
bool
flow_s3_is_whole(const FlowS3File *file, const FlowS3Piece *piece)
{
	return piece->size == file->object->size;
}

/* Returns the number of bytes that are buffered for a file, or will be. */
uint64_t
flow_s3_wanted(const FlowS3File *file)
{
	uint64_t bytes = 0;

	if (!file->ranged && !file->guessed)
		return file->end - file->position;
	for (const FlowS3Piece *piece = file->first; piece != NULL; piece = piece->next)
		bytes += piece->size;
	for (size_t i = file->next_span; i < file->nspans; i++)
		bytes += file->spans[i].to - file->spans[i].from;
	return bytes;
}

/* Finds the next bytes of a file to request; false if there are none. */
static bool
next_span(FlowS3File *file, FlowS3Span *span)
{
	if (file->begun < file->end)
	{
		uint64_t left = file->end - file->begun;

		*span =
			(FlowS3Span) {file->begun, file->begun + (left < FLOW_S3_PIECE ? left : FLOW_S3_PIECE)};
		return true;
	}
	for (; file->next_span < file->nspans; file->next_span++)
	{
		*span = file->spans[file->next_span];
		if (skip_pieces(file, span) &&
		    (!file->planned || flow_s3_needs(file, span->from, span->to)))
			return true;
	}
	return false;
}

/* Begins pieces while there is room for them and a connection is free. */
FlowStatus
flow_s3_begin_pieces(FlowS3 *s3, FlowError *error)
{
	FlowStatus status = FLOW_OK;
	FlowS3Span span;

	/*
	 * most often no more can be under way, and there may be many files: they
	 * are not looked at for each block
	 */
	s3->held = s3->nrequests >= s3->pace.limit;
	if (s3->held)
	{
		s3->held = s3->last_file != NULL && next_span(s3->last_file, &span);
		return FLOW_OK;
	}
	for (FlowS3File *file = s3->files; file != NULL && status == FLOW_OK; file = file->next)
		while (status == FLOW_OK && next_span(file, &span))
		{
			size_t size = (size_t) (span.to - span.from);

			if (s3->buffered + size > FLOW_S3_BUFFERED && s3->buffered > 0)
				return FLOW_OK;
			s3->held = s3->nrequests >= s3->pace.limit;
			if (s3->held)
				return FLOW_OK;
			status = flow_s3_begin_piece(file, span.from, size, NULL, error);
			if (status == FLOW_OK && file->begun < file->end)
				file->begun += size;
		}
	return status;
}
