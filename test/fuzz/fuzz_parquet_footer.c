/*-------------------------------------------------------------------------
 *
 * fuzz_parquet_footer.c
 *	  Fuzzes the footer of a Parquet file: any bytes are one, or an error, and
 *	  whatever it says, nothing outside the file is read.
 *
 * The first byte determines how many rows are read at once; the others are the
 * footer, which comes after the magic bytes and a kilobyte of zeros.
 *
 *-------------------------------------------------------------------------
 */
#include "../unit/model_parquet.h"

#define BODY (4 + 1024)
#define MOST_ROWS 500

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ParquetFile file = {NULL, 0, 0, 0, -1, false};
	FlowError error;
	FlowStatus status;
	size_t rows;

	if (size == 0)
		return 0;
	rows = 1 + data[0];
	data++;
	size--;

	file.size = BODY + size + 8;
	file.data = calloc(file.size, 1);
	memcpy(file.data, FLOW_PARQUET_MAGIC, 4);
	memcpy(file.data + BODY, data, size);
	for (int i = 0; i < 4; i++)
		file.data[BODY + size + i] = (uint8_t) (size >> 8 * i);
	memcpy(file.data + BODY + size + 4, FLOW_PARQUET_MAGIC, 4);

	status = parquet_read_all(&unit_host, &file, rows, MOST_ROWS, &error);
	if (status != FLOW_OK && status != FLOW_CORRUPT && status != FLOW_UNSUPPORTED &&
	    status != FLOW_LIMIT)
		abort();
	if (file.out_of_file || unit_state.outstanding != 0)
		abort();
	free(file.data);
	return 0;
}
