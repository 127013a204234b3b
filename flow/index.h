/*-------------------------------------------------------------------------
 *
 * index.h
 *	  Shared by the files of the index: how keys are made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_INDEX_H
#define FLOW_INDEX_H

#include "internal.h"

/* ---------- index_key.c ---------- */

/*
 * Returns the bytes of each key of a kind; 0: a text, which may have any
 * number, or no kind.
 */
extern size_t flow_index_kind_size(unsigned kind);

/*
 * Sets a key of a kind that is not a text.  An IPv4 address is a number of 32
 * bits, one of IPv6 is in both words, an integer is flow_index_integer's.
 */
extern void flow_index_set_key(FlowIndexKey *key, FlowIndexKind kind, uint64_t high, uint64_t low);

/* Sets the key of a text, whose trailing blanks count. */
extern void flow_index_set_text(FlowIndexKey *key, FlowSlice text);

/* ---------- inline ---------- */

/* Returns an integer as a number without sign that orders alike. */
static inline uint64_t
flow_index_integer(int64_t integer)
{
	return (uint64_t) integer ^ UINT64_C(1) << 63;
}

/* Returns the address of an IPv4 key as a number. */
static inline uint32_t
flow_index_ipv4(const FlowIndexKey *key)
{
	return (uint32_t) key->bytes[1] << 24 | (uint32_t) key->bytes[2] << 16 |
	       (uint32_t) key->bytes[3] << 8 | key->bytes[4];
}

#endif /* FLOW_INDEX_H */
