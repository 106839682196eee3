// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The machine (src/machine/) under objects that are damaged or hostile. The sanitizers' build runs
 * this test, too.
 *
 * $FILTER_CALLS is the number of damaged objects (default: 1500), $FILTER_SEED selects others.
 */
#include "../random.h"
#include "../test.h"

#include "../fuzz/fuzz-machine.h"

TEST(damaged_objects_are_refused_or_end, state)
{
	unsigned long n = random_calls(1500);
	struct random random = random_start();
	uint8_t input[400];

	for (unsigned long i = 0; i < n; i++) {
		for (size_t k = 0; k < sizeof(input); k++)
			input[k] = (uint8_t)random_below(&random, 256);
		/* A third of the objects has few changes, so that most of their code runs. */
		if (i % 3 == 0)
			input[1] %= 4;
		LLVMFuzzerTestOneInput(input, sizeof(input));
	}
}

TEST_MAIN(NULL, NULL)
