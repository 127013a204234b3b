/*-------------------------------------------------------------------------
 *
 * backend.c
 *	  The backend as the host of the core: interrupts, waits, memory, errors.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include <time.h>

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/resowner.h"
#include "utils/varlena.h"
#include "utils/wait_event.h"

/* ---------- errors that are raised later ---------- */

/* Calls a function, and keeps the error that it raises, if any, for later. */
bool
flowlog_backend_call(FlowlogBackend *backend, void (*function)(void *arg), void *arg)
{
	MemoryContext old = CurrentMemoryContext;

	PG_TRY();
	{
		function(arg);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(backend->context);
		backend->interrupt = CopyErrorData();
		FlushErrorState();
		MemoryContextSwitchTo(old);
	}
	PG_END_TRY();

	return backend->interrupt == NULL;
}

/* Makes the error that stands for the one that was kept. */
FlowStatus
flowlog_backend_interrupted(FlowError *error)
{
	*error = (FlowError) {.status = FLOW_INTERRUPTED, .column = -1};
	return FLOW_INTERRUPTED;
}

/*
 * Returns true if the error must be raised: the query shall end, or the server
 * lacks resources.
 */
static bool
must_be_raised(const ErrorData *error)
{
	int category = ERRCODE_TO_CATEGORY(error->sqlerrcode);

	return category == ERRCODE_OPERATOR_INTERVENTION || category == ERRCODE_INSUFFICIENT_RESOURCES;
}

/*
 * Calls a function in a subtransaction; returns false if it fails, with its
 * error.
 */
bool
flowlog_backend_try(void (*function)(void *arg), void *arg, ErrorData **failure)
{
	MemoryContext old = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ErrorData *volatile error = NULL;

	if (failure != NULL)
		*failure = NULL;
	if (IsInParallelMode())
		return false;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(old);
	PG_TRY();
	{
		function(arg);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(old);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(old);
	CurrentResourceOwner = owner;

	if (error == NULL)
		return true;
	if (must_be_raised(error))
		ReThrowError(error);
	if (failure != NULL)
		*failure = error;
	else
		FreeErrorData(error);
	return false;
}

/* ---------- the host's functions ---------- */

static void
interrupt(void *arg)
{
	CHECK_FOR_INTERRUPTS();
}

static void
interrupt_and_tick(void *arg)
{
	FlowlogBackend *backend = arg;

	CHECK_FOR_INTERRUPTS();
	backend->tick(backend->tick_arg);
}

/*
 * Checks for interrupts, which may raise errors.  The core must not see that:
 * the error is caught here, the core returns FLOW_INTERRUPTED, and
 * flowlog_raise raises it again.
 */
static bool
backend_interrupted(void *arg)
{
	FlowlogBackend *backend = arg;
	bool tick =
		backend->tick != NULL && !backend->in_error && backend->is_tick_due(backend->tick_arg);

	if (likely(!INTERRUPTS_PENDING_CONDITION() && !tick))
		return backend->interrupt != NULL;
	if (backend->in_error)
		return QueryCancelPending || ProcDiePending;
	if (backend->interrupt != NULL)
		return true;

	return !flowlog_backend_call(backend, tick ? interrupt_and_tick : interrupt, backend);
}

static void
backend_wait(void *arg, int milliseconds)
{
	(void) arg;
	(void) WaitLatch(MyLatch,
	                 WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
	                 milliseconds,
	                 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
}

/*
 * Makes the set of events to wait for.  The set knows sockets by their
 * numbers, so it is made again when these change.  No resource owner has it,
 * as it belongs to a scan, which frees it.
 */
static void
make_wait_set(FlowlogBackend *backend, const FlowSocket *sockets, int count)
{
	flowlog_backend_release(backend);
#if PG_VERSION_NUM >= 170000
	backend->waits = CreateWaitEventSet(NULL, count + 2);
#else
	backend->waits = CreateWaitEventSet(backend->context, count + 2);
#endif
	AddWaitEventToSet(backend->waits, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(backend->waits, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	for (int i = 0; i < count; i++)
	{
		int events = (sockets[i].read ? WL_SOCKET_READABLE : 0) |
		             (sockets[i].write ? WL_SOCKET_WRITEABLE : 0);

		/*
		 * positions in the set do not change, so user_data tells which socket
		 * it is
		 */
		AddWaitEventToSet(backend->waits,
		                  events != 0 ? events : WL_SOCKET_READABLE,
		                  sockets[i].fd,
		                  NULL,
		                  (void *) (intptr_t) (i + 1));
	}
}

typedef struct SocketWait
{
	FlowlogBackend *backend;
	FlowSocket *sockets;
	int count;
	uint64 version;
	int milliseconds;
} SocketWait;

/* Waits for sockets and the latch, and notes which sockets are ready. */
static void
wait_for_sockets(void *arg)
{
	const SocketWait *wait = arg;
	FlowlogBackend *backend = wait->backend;
	WaitEvent events[64];
	int nevents;

	if (backend->waits == NULL || backend->waits_version != wait->version)
	{
		make_wait_set(backend, wait->sockets, wait->count);
		backend->waits_version = wait->version;
	}
	nevents = WaitEventSetWait(backend->waits,
	                           wait->milliseconds,
	                           events,
	                           lengthof(events),
	                           PG_WAIT_EXTENSION);
	for (int i = 0; i < nevents; i++)
	{
		int number = (int) (intptr_t) events[i].user_data - 1;

		if (events[i].events & WL_LATCH_SET)
			ResetLatch(MyLatch);
		if (number < 0)
			continue;
		wait->sockets[number].can_read = (events[i].events & WL_SOCKET_READABLE) != 0;
		wait->sockets[number].can_write = (events[i].events & WL_SOCKET_WRITEABLE) != 0;
	}
}

/*
 * Sets the SQLSTATE of an error while waiting: PostgreSQL reports an internal
 * error, also if the system lacks resources.
 */
static void
classify_wait_error(ErrorData *error)
{
	if (error->sqlerrcode != ERRCODE_INTERNAL_ERROR)
		return;
	switch (error->saved_errno)
	{
		case EMFILE:
		case ENFILE:
		case ENOSPC: /* from epoll: too many sockets are watched */
			error->sqlerrcode = ERRCODE_INSUFFICIENT_RESOURCES;
			break;
		case ENOMEM:
			error->sqlerrcode = ERRCODE_OUT_OF_MEMORY;
			break;
		default:
			error->sqlerrcode = ERRCODE_IO_ERROR;
			break;
	}
}

/* Waits for sockets; errors are kept for later. */
static void
backend_wait_sockets(void *arg, FlowSocket *sockets, int count, uint64_t version, int milliseconds)
{
	SocketWait wait = {arg, sockets, count, version, milliseconds};

	for (int i = 0; i < count; i++)
		sockets[i].can_read = sockets[i].can_write = false;
	if (wait.backend->interrupt == NULL && !flowlog_backend_call(arg, wait_for_sockets, &wait))
		classify_wait_error(wait.backend->interrupt);
}

/* Frees the set of events. */
void
flowlog_backend_release(FlowlogBackend *backend)
{
	if (backend->waits != NULL)
		FreeWaitEventSet(backend->waits);
	backend->waits = NULL;
}

static void *
backend_allocate(void *arg, size_t size)
{
	FlowlogBackend *backend = arg;

	return MemoryContextAllocExtended(backend->context, size, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
}

static void
backend_free(void *arg, void *ptr)
{
	(void) arg;
	if (ptr != NULL)
		pfree(ptr);
}

/*
 * What a scan needs only while it reads is allocated in a context that all
 * scans share.  It is freed when the scan ends, and the scan of the next
 * partition, or the next run of a subplan, uses the memory again.  Some large
 * buffers are kept for that: getting new pages from the kernel each time takes
 * longer than reading a small file (16 s instead of 1 s for 20,000 rescans).
 */
#define MIN_BUFFER (32 * 1024)
#define LARGEST_IDLE_BUFFER (1024 * 1024)
/* sizes are rounded up to this, and a chunk's header is smaller */
#define BUFFER_UNIT 4096
#define MAX_IDLE_BUFFERS 8
/* blocks do not double beyond this, lest half of the last one lies idle */
#define MAX_BUFFER_BLOCK (64 * 1024)

static MemoryContext buffers; /* NULL without a scan */
static void *idle_buffers[MAX_IDLE_BUFFERS];
static int nidle_buffers;
static int nbuffer_users; /* scans */

/* Notes that a scan uses buffers. */
void
flowlog_buffers_acquire(void)
{
	if (buffers == NULL)
		buffers = AllocSetContextCreate(TopMemoryContext,
		                                "flowlog_fdw buffers",
		                                0,
		                                ALLOCSET_SMALL_INITSIZE,
		                                MAX_BUFFER_BLOCK);
	nbuffer_users++;
}

/* Frees all buffers when no scan uses any. */
void
flowlog_buffers_release(void)
{
	Assert(nbuffer_users > 0);
	if (--nbuffer_users > 0)
		return;
	nidle_buffers = 0;
	MemoryContextDelete(buffers);
	buffers = NULL;
}

/* Allocates memory, or takes an idle buffer of the same size. */
static void *
buffer_allocate(void *arg, size_t size)
{
	(void) arg;
	if (size >= MIN_BUFFER && size <= LARGEST_IDLE_BUFFER)
	{
		size = TYPEALIGN(BUFFER_UNIT, size);
		for (int i = nidle_buffers - 1; i >= 0; i--)
		{
			void *ptr = idle_buffers[i];

			if (TYPEALIGN_DOWN(BUFFER_UNIT, GetMemoryChunkSpace(ptr)) != size)
				continue;
			idle_buffers[i] = idle_buffers[--nidle_buffers];
			return ptr;
		}
	}
	return MemoryContextAllocExtended(buffers, size, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
}

/* Frees memory, or keeps it as an idle buffer. */
static void
buffer_free(void *arg, void *ptr)
{
	Size space = ptr != NULL ? GetMemoryChunkSpace(ptr) : 0;

	(void) arg;
	if (space >= MIN_BUFFER && space <= LARGEST_IDLE_BUFFER && nidle_buffers < MAX_IDLE_BUFFERS)
		idle_buffers[nidle_buffers++] = ptr;
	else if (ptr != NULL)
		pfree(ptr);
}

static int64_t
backend_clock(void *arg)
{
	struct timespec now;

	(void) arg;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static bool
backend_text_valid(void *arg, const char *data, size_t len)
{
	(void) arg;
	return pg_verify_mbstr(GetDatabaseEncoding(), data, len, true);
}

static size_t
backend_text_length(void *arg, const char *data, size_t len)
{
	(void) arg;
	return pg_mbstrlen_with_len(data, len);
}

/* The argument of encode_character, and its result. */
typedef struct Character
{
	pg_wchar code;
	unsigned char bytes[MAX_UNICODE_EQUIVALENT_STRING + 1];
} Character;

static void
encode_character(void *arg)
{
	Character *character = arg;

	pg_unicode_to_server(character->code, character->bytes);
}

/*
 * Encodes a character in the database's encoding, and returns its length; 0 if
 * it cannot be encoded.
 */
static size_t
backend_text_encode(void *arg, uint32_t code, char *to)
{
	Character character = {code, {0}};
	size_t len;

	if (!is_valid_unicode_codepoint(code) ||
	    !flowlog_backend_call(arg, encode_character, &character))
		return 0;
	len = strlen((char *) character.bytes);
	if (len > FLOW_CHARACTER_SIZE)
		return 0;
	memcpy(to, character.bytes, len);
	return len;
}

/* Makes the host of the core, whose memory is allocated in "context". */
void
flowlog_backend_init(FlowlogBackend *backend, MemoryContext context)
{
	*backend = (FlowlogBackend) {
		.host =
			{
				.arg = backend,
				.interrupted = backend_interrupted,
				.wait = backend_wait,
				.allocate = backend_allocate,
				.free = backend_free,
				.clock = backend_clock,
				.text_valid = backend_text_valid,
				.text_length = backend_text_length,
				.text_encode = backend_text_encode,
				.wait_sockets = backend_wait_sockets,
			},
		.context = context,
	};
	backend->reader_host = backend->host;
	backend->reader_host.allocate = buffer_allocate;
	backend->reader_host.free = buffer_free;
}

/* ---------- errors ---------- */

/* Returns the SQLSTATE of an error of the core. */
static int
sqlstate_of(const FlowError *error)
{
	switch (error->status)
	{
		case FLOW_NO_MEMORY:
			return ERRCODE_OUT_OF_MEMORY;
		case FLOW_NOT_FOUND:
			return ERRCODE_UNDEFINED_FILE;
		case FLOW_NO_PERMISSION:
		case FLOW_NOT_ALLOWED:
			return ERRCODE_INSUFFICIENT_PRIVILEGE;
		case FLOW_NOT_REGULAR:
			return ERRCODE_WRONG_OBJECT_TYPE;
		case FLOW_IO:
			return ERRCODE_IO_ERROR;
		case FLOW_NO_RESOURCES:
			return error->os_errno == ENOSPC || error->os_errno == EDQUOT
			           ? ERRCODE_DISK_FULL
			           : ERRCODE_INSUFFICIENT_RESOURCES;
		case FLOW_CHANGED:
			return ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE;
		case FLOW_CORRUPT:
			return ERRCODE_DATA_CORRUPTED;
		case FLOW_LIMIT:
		case FLOW_TOO_MANY_REJECTS:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		case FLOW_UNSUPPORTED:
			return ERRCODE_FEATURE_NOT_SUPPORTED;
		case FLOW_BAD_LOCATION:
			return ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE;
		case FLOW_BAD_PATTERN:
			return ERRCODE_INVALID_REGULAR_EXPRESSION;
		case FLOW_BAD_FORMAT:
			return ERRCODE_FDW_INCONSISTENT_DESCRIPTOR_INFORMATION;
		case FLOW_BAD_HEADER:
		case FLOW_BAD_RECORD:
			return ERRCODE_BAD_COPY_FILE_FORMAT;
		case FLOW_BAD_SYNTAX:
			return ERRCODE_INVALID_TEXT_REPRESENTATION;
		case FLOW_OUT_OF_RANGE:
			return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
		case FLOW_NO_TIME:
			return ERRCODE_DATETIME_VALUE_OUT_OF_RANGE;
		case FLOW_TOO_LONG:
			return ERRCODE_STRING_DATA_RIGHT_TRUNCATION;
		case FLOW_BAD_ENCODING:
			return ERRCODE_CHARACTER_NOT_IN_REPERTOIRE;
		case FLOW_MISSING:
			return ERRCODE_NOT_NULL_VIOLATION;
		case FLOW_OK:
		case FLOW_END:
		case FLOW_REJECTED:
		case FLOW_NEED_VALUE:
		case FLOW_INTERRUPTED:
			break;
	}
	return ERRCODE_INTERNAL_ERROR;
}

/*
 * Returns the context of an error.  As in COPY, it shows the line or the
 * field, but only to users who may see them.
 */
static const char *
make_context(const FlowError *error, const FlowlogTable *table, int field, bool raw)
{
	StringInfoData context;

	if (error->path[0] == '\0' || error->line == 0)
		return NULL;

	initStringInfo(&context);
	appendStringInfo(&context,
	                 "flow log \"%s\", line %llu",
	                 error->path,
	                 (unsigned long long) error->line);
	if (table != NULL && error->column >= 0)
		appendStringInfo(&context, ", column %s", table->columns[error->column].name);
	if (field > 0)
		appendStringInfo(&context, ", field %d", field);
	if (error->raw_len > 0 && raw)
		appendStringInfo(&context,
		                 ": \"%s%s\"",
		                 flowlog_printable(error->raw, error->raw_len, FLOW_RAW_SHOWN),
		                 error->raw_cut ? flowlog_ellipsis() : "");
	return flowlog_message(context.data);
}

/* Raises the error that the core reported. */
void
flowlog_raise(FlowlogBackend *backend, const FlowError *error, const FlowlogTable *table)
{
	int sqlstate = sqlstate_of(error);
	const char *message;
	const char *detail;
	const char *hint;
	const char *context;

	if (error->status == FLOW_INTERRUPTED)
	{
		/*
		 * What was caught comes first: after a worker's error, the next check
		 * would find that the worker has ended, and report just that.
		 */
		if (backend->interrupt != NULL)
			ReThrowError(backend->interrupt);
		CHECK_FOR_INTERRUPTS();
		elog(ERROR, "flow log reader stopped without an interrupt");
	}

	/* all of them may contain names of files */
	message = flowlog_message(error->message);
	detail = flowlog_message(error->detail);
	hint = flowlog_message(error->hint);
	context = make_context(error, table, 0, table != NULL && flowlog_may_see_raw(table));
	errno = error->os_errno;
	ereport(ERROR,
	        errcode(sqlstate),
	        error->os_errno != 0 ? errmsg("%s: %m", message) : errmsg("%s", message),
	        detail[0] != '\0' ? errdetail("%s", detail) : 0,
	        hint[0] != '\0' ? errhint("%s", hint) : 0,
	        context != NULL ? errcontext("%s", context) : 0);
}

/* Raises the error of a status that has no other message. */
void
flowlog_raise_status(FlowlogBackend *backend, FlowStatus status)
{
	FlowError error;

	if (status == FLOW_NO_MEMORY)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	if (status != FLOW_INTERRUPTED)
		elog(ERROR, "unexpected status %d", (int) status);
	(void) flowlog_backend_interrupted(&error);
	flowlog_raise(backend, &error, NULL);
}

void
flowlog_check_status(FlowlogBackend *backend, FlowStatus status)
{
	if (status != FLOW_OK)
		flowlog_raise_status(backend, status);
}

/*
 * Returns true if raw text of the table's logs may be shown.  Messages reach
 * the session's user, or the user of the role that the session has set, even
 * if the query runs in a function of another user.  So all three roles must
 * have the right.
 */
bool
flowlog_may_see_raw(const FlowlogTable *table)
{
	return pg_class_aclcheck(table->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
	       pg_class_aclcheck(table->relid, GetOuterUserId(), ACL_SELECT) == ACLCHECK_OK &&
	       pg_class_aclcheck(table->relid, GetSessionUserId(), ACL_SELECT) == ACLCHECK_OK;
}

/*
 * Returns the context of an error about a file of which no table exists yet.
 * "field" is the number of the field that is shown, or 0.  The user could make
 * a table of it; as above, it matters who else reads the message.
 */
const char *
flowlog_file_context(const FlowError *error, int field)
{
	return make_context(error,
	                    NULL,
	                    field,
	                    has_privs_of_role(GetOuterUserId(), GetUserId()) &&
	                        has_privs_of_role(GetSessionUserId(), GetUserId()));
}

/* ---------- what the administrator allows ---------- */

/* Returns the paths that are allowed now, and the store. */
FlowAccess
flowlog_get_access(FlowStore *store)
{
	FlowAccess allowed = {.store = store};
	char *setting;
	const char **paths;
	List *list = NIL;
	ListCell *cell;

	if (flowlog_allowed_paths == NULL && flowlog_allowed_paths_refused)
		ereport(ERROR,
		        errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
		        errmsg("flow logs cannot be read in this session"),
		        errdetail("The setting \"%s\" is invalid, or the session tried to change it.",
		                  "flowlog_fdw.allowed_paths"),
		        errhint("Set it in postgresql.conf to absolute paths of directories, separated "
		                "by commas."));
	if (flowlog_allowed_paths == NULL)
		return allowed;

	setting = pstrdup(flowlog_allowed_paths);
	/* the setting's check hook has checked that it can be split */
	if (!SplitDirectoriesString(setting, ',', &list))
		elog(ERROR, "invalid list of directories: \"%s\"", flowlog_allowed_paths);
	if (list == NIL)
		return allowed;

	paths = palloc(sizeof(char *) * list_length(list));
	foreach(cell, list)
		paths[allowed.count++] = lfirst(cell);
	allowed.paths = paths;
	return allowed;
}
