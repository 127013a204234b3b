/*-------------------------------------------------------------------------
 *
 * backend.h
 *	  The backend as the host of the core: memory, interrupts, errors, text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_BACKEND_H
#define FLOWLOG_BACKEND_H

#include "fdw/common.h"

/* ---------- backend.c ---------- */

typedef struct FlowlogTable FlowlogTable;

/* The backend as the reader's host. */
typedef struct FlowlogBackend
{
	FlowHost host;
	/*
	 * the same for what is needed only while a scan reads; all of it must be
	 * freed
	 */
	FlowHost reader_host;
	MemoryContext context; /* of what the reader allocates */
	ErrorData *interrupt;  /* the error that an interrupt raised, to be thrown later */

	/*
	 * called at interrupt checks, outside the core; may raise errors.  NULL:
	 * none
	 */
	bool (*is_tick_due)(void *arg);
	void (*tick)(void *arg);
	void *tick_arg;

	/*
	 * an error is being reported: an interrupt only ends what is done for its
	 * sake
	 */
	bool in_error;

	/* for waiting */
	WaitEventSet *waits; /* NULL: not yet made */
	uint64 waits_version;
} FlowlogBackend;

extern void flowlog_backend_init(FlowlogBackend *backend, MemoryContext context);

/* Frees what is no memory of the context. */
extern void flowlog_backend_release(FlowlogBackend *backend);

/*
 * To be called when a scan begins, before anything uses its reader_host, and
 * when all of that is freed.
 */
extern void flowlog_buffers_acquire(void);
extern void flowlog_buffers_release(void);

/*
 * Calls a function that may raise errors from where none may pass.  False: it
 * has, and flowlog_raise raises it again when the core has returned
 * FLOW_INTERRUPTED, of which the second one makes the error.
 */
extern bool flowlog_backend_call(FlowlogBackend *backend, void (*function)(void *arg), void *arg);
extern FlowStatus flowlog_backend_interrupted(FlowError *error);

/*
 * Calls a function in a subtransaction.  False: it has raised an error, and
 * all that it did in PostgreSQL is undone; or there can be no subtransaction.
 * Errors that are not the function's own, such as a cancel, are raised.
 */
extern bool flowlog_backend_try(void (*function)(void *arg), void *arg);

/*
 * Raises what the core reported; the one place that maps FlowStatus to
 * SQLSTATE. Raw text of a log is added only for those who may SELECT the whole
 * table; "table" may be NULL where there is none yet.
 */
extern void flowlog_raise(FlowlogBackend *backend, const FlowError *error,
                          const FlowlogTable *table) __attribute__((noreturn));

/* May the current user see raw text of the table's logs? */
extern bool flowlog_may_see_raw(const FlowlogTable *table);

/*
 * The allowed paths as they are set now, in the current memory context, and a
 * store or NULL.
 */
extern FlowAccess flowlog_get_access(FlowStore *store);

/* ---------- printable.c ---------- */

/*
 * Bytes of a log as text that is valid in the database's encoding, without
 * control characters, at most so many of them.
 */
extern char *flowlog_printable(const char *data, size_t len, size_t most);

/*
 * A name of a file as text that is valid in the database's encoding; itself if
 * it is.
 */
extern const char *flowlog_valid_text(const char *bytes);

/*
 * A name of a file, or a text with such names in it, for a message: valid in
 * the database's encoding, convertible to the client's, and without control
 * characters; itself if it is all that.
 */
extern const char *flowlog_message(const char *bytes);

/*
 * The same for error context callbacks, which must not look into catalogs.
 * What they need is looked up beforehand by flowlog_message_prepare; if the
 * client has changed its encoding since, only ASCII is left as it is.
 */
extern void flowlog_message_prepare(void);
extern const char *flowlog_message_prepared(const char *bytes);

/* ---------- s3.c ---------- */

/*
 * The store of the objects of a location, in a foreign table of a server, for
 * a user whose mapping has the keys; NULL if the location is local.  It lives
 * as long as "context", of which the caller frees it before it ends.
 */
extern FlowStore *flowlog_s3_open(FlowlogBackend *backend, const FlowLocation *location,
                                  Oid serverid, Oid userid);

#endif /* FLOWLOG_BACKEND_H */
