/*-------------------------------------------------------------------------
 *
 * s3_range.c
 *	  Reads an object by ranges, which are announced before they are read.
 *
 * Announced ranges become spans, each of which is one request: ranges that are
 * close together are one span, and large ones are cut.  Spans are requested in
 * the order in which they are listed, as there is room, and each becomes a
 * piece, which is dropped when no range needs it any more.  Bytes that are
 * read but in no piece are requested at once.
 *
 *-------------------------------------------------------------------------
 */
#include "s3_file.h"

/*
 * Bytes between two ranges that are fetched rather than making two requests:
 * they take 2 ms at 80 MB/s.
 */
#define GAP (128 * 1024)

/*
 * Ranges of a step that have no more bytes than STEP together are requested at
 * once.  Others are read in rounds of about ROUND bytes, each with the same
 * share of every range, so that those that are read side by side need one
 * round after the other; but no part of a range is smaller than PART.
 */
#define STEP (8 * 1024 * 1024)
#define ROUND (4 * 1024 * 1024)
#define PART (256 * 1024)

/* Steps that have no more bytes than this together are one. */
#define SMALL_STEPS (1024 * 1024)

/* Of a range, requested when a byte is needed that was not requested yet. */
#define DEMAND (512 * 1024)
#define LARGEST (4 * 1024 * 1024)

/* Spans that are being listed. */
typedef struct SpanList
{
	FlowS3Span *items;
	size_t count, room;
} SpanList;

/* ---------- what is needed ---------- */

/* Returns the range that holds an offset, or NULL. */
static const FlowS3Range *
find_range(const FlowS3File *file, uint64_t offset)
{
	for (size_t i = 0; i < file->nranges; i++)
		if (offset >= file->ranges[i].from && offset < file->ranges[i].to)
			return &file->ranges[i];
	return NULL;
}

/*
 * Notes that bytes were read; true if the end of a range was reached.
 */
static bool
note_read(FlowS3File *file, uint64_t from, uint64_t to)
{
	bool ended = false;

	for (size_t i = 0; i < file->nranges; i++)
	{
		FlowS3Range *range = &file->ranges[i];

		if (from >= range->from && from < range->to && to > range->at)
		{
			range->at = to;
			ended |= to >= range->to;
		}
	}
	return ended;
}

/*
 * Returns true for the pieces that are kept as long as the file is open: the
 * whole of a small object, and the ends of a large one, which are needed before
 * it is known what else is.
 */
static bool
is_kept(const FlowS3File *file, const FlowS3Piece *piece)
{
	for (size_t i = 0; i < flow_countof(file->ends); i++)
		if (piece->from == file->ends[i].from && piece->from + piece->size == file->ends[i].to)
			return true;
	return flow_s3_is_whole(file, piece);
}

/*
 * Drops the pieces that are not needed any more.  An answer that has not ended
 * is awaited, unless "all" is set: dropping it would close the connection.
 */
static void
drop_pieces(FlowS3File *file, bool all)
{
	for (FlowS3Piece *piece = file->first, *next; piece != NULL; piece = next)
	{
		next = piece->next;
		if ((all || piece->request.finished) && !is_kept(file, piece) &&
		    !flow_s3_needs(file, piece->from, piece->from + piece->size))
			flow_s3_drop_piece(file, piece);
	}
}

/*
 * From now on, the file is read by ranges.  Of what was requested in order, the
 * whole object is kept, and what has arrived.
 */
static void
begin_ranges(FlowS3File *file)
{
	if (file->ranged)
		return;
	file->ranged = true;
	file->begun = file->end;
	for (FlowS3Piece *piece = file->first, *next; piece != NULL && !file->guessed; piece = next)
	{
		next = piece->next;
		if (!piece->request.finished && !flow_s3_is_whole(file, piece))
			flow_s3_drop_piece(file, piece);
	}
	file->guessed = false;
}

/* ---------- announcing ---------- */

static bool
add_span(const FlowHost *host, SpanList *list, FlowS3Span span)
{
	if (list->count == list->room)
	{
		size_t room = list->room == 0 ? 16 : 2 * list->room;
		FlowS3Span *items = flow_allocate(host, room * sizeof(FlowS3Span));

		if (items == NULL)
			return false;
		if (list->count > 0)
			memcpy(items, list->items, list->count * sizeof(FlowS3Span));
		flow_free(host, list->items);
		list->items = items;
		list->room = room;
	}
	list->items[list->count++] = span;
	return true;
}

/*
 * Lists what is missing of some ranges, and sets *bytes to its size.  Returns
 * false if there is no memory.
 */
static bool
list_missing(const FlowS3File *file, const FlowS3Range *ranges, size_t count, SpanList *list,
             uint64_t *bytes)
{
	*bytes = 0;
	list->count = 0;
	for (size_t i = 0; i < count; i++)
	{
		FlowS3Span span = {flow_s3_range_start(&ranges[i]), ranges[i].to};

		while (flow_s3_trim(file, &span))
		{
			if (!add_span(file->s3->host, list, span))
				return false;
			*bytes += span.to - span.from;
			span = (FlowS3Span) {span.to, ranges[i].to};
		}
	}
	return true;
}

/*
 * Joins spans that are close together, in a list sorted by their beginnings.
 * "most" is the size up to which they are joined.
 */
static void
join_spans(SpanList *list, uint64_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
	{
		FlowS3Span span = list->items[i], *last = count > 0 ? &list->items[count - 1] : NULL;

		if (last != NULL && span.from >= last->from &&
		    (span.from < last->to || (span.from - last->to <= GAP && span.to - last->from <= most)))
		{
			if (span.to > last->to)
				last->to = span.to;
		}
		else
			list->items[count++] = span;
	}
	list->count = count;
}

/* Lists part number "part" of "parts" equal ones of a span. */
static bool
add_part(const FlowS3File *file, SpanList *list, FlowS3Span span, uint64_t part, uint64_t parts)
{
	uint64_t size = (span.to - span.from + parts - 1) / parts;
	FlowS3Span piece = {span.from + part * size, span.from + (part + 1) * size};

	if (piece.to > span.to)
		piece.to = span.to;
	return piece.from >= piece.to || add_span(file->s3->host, list, piece);
}

/*
 * Lists the spans to request for the ranges of a step.  "missing" is for use
 * here.
 */
static bool
list_step(const FlowS3File *file, const FlowS3Range *ranges, size_t count, SpanList *missing,
          SpanList *list)
{
	uint64_t bytes, rounds = 1;

	if (!list_missing(file, ranges, count, missing, &bytes))
		return false;
	if (bytes > STEP)
		rounds = (bytes + ROUND - 1) / ROUND;
	join_spans(missing, rounds == 1 ? UINT64_MAX : PART);
	for (uint64_t round = 0; round < rounds; round++)
		for (size_t i = 0; i < missing->count; i++)
		{
			FlowS3Span span = missing->items[i];
			uint64_t size = span.to - span.from;
			uint64_t parts = size / (rounds == 1 ? FLOW_S3_PIECE : PART);

			parts = parts == 0 ? 1 : parts;
			if (rounds == 1)
			{
				for (uint64_t part = 0; part < parts; part++)
					if (!add_part(file, list, span, part, parts))
						return false;
				continue;
			}
			parts = parts < rounds ? parts : rounds;
			if ((round == 0 || round * parts / rounds != (round - 1) * parts / rounds) &&
			    !add_part(file, list, span, round * parts / rounds, parts))
				return false;
		}
	return true;
}

/*
 * Returns the index after the ranges of a step that begins at an index, and of
 * the steps after it, as long as they are small.
 */
static size_t
end_of_steps(const FlowS3File *file, size_t begin)
{
	const FlowS3Range *ranges = file->ranges;
	uint64_t bytes = 0;
	size_t end = begin;

	for (size_t i = begin; i < file->nranges; i++)
	{
		bytes += ranges[i].to - ranges[i].from;
		if (ranges[i].step == ranges[begin].step)
			end = i + 1;
		else if (bytes > SMALL_STEPS)
			break;
		else if (i + 1 == file->nranges || ranges[i + 1].step != ranges[i].step)
			end = i + 1;
	}
	return end;
}

/* Lists the spans to request for all ranges. */
static FlowStatus
list_spans(FlowS3File *file, FlowError *error)
{
	const FlowHost *host = file->s3->host;
	SpanList missing = {NULL, 0, 0}, list = {NULL, 0, 0};
	bool good = true;

	for (size_t i = 0, next; i < file->nranges && good; i = next)
	{
		next = end_of_steps(file, i);
		good =
			!flow_interrupted(host) && list_step(file, file->ranges + i, next - i, &missing, &list);
	}
	flow_free(host, missing.items);
	if (!good)
	{
		flow_free(host, list.items);
		return flow_interrupted(host) ? flow_error_interrupted(error) : flow_error_memory(error);
	}
	if (file->spans != file->ends)
		flow_free(host, file->spans);
	file->spans = list.items;
	file->nspans = list.count;
	file->next_span = 0;
	return FLOW_OK;
}

/* Replaces the ranges; those that go on are known by their beginnings. */
static FlowStatus
set_ranges(FlowS3File *file, const FlowRange *ranges, size_t count, FlowError *error)
{
	const FlowHost *host = file->s3->host;
	FlowS3Range *copy = flow_allocate(host, (count + 1) * sizeof(FlowS3Range));

	if (copy == NULL)
		return flow_error_memory(error);
	for (size_t i = 0; i < count; i++)
	{
		uint64_t from = ranges[i].offset;

		copy[i] =
			(FlowS3Range) {from, from + ranges[i].size, from, ranges[i].step, ranges[i].shared};
		for (size_t j = 0; j < file->nranges; j++)
			if (file->ranges[j].from == from)
				copy[i].at = file->ranges[j].at < copy[i].to ? file->ranges[j].at : copy[i].to;
	}
	flow_free(host, file->ranges);
	file->ranges = copy;
	file->nranges = count;
	return FLOW_OK;
}

/* FlowStorage's plan. */
FlowStatus
flow_s3_plan(void *arg, const FlowRange *ranges, size_t count, FlowError *error)
{
	FlowS3File *file = arg;
	FlowStatus status;

	begin_ranges(file);
	if (file->first != NULL && flow_s3_is_whole(file, file->first))
		return FLOW_OK;
	status = flow_s3_work(file->s3, false, error);
	if (status == FLOW_OK)
		status = set_ranges(file, ranges, count, error);
	if (status != FLOW_OK)
		return status;
	file->planned = true;
	drop_pieces(file, true);
	status = list_spans(file, error);
	return status == FLOW_OK ? flow_s3_begin_pieces(file->s3, error) : status;
}

/* ---------- reading ---------- */

/*
 * Drops pieces that are probably needed, but were not read for the longest
 * time, until there is room.
 */
static void
make_room(FlowS3File *file, size_t size)
{
	while (file->s3->buffered + size > FLOW_S3_BUFFERED)
	{
		FlowS3Piece *oldest = NULL;

		for (FlowS3Piece *piece = file->first; piece != NULL; piece = piece->next)
			if (piece->request.finished && (oldest == NULL || piece->used < oldest->used))
				oldest = piece;
		if (oldest == NULL)
			return;
		flow_s3_drop_piece(file, oldest);
	}
}

/*
 * Requests bytes that are needed now: with those that follow, as far as they
 * were announced.
 */
static FlowStatus
demand(FlowS3File *file, uint64_t offset, size_t len, FlowS3Piece **piece, FlowError *error)
{
	const FlowS3Range *range = find_range(file, offset);
	FlowS3Span span = {offset, offset + len};

	if (range != NULL && span.to < offset + DEMAND)
		span.to = range->to < offset + DEMAND ? range->to : offset + DEMAND;
	for (size_t i = file->next_span; i < file->nspans; i++)
		if (offset >= file->spans[i].from && offset < file->spans[i].to)
		{
			span.to = file->spans[i].to;
			file->spans[i].to = offset;
			break;
		}
	if (span.to - span.from > LARGEST)
		span.to = span.from + LARGEST;
	(void) flow_s3_trim(file, &span);
	make_room(file, (size_t) (span.to - span.from));
	return flow_s3_begin_piece(file, span.from, (size_t) (span.to - span.from), piece, error);
}

/* Waits until a piece has the byte at an offset. */
static FlowStatus
wait_for_byte(const FlowS3Piece *piece, FlowS3 *s3, uint64_t offset, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	while (status == FLOW_OK && piece->from + piece->have <= offset)
	{
		status = flow_s3_outcome(&piece->request, error);
		if (status == FLOW_OK)
			status = flow_s3_begin_pieces(s3, error);
		if (status == FLOW_OK)
			status = flow_s3_work(s3, true, error);
	}
	return status;
}

/* FlowStorage's read_range. */
FlowStatus
flow_s3_read_range(void *arg, uint64_t offset, void *buffer, size_t len, FlowError *error)
{
	FlowS3File *file = arg;
	FlowS3 *s3 = file->s3;
	char *out = buffer;
	bool ended;
	FlowStatus status = FLOW_OK;

	if (!(file->guessed && offset + len <= FLOW_HEAD_SIZE))
		begin_ranges(file);
	ended = note_read(file, offset, offset + len);
	while (len > 0)
	{
		FlowS3Piece *piece = flow_s3_find_piece(file, offset);
		size_t count;

		if (piece == NULL)
			status = demand(file, offset, len, &piece, error);
		if (status == FLOW_OK)
			status = wait_for_byte(piece, s3, offset, error);
		if (status != FLOW_OK)
			return status;
		count = piece->have - (size_t) (offset - piece->from);
		if (count > len)
			count = len;
		memcpy(out, piece->data + (offset - piece->from), count);
		piece->used = ++file->uses;
		out += count;
		offset += count;
		len -= count;
		ended |= offset == piece->from + piece->size;
	}

	/* forget what is not needed, and keep the connections busy */
	if (ended && file->planned)
		drop_pieces(file, false);
	status = flow_s3_begin_pieces(s3, error);
	if (status == FLOW_OK && s3->requests != NULL)
		status = flow_s3_work(s3, false, error);
	return status;
}
