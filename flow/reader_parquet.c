/*-------------------------------------------------------------------------
 *
 * reader_parquet.c
 *	  Reads files that have columns instead of lines.
 *
 * A block of rows takes the place of a piece of split lines.  The filter reads
 * the columns that it needs of all rows, and other columns are read of the rows
 * that pass.  Without the splitter each row is taken by itself, as lines are.
 * A row counts as a line.
 *
 *-------------------------------------------------------------------------
 */
#include "bytes/file.h"
#include "filter.h"
#include "format.h"
#include "group.h"
#include "index_totals.h"
#include "index_values.h"
#include "memo.h"
#include "parquet/records.h"
#include "reader.h"
#include "top.h"
#include "vector.h"

#include <string.h>

/* ---------- the file ---------- */

/* Completes an error about the file, which does not have its name yet. */
static FlowStatus
file_error(FlowReader *reader, FlowStatus status, FlowError *error)
{
	FlowError changed;

	/* data that are being overwritten look like damaged ones */
	if (status == FLOW_CORRUPT && flow_source_unchanged(reader->source, &changed) != FLOW_OK)
	{
		*error = changed;
		return changed.status;
	}
	if (status == FLOW_CORRUPT || status == FLOW_UNSUPPORTED || status == FLOW_LIMIT)
		flow_file_name_error(error, reader->object->path);
	if (error->path[0] == '\0')
		flow_error_at(error, reader->object->path, 0);
	return status;
}

/*
 * Returns true if a column is checked in every row: whether a row is a record
 * must not depend on what a query reads.
 */
static bool
is_checked(const FlowReader *reader, int column)
{
	return reader->columns[column].source == FLOW_FROM_RECORD &&
	       (reader->columns[column].not_null || reader->spec.on_error == FLOW_ON_ERROR_IGNORE);
}

/* Lists the columns that are needed, and for what. */
static FlowStatus
list_needed(FlowReader *reader, FlowError *error)
{
	size_t ncolumns = (size_t) reader->ncolumns;
	FlowNeeded *needed = &reader->needed_columns;

	if (needed->fields == NULL)
		needed->fields = flow_allocate(reader->host, FLOW_NEEDED_ARRAYS * ncolumns + 1);
	if (reader->entry_checks == NULL)
	{
		reader->entry_checks = flow_allocate(reader->host, (ncolumns + 1) * sizeof(FlowEntryCheck));
		if (reader->entry_checks != NULL)
			memset(reader->entry_checks, 0, (ncolumns + 1) * sizeof(FlowEntryCheck));
	}
	if (needed->fields == NULL || reader->entry_checks == NULL)
		return flow_error_memory(error);
	memset(needed->fields, 0, FLOW_NEEDED_ARRAYS * ncolumns + 1);
	needed->vectors = needed->fields + ncolumns;
	needed->codes = needed->vectors + ncolumns;
	needed->single = needed->codes + ncolumns;
	needed->filter = needed->single + ncolumns;
	needed->sought = needed->filter + ncolumns;
	needed->checked = needed->sought + ncolumns;
	needed->ranked = needed->checked + ncolumns;
	needed->ranked_fields = needed->ranked + ncolumns;

	for (int i = 0; i < reader->ncolumns; i++)
		needed->checked[i] = needed->single[i] = is_checked(reader, i);
	for (int i = 0; i < reader->nwanted; i++)
		(reader->groups != NULL || reader->values != NULL ? needed->single
		                                                  : needed->fields)[reader->wanted[i]] =
			true;
	for (int i = 0; i < reader->ngroups; i++)
		flow_groups_mark(reader->groups[i], needed->fields, needed->vectors, needed->codes);
	if (reader->values != NULL)
	{
		flow_index_totals_mark(reader->totals, needed->fields, needed->vectors, needed->codes);
		flow_index_values_mark(reader->values, needed->fields, needed->codes);
	}
	if (reader->spec.filter != NULL)
	{
		flow_filter_mark(reader->spec.filter, needed->filter);
		flow_filter_mark_equalities(reader->spec.filter, needed->sought);
	}
	flow_top_mark(reader->spec.top, needed->ranked_fields, needed->ranked);
	return FLOW_OK;
}

/* Notes which columns the file has. */
static void
note_columns(FlowReader *reader, bool lacks_field)
{
	for (int i = 0; reader->spec.found != NULL && i < reader->ncolumns; i++)
		if (flow_parquet_records_has(reader->records, i))
			reader->spec.found[i] = true;
	if (lacks_field && reader->part.start == 0)
		reader->counts.files_lacking++;
}

/* Begins to read the row groups of the part. */
FlowStatus
flow_reader_begin_parquet(FlowReader *reader, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	if (reader->records == NULL)
		status = flow_reader_open_records(reader,
		                                  &reader->part,
		                                  reader->source,
		                                  &reader->records,
		                                  &reader->lacks_field,
		                                  error);
	if (status != FLOW_OK)
		return file_error(reader, status, error);
	if (reader->block_rows == NULL)
		reader->block_rows = flow_allocate(reader->host, FLOW_PARQUET_BLOCK * sizeof(uint32_t));
	if (reader->block_rows == NULL)
		return flow_error_memory(error);
	if ((status = list_needed(reader, error)) != FLOW_OK)
		return status;
	note_columns(reader, reader->lacks_field);
	reader->index_useless = false;
	reader->rows_before = reader->counts.rows + reader->counts.rows_pruned;
	reader->part.start = 0; /* rows are counted in the file */
	reader->batch = flow_parquet_records_batch(reader->records);
	reader->batch->constants = reader->constant;
	reader->rows = reader->block_rows;
	return FLOW_OK;
}

/* ---------- blocks ---------- */

/* Fills the error for a status of the batch's loader. */
static FlowStatus
loader_error(FlowReader *reader, FlowStatus status, FlowError *error)
{
	*error = *flow_parquet_records_error(reader->records);
	return file_error(reader, status, error);
}

/*
 * Loads the needed columns for the rows that are left: as vectors where that
 * is enough; or all of them as fields, with those of the filter, which may
 * have used codes instead.
 */
static FlowStatus
load_needed(FlowReader *reader, bool all_fields, FlowError *error)
{
	const FlowNeeded *needed = &reader->needed_columns;
	uint32_t *rows = reader->rows + reader->row;
	size_t count = reader->nrows - reader->row;
	FlowStatus status = FLOW_OK;

	for (int i = 0; i < reader->ncolumns && status == FLOW_OK; i++)
	{
		bool codes = needed->codes[i] && !needed->fields[i];
		bool others = needed->vectors[i] || codes || needed->single[i] || needed->filter[i] ||
		              needed->ranked[i];
		const FlowCodes *found = NULL;

		if (codes && !all_fields)
			status = flow_batch_codes(reader->batch, i, &found);
		if (status == FLOW_OK &&
		    (needed->fields[i] || (codes && found == NULL) || (all_fields && others)))
			status = flow_batch_load(reader->batch, i, rows, count);
		if (status == FLOW_OK && needed->vectors[i] && !all_fields)
			status = flow_vector_load(reader->columns, i, reader->batch, rows, count);
	}
	return status == FLOW_OK ? FLOW_OK : loader_error(reader, status, error);
}

/* Loads what spec.top needs of the rows that are left, as vectors where that is enough. */
static FlowStatus
load_ranked(FlowReader *reader, FlowError *error)
{
	const FlowNeeded *needed = &reader->needed_columns;
	uint32_t *rows = reader->rows + reader->row;
	size_t count = reader->nrows - reader->row;
	FlowStatus status = FLOW_OK;

	for (int i = 0; i < reader->ncolumns && status == FLOW_OK; i++)
		if (needed->ranked_fields[i])
			status = flow_batch_load(reader->batch, i, rows, count);
		else if (needed->ranked[i])
			status = flow_vector_load(reader->columns, i, reader->batch, rows, count);
	return status == FLOW_OK ? FLOW_OK : loader_error(reader, status, error);
}

/* Fills the error for a status of the selector. */
static FlowStatus
selector_error(FlowReader *reader, FlowStatus status, FlowError *error)
{
	if (status == FLOW_INTERRUPTED)
		return flow_error_interrupted(error);
	if (status == FLOW_NO_MEMORY)
		return flow_error_memory(error);
	return loader_error(reader, status, error);
}

/* ---------- checks ---------- */

/* Finds out which entries of a column are bad fields. */
static FlowStatus
check_entries(FlowReader *reader, int column, const FlowCodes *codes, FlowError *error)
{
	FlowEntryCheck *check = &reader->entry_checks[column];

	if (check->serial == codes->serial)
		return FLOW_OK;
	if (check->size < codes->count)
	{
		flow_free(reader->host, check->bad);
		check->size = 0;
		check->bad = flow_allocate(reader->host, codes->count);
		if (check->bad == NULL)
			return flow_error_memory(error);
		check->size = codes->count;
	}
	check->any = false;
	for (size_t i = 0; i < codes->count; i++)
	{
		check->bad[i] = flow_reader_is_bad(reader, column, codes->entries[i]);
		check->any |= check->bad[i];
		if (i % FLOW_FILTER_LOOK == FLOW_FILTER_LOOK - 1 && flow_interrupted(reader->host))
			return flow_error_interrupted(error);
	}
	check->serial = codes->serial;
	return FLOW_OK;
}

/*
 * Marks the rows with a bad field in a column as doubtful: by numbers, of which
 * none is bad, by codes, or by their fields.
 */
static FlowStatus
doubt_column(FlowReader *reader, int column, FlowError *error)
{
	const FlowBatch *batch = reader->batch;
	uint32_t *rows = reader->rows;
	const FlowCodes *codes = NULL;
	const int64_t *numbers = NULL;
	const uint8_t *present;
	FlowStatus status = flow_vector_numbers(reader->columns, column, batch, &numbers, &present);

	if (status == FLOW_OK && numbers != NULL)
	{
		for (size_t i = 0; reader->columns[column].not_null && i < reader->nrows; i++)
			if (!present[rows[i] & ~FLOW_ROW_MARKS])
				rows[i] |= FLOW_ROW_DOUBTFUL;
		return FLOW_OK;
	}
	if (status == FLOW_OK)
		status = flow_batch_codes(batch, column, &codes);
	if (status == FLOW_OK && codes == NULL)
		status = flow_batch_load(batch, column, rows, reader->nrows);
	if (status != FLOW_OK)
		return loader_error(reader, status, error);
	if (codes != NULL)
	{
		const FlowEntryCheck *check = &reader->entry_checks[column];

		status = check_entries(reader, column, codes, error);
		for (size_t i = 0; status == FLOW_OK && check->any && i < reader->nrows; i++)
			if (check->bad[codes->codes[rows[i] & ~FLOW_ROW_MARKS]])
				rows[i] |= FLOW_ROW_DOUBTFUL;
		return status;
	}
	for (size_t i = 0; i < reader->nrows; i++)
		if (!(rows[i] & FLOW_ROW_DOUBTFUL) &&
		    flow_reader_is_bad(reader,
		                       column,
		                       flow_parquet_records_field(reader->records, rows[i], column)))
			rows[i] |= FLOW_ROW_DOUBTFUL;
	return FLOW_OK;
}

/* Marks the rows with a bad field in a checked column as doubtful. */
static FlowStatus
doubt_columns(FlowReader *reader, FlowError *error)
{
	FlowStatus status = FLOW_OK;

	flow_reader_doubt_constants(reader);
	for (int i = 0; i < reader->ncolumns && status == FLOW_OK; i++)
		if (reader->needed_columns.checked[i] &&
		    (flow_parquet_records_has(reader->records, i) || reader->columns[i].not_null))
			status = doubt_column(reader, i, error);
	return status;
}

/* ---------- row groups and blocks ---------- */

/*
 * Sets *excluded if nothing of the row group that begins can pass: by the
 * statistics of its columns, or by all values that a column has.
 */
static FlowStatus
exclude_group(FlowReader *reader, bool *excluded, FlowError *error)
{
	bool may_pass;
	FlowStatus status = flow_reader_may_pass(reader,
	                                         reader->records,
	                                         flow_parquet_records_group(reader->records),
	                                         &may_pass,
	                                         error);

	*excluded = !may_pass;
	if (status != FLOW_OK || *excluded)
		return status;
	if ((status = flow_reader_plan_group(reader, error)) != FLOW_OK)
		return status;
	if (flow_reader_prunes(reader))
		status = flow_selector_exclude(reader->selector, reader->batch, excluded);
	if (status != FLOW_OK)
		return selector_error(reader, status, error);
	return FLOW_OK;
}

/* Announces what the row group needs, now that it is known which pages are left. */
static FlowStatus
plan_columns(FlowReader *reader, FlowError *error)
{
	FlowReadStage stage = FLOW_STAGE_FILTER;

	if (reader->has_expected && reader->expected_stage > stage &&
	    reader->planned_stage < reader->expected_stage)
		stage = reader->expected_stage;
	reader->index_awaited = false;
	if (flow_reader_plan(reader, stage, error) != FLOW_OK)
		return error->status;
	reader->reached_stage = FLOW_STAGE_FILTER; /* what comes after it was only expected */
	return FLOW_OK;
}

static bool
may_pass(void *arg, const FlowInterval *intervals)
{
	const FlowReader *reader = arg;

	return flow_filter_may_pass(reader->spec.filter, intervals);
}

/*
 * Leaves out pages in which nothing can pass; *any is set if there are some.
 * From a store, the index is only read where it probably pays, and not again
 * after it has left out less than an eighth of a row group.
 */
static FlowStatus
prune_pages(FlowReader *reader, bool *any, FlowError *error)
{
	const FlowParquetProspect prospect = {may_pass, reader};
	bool *paged = NULL;
	uint64_t pages, rows;
	FlowStatus status;

	*any = false;
	if (!flow_reader_prunes(reader))
		return FLOW_OK;
	status = flow_reader_awaits_index(reader, &paged, error);
	if (status != FLOW_OK || (paged == NULL && reader->spec.access.store != NULL))
		return status;
	status = flow_parquet_records_prune(
		reader->records, reader->needed_columns.filter, paged, &prospect, &pages, &rows, error);
	reader->index_useless |=
		paged != NULL && rows < flow_parquet_records_group_rows(reader->records) / 8;
	flow_free(reader->host, paged);
	if (status != FLOW_OK)
		return file_error(reader, status, error);
	reader->counts.pages_pruned += pages;
	reader->counts.rows_pruned += rows;
	*any = rows > 0;
	return FLOW_OK;
}

/* Leaves out rows that are not in the sample, or pages in which nothing can pass. */
static FlowStatus
leave_out_rows(FlowReader *reader, bool *any, FlowError *error)
{
	uint64_t rows;
	FlowStatus status;

	if (reader->spec.sample == NULL)
		return prune_pages(reader, any, error);
	status = flow_parquet_records_sample(reader->records, &rows, error);
	reader->counts.rows_pruned += rows;
	*any = rows > 0;
	return status;
}

/* Goes on to the next block of a row group in which records may pass. */
static FlowStatus
next_block(FlowReader *reader, FlowParquetBlock *block, FlowError *error)
{
	for (;;)
	{
		FlowStatus status = flow_parquet_records_next(reader->records, block, error);
		bool excluded, pruned;

		if (status == FLOW_END)
		{
			reader->rows_differ |=
				flow_parquet_records_rows(reader->records) !=
				reader->counts.rows + reader->counts.rows_pruned - reader->rows_before;
			status = flow_source_unchanged(reader->source, error);
			return status == FLOW_OK ? FLOW_END : file_error(reader, status, error);
		}
		if (status != FLOW_OK)
			return file_error(reader, status, error);
		if (block->group_rows == 0)
			return FLOW_OK;
		reader->counts.row_groups++;
		status = exclude_group(reader, &excluded, error);
		if (status == FLOW_OK && !excluded)
		{
			status = leave_out_rows(reader, &pruned, error);
			if (status == FLOW_OK)
				status = plan_columns(reader, error);
			if (status == FLOW_OK && pruned)
				continue;
		}
		if (status != FLOW_OK || !excluded)
			return status;
		reader->counts.row_groups_pruned++;
		reader->counts.rows_pruned += block->group_rows;
		flow_parquet_records_skip_group(reader->records);
		flow_reader_open_ahead(reader);
	}
}

/* Numbers rows from 0 on. */
static void
number_rows(uint32_t *rows, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		rows[i] = i;
}

/* Goes on to the next block. */
FlowStatus
flow_reader_next_block(FlowReader *reader, FlowError *error)
{
	FlowParquetBlock block;
	FlowStatus status = next_block(reader, &block, error);

	if (status != FLOW_OK)
		return status;

	/* all of its rows */
	reader->line = block.first;
	reader->settled = 0;
	reader->row = 0;
	reader->nrows = reader->piece = block.count;
	number_rows(reader->rows, (uint32_t) block.count);
	if (reader->lines == NULL)
	{
		/* each is taken by itself */
		for (size_t i = 0; i < block.count; i++)
			reader->rows[i] |= FLOW_ROW_DOUBTFUL;
		reader->ranked = SIZE_MAX;
		flow_reader_open_ahead(reader);
		return FLOW_OK;
	}

	/* those that pass */
	flow_memo_settle(flow_filter_memo(reader->spec.filter));
	return flow_reader_select_block(reader, error);
}

/*
 * Drops rows that are not among the best, by their keys alone.  If there are
 * doubtful rows, the others are dropped up to each of them, as rows of lines.
 */
static FlowStatus
drop_rows_of_block(FlowReader *reader, FlowError *error)
{
	FlowStatus status;

	reader->ranked = SIZE_MAX;
	if (reader->spec.top == NULL)
		return FLOW_OK;
	if ((status = load_ranked(reader, error)) != FLOW_OK)
		return status;
	for (size_t i = 0; i < reader->nrows; i++)
		if (reader->rows[i] & FLOW_ROW_DOUBTFUL)
		{
			reader->ranked = 0;
			return FLOW_OK;
		}
	reader->nrows = flow_reader_drop(reader, 0, reader->nrows, reader->piece);
	return FLOW_OK;
}

/* Keeps the rows that pass, and loads the columns that are needed of them. */
FlowStatus
flow_reader_select_block(FlowReader *reader, FlowError *error)
{
	FlowStatus status = flow_reader_select(reader);

	if (status == FLOW_NEED_VALUE)
		return status;
	if (status != FLOW_OK)
		return selector_error(reader, status, error);
	if (reader->nrows > 0)
		status = flow_reader_plan(reader, FLOW_STAGE_PASSED, error);
	if (status == FLOW_OK && reader->nrows > 0)
		status = doubt_columns(reader, error);
	if (status == FLOW_OK)
		status = drop_rows_of_block(reader, error);
	if (status == FLOW_OK && reader->nrows > 0)
		status = load_needed(reader, false, error);
	if (status != FLOW_OK)
		return status;
	flow_reader_open_ahead(reader);
	flow_reader_count_skipped(reader); /* for those who watch the progress */
	return FLOW_OK;
}

/* ---------- single rows ---------- */

/* Sets the fields to those of a row that is the next one, or comes after it. */
FlowStatus
flow_reader_fill_row(FlowReader *reader, uint32_t row, FlowError *error)
{
	FlowStatus status = flow_reader_plan(reader, FLOW_STAGE_ROWS, error);

	if (status == FLOW_OK)
		status = load_needed(reader, true, error);
	if (status != FLOW_OK)
		return status;
	for (int i = 0; i < reader->ncolumns; i++)
		reader->fields[i] = flow_parquet_records_field(reader->records, row, i);
	flow_reader_set_others(reader);
	return FLOW_OK;
}

/*
 * Makes a text of the row's fields, which were read, with blanks between them:
 * the beginning of what would be its line.
 */
static FlowLine
show_row(FlowReader *reader)
{
	size_t len = 0;

	for (int i = 0; i < reader->ncolumns && len <= FLOW_RAW_SHOWN; i++)
	{
		FlowSlice field = reader->fields[i];

		if (reader->columns[i].source != FLOW_FROM_RECORD)
			continue;
		if (len > 0)
			reader->shown[len++] = ' ';
		if (field.data == NULL)
			field = (FlowSlice) {"-", 1};
		if (field.len > sizeof(reader->shown) - len)
			field.len = sizeof(reader->shown) - len;
		if (field.len > 0)
			memcpy(reader->shown + len, field.data, field.len);
		len += field.len;
	}
	return (FlowLine) {reader->shown, len, false, false};
}

/* Takes the next row, which is doubtful. */
FlowStatus
flow_reader_take_row(FlowReader *reader, FlowError *error)
{
	uint32_t row = reader->rows[reader->row] & ~FLOW_ROW_MARKS;
	FlowStatus status = flow_reader_fill_row(reader, row, error);
	FlowLine line;

	if (status != FLOW_OK)
		return status;
	reader->row++;

	/* count it */
	flow_reader_settle(reader, row);
	reader->settled = row + 1;
	reader->line++;
	reader->counts.lines++;
	reader->counts.rows++;

	line = show_row(reader);
	if (reader->wants_line)
		flow_reader_set_line(reader);
	return flow_reader_take_record(reader, &line, error);
}
