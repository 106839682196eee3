# SPDX-License-Identifier: LGPL-2.1-or-later
# Short names for what people do; meson does the work, in build/.
#
#	make                                the program, build/penstock
#	make run LOWER=dir MOUNT=dir        mount a view of dir; without words: a demonstration
#	make test                           all tests: up to 20 minutes on two CPUs
#	make test-quick                     the tests of the edit loop: a minute
#	make bench                          the table of docs/performance.md
#	make bench-kernel                   the table of the kernel engine, in virtual machines
#	make test-kernels                   other kernels and the kernel engine, in virtual
#					    machines: some rings
#	make test-kernels-long              all tests in virtual machines: half a day
#	make kmod KDIR=dir                  the module of the kernel engine (kmod/README.md)
#	make kmod-install, kmod-remove      the same by DKMS, for each kernel with headers
#	make install                        program, library, man pages, helpers of mount(8): for
#					    all users, in /usr/local and /sbin, as root
#	make install PREFIX=dir             the same in dir, for which root is not needed
#	make install DESTDIR=dir            the same as files of a package, below dir
#	make uninstall                      removes what make install has installed last
#	make clean
#	make help                           this list

BUILD = build
LOWER =
MOUNT =
OPTIONS =

.PHONY: all program deps run test test-quick bench bench-kernel test-kernels \
	test-kernels-long kmod kmod-install kmod-remove install uninstall clean help

all: program
	@echo "$(BUILD)/penstock is built; \`make run' shows it, \`make test' tests it," \
		"\`make install' installs it"

# The prefix is kept in build/ until another is given.
program: deps
	@tools/build.sh $(BUILD) $(if $(PREFIX),--prefix=$(abspath $(PREFIX)))

deps:
	@tools/deps.sh build

run: program
	@tools/run.sh $(BUILD)/penstock "$(LOWER)" "$(MOUNT)" "$(OPTIONS)"

test:
	@tools/deps.sh build test
	@tools/run-tests.sh

test-quick:
	@tools/deps.sh build test
	@tools/run-tests.sh quick

bench: program
	@tools/deps.sh build bench
	@bench/run

bench-kernel: program
	@tools/deps.sh build bench kernels
	@tools/build.sh $(BUILD)
	@bench/kernel/run

test-kernels:
	@tools/deps.sh build test kernels
	@tools/build.sh $(BUILD)
	@tests/kernels/all

test-kernels-long:
	@tools/deps.sh build test kernels
	@tools/build.sh $(BUILD)
	@tests/kernels/all long

# In a copy: the kernel's make writes its results beside the sources.
kmod:
	@mkdir -p $(BUILD)/kmod/src && cp -pR kmod include $(BUILD)/kmod && \
		cp -pR src/filter src/kernel $(BUILD)/kmod/src
	@$(MAKE) -s -C $(or $(KDIR),/lib/modules/$(shell uname -r)/build) \
		M=$(abspath $(BUILD))/kmod/kmod modules

# DKMS builds the module anew for each kernel that is installed later.
VERSION = $(shell sed -n 's/^.define PST_VERSION "\(.*\)"/\1/p' include/penstock/penstock.h)
DKMS_SOURCE = /usr/src/penstock-$(VERSION)

kmod-install: kmod-remove
	@tools/deps.sh dkms
	@mkdir -p $(DKMS_SOURCE)/src
	@cp -R kmod include $(DKMS_SOURCE)
	@cp -R src/filter src/kernel $(DKMS_SOURCE)/src
	@sed 's/@VERSION@/$(VERSION)/' kmod/dkms.conf > $(DKMS_SOURCE)/dkms.conf
	@dkms install penstock/$(VERSION) $(if $(KVER),-k $(KVER))

kmod-remove:
	@if command -v dkms > /dev/null; then dkms status penstock | sed 's/[,:].*//' | sort -u | \
		while read -r package; do dkms remove "$$package" --all; done; fi
	@rm -rf /usr/src/penstock-[0-9]*

# The loader finds a library that is new only when its cache has been made anew.
install: program
	@DESTDIR="$(if $(DESTDIR),$(abspath $(DESTDIR)))" tools/install.sh $(BUILD)
	@[ -n "$(DESTDIR)" ] || [ "$$(id -u)" != 0 ] || ldconfig

uninstall:
	@ninja --quiet -C $(BUILD) uninstall | \
		sed -n 's/^Deleted: \([0-9]*\)$$/\1 files and folders are removed/p'

help:
	@sed -n 's/^#\t//p' Makefile | expand

clean:
	rm -rf build build-*
