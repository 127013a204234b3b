/*-------------------------------------------------------------------------
 *
 * prune.c
 *	  Decides which files a scan need not read, from what is known about them
 *	  before they are opened.
 *
 * A condition whose columns all have the same value in all records of a file
 * (variables of the location, $path, $size, $modified) is evaluated once for
 * each file, and for a directory as soon as its columns are known there.  A
 * filter evaluates it (see qual.c) if it is made of comparisons; an array of a
 * million elements then takes no longer than a short one.  Otherwise
 * PostgreSQL's own executor does, which also evaluates what the filter cannot
 * decide.
 *
 * prune_date.c prunes by dates of which only the beginning is known, and by
 * the times in files' names.
 *
 * Conditions are evaluated in the order of their security levels, as
 * PostgreSQL would do it: one that may leak its arguments comes after all of a
 * lower level.
 *
 * Pruning raises no error that PostgreSQL would not raise.  What may fail in a
 * branch of a condition is not evaluated (see qual_error.c): in a filter its
 * value is unknown, and a condition with such a branch is not one on files.
 * Plain EXPLAIN, which shows what a query would read, evaluates what may fail
 * in a subtransaction; if it fails, the condition prunes nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "flowlog_fdw.h"
#include "prune.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* ---------- planning ---------- */

/* Returns true if the clause is a condition on files. */
bool
flowlog_prune_is_file_qual(const FlowlogTable *table, Index relid, Expr *clause)
{
	Bitmapset *attrs = NULL;
	int member = -1;

	if (contain_subplans((Node *) clause) || contain_volatile_functions((Node *) clause))
		return false;
	pull_varattnos((Node *) clause, relid, &attrs);
	if (bms_is_empty(attrs))
		return false;
	while ((member = bms_next_member(attrs, member)) >= 0)
	{
		int attnum = member + FirstLowInvalidHeapAttributeNumber;
		int column = attnum > 0 ? table->column_of_attr[attnum - 1] : -1;

		/* what PostgreSQL's own input function makes of a text is not known */
		if (column < 0 || !flow_column_is_constant(&table->columns[column]) ||
		    table->columns[column].type == FLOW_OPAQUE)
			return false;
	}

	/*
	 * a listing evaluates it for all files, even if the query would not
	 * evaluate the branch for any row
	 */
	return !flowlog_expr_branch_may_fail(clause, relid);
}

/* Returns true if the clause uses one of a record's times. */
bool
flowlog_prune_has_time(const FlowlogTable *table, Index relid, Expr *clause)
{
	Bitmapset *attrs = NULL;

	pull_varattnos((Node *) clause, relid, &attrs);
	for (int i = 0; i < table->ncolumns; i++)
		if (table->is_time[i] &&
		    bms_is_member(table->attnums[i] - FirstLowInvalidHeapAttributeNumber, attrs))
			return true;
	return false;
}

/* ---------- conditions ---------- */

typedef struct ParameterSearch
{
	ParamListInfo params; /* the parameters supplied; NULL: none */
	bool exec;            /* found: a run-time parameter */
	bool missing;         /* found: a parameter that was not supplied */
} ParameterSearch;

/* Walks over an expression and notes which kinds of parameters it has. */
static bool
find_parameters(Node *node, void *context)
{
	ParameterSearch *search = context;
	const Param *param = (const Param *) node;

	if (node == NULL)
		return false;
	if (!IsA(node, Param))
		return expression_tree_walker(node, find_parameters, context);
	if (param->paramkind == PARAM_EXEC)
		search->exec = true;
	else if (param->paramkind == PARAM_EXTERN)
	{
		ParamListInfo params = search->params;
		ParamExternData space;
		const ParamExternData *data = NULL;

		if (params != NULL && param->paramid > 0 && param->paramid <= params->numParams)
			data = params->paramFetch != NULL
			           ? params->paramFetch(params, param->paramid, true, &space)
			           : &params->params[param->paramid - 1];
		if (data == NULL || !OidIsValid(data->ptype))
			search->missing = true;
	}
	else
		search->missing = true;
	return false;
}

/*
 * Returns true if an expression can be evaluated now.  Planning and plain
 * EXPLAIN have no values of run-time parameters.
 */
static bool
can_be_evaluated(const FlowlogPrune *prune, Expr *clause)
{
	ParameterSearch search = {0};

	if (prune->parent != NULL)
		search.params = prune->parent->state->es_param_list_info;
	(void) find_parameters((Node *) clause, &search);
	if (prune->parent == NULL)
		return !search.exec && !search.missing;
	return !prune->explain_only || (!search.exec && !search.missing);
}

/* ---------- plain EXPLAIN ---------- */

/* Evaluates a part of a clause, and makes a constant of it. */
static void
attempt_part(void *arg)
{
	Attempt *attempt = arg;
	Oid type = exprType((Node *) attempt->expr);
	ExprState *state = ExecInitExpr(attempt->expr, attempt->prune->parent);
	int16 typlen;
	bool typbyval;
	bool isnull;
	Datum value;

	attempt->econtext = CreateExprContext(attempt->prune->parent->state);
	value = ExecEvalExprSwitchContext(state, attempt->econtext, &isnull);
	get_typlenbyval(type, &typlen, &typbyval);
	if (!isnull)
		value = datumCopy(value, typbyval, typlen);
	attempt->value = makeConst(type,
	                           exprTypmod((Node *) attempt->expr),
	                           exprCollation((Node *) attempt->expr),
	                           typlen,
	                           value,
	                           isnull,
	                           typbyval);
	flowlog_prune_end_attempt(attempt);
}

/* Evaluates a condition on the current file. */
static void
attempt_qual(void *arg)
{
	Attempt *attempt = arg;

	attempt->econtext = CreateExprContext(attempt->prune->parent->state);
	attempt->econtext->ecxt_scantuple = attempt->prune->slot;
	attempt->holds = ExecQual(attempt->qual->state, attempt->econtext);
	flowlog_prune_end_attempt(attempt);
}

typedef struct Folding
{
	FlowlogPrune *prune;
	bool failed;
} Folding;

/*
 * Replaces the parts of a clause that have no column and may fail by their
 * values.
 */
static Node *
fold_parts(Node *node, void *context)
{
	Folding *folding = context;
	Attempt attempt = {.prune = folding->prune, .expr = (Expr *) node};

	if (node == NULL || folding->failed)
		return node;
	if (IsA(node, List) || IsA(node, CaseWhen) || !flowlog_expr_is_constant(node))
		return expression_tree_mutator(node, fold_parts, context);
	if (!flowlog_expr_may_fail((Expr *) node, folding->prune->econtext))
		return node;
	folding->failed = !flowlog_prune_try(&attempt, attempt_part);
	return (Node *) attempt.value;
}

/* Returns the clause to be evaluated now, or NULL if it cannot be. */
static Expr *
clause_for_now(FlowlogPrune *prune, Expr *clause)
{
	Folding folding = {.prune = prune};
	Node *folded;

	if (!can_be_evaluated(prune, clause))
		return NULL;
	if (!prune->explain_only)
		return clause;
	folded = fold_parts((Node *) clause, &folding);
	return folding.failed ? NULL : (Expr *) folded;
}

/* ---------- a scan's conditions ---------- */

/* Adds the columns that a condition uses.  All its Vars are the table's. */
static bool
add_columns(Node *node, void *context)
{
	FileQual *qual = ((void **) context)[0];
	const FlowlogTable *table = ((void **) context)[1];

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		qual->columns[qual->ncolumns++] = table->column_of_attr[((Var *) node)->varattno - 1];
		return false;
	}
	return expression_tree_walker(node, add_columns, context);
}

/* Sets up a condition on files. */
static void
init_qual(FlowlogPrune *prune, FileQual *qual, Expr *clause, int flags)
{
	void *context[] = {qual, (void *) prune->definition};
	ParameterSearch search = {0};

	qual->clause = clause;
	qual->level = (Index) flags >> FLOWLOG_QUAL_LEVEL_SHIFT;
	qual->leakproof = (flags & FLOWLOG_QUAL_LEAKPROOF) != 0;
	qual->comparisons = (flags & FLOWLOG_QUAL_COMPARISONS) != 0;
	qual->columns_may_fail = flowlog_expr_columns_may_fail(clause);
	qual->columns =
		palloc(sizeof(int) *
	           (list_length(pull_var_clause((Node *) clause, PVC_RECURSE_PLACEHOLDERS)) + 1));
	(void) add_columns((Node *) clause, context);
	(void) find_parameters((Node *) clause, &search);
	prune->depends_on_run |= search.exec;
}

/* Prepares pruning; returns NULL if there is nothing to prune by. */
FlowlogPrune *
flowlog_prune_create(const FlowlogTable *table, FlowlogBackend *backend, bool explain_only,
                     PlanState *parent, const FlowlogQuals *quals)
{
	FlowlogPrune *prune;
	MemoryContext old;
	ListCell *cell;
	ListCell *flags;

	if (quals->file == NIL && quals->time == NIL && quals->index_use == FLOWLOG_INDEX_UNUSED)
		return NULL;
	old = MemoryContextSwitchTo(backend->context);
	prune = palloc0(sizeof(FlowlogPrune));
	prune->definition = table;
	prune->backend = backend;
	prune->explain_only = explain_only;
	prune->parent = parent;
	prune->quals = palloc0(sizeof(FileQual) * (list_length(quals->file) + 1));

	/* the conditions on files */
	forboth(cell, quals->file, flags, quals->file_flags)
		init_qual(prune, &prune->quals[prune->nquals++], lfirst(cell), lfirst_int(flags));

	/* the conditions on a record's times */
	foreach(cell, quals->time)
	{
		ParameterSearch search = {0};

		(void) find_parameters(lfirst(cell), &search);
		prune->depends_on_run |= search.exec;
		prune->time_clauses = lappend(prune->time_clauses, lfirst(cell));
	}

	/* those that the index is asked for; sets of keys come anew with each run */
	foreach(cell, quals->index_use == FLOWLOG_INDEX_BY_FILTER ? quals->pushed : quals->index)
	{
		ParameterSearch search = {0};

		(void) find_parameters(lfirst(cell), &search);
		prune->depends_on_run |= search.exec || contain_subplans(lfirst(cell));
	}
	prune->index_clauses = quals->index;
	prune->index_use = quals->index_use;
	if (prune->index_use != FLOWLOG_INDEX_UNUSED)
	{
		prune->indexed = flowlog_table_with_bases(table);
		prune->has_sets = quals->sets != NIL;
		prune->depends_on_run |= prune->has_sets;
		prune->lookup =
			AllocSetContextCreate(backend->context, "flowlog_fdw index", ALLOCSET_DEFAULT_SIZES);
	}
	MemoryContextSwitchTo(old);
	return prune;
}

/* Returns true if pruning depends on run-time parameters; accepts NULL. */
bool
flowlog_prune_depends_on_run(const FlowlogPrune *prune)
{
	return prune != NULL && prune->depends_on_run;
}

/* ---------- evaluation ---------- */

/*
 * Evaluates a condition that may fail.  If it fails, it holds, and is not
 * evaluated any more.
 */
static bool
try_qual(FlowlogPrune *prune, FileQual *qual)
{
	Attempt attempt = {.prune = prune, .qual = qual};

	if (flowlog_prune_try(&attempt, attempt_qual))
		return attempt.holds;
	qual->state = NULL;
	return true;
}

/* Returns true if the condition holds.  It can be evaluated. */
static bool
evaluate_qual(FlowlogPrune *prune, FileQual *qual)
{
	FlowBadField bad;
	FlowTruth truth = FLOW_ERROR;

	CHECK_FOR_INTERRUPTS();
	if (qual->filter != NULL)
		truth = flow_filter_test(qual->filter, prune->fields, &bad);
	if (truth != FLOW_ERROR)
		return truth == FLOW_TRUE;
	if (qual->is_attempt)
		return try_qual(prune, qual);
	ResetExprContext(prune->econtext);
	return ExecQual(qual->state, prune->econtext);
}

/* ---------- files and directories ---------- */

/*
 * Sets *holds to false if a condition that can be evaluated does not hold.
 * Returns an error for a file with an invalid value, unless on_error allows
 * it.
 */
static FlowStatus
evaluate_quals(FlowlogPrune *prune, const FlowObject *file, const FlowPathValue *values,
               bool *holds, FlowError *error)
{
	FlowOnError on_error = prune->definition->options.on_error;
	Index skipped = PG_UINT32_MAX; /* lowest level of those not evaluated */

	for (int i = 0; i < prune->nquals && *holds; i++)
	{
		FileQual *qual = &prune->quals[i];
		int unknown = flowlog_prune_first_unknown(prune, qual);

		if (unknown >= 0 && file != NULL && prune->knowledge[unknown] == BAD &&
		    prune->parent != NULL)
		{
			/* all its lines are rejects, whatever the query asks for */
			if (on_error == FLOW_ON_ERROR_IGNORE)
				return FLOW_OK;
			return flow_constant_error(&prune->definition->columns[unknown],
			                           unknown,
			                           file,
			                           prune->statuses[unknown],
			                           on_error == FLOW_ON_ERROR_STOP,
			                           error);
		}
		if (unknown >= 0 || qual->state == NULL || (!qual->leakproof && qual->level > skipped))
		{
			if (file == NULL && qual->state != NULL && (qual->leakproof || qual->level <= skipped))
				*holds = flowlog_prune_may_hold_below(prune, qual, values);
			skipped = Min(skipped, qual->level);
			continue;
		}
		*holds = evaluate_qual(prune, qual);
	}
	return FLOW_OK;
}

/*
 * Decides whether a file is pruned by the index, or is answered for.  It is
 * not if its path has a bad value, which is an error of whoever reads it.
 */
static FlowPruning
look_up(FlowlogPrune *prune, const FlowObject *file, const FlowPathValue *values)
{
	const FlowlogIndexFile *answered = NULL;
	FlowPruning pruning = flowlog_index_prune_file(prune->index, file, &answered);
	const int *columns;
	int count;

	if (pruning != FLOW_ANSWER_BY_INDEX)
		return pruning;
	columns = flowlog_answers_constants(prune->answers, &count);
	if (count > 0 && prune->nquals == 0)
		flowlog_prune_fill_row(prune, file, values);
	for (int i = 0; i < count; i++)
		if (prune->knowledge[columns[i]] != KNOWN)
			return FLOW_KEEP;
	flowlog_answers_add(prune->answers, answered, prune->fields);
	return FLOW_ANSWER_BY_INDEX;
}

/* Decides whether a file or directory is pruned.  May raise errors. */
static FlowStatus
evaluate(FlowlogPrune *prune, const FlowObject *file, const FlowPathValue *values,
         FlowPruning *pruning, FlowError *error)
{
	bool holds = true;
	FlowStatus status;

	*pruning = FLOW_KEEP;
	if (prune->nquals > 0)
	{
		flowlog_prune_fill_row(prune, file, values);
		status = evaluate_quals(prune, file, values, &holds, error);
		if (status != FLOW_OK)
			return status;
	}
	if (holds && file == NULL && prune->nquals > 0)
		holds = flowlog_prune_dates_may_pass(prune, values);
	if (!holds)
		*pruning = FLOW_PRUNE_BY_PATH;
	else if (file != NULL && prune->times != NULL && !flowlog_prune_times_may_pass(prune, file))
		*pruning = FLOW_PRUNE_BY_TIME;
	else if (file != NULL && prune->index != NULL)
		*pruning = look_up(prune, file, values);
	return FLOW_OK;
}

/* The arguments of evaluate, and its result. */
typedef struct Question
{
	FlowlogPrune *prune;
	const FlowObject *file;
	const FlowPathValue *values;
	FlowPruning *pruning;
	FlowError *error;
	FlowStatus status;
} Question;

/* Calls evaluate with the arguments in a Question. */
static void
answer(void *arg)
{
	Question *question = arg;

	question->status = evaluate(question->prune,
	                            question->file,
	                            question->values,
	                            question->pruning,
	                            question->error);
}

/*
 * Calls evaluate, catching errors, which flowlog_raise raises again.
 * FlowPruner's callback.
 */
static FlowStatus
evaluate_safely(void *arg, const FlowObject *file, const FlowPathValue *values,
                FlowPruning *pruning, FlowError *error)
{
	FlowlogPrune *prune = arg;
	Question question = {prune, file, values, pruning, error, FLOW_OK};

	if (!flowlog_backend_call(prune->backend, answer, &question))
		return flowlog_backend_interrupted(error);
	return question.status;
}

/* ---------- a listing ---------- */

/* Returns a copy of the table's tuple descriptor. */
static TupleDesc
table_columns(Oid relid)
{
	Relation relation = table_open(relid, AccessShareLock);
	TupleDesc desc = CreateTupleDescCopy(RelationGetDescr(relation));

	table_close(relation, NoLock);
	return desc;
}

/* Never called: a value is converted only if it is known to be valid. */
static void
bad_field(void *arg, FlowBadField bad)
{
	const FlowlogPrune *prune = arg;

	elog(ERROR,
	     "value of column \"%s\" cannot be converted",
	     prune->definition->columns[bad.column].name);
}

/* Prepares to convert columns.  The result is kept for later listings. */
static void
prepare(FlowlogPrune *prune)
{
	const FlowlogTable *definition = prune->definition;
	FlowlogTupleSource source = {.table = &prune->table,
	                             .host = &prune->backend->host,
	                             .context = prune->backend->context,
	                             .bad_field = bad_field,
	                             .arg = prune};
	int ncolumns = definition->ncolumns;
	TupleDesc desc = table_columns(definition->relid);
	Bitmapset *attrs = NULL;
	FlowError error;

	/* make the slot, and arrays by column */
	prune->econtext = prune->parent != NULL ? CreateExprContext(prune->parent->state)
	                                        : CreateStandaloneExprContext();
	prune->slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	prune->fields = palloc0(sizeof(FlowSlice) * (ncolumns + 1));
	prune->knowledge = palloc0(sizeof(Knowledge) * (ncolumns + 1));
	prune->statuses = palloc0(sizeof(FlowStatus) * (ncolumns + 1));
	prune->intervals = palloc0(sizeof(FlowInterval) * (ncolumns + 1));

	/*
	 * prepare to convert the columns that conditions use, any of which may be
	 * NULL
	 */
	prune->table = *definition;
	prune->table.columns = palloc(sizeof(FlowColumn) * (ncolumns + 1));
	memcpy(prune->table.columns, definition->columns, sizeof(FlowColumn) * ncolumns);
	for (int i = 0; i < ncolumns; i++)
		prune->table.columns[i].not_null = false;
	for (int i = 0; i < prune->nquals; i++)
		for (int k = 0; k < prune->quals[i].ncolumns; k++)
			attrs = bms_add_member(attrs,
			                       definition->attnums[prune->quals[i].columns[k]] -
			                           FirstLowInvalidHeapAttributeNumber);
	prune->tuple = flowlog_tuple_create(&source, desc, attrs);
	if (flow_constants_create(&prune->backend->host,
	                          definition->columns,
	                          ncolumns,
	                          &prune->constants,
	                          &error) != FLOW_OK)
		flowlog_raise(prune->backend, &error, definition);
	prune->pruner = (FlowPruner) {prune, evaluate_safely};
	prune->ready = true;
}

/*
 * Makes a filter of clauses with the current values of parameters; NULL if none
 * of them can be evaluated now.  *complete, if wanted, is set to whether all of
 * them can.
 */
static FlowFilter *
build_filter(FlowlogPrune *prune, List *clauses, bool for_index, bool *complete)
{
	List *now = NIL;
	ListCell *cell;

	foreach(cell, clauses)
	{
		Expr *clause = clause_for_now(prune, lfirst(cell));

		if (clause != NULL)
			now = lappend(now, clause);
	}
	if (complete != NULL)
		*complete = list_length(now) == list_length(clauses);
	return flowlog_qual_filter(for_index ? prune->indexed : prune->definition,
	                           prune->backend,
	                           now,
	                           for_index,
	                           prune->parent,
	                           prune->econtext);
}

/*
 * Returns the table's index, or NULL.  It is read by the snapshot of the query,
 * so that all listings of a scan see the same.
 */
static FlowlogIndexPrune *
known_index(FlowlogPrune *prune)
{
	Snapshot snapshot = prune->parent != NULL ? prune->parent->state->es_snapshot : NULL;

	if (!prune->index_is_known)
		prune->known_index =
			flowlog_index_prune_create(prune->definition,
		                               prune->backend,
		                               snapshot != NULL ? snapshot : GetActiveSnapshot(),
		                               prune->answers != NULL);
	prune->index_is_known = true;
	return prune->known_index;
}

/*
 * Looks up the files in the table's index: by the reader's filter if it is
 * known, or else by the clauses with the current values of parameters.
 */
static void
use_index(FlowlogPrune *prune)
{
	const FlowFilter *filter = prune->index_use == FLOWLOG_INDEX_BY_FILTER ? prune->filter : NULL;
	FlowFilter *built = NULL;
	MemoryContext old;
	bool complete;

	prune->index = NULL;
	if (prune->index_use == FLOWLOG_INDEX_UNUSED || !ActiveSnapshotSet())
	{
		if (prune->answers != NULL)
			flowlog_answers_begin(prune->answers, NULL, false);
		return;
	}
	if (prune->answers != NULL)
	{
		FlowFilter *all = build_filter(prune, prune->pushed, false, &complete);

		flowlog_answers_begin(prune->answers, all, complete); /* it is theirs now */
		if (filter == NULL)
			filter = all;
	}
	if (filter == NULL)
		filter = built = build_filter(prune, prune->index_clauses, true, NULL);
	if (filter == NULL && !flowlog_answers_are_possible(prune->answers))
		return;
	old = MemoryContextSwitchTo(prune->lookup);
	prune->index = known_index(prune);
	if (prune->index != NULL)
		flowlog_index_prune_begin(prune->index, filter, prune->answers);
	MemoryContextSwitchTo(old);
	flow_filter_free(built);
}

/*
 * Makes filters of the conditions on files that are made of comparisons, and
 * of those on a record's times, with the current values of parameters.
 */
static void
build_filters(FlowlogPrune *prune)
{
	for (int i = 0; i < prune->nquals; i++)
		if (prune->quals[i].comparisons && prune->quals[i].now != NULL)
			prune->quals[i].filter = flowlog_qual_filter(prune->definition,
			                                             prune->backend,
			                                             list_make1(prune->quals[i].now),
			                                             false,
			                                             prune->parent,
			                                             prune->econtext);
	prune->times = build_filter(prune, prune->time_clauses, false, NULL);
	use_index(prune);
}

/*
 * Evaluates the values that conditions compare with, and returns what prunes a
 * listing.
 */
const FlowPruner *
flowlog_prune_begin(FlowlogPrune *prune)
{
	MemoryContext old;

	if (prune == NULL)
		return NULL;
	old = MemoryContextSwitchTo(prune->backend->context);
	if (!prune->ready)
		prepare(prune);
	for (int i = 0; i < prune->nquals; i++)
	{
		FileQual *qual = &prune->quals[i];

		qual->nranges = 0;
		if (qual->now != NULL)
			continue;
		qual->now = clause_for_now(prune, qual->clause);
		if (qual->now != NULL)
		{
			qual->state = ExecInitQual(list_make1(qual->now), prune->parent);
			qual->part = flowlog_prune_make_part(prune, qual);
		}
		qual->is_attempt = prune->explain_only && qual->columns_may_fail &&
		                   contain_leaked_vars((Node *) qual->clause);
	}

	/* each rescan builds them anew, so nothing else of them may stay */
	ResetExprContext(prune->econtext);
	MemoryContextSwitchTo(prune->econtext->ecxt_per_tuple_memory);
	build_filters(prune);
	MemoryContextSwitchTo(old);
	return &prune->pruner;
}

void
flowlog_prune_set_answers(FlowlogPrune *prune, FlowlogAnswers *answers, List *pushed)
{
	prune->answers = answers;
	prune->pushed = pushed;
}

void
flowlog_prune_set_filter(FlowlogPrune *prune, const FlowFilter *filter)
{
	if (prune != NULL)
		prune->filter = filter;
}

bool
flowlog_prune_uses_index(const FlowlogPrune *prune)
{
	return prune != NULL && prune->index != NULL;
}

bool
flowlog_prune_waits_for_sets(const FlowlogPrune *prune)
{
	return prune != NULL && prune->has_sets && prune->index_use == FLOWLOG_INDEX_BY_FILTER;
}

FlowPruning
flowlog_prune_file_by_index(const FlowlogPrune *prune, const FlowObject *file)
{
	const FlowlogIndexFile *answered;

	Assert(prune->answers == NULL);
	return flowlog_index_prune_file(prune->index, file, &answered);
}

/* Frees the filters of a listing. */
void
flowlog_prune_end(FlowlogPrune *prune)
{
	if (prune == NULL)
		return;
	for (int i = 0; i < prune->nquals; i++)
	{
		flow_filter_free(prune->quals[i].filter);
		prune->quals[i].filter = NULL;
	}
	flow_filter_free(prune->times);
	prune->times = NULL;
}
