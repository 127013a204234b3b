/*-------------------------------------------------------------------------
 *
 * index_range.h
 *	  Ranges of keys, in which a condition finds what it needs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_INDEX_RANGE_H
#define FLOW_INDEX_RANGE_H

#include "index.h"

/* Keys of a kind other than texts, by their numbers: see flow_index_set_key. */
typedef struct FlowIndexNumbers
{
	FlowIndexKind kind;
	uint64_t from_high, from_low, to_high, to_low;
} FlowIndexNumbers;

/* A text, or all that begin with it. */
typedef struct FlowIndexText
{
	FlowSlice text;
	bool prefix;
} FlowIndexText;

/* Ranges that are collected in any order, and then returned in theirs. */
typedef struct FlowIndexRanges
{
	const FlowHost *host;
	FlowStatus status; /* once it is not FLOW_OK, nothing is added */
	FlowIndexForm form;
	size_t steps;

	FlowIndexNumbers *numbers;
	size_t nnumbers, numbers_room;
	FlowIndexText *texts;
	size_t ntexts, texts_room;

	/* those that were returned */
	size_t numbers_done, texts_done;
} FlowIndexRanges;

/* in index_range.c */

extern void flow_index_ranges_begin(FlowIndexRanges *ranges, const FlowHost *host);
extern void flow_index_ranges_free(FlowIndexRanges *ranges);

/* To be called for each item that is processed; false: give up. */
extern bool flow_index_ranges_go_on(FlowIndexRanges *ranges);

/* Add keys; texts must outlive the ranges. */
extern void flow_index_ranges_add(FlowIndexRanges *ranges, FlowIndexKind kind, uint64_t from_high,
                                  uint64_t from_low, uint64_t to_high, uint64_t to_low);
extern void flow_index_ranges_add_kind(FlowIndexRanges *ranges, FlowIndexKind kind);
extern void flow_index_ranges_add_integers(FlowIndexRanges *ranges, int64_t from, int64_t to);

/* Adds the keys of a text: as one, and as an address if it is one. */
extern void flow_index_ranges_add_text(FlowIndexRanges *ranges, FlowSlice text);

/*
 * Adds the keys of all texts that begin with one.  Unless it begins with whole
 * numbers of a dotted quad, of addresses it says nothing (FLOW_INDEX_AS_TEXT).
 */
extern void flow_index_ranges_add_prefix(FlowIndexRanges *ranges, FlowSlice prefix);

/* Sorts what was added; returns its status. */
extern FlowStatus flow_index_ranges_sort(FlowIndexRanges *ranges);

/*
 * Returns the number of the next ranges, at most "room".  They are in order
 * and do not overlap, and those before them neither.
 */
extern size_t flow_index_ranges_next(FlowIndexRanges *ranges, FlowIndexRange *next, size_t room);

#endif /* FLOW_INDEX_RANGE_H */
