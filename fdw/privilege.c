/*-------------------------------------------------------------------------
 *
 * privilege.c
 *	  The right to execute the functions that the reader computes in place of
 *	  the executor.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"

#include "catalog/objectaccess.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"

/* Raises an error unless the current user may execute a function. */
static bool
check_function(Oid function, void *context)
{
#if PG_VERSION_NUM >= 160000
	AclResult result = object_aclcheck(ProcedureRelationId, function, GetUserId(), ACL_EXECUTE);
#else
	AclResult result = pg_proc_aclcheck(function, GetUserId(), ACL_EXECUTE);
#endif

	if (result != ACLCHECK_OK)
		aclcheck_error(result, OBJECT_FUNCTION, get_func_name(function));
	InvokeFunctionExecuteHook(function);
	return false;
}

static bool
check_functions(Node *node, void *context)
{
	if (node == NULL)
		return false;
	(void) check_functions_in_node(node, check_function, context);
	return expression_tree_walker(node, check_functions, context);
}

/* Checks all functions of some expressions, as the executor would. */
void
flowlog_check_execute(List *exprs)
{
	(void) check_functions((Node *) exprs, NULL);
}
