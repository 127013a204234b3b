/*-------------------------------------------------------------------------
 *
 * file.h
 *	  Local files.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOW_FILE_H
#define FLOW_FILE_H

#include "internal.h"

typedef struct FlowFile FlowFile;

/* The functions below as a storage. */
extern const FlowStorage flow_file_storage;

/*
 * Regular files only; checks the identity and the allowed paths on the open
 * descriptor.  The object must outlive the file.
 */
extern FlowStatus flow_file_open(const FlowHost *host, const FlowObject *object,
                                 const FlowAccess *access, FlowFile **file, FlowError *error);
extern void flow_file_close(FlowFile *file);

/*
 * pread at the position: fewer than "capacity" bytes only if the file ends
 * there; *len 0 at the listed end, once the file was seen unchanged.
 */
extern FlowStatus flow_file_read(FlowFile *file, void *buffer, size_t capacity, size_t *len,
                                 FlowError *error);
extern uint64_t flow_file_position(const FlowFile *file);
/* was some of it not in the page cache? */
extern bool flow_file_is_cold(const FlowFile *file);
extern void flow_file_seek(FlowFile *file, uint64_t offset); /* behind the end: to the end */

/*
 * If the beginning of a file is not in the page cache, asks the kernel to
 * fetch it, and tells so.  Waits for no data and reports no error.
 */
extern bool flow_file_prefetch(const FlowHost *host, const FlowObject *object,
                               const FlowAccess *access);

/* Is it still the file that was listed?  FLOW_OK or FLOW_CHANGED. */
extern FlowStatus flow_file_unchanged(FlowFile *file, FlowError *error);

/*
 * Makes 'flow log "PATH" changed' of the message 'changed', and sets the
 * error's path.
 */
extern void flow_file_name_error(FlowError *error, const char *path);

/*
 * Is what the descriptor fd resolves to inside the allowed paths?  FLOW_OK or
 * FLOW_NOT_ALLOWED.
 */
extern FlowStatus flow_file_allowed(const FlowHost *host, int fd, const char *path,
                                    const FlowAccess *access, FlowError *error);

#endif /* FLOW_FILE_H */
