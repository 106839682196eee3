# SPDX-License-Identifier: LGPL-2.1-or-later
# Short names for what people do; meson does the work, in build/.
#
#	make                                the program, build/penstock
#	make run LOWER=dir MOUNT=dir        mount a view of dir; without words: a demonstration
#	make test                           all tests
#	make bench                          the table of docs/performance.md
#	make test-kernels                   the same program on other kernels, in virtual machines
#	make install                        program, library, man pages, helpers of mount(8)
#	make clean

BUILD = build
LOWER =
MOUNT =
OPTIONS =

.PHONY: all deps run test bench test-kernels install clean

all: deps
	@tools/build.sh $(BUILD)

deps:
	@tools/deps.sh build

run: all
	@tools/run.sh $(BUILD)/penstock "$(LOWER)" "$(MOUNT)" "$(OPTIONS)"

test:
	@tools/deps.sh build test
	@tools/run-tests.sh

bench: all
	@tools/deps.sh build bench
	@bench/run

test-kernels:
	@tools/deps.sh build test kernels
	@tools/build.sh $(BUILD)
	@tests/kernels/run

install: all
	@meson install -C $(BUILD)

clean:
	rm -rf build build-*
