/*-------------------------------------------------------------------------
 *
 * batch_filter.h
 *	  Evaluates records in a batch, as found by the splitter, and compares the
 *	  results with those of the same records one by one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef BATCH_FILTER_H
#define BATCH_FILTER_H

#include "../../flow/lines.h"
#include "../../flow/selector.h"
#include "unit.h"

#define BATCH_COLUMNS 64
#define BATCH_RECORDS 512
#define BATCH_BYTES 16384

typedef struct FilterBatch
{
	char data[BATCH_BYTES + FLOW_RECORD_SLACK];
	size_t len;
	int ncolumns;
	int place[BATCH_COLUMNS];
	FlowTruth truths[BATCH_RECORDS];
	bool bad[BATCH_RECORDS];   /* there was a bad field */
	bool needs[BATCH_RECORDS]; /* a value is needed */
	size_t count;
	size_t doubtful; /* total number of rows that became doubtful */
} FilterBatch;

static inline void
filter_batch_begin(FilterBatch *batch, int ncolumns)
{
	batch->len = batch->count = 0;
	batch->ncolumns = ncolumns;
	for (int i = 0; i < ncolumns; i++)
		batch->place[i] = i;
}

/*
 * Returns true if the field can be between blanks, in a line that needs no
 * pattern.
 */
static inline bool
filter_batch_is_even(FlowSlice field)
{
	if (field.data == NULL || field.len == 0)
		return false;
	for (size_t i = 0; i < field.len; i++)
		if ((unsigned char) field.data[i] <= ' ' || (unsigned char) field.data[i] >= 0x7F)
			return false;
	return true;
}

/*
 * Adds a record, if it can be in a line, and the result of flow_filter_test
 * for it.
 */
static inline void
filter_batch_add(FilterBatch *batch, const FlowSlice *fields, FlowTruth truth, FlowBadField bad)
{
	size_t len = 0;

	for (int i = 0; i < batch->ncolumns; i++)
	{
		if (!filter_batch_is_even(fields[i]))
			return;
		len += fields[i].len + 1;
	}
	if (batch->count == BATCH_RECORDS || batch->len + len > BATCH_BYTES)
		return;
	for (int i = 0; i < batch->ncolumns; i++)
	{
		memcpy(batch->data + batch->len, fields[i].data, fields[i].len);
		batch->len += fields[i].len;
		batch->data[batch->len++] = i + 1 < batch->ncolumns ? ' ' : '\n';
	}
	batch->truths[batch->count] = truth;
	batch->needs[batch->count] = bad.status == FLOW_NEED_VALUE;
	batch->bad[batch->count++] = truth == FLOW_ERROR || bad.column >= 0;
}

/*
 * Checks that rows that are kept are TRUE or doubtful, and the others not
 * TRUE.  A row may also be dropped if one conjunct is an error and another one
 * false, but not if it needs a value.
 */
static inline bool
filter_batch_check_rows(FilterBatch *batch, const uint32_t *rows, size_t kept)
{
	size_t next = 0;

	for (size_t i = 0; i < batch->count; i++)
	{
		bool stays = next < kept && (rows[next] & ~FLOW_ROW_MARKS) == i * (size_t) batch->ncolumns;
		bool doubtful = stays && (rows[next] & FLOW_ROW_DOUBTFUL);

		if (stays && !doubtful && (batch->truths[i] != FLOW_TRUE || batch->bad[i]))
			return false;
		if (!stays && (batch->truths[i] == FLOW_TRUE || batch->needs[i]))
			return false;
		next += stays;
		batch->doubtful += doubtful;
	}
	return next == kept;
}

/*
 * Compares the selector with the results.  It runs twice, because it learns
 * the order of the conjuncts from the first run.
 */
static inline bool
filter_batch_agrees(FilterBatch *batch, const FlowFilter *filter)
{
	FlowSelector *selector = NULL;
	FlowEnds *ends = flow_ends_create(&unit_host);
	FlowBatch view = {.data = batch->data, .place = batch->place};
	bool agrees = flow_selector_create(&unit_host, filter, FLOW_SPLIT_MAX, &selector) == FLOW_OK;

	flow_split_choose()->split(batch->data, batch->len, ' ', ends);
	view.next = ends->next;
	view.digits = ends->digits;
	for (int round = 0; round < 2 && agrees; round++)
	{
		uint32_t rows[BATCH_RECORDS];
		size_t count = batch->count;

		for (size_t i = 0; i < batch->count; i++)
			rows[i] = (uint32_t) (i * (size_t) batch->ncolumns);
		agrees = flow_selector_apply(selector, &view, rows, &count) == FLOW_OK &&
		         filter_batch_check_rows(batch, rows, count);
	}
	flow_selector_free(selector);
	unit_host.free(unit_host.arg, ends);
	return agrees;
}

#endif /* BATCH_FILTER_H */
