/*-------------------------------------------------------------------------
 *
 * test_sort.c
 *	  Tests flow/sort.c.
 *
 *-------------------------------------------------------------------------
 */
#include "../../flow/sort.h"
#include "unit.h"

static int
compare_numbers(const void *a, const void *b, const void *arg)
{
	uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

	(*(int64_t *) (uintptr_t) arg)++;
	return (x >> 32 > y >> 32) - (x >> 32 < y >> 32);
}

static void
a_sort_is_stable_and_takes_n_log_n_comparisons(void)
{
	static const size_t counts[] = {0, 1, 2, 3, 100, 65536, 100000};
	uint64_t seed = 9;

	for (size_t c = 0; c < flow_countof(counts); c++)
		for (int order = 0; order < 4; order++)
		{
			size_t count = counts[c];
			uint64_t *numbers = malloc((count + 1) * sizeof(uint64_t));
			int64_t steps = 0;

			/* the lower half is the place */
			for (size_t i = 0; i < count; i++)
				numbers[i] = (order == 0   ? unit_random(&seed) % 1000
				              : order == 1 ? i
				              : order == 2 ? count - i
				                           : 7)
				                 << 32 |
				             i;
			CHECK_INT(
				flow_sort(&unit_host, numbers, count, sizeof(uint64_t), compare_numbers, &steps),
				FLOW_OK);
			for (size_t i = 1; i < count; i++)
				CHECK(numbers[i - 1] < numbers[i]);
			CHECK(steps <= (int64_t) count * 18);
			free(numbers);
		}
	CHECK_INT(unit_state.outstanding, 0);
}

static void
a_sort_can_be_interrupted_and_may_lack_memory(void)
{
	static uint64_t numbers[100000];
	uint64_t seed = 9;
	int64_t steps = 0;

	for (size_t i = 0; i < flow_countof(numbers); i++)
		numbers[i] = unit_random(&seed);
	unit_state.interrupt_after = 100;
	CHECK_INT(flow_sort(&unit_host,
	                    numbers,
	                    flow_countof(numbers),
	                    sizeof(uint64_t),
	                    compare_numbers,
	                    &steps),
	          FLOW_INTERRUPTED);
	unit_state.interrupt_after = -1;
	unit_state.fail_after = 0;
	CHECK_INT(flow_sort(&unit_host,
	                    numbers,
	                    flow_countof(numbers),
	                    sizeof(uint64_t),
	                    compare_numbers,
	                    &steps),
	          FLOW_NO_MEMORY);
	unit_state.fail_after = -1;
	CHECK_INT(unit_state.outstanding, 0);
}

int
main(void)
{
	RUN(a_sort_is_stable_and_takes_n_log_n_comparisons);
	RUN(a_sort_can_be_interrupted_and_may_lack_memory);
	return unit_done();
}
