/*-------------------------------------------------------------------------
 *
 * index_answer.c
 *	  Takes from the index what a query wants of whole files: counts of their
 *	  records by action and log status, and the extremes of their times.
 *
 * Such a file is not read.  Its records with the same action and status are
 * alike to the query, so one record, with the file's earliest times, is added
 * to the reader's groups as many times as there are records.  Where the query
 * has extremes of times, a record with the latest times follows, which is not
 * counted.  The other fields of these records are those that a file gives to
 * all of its records; files in which they are the same are added together.
 *
 * Only files that were read to their end without rejects are answered for, and
 * only if the filter is decided for all records of each action and status.
 * Then the filter is tested for each file when it is listed, for times of one
 * file may pass where those of another do not.
 *
 *-------------------------------------------------------------------------
 */
#include "index.h"
#include "fdw/qual.h"

#include "common/hashfn.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "optimizer/clauses.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* memory for the groups of a single record */
#define SINGLE_MEMORY ((Size) 64 * 1024)

/* What a query does with a table's times. */
typedef struct TimeUses
{
	bool any[2];   /* it aggregates start, or end */
	bool extremes; /* and it has extremes of them */
} TimeUses;

/* The fields that records have, one after the other: an int32, their length or -1, and their bytes. */
typedef struct Fields
{
	const char *data;
	Size size;
} Fields;

/* Records of answered files that are alike to the query. */
typedef struct Answer
{
	Fields fields; /* the key: of the constant columns, of action and of log_status */
	slist_node node;
	uint64 count;
	bool has_times[2];
	int64 least[2], greatest[2];
} Answer;

struct FlowlogAnswers
{
	const FlowlogTable *table;
	FlowlogBackend *backend;
	FlowlogIndexColumns columns;
	TimeUses uses;
	int *constants; /* the columns that the query uses and that a file gives a value */
	int nconstants;
	bool *same;              /* by column: see flow_filter_is_decided */
	FlowInterval *intervals; /* by column */
	FlowSlice *record;       /* fields by column */
	StringInfoData key;      /* of the answer that is sought */
	char forms[2][FLOW_FORM_SIZE];
	MemoryContextCallback callback;

	/* for a list of files */
	bool possible;      /* conditions have been evaluated, so files can be answered for */
	FlowFilter *filter; /* of all conditions of records; NULL: there are none */
	MemoryContext memory;
	HTAB *by_fields;
	slist_head all;

	/* what is given to the reader's groups */
	slist_node *next; /* the answer whose record is added next */
	bool begun;
	bool latest; /* it is that with the latest times */
	FlowGroups *alike;
};

/* ---------- planning ---------- */

/* Adds a column's attribute, if there is such a column. */
static Bitmapset *
add_attribute(Bitmapset *attrs, const FlowlogTable *table, int column)
{
	return column < 0
	           ? attrs
	           : bms_add_member(attrs, table->attnums[column] - FirstLowInvalidHeapAttributeNumber);
}

/* Returns the attributes to which a file gives a value. */
static Bitmapset *
constant_attributes(const FlowlogTable *table)
{
	Bitmapset *attrs = NULL;

	for (int i = 0; i < table->ncolumns; i++)
		if (flow_column_is_constant(&table->columns[i]))
			attrs = add_attribute(attrs, table, i);
	return attrs;
}

/* Returns true if an output is a plain count or extreme of one of the times. */
static bool
is_of_time(const FlowlogIndexColumns *columns, const FlowlogOutput *output)
{
	return output->aggregate != NULL && !output->distinct && !output->as_key &&
	       output->column >= 0 &&
	       (output->column == columns->times[0] || output->column == columns->times[1]) &&
	       (output->kind == FLOW_COUNT || output->kind == FLOW_MIN || output->kind == FLOW_MAX);
}

/*
 * Finds out what outputs, a list of expressions, do with times; returns false
 * if the index does not have all that they want of records.
 */
static bool
find_uses(PlannerInfo *root, const FlowlogTable *table, List *outputs, TimeUses *uses)
{
	FlowlogIndexColumns columns = flowlog_index_columns(table);
	Bitmapset *groups = NULL;
	Bitmapset *taken; /* what may be used of a record */
	bool by_group = false;
	ListCell *cell;

	memset(uses, 0, sizeof(*uses));
	for (int k = 0; k < 2; k++)
		groups = add_attribute(groups, table, columns.groups[k]);
	taken = bms_union(constant_attributes(table), groups);

	foreach(cell, outputs)
	{
		Expr *expr = lfirst(cell);
		FlowlogOutput output;
		Bitmapset *attrs = flowlog_part_attributes(NULL, (Node *) expr);

		if (!flowlog_recognise_output(root, table, expr, &output))
			return false;
		if (is_of_time(&columns, &output))
		{
			uses->any[output.column == columns.times[1]] = true;
			attrs = flowlog_part_attributes(NULL, (Node *) output.filter);
			if (output.kind != FLOW_COUNT)
			{
				uses->extremes = true;
				by_group |= bms_overlap(attrs, groups);
			}
		}
		else if (output.aggregate == NULL || output.distinct || output.as_key)
			by_group |= bms_overlap(attrs, groups);
		if (!bms_is_subset(attrs, taken))
			return false;
	}
	/* the extremes are those of all records of a file */
	return !(uses->extremes && by_group);
}

bool
flowlog_index_may_answer(PlannerInfo *root, const FlowlogTable *table, Index relid, List *outputs,
                         List *conditions)
{
	FlowlogIndexColumns columns = flowlog_index_columns(table);
	Bitmapset *known;
	TimeUses uses;
	ListCell *cell;

	foreach(cell, conditions)
		if (contain_subplans(lfirst(cell)) ||
		    !flowlog_qual_is_comparison(root, relid, table, lfirst(cell)))
			return false;
	if (!find_uses(root, table, outputs, &uses))
		return false;

	/* of other columns nothing is known, so conditions on them are not decided */
	known = constant_attributes(table);
	for (int k = 0; k < 2; k++)
	{
		known = add_attribute(known, table, columns.times[k]);
		if (!uses.extremes)
			known = add_attribute(known, table, columns.groups[k]);
	}
	return bms_is_subset(flowlog_part_attributes(NULL, (Node *) conditions), known);
}

/* ---------- a scan ---------- */

/* Releases what the memory context does not own: its reset callback. */
static void
release(void *arg)
{
	FlowlogAnswers *self = arg;

	flow_groups_free(self->alike);
	flow_filter_free(self->filter);
	self->alike = NULL;
	self->filter = NULL;
}

FlowlogAnswers *
flowlog_answers_create(const FlowlogTable *table, FlowlogBackend *backend, List *outputs,
                       const Bitmapset *attrs)
{
	FlowlogAnswers *self = palloc0(sizeof(FlowlogAnswers));

	self->table = table;
	self->backend = backend;
	self->columns = flowlog_index_columns(table);
	if (!find_uses(NULL, table, outputs, &self->uses))
		elog(ERROR,
		     "aggregates of foreign table \"%s\" are not in its index any more",
		     table->name);
	self->constants = palloc(sizeof(int) * (table->ncolumns + 1));
	self->same = palloc0(sizeof(bool) * (table->ncolumns + 1));
	self->intervals = palloc0(sizeof(FlowInterval) * (table->ncolumns + 1));
	self->record = palloc0(sizeof(FlowSlice) * (table->ncolumns + 1));
	initStringInfo(&self->key);
	for (int i = 0; i < table->ncolumns; i++)
	{
		if (!flow_column_is_constant(&table->columns[i]))
			continue;
		self->same[i] = true;
		if (bms_is_member(table->attnums[i] - FirstLowInvalidHeapAttributeNumber, attrs))
			self->constants[self->nconstants++] = i;
	}
	for (int k = 0; k < 2; k++)
		if (self->columns.groups[k] >= 0)
			self->same[self->columns.groups[k]] = !self->uses.extremes;
	self->memory =
		AllocSetContextCreate(CurrentMemoryContext, "flowlog_fdw answers", ALLOCSET_DEFAULT_SIZES);
	self->callback.func = release;
	self->callback.arg = self;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &self->callback);
	return self;
}

const int *
flowlog_answers_constants(const FlowlogAnswers *answers, int *count)
{
	*count = answers->nconstants;
	return answers->constants;
}

/* ---------- what is found for a list of files ---------- */

static uint32
hash_fields(const void *key, Size keysize)
{
	const Fields *fields = key;

	return hash_bytes((const unsigned char *) fields->data, (int) fields->size);
}

static int
compare_fields(const void *a, const void *b, Size keysize)
{
	const Fields *x = a;
	const Fields *y = b;

	return x->size != y->size || memcmp(x->data, y->data, x->size) != 0;
}

/* Forgets all answers; see flowlog_answers_rewind. */
static void
clear(FlowlogAnswers *self)
{
	HASHCTL control = {.keysize = sizeof(Fields),
	                   .entrysize = sizeof(Answer),
	                   .hash = hash_fields,
	                   .match = compare_fields,
	                   .hcxt = self->memory};

	MemoryContextReset(self->memory);
	self->by_fields = hash_create("flowlog_fdw answers",
	                              64,
	                              &control,
	                              HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	slist_init(&self->all);
	flowlog_answers_rewind(self);
}

void
flowlog_answers_begin(FlowlogAnswers *answers, FlowFilter *filter, bool possible)
{
	flow_filter_free(answers->filter);
	answers->filter = filter;
	answers->possible = possible;
	clear(answers);
}

bool
flowlog_answers_are_possible(const FlowlogAnswers *answers)
{
	return answers != NULL && answers->possible;
}

/*
 * Sets *number to the digits of a field whose value is a time; returns false if
 * they would be read as another one.
 */
static bool
number_of_time(FlowType type, int64 time, int64 *number)
{
	int64 milliseconds;

	switch (type)
	{
		case FLOW_TIME:
			milliseconds = time / 1000;
			if (time % 1000 != 0)
				return false;
			break;
		case FLOW_DAY:
			milliseconds = time * SECS_PER_DAY * 1000;
			break;
		default:
			*number = time;
			return true;
	}
	if (milliseconds % 1000 == 0 && milliseconds >= 0 &&
	    milliseconds / 1000 <= (int64) FLOW_MAX_UNIX_SECONDS)
	{
		*number = milliseconds / 1000;
		return true;
	}
	*number = milliseconds;
	return milliseconds > (int64) FLOW_MAX_UNIX_SECONDS &&
	       milliseconds <= (int64) FLOW_MAX_UNIX_MILLISECONDS;
}

/* Returns true if the times of a file can be fields. */
static bool
has_fields(FlowType type, const FlowInterval *times)
{
	int64 number;

	return number_of_time(type, times->low, &number) && number_of_time(type, times->high, &number);
}

bool
flowlog_answers_decide(FlowlogAnswers *answers, const FlowlogIndexFile *file)
{
	if (!answers->possible || !file->covered || file->groups == NULL)
		return false;
	/* without records there is nothing to be known */
	if (VARSIZE_ANY_EXHDR(file->groups) == 0)
		return true;
	for (int k = 0; k < 2; k++)
	{
		const FlowInterval *times = &file->times[k];
		int column = answers->columns.times[k];

		if (column < 0)
			continue;
		if (answers->uses.any[k] && !(times->known && times->always))
			return false;
		if (times->known && !has_fields(answers->table->columns[column].type, times))
			return false;
		answers->intervals[column] = *times;
	}
	return answers->filter == NULL ||
	       flow_filter_is_decided(answers->filter, answers->intervals, answers->same);
}

/* ---------- records ---------- */

/* Appends a field to the key that is sought. */
static void
append_field(FlowlogAnswers *self, FlowSlice field)
{
	int32 len = field.data == NULL ? -1 : (int32) field.len;

	appendBinaryStringInfo(&self->key, (const char *) &len, sizeof(len));
	if (len > 0)
		appendBinaryStringInfo(&self->key, field.data, len);
}

/* Takes the next field from fields that were appended. */
static FlowSlice
take_field(const char **data)
{
	FlowSlice field = {NULL, 0};
	int32 len;

	memcpy(&len, *data, sizeof(len));
	*data += sizeof(len);
	if (len >= 0)
	{
		field = (FlowSlice) {*data, (size_t) len};
		*data += len;
	}
	return field;
}

/* Sets the record's field of a time. */
static void
set_time(FlowlogAnswers *self, int k, bool known, int64 time)
{
	int column = self->columns.times[k];
	FlowValue value;

	if (column < 0)
		return;
	self->record[column] = (FlowSlice) {NULL, 0};
	if (known && number_of_time(self->table->columns[column].type, time, &value.integer))
		self->record[column] = flow_value_write(FLOW_INT64, &value, self->forms[k]);
}

/* Returns true if records with the fields of the record pass the filter. */
static bool
passes(FlowlogAnswers *self)
{
	FlowBadField bad;
	FlowTruth truth;

	if (self->filter == NULL)
		return true;
	truth = flow_filter_test(self->filter, self->record, &bad);
	if (truth == FLOW_ERROR && bad.status == FLOW_INTERRUPTED)
		flowlog_raise_status(self->backend, FLOW_INTERRUPTED);
	if (truth == FLOW_ERROR)
		elog(ERROR, "condition on foreign table \"%s\" is not decided", self->table->name);
	return truth == FLOW_TRUE;
}

/* Widens the times of an answer. */
static void
add_time(Answer *answer, int k, int64 least, int64 greatest)
{
	if (!answer->has_times[k] || least < answer->least[k])
		answer->least[k] = least;
	if (!answer->has_times[k] || greatest > answer->greatest[k])
		answer->greatest[k] = greatest;
	answer->has_times[k] = true;
}

/* Returns the answer with the fields of the key that is sought. */
static Answer *
find_answer(FlowlogAnswers *self)
{
	Fields fields = {self->key.data, (Size) self->key.len};
	bool found;
	Answer *answer = hash_search(self->by_fields, &fields, HASH_ENTER, &found);

	if (!found)
	{
		char *data = MemoryContextAlloc(self->memory, fields.size + 1);

		memcpy(data, fields.data, fields.size);
		memset((char *) answer + sizeof(Fields), 0, sizeof(Answer) - sizeof(Fields));
		answer->fields.data = data;
		slist_push_head(&self->all, &answer->node);
	}
	return answer;
}

/* Adds the records of a file with one action and status. */
static void
add_group(FlowlogAnswers *self, const FlowlogIndexFile *file, const FlowlogIndexedGroup *group)
{
	Answer *answer;

	for (int k = 0; k < 2; k++)
		if (self->columns.groups[k] >= 0)
			self->record[self->columns.groups[k]] = group->values[k];
	if (!passes(self))
		return;
	resetStringInfo(&self->key);
	for (int i = 0; i < self->nconstants; i++)
		append_field(self, self->record[self->constants[i]]);
	for (int k = 0; k < 2; k++)
		append_field(self, group->values[k]);
	answer = find_answer(self);
	answer->count += group->count;
	for (int k = 0; k < 2; k++)
		if (self->uses.any[k])
			add_time(answer, k, file->times[k].low, file->times[k].high);
}

void
flowlog_answers_add(FlowlogAnswers *answers, const FlowlogIndexFile *file, const FlowSlice *fields)
{
	const char *data = VARDATA_ANY(file->groups);
	const char *end = data + VARSIZE_ANY_EXHDR(file->groups);
	FlowlogIndexedGroup group;

	for (int i = 0; i < answers->nconstants; i++)
		answers->record[answers->constants[i]] = fields[answers->constants[i]];
	for (int k = 0; k < 2; k++)
		set_time(answers, k, file->times[k].known, file->times[k].low);
	while (data < end)
	{
		data = flowlog_index_take_group(data, end, &group);
		if (data == NULL)
			flowlog_index_raise_damaged(answers->table);
		add_group(answers, file, &group);
	}
}

/* ---------- for other processes ---------- */

/* What is before the fields of an answer in shared memory. */
typedef struct SharedAnswer
{
	uint64 size; /* of the fields; 0: there are no more answers */
	uint64 count;
	bool has_times[2];
	int64 least[2], greatest[2];
} SharedAnswer;

Size
flowlog_answers_size(FlowlogAnswers *answers)
{
	Size size = sizeof(SharedAnswer);
	slist_iter iter;

	if (answers == NULL || answers->by_fields == NULL)
		return size;
	slist_foreach(iter, &answers->all)
	{
		const Answer *answer = slist_container(Answer, node, iter.cur);

		size = add_size(size, sizeof(SharedAnswer) + MAXALIGN(answer->fields.size));
	}
	return size;
}

void
flowlog_answers_save(FlowlogAnswers *answers, char *shared)
{
	slist_iter iter;

	if (answers != NULL && answers->by_fields != NULL)
	{
		slist_foreach(iter, &answers->all)
		{
			const Answer *answer = slist_container(Answer, node, iter.cur);
			SharedAnswer *to = (SharedAnswer *) shared;

			to->size = answer->fields.size;
			to->count = answer->count;
			for (int k = 0; k < 2; k++)
			{
				to->has_times[k] = answer->has_times[k];
				to->least[k] = answer->least[k];
				to->greatest[k] = answer->greatest[k];
			}
			memcpy(shared + sizeof(SharedAnswer), answer->fields.data, answer->fields.size);
			shared += sizeof(SharedAnswer) + MAXALIGN(answer->fields.size);
		}
		clear(answers);
	}
	memset(shared, 0, sizeof(SharedAnswer));
}

void
flowlog_answers_load(FlowlogAnswers *answers, const char *shared)
{
	const SharedAnswer *from;

	clear(answers);
	while ((from = (const SharedAnswer *) shared)->size > 0)
	{
		Answer *answer;

		resetStringInfo(&answers->key);
		appendBinaryStringInfo(&answers->key, shared + sizeof(SharedAnswer), (int) from->size);
		answer = find_answer(answers);
		answer->count = from->count;
		for (int k = 0; k < 2; k++)
			if (from->has_times[k])
				add_time(answer, k, from->least[k], from->greatest[k]);
		shared += sizeof(SharedAnswer) + MAXALIGN(from->size);
	}
}

/* ---------- what becomes of them ---------- */

void
flowlog_answers_rewind(FlowlogAnswers *answers)
{
	flow_groups_free(answers->alike);
	answers->alike = NULL;
	answers->begun = false;
	answers->latest = false;
	answers->next = NULL;
}

/* Makes the record of an answer. */
static void
make_record(FlowlogAnswers *self, const Answer *answer)
{
	const char *data = answer->fields.data;

	for (int i = 0; i < self->nconstants; i++)
		self->record[self->constants[i]] = take_field(&data);
	for (int k = 0; k < 2; k++)
	{
		FlowSlice field = take_field(&data);

		if (self->columns.groups[k] >= 0)
			self->record[self->columns.groups[k]] = field;
		set_time(self,
		         k,
		         answer->has_times[k],
		         self->latest ? answer->greatest[k] : answer->least[k]);
	}
}

bool
flowlog_answers_give(FlowlogAnswers *answers, FlowlogScan *scan, FlowGroups *groups)
{
	FlowError error;

	if (!answers->begun)
		answers->next = answers->by_fields == NULL ? NULL : answers->all.head.next;
	answers->begun = true;
	while (answers->next != NULL)
	{
		const Answer *answer = slist_container(Answer, node, answers->next);
		FlowStatus status;

		CHECK_FOR_INTERRUPTS();
		if (answers->alike == NULL &&
		    flow_groups_create_alike(groups, SINGLE_MEMORY, &answers->alike, &error) != FLOW_OK)
			flowlog_raise(answers->backend, &error, answers->table);
		make_record(answers, answer);
		while ((status = flow_reader_group_given(scan->reader,
		                                         groups,
		                                         answers->alike,
		                                         answers->record,
		                                         answers->latest ? 0 : answer->count,
		                                         &error)) == FLOW_NEED_VALUE)
			flowlog_qual_resolve(scan, flow_reader_needed(scan->reader));
		if (status == FLOW_OK)
			return false;
		if (status != FLOW_END)
			flowlog_raise(answers->backend, &error, answers->table);
		answers->latest = answers->uses.extremes && !answers->latest;
		if (!answers->latest)
			answers->next = answers->next->next;
	}
	flow_groups_free(answers->alike);
	answers->alike = NULL;
	return true;
}
