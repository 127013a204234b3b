/*-------------------------------------------------------------------------
 *
 * import.h
 *	  What the files of IMPORT FOREIGN SCHEMA share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef FLOWLOG_IMPORT_H
#define FLOWLOG_IMPORT_H

/* in import_layout.c */

#define FLOWLOG_IMPORT_SEGMENTS 7 /* of a layout, at most: so many columns it may have */

/* A column that the path of a file fills. */
typedef struct FlowlogPathColumn
{
	const char *name;
	const char *type;
} FlowlogPathColumn;

/*
 * Returns the location for a table over the files below a directory: with the
 * layout in which AWS delivers, if all files are in the same one; otherwise
 * the directory.  Sets the columns that the layout fills; there is room for
 * FLOWLOG_IMPORT_SEGMENTS of them.
 */
extern char *flowlog_import_location(const char *root, const FlowObjects *objects,
                                     FlowlogPathColumn *columns, int *ncolumns);

#endif /* FLOWLOG_IMPORT_H */
