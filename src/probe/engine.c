// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Probes the module of the kernel engine: is it loaded, installed for this kernel, and signed if
 * that is needed. Loads nothing. No state, no locks.
 */
#include "probe/probe.h"
#include "util/caps.h"
#include "util/cleanup.h"
#include "util/fd.h"

#include <penstock/penstock.h>

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MODULES     "/lib/modules"
#define SIGNER_SIZE 128

/*
 * Finds the file of the module in the list of modules of a kernel. Returns whether there is one;
 * ret_path is its path.
 */
static bool find_module(const char *release, char ret_path[PATH_MAX])
{
	_cleanup_(freep) char *line = NULL;
	char list[PATH_MAX];
	bool found = false;
	size_t size = 0;
	FILE *lines;

	snprintf(list, sizeof(list), MODULES "/%s/modules.dep", release);
	lines = fopen(list, "re");
	while (lines && !found && getline(&line, &size, lines) > 0) {
		char *name;

		line[strcspn(line, ":\n")] = '\0';
		name = strrchr(line, '/');
		found = strncmp(name ? name + 1 : line, "penstock.ko", 11) == 0;
	}
	if (lines)
		fclose(lines);
	if (found)
		snprintf(ret_path, PATH_MAX, MODULES "/%s/%s", release, line);
	return found;
}

/* Returns whether the module is installed for any kernel. */
static bool is_anywhere(void)
{
	char path[PATH_MAX];
	bool found = false;
	glob_t all;

	if (glob(MODULES "/*/modules.dep", 0, NULL, &all) != 0)
		return false;
	for (size_t i = 0; i < all.gl_pathc && !found; i++) {
		char *release = all.gl_pathv[i] + strlen(MODULES "/");

		release[strcspn(release, "/")] = '\0';
		found = find_module(release, path);
	}
	globfree(&all);
	return found;
}

static void probe_module(struct probe *probe, const char *release, bool loaded, bool installed)
{
	const char *name = "kernel_engine";
	char version[64] = "", path[PATH_MAX];

	snprintf(path, sizeof(path), MODULES "/%s/build/Makefile", release);
	if (loaded) {
		fd_read_file("/sys/module/penstock/version", version, sizeof(version));
		version[strcspn(version, "\n")] = '\0';
		probe_row(
			probe, name, true,
			"The module penstock %s is loaded: engine=kernel uses it, and engine=auto "
			"where it can do all that is asked for.",
			version);
	} else if (installed) {
		probe_row(probe, name, true,
			  "The module penstock is installed for this kernel, but not loaded: "
			  "engine=kernel loads it, engine=auto does not. `modprobe penstock` loads "
			  "it.");
	} else if (!probe_kernel_is(6, 12)) {
		probe_row(probe, name, false,
			  "This kernel is too old. The module penstock needs Linux 6.12.");
	} else if (is_anywhere()) {
		probe_row(probe, name, false,
			  "The module penstock is installed for another kernel, but not for this "
			  "one: install the headers of %s, then run `dkms autoinstall`.",
			  release);
	} else {
		probe_row(probe, name, false,
			  "The module penstock is not installed: run `make kmod-install` in the "
			  "sources of Penstock. The headers of this kernel, which that needs, are "
			  "%sinstalled.",
			  access(path, F_OK) == 0 ? "" : "not ");
	}
}

/*
 * Gets the name of the key that a module file is signed with, from modinfo(8), which also reads
 * compressed modules. Returns false if that cannot be run. *ret_signer is "" without a signature.
 */
static bool get_signer(const char *path, char ret_signer[SIGNER_SIZE])
{
	char command[PATH_MAX + 32];
	FILE *out;

	snprintf(command, sizeof(command), "modinfo -F signer '%s' 2> /dev/null", path);
	out = popen(command, "re");
	if (!out)
		return false;
	if (!fgets(ret_signer, SIGNER_SIZE, out))
		*ret_signer = '\0';
	ret_signer[strcspn(ret_signer, "\n")] = '\0';
	return pclose(out) == 0;
}

/* Returns whether the kernel has a certificate of this name. Only root sees all. */
static bool has_certificate(const char *signer)
{
	_cleanup_(freep) char *line = NULL;
	FILE *keys = fopen("/proc/keys", "re");
	bool found = false;
	size_t size = 0;

	while (keys && !found && getline(&line, &size, keys) > 0)
		found = strstr(line, " asym") && strstr(line, signer);
	if (keys)
		fclose(keys);
	return found;
}

/* Returns whether the kernel loads only modules that are signed with a key that it has. */
static bool needs_signature(void)
{
	char enforced[8] = "";

	fd_read_file("/sys/module/module/parameters/sig_enforce", enforced, sizeof(enforced));
	return enforced[0] == 'Y' || caps_lockdown();
}

static void probe_signature(struct probe *probe, bool loaded, const char *path)
{
	static const char name[] = "module_signature";
	static const char only[] = "This kernel loads only modules that are signed with a key that "
				   "it has";
	char signer[SIGNER_SIZE];

	if (loaded || !needs_signature())
		probe_row(probe, name, true, "%s",
			  loaded ? "The kernel has loaded the module penstock." :
				   "This kernel also loads modules without a signature.");
	else if (!*path)
		probe_row(probe, name, false, "%s. The module penstock is not installed.", only);
	else if (!get_signer(path, signer))
		probe_row(probe, name, false,
			  "%s. modinfo(8), which is in the package kmod, cannot say if the module "
			  "penstock is signed.",
			  only);
	else if (!*signer)
		probe_row(probe, name, false,
			  "%s. The module penstock has no signature: install openssl, with which "
			  "DKMS makes a key, and run `make kmod-install` again in the sources of "
			  "Penstock.",
			  only);
	else if (has_certificate(signer))
		probe_row(probe, name, true, "%s. It has \"%s\", which signed the module penstock.",
			  only, signer);
	else
		probe_row(probe, name, false,
			  "%s. %s \"%s\", which signed penstock: enroll it by `mokutil --import "
			  "/var/lib/dkms/mok.pub` and a reboot (docs/engines.md).",
			  only, geteuid() == 0 ? "It does not have" : "Only root can see if it has",
			  signer);
}

void probe_engine(struct probe *probe)
{
	bool loaded = access("/sys/module/penstock", F_OK) == 0;
	char path[PATH_MAX] = "";
	struct utsname name;

	if (uname(&name) < 0)
		return;
	probe_module(probe, name.release, loaded, find_module(name.release, path));
	probe_signature(probe, loaded, path);
}
