/*-------------------------------------------------------------------------
 *
 * athena_text.c
 *	  Parts of the statements that flowlog_athena_ddl returns.
 *
 *-------------------------------------------------------------------------
 */
#include "athena.h"

#include "utils/builtins.h"

/*
 * Adds a comment before the statement.  A name may have a line break, which
 * would end the comment, so control characters become blanks.
 */
void
flowlog_athena_note(Athena *athena, const char *text)
{
	appendStringInfoString(&athena->notes, "-- ");
	for (const char *c = text; *c != '\0'; c++)
		appendStringInfoChar(&athena->notes, (unsigned char) *c < ' ' ? ' ' : *c);
	appendStringInfoChar(&athena->notes, '\n');
}

/* Returns the table's name, quoted where needed. */
char *
flowlog_athena_name(const FlowHive *hive)
{
	/* the database that exists from the beginning is not a choice */
	if (hive->database == NULL || strcmp(hive->database, "default") == 0)
		return pstrdup(quote_identifier(hive->table));
	return psprintf("%s.%s", quote_identifier(hive->database), quote_identifier(hive->table));
}
