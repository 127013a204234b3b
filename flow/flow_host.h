/*-------------------------------------------------------------------------
 *
 * flow_host.h
 *	  Statuses, errors, and the services that the core needs from its host.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_API_HOST_H
#define FLOW_API_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---------- status and errors ---------- */

typedef enum FlowStatus
{
	FLOW_OK = 0,
	FLOW_END,             /* there is nothing more */
	FLOW_REJECTED,        /* only if the host asked for reports */
	FLOW_NEED_VALUE,      /* the host must resolve a deferred predicate first */
	FLOW_INTERRUPTED,     /* the host wants to stop */
	FLOW_NO_MEMORY,       /* the host's allocator returned NULL */
	FLOW_NOT_FOUND,       /* a file or directory does not exist */
	FLOW_NO_PERMISSION,   /* the operating system denies access */
	FLOW_NOT_ALLOWED,     /* outside the paths that the host allows */
	FLOW_NOT_REGULAR,     /* neither a regular file nor a directory */
	FLOW_IO,              /* any other failure of a system call: os_errno */
	FLOW_NO_RESOURCES,    /* no descriptor is left, or no room on a disk: os_errno */
	FLOW_CHANGED,         /* a file changed since it was listed */
	FLOW_CORRUPT,         /* compressed data that are damaged or end too early */
	FLOW_LIMIT,           /* a limit of this program was reached */
	FLOW_UNSUPPORTED,     /* legal, but cannot be read */
	FLOW_BAD_LOCATION,    /* a location that is not well-formed */
	FLOW_BAD_PATTERN,     /* a regular expression that does not compile */
	FLOW_BAD_FORMAT,      /* columns and line format do not fit together */
	FLOW_BAD_HEADER,      /* a header that is missing, or contradicts the format */
	FLOW_BAD_RECORD,      /* a line that is not a record of the format */
	FLOW_BAD_SYNTAX,      /* a field that is not a value of its column's type */
	FLOW_OUT_OF_RANGE,    /* a field whose value its column's type cannot hold */
	FLOW_NO_TIME,         /* a number of seconds outside the range of times */
	FLOW_TOO_LONG,        /* a field longer than its column's type allows */
	FLOW_BAD_ENCODING,    /* a field with bytes that are not valid text */
	FLOW_MISSING,         /* no value for a column that is NOT NULL */
	FLOW_TOO_MANY_REJECTS /* reject_limit was exceeded */
} FlowStatus;

#define FLOW_RAW_SHOWN 64 /* bytes of a raw line that an error may carry */

/*
 * An error, in words for the user.  The texts follow PostgreSQL's message
 * style.  "raw" is text of the log itself, not NUL-terminated and in no
 * particular encoding: a host shows it only to roles that may read the whole
 * log.
 */
typedef struct FlowError
{
	FlowStatus status;
	int os_errno;      /* of the failed system call, or 0 */
	char message[320]; /* primary message: lower case, no period */
	char detail[512];  /* a sentence, or empty */
	char hint[400];    /* a sentence, or empty */

	/* where it happened, as far as known */
	char path[4096]; /* file, or empty */
	uint64_t line;   /* line of that file, from 1; 0: not known */
	int column;      /* index into the format's columns, or -1 */
	char raw[FLOW_RAW_SHOWN];
	size_t raw_len; /* bytes of raw in use */
	bool raw_cut;   /* more followed */
} FlowError;

/* ---------- the host ---------- */

/* A socket to wait for. */
typedef struct FlowSocket
{
	int fd;
	bool read, write;         /* events wanted */
	bool can_read, can_write; /* events reported */
} FlowSocket;

/* maximum bytes of an encoded character: no longer than its escape sequence */
#define FLOW_CHARACTER_SIZE 6

/*
 * The services that the core needs from its host.  None of these functions may
 * jump out of the call.  "arg" is passed to each.
 */
typedef struct FlowHost
{
	void *arg;

	/*
	 * true if the current operation should stop; called often: must be cheap
	 */
	bool (*interrupted)(void *arg);

	/* sleeps up to that many milliseconds; returns early when interrupted */
	void (*wait)(void *arg, int milliseconds);

	/* memory aligned for any type, NULL if there is none; free takes NULL */
	void *(*allocate)(void *arg, size_t size);
	void (*free)(void *arg, void *ptr);

	/* microseconds of a clock that only moves forward */
	int64_t (*clock)(void *arg);

	/*
	 * For text that contains bytes >= 0x80 (never called for ASCII text): true
	 * if it is valid in the host's encoding, and its number of characters.
	 */
	bool (*text_valid)(void *arg, const char *data, size_t len);
	size_t (*text_length)(void *arg, const char *data, size_t len);

	/*
	 * Writes a Unicode character from U+0080 on in the host's encoding.
	 * Returns the number of bytes written, at most FLOW_CHARACTER_SIZE, or 0
	 * if it cannot, perhaps because the host wants to stop.  NULL: the
	 * encoding is UTF-8.
	 */
	size_t (*text_encode)(void *arg, uint32_t character, char *to);

	/*
	 * Sleeps as "wait" does, but also returns when a socket is ready for an
	 * event that is wanted, and sets which ones are.  "version" changes
	 * whenever the set of sockets differs from that of the last call, or a
	 * number is reused for another socket.  NULL: the host has no FlowStore
	 * that needs it.
	 */
	void (*wait_sockets)(void *arg, FlowSocket *sockets, int count, uint64_t version,
	                     int milliseconds);
} FlowHost;

#endif /* FLOW_API_HOST_H */
