/*-------------------------------------------------------------------------
 *
 * internal.h
 *	  Shared by all files of the core: the size of steps, errors, and the
 *	  host's functions.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_INTERNAL_H
#define FLOW_INTERNAL_H

#include "flow.h"

#include <string.h>

/*
 * No step between two calls of FlowHost.interrupted handles more bytes than
 * this, and a reader's block has this size.  Blocks of 64 to 512 KiB are
 * equally fast.
 */
#define FLOW_BLOCK_SIZE (256 * 1024)

#define flow_countof(array) (sizeof(array) / sizeof((array)[0]))

#if defined(__GNUC__)
#define flow_likely(x) __builtin_expect((x) != 0, 1)
#define flow_unlikely(x) __builtin_expect((x) != 0, 0)
#define flow_printf_like(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define flow_likely(x) ((x) != 0)
#define flow_unlikely(x) ((x) != 0)
#define flow_printf_like(fmt, args)
#endif

/* Returns a letter of ASCII as a small one, and any other byte as it is. */
static inline char
flow_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

/* Orders texts by their bytes. */
static inline int
flow_text_compare(FlowSlice a, FlowSlice b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int order = len == 0 ? 0 : memcmp(a.data, b.data, len);

	return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Copies up to 16 bytes, without a call. */
static inline void
flow_copy_short(char *to, const char *from, size_t len)
{
	uint64_t first, last;

	if (len >= sizeof(first))
	{
		memcpy(&first, from, sizeof(first));
		memcpy(&last, from + len - sizeof(last), sizeof(last));
		memcpy(to, &first, sizeof(first));
		memcpy(to + len - sizeof(last), &last, sizeof(last));
		return;
	}
	if (len >= 4)
	{
		uint32_t begin, end;

		memcpy(&begin, from, sizeof(begin));
		memcpy(&end, from + len - sizeof(end), sizeof(end));
		memcpy(to, &begin, sizeof(begin));
		memcpy(to + len - sizeof(end), &end, sizeof(end));
		return;
	}
	for (size_t i = 0; i < len; i++)
		to[i] = from[i];
}

/* ---------- error.c: filling a FlowError ---------- */

/* Clears *error, sets status and message, and returns the status. */
extern FlowStatus flow_error_set(FlowError *error, FlowStatus status, const char *format, ...)
	flow_printf_like(3, 4);

/* Add to an error that was set. */
extern void flow_error_detail(FlowError *error, const char *format, ...) flow_printf_like(2, 3);
extern void flow_error_hint(FlowError *error, const char *format, ...) flow_printf_like(2, 3);
extern void flow_error_at(FlowError *error, const char *path, uint64_t line);

/* Adds at most FLOW_RAW_SHOWN bytes of a raw line or field. */
extern void flow_error_raw(FlowError *error, FlowSlice raw);

/*
 * Returns the part of a path that a message shows: the whole path, or, if it
 * has more than "most" bytes, its end, with *dots set to "...".
 */
extern const char *flow_error_tail(const char *path, size_t most, const char **dots);

/*
 * Returns the status for a failed system call's errno: FLOW_NOT_FOUND for
 * ENOENT and ENOTDIR; FLOW_NO_PERMISSION for EACCES and EPERM; FLOW_NO_MEMORY
 * for ENOMEM; FLOW_NO_RESOURCES for EMFILE, ENFILE, ENOBUFS, ENOSPC and
 * EDQUOT; FLOW_IO for others.
 */
extern FlowStatus flow_status_of_errno(int os_errno);

/*
 * Fills an error for a failed system call: status by errno, os_errno, and the
 * message "could not VERB "PATH""; the host appends the errno's text.  Returns
 * the status.
 */
extern FlowStatus flow_error_os(FlowError *error, int os_errno, const char *verb, const char *path);

extern FlowStatus flow_error_memory(FlowError *error);
extern FlowStatus flow_error_interrupted(FlowError *error);

/* ---------- host shorthands ---------- */

static inline void *
flow_allocate(const FlowHost *host, size_t size)
{
	return host->allocate(host->arg, size);
}

static inline void
flow_free(const FlowHost *host, void *ptr)
{
	if (ptr != NULL)
		host->free(host->arg, ptr);
}

static inline bool
flow_interrupted(const FlowHost *host)
{
	return host->interrupted(host->arg);
}

/* ---------- value.c ---------- */

/*
 * Returns the maximum length of a field for which digits alone are certainly a
 * value of its column, and not NULL; 0: there is none.
 */
extern uint32_t flow_value_good_digits(const FlowColumn *column);

#endif /* FLOW_INTERNAL_H */
