/*-------------------------------------------------------------------------
 *
 * fuzz_expression.c
 *	  Fuzzes flow/expression*.c and memo.c: evaluates random expressions for
 *	  many records at once, and compares the values with those of each record.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/program.h"

#define MAX_RECORDS 300

/* The rest of the input.  After its end, zeros are taken. */
typedef struct Input
{
	const uint8_t *data;
	size_t len;
} Input;

static unsigned
take(void *arg, unsigned below)
{
	Input *input = arg;

	if (input->len == 0)
		return 0;
	input->len--;
	return *input->data++ % below;
}

/*
 * Takes a few bytes of the input, in place, or a text that is likely to be a
 * value.
 */
static FlowSlice
take_text(Input *input)
{
	static const char *const likely[] = {"-",
	                                     "0",
	                                     "1",
	                                     "-1",
	                                     "7",
	                                     "007",
	                                     "32767",
	                                     "-32768",
	                                     "2147483647",
	                                     "2147483648",
	                                     "9223372036854775807",
	                                     "-9223372036854775808",
	                                     "1774745999",
	                                     "1792890000",
	                                     "4102444799",
	                                     "1969-12-31T23:59:59Z",
	                                     "ACCEPT",
	                                     "REJECT",
	                                     "a text of more than 16 bytes",
	                                     "t",
	                                     "false",
	                                     "\xC3\xA9",
	                                     "10.0.0.1",
	                                     "10.0.0.0/8",
	                                     "2001:db8::1",
	                                     "::ffff:10.0.0.1"};
	unsigned choice = take(input, 48);
	FlowSlice text = {(const char *) input->data, choice % 24};

	if (choice < flow_countof(likely))
		return (FlowSlice) {likely[choice], strlen(likely[choice])};
	if (text.len > input->len)
		text.len = input->len;
	input->data += text.len;
	input->len -= text.len;
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static FlowSlice fields[MAX_RECORDS * NCOLUMNS];
	Input inputs[2] = {{data, len}, {data, len}};
	Program many = {.choose = take, .arg = &inputs[0]};
	Program one = {.choose = take, .arg = &inputs[1]};
	FlowExpression *a = program_make(&many, 4);
	FlowExpression *b = program_make(&one, 4);
	Input *rest = &inputs[0];
	uint64_t shuffle = len;
	size_t different = 0;
	size_t count;
	ModelBatch made;

	/* a few records of the input, many times */
	while (different < 20 && (different == 0 || rest->len > 0))
	{
		for (int i = 0; i < NCOLUMNS; i++)
			fields[different * NCOLUMNS + (size_t) i] = take_text(rest);
		different++;
	}
	count = len % 2 ? different : MAX_RECORDS;
	for (size_t i = different; i < count; i++)
		for (size_t k = 0; k < NCOLUMNS; k++)
			fields[i * NCOLUMNS + k] = fields[(i * 7 + k * (i / 64)) % different * NCOLUMNS + k];

	model_batch(&made, fields, count, NCOLUMNS, &shuffle);
	made.batch.digits = program_no_digits;
	if (program_count_agreeing(&many, a, &one, b, &made.batch, fields, count) != count)
		abort();
	program_free(&many);
	program_free(&one);
	model_batch_free(&made);
	if (unit_state.outstanding != 0)
		abort();
	return 0;
}
