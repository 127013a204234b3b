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

/* ---------- descriptor.c ---------- */

/* What a scan may have open; fd.c knows of all of it. */
typedef struct FlowlogDescriptors
{
	int reserved;    /* besides connections */
	int connections; /* to a store */
	/* maximum of connections that all processes of the query have together */
	int max_connections;
	int processes; /* of the query; 0: only this one */
	/*
	 * closes connections of another scan that does not need them now; false if
	 * there are none.  NULL: does nothing.
	 */
	bool (*rest)(const struct FlowlogDescriptors *own);
} FlowlogDescriptors;

/* Reserves a number of descriptors, besides connections. */
extern void flowlog_descriptors_reserve(FlowlogDescriptors *own, int count);
extern int flowlog_descriptors_connect(void *own, int wanted);
/* Gives all back, after they were closed. */
extern void flowlog_descriptors_release(FlowlogDescriptors *own);

/*
 * Returns the number of processes that may run a plan; NULL: there is none.
 * "in_parallel": several processes ran the query when the plan began.
 */
extern int flowlog_descriptors_processes(const PlannedStmt *plan, bool in_parallel);

/* ---------- backend.c ---------- */

typedef struct FlowlogTable FlowlogTable;

/* The backend as the host of the reader. */
typedef struct FlowlogBackend
{
	FlowHost host;
	/*
	 * the same for memory that is needed only while a scan reads; all of it
	 * must be freed
	 */
	FlowHost reader_host;
	MemoryContext context; /* for what the core allocates through "host" */
	/* the error that an interrupt check raised, to be raised again later */
	ErrorData *interrupt;

	/*
	 * called at interrupt checks, outside the core; may raise errors.  NULL:
	 * none
	 */
	bool (*is_tick_due)(void *arg);
	void (*tick)(void *arg);
	void *tick_arg;

	/*
	 * an error is being reported: an interrupt only ends what is done for the
	 * report
	 */
	bool in_error;

	/* for waiting */
	WaitEventSet *waits; /* NULL: not yet made */
	uint64 waits_version;
	FlowlogDescriptors descriptors;
} FlowlogBackend;

extern void flowlog_backend_init(FlowlogBackend *backend, MemoryContext context);

/* Releases resources not owned by the memory context. */
extern void flowlog_backend_release(FlowlogBackend *backend);

/*
 * To be called when a scan begins, before anything uses its reader_host, and
 * when all memory from that is freed.
 */
extern void flowlog_buffers_acquire(void);
extern void flowlog_buffers_release(void);

/*
 * Calls a function that may raise errors from within the core, which errors
 * must not cross.  Returns false if it has raised one: the core then returns
 * FLOW_INTERRUPTED, whose FlowError flowlog_backend_interrupted makes, and
 * flowlog_raise raises the error again.
 */
extern bool flowlog_backend_call(FlowlogBackend *backend, void (*function)(void *arg), void *arg);
extern FlowStatus flowlog_backend_interrupted(FlowError *error);

/*
 * Calls a function in a subtransaction.  Returns false if it has raised an
 * error, and everything that it did in PostgreSQL is undone; or if there can
 * be no subtransaction.  Errors that are not the function's own, such as a
 * cancel, are raised.  Unless "failure" is NULL, it is set to the error, or to
 * NULL if there is none.
 */
extern bool flowlog_backend_try(void (*function)(void *arg), void *arg, ErrorData **failure);

/*
 * Raises the error that the core reported, with its SQLSTATE: this is the only
 * place that maps FlowStatus.  Raw text of a log is added only for users who
 * may SELECT the whole table; "table" may be NULL.
 */
extern void flowlog_raise(FlowlogBackend *backend, const FlowError *error,
                          const FlowlogTable *table) __attribute__((noreturn));

/*
 * The same for functions of the core that return no more than FLOW_NO_MEMORY or
 * FLOW_INTERRUPTED.
 */
extern void flowlog_raise_status(FlowlogBackend *backend, FlowStatus status)
	__attribute__((noreturn));

/* Raises an error unless the status is FLOW_OK. */
extern void flowlog_check_status(FlowlogBackend *backend, FlowStatus status);

/* Returns true if the current user may see raw text of the table's logs. */
extern bool flowlog_may_see_raw(const FlowlogTable *table);

/*
 * Returns the context of an error about a file of which no table exists yet,
 * or NULL.
 */
extern const char *flowlog_file_context(const FlowError *error, int field);

/*
 * Returns the paths that are allowed now, in the current memory context, with
 * the store, which may be NULL.
 */
extern FlowAccess flowlog_get_access(FlowStore *store);

/* ---------- printable.c ---------- */

/*
 * Returns bytes of a log as text: valid in the database's encoding, without
 * control characters, at most "most" bytes of the log.
 */
extern char *flowlog_printable(const char *data, size_t len, size_t most);

/* Returns what stands for the rest of a text that was cut. */
extern const char *flowlog_ellipsis(void);

/*
 * Returns a file's name as text that is valid in the database's encoding; the
 * name itself if it is valid.
 */
extern const char *flowlog_valid_text(const char *bytes);

/*
 * Returns a file's name, or a text that contains such names, for a message:
 * valid in the database's encoding, convertible to the client's, and without
 * control characters; the text itself if nothing has to be changed.
 */
extern const char *flowlog_message(const char *bytes);

/*
 * Does the same in error context callbacks, which must not access catalogs.
 * flowlog_message_prepare looks up in advance what it needs; if the client has
 * changed its encoding since, all bytes that are not ASCII are replaced.
 */
extern void flowlog_message_prepare(void);
extern const char *flowlog_message_prepared(const char *bytes);

/* ---------- s3.c ---------- */

/*
 * Opens the store of a location's objects, for a foreign table of a server and
 * a user whose mapping has the keys.  Returns NULL if the location is local.
 * The caller frees the store before the current memory context ends, which
 * holds its keys.
 */
extern FlowStore *flowlog_s3_open(FlowlogBackend *backend, const FlowLocation *location,
                                  Oid serverid, Oid userid);

/*
 * The same, with the descriptors that it needs, or that reading local files
 * needs.
 */
extern FlowStore *flowlog_store_open(FlowlogBackend *backend, const FlowLocation *location,
                                     Oid serverid, Oid userid, int local_descriptors);

/*
 * Frees a store and a list of its objects, each of which may be NULL, and
 * gives back all that the backend holds for them.
 */
extern void flowlog_store_close(FlowlogBackend *backend, FlowStore *store, FlowObjects *objects);

#endif /* FLOWLOG_BACKEND_H */
