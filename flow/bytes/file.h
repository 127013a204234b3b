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

/* The storage of local files: the functions below. */
extern const FlowStorage flow_file_storage;

/*
 * Opens a local file.  It must be a regular file.  Its identity and the
 * allowed paths are checked on the open descriptor.  The object must outlive
 * the file.
 */
extern FlowStatus flow_file_open(const FlowHost *host, const FlowObject *object,
                                 const FlowAccess *access, FlowFile **file, FlowError *error);
extern void flow_file_close(FlowFile *file);

/*
 * Reads the next bytes of the file.  *len is less than "capacity" only if the
 * file ends there, and 0 at the listed end, where the file is first checked to
 * be unchanged.
 */
extern FlowStatus flow_file_read(FlowFile *file, void *buffer, size_t capacity, size_t *len,
                                 FlowError *error);
/* Reads exactly "len" bytes at an offset, which are inside the listed size. */
extern FlowStatus flow_file_read_range(FlowFile *file, uint64_t offset, void *buffer, size_t len,
                                       FlowError *error);
extern uint64_t flow_file_position(const FlowFile *file);
/* Returns true if some of the file was not in the page cache. */
extern bool flow_file_is_cold(const FlowFile *file);
/* an offset after the end means the end */
extern void flow_file_seek(FlowFile *file, uint64_t offset);

/*
 * Asks the kernel to fetch the beginning of a file if it is not in the page
 * cache, and returns true in that case.  Does not wait for data and reports no
 * error.
 */
extern bool flow_file_prefetch(const FlowHost *host, const FlowObject *object,
                               const FlowAccess *access);

/*
 * Checks that the file is still the one that was listed.  Returns FLOW_CHANGED
 * if it is not.
 */
extern FlowStatus flow_file_unchanged(FlowFile *file, FlowError *error);

/*
 * Changes a message such as 'changed' to 'flow log "PATH" changed', and sets
 * the error's path.
 */
extern void flow_file_name_error(FlowError *error, const char *path);

/*
 * Checks that the path to which descriptor "fd" resolves is inside the allowed
 * paths.  Returns FLOW_NOT_ALLOWED if it is not.
 */
extern FlowStatus flow_file_allowed(const FlowHost *host, int fd, const char *path,
                                    const FlowAccess *access, FlowError *error);

#endif /* FLOW_FILE_H */
