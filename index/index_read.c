/*-------------------------------------------------------------------------
 *
 * index_read.c
 *	  Reads flow logs, one after the other, for what the index stores of each.
 *
 * One pass of the reader adds up records by action and log_status, and the
 * extremes of their times, and collects the values of the columns of the index.
 * At the end of a file these are added to a batch.  The reader goes on with the
 * next file, which a store is already fetching.
 *
 * Values have bounded memory.  Those that no longer fit are added to the batch
 * before the end of the file, which is why columns of texts then have keys of
 * texts: it is not yet known whether all of their values are addresses.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"

#include <time.h>

/* memory for the values of a file */
#define VALUES_MEMORY ((Size) 28 * 1024 * 1024)

/*
 * A file may be written twice at what is one time for its file system, and so
 * look unchanged.  What was written after we began to read it has another time
 * if its time is that much before: two seconds, as for FAT.
 */
#define SETTLING_NANOSECONDS INT64CONST(2000000000)

#define NO_FILE SIZE_MAX

struct FlowlogIndexReader
{
	MemoryContext context; /* this lives in it */
	MemoryContext texts;   /* a child of it, for what *file of the last call points to */
	MemoryContextCallback callback;
	const FlowlogTable *table;
	FlowlogBackend *backend;
	FlowStore *store;
	const FlowObjects *objects;

	/* what is read of the records */
	int *columns; /* of the index */
	int ncolumns;
	int *used; /* all of these */
	int nused;
	FlowFormat *format;
	FlowIndexValues *values;
	FlowIndexTotals *totals;

	FlowReader *reader; /* NULL: it is made when the next file is read */
	size_t handed;      /* the next file that the reader takes */
	size_t next;        /* the next file to be given */
	uint64_t rejects;   /* of the file, for reject_limit */
	FlowCounts before;  /* the reader's, when it came to the file */

	/* the file that was read last */
	FlowlogIndexedFile file;
	bool kept;      /* all of its values are there, which are to be added again */
	bool spilled;   /* some of them are in the batch already */
	size_t refused; /* the file that did not fit into a batch, or NO_FILE */
};

/* ---------- columns ---------- */

/* Notes that a column is used; some are used twice. */
static void
use(FlowlogIndexReader *self, int column)
{
	for (int i = 0; i < self->nused; i++)
		if (self->used[i] == column)
			return;
	if (column >= 0)
		self->used[self->nused++] = column;
}

/* ---------- totals and values ---------- */

/* Makes what adds up totals, and what collects values. */
static void
make_sets(FlowlogIndexReader *self)
{
	FlowlogBackend *backend = self->backend;
	FlowlogIndexColumns others = flowlog_index_columns(self->table);
	FlowIndexTotalsSpec totals = {.host = &backend->reader_host, .columns = self->table->columns};
	FlowIndexValuesSpec values = {.host = &backend->reader_host,
	                              .columns = self->table->columns,
	                              .indexed = self->columns,
	                              .nindexed = self->ncolumns,
	                              .memory = VALUES_MEMORY};
	FlowError error;

	for (int k = 0; k < 2; k++)
	{
		totals.times[k] = others.times[k];
		totals.texts[k] = others.groups[k];
		use(self, others.times[k]);
		use(self, others.groups[k]);
	}
	for (int i = 0; i < self->ncolumns; i++)
		use(self, self->columns[i]);
	if (flow_index_totals_create(&totals, &self->totals, &error) != FLOW_OK ||
	    flow_index_values_create(&values, &self->values, &error) != FLOW_OK)
		flowlog_raise(backend, &error, self->table);
}

/* ---------- the reader ---------- */

/* Hands out the next file: FlowReadSpec's next_part. */
static FlowStatus
next_part(void *arg, bool wait, FlowPart *part, FlowError *error)
{
	FlowlogIndexReader *self = arg;

	if (self->handed == self->objects->count)
		return FLOW_END;
	*part = (FlowPart) {.object = self->handed++, .start = 0, .end = PG_UINT64_MAX};
	return FLOW_OK;
}

/* Makes the reader, if there is none. */
static void
make_reader(FlowlogIndexReader *self)
{
	const FlowlogOptions *options = &self->table->options;
	FlowReadSpec spec;
	FlowError error;
	MemoryContext old;

	if (self->reader != NULL)
		return;
	old = MemoryContextSwitchTo(self->context);
	spec = (FlowReadSpec) {
		.host = &self->backend->reader_host,
		.format = self->format,
		.objects = self->objects,
		.location = self->table->location,
		.access = flowlog_get_access(self->store),
		.on_error = options->on_error,
		.reject_limit = options->reject_limit,
		.compression = options->compression,
		.max_line_length = options->max_line_length,
		.pause_at_files = true,
		.used = self->used,
		.nused = self->nused,
		.next_part = next_part,
		.next_part_arg = self,
		.shared_rejects = &self->rejects,
	};
	if (flow_reader_create(&spec, &self->reader, &error) != FLOW_OK)
		flowlog_raise(self->backend, &error, self->table);
	MemoryContextSwitchTo(old);
	self->before = *flow_reader_counts(self->reader);
}

/* Makes the next call go on with another file, by another reader. */
static void
go_to(FlowlogIndexReader *self, size_t file)
{
	flow_reader_close(self->reader);
	self->reader = NULL;
	if (self->store != NULL && self->store->storage->forget != NULL)
		self->store->storage->forget(self->store);
	self->handed = self->next = file;
}

/* Releases what the memory context does not own: its reset callback. */
static void
release(void *arg)
{
	FlowlogIndexReader *self = arg;

	flow_reader_close(self->reader);
	flow_index_totals_free(self->totals);
	flow_index_values_free(self->values);
	flow_format_free(self->format);
	flowlog_buffers_release();
}

FlowlogIndexReader *
flowlog_index_read_begin(const FlowlogTable *table, FlowlogBackend *backend, FlowStore *store,
                         const FlowObjects *objects, const int *columns, int ncolumns)
{
	const FlowlogOptions *options = &table->options;
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw index", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	FlowlogIndexReader *self = palloc0(sizeof(FlowlogIndexReader));
	FlowFormatSpec format = {.regex = options->regex,
	                         .log_format = options->log_format,
	                         .regex_jit = flowlog_regex_jit,
	                         .splitter = flowlog_enable_splitter,
	                         .header = options->header,
	                         .columns = table->columns,
	                         .ncolumns = table->ncolumns};
	FlowError error;

	self->context = context;
	self->texts = AllocSetContextCreate(context, "flowlog_fdw indexed file", ALLOCSET_SMALL_SIZES);
	self->table = table;
	self->backend = backend;
	self->store = store;
	self->objects = objects;
	self->refused = NO_FILE;
	self->columns = palloc(sizeof(int) * (ncolumns + 1));
	memcpy(self->columns, columns, sizeof(int) * ncolumns);
	self->ncolumns = ncolumns;
	self->used = palloc(sizeof(int) * (ncolumns + 4));

	flowlog_buffers_acquire();
	self->callback.func = release;
	self->callback.arg = self;
	MemoryContextRegisterResetCallback(context, &self->callback);

	make_sets(self);
	if (flow_format_create(&backend->reader_host, &format, &self->format, &error) != FLOW_OK)
		flowlog_raise(backend, &error, table);
	MemoryContextSwitchTo(old);
	return self;
}

void
flowlog_index_read_end(FlowlogIndexReader *reader)
{
	MemoryContextDelete(reader->context);
}

/* ---------- totals ---------- */

/* Takes the totals of the file. */
static void
take_totals(FlowlogIndexReader *self)
{
	FlowlogIndexedFile *file = &self->file;
	FlowIndexGroup groups[FLOWLOG_INDEXED_GROUPS];

	for (int k = 0; k < 2; k++)
	{
		FlowIndexExtremes times = flow_index_totals_times(self->totals, k);

		file->has_times[k] = times.any;
		file->least[k] = times.least;
		file->greatest[k] = times.greatest;
		file->has_null_time[k] = times.null;
	}
	file->ngroups = flow_index_totals_groups(self->totals, groups);
	for (int i = 0; i < file->ngroups; i++)
	{
		file->groups[i].count = groups[i].count;
		for (int k = 0; k < 2; k++)
		{
			const FlowSlice *text = &groups[i].texts[k];

			file->groups[i].values[k] = *text;
			if (text->data != NULL)
				file->groups[i].values[k].data =
					MemoryContextStrdup(self->texts, pnstrdup(text->data, text->len));
		}
	}
}

/* ---------- values ---------- */

/* Adds the values to the batch: FLOW_OK or FLOW_LIMIT. */
static FlowStatus
add_values(FlowlogIndexReader *self, FlowIndexBatch *batch, uint32 number)
{
	FlowStatus status = flow_index_values_give(self->values,
	                                           !self->spilled,
	                                           batch,
	                                           number,
	                                           &self->file.address_columns);

	if (status != FLOW_OK && status != FLOW_LIMIT)
		flowlog_raise_status(self->backend, status);
	return status;
}

/* ---------- a file ---------- */

/*
 * Returns true if a local file may be written again without another time.  The
 * clock is ours, which may be ahead of the file system's only as far as files
 * are written by other machines.
 */
static bool
is_recent(const FlowObject *object)
{
	struct timespec clock;
	int64 now;

	clock_gettime(CLOCK_REALTIME, &clock);
	now = (int64) clock.tv_sec * 1000000000 + clock.tv_nsec;
	if (object->changed == 0)
		return object->modified > now - SETTLING_NANOSECONDS;

	/* a time of modification in the future may have been set, but not the other */
	return object->changed > now - SETTLING_NANOSECONDS ||
	       (object->modified > now - SETTLING_NANOSECONDS &&
	        object->modified < now + SETTLING_NANOSECONDS);
}

/* What an error says of a file. */
typedef enum Outcome
{
	ANSWER_NO, /* nothing: it is raised */
	CHANGED,
	UNFIT
} Outcome;

static Outcome
outcome_of(const FlowlogIndexReader *self, FlowStatus status)
{
	switch (status)
	{
		case FLOW_INTERRUPTED:
		case FLOW_NO_MEMORY:
		case FLOW_NO_RESOURCES:
			return ANSWER_NO;
		case FLOW_CHANGED:
		case FLOW_NOT_FOUND:
			return CHANGED;
		case FLOW_IO:
		case FLOW_NO_PERMISSION:
		case FLOW_NOT_ALLOWED:
			/* of a store these are about its connection or its keys */
			return self->store != NULL ? ANSWER_NO : CHANGED;
		default:
			return UNFIT;
	}
}

/* Notes why a file could not be read, or raises the error if it is not the file's. */
static void
fail(FlowlogIndexReader *self, const FlowError *error)
{
	FlowlogIndexedFile *file = &self->file;
	Outcome outcome = outcome_of(self, error->status);
	const char *message;

	if (outcome == ANSWER_NO || flow_reader_file(self->reader) != file->object)
		flowlog_raise(self->backend, error, self->table);
	file->changed = outcome == CHANGED;
	if (outcome == UNFIT)
	{
		message = flowlog_valid_text(error->message);
		file->error = error->line == 0 ? MemoryContextStrdup(self->texts, message)
		                               : MemoryContextStrdup(self->texts,
		                                                     psprintf("%s, line " UINT64_FORMAT,
		                                                              message,
		                                                              (uint64) error->line));
	}
	go_to(self, self->next + 1);
}

/* Sets what is known of a file that was read to its end. */
static void
finish(FlowlogIndexReader *self)
{
	FlowlogIndexedFile *file = &self->file;

	Assert(flow_reader_file(self->reader) == file->object);
	Assert(flow_reader_balances(self->reader));
	take_totals(self);
	file->counts = *flow_reader_counts(self->reader);
	flow_counts_subtract(&file->counts, &self->before);
	self->before = *flow_reader_counts(self->reader);
	file->counts.files = file->counts.files_read = 1;
	file->counts.files_not_reached = 0;
	file->counts.bytes = file->object->size;
	file->changed = self->store == NULL && !flow_object_is_unchanged(file->object);
	self->next++;
}

/*
 * Reads a file.  FLOW_LIMIT: not all of its values, some of which were to be
 * added before its end, fit into the batch.
 */
static FlowStatus
read_file(FlowlogIndexReader *self, FlowIndexBatch *batch, uint32 number)
{
	FlowStatus status;
	FlowError error;

	make_reader(self);
	self->rejects = 0;
	while ((status = flow_reader_index(self->reader, self->totals, self->values, &error)) ==
	       FLOW_OK)
	{
		self->spilled = true;
		if ((status = add_values(self, batch, number)) != FLOW_OK)
			return status;
		flow_index_values_clear(self->values);
	}
	if (status == FLOW_END)
		finish(self);
	else
		fail(self, &error);
	return FLOW_OK;
}

/* Begins with the next file, and reads it unless it is too new. */
static FlowStatus
take_file(FlowlogIndexReader *self, FlowIndexBatch *batch, uint32 number)
{
	MemoryContextReset(self->texts);
	memset(&self->file, 0, sizeof(self->file));
	self->file.object = &self->objects->items[self->next];
	self->spilled = false;
	flow_index_totals_clear(self->totals);
	flow_index_values_clear(self->values);
	if (self->store == NULL && is_recent(self->file.object))
	{
		/* the reader has not taken it yet */
		self->file.changed = self->file.recent = true;
		self->handed = ++self->next;
		return FLOW_OK;
	}
	return read_file(self, batch, number);
}

/*
 * The file does not fit into the batch: its values are added again or, if they
 * are not all there any more, it is read again.  If it did not fit before,
 * it never will.
 */
static bool
refuse(FlowlogIndexReader *self, FlowIndexBatch *batch, uint32 number)
{
	size_t file = (size_t) (self->file.object - self->objects->items);

	flow_index_batch_forget(batch, number);
	self->kept = !self->spilled;
	if (self->refused == file)
	{
		self->kept = false;
		self->file.error = "flow log has more values than fit into \"maintenance_work_mem\"";
		go_to(self, file + 1);
		return true;
	}
	self->refused = file;
	if (!self->kept)
		go_to(self, file);
	return false;
}

bool
flowlog_index_read_next(FlowlogIndexReader *reader, FlowIndexBatch *batch, uint32 number,
                        FlowlogIndexedFile *file, bool *full)
{
	FlowlogIndexReader *self = reader;
	FlowStatus status = FLOW_OK;

	*full = false;
	if (!self->kept)
	{
		if (self->next == self->objects->count)
			return false;
		status = take_file(self, batch, number);
	}
	self->kept = false;
	if (self->file.error != NULL || self->file.changed)
	{
		if (self->spilled)
			flow_index_batch_forget(batch, number);
	}
	else if (status == FLOW_OK)
		status = add_values(self, batch, number);
	if (status == FLOW_LIMIT)
		*full = !refuse(self, batch, number);
	*file = self->file;
	return true;
}
