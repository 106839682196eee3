// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The machine (src/machine/) under objects that are damaged or hostile. The sanitizers' build runs
 * this test, too.
 *
 * $FILTER_CALLS is the number of damaged objects (default: 1500), $FILTER_SEED selects others.
 */
#include "../test.h"

#include "../fuzz/fuzz-machine.h"

TEST(damaged_objects_are_refused_or_end, state)
{
	const char *calls = getenv("FILTER_CALLS"), *seed = getenv("FILTER_SEED");
	unsigned long n = calls ? strtoul(calls, NULL, 0) : 1500;
	uint64_t random = seed ? strtoull(seed, NULL, 0) : 1;
	uint8_t input[400];

	for (unsigned long i = 0; i < n; i++) {
		for (size_t k = 0; k < sizeof(input); k++) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			input[k] = (uint8_t)(random >> 56);
		}
		/* A third of the objects has few changes, so that most of their code runs. */
		if (i % 3 == 0)
			input[1] %= 4;
		LLVMFuzzerTestOneInput(input, sizeof(input));
	}
}

TEST_MAIN(NULL, NULL)
